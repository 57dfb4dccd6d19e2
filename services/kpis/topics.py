"""The lists that the commands print, by month and by department, as SQL over the facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import measures
from services.kpis.measures import Measure, mean, median, share
from services.kpis.selection import Selection, midnight, month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DIGITS = 6
Row = dict[str, Any]
_Columns = Sequence[tuple[str, str]]
"""Names and the aggregates that they hold."""


def _duration(measure: Measure, unit: str, *, with_mean: bool = False) -> _Columns:
    micros = measure.micros or "NULL"
    columns = [("n", "count(*)"), (f"median_{unit}", measure.figure)]
    return [*columns, (f"mean_{unit}", mean(micros, measure.per))] if with_mean else columns


_CYCLE = measures.CYCLE
_MICROS = _CYCLE.micros or ""
_STARTED = f"FILTER ({_CYCLE.where})"
_CYCLE_N = ("cycle_n", f"count(*) {_STARTED}")
_CYCLE_MEDIAN = ("cycle_median_d", f"{_CYCLE.figure} {_STARTED}")
_REWORK = (("reopened", "count(*) FILTER (reopened)"), ("rework_pct", measures.REWORK.figure))
_TIMELY = f"count(*) FILTER ({measures.BREACH.where})"

TOPICS: dict[str, tuple[Measure, _Columns]] = {
    "monthly": (
        measures.CLOSED,
        (
            ("closed", "count(*)"),
            ("weighted_hours", measures.HOURS),
            ("assignees", "count(DISTINCT assignee)"),
            ("throughput_per_dev", measures.PER_PERSON),
            _CYCLE_N,
            _CYCLE_MEDIAN,
            ("cycle_p85_d", f"{median(_MICROS, _CYCLE.per, '0.85')} {_STARTED}"),
            (
                "cycle_mean_d",
                f"(sum({_MICROS}) {_STARTED})::DOUBLE / nullif(count(*) {_STARTED}, 0) "
                f"/ {_CYCLE.per}",
            ),
            ("no_start", f"count(*) FILTER ({measures.NO_START.where})"),
            *_REWORK,
        ),
    ),
    "mttr": (measures.MTTR, _duration(measures.MTTR, "h", with_mean=True)),
    "intake": (measures.INTAKE, _duration(measures.INTAKE, "h")),
    "inflow": (
        measures.INFLOW,
        (("created", "count(*)"), ("incidents", f"count(*) FILTER ({measures.INCIDENTS.where})")),
    ),
    "first_response": (
        measures.RESPONSE,
        (
            *_duration(measures.RESPONSE, "min"),
            ("breached", f"CASE WHEN {_TIMELY} > 0 THEN count(*) FILTER ({measures.BREACHED}) END"),
            (
                "breach_pct",
                f"100.0 * count(*) FILTER ({measures.BREACHED}) / nullif({_TIMELY}, 0)",
            ),
        ),
    ),
    "assignment": (measures.ASSIGNMENT, _duration(measures.ASSIGNMENT, "min")),
    "releases": (
        measures.RELEASES,
        (
            ("n", "count(*)"),
            ("reliable", "count(*) FILTER (reliable)"),
            ("reliability_pct", share("reliable")),
        ),
    ),
}
"""The lists by month, each with the measure whose tickets and months they are."""
_ROLLUP: _Columns = (
    ("tickets", "count(*)"),
    _CYCLE_N,
    _CYCLE_MEDIAN,
    ("weighted_hours", measures.HOURS),
    ("assignees", "count(DISTINCT assignee)"),
    ("hours_per_person", measures.PER_PERSON),
    *_REWORK,
)
DEPARTMENTS = "departments"
ORDER = (
    "monthly",
    "mttr",
    "intake",
    "inflow",
    DEPARTMENTS,
    "first_response",
    "assignment",
    "releases",
)
"""The topics as they are printed."""


def rows_of(
    conn: DuckDBPyConnection,
    topic: str,
    keys: Iterable[str] | None = None,
    *,
    by_department: bool = False,
) -> list[Row]:
    """A topic's rows in order: a row a month (or department) that has data.

    ``keys``: only these months (or departments). ``by_department`` splits each month.
    """
    if topic == DEPARTMENTS:
        return _query(conn, Selection("closed"), ("department",), _ROLLUP, keys)
    measure, columns = TOPICS[topic]
    grouped = ("month", "department") if by_department else ("month",)
    return _query(conn, Selection(measure.key), grouped, columns, keys)


def rollup(conn: DuckDBPyConnection, selection: Selection) -> list[Row]:
    """The departments of what a selection holds."""
    return _query(conn, selection, ("department",), _ROLLUP, None)


def rollup_row(values: Sequence[Any]) -> Row:
    """A row of the departments' list from its values: the department and what stands in
    ``_ROLLUP``."""
    names = ("department", *(name for name, _ in _ROLLUP))
    return dict(zip(names, map(rounded, values), strict=True))


def _query(
    conn: DuckDBPyConnection,
    selection: Selection,
    grouped: Sequence[str],
    columns: _Columns,
    keys: Iterable[str] | None,
) -> list[Row]:
    where, values = selection.sql()
    moment = selection.counted.moment
    if keys is not None:
        narrowed, more = _only(grouped[0], moment, sorted(keys))
        where, values = f"({where}) AND ({narrowed})", [*values, *more]
    # A month is a number to the database and a text to people.
    named = {"month": f"date_trunc('month', {moment}) AS month", "department": "department"}
    listed = [named[key] for key in grouped] + [f"{sql} AS {name}" for name, sql in columns]
    places = ", ".join(str(place + 1) for place in range(len(grouped)))
    found = conn.execute(
        f"SELECT {', '.join(listed)} FROM {selection.counted.relation} WHERE {where} "
        f"GROUP BY {places} ORDER BY {places}",
        values,
    ).fetchall()
    names = [*grouped, *(name for name, _ in columns)]
    return [dict(zip(names, map(rounded, row), strict=True)) for row in found]


def _only(kind: str, moment: str, keys: Sequence[str]) -> tuple[str, list[Any]]:
    if kind == "department":
        return f"department IN ({', '.join('?' * len(keys))})" if keys else "false", list(keys)
    spans = [month(key) for key in keys]
    parts = [f"{moment} >= ? AND {moment} < ?"] * len(spans)
    ends = [midnight(day) for span in spans for day in (span.start, span.end)]
    return " OR ".join(parts) or "false", ends


def rounded(value: Any) -> Any:
    """A value as it is printed: six digits after the point, a month as ``YYYY-MM``."""
    if isinstance(value, float):
        return round(value, DIGITS)
    return f"{value:%Y-%m}" if isinstance(value, dt.datetime) else value


def count(conn: DuckDBPyConnection, relation: str) -> int:
    """How many rows a relation has."""
    found = conn.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0
