"""Which tickets: a measure, a stretch of time, filters. Pure; values become parameters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from services.kpis.measures import MEASURES, Measure


@dataclass(frozen=True, slots=True)
class Filters:
    """Present values that tickets are narrowed to; empty takes all. No department is ''."""

    departments: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()

    def sql(self) -> tuple[str, list[Any]]:
        """The condition and its parameters."""
        parts: list[str] = []
        values: list[Any] = []
        for column, wanted in (
            ("department", self.departments),
            ("type", self.types),
            ("priority", self.priorities),
        ):
            if wanted:
                parts.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += wanted
        return " AND ".join(parts) or "true", values


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Period:
    """The days from ``start`` up to, not including, ``end`` (UTC); ``label`` is for people."""

    start: dt.date
    end: dt.date
    label: str = ""

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days

    @property
    def is_month(self) -> bool:
        """Whether it is exactly one calendar month."""
        return self.start.day == 1 and self.end == _next_month(self.start)

    def before(self) -> Period:
        """What it is compared with: as many whole months where it is whole months, else as many
        days."""
        if self.start.day == 1 and self.end.day == 1:
            count = _month_number(self.end) - _month_number(self.start)
            first = _month_of(_month_number(self.start) - count)
            return Period(
                first, self.start, f"the {count} months before" if count > 1 else "the month before"
            )
        return Period(
            self.start - (self.end - self.start), self.start, f"the {self.days} days before"
        )

    def months(self) -> list[str]:
        """The months that it touches, ``YYYY-MM``, oldest first."""
        last = _month_number(self.end - dt.timedelta(days=1))
        return [f"{_month_of(n):%Y-%m}" for n in range(_month_number(self.start), last + 1)]


def last_days(days: int, today: dt.date) -> Period:
    """The days up to and with today."""
    end = today + dt.timedelta(days=1)
    return Period(end - dt.timedelta(days=days), end, f"{days} days")


def month(text: str) -> Period:
    """A calendar month from ``YYYY-MM``. Raises ValueError."""
    if len(text) != 7:
        raise ValueError(f"{text!r} is no month; write it as 2026-03")
    try:
        start = dt.date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise ValueError(f"{text!r} is no month; write it as 2026-03") from error
    return Period(start, _next_month(start), text)


def quarter(today: dt.date) -> Period:
    """The calendar quarter that a day is in."""
    number = _month_number(today) // 3 * 3
    start = _month_of(number)
    return Period(start, _month_of(number + 3), f"Q{(start.month + 2) // 3} {start.year}")


def year(today: dt.date) -> Period:
    """The calendar year that a day is in."""
    return Period(dt.date(today.year, 1, 1), dt.date(today.year + 1, 1, 1), str(today.year))


def last_months(count: int, today: dt.date) -> Period:
    """So many calendar months, the last one the month of ``today``."""
    number = _month_number(today)
    return Period(_month_of(number - count + 1), _month_of(number + 1), f"{count} months")


@dataclass(frozen=True, slots=True)
class Selection:
    """Exactly the tickets behind a figure: those that ``measure`` counts in ``period`` (None: ever)
    under ``filters``. ``part``: only those in the numerator of its rate."""

    measure: str
    period: Period | None = None
    filters: Filters = EVERYTHING
    part: bool = False

    @property
    def counted(self) -> Measure:
        """What is counted. Raises KeyError."""
        return MEASURES[self.measure]

    def in_month(self, text: str) -> Selection:
        """The same in one month; within a period that covers the month by half, that half."""
        whole = month(text)
        if self.period is None:
            return replace(self, period=whole)
        start, end = max(whole.start, self.period.start), min(whole.end, self.period.end)
        return replace(self, period=Period(start, max(start, end), text))

    def of_department(self, name: str) -> Selection:
        """The same of one department."""
        return replace(self, filters=replace(self.filters, departments=(name,)))

    def sql(self, *, narrowed: bool = True) -> tuple[str, list[Any]]:
        """The condition on the facts, and its parameters. Not ``narrowed``: whatever has the
        measure's moment, for who applies the measure's own condition to each figure."""
        measure = self.counted
        filtered, values = self.filters.sql()
        parts = [f"{measure.moment} IS NOT NULL", measure.where if narrowed else "true", filtered]
        if self.period is not None:
            parts.insert(1, f"{measure.moment} >= ? AND {measure.moment} < ?")
            values = [midnight(self.period.start), midnight(self.period.end), *values]
        if self.part and measure.part:
            parts.append(measure.part)
        return " AND ".join(f"({part})" for part in parts if part != "true"), values


def midnight(day: dt.date) -> dt.datetime:
    """The instant a UTC day begins, as the store writes times: without a zone."""
    return dt.datetime(day.year, day.month, day.day)


def _month_number(day: dt.date) -> int:
    return day.year * 12 + day.month - 1


def _month_of(number: int) -> dt.date:
    return dt.date(number // 12, number % 12 + 1, 1)


def _next_month(day: dt.date) -> dt.date:
    return _month_of(_month_number(day) + 1)
