"""What stands here and on the document, and is in Salesforce otherwise although nobody owes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from services.context import Context
from services.sync import links
from services.sync.case import LATE, RELAYED, Case
from services.sync.debts import is_owed
from services.sync.merge import equals
from services.sync.provenance import last_delivered
from store import bases, deliveries, fields, operations, projects
from store.bases import Base
from store.canon import Values
from store.clock import from_iso
from store.deliveries import LINK, ROW, SALESFORCE
from store.operations import Changes
from store.projects import FieldStamp, Project


def owe(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """Whoever notices owes it to Salesforce. Runs inside the caller's transaction, after what the
    document tells was heard."""
    pid = case.claim.project_id
    project, base = projects.get(conn, pid), bases.get(conn, pid, SALESFORCE)
    if project is None or base is None or not base.present:
        return
    apart = _apart(project, base) - case.remote.owes.keys()
    if apart:
        apart -= deliveries.undelivered(conn, [pid], SALESFORCE).get(pid, {}).keys()
        _owe_the_newer(conn, ctx, case, project, base, apart)
    _owe_the_total(conn, ctx, case, project, base)


def _apart(project: Project, base: Base) -> set[str]:
    """The fields that Salesforce has otherwise, by what is known."""
    return {
        path
        for path in fields.BY_PATH
        if is_owed(path)
        and path != "total_score"  # votes make it
        and not fields.is_score(path)
        and not equals(project.values.get(path), base.values.get(path, fields.DEFAULTS.get(path)))
    }


def _owe_the_newer(
    conn: sqlite3.Connection,
    ctx: Context,
    case: Case,
    project: Project,
    base: Base,
    apart: Collection[str],
) -> None:
    """Who set a field last may have found in Salesforce what he wanted there, and nothing to send,
    a moment before an older value of ours arrived: whoever delivered that owes it the newer."""
    pid = project.project_id
    common = {path: base.values.get(path, fields.DEFAULTS.get(path)) for path in apart}
    late: Values = {
        path: common[path]
        for path, (held, at) in last_delivered(conn, pid, SALESFORCE, apart).items()
        if any(equals(value, common[path]) for value in held)
        and _came_after(case, project.stamp(path), at)
    }
    late |= _cut_with_its_parent(conn, case, project, base, apart)
    if not late:
        return
    changes: Changes = {path: (value, project.values.get(path)) for path, value in late.items()}
    parts = [(SALESFORCE, ROW)] if late.keys() - {"parent_id"} else []
    parts += [(SALESFORCE, LINK)] if "parent_id" in late else []
    links.send_again(conn, ctx, pid, changes, parts)


def _cut_with_its_parent(
    conn: sqlite3.Connection, case: Case, project: Project, base: Base, apart: Collection[str]
) -> Values:
    """A row loses its link when its parent's is deleted there, and does not get it again when that
    comes back: whoever brought the parent back here owes it."""
    parent, linked = project.values.get("parent_id"), project.stamp("parent_id")
    if "parent_id" not in apart or parent is None or base.values.get("parent_id") is not None:
        return {}
    back = operations.newest(conn, str(parent), "restore")
    if back is None or linked is None:
        return {}
    return {"parent_id": None} if from_iso(back.at) + case.offset > from_iso(linked.at) else {}


def _came_after(case: Case, stamp: FieldStamp | None, acked_at: str) -> bool:
    """Whether what was delivered may have arrived behind the look that whoever set the field had
    at the row: rows show some seconds late."""
    if stamp is not None and stamp.origin == RELAYED:
        return False  # it was found there
    return stamp is None or from_iso(acked_at) + case.offset > from_iso(stamp.at) - LATE


def _owe_the_total(
    conn: sqlite3.Connection, ctx: Context, case: Case, project: Project, base: Base
) -> None:
    """Votes that met make a total that nobody has sent."""
    there, total = base.values.get("total_score"), project.values.get("total_score")
    if there == total:
        return
    pid = project.project_id
    owed = deliveries.undelivered(conn, [pid], SALESFORCE).get(pid, {})
    if any(map(fields.is_score, (*owed, *case.remote.owes))):
        return
    votes = {path: value for path, value in project.values.items() if fields.is_score(path)}
    changes: Changes = {path: (value, value) for path, value in votes.items()}
    links.send_again(
        conn, ctx, pid, changes or {"total_score": (there, total)}, [(SALESFORCE, ROW)]
    )
