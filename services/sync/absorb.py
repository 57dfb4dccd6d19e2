"""What a judgement does to this side: theirs applied, conflicts kept, bases set. One transaction.

A field is judged once: the losing value's deliveries end on both targets, and the winner is queued
where it is missing. What came from Salesforce goes on to Firestore as an operation of its own.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from services.context import Context
from services.sync.judge import Case, Decision
from services.sync.merge import FieldConflict
from store import bases, conflicts, deliveries, operations, projects
from store.bases import Base
from store.canon import Values
from store.clock import to_iso
from store.conflicts import WHOLE, Conflict, conflict_id
from store.deliveries import FIRESTORE, ROW, SALESFORCE, TARGETS
from store.operations import Changes
from store.projects import FieldStamp, Project


@dataclass(frozen=True, slots=True)
class Absorbed:
    """``project`` as it stands now; how many fields were taken and conflicts made."""

    project: Project | None
    taken: int
    conflicts: int


def absorb(
    conn: sqlite3.Connection, ctx: Context, case: Case, decision: Decision, project: Project | None
) -> Absorbed:
    """Apply a decision's local side. Runs inside the caller's transaction."""
    made = sum(_keep(conn, ctx, case, each) for each in decision.merged.conflicts)
    taken = decision.merged.take
    if taken and project is not None:
        project = _take(conn, ctx, case, decision, project)
    if decision.blocked is not None:
        made += _keep_whole(conn, ctx, case, decision.blocked)
    elif case.remote.exists and not case.remote.deleted:
        _set_base(conn, ctx, case)
    return Absorbed(project, len(taken), made)


def _take(
    conn: sqlite3.Connection, ctx: Context, case: Case, decision: Decision, project: Project
) -> Project:
    remote, target = case.remote, case.claim.target
    take: Values = decision.merged.take
    at = to_iso(ctx.clock())
    by = remote.modified_by or target
    changes: Changes = {p: (project.values.get(p), v) for p, v in take.items()}
    op_id = ctx.new_id()
    stamps = {path: _their_stamp(case, path, by, op_id, at) for path in take}
    after = projects.update(conn, project, take, by, at, stamps)
    _end_losers(conn, project.project_id, set(take))
    seq = operations.record(
        conn,
        op_id=op_id,
        trace_id=op_id,
        project_id=project.project_id,
        kind="update",
        origin=target,
        operator=by,
        at=at,
        changes=changes,
    )
    if target == SALESFORCE:
        deliveries.add(conn, seq, project.project_id, [(FIRESTORE, ROW)])
    return after


def _their_stamp(case: Case, path: str, by: str, op_id: str, at: str) -> FieldStamp:
    stamp, moment = case.remote.stamps.get(path), case.remote.modified_at
    if stamp is not None:
        return FieldStamp(to_iso(stamp.at), stamp.by, stamp.op, stamp.origin)
    return FieldStamp(to_iso(moment) if moment else at, by, op_id, case.claim.target)


def _end_losers(conn: sqlite3.Connection, project_id: str, paths: set[str]) -> None:
    """Undelivered edits of fields that theirs replaced need not travel any more."""
    for target in TARGETS:
        for each in deliveries.open_of_project(conn, project_id, target):
            op = operations.get(conn, each.seq)
            covered = set(op.changes) & paths if op else set()
            if not covered:
                continue
            if each.part == ROW:
                deliveries.drop(conn, each.seq, target, covered)
            elif "parent_id" in paths:
                deliveries.set_state(conn, each.seq, target, "superseded", part=each.part)


def _keep(conn: sqlite3.Connection, ctx: Context, case: Case, clash: FieldConflict) -> int:
    mine, theirs = clash.mine_mark, clash.theirs_mark
    conflict = Conflict(
        id=conflict_id(case.claim.project_id, clash.path, mine.op, theirs.op),
        project_id=case.claim.project_id,
        path=clash.path,
        target=case.claim.target,
        base=clash.base,
        mine=clash.mine,
        theirs=clash.theirs,
        winner=clash.winner,
        mine_at=to_iso(mine.at),
        theirs_at=to_iso(theirs.at),
        mine_by=mine.by,
        theirs_by=theirs.by,
        seq=case.claim.newest.seq,
        state="open",
        at=to_iso(ctx.clock()),
    )
    return int(conflicts.add(conn, conflict))


def _keep_whole(conn: sqlite3.Connection, ctx: Context, case: Case, why: str) -> int:
    """A delete against an edit: nobody wins until a person decides."""
    now = to_iso(ctx.clock())
    remote, newest = case.remote, case.claim.newest
    conflict = Conflict(
        id=conflict_id(case.claim.project_id, WHOLE, newest.op_id, remote.token or "absent"),
        project_id=case.claim.project_id,
        path=WHOLE,
        target=case.claim.target,
        base=None,
        mine="deleted" if case.mine is None else "edited",
        theirs="edited" if case.mine is None else "deleted",
        winner="nobody",
        mine_at=newest.at,
        theirs_at=to_iso(remote.modified_at) if remote.modified_at else now,
        mine_by=newest.operator,
        theirs_by=remote.deleted_by or remote.modified_by or case.claim.target,
        seq=newest.seq,
        state="open",
        at=now,
        why=why,
        record=dict(remote.values) if remote.exists and not remote.deleted else None,
        version=remote.token,
    )
    return int(conflicts.add(conn, conflict))


def _set_base(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """Every merge stores theirs as the base, whoever won."""
    remote, base = case.remote, case.base
    values: Values = {p: v for p, v in remote.values.items() if v is not None}
    same = (
        base is not None and base.present and base.token == remote.token and base.values == values
    )
    if same:
        return
    bases.put(
        conn,
        [
            Base(
                case.claim.project_id,
                case.claim.target,
                True,
                values,
                remote.token,
                remote.remote_id,
                to_iso(remote.modified_at) if remote.modified_at else None,
                to_iso(ctx.clock()) if base is None else base.acked_at,
                base.shared if base is not None else case.claim.target == FIRESTORE,
            )
        ],
    )
    if case.claim.target == SALESFORCE and remote.remote_id:
        projects.set_sf_ids(conn, [(case.claim.project_id, remote.remote_id)])
