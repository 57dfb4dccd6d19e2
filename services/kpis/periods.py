"""Periods as people choose and write them. Pure; ``today`` is the UTC date."""

from __future__ import annotations

import datetime as dt
import re

from services.kpis.selection import Period, last_days, month, quarter, year

CHOICES = {
    "30d": "30 days",
    "90d": "90 days",
    "quarter": "This quarter",
    "last-quarter": "The quarter before",
    "year": "This year",
    "last-year": "The year before",
}
"""What moves along with today, by its key."""
USUAL = "90d"
LONGEST_DAYS = 3660
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_HOW = "write 2026-03, 2026-Q1, 2026, or two days: 2026-03-01 2026-04-15"


def period_of(text: str, today: dt.date) -> Period:
    """A key of ``CHOICES``, or what a person wrote: a month, a quarter, a year, the first and the
    last day. Raises ValueError with a sentence that says how to write it."""
    match text:
        case "30d" | "90d":
            return last_days(int(text[:-1]), today)
        case "quarter":
            return quarter(today)
        case "last-quarter":
            return quarter(quarter(today).start - dt.timedelta(days=1))
        case "year":
            return year(today)
        case "last-year":
            return year(dt.date(today.year - 1, 1, 1))
    return _written(text.strip())


def moment_of(text: str) -> dt.datetime:
    """A moment as people write it: the beginning of a day, a month's end (the first instant of the
    next one), or an instant, UTC where it names no zone. Raises ValueError with a sentence."""
    try:
        if re.fullmatch(r"\d{4}-\d\d", text):
            day = month(text).end
            return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        if not re.match(r"\d{4}-\d\d-\d\d(?![-\d])", text):
            raise ValueError
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no date; write 2026-03-31, 2026-03 (its end) or 2026-03-31T12:00:00Z"
        ) from error


def _written(text: str) -> Period:
    days = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:\s*(?:–|to|\.\.)\s*|\s+)(\d{4}-\d\d-\d\d)", text)
    try:
        if days:
            return _days(dt.date.fromisoformat(days[1]), dt.date.fromisoformat(days[2]))
        if found := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text):
            period = quarter(dt.date(int(found[1]), int(found[2]) * 3, 1))
        elif re.fullmatch(r"\d{4}", text):
            period = year(dt.date(int(text), 1, 1))
        elif re.fullmatch(r"\d{4}-\d\d", text):
            period = month(text)
        else:
            raise ValueError(_HOW)
    except (ValueError, OverflowError) as error:
        said = str(error)
        raise ValueError(said if said.startswith(("the ", "write ")) else _HOW) from error
    _check(period.start)
    return period


def _days(first: dt.date, last: dt.date) -> Period:
    _check(first)
    _check(last)
    if last < first:
        raise ValueError("the last day lies before the first")
    if (last - first).days >= LONGEST_DAYS:
        raise ValueError("the period has more than ten years")
    return Period(first, last + dt.timedelta(days=1), f"{first} – {last}")


def _check(day: dt.date) -> None:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"the year lies outside of {_FIRST_YEAR} to {_LAST_YEAR}")
