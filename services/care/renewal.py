"""What a database that was put in another's place has to forget before anybody works with it.

Since its content was written, others (and its own former self) may have gone on. So it is a client
that nobody knows, it reads both targets from end to end, and of nothing that it had still to
deliver does it know whether that arrived: each is judged against the record as it is, as after a
lost answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from store import deliveries, marks
from store.deliveries import LINK, SALESFORCE, TARGETS
from store.projects import to_json


def renew(conn: sqlite3.Connection) -> int:
    """Forget all that may have changed since; gives how many operations are still to deliver.

    The database must be a new client by then (``meta.succeed``). Runs in ``transaction``.
    """
    for target in TARGETS:
        marks.forget(conn, target)
    deliveries.forget_tries(conn)
    # Outages and their probes were another day's; a pause by a person stands.
    conn.execute(
        "UPDATE targets SET down_since = NULL, down_code = NULL, down_reason = NULL, "
        "probe_at = NULL, probes = 0"
    )
    return _outcomes_unknown(conn)


def _outcomes_unknown(conn: sqlite3.Connection) -> int:
    """Note of each project's undelivered edits that they may have left: what they set, and the
    record's version before them."""
    rows = conn.execute(
        "SELECT d.project_id, d.target, d.part, o.seq, o.op_id, o.kind, o.changes, b.token, o.at "
        "FROM open_deliveries d JOIN operations o USING (seq) "
        "LEFT JOIN bases b ON b.project_id = d.project_id AND b.target = d.target "
        "WHERE d.state IN ('pending', 'retrying') ORDER BY d.seq"
    ).fetchall()
    groups: dict[tuple[str, str, str], list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault((row["project_id"], row["target"], row["part"]), []).append(row)
    conn.executemany(
        "INSERT OR IGNORE INTO sends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, *_send(group)) for key, group in groups.items()],
    )
    return len({row["seq"] for row in rows})


def _send(group: Sequence[sqlite3.Row]) -> tuple[object, ...]:
    newest = group[-1]
    made = [row["kind"] for row in group if row["kind"] in ("create", "restore")]
    action = newest["kind"] if newest["kind"] == "delete" or not made else made[0]
    if newest["part"] == LINK:
        action = "link"
    values = {} if action == "delete" else _values(group)
    seq, op_id, token, at = (newest[name] for name in ("seq", "op_id", "token", "at"))
    return seq, op_id, action, to_json(values), token, at


def _values(group: Sequence[sqlite3.Row]) -> dict[str, object]:
    """What the edits set, as far as this part of the record carries it."""
    target, part = group[0]["target"], group[0]["part"]
    values = {path: new for row in group for path, (_, new) in json.loads(row["changes"]).items()}
    if target == SALESFORCE:
        return {p: v for p, v in values.items() if (p == "parent_id") == (part == LINK)}
    return values
