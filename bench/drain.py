"""Claiming and acknowledging in batches against single rows; claims at depth."""

from __future__ import annotations

import itertools
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Result, at_least, at_most, timed
from store import bases, deliveries, operations
from store.bases import Base
from store.canon import Values
from store.database import open_database, transaction

BATCH = 200
AT = "2026-11-21T12:00:00.000Z"
BODY = "x" * 600
CHANGES = {"department": ("IT", "Finance"), "status": ("Paused", "In QA")}


def run() -> Iterator[Result]:
    """Everything the drain does to the database for a delivery: the lease, what is about to leave,
    the acknowledgement and the new base; nothing of the network."""
    yield from _against_raw()
    yield from _against_persist_queue()
    yield from _at_depth()


def _against_raw(edits: int = 4000) -> Iterator[Result]:
    """Claim and acknowledgement alone, as the raw side does them, and all that the engine writes
    for a delivery besides: what is about to leave, and the new base."""
    for what, action in (
        ("claim + ack of 200 for two targets", _claim_and_ack),
        ("the same with sends and bases", _drain),
    ):
        ratios, ours, theirs = [], [], []
        for _ in range(3):
            with tempfile.TemporaryDirectory() as directory:
                conn, raw = _filled(Path(directory) / "s.db", edits), _raw(Path(directory) / "r.db")
                _put_raw(raw, edits)
                for _ in range(edits // BATCH):
                    mine = timed(lambda: action(conn, BATCH))  # noqa: B023 - used at once
                    single = timed(lambda: _raw_claim_ack(raw, BATCH))  # noqa: B023 - at once
                    ratios.append(single / mine)
                    ours.append(mine)
                    theirs.append(single)
        yield at_least(
            what,
            _us(statistics.median(ours), BATCH),
            f"raw single-row {_us(statistics.median(theirs), BATCH)}",
            statistics.median(ratios),
            5,
        )


def _against_persist_queue() -> Iterator[Result]:
    from persistqueue import SQLiteAckQueue

    for edits, goal, rounds in ((4000, 4, 3), (16000, 10, 1)):
        ratios, mine, theirs = [], [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as directory:
                home = Path(directory)
                conn = open_database(home / "s.db")
                queue = SQLiteAckQueue(str(home / "q"), auto_commit=True)
                a = timed(lambda: _fill_and_drain(conn, edits))  # noqa: B023 - used at once
                b = timed(lambda: _persist_queue(queue, edits))  # noqa: B023 - used at once
                ratios.append(b / a)
                mine.append(a)
                theirs.append(b)
        yield at_least(
            f"enqueue + ack, {edits:,} edits",
            _us(statistics.median(mine), edits),
            f"persist-queue {_us(statistics.median(theirs), edits)}",
            statistics.median(ratios),
            goal,
        )


def _at_depth() -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        shallow = _filled(home / "a.db", 300)
        deep = open_database(home / "b.db")
        with transaction(deep):
            _fill(deep, 100_000)
            _claim_and_ack(deep, 100_000)
            _fill(deep, 16_000)
        pairs = [(_claim_time(shallow), _claim_time(deep)) for _ in range(15)]
    few, many = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield at_most(
        "claim of 100, 16,000 pending and 100,000 done",
        f"{many * 1e3:.2f} ms",
        f"300 pending {few * 1e3:.2f} ms",
        statistics.median(b / a for a, b in pairs),
        2,
    )


def _claim_time(conn: sqlite3.Connection) -> float:
    start = time.perf_counter()
    with transaction(conn):
        found = deliveries.claim(conn, "firestore", "me", time.time(), lease=60, limit=100)
    took = time.perf_counter() - start
    assert len(found) == 100
    with transaction(conn):
        deliveries.release(conn, "me")
    return took


def _filled(path: Path, edits: int) -> sqlite3.Connection:
    conn = open_database(path)
    with transaction(conn):
        _fill(conn, edits)
    return conn


_names = itertools.count()


def _fill(conn: sqlite3.Connection, edits: int) -> None:
    """One edit of each of ``edits`` projects, one transaction each, as the keys would."""
    targets = ((deliveries.FIRESTORE, "row"), (deliveries.SALESFORCE, "row"))
    for _ in range(edits):
        number = next(_names)
        with transaction(conn):
            seq = operations.record(
                conn,
                op_id=f"op-{number}",
                trace_id=f"op-{number}",
                project_id=f"project-{number:06d}",
                kind="update",
                origin="local",
                operator="ann",
                at=AT,
                changes=CHANGES,
            )
            deliveries.add(conn, seq, f"project-{number:06d}", targets)


def _claim_and_ack(conn: sqlite3.Connection, edits: int) -> None:
    for target in deliveries.TARGETS:
        with transaction(conn):
            claims = deliveries.claim(conn, target, "me", time.time(), lease=60, limit=edits)
        with transaction(conn):
            deliveries.settle(conn, "me", claims, "done", AT)


def _fill_and_drain(conn: sqlite3.Connection, edits: int) -> None:
    _fill(conn, edits)
    _drain(conn, edits)


def _drain(conn: sqlite3.Connection, edits: int) -> None:
    """Bring ``edits`` projects to both targets, as the engine does, in batches."""
    values: Values = {path: new for path, (_, new) in CHANGES.items()}
    for _ in range(max(1, edits // BATCH)):
        for target in deliveries.TARGETS:
            with transaction(conn):
                claims = deliveries.claim(conn, target, "me", time.time(), lease=60, limit=BATCH)
            with transaction(conn):
                sends = [(claim, "update", values, None) for claim in claims]
                deliveries.mark_sent(conn, "me", sends, AT)
            with transaction(conn):
                deliveries.settle(conn, "me", claims, "done", AT)
                bases.patch(
                    conn,
                    [Base(c.project_id, target, True, values, acked_at=AT) for c in claims],
                )


def _raw(path: Path) -> sqlite3.Connection:
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE q (id INTEGER PRIMARY KEY, state INTEGER, body TEXT)")
    conn.execute("CREATE INDEX q_open ON q(id) WHERE state = 0")
    return conn


def _put_raw(conn: sqlite3.Connection, rows: int) -> None:
    conn.execute("BEGIN")
    conn.executemany("INSERT INTO q (state, body) VALUES (0, ?)", [(BODY,)] * rows)
    conn.execute("COMMIT")


def _raw_claim_ack(conn: sqlite3.Connection, rows: int) -> None:
    for _ in range(rows):
        row = conn.execute(
            "UPDATE q SET state = 1 WHERE id = (SELECT id FROM q INDEXED BY q_open "
            "WHERE state = 0 ORDER BY id LIMIT 1) RETURNING id, body"
        ).fetchone()
        json.dumps(row[1])
        conn.execute("UPDATE q SET state = 2 WHERE id = ?", (row[0],))


def _persist_queue(queue: object, edits: int) -> None:
    for number in range(edits):
        queue.put({"n": number, "body": BODY})  # type: ignore[attr-defined]
    for _ in range(edits):
        queue.ack(queue.get())  # type: ignore[attr-defined]


def _us(seconds: float, count: int) -> str:
    return f"{seconds / count * 1e6:.0f} us"
