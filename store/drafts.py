"""Text that was typed and not saved: it survives a crash. Writers run in ``transaction``."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """``opened_on`` is the value the editor was opened on."""

    project_id: str
    path: str
    text: str
    opened_on: str | None
    at: str


def put(conn: sqlite3.Connection, draft: Draft) -> None:
    """Keep a draft, in the place of an older one of the same field."""
    conn.execute(
        "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?)",
        (draft.project_id, draft.path, draft.text, draft.opened_on, draft.at),
    )


def of_project(conn: sqlite3.Connection, project_id: str) -> list[Draft]:
    """The project's drafts."""
    rows = conn.execute(
        "SELECT project_id, path, text, opened_on, at FROM drafts WHERE project_id = ? "
        "ORDER BY path",
        (project_id,),
    )
    return [Draft(*row) for row in rows]


def remove(conn: sqlite3.Connection, project_id: str, path: str) -> None:
    """Forget a draft: it was saved, or given up."""
    conn.execute("DELETE FROM drafts WHERE project_id = ? AND path = ?", (project_id, path))
