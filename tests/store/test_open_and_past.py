"""Open and past deliveries are two tables; histories are filed many edits at a time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from services import itsc_roadmap as roadmap
from services import outbox
from services.context import Context
from store import deliveries, migrations, operations
from store.database import SCHEMA_VERSION, connect, open_database, transaction
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE

AT = "2026-11-21T12:00:00.000Z"
STATES = (*deliveries.OPEN, *deliveries.PAST)
COLUMNS = (
    "seq, target, part, project_id, state, attempts, sends, next_at, failing_since, lease_owner, "
    "lease_until, dropped, solo, error_class, error_code, last_error, acked_at"
)


def older(path: Path) -> list[tuple[object, ...]]:
    """A database of the schema before, with deliveries of every kind; gives them."""
    conn = connect(path)
    migrations.migrate(conn, 4)
    with transaction(conn):
        for seq in range(1, 301):
            state = STATES[seq % len(STATES)]
            conn.execute(
                "INSERT INTO operations "
                "VALUES (?, ?, 't', ?, 'update', 'local', 'ann', ?, ?, NULL)",
                (seq, f"op-{seq}", f"p{seq % 7}", AT, f'{{"department":[null,"{seq}"]}}'),
            )
            over = state in deliveries.PAST
            leased = ("me", 99.5) if state == "in_flight" else (None, None)
            for target, part in ((FIRESTORE, ROW), (SALESFORCE, ROW), (SALESFORCE, LINK)):
                conn.execute(
                    f"INSERT INTO deliveries ({COLUMNS}) VALUES ({', '.join('?' * 17)})",
                    (
                        *(seq, target, part, f"p{seq % 7}", state, seq % 5, seq % 3),
                        None if over else 7.5 + seq,
                        8.5 if seq % 2 else None,
                        *leased,
                        '["status"]' if seq % 4 == 0 else None,
                        0 if over else seq % 2,
                        *("permanent", "BAD", f"the server's words {seq}"),
                        AT if state == "done" else None,
                    ),
                )
    found = everything(conn)
    conn.close()
    return found


def everything(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    rows = conn.execute(f"SELECT {COLUMNS} FROM deliveries ORDER BY seq, target, part DESC")
    return [tuple(row) for row in rows]


def test_every_delivery_of_an_older_database_is_there_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    before = older(path)
    conn = open_database(path)
    assert conn.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert everything(conn) == before
    states = {row[0] for row in conn.execute("SELECT DISTINCT state FROM open_deliveries")}
    assert states == set(deliveries.OPEN)
    told = deliveries.of_operations(conn, range(1, 301))
    shown = [
        (d.seq, d.target, d.part, d.project_id, d.state, d.attempts, d.last_error, d.acked_at)
        for seq in sorted(told)
        for d in told[seq]
    ]
    assert shown == [(*row[:6], row[15], row[16]) for row in before]
    assert len(list(tmp_path.glob("x.db.before-*"))) == 1


def test_what_was_open_before_the_migration_goes_on_after_it(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    older(path)
    conn = open_database(path)
    assert operations.history(conn, "p3") == [
        operations.get(conn, seq) for seq in range(297, 0, -1) if seq % 7 == 3
    ]
    leased = [each for each in deliveries.open_of_project(conn, "p3") if each.lease_until]
    assert {each.state for each in leased} == {"in_flight"}
    with transaction(conn):
        assert deliveries.release(conn, "me") == 3 * sum(s % 8 == 2 for s in range(1, 301))
    failed = deliveries.failed_of_project(conn, "p3")
    assert [each.seq for each in failed] == sorted(each.seq for each in failed)
    assert {each.seq % 8 for each in failed} == {4}
    assert outbox.retry(conn, failed[0].seq) == 3
    assert outbox.inspect(conn, failed[0].seq).deliveries[0].state == "pending"


def test_a_delivery_that_is_over_is_no_longer_in_the_way_and_stays_readable(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = roadmap.create_project(conn, ctx, {"feature_name": "A"}).project.project_id
    seq = roadmap.update_project(conn, ctx, pid, {"department": "IT"}).seq
    assert seq is not None
    with transaction(conn):
        claims = deliveries.claim(conn, FIRESTORE, "me", 1.0, lease=60, limit=9)
        deliveries.settle(conn, "me", claims, "done", AT)
        conn.execute("UPDATE open_deliveries SET last_error = 'no', attempts = 3")
        assert deliveries.set_state(conn, seq, SALESFORCE, "discarded") == 1
        assert deliveries.set_state(conn, seq, SALESFORCE, "pending") == 0, "it is over"
    there, given_up = deliveries.of_operation(conn, seq)
    assert (there.state, there.acked_at, there.project_id) == ("done", AT, pid)
    assert (given_up.state, given_up.attempts, given_up.last_error) == ("discarded", 3, "no")
    assert [each.seq for each in deliveries.open_of_project(conn, pid)] == [seq - 1]


def test_an_acknowledgement_ends_only_what_its_owner_still_holds(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = roadmap.create_project(conn, ctx, {"feature_name": "A"}).project.project_id
    with transaction(conn):
        mine = deliveries.claim(conn, FIRESTORE, "me", 1.0, lease=60, limit=9)
        theirs = deliveries.claim(conn, FIRESTORE, "you", 99.0, lease=60, limit=9)
        assert len(theirs) == 1
        deliveries.settle(conn, "me", mine, "done", AT)
    assert [d.state for d in deliveries.open_of_project(conn, pid, FIRESTORE)] == ["in_flight"]
    with transaction(conn):
        deliveries.settle(conn, "you", theirs, "done", AT)
    assert deliveries.open_of_project(conn, pid, FIRESTORE) == []


def test_a_history_is_whole_wherever_the_filing_stands(
    conn: sqlite3.Connection, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "_GROUP", 5)
    made = [
        roadmap.create_project(conn, ctx, {"feature_name": name}).project.project_id
        for name in ("A", "B", "C")
    ]
    filed = set()
    for number in range(23):
        roadmap.update_project(conn, ctx, made[number % 2], {"department": f"team {number}"})
        filed.add(conn.execute("SELECT COUNT(*) FROM histories").fetchone()[0])
        for pid in made:
            rows = conn.execute(
                "SELECT seq FROM operations WHERE project_id = ? ORDER BY seq DESC", (pid,)
            )
            seqs = [row[0] for row in rows]
            assert [op.seq for op in operations.history(conn, pid)] == seqs
            assert [op.seq for op in operations.history(conn, pid, 2)] == seqs[:2]
            assert operations.count(conn, pid) == len(seqs)
    assert filed == {0, 5, 10, 15, 20, 25}
    assert operations.is_overtaken(conn, made[0], "department", "team 0"), "filed"
    assert operations.is_overtaken(conn, made[1], "department", "team 19"), "not yet filed"
    assert not operations.is_overtaken(conn, made[0], "department", "team 22"), "in force"


def test_an_edit_writes_few_pages(tmp_path: Path, ctx: Context) -> None:
    """What an edit costs beyond its sync to the disk is the pages of its commit."""
    path = tmp_path / "x.db"
    conn = open_database(path)
    made = [
        roadmap.create_project(conn, ctx, {"feature_name": f"P {n}"}).project.project_id
        for n in range(50)
    ]
    conn.execute("PRAGMA wal_autocheckpoint = 0")
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(1000):
        roadmap.update_project(conn, ctx, made[number % 50], {"department": f"team {number}"})
    frames = (path.with_name("x.db-wal").stat().st_size - 32) / (4096 + 24)
    assert frames / 1000 < 4.25, "the row, the log, the deliveries, and a little more"
    conn.close()
