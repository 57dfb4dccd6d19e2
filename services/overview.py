"""What the screens and the commands show of synchronisation: reads only, each in a few ms."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.sync.status import Gate, RowSync, SideSync, side
from store import conflicts, deliveries, marks, operations, owes, projects, targets
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS, Delivery
from store.operations import Operation
from store.targets import TargetState

Gates = Mapping[str, Gate]
OPEN_GATES: Gates = {FIRESTORE: Gate(), SALESFORCE: Gate()}


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """One target for the title line and the Sync screen's header.

    ``state`` is ok, waiting (never reached yet), down, paused or off. ``question`` is what it wants
    to know of a person before it goes on.
    """

    name: str
    state: str
    reason: str | None
    counts: dict[str, int]
    known: TargetState
    question: str | None = None

    @property
    def waiting(self) -> int:
        """Deliveries that are on their way or will be."""
        return self.counts["pending"] + self.counts["retrying"] + self.counts["in_flight"]

    @property
    def trouble(self) -> int:
        """Deliveries that need a person."""
        return self.counts["failed"] + self.counts["conflict"]


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One operation with its deliveries (Firestore, Salesforce row, Salesforce link)."""

    operation: Operation
    deliveries: tuple[Delivery, ...]
    name: str = ""
    sides: dict[str, SideSync] = field(default_factory=dict)
    carried_by: str | None = None


def gates(conn: sqlite3.Connection, configured: Gates = OPEN_GATES) -> dict[str, Gate]:
    """Which targets may move: what the configuration says, and whether a person paused them."""
    found = {}
    for target in TARGETS:
        gate = configured.get(target, Gate())
        if gate.open:
            known = targets.get(conn, target)
            if known.paused_by is not None:
                reason = known.pause_reason or f"paused by {known.paused_by}"
                gate = Gate(open=False, reason=reason)
        found[target] = gate
    return found


def row_sync(
    conn: sqlite3.Connection, ids: Sequence[str] | None, current: Gates
) -> dict[str, RowSync]:
    """The sync state of the given projects (None: of all), by id."""
    wanted = "" if ids is None else " AND project_id IN (SELECT value FROM json_each(?))"
    parameters = [] if ids is None else [json.dumps(list(ids))]
    present = {
        (row[0], row[1]): (bool(row[2]), row[3])
        for row in conn.execute(
            f"SELECT project_id, target, present, acked_at FROM bases WHERE 1{wanted}", parameters
        )
    }
    open_states: dict[tuple[str, str], dict[str, int]] = {}
    details: dict[tuple[str, str], tuple[int, float | None, str | None]] = {}
    rows = conn.execute(
        "SELECT project_id, target, state, COUNT(*), MAX(attempts), MAX(next_at), MAX(last_error) "
        f"FROM open_deliveries WHERE 1{wanted} GROUP BY project_id, target, state",
        parameters,
    )
    for project_id, target, state, number, attempts, next_at, error in rows:
        key = (project_id, target)
        open_states.setdefault(key, {})[state] = number
        before = details.get(key, (0, None, None))
        details[key] = (max(before[0], attempts), next_at or before[1], error or before[2])
    owed = owes.of_projects(conn, ids)
    asked = conflicts.waiting_for_person(conn, ids)
    if ids is None:
        ids = [row[0] for row in conn.execute("SELECT project_id FROM projects")]

    def one(project_id: str, target: str) -> SideSync:
        key = (project_id, target)
        there, acked_at = present.get(key, (False, None))
        attempts, next_at, error = details.get(key, (0, None, None))
        waits = asked.get(project_id)
        concerned = waits is not None and (waits.target == target or key in open_states)
        return side(
            open_states.get(key, {}),
            present=there,
            gate=current[target],
            attempts=attempts,
            next_at=next_at,
            last_error=error,
            acked_at=acked_at,
            asked=(waits.why or "") if waits is not None and concerned else None,
            owed=target == SALESFORCE and project_id in owed,
        )

    return {each: RowSync(one(each, FIRESTORE), one(each, SALESFORCE)) for each in ids}


def health(conn: sqlite3.Connection, configured: Gates = OPEN_GATES) -> dict[str, TargetHealth]:
    """Both targets: connection, what waits, what needs a person."""
    counts = deliveries.counts(conn)
    found = {}
    for target in TARGETS:
        known = targets.get(conn, target)
        gate = configured.get(target, Gate())
        if not gate.open:
            state, reason = "off", gate.reason
        elif known.paused_by is not None:
            state, reason = "paused", known.pause_reason or f"paused by {known.paused_by}"
        elif known.down_since is not None:
            state, reason = "down", known.down_reason
        else:
            state, reason = ("ok" if known.last_ok_at else "waiting"), None
        question = _question(conn, target)
        found[target] = TargetHealth(target, state, reason, counts[target], known, question)
    return found


def _question(conn: sqlite3.Connection, target: str) -> str | None:
    gone = marks.vanished(conn, target)
    if gone is None:
        refusal = marks.refusal(conn, target)
        label = target.capitalize()
        return f"what others changed in {label} can't be read: {refusal}" if refusal else None
    return (
        f"{len(gone.ids)} of {gone.known} projects are gone from {target.capitalize()} all at "
        "once; nothing was deleted here. Look there first, then: steerco sync --accept-deletes"
    )


def outbox(
    conn: sqlite3.Connection,
    *,
    open_only: bool = True,
    states: Sequence[str] = deliveries.OPEN,
    project_id: str | None = None,
    limit: int = 500,
) -> list[OutboxEntry]:
    """Operations with their deliveries, newest first. ``open_only`` leaves out what is over;
    ``states`` narrows it to those with a delivery in one of these states."""
    parts: list[str] = ["1"]
    parameters: list[str | int | None] = [project_id, limit]
    if open_only:
        parts.append(
            "seq IN (SELECT seq FROM open_deliveries "
            "WHERE state IN (SELECT value FROM json_each(?3)))"
        )
        parameters.append(json.dumps(list(states)))
    if project_id is not None:
        parts.append(f"seq IN ({operations.OF_PROJECT})")
    seqs = [
        row[0]
        for row in conn.execute(
            f"SELECT seq FROM operations WHERE {' AND '.join(parts)} ORDER BY seq DESC LIMIT ?2",
            parameters,
        )
    ]
    ops = operations.get_many(conn, seqs)
    travelling = deliveries.of_operations(conn, seqs)
    names = names_of(conn, {op.project_id for op in ops.values()})
    carried = operations.carried(conn, [op.op_id for op in ops.values()])
    return [
        OutboxEntry(
            ops[s],
            tuple(travelling.get(s, ())),
            names.get(ops[s].project_id, ""),
            carried_by=carried[ops[s].op_id][0].operator if ops[s].op_id in carried else None,
        )
        for s in seqs
    ]


def names_of(conn: sqlite3.Connection, ids: set[str]) -> dict[str, str]:
    """Feature names by id, those of deleted projects from their tombstones."""
    text = json.dumps(sorted(ids))
    rows = conn.execute(
        "SELECT project_id, feature_name FROM projects "
        "WHERE project_id IN (SELECT value FROM json_each(?1)) UNION ALL "
        "SELECT project_id, snapshot ->> '$.values.feature_name' FROM tombstones "
        "WHERE project_id IN (SELECT value FROM json_each(?1))",
        (text,),
    )
    return {row[0]: row[1] for row in rows}


def needs_person(conn: sqlite3.Connection) -> int:
    """How many things wait for a person: edits refused or in conflict, and conflicts that were
    decided but that nobody has acknowledged yet."""
    row = conn.execute(
        "SELECT COUNT(*) FROM ("
        "SELECT seq FROM open_deliveries WHERE state IN ('failed', 'conflict') UNION "
        "SELECT COALESCE(seq, id) FROM conflicts WHERE state = 'open')"
    ).fetchone()
    return int(row[0]) + sum(_question(conn, target) is not None for target in TARGETS)


def roadmap_version(conn: sqlite3.Connection) -> int:
    """Grows with every change of any project: the roadmap's rows have to be read again."""
    return int(conn.execute("SELECT COALESCE(MAX(seq), 0) FROM operations").fetchone()[0])


def delivery_state(found: Sequence[Delivery], target: str, gate: Gate) -> Delivery | None:
    """The delivery of an operation that speaks for a target: of row and link, the one that is
    furthest from done. None where the operation does not go there."""
    order = ("conflict", "failed", "in_flight", "retrying", "pending", "done")
    mine = [each for each in found if each.target == target]
    return min(mine, key=lambda d: order.index(d.state) if d.state in order else 9, default=None)


def shown_state(each: Delivery, gate: Gate) -> str:
    """A delivery's state as people see it: ``held`` where its target is off or paused."""
    return "held" if each.state in ("pending", "retrying") and not gate.open else each.state


def feature_name(conn: sqlite3.Connection, project_id: str) -> str:
    """The project's name, also if it was deleted; its id where nothing is known."""
    project = projects.get(conn, project_id)
    if project:
        return project.name
    return names_of(conn, {project_id}).get(project_id, project_id)
