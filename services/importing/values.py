"""What a cell means for its field: the committee's notation turned into canonical values.

Only the notations of the committee's workbook are known (``⭐ P1``, ``In Proof``, the fraction 0.8
for 80 %); anything else goes to the field's own rules, and what these refuse is an error.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from services.importing.columns import CREATED_AT, PROJECT_ID
from services.importing.grid import Fault, Raw, is_blank, text_of
from store import canon, clock
from store.canon import Refusal, Value
from store.fields import BY_PATH, Kind, is_score

_PRIORITY_MARKS = {"⭐": "P1", "🔶": "P2", "⚪": "TBD"}
_STATUS_WORDS = {"In Proof": "In QA"}
_VARIATION_SELECTORS = re.compile("[\ufe0e\ufe0f]")
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,18})?", re.ASCII)


def read(
    path: str, raw: Raw, *, exact: bool = False, zone: dt.tzinfo = dt.UTC
) -> tuple[Value, str]:
    """A cell as the field's canonical value, with a warning or ``""``.

    ``exact``: the file is our own export and holds canonical values. ``zone`` is that of the
    organisation, for a launch target that comes as a moment. Raises Refusal.
    """
    if isinstance(raw, Fault):
        raise Refusal(path, raw.text, raw.message)
    if path == PROJECT_ID:
        text = canon.clean_text(text_of(raw))
        return (None if text is None else canon.check_project_id(text)), ""
    if path == CREATED_AT:
        return _moment(path, raw), ""
    if is_score(path):
        return canon.check(path, raw if isinstance(raw, bool) else text_of(raw)), ""
    if path not in BY_PATH:
        return canon.clean_text(text_of(raw)), ""
    if exact:
        return canon.check(path, text_of(raw)), ""
    if path == "status":
        return _status(path, raw)
    if path == "priority":
        return _priority(path, raw)
    return _by_kind(path, raw, zone), ""


def _by_kind(path: str, raw: Raw, zone: dt.tzinfo) -> Value:
    match BY_PATH[path].kind:
        case Kind.BOOLEAN:
            return canon.check(path, _symbol(raw))
        case Kind.PICKLIST:
            text = _symbol(raw)
            return canon.check(path, _word(text) if path == "level_of_effort" else text)
        case Kind.PERCENT:
            return _readiness(path, raw)
        case Kind.LAUNCH_TARGET:
            return canon.check(path, _day(raw, zone))
        case Kind.INTEGER:
            return canon.check(path, raw if isinstance(raw, bool) else text_of(raw))
        case _:
            return canon.check(path, text_of(raw))


def _status(path: str, raw: Raw) -> tuple[Value, str]:
    text = _symbol(raw)
    if text in ("", "?"):
        what = "a blank status" if text == "" else "the status ?"
        return "Unknown", f"{what} is taken as Unknown"
    return canon.check(path, _STATUS_WORDS.get(text, text)), ""


def _priority(path: str, raw: Raw) -> tuple[Value, str]:
    text = _symbol(raw)
    if text == "":
        return "Not yet Prioritized", "a blank priority is taken as Not yet Prioritized"
    marked = _PRIORITY_MARKS.get(text[0])
    if marked is not None and text[1:].strip() == marked:
        text = marked
    return canon.check(path, text), ""


def _symbol(raw: Raw) -> str:
    """A choice without what can't be part of one: variation selectors and outer white space."""
    return _VARIATION_SELECTORS.sub("", text_of(raw) or "").strip()


def _word(text: str) -> str:
    """``🔴 High`` → ``High``: symbols before and after the word dropped."""
    start, end = 0, len(text)
    while start < end and _is_decoration(text[start]):
        start += 1
    while end > start and _is_decoration(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_decoration(ch: str) -> bool:
    return ch.isspace() or ch == "\u200d" or unicodedata.category(ch) in ("So", "Sk", "Mn")


def _readiness(path: str, raw: Raw) -> Value:
    """A fraction up to 1 (0.8, also the number 1), a number of percent (80), or text (80%)."""
    text = (text_of(raw) or "").strip()
    if isinstance(raw, bool) or not _NUMBER.fullmatch(text):
        return canon.check(path, raw if isinstance(raw, bool) else text)
    number = float(text)
    percent = number * 100 if number <= 1 else number
    whole = round(percent)
    # 0.07 * 100 is 7.000000000000001
    return canon.check(path, whole if abs(percent - whole) < 1e-6 else format(percent, ".15g"))


def _day(raw: Raw, zone: dt.tzinfo) -> str | dt.date | None:
    if isinstance(raw, dt.datetime):
        return (raw.astimezone(zone) if raw.tzinfo else raw).date()
    if isinstance(raw, dt.date):
        return raw
    return None if is_blank(raw) else (text_of(raw) or "").strip()


def _moment(path: str, raw: Raw) -> str | None:
    if is_blank(raw):
        return None
    try:
        moment = (
            raw if isinstance(raw, dt.datetime) else clock.from_iso((text_of(raw) or "").strip())
        )
        return clock.to_iso(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError) as error:
        raise Refusal(
            path, text_of(raw), "it must be a time such as 2026-11-21T05:22:45Z"
        ) from error
