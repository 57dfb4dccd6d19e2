"""A database and its log read into memory: what SQLite would read, of one moment, unchangeable."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import pages, reading
from store.database import StoreError, connect, open_database
from store.reading import connect_to_read


@pytest.fixture
def from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where SQLite can't make the log's index."""

    def unable(_path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(reading, "_by_sqlite", unable)


def dump(conn: sqlite3.Connection) -> list[str]:
    return list(conn.iterdump())


def histories(folder: Path, seed: int) -> Iterator[Path]:
    """A database at random moments of a random life, each time as a copy, its log beside it."""
    rng = random.Random(seed)
    conn = connect(folder / "live.db")
    conn.execute(f"PRAGMA wal_autocheckpoint={rng.choice((0, 3, 1000))}")
    conn.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x)")
    for number in range(60):
        chance = rng.random()
        if chance < 0.6:
            conn.execute("INSERT INTO t (x) VALUES (?)", (rng.randbytes(rng.randrange(20_000)),))
        elif chance < 0.8:
            conn.execute("DELETE FROM t WHERE id % 3 = ?", (rng.randrange(3),))
        elif chance < 0.9:
            conn.execute(f"PRAGMA wal_checkpoint({rng.choice(('PASSIVE', 'RESTART'))})")
        else:
            conn.execute("VACUUM")
        if number % 6 == 5:
            copy = folder / f"copy-{number}.db"
            for end in ("", "-wal"):
                shutil.copyfile(folder / f"live.db{end}", folder / f"{copy.name}{end}")
            yield copy
    conn.close()


@pytest.mark.usefixtures("from_memory")
@pytest.mark.parametrize("seed", range(8))
def test_the_log_is_laid_over_as_sqlite_would(tmp_path: Path, seed: int) -> None:
    for path in histories(tmp_path, seed):
        before = path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()
        ours = connect_to_read(path)
        assert ours.execute("PRAGMA integrity_check").fetchall()[0][0] == "ok"
        found = dump(ours)
        ours.close()
        assert (path.read_bytes(), path.with_name(f"{path.name}-wal").read_bytes()) == before
        theirs = sqlite3.connect(path)
        assert found == dump(theirs)
        theirs.close()


@pytest.mark.usefixtures("from_memory")
@pytest.mark.parametrize("lost", [1, 30, 3_000, 5_000])
def test_of_a_torn_log_whole_commits_are_read(tmp_path: Path, lost: int) -> None:
    *_, path = histories(tmp_path, 1)
    log = path.with_name(f"{path.name}-wal")
    log.write_bytes(log.read_bytes()[:-lost])
    ours = connect_to_read(path)
    found = dump(ours)
    ours.close()
    theirs = sqlite3.connect(path)
    assert found == dump(theirs)
    theirs.close()


@pytest.mark.parametrize("by_sqlite", [True, False])
def test_nothing_is_changed_unseen(
    tmp_path: Path, request: pytest.FixtureRequest, *, by_sqlite: bool
) -> None:
    open_database(tmp_path / "x.db").close()
    if not by_sqlite:
        request.getfixturevalue("from_memory")
    conn = connect_to_read(tmp_path / "x.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        conn.execute("INSERT INTO meta VALUES ('a', 'b')")
    conn.close()


@pytest.mark.usefixtures("from_memory")
def test_files_that_change_while_they_are_read_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.db"
    writer = connect(path)
    writer.execute("CREATE TABLE t (x)")
    real, number = Path.read_bytes, 0

    def read_bytes(self: Path) -> bytes:
        nonlocal number
        data = real(self)
        if self == path and number < 3:
            number += 1
            writer.execute("INSERT INTO t VALUES (?)", (number,))
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return data

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    conn = connect_to_read(path)
    assert [row[0] for row in conn.execute("SELECT x FROM t")] == [1, 2, 3]
    conn.close()
    number = -1_000
    monkeypatch.setattr(reading, "PATIENCE", 0.3)
    with pytest.raises(StoreError, match="another program writes"):
        connect_to_read(path)
    writer.close()


@pytest.mark.usefixtures("from_memory")
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.db-wal", b"", "damaged"),
        ("x.db", b"", "damaged"),
        ("x.db-journal", b"\xd9\xd5\x05\xf9" * 200, "in the middle of a change"),
    ],
    ids=["no database and no log", "cut to nothing", "a change half made"],
)
def test_what_can_not_be_read_truly_is_refused(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    *_, copy = histories(tmp_path, 2)
    path = tmp_path / "x.db"
    for end in ("", "-wal"):
        copy.with_name(f"{copy.name}{end}").rename(path.with_name(f"x.db{end}"))
    path.write_bytes(b"no database" * 400)
    path.with_name(name).write_bytes(content)
    with pytest.raises(StoreError, match=says):
        connect_to_read(path)


@pytest.mark.usefixtures("from_memory")
def test_a_database_that_memory_does_not_take_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_database(tmp_path / "x.db").close()
    monkeypatch.setattr(reading, "LARGEST", 4096)
    with pytest.raises(StoreError, match="too large"):
        connect_to_read(tmp_path / "x.db")


def test_a_database_without_a_log_is_itself() -> None:
    assert pages.laid_over(b"abc" * 10, b"") == b"abc" * 10
