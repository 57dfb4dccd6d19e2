"""Which deliveries may travel now: the candidates of a claim.

Reads only. Whether a project's deliveries may go together is decided by ``claimable``, which is
pure over the rows.
"""

from __future__ import annotations

import itertools
import json
import operator
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.canon import Values
from store.operations import CARRIED, Changes

FIRESTORE, SALESFORCE = "firestore", "salesforce"
ROW, LINK = "row", "link"
FAR = 3600.0
"""Seconds. No lease or try is set this far ahead (15 minutes at most): a time beyond was written
before the clock was set back, and is due."""

MOVING_SQL = "state IN ('pending', 'retrying', 'in_flight')"
_decode = json.JSONDecoder().raw_decode


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

    @property
    def newest(self) -> Item:
        """The claim's last operation. Raises IndexError for a claim of nothing."""
        return self.items[-1]

    @property
    def kinds(self) -> set[str]:
        """What its operations do: create, update, delete, restore."""
        return {item.kind for item in self.items}

    @property
    def is_carried(self) -> bool:
        """Whether another operator's edit is among them, which is carried for him."""
        return any(item.origin == CARRIED for item in self.items)

    @property
    def makes(self) -> bool:
        """Whether the project was made on this side and its create is among them."""
        return any(item.kind == "create" and item.origin != CARRIED for item in self.items)

    @property
    def carries_delete(self) -> bool:
        """Whether it carries another operator's delete."""
        return any(item.origin == CARRIED and item.kind == "delete" for item in self.items)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a project still has to deliver to a target; ``under_way`` while a write of it may be
    on its way just now, or has left without an answer."""

    claim: Claim
    under_way: bool


def waiting(conn: sqlite3.Connection, target: str, ids: Sequence[str]) -> dict[str, Waiting]:
    """What each of these projects still has to deliver to a target, due or not, leased or not.
    Nothing is claimed."""
    found = {pid: Waiting(Claim(pid, target, ROW, []), False) for pid in ids}
    sends = {pid for pid, _ in _sends(conn, target, ids)}
    rows = _open_rows(conn, target, 1.0, True, ids, held=True)
    for pid, group in itertools.groupby(rows, key=operator.itemgetter(0)):
        listed = list(group)
        items = [_item(row[7], row[8:]) for row in listed]
        found[pid] = Waiting(Claim(pid, target, ROW, items), _is_leased(listed))
    return {pid: Waiting(each.claim, True) if pid in sends else each for pid, each in found.items()}


def _is_leased(rows: Sequence[sqlite3.Row]) -> bool:
    return any(row[2] == "in_flight" for row in rows)


def candidates(
    conn: sqlite3.Connection,
    target: str,
    now: float,
    limit: int,
    *,
    alone: bool,
    only: Sequence[str] | None = None,
) -> list[Claim]:
    """Up to ``limit`` projects' deliveries that may travel now, by project id.

    One pass over the open deliveries, project by project, that ends as soon as enough are found:
    however many wait behind something, they can't keep the others from being looked at.
    """
    found: list[Claim] = []
    rows = _open_rows(conn, target, now, alone, only)
    for project_id, group in itertools.groupby(rows, key=operator.itemgetter(0)):
        claim = _claim_of(conn, project_id, target, list(group), now)
        if claim is not None:
            found.append(claim)
            if len(found) == limit:
                break
    if found:
        sends = _sends(conn, target, [claim.project_id for claim in found])
        for claim in found:
            claim.sent = sends.get((claim.project_id, claim.part))
    return found


def _open_rows(
    conn: sqlite3.Connection,
    target: str,
    now: float,
    alone: bool,
    only: Sequence[str] | None,
    *,
    held: bool = False,
) -> Iterable[sqlite3.Row]:
    """Open deliveries with their operations, by project; ``held`` takes in those of projects whose
    delete-against-edit waits for a person, which hold both targets."""
    behind = "0"
    if target == SALESFORCE and not alone:
        behind = (
            "EXISTS (SELECT 1 FROM open_deliveries f WHERE f.project_id = d.project_id "
            "AND f.seq = d.seq AND f.target = 'firestore' "
            "AND f.state IN ('pending', 'retrying', 'in_flight') "
            "AND COALESCE(f.failing_since, ?2) > ?2 - 60)"
        )
    restricted = "" if only is None else "AND d.project_id IN (SELECT value FROM json_each(?3))"
    if not held:
        restricted += (
            " AND NOT EXISTS (SELECT 1 FROM conflicts c INDEXED BY conflicts_open "
            "WHERE c.project_id = d.project_id AND c.state = 'open' AND c.path = '*')"
        )
    # Nothing depends on the order among projects.
    return conn.execute(
        f"""
        SELECT d.project_id, d.part, d.state, d.next_at, d.lease_until, d.solo, {behind},
               d.dropped, d.seq, o.op_id, o.kind, o.operator, o.at, o.changes, d.attempts,
               d.sends, d.failing_since, o.trace_id, o.origin
        FROM open_deliveries d
        CROSS JOIN operations o ON o.seq = d.seq
        WHERE d.target = ?1 AND ?2 {restricted}
        ORDER BY d.project_id, d.seq
        """,
        (target, now) if only is None else (target, now, json.dumps(list(only))),
    )


def _claim_of(
    conn: sqlite3.Connection, project_id: str, target: str, rows: list[sqlite3.Row], now: float
) -> Claim | None:
    """The claim of one project: its row, or else its link. One write of a record at a time."""
    parts: dict[str, list[sqlite3.Row]] = {ROW: [], LINK: []}
    for row in rows:
        if row[2] == "in_flight" and not is_due(row[4], now):
            return None
        parts[row[1]].append(row)
    items = claimable(parts[ROW], now)
    if items:
        return Claim(project_id, target, ROW, items)
    links = claimable(parts[LINK], now)
    if links and _is_ready(conn, project_id):
        return Claim(project_id, target, LINK, links)
    return None


def claimable(group: Sequence[sqlite3.Row], now: float) -> list[Item]:
    """The deliveries of one project and part that may travel together now, oldest first.

    Pure over the rows. Nothing may travel while a write of the project waits for its next try,
    waits for a person's decision on a delete, or is behind Firestore. A dead letter does not stop
    later edits of other fields; a dead *create* does, since there is no row to edit, until a new
    edit brings it along.
    """
    items: list[Item] = []
    for row in group:
        _, _, state, next_at, _, solo, behind, dropped, *rest = row
        if state == "conflict":
            return []
        if state == "failed":
            if rest[2] in ("create", "delete", "restore"):
                return []
            continue
        if state != "in_flight" and not is_due(next_at, now):
            return []
        if behind:
            break
        items.append(_item(dropped, rest))
        if solo:
            break
    return items


def _item(dropped: str | None, cells: Sequence[Any]) -> Item:
    """A delivery's operation, from its columns from ``seq`` on."""
    values = list(cells)
    values[5] = _remaining(values[5], dropped)
    return Item(*values)


def _is_ready(conn: sqlite3.Connection, project_id: str) -> bool:
    """Whether a project's row is in Salesforce and its parent (if any) is too; of one that was
    deleted here the link is over."""
    row = conn.execute(
        """
        SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM projects WHERE project_id = ?1)
        UNION ALL
        SELECT 1 FROM projects p WHERE p.project_id = ?1
          AND EXISTS (SELECT 1 FROM bases b WHERE b.project_id = p.project_id
                      AND b.target = 'salesforce' AND b.present)
          AND (p.parent_id IS NULL OR EXISTS (SELECT 1 FROM bases b
               WHERE b.project_id = p.parent_id AND b.target = 'salesforce' AND b.present))
        """,
        (project_id,),
    ).fetchone()
    return row is not None


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


def unlearned(conn: sqlite3.Connection, project_id: str) -> list[tuple[str, str, Values]]:
    """What left and was not acknowledged: target, part and values."""
    rows = conn.execute("SELECT target, part, vals FROM sends WHERE project_id = ?", (project_id,))
    return [(target, part, json.loads(values)) for target, part, values in rows]


def is_due(moment: float | None, now: float) -> bool:
    return moment is None or moment <= now or moment > now + FAR


def _remaining(changes: str, dropped: str | None) -> Changes:
    """An operation's changes without the fields that were judged meanwhile."""
    found: Changes = _decode(changes)[0]
    if dropped:
        for path in json.loads(dropped):
            found.pop(path, None)
    return found
