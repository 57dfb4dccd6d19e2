"""Arbitrary canonical projects."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from store import fields
from store.canon import Values, clean_text, sf_length, total_of
from store.fields import Field, Kind

NASTY = [
    "[P1] Bracketed [/red] Name",
    "=Formula",
    "'=Formula",
    "''@x",
    "+1",
    "-1",
    "@cmd",
    "🧩 Feedback Platform",
    "❤️\u200d🩹",
    "تقويم الفعاليات",
    "\u00a0a\u00a0b\u00a0",
    'say "hi"',
    "a|b\\c",
    "#N/A",
    "TRUE",
    "2026.0",
    "_x000D_",
    "x\u2028y\u2029z",
    "null",
    "a;b\tc,d",
]
_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
_LINES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60
)


def _text(field: Field) -> st.SearchStrategy[Any]:
    raw = _LINES if field.kind is Kind.LONG_TEXT else _LINE
    texts = (raw | st.sampled_from(NASTY)).map(clean_text)
    fitting = texts.filter(lambda t: t is None or sf_length(t) <= (field.length or 999))
    return fitting.filter(lambda t: t is not None) if field.required else fitting


def _is_reserved(name: str) -> bool:
    """Names that Firestore keeps for itself."""
    return name.startswith("__") and name.endswith("__")


def _value(field: Field) -> st.SearchStrategy[Any]:
    match field.kind:
        case Kind.PICKLIST:
            choices = st.sampled_from(field.choices)
            return choices if field.required else st.none() | choices
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER | Kind.PERCENT:
            return st.none() | st.integers(field.low, field.high)
        case Kind.URL:
            return st.sampled_from([None, "https://x.example/a?b=c&d=%20#e", "http://b.example"])
        case Kind.PARENT:
            return st.none()
        case Kind.LAUNCH_TARGET:
            days = st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)).map(str)
            return st.none() | st.sampled_from(fields.LAUNCH_SENTINELS) | days
    return _text(field)


_VOTER = (
    (_LINE | st.sampled_from([n for n in NASTY if len(n) < 30]))
    .map(clean_text)
    .filter(lambda v: v is not None and not _is_reserved(v))
)
_SCORES = st.dictionaries(_VOTER, st.integers(1, 5), max_size=fields.VOTERS_MAX)
_IDS = st.text("abcXYZ019_-", min_size=1, max_size=fields.PROJECT_ID_MAX).filter(
    lambda project_id: not _is_reserved(project_id)
)


@st.composite
def _project(draw: st.DrawFn) -> Values:
    values: Values = {field.path: draw(_value(field)) for field in fields.FIELDS}
    for voter, score in draw(_SCORES).items():
        values[fields.SCORES_PREFIX + str(voter)] = score
    values["total_score"] = total_of(values)
    return values


@st.composite
def projects(draw: st.DrawFn) -> dict[str, Values]:
    """Up to four projects by id; one may be the parent of the others."""
    ids = draw(st.lists(_IDS, min_size=1, max_size=4, unique=True))
    found = {project_id: draw(_project()) for project_id in ids}
    if draw(st.booleans()):
        for project_id in ids[1:]:
            found[project_id]["parent_id"] = ids[0]
    return found
