"""What a person can do with deliveries: retry, discard, edit and resend, pause, resume, inspect."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from services import itsc_roadmap, overview
from services.context import Context
from store import attempts, bases, conflicts, deliveries, meta, operations, projects, targets
from store.attempts import Attempt
from store.canon import Refusal, Value, Values
from store.clock import to_iso
from store.database import transaction
from store.deliveries import TARGETS, Delivery
from store.operations import Operation

ASKED = "reconcile:asked"
"""The fact (``meta``) that changes when somebody wants both sides read now."""


class NotPossible(ValueError):
    """The wish can't be granted; the text says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One operation with everything known of its way: exact payloads, requests, responses."""

    operation: Operation
    name: str
    deliveries: tuple[Delivery, ...]
    attempts: tuple[Attempt, ...]
    carried_by: str | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """What discarding an operation loses: a label and both values for each field."""

    name: str
    kind: str
    fields: tuple[tuple[str, Value, Value], ...]


def find(conn: sqlite3.Connection, which: str) -> Operation:
    """An operation by its number, its id or its trace id. Raises NotPossible."""
    seq = int(which) if which.isascii() and which.isdigit() else -1
    row = conn.execute(
        "SELECT seq FROM operations WHERE seq = ?1 OR op_id = ?2 OR trace_id = ?2 "
        "ORDER BY op_id = ?2 DESC, seq DESC LIMIT 1",
        (seq, which),
    ).fetchone()
    found = operations.get(conn, row[0]) if row else None
    if found is None:
        raise NotPossible(f"there is no operation {which[:60]!r} in the outbox")
    return found


def inspect(conn: sqlite3.Connection, seq: int) -> Inspection:
    """Everything known of one operation."""
    op = find(conn, str(seq))
    carried = operations.carried(conn, [op.op_id]).get(op.op_id)
    return Inspection(
        op,
        overview.feature_name(conn, op.project_id),
        tuple(deliveries.of_operation(conn, seq)),
        tuple(attempts.of_project(conn, op.project_id, seq=seq)),
        carried[0].operator if carried else None,
    )


def retry(conn: sqlite3.Connection, seq: int, target: str | None = None) -> int:
    """Try the operation's failed and waiting deliveries again now; gives how many."""
    with transaction(conn):
        op = find(conn, str(seq))
        moved = 0
        for each in deliveries.of_operation(conn, op.seq):
            if each.state in ("failed", "retrying") and target in (None, each.target):
                moved += deliveries.set_state(
                    conn, seq, each.target, "pending", part=each.part, reset=True
                )
        return moved


def retry_all(conn: sqlite3.Connection) -> int:
    """Try everything that failed or waits for its next try again now; gives how many."""
    with transaction(conn):
        moved = deliveries.retry_all(conn)
        for target in TARGETS:
            if targets.get(conn, target).down_since is not None:
                targets.put(conn, target, probe_at=None)
        return moved


def loss(conn: sqlite3.Connection, seq: int) -> Loss:
    """What discarding this operation would lose, to be named before it is asked for."""
    op = find(conn, str(seq))
    pairs = tuple((path, new, old) for path, (old, new) in op.changes.items())
    return Loss(overview.feature_name(conn, op.project_id), op.kind, pairs)


def discard(conn: sqlite3.Connection, ctx: Context, seq: int) -> Values:
    """Give an operation up: its deliveries are over, and each field goes back to what the targets
    hold, as a new local operation, so that the three sides agree. Gives the fields brought back.

    Raises NotPossible where nothing of it is open, or it is on its way just now.
    """
    with transaction(conn):
        op = find(conn, str(seq))
        open_ones = [d for d in deliveries.of_operation(conn, seq) if d.state in deliveries.OPEN]
        if not open_ones:
            raise NotPossible(f"operation {seq} is over; there is nothing left to discard")
        if any(d.state == "in_flight" for d in open_ones):
            raise NotPossible(f"operation {seq} is on its way just now; try again in a moment")
        for each in open_ones:
            deliveries.set_state(conn, seq, each.target, "discarded", part=each.part)
        _close_conflicts(conn, ctx, op)
        project = projects.get(conn, op.project_id)
        if op.kind == "delete" and project is None:
            itsc_roadmap.restore_project(conn, ctx, op.project_id, origin="discard")
            return {}
        if project is None:
            return {}
        if op.kind in ("create", "restore"):
            if not any(bases.get(conn, op.project_id, target) for target in TARGETS):
                itsc_roadmap.delete_project(conn, ctx, op.project_id, origin="discard")
            return {}
        back: Values = {}
        for path, (old, new) in op.changes.items():
            if project.values.get(path) != new:
                continue  # a later edit took its place; that one travels on
            held = [
                base.values.get(path)
                for target in {d.target for d in open_ones}
                if (base := bases.get(conn, op.project_id, target)) is not None
            ]
            back[path] = held[0] if held else old
        if back:
            itsc_roadmap.update_project(conn, ctx, op.project_id, back, origin="discard")
        return back


def edit_and_resend(
    conn: sqlite3.Connection, ctx: Context, seq: int, changes: Mapping[str, object]
) -> int:
    """Mend an operation's values: the old one is superseded and a new operation travels.

    Gives the new operation's number. Raises NotPossible, Refusal.
    """
    with transaction(conn):
        op = find(conn, str(seq))
        if projects.get(conn, op.project_id) is None:
            raise NotPossible(f"{op.project_id} is deleted; there is nothing to edit")
        unknown = set(changes) - set(op.changes)
        if unknown:
            raise Refusal(sorted(unknown)[0], "", "this operation did not change it")
        edit = itsc_roadmap.update_project(conn, ctx, op.project_id, changes)
        if edit.seq is None:
            raise NotPossible("nothing was changed; use retry to send it again as it is")
        return edit.seq


def look(conn: sqlite3.Connection, ctx: Context) -> None:
    """Have whichever engine runs on this database read both sides now, everything that moved."""
    with transaction(conn):
        meta.put(conn, ASKED, ctx.new_id())


def pause(conn: sqlite3.Connection, ctx: Context, target: str | None = None) -> None:
    """Hold a target's deliveries (or both) until somebody resumes it."""
    with transaction(conn):
        for each in _targets(target):
            targets.put(
                conn,
                each,
                paused_by=ctx.operator,
                paused_at=to_iso(ctx.clock()),
                pause_reason=f"paused by {ctx.operator}",
            )


def resume(conn: sqlite3.Connection, target: str | None = None) -> None:
    """Let a paused target go on, and probe it at once where it was away."""
    with transaction(conn):
        for each in _targets(target):
            targets.put(
                conn, each, paused_by=None, paused_at=None, pause_reason=None, probe_at=None
            )


def _targets(target: str | None) -> tuple[str, ...]:
    if target is None:
        return TARGETS
    if target not in TARGETS:
        raise NotPossible(f"there is no target {target!r}; use firestore or salesforce")
    return (target,)


def _close_conflicts(conn: sqlite3.Connection, ctx: Context, op: Operation) -> None:
    for each in conflicts.find(conn, project_id=op.project_id):
        if each.seq == op.seq:
            conflicts.resolve(conn, each.id, "discarded", ctx.operator, to_iso(ctx.clock()))
