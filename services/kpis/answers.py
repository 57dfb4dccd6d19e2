"""What the board answers: figures, tickets, and how much there is. Plain data, without a query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from services.kpis.measures import Measure
from services.kpis.selection import Selection


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in its measure's unit; None where there is no data, never 0. ``n`` tickets are
    behind it."""

    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Point:
    """One month of a series; ``selection`` are the tickets behind it, ``p85`` stands beside a
    median."""

    month: str
    value: float | None
    n: int
    p85: float | None
    selection: Selection


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with what it was in the period before and its course by month.

    ``people`` is set for the throughput: the distinct assignees it is divided by. ``p85`` and
    ``mean`` stand beside the median where the measure is a duration.
    """

    measure: Measure
    figure: Figure
    before: Figure
    spark: tuple[Point, ...]
    selection: Selection
    people: int | None = None
    p85: float | None = None
    mean: float | None = None

    @property
    def change(self) -> float | None:
        """The figure less the one before; None where either has no data."""
        if self.figure.value is None or self.before.value is None:
            return None
        return self.figure.value - self.before.value

    @property
    def better(self) -> bool | None:
        """Whether the change is for the better; None for none, and where there is no telling."""
        change, lower = self.change, self.measure.lower_is_better
        return None if not change or lower is None else (change < 0) == lower


@dataclass(frozen=True, slots=True)
class Department:
    """One line of the rollup; ``selection`` are its closed tickets."""

    department: str
    tickets: int
    cycle_n: int
    cycle_median_d: float | None
    weighted_hours: float
    assignees: int
    hours_per_person: float | None
    reopened: int
    rework_pct: float
    selection: Selection


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as a list shows it. ``value`` is in the unit of the selection's measure."""

    id: str
    name: str
    title: str
    department: str
    type: str
    priority: str
    status: str
    assignee: str | None
    created_at: dt.datetime
    start_at: dt.datetime | None
    closed_at: dt.datetime | None
    resolved_at: dt.datetime | None
    reopened: bool
    cycle_d: float | None
    value: float | None

    @property
    def close_month(self) -> str:
        """``YYYY-MM``; empty while it is not closed."""
        return f"{self.closed_at:%Y-%m}" if self.closed_at else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; ``total`` is the whole list's length."""

    rows: tuple[Ticket, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole KPI page at once, of one moment of the data."""

    tiles: tuple[Tile, ...]
    series: dict[str, tuple[Point, ...]]
    departments: tuple[Department, ...]
    tickets: int
    policy_version: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to filter by."""

    departments: tuple[str, ...]
    types: tuple[str, ...]
    priorities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the file holds. ``waiting`` history rows belong to no ticket that is known;
    ``truncated`` tickets have a history that begins in the middle."""

    tickets: int
    history: int
    waiting: int
    truncated: int
    first: dt.datetime | None
    last: dt.datetime | None
    pulled_at: str | None
    """When Salesforce was last read to the end (ISO, UTC); None: never."""
