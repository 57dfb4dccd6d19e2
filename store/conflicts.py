"""Fields that were changed on both sides: what each side held, who won, and the loser, for ever.

Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from store.canon import Value, Values
from store.projects import to_json


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field, or the whole record (path ``*``) for a delete against an edit.

    ``winner`` is whose value is in force: mine, theirs or nobody (a person decides, or decided for
    a third value); ``state`` open or resolved. Mine is the side of the operator whose program found
    it. ``resolution`` is what a person decided: mine, theirs, value, kept (what was in force
    stayed) or discarded. Of a whole record ``why`` is the sentence that says what happened, and
    ``record`` with ``version`` what the other side held then (None where it was gone).
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
    why: str | None = None
    record: Values | None = None
    version: str | None = None


_COLUMNS = tuple(Conflict.__slots__)
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM conflicts"
_JSON = ("base", "mine", "theirs", "record")
WHOLE = "*"
OPEN, RESOLVED = "open", "resolved"
BACK = "back"
"""The resolution of a question that ended by itself: the record that was missing is there again."""


def conflict_id(project_id: str, path: str, *parts: str) -> str:
    """The same conflict has the same id for every operator: hash of project, field and the two
    operations (or values and times) that met."""
    import hashlib  # loads OpenSSL, which the first paint need not wait for

    text = "\x00".join((project_id, path, *sorted(parts)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def add(conn: sqlite3.Connection, conflict: Conflict, *, shared: bool = False) -> bool:
    """Keep a conflict; False where this one is known already. ``shared`` where the other operators
    have it."""
    values = [getattr(conflict, name) for name in _COLUMNS]
    for name in _JSON:
        values[_COLUMNS.index(name)] = to_json(getattr(conflict, name))
    marks = ", ".join("?" * len(_COLUMNS))
    cursor = conn.execute(
        f"INSERT OR IGNORE INTO conflicts ({', '.join(_COLUMNS)}, shared) VALUES ({marks}, ?)",
        (*values, int(shared)),
    )
    return cursor.rowcount == 1


def get(conn: sqlite3.Connection, conflict_id: str) -> Conflict | None:
    """The conflict with this id."""
    row = conn.execute(f"{_SELECT} WHERE id = ?", (conflict_id,)).fetchone()
    return _conflict(row) if row else None


def starting(conn: sqlite3.Connection, prefix: str, limit: int = 2) -> list[Conflict]:
    """Up to ``limit`` conflicts whose id begins so."""
    rows = conn.execute(
        f"{_SELECT} WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2", (prefix, limit)
    )
    return [_conflict(row) for row in rows]


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
        f"{_SELECT} WHERE {' AND '.join(parts)} ORDER BY at DESC, id",
        parameters,
    )
    return [_conflict(row) for row in rows]


def decided_for_mine(
    conn: sqlite3.Connection, ids: Sequence[str]
) -> dict[str, dict[tuple[str, Value], str]]:
    """Clashes that were decided for mine on one target and may show on the other: by project
    ``(path, theirs)``, with the time of their edit."""
    rows = conn.execute(
        "SELECT project_id, path, theirs, MAX(theirs_at) FROM conflicts WHERE winner = 'mine' "
        "AND project_id IN (SELECT value FROM json_each(?)) GROUP BY project_id, path, theirs",
        (json.dumps(list(ids)),),
    )
    found: dict[str, dict[tuple[str, Value], str]] = {}
    for project_id, path, theirs, theirs_at in rows:
        found.setdefault(project_id, {})[path, json.loads(theirs)] = theirs_at
    return found


def has_lost(conn: sqlite3.Connection, project_id: str, path: str, value: Value) -> bool:
    """Whether a field's value was decided against, here or by another operator."""
    rows = conn.execute(
        "SELECT CASE winner WHEN 'mine' THEN theirs ELSE mine END FROM conflicts "
        "WHERE project_id = ? AND path = ? AND winner IN ('mine', 'theirs')",
        (project_id, path),
    )
    return any(json.loads(row[0]) == value for row in rows)


def waiting_for_person(
    conn: sqlite3.Connection, ids: Sequence[str] | None = None
) -> dict[str, Conflict]:
    """The delete against an edit that nobody has decided, by project (None: of all)."""
    wanted = "" if ids is None else "AND project_id IN (SELECT value FROM json_each(?))"
    rows = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM conflicts INDEXED BY conflicts_open "
        f"WHERE state = 'open' AND path = '{WHOLE}' {wanted} ORDER BY at DESC, id",
        () if ids is None else (json.dumps(list(ids)),),
    )
    return {each.project_id: each for each in map(_conflict, rows)}


def resolve(
    conn: sqlite3.Connection,
    conflict_id: str,
    resolution: str,
    operator: str,
    at: str,
    *,
    winner: str | None = None,
    shared: bool = False,
) -> bool:
    """Close a conflict, or decide a closed one anew; ``winner`` where that changed. False where
    there is no such conflict."""
    cursor = conn.execute(
        "UPDATE conflicts SET state = 'resolved', resolution = ?, resolved_by = ?, "
        "resolved_at = ?, winner = COALESCE(?, winner), shared = ? WHERE id = ?",
        (resolution, operator, at, winner, int(shared), conflict_id),
    )
    return cursor.rowcount == 1


def unshared(conn: sqlite3.Connection, limit: int) -> list[Conflict]:
    """Conflicts of which the other operators do not know, or not how they were resolved."""
    rows = conn.execute(
        f"{_SELECT} INDEXED BY conflicts_unshared WHERE shared = 0 ORDER BY id LIMIT ?", (limit,)
    )
    return [_conflict(row) for row in rows]


def mark_shared(conn: sqlite3.Connection, known: Sequence[Conflict]) -> None:
    """The others know these as they were read; one that was decided since is not meant."""
    conn.executemany(
        "UPDATE conflicts SET shared = 1 WHERE id = ? AND state = ? AND resolved_at IS ?",
        [(each.id, each.state, each.resolved_at) for each in known],
    )


def _conflict(row: sqlite3.Row) -> Conflict:
    values = list(row)
    for name in _JSON:
        index = _COLUMNS.index(name)
        values[index] = json.loads(values[index]) if values[index] is not None else None
    return Conflict(*values)
