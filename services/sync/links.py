"""Parent links that can't stand: those that close a circle, and those to a project that is gone.

Each link of a circle was made by somebody who could not see the others. The latest of them, by the
stamps, is cut, whoever meets the circle first; a conflict record keeps it, one for all operators.
"""

from __future__ import annotations

import sqlite3

from services.context import Context
from services.sync.merge import FieldConflict, Mark
from store import deliveries, operations, projects
from store.canon import Value
from store.clock import from_iso, to_iso
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE
from store.operations import Changes
from store.projects import FieldStamp, Project

EVERYWHERE = [(FIRESTORE, ROW), (SALESFORCE, LINK)]
CIRCLE = "circle"
"""Stands for the operation that a cut link met: the same whoever cuts it."""


def is_impossible(conn: sqlite3.Connection, project_id: str, parent: str) -> bool:
    """Whether a project can't have this parent here: it is gone, or it would close a circle."""
    return projects.is_buried(conn, parent) or would_circle(conn, project_id, parent)


def would_circle(conn: sqlite3.Connection, project_id: str, parent: str) -> bool:
    """Whether this parent would make a project its own ancestor."""
    return parent == project_id or project_id in projects.ancestors_of(conn, parent)


def later_in_circle(
    conn: sqlite3.Connection, project_id: str, parent: str, mark: Mark
) -> Project | None:
    """The project whose link is the latest of the circle that a link set at ``mark`` would close;
    None where that one is the latest itself."""
    newest, found = (mark.at, mark.by, mark.op), None
    chain = [parent, *projects.ancestors_of(conn, parent)]
    for project in projects.get_many(conn, chain[: chain.index(project_id)]).values():
        stamp = project.stamp("parent_id")
        made = (from_iso(stamp.at), stamp.by, stamp.op_id) if stamp else None
        if made is not None and made > newest:
            newest, found = made, project
    return found


def kept(mine: Value, theirs: Value, mine_mark: Mark, theirs_mark: Mark) -> FieldConflict:
    """What is kept of their link that closed a circle as the latest."""
    met = Mark(mine_mark.at, mine_mark.by, CIRCLE, mine_mark.origin)
    return FieldConflict("parent_id", None, mine, theirs, "mine", met, theirs_mark)


def cut(conn: sqlite3.Connection, ctx: Context, child: Project, theirs: Mark) -> FieldConflict:
    """Take away a link of ours that was made later than theirs; gives what is kept of it."""
    stamp = child.stamp("parent_id")
    assert stamp is not None
    at, op_id = to_iso(ctx.clock()), ctx.new_id()
    mine = Mark(from_iso(stamp.at), stamp.by, stamp.op_id, stamp.origin)
    parent = child.values["parent_id"]
    for each in deliveries.open_of_project(conn, child.project_id):
        op = operations.get(conn, each.seq)
        if op is None or "parent_id" not in op.changes:
            continue
        if each.part == ROW:
            deliveries.drop(conn, each.seq, each.target, {"parent_id"})
        else:
            deliveries.set_state(conn, each.seq, each.target, "superseded", part=each.part)
    stamps = {"parent_id": FieldStamp(stamp.at, "steerco", op_id, "merge")}
    projects.update(conn, child, {"parent_id": None}, "steerco", at, stamps)
    send_again(conn, ctx, child.project_id, {"parent_id": (parent, None)}, EVERYWHERE, op_id=op_id)
    met = Mark(theirs.at, theirs.by, CIRCLE, theirs.origin)
    return FieldConflict("parent_id", None, parent, None, "theirs", mine, met)


def send_again(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    changes: Changes,
    parts: list[tuple[str, str]],
    *,
    op_id: str | None = None,
) -> None:
    """Queue what is in force here, by an edit that nobody made."""
    op_id = op_id or ctx.new_id()
    seq = operations.record(
        conn,
        op_id=op_id,
        trace_id=op_id,
        project_id=project_id,
        kind="update",
        origin="merge",
        operator="steerco",
        at=to_iso(ctx.clock()),
        changes=changes,
    )
    deliveries.add(conn, seq, project_id, parts)
