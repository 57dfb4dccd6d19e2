"""People: keeping the directory of users, and pushing a name that has become a user's.

When the directory resolves a name that Salesforce has not got, a push is queued without an edit by
anybody (origin ``people``).
"""

from __future__ import annotations

import sqlite3

from services.context import Context
from services.people import Directory
from store import deliveries, fields, operations, users
from store.clock import to_iso
from store.database import transaction
from store.deliveries import ROW, SALESFORCE
from store.operations import Changes


def refresh(conn: sqlite3.Connection, ctx: Context, directory: Directory) -> int:
    """Store a freshly read directory; gives the pushes queued."""
    fresh = [users.User(u.id, u.name, u.email, u.active) for u in directory.users]
    if sorted(fresh, key=lambda u: u.user_id) == sorted(
        users.everyone(conn), key=lambda u: u.user_id
    ):
        return 0
    with transaction(conn):
        users.replace(conn, fresh)
        return _queue(conn, ctx, directory)


def _queue(conn: sqlite3.Connection, ctx: Context, directory: Directory) -> int:
    """Projects whose name resolves now, is not in Salesforce, and is not on its way."""
    columns = ", ".join(fields.BY_PATH[p].column for p in fields.PERSON_PATHS)
    rows = conn.execute(
        f"SELECT p.project_id, b.vals, {columns} FROM projects p JOIN bases b "
        "ON b.project_id = p.project_id AND b.target = 'salesforce' AND b.present"
    ).fetchall()
    queued = 0
    owed = deliveries.undelivered(conn, [row[0] for row in rows], SALESFORCE)
    for row in rows:
        changes: Changes = {}
        for path, name in zip(fields.PERSON_PATHS, tuple(row)[2:], strict=True):
            if name is None or path in owed.get(row[0], {}) or f'"{path}":' in row[1]:
                continue
            if directory.resolve(name) is not None:
                changes[path] = (name, name)
        if changes:
            op_id = ctx.new_id()
            seq = operations.record(
                conn,
                op_id=op_id,
                trace_id=op_id,
                project_id=row[0],
                kind="update",
                origin="people",
                operator="steerco",
                at=to_iso(ctx.clock()),
                changes=changes,
            )
            deliveries.add(conn, seq, row[0], [(SALESFORCE, ROW)])
            queued += 1
    return queued
