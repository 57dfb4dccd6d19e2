"""Who closed how much in which department: what the departments' list adds up.

Kept beside the facts, one row a department and person, because nearly every increment touches most
departments: sums and people then need no look at all tickets, and only the median does. Nobody is
the empty text. Hours are decimals, so that what is taken away leaves no trace.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from services.kpis import measures, topics

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from services.kpis.topics import Row

_CYCLE = measures.CYCLE
_SUMS = (
    "sum(tickets)::BIGINT AS tickets, sum(cycle_n)::BIGINT AS cycle_n, "
    "sum(hours)::DECIMAL(38, 12) AS hours, sum(reopened)::BIGINT AS reopened"
)


def make(conn: DuckDBPyConnection) -> None:
    """Add up all facts."""
    conn.execute(f"CREATE OR REPLACE TABLE closers AS {_summed(_closed('facts'))}")


def move(conn: DuckDBPyConnection, before: str, after: str) -> None:
    """Follow some tickets from one state to another, both relations of the facts' shape."""
    moved = f"{_closed(before, -1)} UNION ALL {_closed(after)}"
    conn.execute(f"CREATE OR REPLACE TEMP TABLE moved AS {_summed(moved)}")
    theirs = "(department, assignee) IN (SELECT department, assignee FROM moved)"
    both = f"SELECT * FROM closers WHERE {theirs} UNION ALL FROM moved"
    conn.execute(f"CREATE OR REPLACE TEMP TABLE moved_on AS {_summed(both)}")
    conn.execute(f"DELETE FROM closers WHERE {theirs}")
    conn.execute("INSERT INTO closers FROM moved_on WHERE tickets > 0")


def rollup(conn: DuckDBPyConnection, only: Collection[str] | None) -> list[Row]:
    """The departments' list as ``topics.rows_of`` gives it; ``only`` these departments."""
    some = "true" if only is None else "list_contains(?::VARCHAR[], department)"
    given = [] if only is None else [sorted(only)]
    hours = "sum(hours)::DOUBLE"
    people = "count(*) FILTER (assignee <> '')"
    found = conn.execute(
        f"""SELECT department, tickets, cycle_n, median, hours, people, per_person, reopened, rework
        FROM (SELECT department, sum(tickets)::BIGINT AS tickets, sum(cycle_n)::BIGINT AS cycle_n,
                {hours} AS hours, {people} AS people, {hours} / nullif({people}, 0) AS per_person,
                sum(reopened)::BIGINT AS reopened,
                100.0 * sum(reopened)::BIGINT / nullif(sum(tickets)::BIGINT, 0) AS rework
            FROM closers WHERE {some} GROUP BY department)
        LEFT JOIN (SELECT department, {_CYCLE.figure} AS median FROM facts
            WHERE closed_at IS NOT NULL AND {_CYCLE.where} AND {some} GROUP BY department)
        USING (department) ORDER BY department""",
        given * 2,
    ).fetchall()
    return [topics.rollup_row(row) for row in found]


def _closed(facts: str, sign: int = 1) -> str:
    """What each closed ticket of a relation adds, or (``sign`` -1) takes away."""
    return (
        f"SELECT department, coalesce(assignee, '') AS assignee, {sign}::BIGINT AS tickets, "
        f"CASE WHEN {_CYCLE.where} THEN {sign} ELSE 0 END AS cycle_n, "
        f"weighted_hours * {sign} AS hours, CASE WHEN reopened THEN {sign} ELSE 0 END AS reopened "
        f"FROM {facts} WHERE closed_at IS NOT NULL"
    )


def _summed(parts: str) -> str:
    return f"SELECT department, assignee, {_SUMS} FROM ({parts}) GROUP BY department, assignee"
