"""One file, several processes: readers never see half of anything, writers take turns."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.kpis.board import Board
from services.kpis.policy import Policy
from services.kpis.selection import Selection
from store import tickets as store
from store.database import StoreError
from store.tickets import TicketFile
from tests.kpis.conftest import Fill
from tests.kpis.world import ticket

HOLD = """
import sys
from pathlib import Path
from store.tickets import TicketFile
file = TicketFile(Path(sys.argv[1]))
with getattr(file, sys.argv[2])():
    print("held", flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).resolve().parents[2]


def held(file: TicketFile, how: str) -> subprocess.Popen[str]:
    """Another process that has the file open."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file.path), how],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_many_may_read_while_a_load_goes_on_elsewhere(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    others = [held(file, "reading"), held(file, "rewriting")]
    try:
        assert board.holdings().tickets == 1
    finally:
        for each in others:
            each.communicate("")
    assert board.holdings().tickets == 1


def test_who_finds_it_taken_waits_and_then_says_so(
    fill: Fill, file: TicketFile, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    other = held(file, "writing")
    try:
        with pytest.raises(StoreError, match="another program holds the tickets"):
            board.holdings()
        with pytest.raises(StoreError, match="another program is bringing tickets in"):
            fill([ticket(2, "2026-03-01T00:00:00Z")])
    finally:
        other.communicate("")
    assert board.holdings().tickets == 1


def test_a_writer_that_is_killed_leaves_no_lock_and_no_half(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    for how in ("writing", "rewriting"):
        other = held(file, how)
        other.kill()
        other.communicate()
    fill([ticket(2, "2026-03-01T00:00:00Z")])
    assert board.holdings().tickets == 2
    names = {each.name for each in file.path.parent.iterdir()}
    assert names == {"tickets.duckdb", "tickets.duckdb.lock"}


def test_threads_of_one_process_take_turns(fill: Fill, file: TicketFile, policy: Policy) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    troubles: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(5):
                assert Board(file, policy).holdings().tickets == 1
        except BaseException as error:  # noqa: BLE001 - told by the test
            troubles.append(error)

    def write() -> None:
        try:
            for number in range(5):
                with TicketFile(file.path).writing() as conn:
                    conn.execute("INSERT OR REPLACE INTO meta VALUES ('x', ?)", [str(number)])
        except BaseException as error:  # noqa: BLE001 - told by the test
            troubles.append(error)

    threads = [threading.Thread(target=each) for each in (read, write, read)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert troubles == []


def test_a_stamp_moves_with_every_commit_and_with_nothing_else(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    assert file.stamp() == 0
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    first = board.stamp()
    board.holdings()
    assert board.stamp() == first != 0
    with file.writing() as conn:
        conn.execute("INSERT OR REPLACE INTO meta VALUES ('x', 'y')")
    assert board.stamp() != first


def test_a_damaged_file_and_a_newer_one_are_one_sentence(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    with file.writing() as conn:
        conn.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(StoreError, match="written by a newer Steerco"):
        board.holdings()
    file.path.write_bytes(b"no database at all" * 1_000)
    with pytest.raises(StoreError, match="Move it away and load the tickets again"):
        board.holdings()
    assert file.path.read_bytes().startswith(b"no database")


def test_another_version_of_the_engine_makes_the_slots_anew(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z", "New")])
    with file.writing() as conn:
        conn.execute("UPDATE tickets SET _slot = 0")
        # A program before this one kept smaller numbers.
        conn.execute("ALTER TABLE tickets ALTER _slot SET DATA TYPE UINTEGER")
        conn.execute("UPDATE meta SET value = '1.0' WHERE key = 'engine'")
    fill([ticket(1, "2026-03-01T00:00:00Z", "Closed")], now=1e9)
    assert board.holdings().tickets == 1
    assert [row.status for row in board.tickets(Selection("closed")).rows] == ["Closed"]
