"""What a judgement does to this side: theirs applied, conflicts kept, bases set. One transaction.

A field is judged once: the losing value's deliveries end on both targets, and the winner is queued
where it is missing. What came from Salesforce goes on to Firestore as an operation of its own.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.context import Context
from services.sync import links
from services.sync.case import LATE, RELAYED, Case
from services.sync.judge import Decision
from services.sync.merge import FieldConflict, Merge, edit_in_salesforce, equals
from services.sync.targets.fs_layout import moment_of
from services.sync.threeway import marks_of
from store import bases, conflicts, deliveries, operations, projects
from store.bases import Base
from store.canon import Values
from store.clock import to_iso
from store.conflicts import WHOLE, Conflict, conflict_id
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE, TARGETS
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
    made = 0
    if project is not None:
        project, made = take_over(conn, ctx, case, decision.merged, project)
    if decision.blocked is not None:
        made += ask(conn, ctx, case, decision.blocked)
    elif case.remote.exists and not case.remote.deleted:
        set_base(conn, ctx, case)
    return Absorbed(project, len(decision.merged.take), made)


def take_over(
    conn: sqlite3.Connection, ctx: Context, case: Case, merged: Merge, project: Project
) -> tuple[Project, int]:
    """Apply a merge's local side: theirs taken, conflicts kept, what no project here can hold sent
    back. Gives the project as it is then, and the conflicts made."""
    made = sum(_keep(conn, ctx, case, each) for each in merged.conflicts)
    parent = merged.take.get("parent_id")
    if parent is not None:
        made += _settle_link(conn, ctx, case, merged, str(parent))
    if merged.take:
        project = _take(conn, ctx, case, merged.take, project)
    if merged.refused:
        send_back(conn, ctx, case, merged.refused, project)
    return project, made


def _settle_link(
    conn: sqlite3.Connection, ctx: Context, case: Case, merged: Merge, parent: str
) -> int:
    """Their link, where it can't stand here, goes back; gives the conflicts made. Of a circle the
    latest link goes, theirs or one of ours. Whoever linked to a project that is gone had not heard
    of its end yet, and deleting unlinks."""
    pid = case.claim.project_id
    if not links.is_impossible(conn, pid, parent):
        return 0
    made = 0
    if links.would_circle(conn, pid, parent):
        mine, theirs = marks_of(case, "parent_id")
        later = links.later_in_circle(conn, pid, parent, theirs) if parent != pid else None
        if later is not None:
            return _keep(conn, ctx, case, links.cut(conn, ctx, later, theirs), later.project_id)
        ours = (case.mine or {}).get("parent_id")
        made = _keep(conn, ctx, case, links.kept(ours, parent, mine, theirs))
    merged.refused["parent_id"] = merged.take.pop("parent_id")
    return made


def send_back(
    conn: sqlite3.Connection, ctx: Context, case: Case, refused: Values, project: Project
) -> None:
    """Mine goes to the target again. A link that can't stand may have reached Salesforce from
    whoever made it, and goes back there, too."""
    # A vote that was taken back is not among the values.
    changes: Changes = {
        path: (theirs, project.values.get(path)) for path, theirs in refused.items()
    }
    parts = {(case.claim.target, LINK if _is_link(case, path) else ROW) for path in refused}
    if "parent_id" in refused:
        parts.add((SALESFORCE, LINK))
    links.send_again(conn, ctx, project.project_id, changes, sorted(parts))


def _is_link(case: Case, path: str) -> bool:
    return path == "parent_id" and case.claim.target == SALESFORCE


def _take(
    conn: sqlite3.Connection, ctx: Context, case: Case, take: Values, project: Project
) -> Project:
    remote, target = case.remote, case.claim.target
    at = to_iso(ctx.clock())
    by = remote.modified_by or target
    op_id = ctx.new_id()
    stamps = {path: _their_stamp(case, path, by, op_id, at) for path in take}
    parts = [(FIRESTORE, ROW)] if target == SALESFORCE else []
    return put_theirs(conn, project, take, stamps, op_id, (target, by, at), parts)


def put_theirs(
    conn: sqlite3.Connection,
    project: Project,
    take: Values,
    stamps: Mapping[str, FieldStamp],
    op_id: str,
    who: tuple[str, str, str],
    parts: Sequence[tuple[str, str]],
) -> Project:
    """What somebody else set is in force here: undelivered edits of it are over, and it goes on to
    ``parts`` (target and part). ``who`` are the origin, the author and the time of taking it."""
    origin, by, at = who
    changes: Changes = {p: (project.values.get(p), v) for p, v in take.items()}
    after = projects.update(conn, project, take, by, at, stamps)
    _end_losers(conn, project.project_id, set(take))
    seq = operations.record(
        conn,
        op_id=op_id,
        trace_id=op_id,
        project_id=project.project_id,
        kind="update",
        origin=origin,
        operator=by,
        at=at,
        changes=changes,
    )
    if parts:
        deliveries.add(conn, seq, project.project_id, parts)
    return after


def _their_stamp(case: Case, path: str, by: str, op_id: str, at: str) -> FieldStamp:
    stamp, moment = case.remote.stamps.get(path), case.remote.modified_at
    robots = case.claim.target == SALESFORCE and case.remote.modified_by_us
    if robots and (stamp is None or moment is None or stamp.at >= moment):
        # Some operator's edit, and older than the write that brought it there: of the document's
        # value and this one, his stamp there decides. All that is known is what it came after.
        since = case.base.modified_at if case.base else None
        op_id = edit_in_salesforce(case.remote.values.get(path))
        return FieldStamp(since or to_iso(0.0), by, op_id, RELAYED)
    if stamp is not None:
        return FieldStamp(to_iso(stamp.at), stamp.by, stamp.op, stamp.origin)
    if case.claim.target == SALESFORCE:
        op_id = edit_in_salesforce(case.remote.values.get(path))
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


def _keep(
    conn: sqlite3.Connection,
    ctx: Context,
    case: Case,
    clash: FieldConflict,
    project_id: str | None = None,
) -> int:
    mine, theirs = clash.mine_mark, clash.theirs_mark
    project_id = project_id or case.claim.project_id
    conflict = Conflict(
        id=conflict_id(project_id, clash.path, mine.op, theirs.op),
        project_id=project_id,
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
        seq=owed.seq if (owed := case.owed.get(clash.path)) else None,
        state="open",
        at=to_iso(ctx.clock()),
    )
    return int(conflicts.add(conn, conflict))


def ask(conn: sqlite3.Connection, ctx: Context, case: Case, why: str) -> int:
    """A delete against an edit: nobody wins until a person decides, and until then nothing of the
    project moves to either target. Gives the conflicts made."""
    now = to_iso(ctx.clock())
    remote = case.remote
    newest = case.claim.newest if case.claim.items else None
    # Without an edit of ours it is about the record as it was last known: brought back and missing
    # once more, it is another question.
    was = case.base.remote_id or case.base.token if case.base else None
    met = newest.op_id if newest else (was or "nothing")
    for each in deliveries.open_of_project(conn, case.claim.project_id):
        deliveries.set_state(conn, each.seq, each.target, "conflict", part=each.part)
    conflict = Conflict(
        id=conflict_id(case.claim.project_id, WHOLE, met, remote.token or "absent"),
        project_id=case.claim.project_id,
        path=WHOLE,
        target=case.claim.target,
        base=None,
        mine="deleted" if case.mine is None else "edited",
        theirs="edited" if case.mine is None else "deleted",
        winner="nobody",
        mine_at=newest.at if newest else now,
        theirs_at=to_iso(remote.modified_at) if remote.modified_at else now,
        mine_by=newest.operator if newest else ctx.operator,
        theirs_by=remote.deleted_by or remote.modified_by or case.claim.target,
        seq=newest.seq if newest else None,
        state="open",
        at=now,
        why=why,
        record=dict(remote.values) if remote.exists and not remote.deleted else None,
        version=remote.token,
    )
    return int(conflicts.add(conn, conflict))


def _is_told(base: Base | None, values: Values) -> bool:
    """Whether the document knows this state of Salesforce already."""
    return (
        base is not None
        and base.shared
        and base.values.keys() == values.keys()
        and all(equals(value, base.values[path]) for path, value in values.items())
    )


def _is_settled(case: Case) -> bool:
    """Whether the record was read so long after its last change that the second of its version is
    over, and whatever came late has come."""
    version = moment_of(case.remote.token or "")
    return version is not None and case.now + case.offset - version >= LATE


def _set_link_base(conn: sqlite3.Connection, case: Case) -> None:
    """The link was judged and nothing else of the row: what somebody edited there beside it is
    still to be seen."""
    base = case.base
    if base is not None and "parent_id" in case.remote.values:
        parent = case.remote.values["parent_id"]
        values = {path: value for path, value in base.values.items() if path != "parent_id"}
        if parent is not None:
            values["parent_id"] = parent
        bases.put(conn, [dataclasses.replace(base, values=values, token=case.remote.token)])


def set_base(conn: sqlite3.Connection, ctx: Context, case: Case) -> None:
    """Every merge stores theirs as the base, whoever won."""
    remote, base = case.remote, case.base
    if case.claim.part == LINK:
        _set_link_base(conn, case)
        return
    values: Values = {p: v for p, v in remote.values.items() if v is not None}
    same = (
        base is not None and base.present and base.token == remote.token and base.values == values
    )
    settled = case.claim.target == SALESFORCE and _is_settled(case)
    if same and base is not None and base.settled >= settled:
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
                case.claim.target == FIRESTORE or _is_told(base, values),
                settled,
            )
        ],
    )
    if case.claim.target == SALESFORCE and remote.remote_id:
        projects.set_sf_ids(conn, [(case.claim.project_id, remote.remote_id)])
