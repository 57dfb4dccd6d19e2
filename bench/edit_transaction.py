"""One edit's durable transaction against one raw insert, and against persist-queue's put."""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Result, at_least, interleaved
from services import itsc_roadmap
from services.context import Context, new_id
from store import deliveries, operations, projects
from store.database import open_database, transaction
from store.projects import FieldStamp

BLOCK, ROUNDS = 40, 75  # short turns: whatever else the machine does then meets both sides
BODY = "x" * 600
AT = "2026-11-21T12:00:00.000Z"


def run() -> Iterator[Result]:
    """The store's transaction (project, log, two deliveries, fsync), and the whole command with
    validation and comparison on top of it."""
    from persistqueue import SQLiteAckQueue

    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        conn = open_database(home / "steerco.db")
        ids = [_project(conn, number) for number in range(50)]
        raw = _raw(home / "raw.db")
        queue = SQLiteAckQueue(str(home / "queue"), auto_commit=True)
        numbers = itertools.count()

        def ours() -> None:
            for _ in range(BLOCK):
                number = next(numbers)
                _edit(conn, ids[number % 50], number)

        def command() -> None:
            for _ in range(BLOCK):
                number = next(numbers)
                changes = {"department": f"team {number}"}
                itsc_roadmap.update_project(conn, Context("ann"), ids[number % 50], changes)

        def insert() -> None:
            for _ in range(BLOCK):
                raw.execute("INSERT INTO t (body) VALUES (?)", (BODY,))

        def put() -> None:
            for _ in range(BLOCK):
                queue.put(BODY)

        peers = (("raw sqlite3 insert, WAL FULL", insert, 0.5), ("persist-queue put", put, 0.6))
        for side, action in (("transaction", ours), ("command", command)):
            for name, peer, goal in peers:
                mine, theirs, ratio = interleaved(action, peer, ROUNDS)
                yield at_least(f"one edit: {side}", _us(mine), f"{name} {_us(theirs)}", ratio, goal)


def _edit(conn: sqlite3.Connection, project_id: str, number: int) -> None:
    changes = {"department": f"team {number}"}
    with transaction(conn):
        project = projects.get(conn, project_id)
        assert project is not None
        op_id = new_id()
        stamps = {"department": FieldStamp(AT, "ann", op_id, "local")}
        projects.update(conn, project, dict(changes), "ann", AT, stamps)
        seq = operations.record(
            conn,
            op_id=op_id,
            trace_id=op_id,
            project_id=project_id,
            kind="update",
            origin="local",
            operator="ann",
            at=AT,
            changes={"department": (project.values["department"], changes["department"])},
        )
        parts = ((deliveries.FIRESTORE, "row"), (deliveries.SALESFORCE, "row"))
        deliveries.add(conn, seq, project_id, parts)


def _project(conn: sqlite3.Connection, number: int) -> str:
    values = {"feature_name": f"Project {number}", "brief.what_it_does": BODY}
    return itsc_roadmap.create_project(conn, Context("ann"), values).project.project_id


def _raw(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    return conn


def _us(seconds: float) -> str:
    return f"{seconds / BLOCK * 1e6:.0f} us"
