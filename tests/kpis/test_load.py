"""Loading exports: every shape they come in, what is wrong with them, and being stopped."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from services.kpis.board import Board
from services.kpis.exports import LoadError
from services.kpis.load import Loaded, load
from services.kpis.policy import Policy
from services.kpis.report import report
from services.kpis.selection import Selection
from store.tickets import TicketFile
from tests.kpis import world
from tests.kpis.conftest import Fill
from tests.kpis.world import Histories, ticket, ticket_id

ROOT = Path(__file__).resolve().parents[2]
HISTORY = "Id,ParentId,Field,OldValue,NewValue,CreatedDate,CreatedById\n"
NO_HISTORY = HISTORY.encode()


def bring(file: TicketFile, policy: Policy, folder: Path, t: bytes, h: bytes) -> Loaded:
    (folder / "T.csv").write_bytes(t)
    (folder / "H.csv").write_bytes(h)
    return load(file, policy, folder / "T.csv", folder / "H.csv", clock=lambda: 0.0)


def rows(file: TicketFile, policy: Policy) -> dict[str, object]:
    page = Board(file, policy).tickets(Selection("tickets"))
    return {row.id: row.created_at.isoformat() for row in page.rows}


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T10:00:00.000Z",
        "2026-03-01T10:00:00.000+0000",
        "2026-03-01T10:00:00Z",
        "2026-03-01 10:00:00",
        "2026-03-01T15:30:00.000+0530",
        "2026-03-01T15:30:00+05:30",
        "2026-03-01T07:00:00-0300",
    ],
)
def test_a_moment_is_a_moment_however_an_export_writes_it(
    file: TicketFile, policy: Policy, tmp_path: Path, written: str
) -> None:
    text = f"Id,CreatedDate,Status\n{ticket_id(1)},{written},New\n"
    assert bring(file, policy, tmp_path, text.encode(), NO_HISTORY).tickets.bad == 0
    assert rows(file, policy) == {ticket_id(1): "2026-03-01T10:00:00"}


@pytest.mark.parametrize(
    "text",
    [
        '\ufeffId,Name,CreatedDate,Status\r\n1,"a\r\nb",2026-03-01,New\r\n2,c,2026-03-01,New\r\n',
        "Id;Name;CreatedDate;Status\n1;x;2026-03-01;New\n2;y;2026-03-01;New",
        "Status,CREATEDDATE,extra,id\nNew,2026-03-01,,1\nNew,2026-03-01,,2\n",
        '"Id","CreatedDate","Status"\n"1","2026-03-01","New"\n"2","2026-03-01","New"\n',
        "Id\tCreatedDate\tStatus\n1\t2026-03-01\t\n\n2\t2026-03-01\t\n",
        "_,_id,_Deleted,Id,CreatedDate,Status\n_,x,y,1,2026-03-01,\n_,x,y,2,2026-03-01,\n",
    ],
)
def test_any_export_of_that_shape_is_taken(
    file: TicketFile, policy: Policy, tmp_path: Path, text: str
) -> None:
    done = bring(file, policy, tmp_path, text.encode(), NO_HISTORY)
    assert (done.tickets.read, done.tickets.new, done.bad_rows) == (2, 2, ())
    assert rows(file, policy).keys() == {"1", "2"}


def test_compressed_files_are_read_as_they_are(
    file: TicketFile, policy: Policy, tmp_path: Path
) -> None:
    text = "Id,CreatedDate,Status\n1,2026-03-01,New\n2,then,New\n3\n"
    paths = tmp_path / "T.csv.gz", tmp_path / "H.csv.gz"
    paths[0].write_bytes(gzip.compress(text.encode()))
    paths[1].write_bytes(gzip.compress(NO_HISTORY))
    done = load(file, policy, *paths)
    assert (done.tickets.read, done.tickets.new) == (3, 1)
    assert [row.line for row in done.bad_rows] == [3, 4]


def test_bad_rows_are_counted_named_by_line_and_left_out(
    file: TicketFile, policy: Policy, tmp_path: Path
) -> None:
    tickets = (
        b"Id,Name,CreatedDate,Status\r\n"
        b'1,"two\r\nlines",2026-03-01,New\r\n'
        b"2,short\r\n"
        b"3,x,31.12.2026,New\r\n"
        b",nobody,2026-03-01,New\r\n"
        b"4,y,,New\r\n"
        b"5,z,2026-03-01,New,more\r\n"
        b"6,fine,2026-03-01,New\r\n"
        b"7,w,epoch,New\r\n"
        b"8,v,2026-02-30,New\r\n"
        b"10,u,20226-03-01,New\r\n"
        b"11,t,0026-03-01T00:00:00.000Z,New\r\n"
    ) + b"9,caf\xe9,2026-03-01,New\r\n"
    history = (
        HISTORY + "1,1,Status,New,Closed,2026-03-02,x\n"
        "2,,Status,New,Closed,2026-03-02,x\n,1,Status,New,Closed,2026-03-02,x\n"
        "3,1,Status,New,Closed,soon,x\n"
    ).encode()
    done = bring(file, policy, tmp_path, tickets, history)
    assert (done.tickets.read, done.tickets.new, done.tickets.bad) == (12, 2, 10)
    assert (done.history.read, done.history.new, done.history.bad) == (4, 1, 3)
    found = [(Path(row.file).name, row.line, row.message) for row in done.bad_rows]
    assert found == [
        ("T.csv", 4, "it has fewer values than the header has names"),
        ("T.csv", 5, "CreatedDate '31.12.2026' is no date"),
        ("T.csv", 6, "it has no Id"),
        ("T.csv", 7, "it has no CreatedDate"),
        ("T.csv", 8, "it has more values than the header has names"),
        ("T.csv", 10, "CreatedDate 'epoch' is no date"),
        ("T.csv", 11, "CreatedDate '2026-02-30' is no date"),
        ("T.csv", 12, "CreatedDate '20226-03-01' is no date"),
        ("T.csv", 13, "CreatedDate '0026-03-01T00:00:00.000Z' is no date"),
        ("T.csv", 14, "it is not UTF-8 text"),
        ("H.csv", 3, "it has no ParentId"),
        ("H.csv", 4, "it has no Id"),
        ("H.csv", 5, "CreatedDate 'soon' is no date"),
    ]
    assert rows(file, policy).keys() == {"1", "6"}


@pytest.mark.parametrize(
    ("tickets", "said"),
    [
        (b"", "lacks Id, CreatedDate"),
        (b"Id,Name\n1,x\n", "lacks CreatedDate"),
        (b"Id,CreatedDate,id\n", "two of the same name"),
        (b"Id,CreatedDate,\n", "without a name"),
        (b"Id,CreatedDate\r1,2026-03-01\r", "carriage return alone"),
        ("Id,CreatedDate\n".encode("utf-16"), "is not UTF-8 text"),
        (b"Id,CreatedDate\r\n1,2026-03-01\r\n2,2026-03-01\n3,2026-03-01\n", "do not all end alike"),
        (b"Id,CreatedDate\n1,2026-03-01\r\n2,2026-03-01\n", "do not all end alike"),
        (b"Id,CreatedDate,Name\n1,2026-03-01,a\rb\n", "do not all end alike"),
    ],
)
def test_what_is_no_export_is_refused_in_one_sentence(
    file: TicketFile, policy: Policy, tmp_path: Path, tickets: bytes, said: str
) -> None:
    with pytest.raises(LoadError, match=said):
        bring(file, policy, tmp_path, tickets, NO_HISTORY)
    assert not file.path.exists()


def test_a_file_that_is_not_there_or_no_gzip_is_one_sentence(
    file: TicketFile, policy: Policy, tmp_path: Path
) -> None:
    with pytest.raises(LoadError, match="No such file"):
        load(file, policy, tmp_path / "none.csv", tmp_path / "none.csv")
    (tmp_path / "T.csv.gz").write_bytes(b"Id,CreatedDate\n")
    with pytest.raises(LoadError, match="can't be read"):
        load(file, policy, tmp_path / "T.csv.gz", tmp_path / "none.csv")


def test_a_gzip_file_that_was_cut_off_is_one_sentence(
    file: TicketFile, policy: Policy, tmp_path: Path
) -> None:
    lines = "".join(f"{n},2026-03-01,{n * 7919 % 10007}\n" for n in range(20_000))
    whole = gzip.compress(f"Id,CreatedDate,Status\n{lines}".encode())
    (tmp_path / "T.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "H.csv").write_bytes(NO_HISTORY)
    with pytest.raises(LoadError, match=r"T\.csv\.gz can't be read: it is cut off"):
        load(file, policy, tmp_path / "T.csv.gz", tmp_path / "H.csv")
    assert not file.path.exists()


def test_short_and_long_ids_are_one_ticket(
    file: TicketFile, policy: Policy, tmp_path: Path
) -> None:
    long = "a0B000000000001EAA"
    tickets = f"Id,CreatedDate,Status\n{long},2026-03-01,Closed\n".encode()
    history = f"{HISTORY}1,{long[:15]},Status,New,Closed,2026-03-02,x\n".encode()
    assert bring(file, policy, tmp_path, tickets, history).waiting == 0
    assert Board(file, policy).tickets(Selection("closed")).total == 1
    again = f"Id,CreatedDate,Status\n{long[:15]},2026-03-01,New\n".encode()
    bring(file, policy, tmp_path, again, NO_HISTORY)
    assert rows(file, policy).keys() == {long}


def test_loading_again_adds_nothing_and_a_newer_export_wins(fill: Fill, board: Board) -> None:
    rows = Histories()
    history = [rows.status(1, "New", "In Development", "2026-03-02T00:00:00Z")]
    fill([ticket(1, "2026-03-01T00:00:00Z", "In Development")], history, now=1e9)
    before = report(board)
    done = fill([ticket(1, "2026-03-01T00:00:00Z", "In Development")], history, now=2e9)
    assert (done.tickets.new, done.history.new, done.touched) == (0, 0, 0)
    assert report(board) == before
    history.append(rows.status(1, "In Development", "Closed", "2026-03-04T00:00:00Z"))
    done = fill([ticket(1, "2026-03-01T00:00:00Z", "Closed")], history, now=3e9)
    assert (done.tickets.new, done.history.new, done.touched) == (1, 1, 1)
    assert [row["closed"] for row in report(board)["monthly"]] == [1]


def test_history_waits_for_its_ticket_and_joins_it(fill: Fill, board: Board) -> None:
    rows = Histories()
    history = [
        rows.status(1, "New", "In Development", "2026-03-02T00:00:00Z"),
        rows.status(1, "In Development", "Closed", "2026-03-04T00:00:00Z"),
    ]
    assert fill([], history).waiting == 2
    assert report(board)["monthly"] == []
    assert fill([ticket(1, "2026-03-01T00:00:00Z", "Closed")]).waiting == 0
    (month,) = report(board)["monthly"]
    assert (month["cycle_n"], month["cycle_median_d"]) == (1, 2.0)


def test_a_load_that_is_stopped_or_fails_leaves_everything_as_it_was(
    fill: Fill, file: TicketFile, policy: Policy, board: Board, tmp_path: Path
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    before = (report(board), board.holdings(), file.stamp())
    paths = (
        world.write(tmp_path / "T.csv", world.TICKET, [ticket(2, "2026-03-01T00:00:00Z")]),
        world.write(tmp_path / "H.csv", world.HISTORY, []),
    )

    def stop(what: str, _done: float) -> None:
        if what == "Computing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(file, policy, *paths, show=stop)
    assert (report(board), board.holdings(), file.stamp()) == before
    assert {each.name for each in file.path.parent.iterdir()} == {
        "tickets.duckdb",
        "tickets.duckdb.lock",
    }
    load(file, policy, *paths)
    assert board.holdings().tickets == 2


KILLED = """
import os, sys
from pathlib import Path
from store.tickets import TicketFile
with TicketFile(Path(sys.argv[1])).writing() as conn:
    conn.execute("INSERT INTO people VALUES ('005x', 'Zoe')")
    conn.execute("COMMIT")
    os._exit(9)
"""


def test_what_a_killed_process_had_committed_is_there_after_the_next_load(
    fill: Fill, file: TicketFile
) -> None:
    fill([ticket(1, "2026-03-01T00:00:00Z")])
    done = subprocess.run([sys.executable, "-c", KILLED, str(file.path)], cwd=ROOT, check=False)
    assert done.returncode == 9
    log = file.path.with_name(f"{file.path.name}.wal")
    assert log.stat().st_size
    fill([ticket(1, "2026-03-01T00:00:00Z"), ticket(2, "2026-03-01T00:00:00Z")])
    assert not log.exists()
    with file.reading() as conn:
        assert conn.execute("SELECT id, name FROM people").fetchall() == [("005x", "Zoe")]
        assert conn.execute("SELECT count(*) FROM tickets").fetchone() == (2,)


def test_progress_is_told_for_each_step(file: TicketFile, policy: Policy, tmp_path: Path) -> None:
    world.write(tmp_path / "T.csv", world.TICKET, [ticket(1, "2026-03-01T00:00:00Z")])
    world.write(tmp_path / "H.csv", world.HISTORY, [])
    seen: list[tuple[str, float]] = []
    load(
        file,
        policy,
        tmp_path / "T.csv",
        tmp_path / "H.csv",
        show=lambda what, done: seen.append((what, done)),
    )
    assert list(dict.fromkeys(what for what, _ in seen)) == [
        "Reading T.csv",
        "Reading H.csv",
        "Computing",
    ]
    assert all(0 <= done <= 1 for _, done in seen)


def test_a_value_that_is_no_number_of_hours_counts_as_none(fill: Fill, board: Board) -> None:
    fill(
        [
            ticket(1, "2026-03-01T00:00:00Z", Estimated_Hours="much", Size="M"),
            ticket(2, "2026-03-01T00:00:00Z", Estimated_Hours="", Size=""),
        ],
        [],
    )
    (month,) = report(board)["monthly"]
    assert (month["closed"], month["no_start"], month["cycle_mean_d"]) == (2, 2, None)
    with board.asking() as conn:
        hours = conn.execute("SELECT weighted_hours::DOUBLE FROM facts ORDER BY id").fetchall()
    assert hours == [(8.0,), (0.0,)]


@pytest.mark.parametrize("hours", ["1e12", "-1e300", "inf", "nan", "9" * 400])
def test_hours_that_nobody_works_count_as_none(fill: Fill, board: Board, hours: str) -> None:
    opened = "2026-03-01T00:00:00Z"
    fill([ticket(1, opened, Estimated_Hours=hours), ticket(2, opened, Estimated_Hours="3")])
    assert [row["weighted_hours"] for row in report(board)["monthly"]] == [3.0]


def test_long_texts_are_not_kept(file: TicketFile, policy: Policy, tmp_path: Path) -> None:
    text = f"Id,CreatedDate,Description\n1,2026-03-01,{'x' * 20_000}\n".encode()
    bring(file, policy, tmp_path, text, NO_HISTORY)
    with file.reading() as conn:
        assert conn.execute('SELECT max(length("Description")) FROM tickets').fetchone() == (255,)
