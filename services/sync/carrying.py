"""What another operator owes Salesforce and does not deliver, carried for him.

An operator may have Salesforce off. His edits are in Firestore, each document says what it owes,
and who holds the poller's lease brings that to Salesforce once its author has had a while to do it
himself. What is carried is an operation of its own with a delivery to Salesforce alone: it is
judged, guarded, retried and told like every other one, and a kill loses it as little. Its trace is
the edit that it carries. The project and its stamps stay the author's.

The note that Salesforce has it strikes the field out of the document's ``owes`` and says whose
edit was carried by whom: the author's own delivery is superseded then.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Mapping, Sequence

from services.context import Context
from services.sync.debts import is_owed
from services.sync.provenance import common_value
from services.sync.targets.base import Remote
from services.sync.targets.fs_layout import base_hash, is_hash
from store import bases, deliveries, fields, operations, owes, projects
from store.bases import Base
from store.clock import to_iso
from store.deliveries import LINK, ROW, SALESFORCE
from store.operations import CARRIED, Changes, Operation

AFTER = 900.0
"""Seconds for which the author may deliver himself; a try of his comes again within these."""
GROUP = 200


def due(
    conn: sqlite3.Connection, now: float, after: float, among: Sequence[str] | None = None
) -> dict[str, dict[str, str]]:
    """What may be carried: by project, path to the operation that owes it."""
    found = owes.overdue(conn, now, after, GROUP, among)
    known = {pid: {p: op for p, op in owed.items() if is_owed(p)} for pid, owed in found.items()}
    return {pid: owed for pid, owed in known.items() if owed}


def take_up(conn: sqlite3.Connection, ctx: Context, ids: Sequence[str], after: float) -> int:
    """Queue what is overdue of these projects for Salesforce; gives how many edits. Runs inside
    the caller's transaction, after their documents were read."""
    overdue = due(conn, ctx.clock(), after, ids)
    known = bases.get_many(conn, list(overdue), SALESFORCE)
    here = projects.get_many(conn, list(overdue))
    queued = 0
    for pid, owed in overdue.items():
        for op_id in sorted(set(owed.values())):
            changes: Changes = {
                path: (common_value(conn, pid, path, known.get(pid)), here[pid].values.get(path))
                for path, op in owed.items()
                if op == op_id
            }
            _queue(conn, ctx, pid, op_id, _kind(known.get(pid)), changes)
            queued += 1
    return queued


def take_up_deletes(conn: sqlite3.Connection, ctx: Context, after: float) -> int:
    """Queue the deletes that have been in Firestore for a while and not in Salesforce."""
    waiting = deliveries.undeleted(conn, SALESFORCE, to_iso(ctx.clock() - after), GROUP)
    for pid in waiting:
        was = projects.buried(conn, pid)
        buried = operations.newest(conn, pid, "delete")
        if was is None or buried is None:
            continue
        changes: Changes = {p: (v, None) for p, v in was.values.items() if v is not None}
        _queue(conn, ctx, pid, buried.trace_id, "delete", changes)
    return len(waiting)


def concede(conn: sqlite3.Connection, ctx: Context, remote: Remote) -> None:
    """Edits of this side that the document says somebody carried need not travel any more."""
    mine = operations.numbers(conn, {each.op for each in remote.carried.values()})
    told = {path: each for path, each in remote.carried.items() if each.op in mine}
    ended: dict[tuple[str, str], Changes] = {}
    for each in deliveries.open_of_project(conn, remote.project_id, SALESFORCE) if told else ():
        op = operations.get(conn, each.seq)
        if op is None or op.kind == "delete":
            continue
        done = {p for p in op.changes if p in told and each.seq <= mine[told[p].op]}
        if each.part == LINK:
            done &= {"parent_id"}
            if done:
                deliveries.set_state(conn, each.seq, SALESFORCE, "superseded", part=LINK)
        elif done:
            left = {p for p in op.changes if is_owed(p) and p != "parent_id"}
            left -= {*done, *each.dropped}
            deliveries.drop(conn, each.seq, SALESFORCE, done if left else op.changes)
        for path in done:
            ended.setdefault((op.op_id, told[path].by), {})[path] = op.changes[path]
    for (op_id, by), changes in ended.items():
        _record(conn, ctx, remote.project_id, op_id, "update", changes, by)
    _advance(conn, remote, {path for changes in ended.values() for path in changes})


def _advance(conn: sqlite3.Connection, remote: Remote, paths: set[str]) -> None:
    """What was carried is common with Salesforce now; the rest of its row is still to be read."""
    base = bases.get(conn, remote.project_id, SALESFORCE)
    if base is None or remote.sf is None or not paths:
        return
    paths = paths | ({"total_score"} if any(map(fields.is_score, paths)) else set())
    told = {p: v for p, v in remote.sf.base.items() if p in paths}
    kept = {p: v for p, v in base.values.items() if p not in paths}
    for path, value in told.items():
        text = remote.values.get(path)
        is_text = isinstance(text, str) and is_hash(value) and base_hash(text) == value
        kept[path] = text if is_text else value
    bases.put(conn, [dataclasses.replace(base, values=kept, settled=False)])


def paid(carried: Mapping[str, Sequence[Operation]], owed: Mapping[str, str]) -> dict[str, str]:
    """Those of the owed paths (each with its operation) that were taken up here."""
    return {
        path: op_id
        for path, op_id in owed.items()
        if any(path in each.changes for each in carried.get(op_id, ()))
    }


def _kind(base: Base | None) -> str:
    if base is None:
        return "create"
    return "update" if base.present else "restore"


def _queue(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    op_id: str,
    kind: str,
    changes: Changes,
) -> None:
    seq = _record(conn, ctx, project_id, op_id, kind, changes, ctx.operator)
    parts = []
    if kind != "update" or changes.keys() - {"parent_id"}:
        parts.append((SALESFORCE, ROW))
    if kind != "delete" and "parent_id" in changes:
        parts.append((SALESFORCE, LINK))
    deliveries.add(conn, seq, project_id, parts)


def _record(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    trace: str,
    kind: str,
    changes: Changes,
    by: str,
) -> int:
    return operations.record(
        conn,
        op_id=ctx.new_id(),
        trace_id=trace,
        project_id=project_id,
        kind=kind,
        origin=CARRIED,
        operator=by,
        at=to_iso(ctx.clock()),
        changes=changes,
    )
