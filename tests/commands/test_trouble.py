"""Bad input of every kind: one sentence, exit code 1, nothing lost, never a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from store import database as store_database
from store.database import SCHEMA_VERSION
from tests.commands.conftest import Steerco
from tui import failures
from tui.commands import shell


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.xlsx", None, "missing.xlsx"),
        ("empty.csv", b"", "is empty"),
        ("garbage.xlsx", b"PK\x03\x04 no archive at all", "garbage.xlsx"),
        ("noise.csv", bytes(range(256)) * 8, "noise.csv"),
        ("no-feature.csv", b"Priority,Name of it\r\nP1,x\r\n", "Feature"),
        ("broken.json", b'{"a": ', "broken.json"),
        ("wrong.json", b'{"a": 1}', "wrong.json"),
        ("esc\x1b[31m.csv", b"", "is empty"),
        ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old.xls"),
    ],
)
def test_a_file_that_can_not_be_read_is_one_sentence(
    steerco: Steerco, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = steerco("import", str(path), "--json")
    assert (done.code, done.out) == (1, "")
    assert says in done.sentence
    assert "\x1b" not in done.err
    assert steerco("projects", "list", "--json").json == []


def test_a_directory_is_no_file(steerco: Steerco, tmp_path: Path) -> None:
    assert "is not a file" in steerco("import", str(tmp_path)).sentence


@pytest.mark.parametrize("argv", [["projects", "list"], ["projects", "add", "feature_name=A"],
                                  ["outbox", "list"], ["sync"], ["people"]])  # fmt: skip
def test_a_home_that_can_not_be_made_is_named(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, argv: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STEERCO_HOME", str(tmp_path / "file" / "home"))
    done = steerco(*argv)
    assert (done.code, done.out) == (1, "")
    assert "STEERCO_HOME" in done.sentence


@pytest.mark.parametrize(
    "damage", [b"this is no database at all" * 200, b"SQLite format 3\0" * 300]
)
def test_a_damaged_database_is_left_as_it_is(steerco: Steerco, home: Path, damage: bytes) -> None:
    home.mkdir()
    (home / "sandbox.db").write_bytes(damage)
    for argv in (["projects", "list"], ["projects", "add", "feature_name=A"], ["sync"]):
        done = steerco(*argv)
        assert (done.code, done.out) == (1, "")
        assert "damaged" in done.sentence
    assert (home / "sandbox.db").read_bytes() == damage


def test_damage_inside_the_database_is_a_sentence_too(
    steerco: Steerco, home: Path, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("projects", "add", "feature_name=A")
    with database() as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = conn.execute("PRAGMA page_size").fetchone()[0]
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'projects'"
        page = conn.execute(sql).fetchone()[0]
    path = home / "sandbox.db"
    whole = bytearray(path.read_bytes())
    whole[size * (page - 1) : size * page] = b"\xff" * size
    path.write_bytes(whole)
    done = steerco("projects", "list")
    assert (done.code, done.out) == (1, "")
    assert "the database file is damaged" in done.sentence
    found = {each["check"]: each for each in steerco("doctor", "--json").json["checks"]}
    assert found["database"]["ok"] is False


def test_a_newer_database_is_refused_and_unchanged(
    steerco: Steerco, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("projects", "add", "feature_name=A")
    with database() as conn:
        conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    done = steerco("projects", "list")
    assert (done.code, done.out) == (1, "")
    assert "newer" in done.sentence


def test_a_locked_database_is_a_sentence_and_nothing_was_changed(
    steerco: Steerco,
    database: Callable[[], sqlite3.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    monkeypatch.setattr(
        shell, "open_database", lambda path, **_kw: store_database.open_database(path, busy_ms=50)
    )
    holder = database()
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert steerco("projects", "list", "--json").code == 0, "reading never waits for a writer"
        done = steerco("projects", "set", "a", "status=Paused")
        assert (done.code, done.out) == (1, "")
        assert "another program holds the database" in done.sentence
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert steerco("projects", "show", "a", "--json").json["status"] == "Yet to Start"


def test_an_export_that_can_not_be_written_is_a_sentence(steerco: Steerco, tmp_path: Path) -> None:
    done = steerco("export", "--format", "csv", "--output", str(tmp_path / "no" / "such" / "dir"))
    assert (done.code, done.out) == (1, "")
    assert "can't be written" in done.sentence


@pytest.mark.parametrize(
    "argv", [["show", "7"], ["retry", "7"], ["discard", "7"], ["show", "\x1b[1m"]]
)
def test_an_entry_that_is_not_there_is_a_sentence(steerco: Steerco, argv: list[str]) -> None:
    done = steerco("outbox", *argv)
    assert (done.code, done.out) == (1, "")
    assert "no operation" in done.sentence
    assert "\x1b" not in done.err


def test_what_nobody_foresaw_is_one_sentence_and_a_log(
    steerco: Steerco, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kw: object) -> None:
        raise ZeroDivisionError("by\x1b[31m zero")

    steerco("projects", "list")
    monkeypatch.setattr("store.projects.find", broken)
    done = steerco("projects", "list")
    assert (done.code, done.out) == (1, "")
    assert "ZeroDivisionError" in done.sentence
    assert str(home / "crash.log") in done.sentence
    assert "\x1b" not in done.err
    assert "in broken" in (home / "crash.log").read_text()


def test_every_refusal_of_ours_speaks_for_itself() -> None:
    from store.canon import Refusal

    assert failures.sentence_of(Refusal("status", "x", "choose")) == (
        "status: “x” is not allowed; choose"
    )
