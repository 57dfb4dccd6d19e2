"""The figures of the KPI page: tiles, series by month, the departments' rollup."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import looks, measures
from services.kpis.answers import Department, Figure, Point, Tile
from services.kpis.measures import Measure
from services.kpis.selection import Filters, Period, Selection, last_months, midnight, month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SPARK_MONTHS = 12
SERIES = (
    measures.CYCLE,
    measures.MTTR,
    measures.THROUGHPUT,
    measures.INFLOW,
    measures.INCIDENTS,
)
"""The trends that are drawn as charts."""
Compared = Mapping[str, Mapping[bool, looks.Told]]
"""Of each measure by key: in the period (True) and in the one before."""


def count(conn: DuckDBPyConnection, selection: Selection) -> int:
    """How many tickets are behind a figure."""
    where, values = selection.sql()
    query = f"SELECT count(*) FROM {selection.counted.relation} WHERE {where}"
    found = conn.execute(query, values).fetchone()
    return int(found[0]) if found else 0


def tile(conn: DuckDBPyConnection, measure: Measure, period: Period, filters: Filters) -> Tile:
    """A measure over a period, before it, and by month up to its end."""
    courses = series_of(conn, [measure], last_months(SPARK_MONTHS, _last_day(period)), filters)
    return tiles([measure], period, filters, compared(conn, [measure], period, filters), courses)[0]


def compared(
    conn: DuckDBPyConnection, asked: Sequence[Measure], period: Period, filters: Filters
) -> Compared:
    """Measures over a period and over the one before it."""
    both = Period(period.before().start, period.end)
    found: dict[str, dict[bool, looks.Told]] = {}
    for group in looks.alike(asked):
        # The two periods meet: one look tells both.
        bucket = f"{group[0].moment} >= ?"
        found |= looks.look(conn, group, both, filters, bucket, [midnight(period.start)])
    return found


def tiles(
    asked: Sequence[Measure],
    period: Period,
    filters: Filters,
    found: Compared,
    courses: Mapping[str, tuple[Point, ...]],
) -> tuple[Tile, ...]:
    """The tiles of measures, from what ``compared`` found and their series up to the period's
    end."""
    before = period.before()
    made = []
    for each in asked:
        now, old = (found[each.key].get(side, looks.NOTHING) for side in (True, False))
        made.append(
            Tile(
                each,
                Figure(_scaled(now.value, period, each), now.n),
                Figure(_scaled(old.value, before, each), old.n),
                courses[each.key][-SPARK_MONTHS:],
                Selection(each.key, period, filters),
                now.people,
                now.p85,
                now.mean,
            )
        )
    return tuple(made)


def series(
    conn: DuckDBPyConnection, measure: Measure, period: Period, filters: Filters
) -> tuple[Point, ...]:
    """A measure by whole months."""
    return series_of(conn, [measure], period, filters)[measure.key]


def series_of(
    conn: DuckDBPyConnection, asked: Sequence[Measure], period: Period, filters: Filters
) -> dict[str, tuple[Point, ...]]:
    """Measures by whole months."""
    months = period.months()
    whole = Period(month(months[0]).start, month(months[-1]).end)
    told: dict[str, tuple[Point, ...]] = {}
    for group in looks.alike(asked):
        bucket = f"date_trunc('month', {group[0].moment})"
        found = looks.look(conn, group, whole, filters, bucket, [])
        for measure in group:
            by_month = {f"{at:%Y-%m}": values for at, values in found[measure.key].items()}
            selection = Selection(measure.key, whole, filters)
            points = []
            for each in months:
                one = by_month.get(each, looks.NOTHING)
                points.append(Point(each, one.value, one.n, one.p85, selection.in_month(each)))
            told[measure.key] = tuple(points)
    return told


def rollup(
    conn: DuckDBPyConnection, period: Period | None, filters: Filters
) -> tuple[Department, ...]:
    """What was closed, by present department."""
    selection = Selection("closed", period, filters)
    where, values = selection.sql()
    cycle = measures.CYCLE
    rows = conn.execute(
        f"SELECT department, count(*), count(*) FILTER ({cycle.where}), "
        f"{cycle.figure} FILTER ({cycle.where}), {measures.HOURS}, count(DISTINCT assignee), "
        f"{measures.PER_PERSON}, count(*) FILTER (reopened), {measures.REWORK.figure} "
        f"FROM facts WHERE {where} GROUP BY department ORDER BY department",
        values,
    ).fetchall()
    return tuple(Department(*[*row, selection.of_department(row[0])]) for row in rows)


def charted(period: Period) -> Period:
    """The months that charts show: the period's, or the year up to its end where it is shorter."""
    year = last_months(SPARK_MONTHS, _last_day(period))
    return period if period.start < year.start else year


def _last_day(period: Period) -> dt.date:
    return period.end - dt.timedelta(days=1)


def _scaled(value: Any, period: Period, measure: Measure) -> float | None:
    """The throughput of a stretch that is no month is brought to thirty days."""
    if value is None:
        return None
    if measure is measures.THROUGHPUT and not period.is_month:
        return float(value) / (period.days / 30)
    return float(value)
