"""A project's history as people read it: who, when, which field, old and new, where it came from,
and how far each change has travelled."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from services import explain, overview
from services.difference import Piece, short_diff
from store import deliveries, fields, operations
from store.canon import Value
from store.deliveries import TARGETS, Delivery
from store.fields import Kind
from store.operations import Changes, Operation

STEP = 60
"""How many changes are read at once; who reads on asks for more."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a change. ``diff`` is set for long texts only."""

    path: str
    label: str
    old: Value
    new: Value
    diff: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change of the project; ``sides`` are its deliveries by target, the one furthest from
    done of each (none where it does not have to travel); ``carried_by`` is who brought it to
    Salesforce in its author's place, if anybody did."""

    seq: int
    at: str
    who: str
    source: str
    kind: str
    changes: tuple[Change, ...]
    sides: tuple[tuple[str, Delivery], ...] = ()
    carried_by: str | None = None


def count(conn: sqlite3.Connection, project_id: str) -> int:
    """How many changes a project has had."""
    return operations.count(conn, project_id)


def read(
    conn: sqlite3.Connection, project_id: str, me: str, newest: int
) -> tuple[HistoryLine, ...]:
    """The newest changes of a project, as ``me`` would call them."""
    entries = operations.history(conn, project_id, newest)
    travelling = deliveries.of_operations(conn, [e.seq for e in entries if e.seq is not None])
    carried = operations.carried(conn, [e.op_id for e in entries])
    by = {op_id: found[0].operator for op_id, found in carried.items()}
    return tuple(
        history_line(entry, travelling.get(entry.seq, ()), me, by.get(entry.op_id))
        for entry in entries
        if entry.changes or entry.kind != "update"
    )


def history_line(
    entry: Operation, found: Sequence[Delivery], me: str, carried_by: str | None = None
) -> HistoryLine:
    """One change with its deliveries, as the history shows it."""
    who, source = source_words(entry.origin, entry.operator, me)
    sides = []
    for target in TARGETS:
        each = overview.delivery_state(found, target, explain.HEALTHY_GATE)
        if each is not None:
            sides.append((target, each))
    return HistoryLine(
        entry.seq,
        entry.at,
        who,
        source,
        entry.kind,
        changes_of(entry.changes),
        tuple(sides),
        carried_by,
    )


def changes_of(changes: Changes) -> tuple[Change, ...]:
    """The changed fields in page order, long texts with their difference."""
    order = {path: index for index, path in enumerate(fields.BY_PATH)}
    found = []
    for path, (old, new) in sorted(changes.items(), key=lambda c: order.get(c[0], len(order))):
        field = fields.BY_PATH.get(path)
        long = field is not None and field.kind is Kind.LONG_TEXT
        diff = short_diff(_text(old), _text(new)) if long else ()
        found.append(Change(path, fields.label_of(path), old, new, diff))
    return tuple(found)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def source_words(origin: str, operator: str, me: str) -> tuple[str, str]:
    """Who made a change and where it came from, for example ``("you", "here")``."""
    who = "you" if operator == me else operator
    match origin:
        case "local":
            return who, "here"
        case "salesforce":
            return operator, "in Salesforce"
        case "firestore":
            return who, "elsewhere" if operator == me else "another operator"
        case "carried":
            return who, "carried to Salesforce"
        case "import":
            return who, "import"
        case "undo":
            return who, "undo"
        case "people":
            return "Steerco", "the user directory found the name"
        case "discard":
            return who, "an edit discarded"
        case "conflict":
            return who, "a conflict decided"
        case "recovery":
            return who, "saved from a damaged database"
        case _:
            return who, origin
