"""The figures as the commands print them: one list a topic, one row a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import measures
from services.kpis.board import Board, source_of
from services.kpis.measures import Measure, mean, median, share
from services.kpis.selection import Period, Selection

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
            ("cycle_p85_d", f"{median(_MICROS, _CYCLE.per, 0.85)} {_STARTED}"),
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


def report(
    board: Board,
    *,
    month: Period | None = None,
    by_department: bool = False,
    topics: Sequence[str] = ORDER,
) -> dict[str, Any]:
    """``{policy_version, topic: [row, …], …}``: a row a month that has data, oldest first.

    ``month`` narrows every list to one month (the departments to what was closed in it);
    ``by_department`` splits each month by department. Numbers have six digits after the point.
    """
    found: dict[str, Any] = {"policy_version": board.policy.version}
    with board.asking() as conn:
        for topic in topics:
            found[topic] = (
                _departments(conn, month)
                if topic == DEPARTMENTS
                else _monthly(conn, *TOPICS[topic], month, by_department)
            )
    return found


def _monthly(
    conn: DuckDBPyConnection,
    measure: Measure,
    columns: _Columns,
    month: Period | None,
    by_department: bool,
) -> list[Row]:
    keys = [("month", f"strftime({measure.moment}, '%Y-%m')")]
    if by_department:
        keys.append(("department", "department"))
    return _rows(conn, Selection(measure.key, month), keys, columns)


def _departments(conn: DuckDBPyConnection, month: Period | None) -> list[Row]:
    return _rows(conn, Selection("closed", month), [("department", "department")], _ROLLUP)


def _rows(
    conn: DuckDBPyConnection, selection: Selection, keys: _Columns, columns: _Columns
) -> list[Row]:
    where, values = selection.sql()
    listed = ", ".join(f"{sql} AS {name}" for name, sql in (*keys, *columns))
    grouped = ", ".join(str(i + 1) for i in range(len(keys)))
    rows = conn.execute(
        f"SELECT {listed} FROM {source_of(selection)} WHERE {where} "
        f"GROUP BY {grouped} ORDER BY {grouped}",
        values,
    ).fetchall()
    names = [name for name, _ in (*keys, *columns)]
    return [dict(zip(names, map(rounded, row), strict=True)) for row in rows]


def rounded(value: Any) -> Any:
    """A number to the digits that are printed; anything else as it is."""
    return round(value, DIGITS) if isinstance(value, float) else value
