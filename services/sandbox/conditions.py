"""Conditional requests: If-Modified-Since and If-Unmodified-Since, by whole seconds."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime

from services.sandbox.errors import ApiError
from services.sandbox.wire import Answer, Call


def shown_if_changed(call: Call, changed: float, answer: Answer) -> Answer:
    """The answer to a GET of what last changed at ``changed`` (epoch seconds): 304 where it did not
    since, else the answer with its date. A date that is none is no condition.

    Raises ApiError 412 where it changed since the date it must not have.
    """
    since = _moment(call.headers.get("if-modified-since"))
    if since is not None and changed <= since:
        return Answer(304)
    before = _moment(call.headers.get("if-unmodified-since"))
    if before is not None and changed > before:
        raise _precondition()
    dated = {"Last-Modified": formatdate(changed, usegmt=True)}
    return Answer(answer.status, answer.body, dated | dict(answer.headers), answer.media)


def guard_of(call: Call) -> float | None:
    """The moment since which a record that is written must not have changed; None for any.

    Raises ApiError 400 for a date that is none.
    """
    text = call.headers.get("if-unmodified-since")
    guard = _moment(text)
    if text is not None and guard is None:
        raise ApiError(400, "INVALID_HEADER", f"If-Unmodified-Since is no HTTP date: {text}")
    return guard


def keep(guard: float | None, changed: float) -> None:
    """Raise ApiError 412 where a record changed after its guard."""
    if guard is not None and changed > guard:
        raise _precondition()


def _moment(text: str | None) -> float | None:
    """The epoch seconds of an HTTP date; None for none and for what is no date."""
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (OverflowError, ValueError):
        return None


def _precondition() -> ApiError:
    return ApiError(412, "PRECONDITION_FAILED", "The record was modified after the given time")
