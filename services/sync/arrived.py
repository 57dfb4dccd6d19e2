"""Edits that arrived with an earlier one.

A delivery sends the present local values: a later edit of a field is there before its own delivery
has left. A person who edits that field now has seen it, and no clash is made of that.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from store import deliveries, operations
from store.canon import Values
from store.deliveries import LINK, SALESFORCE

_WAITING = """
    SELECT project_id, seq, part, dropped FROM open_deliveries
    WHERE target = ? AND state IN ('pending', 'retrying')
      AND project_id IN (SELECT value FROM json_each(?))
"""


def note(conn: sqlite3.Connection, sent: Mapping[str, Values], at: str) -> None:
    """``sent`` holds what Salesforce acknowledged just now, by project. Runs inside the caller's
    transaction, after the deliveries that sent it were settled."""
    waiting = conn.execute(_WAITING, (SALESFORCE, json.dumps(list(sent)))).fetchall()
    for project_id, seq, part, dropped in waiting:
        values, op = sent[project_id], operations.get(conn, seq)
        if op is None or op.kind != "update":
            continue
        carried = {path for path in op.changes if (path == "parent_id") == (part == LINK)}
        carried -= set(json.loads(dropped or "[]"))
        there = {path for path in carried & values.keys() if values[path] == op.changes[path][1]}
        if there and there == carried:
            deliveries.arrived(conn, seq, SALESFORCE, part, at)
        elif there:
            deliveries.drop(conn, seq, SALESFORCE, there)
