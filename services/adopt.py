"""A person's decision that a target may be another system from now on.

A database belongs to one organisation and one Firestore: what was common with them, ids and send
marks mean nothing anywhere else. When the configuration leads to another one the engine pauses the
target; adopting it forgets what belonged to the old one and queues every project whole. What the
new system holds already is read and merged field by field before anything is written there.
"""

from __future__ import annotations

import sqlite3

from services.context import Context
from services.itsc_roadmap import parts_for
from services.outbox import NotPossible
from services.sync import shared_conflicts
from store import deliveries, fields, marks, operations, parked, projects, targets
from store.clock import to_iso
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE
from store.operations import Changes
from store.projects import Project

ORIGIN = "adopt"


def adopt(conn: sqlite3.Connection, ctx: Context, target: str) -> int:
    """Make the target's present system ours at the next connection; gives the projects queued.

    Raises NotPossible where the target is the system it always was.
    """
    with transaction(conn):
        if targets.get(conn, target).paused_by != "steerco":
            raise NotPossible(f"{target} is the system that this database belongs to")
        targets.put(
            conn,
            target,
            identity=None,
            paused_by=None,
            paused_at=None,
            pause_reason=None,
            probe_at=None,
            clock_offset=None,
        )
        conn.execute("DELETE FROM bases WHERE target = ?", (target,))
        conn.execute("DELETE FROM sends WHERE target = ?", (target,))
        if target == FIRESTORE:
            shared_conflicts.forget(conn)
        marks.forget(conn, target)
        parked.forget(conn, target)
        if target == SALESFORCE:
            conn.execute("UPDATE projects SET sf_id = NULL WHERE sf_id IS NOT NULL")
        ids = [row[0] for row in conn.execute("SELECT project_id FROM projects ORDER BY rowid")]
        trace = ctx.new_id()
        for project in projects.get_many(conn, ids).values():
            _queue(conn, ctx, target, project, trace)
        return len(ids)


def _queue(
    conn: sqlite3.Connection, ctx: Context, target: str, project: Project, trace: str
) -> None:
    changes: Changes = {
        path: (value, value)
        for path, value in project.values.items()
        if value is not None and value != fields.DEFAULTS.get(path)
    }
    changes["feature_name"] = (project.name, project.name)
    seq = operations.record(
        conn,
        op_id=ctx.new_id(),
        trace_id=trace,
        project_id=project.project_id,
        kind="update",
        origin=ORIGIN,
        operator=ctx.operator,
        at=to_iso(ctx.clock()),
        changes=changes,
    )
    parts = [part for part in parts_for("update", changes) if part[0] == target]
    deliveries.add(conn, seq, project.project_id, parts)
