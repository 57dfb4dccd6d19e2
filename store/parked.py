"""Records that were read but can't be judged yet, each with the time from which it can.

A record is parked where this side wrote it a moment ago, or where a write of it is under way. The
high-water mark may pass a parked record: it is looked at again by its id. Every function that
writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence


def park(conn: sqlite3.Connection, target: str, ids: Iterable[str], until: float) -> None:
    """Look at these projects' records again from ``until`` (epoch seconds) on."""
    conn.executemany(
        "INSERT OR REPLACE INTO parked (target, project_id, until) VALUES (?, ?, ?)",
        [(target, project_id, until) for project_id in ids],
    )


def due(conn: sqlite3.Connection, target: str, now: float) -> list[str]:
    """The projects whose record can be looked at now."""
    rows = conn.execute(
        "SELECT project_id FROM parked WHERE target = ? AND until <= ? ORDER BY project_id",
        (target, now),
    )
    return [row[0] for row in rows]


def among(conn: sqlite3.Connection, target: str, ids: Sequence[str]) -> set[str]:
    """Those of these projects whose record can't be judged yet."""
    rows = conn.execute(
        "SELECT project_id FROM parked WHERE target = ? "
        "AND project_id IN (SELECT value FROM json_each(?))",
        (target, json.dumps(list(ids))),
    )
    return {row[0] for row in rows}


def next_due(conn: sqlite3.Connection, target: str) -> float | None:
    """When the first parked record can be looked at; None where none is parked."""
    row = conn.execute("SELECT MIN(until) FROM parked WHERE target = ?", (target,)).fetchone()
    return None if row[0] is None else float(row[0])


def release(conn: sqlite3.Connection, target: str, ids: Iterable[str]) -> None:
    """These records were judged."""
    conn.executemany(
        "DELETE FROM parked WHERE target = ? AND project_id = ?", [(target, i) for i in ids]
    )


def forget(conn: sqlite3.Connection, target: str) -> None:
    """The target is another system from now on."""
    conn.execute("DELETE FROM parked WHERE target = ?", (target,))
