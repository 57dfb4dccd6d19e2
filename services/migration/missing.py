"""What Salesforce has not got: found, and queued where nothing is on its way.

A project may have reached this database by way of Firestore (the committee's records before there
was a sync), and then nothing of it waits for Salesforce.
"""

from __future__ import annotations

import sqlite3

from services.context import Context
from services.itsc_sf_sync import FIELD_MAP
from store import deliveries, operations, projects
from store.candidates import MOVING_SQL
from store.clock import to_iso
from store.database import transaction
from store.deliveries import LINK, ROW, SALESFORCE
from store.operations import Changes

ORIGIN = "backfill"
GROUP = 500
_NEVER_SENT = (
    "SELECT p.project_id FROM projects p WHERE NOT EXISTS (SELECT 1 FROM bases b "
    "WHERE b.project_id = p.project_id AND b.target = 'salesforce') "
    "AND NOT EXISTS (SELECT 1 FROM open_deliveries d WHERE d.project_id = p.project_id "
    "AND d.target = 'salesforce' AND d.part = 'row') ORDER BY p.project_id"
)
_NEW_ROWS = (
    "SELECT DISTINCT d.project_id FROM open_deliveries d "
    "JOIN projects p ON p.project_id = d.project_id "
    "WHERE d.target = 'salesforce' AND d.part = 'row' "
    f"AND d.{MOVING_SQL} AND NOT EXISTS (SELECT 1 FROM bases b "
    "WHERE b.project_id = d.project_id AND b.target = 'salesforce' AND b.present)"
)
_NEW_LINKS = (
    "SELECT DISTINCT d.project_id FROM open_deliveries d "
    "WHERE d.target = 'salesforce' AND d.part = 'link' "
    f"AND d.{MOVING_SQL} AND NOT EXISTS (SELECT 1 FROM open_deliveries r "
    "WHERE r.project_id = d.project_id AND r.target = 'salesforce' AND r.part = 'row')"
)


def never_sent(conn: sqlite3.Connection) -> list[str]:
    """Projects that Salesforce never had and that nothing is bringing there."""
    return [row[0] for row in conn.execute(_NEVER_SENT)]


def new_rows(conn: sqlite3.Connection) -> list[str]:
    """Projects on their way to Salesforce that are not known there."""
    return [row[0] for row in conn.execute(_NEW_ROWS)]


def new_links(conn: sqlite3.Connection) -> list[str]:
    """Projects of which nothing but the parent is on its way to Salesforce."""
    return [row[0] for row in conn.execute(_NEW_LINKS)]


def queue(conn: sqlite3.Connection, ctx: Context) -> int:
    """Queue those that were never sent, without an edit by anybody (origin ``backfill``); gives
    how many. Raises StoreError."""
    waiting = never_sent(conn)
    for start in range(0, len(waiting), GROUP):
        with transaction(conn):
            again = set(never_sent(conn))
            for project_id in waiting[start : start + GROUP]:
                if project_id in again:
                    _queue_one(conn, ctx, project_id)
    return len(waiting)


def _queue_one(conn: sqlite3.Connection, ctx: Context, project_id: str) -> None:
    project = projects.get(conn, project_id)
    if project is None:
        return
    changes: Changes = {
        path: (project.values[path], project.values[path])
        for path in FIELD_MAP
        if path != "parent_id" or project.values[path] is not None
    }
    op_id = ctx.new_id()
    seq = operations.record(
        conn,
        op_id=op_id,
        trace_id=op_id,
        project_id=project_id,
        kind="update",
        origin=ORIGIN,
        operator=ctx.operator,
        at=to_iso(ctx.clock()),
        changes=changes,
    )
    parts = [(SALESFORCE, ROW)]
    if "parent_id" in changes:
        parts.append((SALESFORCE, LINK))
    deliveries.add(conn, seq, project_id, parts)
