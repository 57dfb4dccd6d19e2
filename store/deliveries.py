"""What has to reach each target: claims with leases, sends, acknowledgements, dead letters.

At most one write of a project is under way on a target; its consecutive edits are claimed
together and travel as one. States: pending → in_flight → done, with retrying, conflict, failed,
superseded and discarded. *Held* is not stored: a delivery is held while its target is off or
paused by a person, and saying so from that fact alone can't go stale.

Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.candidates import (
    FAR,
    FIRESTORE,
    LINK,
    MOVING_SQL,
    OPEN_SQL,
    ROW,
    SALESFORCE,
    Claim,
    Item,
    Sent,
    candidates,
)
from store.canon import Value, Values
from store.projects import to_json

__all__ = [
    "FAR",
    "FIRESTORE",
    "LINK",
    "ROW",
    "SALESFORCE",
    "TARGETS",
    "Claim",
    "Delivery",
    "Item",
    "Owed",
    "Sent",
]

TARGETS = (FIRESTORE, SALESFORCE)
LABELS = {FIRESTORE: "Firestore", SALESFORCE: "Salesforce"}
OPEN = ("pending", "retrying", "in_flight", "conflict", "failed")
MOVING = ("pending", "retrying", "in_flight")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One operation on its way to one target."""

    seq: int
    target: str
    part: str
    project_id: str
    state: str
    attempts: int
    sends: int
    next_at: float | None
    failing_since: float | None
    lease_until: float | None
    dropped: tuple[str, ...]
    error_class: str | None
    error_code: str | None
    last_error: str | None
    acked_at: str | None


_ADD = (
    "INSERT INTO deliveries (seq, target, part, project_id, state) VALUES (?, ?, ?, ?, 'pending')"
)


def add(
    conn: sqlite3.Connection,
    seq: int,
    project_id: str,
    parts: Iterable[tuple[str, str]],
) -> None:
    """Queue the operation for ``(target, part)`` each."""
    for target, part in parts:
        conn.execute(_ADD, (seq, target, part, project_id))


def claim(
    conn: sqlite3.Connection,
    target: str,
    owner: str,
    now: float,
    *,
    lease: float,
    limit: int,
    alone: bool = False,
    only: Sequence[str] | None = None,
) -> list[Claim]:
    """Lease the deliveries of up to ``limit`` projects that may travel now.

    A project is passed over while a write of it is under way, while an older delivery of it waits
    for its next try or for a person, while Firestore has not got what Salesforce would be told
    (unless ``alone``), and, for the parent link, while row or parent are not in Salesforce yet.
    ``only`` restricts the claim to these projects.
    """
    claims = candidates(conn, target, now, limit, alone=alone, only=only)
    for part, seqs in _seqs(claims).items():
        conn.execute(
            "UPDATE deliveries SET state = 'in_flight', lease_owner = ?, lease_until = ? "
            "WHERE target = ? AND part = ? AND seq IN (SELECT value FROM json_each(?))",
            (owner, now + lease, target, part, json.dumps(seqs)),
        )
    return claims


def next_due(conn: sqlite3.Connection, target: str, now: float) -> float | None:
    """When something for the target may move next (``now`` if at once); None if nothing waits."""
    row = conn.execute(
        "SELECT MIN(MIN(COALESCE(CASE state WHEN 'in_flight' THEN lease_until ELSE next_at END, "
        "?1), ?1 + ?2)) "
        "FROM deliveries INDEXED BY deliveries_open "
        f"WHERE target = ?3 AND {OPEN_SQL} AND {MOVING_SQL}",
        (now, FAR, target),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def mark_sent(
    conn: sqlite3.Connection,
    owner: str,
    sends: Sequence[tuple[Claim, str, Values, str | None]],
    at: str,
) -> list[Claim]:
    """Write down what is about to leave: ``(claim, action, values, token)`` each.

    Gives the claims whose lease still stands; the others belong to somebody else by now and must
    not be sent.
    """
    newest = {
        (c.newest.seq, c.part): (c, action, values, token) for c, action, values, token in sends
    }
    if not newest:
        return []
    target = sends[0][0].target
    rows = conn.execute(
        "UPDATE deliveries SET sends = sends + 1 WHERE target = ? AND lease_owner = ? "
        "AND state = 'in_flight' AND seq IN (SELECT value FROM json_each(?)) RETURNING seq, part",
        (target, owner, json.dumps([seq for seq, _ in newest])),
    ).fetchall()
    standing = [newest[row[0], row[1]] for row in rows]
    conn.executemany(
        "INSERT OR REPLACE INTO sends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                c.project_id,
                target,
                c.part,
                c.newest.seq,
                c.newest.op_id,
                action,
                to_json(values),
                token,
                at,
            )
            for c, action, values, token in standing
        ],
    )
    return [c for c, *_ in standing]


def settle(
    conn: sqlite3.Connection, owner: str, claims: Iterable[Claim], state: str, at: str
) -> None:
    """Close claimed deliveries of one target: ``done``, ``superseded`` … Only those whose lease
    still stands: an acknowledgement never touches an operation it did not carry."""
    claims = list(claims)
    if not claims:
        return
    target = claims[0].target
    for part, seqs in _seqs(claims).items():
        conn.execute(
            "UPDATE deliveries SET state = ?, acked_at = ?, lease_owner = NULL, "
            "lease_until = NULL, next_at = NULL, last_error = NULL, error_class = NULL, "
            "error_code = NULL WHERE target = ? AND part = ? AND lease_owner = ? "
            "AND seq IN (SELECT value FROM json_each(?))",
            (state, at, target, part, owner, json.dumps(seqs)),
        )
        ids = json.dumps([c.project_id for c in claims if c.part == part])
        conn.execute(
            "DELETE FROM sends WHERE target = ? AND part = ? "
            "AND project_id IN (SELECT value FROM json_each(?))",
            (target, part, ids),
        )


def _seqs(claims: Iterable[Claim]) -> dict[str, list[int]]:
    """The claims' operation numbers by part."""
    found: dict[str, list[int]] = {}
    for each in claims:
        found.setdefault(each.part, []).extend(item.seq for item in each.items)
    return found


def put_back(
    conn: sqlite3.Connection,
    owner: str,
    claim_: Claim,
    *,
    state: str,
    now: float,
    next_at: float | None = None,
    charge: bool = False,
    error: tuple[str, str, str] | None = None,
    unknown: bool = False,
    solo: bool = False,
) -> None:
    """End a claim without delivery.

    ``state`` is pending, retrying, failed or conflict; ``charge`` counts an attempt; ``error`` is
    ``(class, code, sentence)``; ``unknown`` keeps what was sent, so that the next owner reads the
    record before anything is sent again; ``solo`` sends a refused group operation by operation.
    """
    cls, code, sentence = error or (None, None, None)
    conn.executemany(
        "UPDATE deliveries SET state = ?, next_at = ?, attempts = attempts + ?, "
        "failing_since = CASE WHEN ?1 = 'pending' THEN NULL ELSE COALESCE(failing_since, ?) END, "
        "lease_owner = NULL, lease_until = NULL, error_class = ?, error_code = ?, last_error = ?, "
        "solo = solo OR ? WHERE seq = ? AND target = ? AND part = ? AND lease_owner = ? "
        "AND state = 'in_flight'",
        [
            (
                state,
                next_at,
                int(charge),
                now,
                cls,
                code,
                sentence,
                int(solo),
                item.seq,
                claim_.target,
                claim_.part,
                owner,
            )
            for item in claim_.items
        ],
    )
    if not unknown:
        conn.execute(
            "DELETE FROM sends WHERE project_id = ? AND target = ? AND part = ?",
            (claim_.project_id, claim_.target, claim_.part),
        )


def sent(conn: sqlite3.Connection, project_id: str, target: str, part: str = ROW) -> Sent | None:
    """What left and was not acknowledged, if anything."""
    row = conn.execute(
        "SELECT seq, op_id, action, vals, token, sent_at FROM sends "
        "WHERE project_id = ? AND target = ? AND part = ?",
        (project_id, target, part),
    ).fetchone()
    return Sent(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5]) if row else None


@dataclass(frozen=True, slots=True)
class Owed:
    """A field of undelivered operations: the value that the oldest replaced, and who set it last
    and when. ``seen`` are all values that they replaced: whoever set it went over those. ``seq``
    is None where it is another operator's to deliver."""

    replaced: Value
    op_id: str
    operator: str
    at: str
    seq: int | None
    seen: tuple[Value, ...] = ()


def undelivered(
    conn: sqlite3.Connection, ids: Sequence[str], target: str
) -> dict[str, dict[str, Owed]]:
    """The fields a target has not got, by project: the oldest replaced value (what was common
    before all of them) with the newest operation. Dead letters count; parent_id belongs to the
    link where Salesforce has one."""
    rows = conn.execute(
        f"""
        SELECT d.project_id, d.part, d.dropped, o.op_id, o.operator, o.at, o.changes, d.seq
        FROM json_each(?) AS wanted
        CROSS JOIN deliveries d INDEXED BY deliveries_open
          ON d.project_id = wanted.value AND d.target = ?
        JOIN operations o ON o.seq = d.seq WHERE d.{OPEN_SQL} ORDER BY d.seq
        """,
        (json.dumps(list(ids)), target),
    )
    found: dict[str, dict[str, Owed]] = {}
    for project_id, part, dropped, op_id, operator, at, changes, seq in rows:
        gone = set(json.loads(dropped)) if dropped else set()
        owed = found.setdefault(project_id, {})
        for path, (old, _) in json.loads(changes).items():
            is_link = target == SALESFORCE and path == "parent_id"
            if path in gone or (part == LINK) != is_link:
                continue
            before = owed.get(path)
            first = before.replaced if before else old
            seen = (*(before.seen if before else ()), old)
            owed[path] = Owed(first, op_id, operator, at, seq, seen)
    return found


def never_sent(conn: sqlite3.Connection) -> dict[str, set[str]]:
    """The operations that have left for no target yet, by project."""
    found: dict[str, set[str]] = {}
    rows = conn.execute(
        "SELECT o.project_id, o.op_id FROM operations o JOIN deliveries d ON d.seq = o.seq "
        "GROUP BY o.seq HAVING SUM(d.sends) = 0 AND SUM(d.state = 'done') = 0"
    )
    for project_id, op_id in rows:
        found.setdefault(project_id, set()).add(op_id)
    return found


def of_operation(conn: sqlite3.Connection, seq: int) -> list[Delivery]:
    """The deliveries of one operation, Firestore first."""
    rows = conn.execute("SELECT * FROM deliveries WHERE seq = ? ORDER BY target, part DESC", (seq,))
    return [_delivery(row) for row in rows]


def of_operations(conn: sqlite3.Connection, seqs: Iterable[int]) -> dict[int, list[Delivery]]:
    """The deliveries of several operations by their number."""
    found: dict[int, list[Delivery]] = {}
    rows = conn.execute(
        "SELECT * FROM deliveries WHERE seq IN (SELECT value FROM json_each(?)) "
        "ORDER BY seq, target, part DESC",
        (json.dumps(list(seqs)),),
    )
    for row in rows:
        found.setdefault(row["seq"], []).append(_delivery(row))
    return found


def open_of_project(
    conn: sqlite3.Connection, project_id: str, target: str | None = None
) -> list[Delivery]:
    """The project's deliveries that are not over, oldest first."""
    sql = "SELECT * FROM deliveries INDEXED BY deliveries_open WHERE project_id = ? AND " + OPEN_SQL
    parameters: list[object] = [project_id]
    if target is not None:
        sql += " AND target = ?"
        parameters.append(target)
    return [_delivery(row) for row in conn.execute(sql + " ORDER BY seq", parameters)]


def failed_of_project(conn: sqlite3.Connection, project_id: str) -> list[Delivery]:
    """The project's dead letters, oldest first."""
    rows = conn.execute(
        "SELECT * FROM deliveries INDEXED BY deliveries_failed "
        "WHERE project_id = ? AND state = 'failed' ORDER BY seq",
        (project_id,),
    )
    return [_delivery(row) for row in rows]


def counts(conn: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Open deliveries by target and state; ``done`` is not counted here."""
    found: dict[str, dict[str, int]] = {t: dict.fromkeys(OPEN, 0) for t in TARGETS}
    rows = conn.execute(
        f"SELECT target, state, COUNT(*) FROM deliveries WHERE {OPEN_SQL} GROUP BY target, state"
    )
    for target, state, number in rows:
        found.setdefault(target, dict.fromkeys(OPEN, 0))[state] = number
    return found


def set_state(
    conn: sqlite3.Connection,
    seq: int,
    target: str,
    state: str,
    *,
    part: str | None = None,
    reset: bool = False,
) -> int:
    """Move an open delivery by a person's decision (retry, discard, resolve) or because a later
    edit took its place; ``reset`` forgets attempts and errors. Gives the number moved; one that is
    in flight stays, since it may be on its way."""
    clause = "" if part is None else " AND part = ?"
    forget = (
        ", attempts = 0, next_at = NULL, failing_since = NULL, error_class = NULL, "
        "error_code = NULL, last_error = NULL"
        if reset
        else ""
    )
    cursor = conn.execute(
        f"UPDATE deliveries SET state = ?{forget} WHERE seq = ? AND target = ? "
        f"AND state IN ('pending', 'retrying', 'conflict', 'failed'){clause}",
        (state, seq, target, *([] if part is None else [part])),
    )
    return cursor.rowcount


def drop(conn: sqlite3.Connection, seq: int, target: str, paths: Iterable[str]) -> None:
    """A field of a delivery was judged: it need not be delivered any more. With its last field the
    delivery is superseded."""
    row = conn.execute(
        "SELECT d.dropped, o.changes FROM deliveries d JOIN operations o USING (seq) "
        "WHERE d.seq = ? AND d.target = ? AND d.part = 'row'",
        (seq, target),
    ).fetchone()
    if row is None:
        return
    gone = sorted({*json.loads(row[0] or "[]"), *paths})
    left = set(json.loads(row[1])) - set(gone)
    conn.execute(
        "UPDATE deliveries SET dropped = ?, state = CASE WHEN ? THEN 'superseded' ELSE state END "
        f"WHERE seq = ? AND target = ? AND part = 'row' AND {OPEN_SQL}",
        (to_json(gone), not left, seq, target),
    )


def release(conn: sqlite3.Connection, owner: str) -> int:
    """Give back every lease of an owner that stops; what was sent stays written down."""
    cursor = conn.execute(
        "UPDATE deliveries SET state = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'pending' END, "
        "lease_owner = NULL, lease_until = NULL WHERE state = 'in_flight' AND lease_owner = ?",
        (owner,),
    )
    return cursor.rowcount


def renew(conn: sqlite3.Connection, owner: str, until: float) -> int:
    """Hold every lease of an owner for longer: what it sent is still being worked on."""
    cursor = conn.execute(
        "UPDATE deliveries SET lease_until = ? WHERE state = 'in_flight' AND lease_owner = ?",
        (until, owner),
    )
    return cursor.rowcount


def lease_owners(conn: sqlite3.Connection) -> list[str]:
    """Everybody who holds a lease."""
    rows = conn.execute(
        "SELECT DISTINCT lease_owner FROM deliveries INDEXED BY deliveries_open "
        f"WHERE state = 'in_flight' AND {OPEN_SQL}"
    )
    return [row[0] for row in rows if row[0]]


def expire(conn: sqlite3.Connection, owner: str) -> None:
    """End the leases of an owner that is known to be dead, so that nobody waits for them."""
    conn.execute(
        "UPDATE deliveries SET lease_until = 0 WHERE state = 'in_flight' AND lease_owner = ?",
        (owner,),
    )


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        row["seq"],
        row["target"],
        row["part"],
        row["project_id"],
        row["state"],
        row["attempts"],
        row["sends"],
        row["next_at"],
        row["failing_since"],
        row["lease_until"],
        tuple(json.loads(row["dropped"] or "[]")),
        row["error_class"],
        row["error_code"],
        row["last_error"],
        row["acked_at"],
    )
