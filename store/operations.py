"""The log of every change, for ever: who, when, which field, old and new, where it came from.

It is the audit, the source of undo, and what the outbox carries: an operation with deliveries
travels, one without (a change that another operator made) does not have to. Nothing is ever
removed from it. ``changes`` maps a path to ``[old, new]``: the value the edit replaced and the
value it set. Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from store.canon import Value
from store.projects import to_json

Changes: TypeAlias = dict[str, tuple[Value, Value]]

LOCAL, CONFLICT, CARRIED = "local", "conflict", "carried"
"""Origins: local, import, undo, people, discard, conflict (made here), firestore, salesforce
(brought), carried (another operator's edit on its way to Salesforce; its trace is that edit)."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. ``kind`` is create, update, delete or restore."""

    seq: int
    op_id: str
    trace_id: str
    project_id: str
    kind: str
    origin: str
    operator: str
    at: str
    changes: Changes
    undoes: int | None = None


def record(
    conn: sqlite3.Connection,
    *,
    op_id: str,
    trace_id: str,
    project_id: str,
    kind: str,
    origin: str,
    operator: str,
    at: str,
    changes: Mapping[str, tuple[Value, Value]],
    undoes: int | None = None,
) -> int:
    """Append the operation to the log; gives its sequence number."""
    cursor = conn.execute(
        "INSERT INTO operations (op_id, trace_id, project_id, kind, origin, operator, at, changes, "
        "undoes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (op_id, trace_id, project_id, kind, origin, operator, at, to_json(changes), undoes),
    )
    seq = int(cursor.lastrowid or 0)
    if not seq % _GROUP:
        _file(conn)
    return seq


_GROUP = 256
"""Operations that are filed under their projects at a time; fewer than these are searched for."""
_MARK = "COALESCE((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'filed'), 0)"
OF_PROJECT = (
    "SELECT seq FROM histories WHERE project_id = ?1 UNION ALL "
    f"SELECT seq FROM operations WHERE seq > {_MARK} AND project_id = ?1"
)
"""The numbers of a project's operations; its id is the statement's first parameter."""


def _file(conn: sqlite3.Connection) -> None:
    """File what is newer than the mark under its projects, and move the mark."""
    conn.execute(
        f"INSERT INTO histories SELECT project_id, seq FROM operations WHERE seq > {_MARK} "
        "ORDER BY project_id, seq"
    )
    conn.execute(
        "INSERT OR REPLACE INTO meta SELECT 'filed', MAX(seq) FROM operations HAVING MAX(seq) > 0"
    )


def file_all(conn: sqlite3.Connection) -> None:
    """File the whole log anew: after rows came into it some other way than by ``record``."""
    conn.execute("DELETE FROM histories")
    conn.execute("DELETE FROM meta WHERE key = 'filed'")
    _file(conn)


def get(conn: sqlite3.Connection, seq: int) -> Operation | None:
    """The operation with this number."""
    row = conn.execute("SELECT * FROM operations WHERE seq = ?", (seq,)).fetchone()
    return _operation(row) if row else None


def get_many(conn: sqlite3.Connection, seqs: Iterable[int]) -> dict[int, Operation]:
    """The operations with these numbers."""
    rows = conn.execute(
        "SELECT * FROM operations WHERE seq IN (SELECT value FROM json_each(?))",
        (json.dumps(list(seqs)),),
    )
    return {row["seq"]: _operation(row) for row in rows}


def undo_group(conn: sqlite3.Connection, operator: str, *, redo: bool = False) -> list[Operation]:
    """The operator's newest action that can be undone (or whose undo can be redone), as its
    operations, newest first; empty where there is none.

    An action is what one key did: its operations share a trace (a bulk edit, a move, a delete with
    its unlinks). An undo names the operations it reverses; a redo is the undo of an undo.
    """
    rows = conn.execute(
        "SELECT seq, trace_id, undoes FROM operations WHERE operator = ? "
        "AND origin IN ('local', 'undo') ORDER BY seq DESC LIMIT 2000",
        (operator,),
    ).fetchall()
    undo, again = _stacks([(row[0], row[1], row[2]) for row in reversed(rows)])
    stack = again if redo else undo
    if not stack:
        return []
    seqs = [row[0] for row in rows if row[1] == stack[-1]]
    found = get_many(conn, seqs)
    return [found[seq] for seq in seqs]


def unlinked_with(conn: sqlite3.Connection, project_id: str) -> list[str]:
    """The children that the project's last delete took from under it."""
    rows = conn.execute(
        f"""
        SELECT o.project_id FROM operations d JOIN operations o
          ON o.trace_id = d.trace_id AND o.seq < d.seq AND o.project_id <> d.project_id
        WHERE d.seq = (SELECT MAX(seq) FROM operations WHERE seq IN ({OF_PROJECT})
                       AND kind = 'delete')
          AND o.kind = 'update' AND o.changes ->> '$.parent_id[0]' = ?1
          AND o.changes ->> '$.parent_id[1]' IS NULL
        ORDER BY o.seq
        """,
        (project_id,),
    )
    return [row[0] for row in rows]


def _stacks(rows: list[tuple[int, str, int | None]]) -> tuple[list[str], list[str]]:
    """Replay ``(seq, trace, undoes)``, oldest first, into the stacks of traces to undo and redo."""
    trace_of: dict[int, str] = {}
    seen: set[str] = set()
    undo: list[str] = []
    again: list[str] = []
    for seq, trace, undoes in rows:
        first = trace not in seen
        seen.add(trace)
        trace_of[seq] = trace
        if undoes is None:
            if first:
                undo.append(trace)
                again.clear()
            continue
        target = trace_of.get(undoes)
        if target in undo:
            undo.remove(target)
            again.append(trace)
        elif target in again:
            again.remove(target)
            undo.append(trace)
    return undo, again


def among(conn: sqlite3.Connection, op_ids: Iterable[str]) -> set[str]:
    """Those of these operation ids that are in this log."""
    rows = conn.execute(
        "SELECT op_id FROM operations WHERE op_id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(set(op_ids))),),
    )
    return {row[0] for row in rows}


def numbers(conn: sqlite3.Connection, op_ids: Iterable[str]) -> dict[str, int]:
    """The numbers of those of these operations that are in this log."""
    rows = conn.execute(
        "SELECT op_id, seq FROM operations WHERE op_id IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(set(op_ids))),),
    )
    return {row[0]: row[1] for row in rows}


def carried(conn: sqlite3.Connection, op_ids: Iterable[str]) -> dict[str, list[Operation]]:
    """What was carried to Salesforce of these operations, by the operation whose value it was."""
    found: dict[str, list[Operation]] = {}
    rows = conn.execute(
        "SELECT * FROM operations INDEXED BY operations_carried WHERE origin = 'carried' "
        "AND trace_id IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (json.dumps(sorted(set(op_ids))),),
    )
    for row in rows:
        found.setdefault(row["trace_id"], []).append(_operation(row))
    return found


def newest(
    conn: sqlite3.Connection, project_id: str, kind: str, *, carried: bool = False
) -> Operation | None:
    """The last time that a project was deleted, or brought back. Carrying that for somebody is
    none, unless ``carried``."""
    row = conn.execute(
        f"SELECT * FROM operations WHERE seq IN ({OF_PROJECT}) AND kind = ?2 "
        "AND (?3 OR origin <> ?4) ORDER BY seq DESC LIMIT 1",
        (project_id, kind, carried, CARRIED),
    ).fetchone()
    return _operation(row) if row else None


def is_overtaken(conn: sqlite3.Connection, project_id: str, path: str, value: Value) -> bool:
    """Whether a field had this value here until some change replaced it."""
    rows = conn.execute(
        f"SELECT changes FROM operations WHERE seq IN ({OF_PROJECT})", (project_id,)
    )
    found = (_changes(row[0]).get(path) for row in rows)
    return any(change is not None and change[0] == value for change in found)


def history(conn: sqlite3.Connection, project_id: str, limit: int = 500) -> list[Operation]:
    """Everything that ever changed a project, newest first."""
    rows = conn.execute(
        f"SELECT * FROM operations WHERE seq IN ({OF_PROJECT}) AND changes <> '{{}}' "
        "ORDER BY seq DESC LIMIT ?2",
        (project_id, limit),
    )
    return [_operation(row) for row in rows]


def count(conn: sqlite3.Connection, project_id: str) -> int:
    """How many changes a project has had."""
    row = conn.execute(
        f"SELECT COUNT(*) FROM operations WHERE seq IN ({OF_PROJECT}) AND changes <> '{{}}'",
        (project_id,),
    ).fetchone()
    return int(row[0])


def _changes(text: str) -> Changes:
    return {path: (pair[0], pair[1]) for path, pair in json.loads(text).items()}


def _operation(row: sqlite3.Row) -> Operation:
    return Operation(
        row["seq"],
        row["op_id"],
        row["trace_id"],
        row["project_id"],
        row["kind"],
        row["origin"],
        row["operator"],
        row["at"],
        _changes(row["changes"]),
        row["undoes"],
    )
