"""The structured log: one row for each attempt on each target. Writers run in ``transaction``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

KEPT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Attempt:
    """``outcome`` is ok, judged, or an error class; ``request``/``response`` are JSON texts."""

    at: str
    target: str
    project_id: str
    part: str
    seq: int
    action: str
    outcome: str
    code: str | None = None
    message: str | None = None
    request: str | None = None
    response: str | None = None
    ms: int | None = None


_COLUMNS = tuple(Attempt.__slots__)


def add(conn: sqlite3.Connection, attempts: Iterable[Attempt]) -> None:
    """Write the attempts down."""
    marks = ", ".join("?" * len(_COLUMNS))
    conn.executemany(
        f"INSERT INTO attempts ({', '.join(_COLUMNS)}) VALUES ({marks})",
        [tuple(getattr(each, name) for name in _COLUMNS) for each in attempts],
    )


def of_project(
    conn: sqlite3.Connection, project_id: str, *, seq: int | None = None, limit: int = 50
) -> list[Attempt]:
    """A project's attempts, newest first; with ``seq`` those from that operation on."""
    rows = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM attempts WHERE project_id = ? AND seq >= ? "
        "ORDER BY id DESC LIMIT ?",
        (project_id, seq or 0, limit),
    )
    return [Attempt(*row) for row in rows]


def prune(conn: sqlite3.Connection, before: str) -> int:
    """Forget attempts older than ``before`` (ISO); the audit keeps every change for ever."""
    return conn.execute("DELETE FROM attempts WHERE at < ?", (before,)).rowcount
