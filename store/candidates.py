"""Which deliveries may travel now: the candidates of a claim.

Reads only. Whether a project's deliveries may go together is decided by ``claimable``, which is
pure over the rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from store.canon import Values
from store.operations import Changes

FIRESTORE, SALESFORCE = "firestore", "salesforce"
ROW, LINK = "row", "link"
FAR = 24 * 3600.0
"""A time further ahead than this was written before the clock was set back: it is due."""

MOVING_SQL = "state IN ('pending', 'retrying', 'in_flight')"
OPEN_SQL = "state IN ('pending', 'retrying', 'in_flight', 'conflict', 'failed')"


@dataclass(frozen=True, slots=True)
class Sent:
    """What left for a target and was not acknowledged."""

    seq: int
    op_id: str
    action: str
    values: Values
    token: str | None
    sent_at: str


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery of a claim, with what its operation says."""

    seq: int
    op_id: str
    kind: str
    operator: str
    at: str
    changes: Changes
    attempts: int
    sends: int
    failing_since: float | None
    trace_id: str = ""
    origin: str = "local"


@dataclass(slots=True)
class Claim:
    """A project's deliveries for one target, leased to one owner. ``sent`` is what an earlier
    owner (or try) sent without learning the outcome."""

    project_id: str
    target: str
    part: str
    items: list[Item]
    sent: Sent | None = None
    paths: list[str] = field(default_factory=list)

    @property
    def newest(self) -> Item:
        """The claim's last operation."""
        return self.items[-1]


def due_projects(
    conn: sqlite3.Connection, target: str, now: float, limit: int, only: Sequence[str] | None
) -> list[str]:
    """Projects with something that may move. Some are ruled out later, so more are
    taken than asked for; a scan that finds too few goes on where it stopped."""
    wanted = limit * 2
    seen: dict[str, None] = {}
    allowed = None if only is None else set(only)
    # INDEXED BY: left to itself the planner walks the primary key through every delivery ever made.
    # The index holds open deliveries only, project by project: each project once, oldest first
    # within it. The order among projects is by id, which nothing depends on.
    rows = conn.execute(
        "SELECT project_id, state, next_at, lease_until FROM deliveries INDEXED BY deliveries_open "
        f"WHERE target = ? AND {OPEN_SQL} AND {MOVING_SQL} ORDER BY project_id, seq",
        (target,),
    )
    for project_id, state, next_at, lease_until in rows:
        if project_id in seen or (allowed is not None and project_id not in allowed):
            continue
        if state != "in_flight" and not is_due(next_at, now):
            continue
        if state == "in_flight" and not is_due(lease_until, now):
            continue
        seen[project_id] = None
        if len(seen) >= wanted:
            break
    return list(seen)


def groups(
    conn: sqlite3.Connection, target: str, ids: Sequence[str], now: float, alone: bool
) -> Iterable[Claim]:
    if not ids:
        return
    behind = "0"
    if target == SALESFORCE and not alone:
        behind = (
            "EXISTS (SELECT 1 FROM deliveries f WHERE f.seq = d.seq AND f.target = 'firestore' "
            "AND f.state IN ('pending', 'retrying', 'in_flight') "
            "AND COALESCE(f.failing_since, ?3) > ?3 - 60)"
        )
    rows = conn.execute(
        f"""
        SELECT d.project_id, d.part, d.seq, d.state, d.next_at, d.lease_until, d.attempts, d.sends,
               d.failing_since, d.dropped, d.solo, o.op_id, o.kind, o.operator, o.at, o.changes,
               o.trace_id, o.origin, {behind} AS behind
        FROM json_each(?1) AS wanted
        CROSS JOIN deliveries d INDEXED BY deliveries_open
          ON d.project_id = wanted.value AND d.target = ?2
        JOIN operations o ON o.seq = d.seq
        WHERE d.{OPEN_SQL} AND ?3
        ORDER BY wanted.key, d.seq
        """,
        (json.dumps(list(ids)), target, now),
    )
    by_project: dict[tuple[str, str], list[sqlite3.Row]] = {}
    for row in rows:
        by_project.setdefault((row[0], row[1]), []).append(row)
    sends = _sends(conn, target, ids)
    links = [pid for pid, part in by_project if part == LINK]
    ready = _ready_links(conn, links) if links else set()
    busy = {
        pid
        for (pid, _), group in by_project.items()
        if any(r["state"] == "in_flight" and not is_due(r["lease_until"], now) for r in group)
    }
    for (project_id, part), group in sorted(by_project.items(), key=lambda e: e[0][1] == LINK):
        # One write of a record at a time: the link follows in the next claim.
        if project_id in busy or (part == LINK and project_id not in ready):
            continue
        items = claimable(group, now)
        if items:
            busy.add(project_id)
            yield Claim(project_id, target, part, items, sends.get((project_id, part)))


def claimable(group: Sequence[sqlite3.Row], now: float) -> list[Item]:
    """The deliveries of one project and part that may travel together now, oldest first.

    Pure over the rows. Nothing may travel while a write of the project is under way, waits for its
    next try, waits for a person's decision on a delete, or is behind Firestore. A dead letter does
    not stop later edits of other fields; a dead *create* does, since there is no row to edit, until
    a new edit brings it along.
    """
    items: list[Item] = []
    for row in group:
        state = row["state"]
        if state == "conflict":
            return []
        if state == "failed":
            if row["kind"] in ("create", "delete", "restore"):
                return []
            continue
        if state == "in_flight" and not is_due(row["lease_until"], now):
            return []
        if state != "in_flight" and not is_due(row["next_at"], now):
            return []
        if row["behind"]:
            break
        items.append(_item(row))
        if row["solo"]:
            break
    return items


def _ready_links(conn: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Projects whose row is in Salesforce and whose parent (if any) is too."""
    rows = conn.execute(
        """
        SELECT p.project_id FROM json_each(?) AS wanted JOIN projects p
          ON p.project_id = wanted.value
        WHERE EXISTS (SELECT 1 FROM bases b WHERE b.project_id = p.project_id
                      AND b.target = 'salesforce' AND b.present)
          AND (p.parent_id IS NULL OR EXISTS (SELECT 1 FROM bases b
               WHERE b.project_id = p.parent_id AND b.target = 'salesforce' AND b.present))
        """,
        (json.dumps(list(ids)),),
    )
    return {row[0] for row in rows}


def _sends(
    conn: sqlite3.Connection, target: str, ids: Sequence[str]
) -> Mapping[tuple[str, str], Sent]:
    rows = conn.execute(
        "SELECT project_id, part, seq, op_id, action, vals, token, sent_at FROM sends "
        "WHERE target = ? AND project_id IN (SELECT value FROM json_each(?))",
        (target, json.dumps(list(ids))),
    )
    return {
        (row[0], row[1]): Sent(row[2], row[3], row[4], json.loads(row[5]), row[6], row[7])
        for row in rows
    }


def is_due(moment: float | None, now: float) -> bool:
    return moment is None or moment <= now or moment > now + FAR


def _item(row: sqlite3.Row) -> Item:
    dropped = set(json.loads(row["dropped"])) if row["dropped"] else ()
    changes: Changes = {
        path: (pair[0], pair[1])
        for path, pair in json.loads(row["changes"]).items()
        if path not in dropped
    }
    return Item(
        row["seq"],
        row["op_id"],
        row["kind"],
        row["operator"],
        row["at"],
        changes,
        row["attempts"],
        row["sends"],
        row["failing_since"],
        row["trace_id"],
        row["origin"],
    )
