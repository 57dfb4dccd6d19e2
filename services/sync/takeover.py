"""What a pulled record does to this side: projects made, deleted and brought back, bases set.

Every function runs inside the caller's transaction. What came from Salesforce goes on to Firestore
as an operation of its own; what came from Firestore is the other operator's to deliver.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence

from services.context import Context
from services.sync import carrying, links, standing
from services.sync.absorb import send_back, set_base
from services.sync.case import RELAYED, SECOND, Case
from services.sync.merge import equals
from services.sync.provenance import delivered, is_ours
from services.sync.targets.fs_layout import base_hash, is_hash
from store import bases, deliveries, fields, operations, owes, projects, targets
from store.bases import Base
from store.canon import Value, Values
from store.clock import from_iso, to_iso
from store.deliveries import FIRESTORE, ROW, SALESFORCE
from store.operations import Changes
from store.projects import EVERY, FieldStamp, Project

BLANK = {"status": "Unknown", "priority": "Not yet Prioritized"}
"""What a record that says nothing holds here, as in an import."""
AHEAD = 24 * 3600.0


def create(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """Take in a project that somebody else made."""
    _insert(conn, ctx, case, "create", rev=1)


def revive(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """A project that was deleted here came back there."""
    was = projects.exhume(conn, case.claim.project_id)
    _insert(conn, ctx, case, "restore", rev=was.rev + 1 if was else 1)


def bury(conn: sqlite3.Connection, ctx: Context, case: Case, project: Project) -> None:
    """A project was deleted there: its children are unlinked, it shows nowhere any more."""
    target, pid = case.claim.target, case.claim.project_id
    by = case.remote.deleted_by or case.remote.modified_by or target
    at, trace = to_iso(ctx.clock()), ctx.new_id()
    for child, _ in projects.children_of(conn, pid):
        _unlink(conn, ctx, child, target, by, trace)
    for each in deliveries.open_of_project(conn, pid):
        deliveries.set_state(conn, each.seq, each.target, "superseded", part=each.part)
    projects.bury(conn, project, by, at)
    changes: Changes = {p: (v, None) for p, v in project.values.items() if v is not None}
    _record(conn, ctx, pid, "delete", target, by, changes, trace)
    owes.replace(conn, pid, {}, ctx.clock())
    note_gone(conn, ctx, case)


def remember(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """A project that was deleted before it was ever known here: its id is taken for good."""
    at = case.remote.deleted_at
    by = case.remote.deleted_by or case.claim.target
    projects.bury(conn, _project(ctx, case, 1), by, to_iso(at) if at else to_iso(ctx.clock()))
    note_gone(conn, ctx, case)


def note_gone(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """The record is known to be gone there."""
    now, token = to_iso(ctx.clock()), case.remote.token
    gone = Base(case.claim.project_id, case.claim.target, False, token=token, acked_at=now)
    bases.put(conn, [gone])


def hear(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """What a document tells beside its fields: what is common with Salesforce, and which fields
    other operators owe it."""
    remote = case.remote
    if not remote.exists or remote.deleted:
        return
    project = projects.get(conn, case.claim.project_id)
    _adopt_shared_base(conn, ctx, case, project.values if project else {})
    owes.replace(conn, case.claim.project_id, remote.owes, ctx.clock())
    carrying.concede(conn, ctx, remote)
    standing.owe(conn, ctx, case)


def _adopt_shared_base(conn: sqlite3.Connection, ctx: Context, case: Case, values: Values) -> None:
    """What the document says is common with Salesforce, where it knows better than this side.

    The document holds hashes of long texts; where the text is the one that the document or this
    side has, the base gets the text.
    """
    told, pid = case.remote.sf, case.claim.project_id
    if told is None or told.id is None or told.modstamp is None:
        return
    known = bases.get(conn, pid, SALESFORCE)
    try:
        moment = from_iso(told.modstamp)
        newest = from_iso(known.token) if known is not None and known.token else None
        if known is not None and not known.present and known.acked_at:
            newest = from_iso(known.acked_at) + case.offset  # it is gone since
    except ValueError:
        return
    if newest is not None and newest > moment:
        return
    if moment.timestamp() > ctx.clock() + AHEAD:
        return
    held = {p: _text(p, v, values, case.remote.values) for p, v in told.base.items()}
    if known is not None and newest == moment:
        # Written upon one version here and there: what was delivered from here since stands.
        since = moment - case.offset - SECOND
        ours = set() if known.settled else delivered(conn, pid, SALESFORCE, since)
        ours &= {*known.values, *held}
        held |= {path: known.values.get(path) for path in ours}
        if all(equals(known.values.get(p), held.get(p)) for p in {*known.values, *held}):
            return
    at = to_iso(ctx.clock())
    fresh = Base(pid, SALESFORCE, True, held, told.modstamp, told.id, told.modstamp, at)
    bases.put(conn, [fresh])
    projects.set_sf_ids(conn, [(pid, told.id)])


def _text(path: str, value: Value, *sides: Values) -> Value:
    if not is_hash(value):
        return value
    texts = [side[path] for side in sides if isinstance(side.get(path), str)]
    return next((text for text in texts if base_hash(str(text)) == value), value)


def _insert(conn: sqlite3.Connection, ctx: Context, case: Case, kind: str, *, rev: int) -> None:
    project = _project(ctx, case, rev)
    parent = project.values.get("parent_id")
    impossible = parent is not None and links.is_impossible(conn, project.project_id, str(parent))
    if impossible:
        values = {**project.values, "parent_id": None}
        project = dataclasses.replace(project, values=values)
    projects.insert(conn, project)
    changes: Changes = {
        p: (None, v) for p, v in project.values.items() if v not in (None, fields.DEFAULTS.get(p))
    }
    changes["feature_name"] = (None, project.name)
    by, target = project.updated_by, case.claim.target
    _record(conn, ctx, project.project_id, kind, target, by, changes, ctx.new_id())
    set_base(conn, ctx, case)
    if impossible:
        send_back(conn, ctx, case, {"parent_id": parent}, project)


def _project(ctx: Context, case: Case, rev: int) -> Project:
    remote, target, pid = case.remote, case.claim.target, case.claim.project_id
    values: Values = {p: v for p, v in remote.values.items() if v is not None}
    values = projects.with_total({"feature_name": pid, **BLANK, **values})
    by = remote.modified_by or target
    at = to_iso(remote.modified_at) if remote.modified_at else to_iso(ctx.clock())
    since = to_iso(remote.created_at) if remote.created_at else at
    told, every = remote.stamps, FieldStamp(at, by, remote.token or at, target)
    if target == SALESFORCE and remote.modified_by_us:
        # Some operator's project: when he set what, he tells the document.
        told = {path: s for path, s in told.items() if s.at < from_iso(at)}
        every = FieldStamp(since, by, every.op_id, RELAYED)
    stamps = {path: FieldStamp(to_iso(s.at), s.by, s.op, s.origin) for path, s in told.items()}
    stamps.setdefault(EVERY, every)
    return Project(
        pid, rev, values, remote.remote_id, remote.created_by or by, since, by, at, stamps
    )


def _unlink(
    conn: sqlite3.Connection, ctx: Context, child: str, target: str, by: str, trace: str
) -> None:
    """Whoever deletes a project unlinks the children that he knows of. A link that was made here he
    may not have heard of: what became of it is told to all by its maker."""
    project = projects.get(conn, child)
    assert project is not None
    at, link = to_iso(ctx.clock()), project.stamp("parent_id")
    untold = target == FIRESTORE and link is not None and is_ours(conn, link.op_id)
    corrected = to_iso(ctx.clock() + targets.clock_offset(conn))
    stamps = {"parent_id": FieldStamp(corrected, by, trace, target)}
    projects.update(conn, project, {"parent_id": None}, by, at, stamps)
    changes: Changes = {"parent_id": (project.values["parent_id"], None)}
    parts = links.EVERYWHERE if untold else ()
    _record(conn, ctx, child, "update", target, by, changes, trace, parts)


def _record(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    kind: str,
    target: str,
    by: str,
    changes: Changes,
    trace: str,
    parts: Sequence[tuple[str, str]] = (),
) -> None:
    """Write it down, and what has to be told of it: everything from Salesforce to Firestore."""
    seq = operations.record(
        conn,
        op_id=ctx.new_id(),
        trace_id=trace,
        project_id=project_id,
        kind=kind,
        origin=target,
        operator=by,
        at=to_iso(ctx.clock()),
        changes=changes,
    )
    parts = [(FIRESTORE, ROW)] if target == SALESFORCE else parts
    if parts:
        deliveries.add(conn, seq, project_id, parts)
