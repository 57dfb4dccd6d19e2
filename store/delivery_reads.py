"""Reading what has to reach each target, and what became of it. Writes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from store.candidates import FAR, FIRESTORE, LINK, MOVING_SQL, SALESFORCE
from store.canon import Value

TARGETS = (FIRESTORE, SALESFORCE)
LABELS = {FIRESTORE: "Firestore", SALESFORCE: "Salesforce"}
OPEN = ("pending", "retrying", "in_flight", "conflict", "failed")
PAST = ("done", "superseded", "discarded")
_OPEN_COLUMNS = (
    "d.seq, d.target, d.part, d.project_id, d.state, d.attempts, d.sends, d.next_at, "
    "d.failing_since, d.lease_until, d.dropped, d.error_class, d.error_code, d.last_error, "
    "NULL AS acked_at"
)
_PAST_COLUMNS = (
    "p.seq, p.target, p.part, o.project_id, p.state, p.attempts, p.sends, NULL, "
    "p.failing_since, NULL, p.dropped, p.error_class, p.error_code, p.last_error, p.acked_at"
)


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


def of_operation(conn: sqlite3.Connection, seq: int) -> list[Delivery]:
    """The deliveries of one operation, Firestore first."""
    return of_operations(conn, [seq]).get(seq, [])


def of_operations(conn: sqlite3.Connection, seqs: Iterable[int]) -> dict[int, list[Delivery]]:
    """The deliveries of several operations by their number."""
    found: dict[int, list[Delivery]] = {}
    rows = conn.execute(
        f"""
        SELECT {_OPEN_COLUMNS} FROM json_each(?1) wanted
        CROSS JOIN operations o ON o.seq = wanted.value
        CROSS JOIN open_deliveries d ON d.project_id = o.project_id AND d.seq = o.seq
        UNION ALL
        SELECT {_PAST_COLUMNS} FROM json_each(?1) wanted
        CROSS JOIN operations o ON o.seq = wanted.value
        CROSS JOIN past_deliveries p ON p.seq = o.seq
        ORDER BY 1, 2, 3 DESC
        """,
        (json.dumps(list(seqs)),),
    )
    for row in rows:
        found.setdefault(row["seq"], []).append(_delivery(row))
    return found


def open_of_project(
    conn: sqlite3.Connection, project_id: str, target: str | None = None
) -> list[Delivery]:
    """The project's deliveries that are not over, oldest first."""
    sql = f"SELECT {_OPEN_COLUMNS} FROM open_deliveries d WHERE project_id = ?"
    parameters: list[object] = [project_id]
    if target is not None:
        sql += " AND target = ?"
        parameters.append(target)
    return [_delivery(row) for row in conn.execute(sql + " ORDER BY seq", parameters)]


def failed_of_project(conn: sqlite3.Connection, project_id: str) -> list[Delivery]:
    """The project's dead letters, oldest first."""
    rows = conn.execute(
        f"SELECT {_OPEN_COLUMNS} FROM open_deliveries d INDEXED BY open_failed "
        "WHERE project_id = ? AND state = 'failed' ORDER BY seq",
        (project_id,),
    )
    return [_delivery(row) for row in rows]


def done_since(
    conn: sqlite3.Connection, seqs: Iterable[int], target: str, at: str
) -> dict[tuple[int, str], str]:
    """Those of these operations, each with its part, that the target acknowledged since a moment
    (ISO), and when."""
    rows = conn.execute(
        "SELECT p.seq, p.part, p.acked_at FROM json_each(?) w "
        "CROSS JOIN past_deliveries p ON p.seq = w.value "
        "WHERE p.target = ? AND p.state = 'done' AND p.acked_at >= ?",
        (json.dumps(list(seqs)), target, at),
    )
    return {(seq, part): acked_at for seq, part, acked_at in rows}


def counts(conn: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """Open deliveries by target and state; ``done`` is not counted here."""
    found: dict[str, dict[str, int]] = {t: dict.fromkeys(OPEN, 0) for t in TARGETS}
    rows = conn.execute(
        "SELECT target, state, COUNT(*) FROM open_deliveries GROUP BY target, state"
    )
    for target, state, number in rows:
        found.setdefault(target, dict.fromkeys(OPEN, 0))[state] = number
    return found


def next_due(conn: sqlite3.Connection, target: str, now: float) -> float | None:
    """When something for the target may move next (``now`` if at once); None if nothing waits."""
    row = conn.execute(
        "SELECT MIN(MIN(COALESCE(CASE state WHEN 'in_flight' THEN lease_until ELSE next_at END, "
        "?1), ?1 + ?2)) "
        f"FROM open_deliveries WHERE target = ?3 AND {MOVING_SQL}",
        (now, FAR, target),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def lease_owners(conn: sqlite3.Connection) -> list[str]:
    """Everybody who holds a lease."""
    rows = conn.execute(
        "SELECT DISTINCT lease_owner FROM open_deliveries WHERE state = 'in_flight'"
    )
    return [row[0] for row in rows if row[0]]


def undelivered(
    conn: sqlite3.Connection, ids: Sequence[str], target: str
) -> dict[str, dict[str, Owed]]:
    """The fields a target has not got, by project: the oldest replaced value (what was common
    before all of them) with the newest operation. Dead letters count; parent_id belongs to the
    link where Salesforce has one."""
    rows = conn.execute(
        """
        SELECT d.project_id, d.part, d.dropped, o.op_id, o.operator, o.at, o.changes, d.seq
        FROM json_each(?) AS wanted
        CROSS JOIN open_deliveries d ON d.project_id = wanted.value AND d.target = ?
        JOIN operations o ON o.seq = d.seq ORDER BY d.seq
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


def never_sent(conn: sqlite3.Connection) -> dict[str, set[str]]:
    """The operations that have left for no target yet, by project."""
    found: dict[str, set[str]] = {}
    rows = conn.execute(
        "SELECT o.project_id, o.op_id FROM operations o JOIN ("
        "SELECT seq FROM deliveries GROUP BY seq HAVING SUM(sends) = 0 AND SUM(state = 'done') = 0"
        ") d ON d.seq = o.seq"
    )
    for project_id, op_id in rows:
        found.setdefault(project_id, set()).add(op_id)
    return found
