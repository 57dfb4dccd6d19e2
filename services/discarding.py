"""Giving an operation up: its deliveries are over, and the three sides agree again."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services import itsc_roadmap, overview
from services.context import Context
from services.outbox import NotPossible, find
from services.sync import links
from services.sync.provenance import common_value
from services.sync.targets.fs_layout import is_hash
from store import bases, candidates, conflicts, deliveries, fields, operations, projects
from store.bases import Base
from store.canon import Value, Values
from store.clock import to_iso
from store.conflicts import WHOLE
from store.database import transaction
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE, TARGETS, Delivery
from store.operations import Changes, Operation


@dataclass(frozen=True, slots=True)
class Loss:
    """What discarding an operation loses: a label and both values for each field."""

    name: str
    kind: str
    fields: tuple[tuple[str, Value, Value], ...]


def loss(conn: sqlite3.Connection, seq: int) -> Loss:
    """What discarding this operation would lose, to be named before it is asked for."""
    op = find(conn, str(seq))
    pairs = tuple((path, new, old) for path, (old, new) in op.changes.items())
    return Loss(overview.feature_name(conn, op.project_id), op.kind, pairs)


def discard(conn: sqlite3.Connection, ctx: Context, seq: int) -> Values:
    """Give an operation up: its deliveries are over, and each field goes back to what the targets
    hold, as a new local operation, so that the three sides agree; a project that a target has not
    got goes everywhere. Gives the fields brought back.

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
        back = _take_back(conn, ctx, op, open_ones)
        _ask_after(conn, ctx, op.project_id)
        return back


def _take_back(
    conn: sqlite3.Connection, ctx: Context, op: Operation, open_ones: Sequence[Delivery]
) -> Values:
    here = projects.exists(conn, op.project_id)
    if op.kind == "delete":
        if not here:
            itsc_roadmap.restore_project(conn, ctx, op.project_id, origin="discard")
    elif here:
        there = _there(conn, op.project_id)
        unmade = any(each.part == ROW and each.target not in there for each in open_ones)
        if op.kind not in ("create", "restore") or not unmade:
            return _go_back(conn, ctx, op, open_ones, there)
        itsc_roadmap.delete_project(conn, ctx, op.project_id, origin="discard")
    return {}


def _ask_after(conn: sqlite3.Connection, ctx: Context, project_id: str) -> None:
    """What was given up may have left already, and may still arrive: as long as nobody knows, what
    is in force here is on its way after it."""
    project = projects.get(conn, project_id)
    for target, part, values in candidates.unlearned(conn, project_id) if project else ():
        assert project is not None
        held = {path: (sent, project.values.get(path)) for path, sent in values.items()}
        changes: Changes = {path: each for path, each in held.items() if each[0] != each[1]}
        if changes:
            links.send_again(conn, ctx, project_id, changes, [(target, part)])


def _there(conn: sqlite3.Connection, project_id: str) -> dict[str, Base]:
    """The bases of the targets that have the project."""
    found = {target: bases.get(conn, project_id, target) for target in TARGETS}
    return {target: base for target, base in found.items() if base is not None and base.present}


def _go_back(
    conn: sqlite3.Connection,
    ctx: Context,
    op: Operation,
    open_ones: Sequence[Delivery],
    there: Mapping[str, Base],
) -> Values:
    """Each field that the operation set last is as the target has it. Where the targets differ,
    what Firestore has goes to Salesforce, too."""
    project = projects.get(conn, op.project_id)
    assert project is not None
    back: Values = {}
    for path, (old, new) in op.changes.items():
        if project.values.get(path) != new:
            continue  # a later edit took its place; that one travels on
        carriers = [each.target for each in open_ones if _carries(each, path)]
        if not carriers:
            continue
        held = {name: _held(conn, op, path, old, name, there.get(name)) for name in carriers}
        value = held[carriers[0]]
        if value != new:
            back[path] = value
        elif any(other != value for other in held.values()):
            part = LINK if path == "parent_id" else ROW
            links.send_again(conn, ctx, op.project_id, {path: (value, new)}, [(SALESFORCE, part)])
    if back:
        itsc_roadmap.update_project(conn, ctx, op.project_id, back, origin="discard")
    return back


def _carries(delivery: Delivery, path: str) -> bool:
    """Whether a delivery brings this field to its target, or a total that it is part of."""
    if delivery.target == FIRESTORE:
        return True
    known = fields.BY_PATH.get(path)
    if delivery.part == LINK or path == "parent_id":
        return delivery.part == LINK and path == "parent_id"
    return fields.is_score(path) or (known is not None and known.sf is not None)


def _held(
    conn: sqlite3.Connection,
    op: Operation,
    path: str,
    old: Value,
    target: str,
    base: Base | None,
) -> Value:
    """What a field goes back to: what the target holds, or what an earlier edit that is still on
    its way there will have it hold. Salesforce knows totals, not votes."""
    earlier = deliveries.open_of_project(conn, op.project_id, target)
    on_its_way = any(
        each.seq < op.seq and path in found.changes
        for each in earlier
        if (found := operations.get(conn, each.seq)) is not None
    )
    if base is None or on_its_way or (target == SALESFORCE and fields.is_score(path)):
        return old
    value = common_value(conn, op.project_id, path, base)
    return old if is_hash(value) else value


def _close_conflicts(conn: sqlite3.Connection, ctx: Context, op: Operation) -> None:
    """Nobody has to decide about what was given up; what waited beside it goes on."""
    for each in conflicts.find(conn, project_id=op.project_id):
        if each.seq != op.seq:
            continue
        conflicts.resolve(conn, each.id, "discarded", ctx.operator, to_iso(ctx.clock()))
        if each.path == WHOLE:
            deliveries.let_go(conn, op.project_id)
