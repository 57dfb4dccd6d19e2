"""SOQL's relative dates.

Each is a span of days; weeks start on Sunday, the fiscal year is the calendar year, the zone is
UTC. ``NEXT_N_DAYS:n`` starts tomorrow, ``LAST_N_DAYS:n`` ends today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from services.sandbox.errors import ApiError
from services.sandbox.soql_ast import DateRange

Span = tuple[dt.date, dt.date]
"""The first day, and the day after the last."""

_DAY = dt.timedelta(days=1)


def span_of(literal: DateRange, today: dt.date) -> Span:
    """The days of a relative date. Raises ApiError MALFORMED_QUERY for a word that is none."""
    name, count = literal.word.text, literal.count
    try:
        if count is None and name in _FIXED:
            return _FIXED[name](today)
        if count is not None and name in _COUNTED:
            return _COUNTED[name](today, count)
    except (OverflowError, ValueError):
        raise ApiError(
            400, "MALFORMED_QUERY", f"{name}:{count} is out of the range of dates"
        ) from None
    raise ApiError(400, "MALFORMED_QUERY", f"unexpected token: '{name}'")


def _days(first: dt.date, count: int) -> Span:
    return first, first + count * _DAY


def _week(day: dt.date, shift: int, count: int = 1) -> Span:
    sunday = day - ((day.weekday() + 1) % 7) * _DAY
    return _days(sunday + shift * 7 * _DAY, 7 * count)


def _months(day: dt.date, shift: int, count: int = 1, size: int = 1) -> Span:
    """``count`` spans of ``size`` months, ``shift`` spans away from the one that holds ``day``."""
    number = day.year * 12 + day.month - 1
    first = (number - number % size) + shift * size
    return _first_of(first), _first_of(first + count * size)


def _first_of(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)


_FIXED: dict[str, Callable[[dt.date], Span]] = {
    "YESTERDAY": lambda d: _days(d - _DAY, 1),
    "TODAY": lambda d: _days(d, 1),
    "TOMORROW": lambda d: _days(d + _DAY, 1),
    "LAST_WEEK": lambda d: _week(d, -1),
    "THIS_WEEK": lambda d: _week(d, 0),
    "NEXT_WEEK": lambda d: _week(d, 1),
    "LAST_MONTH": lambda d: _months(d, -1),
    "THIS_MONTH": lambda d: _months(d, 0),
    "NEXT_MONTH": lambda d: _months(d, 1),
    "LAST_90_DAYS": lambda d: _days(d - 90 * _DAY, 91),
    "NEXT_90_DAYS": lambda d: _days(d + _DAY, 90),
    "LAST_QUARTER": lambda d: _months(d, -1, size=3),
    "THIS_QUARTER": lambda d: _months(d, 0, size=3),
    "NEXT_QUARTER": lambda d: _months(d, 1, size=3),
    "LAST_YEAR": lambda d: _months(d, -1, size=12),
    "THIS_YEAR": lambda d: _months(d, 0, size=12),
    "NEXT_YEAR": lambda d: _months(d, 1, size=12),
}
_FIXED |= {
    f"{when}_FISCAL_{unit}": _FIXED[f"{when}_{unit}"]
    for when in ("LAST", "THIS", "NEXT")
    for unit in ("QUARTER", "YEAR")
}

_COUNTED: dict[str, Callable[[dt.date, int], Span]] = {
    "LAST_N_DAYS": lambda d, n: _days(d - n * _DAY, n + 1),
    "NEXT_N_DAYS": lambda d, n: _days(d + _DAY, n),
    "N_DAYS_AGO": lambda d, n: _days(d - n * _DAY, 1),
    "LAST_N_WEEKS": lambda d, n: _week(d, -n, n),
    "NEXT_N_WEEKS": lambda d, n: _week(d, 1, n),
    "N_WEEKS_AGO": lambda d, n: _week(d, -n),
    "LAST_N_MONTHS": lambda d, n: _months(d, -n, n),
    "NEXT_N_MONTHS": lambda d, n: _months(d, 1, n),
    "N_MONTHS_AGO": lambda d, n: _months(d, -n),
    "LAST_N_QUARTERS": lambda d, n: _months(d, -n, n, 3),
    "NEXT_N_QUARTERS": lambda d, n: _months(d, 1, n, 3),
    "N_QUARTERS_AGO": lambda d, n: _months(d, -n, size=3),
    "LAST_N_YEARS": lambda d, n: _months(d, -n, n, 12),
    "NEXT_N_YEARS": lambda d, n: _months(d, 1, n, 12),
    "N_YEARS_AGO": lambda d, n: _months(d, -n, size=12),
}
