"""Fields that were changed on both sides: what each side held, who won, and the loser, for ever.

Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass

from store.canon import Value


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field, or the whole record (path ``*``) for a delete against an edit.

    ``winner`` is mine, theirs or nobody (a person decides); ``state`` open or resolved.
    """

    id: str
    project_id: str
    path: str
    target: str
    base: Value
    mine: Value
    theirs: Value
    winner: str
    mine_at: str
    theirs_at: str
    mine_by: str
    theirs_by: str
    seq: int | None
    state: str
    at: str
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None


_COLUMNS = tuple(Conflict.__slots__)
WHOLE = "*"


def conflict_id(project_id: str, path: str, *parts: str) -> str:
    """The same conflict has the same id for every operator: hash of project, field and the two
    operations (or values and times) that met."""
    text = "\x00".join((project_id, path, *sorted(parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def add(conn: sqlite3.Connection, conflict: Conflict) -> bool:
    """Keep a conflict; False where this one is known already."""
    values = [getattr(conflict, name) for name in _COLUMNS]
    for name in ("base", "mine", "theirs"):
        values[_COLUMNS.index(name)] = json.dumps(getattr(conflict, name), ensure_ascii=False)
    marks = ", ".join("?" * len(_COLUMNS))
    cursor = conn.execute(
        f"INSERT OR IGNORE INTO conflicts ({', '.join(_COLUMNS)}) VALUES ({marks})", values
    )
    return cursor.rowcount == 1


def get(conn: sqlite3.Connection, conflict_id: str) -> Conflict | None:
    """The conflict with this id."""
    row = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM conflicts WHERE id = ?", (conflict_id,)
    ).fetchone()
    return _conflict(row) if row else None


def find(
    conn: sqlite3.Connection, *, project_id: str | None = None, open_only: bool = True
) -> list[Conflict]:
    """Conflicts, newest first."""
    parts, parameters = ["1"], []
    if open_only:
        parts.append("state = 'open'")
    if project_id is not None:
        parts.append("project_id = ?")
        parameters.append(project_id)
    rows = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM conflicts WHERE {' AND '.join(parts)} "
        "ORDER BY at DESC, id",
        parameters,
    )
    return [_conflict(row) for row in rows]


def resolve(
    conn: sqlite3.Connection, conflict_id: str, resolution: str, operator: str, at: str
) -> bool:
    """Close an open conflict; False where it was not open."""
    cursor = conn.execute(
        "UPDATE conflicts SET state = 'resolved', resolution = ?, resolved_by = ?, "
        "resolved_at = ? WHERE id = ? AND state = 'open'",
        (resolution, operator, at, conflict_id),
    )
    return cursor.rowcount == 1


def _conflict(row: sqlite3.Row) -> Conflict:
    values = list(row)
    for name in ("base", "mine", "theirs"):
        index = _COLUMNS.index(name)
        values[index] = json.loads(values[index]) if values[index] is not None else None
    return Conflict(*values)
