"""What a person can do with deliveries: retry, discard, edit and resend, pause, resume, inspect."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from services import itsc_roadmap, overview
from services.context import Context
from store import (
    attempts,
    deliveries,
    meta,
    operations,
    projects,
    targets,
)
from store.attempts import Attempt
from store.canon import Refusal
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
