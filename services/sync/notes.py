"""Telling the other operators what Salesforce acknowledged.

After Salesforce took a project, its Firestore document gets the Salesforce id, the state that is
common there now, and loses the fields it owed. This is bookkeeping, not an edit: it is derived
from the bases, so that nothing has to be queued for it and a kill between the two loses nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.context import Context
from services.sync.carrying import paid
from services.sync.targets.base import Action, Ref, Remote, SharedBase, Target, TargetDown, Write
from store import bases, deliveries, operations, owes
from store.bases import Base
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE
from store.operations import Operation


def share(conn: sqlite3.Connection, ctx: Context, firestore: Target, *, client_id: str) -> int:
    """Bring one group of unshared Salesforce bases to their documents; gives how many were noted.

    A document that moved meanwhile is left for the next round; one that somebody else had moved
    before stays news: the note is no knowledge of his edit. Raises TargetDown.
    """
    waiting = bases.unshared(conn, SALESFORCE, firestore.batch)
    here = bases.get_many(conn, [b.project_id for b in waiting], FIRESTORE)
    ready = [b for b in waiting if b.project_id in here]
    if not ready:
        return 0
    remotes = firestore.read([Ref(b.project_id) for b in ready])
    owed = deliveries.undelivered(conn, [b.project_id for b in ready], SALESFORCE)
    found = [(b, remotes[b.project_id]) for b in ready]
    debts = [op for _, remote in found for op in remote.owes.values()]
    known = _Debts(operations.among(conn, debts), operations.carried(conn, debts))
    gone = [b for b, remote in found if not remote.exists]
    writes = [
        (b, _note(b, remote, set(owed.get(b.project_id, ())), known, ctx, client_id))
        for b, remote in found
        if remote.exists
    ]
    try:
        outcomes = firestore.write([write for _, write in writes]) if writes else []
    except TargetDown:
        if not gone:
            raise
        outcomes = []
    noted = [b for (b, _), o in zip(writes, outcomes, strict=False) if o.done]
    with transaction(conn):
        bases.mark_shared(conn, [(b.project_id, b.target, b.acked_at) for b in [*noted, *gone]])
        for (b, write), outcome in zip(writes, outcomes, strict=False):
            if outcome.done:
                owes.overwritten(conn, b.project_id, write.paid)
        bases.set_tokens(
            conn,
            FIRESTORE,
            {
                b.project_id: o.token
                for (b, _), o in zip(writes, outcomes, strict=False)
                if o.done and here[b.project_id].token == remotes[b.project_id].token
            },
        )
    return len(noted)


def strike_out(conn: sqlite3.Connection, ctx: Context, firestore: Target, *, client_id: str) -> int:
    """Strike out of one group of documents what this side owes by them and has no delivery for any
    more: it was merged away, taken back, discarded; gives how many. Raises TargetDown."""
    ended = owes.ended(conn, SALESFORCE, firestore.batch)
    owed = deliveries.undelivered(conn, list(ended), SALESFORCE)
    over = {
        pid: left for pid, paths in ended.items() if (left := set(paths) - owed.get(pid, {}).keys())
    }
    if not over:
        return 0
    remotes = firestore.read([Ref(pid) for pid in over])
    debts = [op for remote in remotes.values() for op in remote.owes.values()]
    ours = operations.among(conn, debts)
    writes = []
    for pid, paths in over.items():
        remote = remotes[pid]
        paid = tuple(p for p, op in remote.owes.items() if op in ours and p in paths)
        if remote.exists and not remote.deleted and paid:
            writes.append(_strike(remote, paid, ctx, client_id))
    outcomes = firestore.write(writes) if writes else []
    again = {w.project_id for w, o in zip(writes, outcomes, strict=True) if not o.done}
    here = bases.get_many(conn, list(over), FIRESTORE)
    with transaction(conn):
        for pid, paths in over.items():
            if pid not in again:
                owes.overwritten(conn, pid, paths)
        bases.set_tokens(
            conn,
            FIRESTORE,
            {
                w.project_id: o.token
                for w, o in zip(writes, outcomes, strict=True)
                if o.done and w.project_id in here and here[w.project_id].token == w.token
            },
        )
    return len(writes) - len(again)


def _strike(remote: Remote, paid: tuple[str, ...], ctx: Context, client_id: str) -> Write:
    return Write(
        project_id=remote.project_id,
        action=Action.NOTE,
        token=remote.token,
        client_id=client_id,
        operator=ctx.operator,
        paid=paid,
    )


@dataclass(frozen=True, slots=True)
class _Debts:
    """Of what documents say is owed: this side's own operations, and those that it carried."""

    ours: set[str]
    carried: Mapping[str, Sequence[Operation]]


def _note(
    base: Base, remote: Remote, owed: set[str], debts: _Debts, ctx: Context, client_id: str
) -> Write:
    """What others owe stays theirs to deliver and to strike out, unless it was carried for them."""
    carried = {p: op for p, op in paid(debts.carried, remote.owes).items() if p not in owed}
    own = [p for p, op in remote.owes.items() if op in debts.ours and p not in owed]
    return Write(
        project_id=base.project_id,
        action=Action.NOTE,
        token=remote.token,
        client_id=client_id,
        operator=ctx.operator,
        note=SharedBase(base.remote_id, base.token or base.modified_at, base.values),
        paid=(*own, *carried),
        carried=carried,
    )
