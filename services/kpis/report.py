"""The figures as the commands print them: one list a topic, one row a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import derive, topics
from services.kpis.board import Board
from services.kpis.policy import Policy
from services.kpis.selection import Period, Selection
from services.kpis.topics import DEPARTMENTS, ORDER

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def report(
    board: Board,
    *,
    month: Period | None = None,
    by_department: bool = False,
    wanted: Sequence[str] = ORDER,
) -> dict[str, Any]:
    """``{policy_version, topic: [row, …], …}``: a row a month that has data, oldest first.

    ``month`` narrows every list to one month (the departments to what was closed in it);
    ``by_department`` splits each month by department. Numbers have six digits after the point.
    """
    with board.asking() as conn:
        return told(conn, board.policy, month=month, by_department=by_department, wanted=wanted)


def told(
    conn: DuckDBPyConnection,
    policy: Policy,
    *,
    month: Period | None = None,
    by_department: bool = False,
    wanted: Sequence[str] = ORDER,
) -> dict[str, Any]:
    """The same of a connection with this policy's facts: for who has just brought rows in by it,
    and need not open the file once more."""
    found: dict[str, Any] = {"policy_version": policy.version}
    kept = derive.kept_rows(conn) if derive.are_of(conn, policy) else None
    for topic in wanted:
        if topic == DEPARTMENTS and month is not None:
            found[topic] = topics.rollup(conn, Selection("closed", month))
        elif kept is not None and not (by_department and topic != DEPARTMENTS):
            found[topic] = [r for r in kept[topic] if month is None or r["month"] == month.label]
        else:
            keys = None if month is None else [month.label]
            found[topic] = topics.rows_of(conn, topic, keys, by_department=by_department)
    return found
