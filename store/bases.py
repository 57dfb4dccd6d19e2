"""The last state known to be common with each target.

A base is judged against its own target only: Salesforce's may lag days behind Firestore's. Every
function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from store.canon import Values
from store.projects import to_json


@dataclass(frozen=True, slots=True)
class Base:
    """``present`` is False where the record is known to be gone there. ``token`` is the target's
    version of the record (Firestore update_time, Salesforce SystemModstamp), if known; it
    is ``settled`` where it was judged so late that no edit can come under the same version."""

    project_id: str
    target: str
    present: bool
    values: Values = field(default_factory=dict)
    token: str | None = None
    remote_id: str | None = None
    modified_at: str | None = None
    acked_at: str = ""
    shared: bool = True
    settled: bool = False


_SELECT = (
    "SELECT project_id, target, present, vals, token, remote_id, modified_at, acked_at, shared, "
    "settled FROM bases"
)


def get(conn: sqlite3.Connection, project_id: str, target: str) -> Base | None:
    """The base of a project with a target; None where it never was there."""
    return get_many(conn, [project_id], target).get(project_id)


def get_many(conn: sqlite3.Connection, ids: Sequence[str], target: str) -> dict[str, Base]:
    """The bases of several projects with one target."""
    rows = conn.execute(
        f"{_SELECT} WHERE target = ? AND project_id IN (SELECT value FROM json_each(?))",
        (target, json.dumps(list(ids))),
    )
    return {row[0]: _base(row) for row in rows}


def remote_ids(conn: sqlite3.Connection, target: str) -> dict[str, str]:
    """The target's own id of every record that is known to be there, by project."""
    rows = conn.execute(
        "SELECT project_id, remote_id FROM bases "
        "WHERE target = ? AND present AND remote_id IS NOT NULL",
        (target,),
    )
    return {row[0]: row[1] for row in rows}


def settled(conn: sqlite3.Connection, target: str) -> dict[str, str]:
    """The version of every record that need not be looked at while it has it, by its id there."""
    rows = conn.execute(
        "SELECT remote_id, token FROM bases WHERE target = ? AND settled AND present", (target,)
    )
    return {row[0]: row[1] for row in rows}


def unshared(conn: sqlite3.Connection, target: str, limit: int) -> list[Base]:
    """Bases that the Firestore document does not know yet."""
    rows = conn.execute(
        f"{_SELECT} INDEXED BY bases_unshared WHERE target = ? AND shared = 0 LIMIT ?",
        (target, limit),
    )
    return [_base(row) for row in rows]


def count_unshared(conn: sqlite3.Connection, target: str) -> int:
    """How many bases the documents do not know yet."""
    row = conn.execute(
        "SELECT COUNT(*) FROM bases INDEXED BY bases_unshared WHERE target = ? AND shared = 0",
        (target,),
    ).fetchone()
    return int(row[0])


def put(conn: sqlite3.Connection, entries: Iterable[Base]) -> None:
    """Store whole bases."""
    conn.executemany(
        "INSERT OR REPLACE INTO bases (project_id, target, present, vals, token, remote_id, "
        "modified_at, acked_at, shared, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_row(entry) for entry in entries],
    )


def patch(conn: sqlite3.Connection, entries: Iterable[Base]) -> None:
    """Lay the given values over the stored ones (a null takes its path out: absent is null)."""
    conn.executemany(
        "INSERT INTO bases (project_id, target, present, vals, token, remote_id, modified_at, "
        "acked_at, shared, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (project_id, target) DO UPDATE SET present = excluded.present, "
        "vals = json_patch(vals, excluded.vals), token = COALESCE(excluded.token, token), "
        "remote_id = COALESCE(excluded.remote_id, remote_id), "
        "modified_at = COALESCE(excluded.modified_at, modified_at), "
        "acked_at = excluded.acked_at, shared = excluded.shared, settled = 0",
        [_row(entry) for entry in entries],
    )


def unshare(conn: sqlite3.Connection, project_id: str, target: str) -> None:
    """Have the document told of this base (again)."""
    conn.execute(
        "UPDATE bases SET shared = 0 WHERE project_id = ? AND target = ?", (project_id, target)
    )


def mark_shared(conn: sqlite3.Connection, entries: Iterable[tuple[str, str, str]]) -> None:
    """``(project_id, target, acked_at)``: the document knows this base, unless it moved since."""
    conn.executemany(
        "UPDATE bases SET shared = 1 WHERE project_id = ? AND target = ? AND acked_at = ?",
        list(entries),
    )


def set_tokens(conn: sqlite3.Connection, target: str, tokens: Mapping[str, str | None]) -> None:
    """The record's new version after a write that changed no field of the project."""
    conn.executemany(
        "UPDATE bases SET token = ? WHERE project_id = ? AND target = ?",
        [(token, project_id, target) for project_id, token in tokens.items()],
    )


def _row(entry: Base) -> tuple[object, ...]:
    return (
        entry.project_id,
        entry.target,
        int(entry.present),
        to_json(entry.values),
        entry.token,
        entry.remote_id,
        entry.modified_at,
        entry.acked_at,
        int(entry.shared),
        int(entry.settled),
    )


def _base(row: sqlite3.Row) -> Base:
    return Base(
        row[0],
        row[1],
        bool(row[2]),
        json.loads(row[3]),
        row[4],
        row[5],
        row[6],
        row[7],
        bool(row[8]),
        bool(row[9]),
    )
