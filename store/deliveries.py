"""What has to reach each target: claims with leases, sends, acknowledgements, dead letters.

At most one write of a project is under way on a target; its consecutive edits are claimed
together and travel as one. States: pending → in_flight → done, with retrying, conflict, failed,
superseded and discarded. *Held* is not stored: a delivery is held while its target is off or
paused by a person, and saying so from that fact alone can't go stale.

What is open and what is over are two tables, and a delivery moves to the second when it is done,
superseded or discarded; the view ``deliveries`` shows both. What only reads is in
``store.delivery_reads``.

Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from store import operations
from store.candidates import (
    FAR,
    FIRESTORE,
    LINK,
    MOVING_SQL,
    ROW,
    SALESFORCE,
    Claim,
    Item,
    Sent,
    candidates,
)
from store.canon import Values
from store.delivery_reads import (
    LABELS,
    OPEN,
    PAST,
    TARGETS,
    Delivery,
    Owed,
    counts,
    done_since,
    failed_of_project,
    lease_owners,
    never_sent,
    next_due,
    of_operation,
    of_operations,
    open_of_project,
    undelivered,
)
from store.projects import to_json

__all__ = [
    "FAR",
    "FIRESTORE",
    "LABELS",
    "LINK",
    "OPEN",
    "PAST",
    "ROW",
    "SALESFORCE",
    "TARGETS",
    "Claim",
    "Delivery",
    "Item",
    "Owed",
    "Sent",
    "add",
    "arrived",
    "claim",
    "counts",
    "done_since",
    "drop",
    "expire",
    "failed_of_project",
    "forget_tries",
    "lease_owners",
    "let_go",
    "mark_sent",
    "never_sent",
    "next_due",
    "of_operation",
    "of_operations",
    "open_of_project",
    "put_back",
    "release",
    "renew",
    "retry_all",
    "sent",
    "set_state",
    "settle",
    "undelivered",
]


_ADD = (
    "INSERT INTO open_deliveries (seq, target, part, project_id, state) "
    "VALUES (?, ?, ?, ?, 'pending')"
)
_THIS = "project_id = ? AND seq = ? AND target = ? AND part = ?"
_SHELVE = (
    "INSERT INTO past_deliveries SELECT seq, target, part, ?, attempts, sends, failing_since, "
    f"dropped, {{errors}}, ? FROM open_deliveries WHERE {_THIS}"
)
_KEEP_ERRORS = _SHELVE.format(errors="error_class, error_code, last_error")
_NO_ERRORS = _SHELVE.format(errors="NULL, NULL, NULL")
_TAKE = f"DELETE FROM open_deliveries WHERE {_THIS}"


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
    conn.executemany(
        "UPDATE open_deliveries SET state = 'in_flight', lease_owner = ?, lease_until = ? "
        f"WHERE {_THIS}",
        [(owner, now + lease, *key) for key in _keys(claims)],
    )
    return claims


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
    standing = [
        send
        for send in sends
        if conn.execute(
            "UPDATE open_deliveries SET sends = sends + 1 "
            f"WHERE {_THIS} AND lease_owner = ? AND state = 'in_flight'",
            (send[0].project_id, send[0].newest.seq, send[0].target, send[0].part, owner),
        ).rowcount
    ]
    conn.executemany(
        "INSERT OR REPLACE INTO sends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                c.project_id,
                c.target,
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
    keys = _keys(claims)
    conn.executemany(
        f"{_NO_ERRORS} AND lease_owner = ?", [(state, at, *key, owner) for key in keys]
    )
    conn.executemany(f"{_TAKE} AND lease_owner = ?", [(*key, owner) for key in keys])
    conn.executemany(
        "DELETE FROM sends WHERE project_id = ? AND target = ? AND part = ?",
        [(c.project_id, c.target, c.part) for c in claims],
    )


def _keys(claims: Iterable[Claim]) -> list[tuple[str, int, str, str]]:
    """The claims' deliveries by what they are stored under."""
    return [(c.project_id, item.seq, c.target, c.part) for c in claims for item in c.items]


def _shelve(conn: sqlite3.Connection, key: tuple[str, int, str, str], state: str) -> None:
    """A delivery is over without having arrived."""
    conn.execute(_KEEP_ERRORS, (state, None, *key))
    conn.execute(_TAKE, key)


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
        "UPDATE open_deliveries SET state = ?, next_at = ?, attempts = attempts + ?, "
        "failing_since = CASE WHEN ?1 = 'pending' THEN NULL ELSE COALESCE(failing_since, ?) END, "
        "lease_owner = NULL, lease_until = NULL, error_class = ?, error_code = ?, last_error = ?, "
        f"solo = solo OR ? WHERE {_THIS} AND lease_owner = ? AND state = 'in_flight'",
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
                claim_.project_id,
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


_ANEW = (
    "attempts = 0, next_at = NULL, failing_since = NULL, error_class = NULL, error_code = NULL, "
    "last_error = NULL"
)


def undeleted(conn: sqlite3.Connection, target: str, before: str, limit: int) -> list[str]:
    """Projects that others deleted before a moment (ISO) and of which the target still has the
    record; those are left out of which this side has something to tell there, tried once
    already, or waits for a person."""
    rows = conn.execute(
        """
        SELECT t.project_id FROM tombstones t
        JOIN bases b ON b.project_id = t.project_id AND b.target = ?1 AND b.present
        WHERE t.deleted_at <= ?2
          AND NOT EXISTS (SELECT 1 FROM conflicts c INDEXED BY conflicts_open
            WHERE c.project_id = t.project_id AND c.state = 'open' AND c.path = '*')
        ORDER BY t.project_id LIMIT ?3
        """,
        (target, before, limit * 10),
    )
    found: list[str] = []
    for (project_id,) in rows.fetchall():
        if open_of_project(conn, project_id, target) or _was_tried(conn, project_id):
            continue
        found.append(project_id)
    return found[:limit]


def _was_tried(conn: sqlite3.Connection, project_id: str) -> bool:
    """Whether the project's last delete is one that was carried."""
    last = operations.newest(conn, project_id, "delete", carried=True)
    return last is None or last.origin == operations.CARRIED


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
    found = conn.execute(
        "SELECT d.project_id, d.seq, d.target, d.part FROM operations o JOIN open_deliveries d "
        "ON d.project_id = o.project_id AND d.seq = o.seq WHERE o.seq = ? AND d.target = ? "
        "AND d.state <> 'in_flight'",
        (seq, target),
    ).fetchall()
    keys = [tuple(row) for row in found if part in (None, row[3])]
    for key in keys:
        if state in PAST:
            _shelve(conn, key, state)
        else:
            forget = f", {_ANEW}" if reset else ""
            conn.execute(
                f"UPDATE open_deliveries SET state = ?{forget} WHERE {_THIS}", (state, *key)
            )
    return len(keys)


def let_go(conn: sqlite3.Connection, project_id: str) -> None:
    """A project that waited for a person's decision need not wait: what was held is judged anew."""
    conn.execute(
        f"UPDATE open_deliveries SET state = 'pending', {_ANEW} "
        "WHERE project_id = ? AND state = 'conflict'",
        (project_id,),
    )


def retry_all(conn: sqlite3.Connection) -> int:
    """Everything that failed or waits for its next try is new again; gives how many."""
    cursor = conn.execute(
        f"UPDATE open_deliveries SET state = 'pending', {_ANEW} "
        "WHERE state IN ('failed', 'retrying')"
    )
    return cursor.rowcount


def forget_tries(conn: sqlite3.Connection) -> None:
    """Nothing is leased and nothing waits for its next try: whoever did that is another."""
    conn.execute(
        "UPDATE open_deliveries SET lease_owner = NULL, lease_until = NULL, next_at = NULL, "
        "state = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'pending' END "
        f"WHERE {MOVING_SQL}"
    )


def drop(conn: sqlite3.Connection, seq: int, target: str, paths: Iterable[str]) -> None:
    """A field of a delivery was judged: it need not be delivered any more. With its last field the
    delivery is superseded."""
    row = conn.execute(
        "SELECT d.dropped, o.changes, o.project_id FROM operations o JOIN open_deliveries d "
        "ON d.project_id = o.project_id AND d.seq = o.seq "
        "WHERE o.seq = ? AND d.target = ? AND d.part = 'row'",
        (seq, target),
    ).fetchone()
    if row is None:
        return
    gone = sorted({*json.loads(row[0] or "[]"), *paths})
    left = set(json.loads(row[1])) - set(gone)
    key = (row[2], seq, target, ROW)
    conn.execute(f"UPDATE open_deliveries SET dropped = ? WHERE {_THIS}", (to_json(gone), *key))
    if not left:
        _shelve(conn, key, "superseded")


def arrived(conn: sqlite3.Connection, seq: int, target: str, part: str, at: str) -> None:
    """What a delivery carries was acknowledged (ISO time) with another one's; one that is on its
    way itself stays."""
    row = conn.execute("SELECT project_id FROM operations WHERE seq = ?", (seq,)).fetchone()
    key = (row[0], seq, target, part)
    waits = conn.execute(
        f"SELECT 1 FROM open_deliveries WHERE {_THIS} AND state IN ('pending', 'retrying')", key
    ).fetchone()
    if waits is not None:
        conn.execute(_NO_ERRORS, ("done", at, *key))
        conn.execute(_TAKE, key)


def release(conn: sqlite3.Connection, owner: str) -> int:
    """Give back every lease of an owner that stops; what was sent stays written down."""
    cursor = conn.execute(
        "UPDATE open_deliveries SET lease_owner = NULL, lease_until = NULL, "
        "state = CASE WHEN attempts > 0 THEN 'retrying' ELSE 'pending' END "
        "WHERE state = 'in_flight' AND lease_owner = ?",
        (owner,),
    )
    return cursor.rowcount


def renew(conn: sqlite3.Connection, owner: str, until: float) -> int:
    """Hold every lease of an owner for longer: what it sent is still being worked on."""
    cursor = conn.execute(
        "UPDATE open_deliveries SET lease_until = ? WHERE state = 'in_flight' AND lease_owner = ?",
        (until, owner),
    )
    return cursor.rowcount


def expire(conn: sqlite3.Connection, owner: str) -> None:
    """End the leases of an owner that is known to be dead, so that nobody waits for them."""
    conn.execute(
        "UPDATE open_deliveries SET lease_until = 0 WHERE state = 'in_flight' AND lease_owner = ?",
        (owner,),
    )
