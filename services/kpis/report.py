"""The figures as the commands print them: one list a topic, one row a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kpis import derive, topics
from services.kpis.board import Board
from services.kpis.selection import Period, Selection
from services.kpis.topics import DEPARTMENTS, ORDER


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
    found: dict[str, Any] = {"policy_version": board.policy.version}
    with board.asking() as conn:
        kept = derive.kept_rows(conn) if derive.are_of(conn, board.policy) else None
        for topic in wanted:
            if topic == DEPARTMENTS and month is not None:
                found[topic] = topics.rollup(conn, Selection("closed", month))
            elif kept is not None and not (by_department and topic != DEPARTMENTS):
                found[topic] = [
                    r for r in kept[topic] if month is None or r["month"] == month.label
                ]
            else:
                keys = None if month is None else [month.label]
                found[topic] = topics.rows_of(conn, topic, keys, by_department=by_department)
    return found
