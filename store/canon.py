"""One canonical form for every value, and the rules a value must keep.

Salesforce trims outer white space, turns empty text into null and CRLF into LF, and gives 80 back
as 80.0. Values take the form it gives back *before* they are stored, compared, hashed or sent, so
that nothing echoes. Text is otherwise kept to the byte: no Unicode normalisation, and a
non-breaking space is content.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeGuard

from store import fields
from store.fields import BY_PATH, Field, Kind

Value: TypeAlias = str | int | bool | None
Values: TypeAlias = dict[str, Value]

# What Java's String.trim removes, and so what Salesforce does: everything up to U+0020.
_TRIMMED = "".join(map(chr, range(0x21)))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_TRUE = {"true", "yes", "y", "1", "x", "✓", "✔", "on"}
_FALSE = {"false", "no", "n", "0", "", "off"}


class Refusal(ValueError):
    """A value that a field can't hold. Names the field, the value and what is allowed."""

    def __init__(self, path: str, value: object, allowed: str) -> None:
        self.path = path
        self.value = value
        self.allowed = allowed
        super().__init__(f"{path}: {shown(value)} is not allowed; {allowed}")


def shown(value: object, limit: int = 60) -> str:
    """A value for a one-line message: quoted, cut, and with its control characters spelled out."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(ch if ch.isprintable() or ch == "\u00a0" else f"\\u{ord(ch):04x}" for ch in text)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return f"“{text}”" if isinstance(value, str) else text


def sf_length(text: str) -> int:
    """Length as Salesforce counts it: UTF-16 code units (an emoji outside the BMP is two)."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean_text(value: object) -> str | None:
    """Text in canonical form: CRLF and CR as LF, trimmed, empty as None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip(_TRIMMED)
    return text or None


def is_launch_date(text: str) -> bool:
    """Whether a launch target is a real calendar date from 1900 to 2099, written YYYY-MM-DD."""
    if not _ISO_DATE.fullmatch(text) or text[:2] not in ("19", "20"):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def launch_date(target: str | None) -> dt.date | None:
    """The date behind a launch target; None for blanks and sentinels (the Salesforce formula)."""
    if target is None or not is_launch_date(target):
        return None
    return dt.date.fromisoformat(target)


def check_project_id(project_id: object, path: str = "project_id") -> str:
    """A valid project id, or Refusal: 1 to 32 of A-Z a-z 0-9 _ -, and not of the form __x__,
    which Firestore keeps for itself."""
    if not isinstance(project_id, str) or not _PROJECT_ID.fullmatch(project_id):
        raise Refusal(path, project_id, "use 1 to 32 of A-Z a-z 0-9 _ -")
    if project_id.startswith("__") and project_id.endswith("__"):
        raise Refusal(path, project_id, "Firestore keeps names of the form __x__")
    return project_id


def is_project_id(text: object) -> TypeGuard[str]:
    """Whether this could be a project's id."""
    try:
        check_project_id(text)
    except Refusal:
        return False
    return True


def is_legible(path: str, value: object) -> bool:
    """Whether what another system holds can be this field at all. A list where a text should be, a
    number field that holds words or more than 64 bits say nothing about the field."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if value is not None and not isinstance(value, (str, bool, int, float)):
        return False
    if _kind(path) in (Kind.INTEGER, Kind.PERCENT):
        number = _lenient_int(value)
        return number is None or (isinstance(number, int) and abs(number) < 1 << 63)
    return True


def settle(path: str, value: object) -> Value:
    """Canonical form without judgement, for what comes from another system.

    Whatever Salesforce or Firestore hold is taken as it is (a value there that our rules would
    refuse is still the value there); only its form is settled.
    """
    kind = _kind(path)
    if kind is Kind.BOOLEAN:
        return _lenient_bool(value)
    if kind in (Kind.INTEGER, Kind.PERCENT):
        return _lenient_int(value)
    text = clean_text(value)
    # Half an emoji (a text that was cut by UTF-16 units) can't be written anywhere here.
    return text and _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def check(path: str, value: object) -> Value:
    """A typed or imported value in canonical form, or Refusal with one clear sentence."""
    rule = _RULES.get(path)
    if rule is not None:
        return rule(BY_PATH[path], value)
    if fields.is_score(path):
        return _check_score(path, value)
    if path == "project_id":
        raise Refusal(path, value, "it is given when the project is made (--id) and never changes")
    raise Refusal(path, value, f"there is no such field; fields are {_known()}")


def check_all(changes: Mapping[str, object]) -> Values:
    """Each value checked; raises the first Refusal, and one for more than six voters is the
    caller's (it needs the project's other scores)."""
    return {path: check(path, value) for path, value in changes.items()}


def check_voters(project_values: Mapping[str, Value]) -> None:
    """Refuse more voters than the nomination matrix has rows."""
    voters = [p for p, v in project_values.items() if fields.is_score(p) and v is not None]
    if len(voters) > fields.VOTERS_MAX:
        raise Refusal(
            "scores",
            ", ".join(fields.voter_of(p) for p in voters),
            f"at most {fields.VOTERS_MAX} voters",
        )


def total_of(values: Mapping[str, Value]) -> int | None:
    """The total score: the sum of the voters' scores, or the stored total where nobody voted."""
    scores = [v for p, v in values.items() if fields.is_score(p) and isinstance(v, int)]
    if scores:
        return sum(scores)
    stored = values.get("total_score")
    return stored if isinstance(stored, int) else None


def _kind(path: str) -> Kind:
    if fields.is_score(path):
        return Kind.INTEGER
    field = BY_PATH.get(path)
    return field.kind if field else Kind.TEXT


def _known() -> str:
    return ", ".join(f.path for f in fields.FIELDS if f.editable) + ", scores.NAME"


def _lenient_bool(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return bool(value)


def _lenient_int(value: object) -> Value:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    try:
        number = float(str(value))
    except ValueError:
        return clean_text(value)
    return round(number) if abs(number) < 1e15 else clean_text(value)


def _check_text(field: Field, value: object) -> str | None:
    if isinstance(value, (dict, list, bool)):
        raise Refusal(field.path, value, "it must be text")
    text = clean_text(value)
    if text is None:
        if field.required:
            raise Refusal(field.path, "", "it can't be empty")
        return None
    _check_characters(field.path, text)
    if field.kind is not Kind.LONG_TEXT and "\n" in text:
        raise Refusal(field.path, text, "it must be one line")
    if field.length is not None and sf_length(text) > field.length:
        raise Refusal(
            field.path,
            text,
            f"it holds {sf_length(text):,} characters and Salesforce takes {field.length:,}",
        )
    if field.kind is Kind.URL:
        _check_url(field, text)
    return text


def _check_characters(path: str, text: str) -> None:
    if text.isprintable():  # the usual case: no control character, no surrogate
        return
    found = _CONTROL.search(text)
    if found:
        raise Refusal(
            path,
            text,
            f"character {found.start() + 1} is the control character U+{ord(found[0]):04X}",
        )
    if _SURROGATE.search(text):
        raise Refusal(path, text, "it holds half of a character (a lone surrogate)")


def _check_url(field: Field, text: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text)
        fine = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if not fine or any(ch.isspace() for ch in text):
        raise Refusal(field.path, text, "it must be an http:// or https:// address")


def _check_choice(field: Field, value: object) -> str | None:
    text = clean_text(value)
    if text is None:
        if field.required:
            raise Refusal(field.path, "", "choose one of " + ", ".join(field.choices))
        return None
    if text not in field.choices:
        raise Refusal(field.path, value, "choose one of " + ", ".join(field.choices))
    return text


def _check_launch(field: Field, value: object) -> str | None:
    if isinstance(value, dt.datetime):
        value = value.date().isoformat()
    elif isinstance(value, dt.date):
        value = value.isoformat()
    text = clean_text(value)
    if text is None or text in fields.LAUNCH_SENTINELS or is_launch_date(text):
        return text
    raise Refusal(
        field.path,
        value,
        "write a date as YYYY-MM-DD (1900 to 2099), one of ?, TBD, N/A, or leave it blank",
    )


def _check_int(field: Field, value: object) -> int | None:
    low, high = field.low or 0, field.high or 0
    allowed = f"it must be a whole number from {low} to {high}"
    if value is None or (isinstance(value, str) and not value.strip(_TRIMMED)):
        return None
    if isinstance(value, bool):
        raise Refusal(field.path, value, allowed)
    text = str(value).strip(_TRIMMED)
    if field.kind is Kind.PERCENT:
        text = text.removesuffix("%").strip(_TRIMMED)
    if not re.fullmatch(r"[+-]?\d{1,15}(\.0*)?", text, re.ASCII):
        raise Refusal(field.path, value, allowed)
    number = int(float(text))
    if not low <= number <= high:
        raise Refusal(field.path, value, allowed)
    return number


def _check_bool(field: Field, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = "" if value is None else str(value).strip(_TRIMMED).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Refusal(field.path, value, "answer true or false")


def _check_parent(field: Field, value: object) -> str | None:
    text = clean_text(value)
    return None if text is None else check_project_id(text, field.path)


def _check_score(path: str, value: object) -> int | None:
    voter = fields.voter_of(path)
    if clean_text(voter) != voter or len(voter) > 60:
        raise Refusal("scores", voter, "a voter's name has 1 to 60 characters and no outer space")
    _check_characters("scores", voter)
    if "\n" in voter or (voter.startswith("__") and voter.endswith("__")):
        raise Refusal("scores", voter, "a voter's name is one line and not of the form __x__")
    allowed = f"a score is a whole number from {fields.SCORE_MIN} to {fields.SCORE_MAX}"
    if value is None or (isinstance(value, str) and not value.strip(_TRIMMED)):
        return None
    text = str(value).strip(_TRIMMED)
    if isinstance(value, bool) or not re.fullmatch(r"\d(\.0*)?", text, re.ASCII):
        raise Refusal(path, value, allowed)
    number = int(float(text))
    if not fields.SCORE_MIN <= number <= fields.SCORE_MAX:
        raise Refusal(path, value, allowed)
    return number


_RULE_OF_KIND: dict[Kind, Callable[[Field, object], Value]] = {
    Kind.BOOLEAN: _check_bool,
    Kind.INTEGER: _check_int,
    Kind.PERCENT: _check_int,
    Kind.PICKLIST: _check_choice,
    Kind.LAUNCH_TARGET: _check_launch,
    Kind.PARENT: _check_parent,
}
_RULES = {field.path: _RULE_OF_KIND.get(field.kind, _check_text) for field in fields.FIELDS}
