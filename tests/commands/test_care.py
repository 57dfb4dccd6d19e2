"""steerco backup, restore and doctor --recover, as they are typed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Steerco

PAGE = 4096
Opener = Callable[[], sqlite3.Connection]


def fold_in(database: Opener) -> None:
    """Let the file hold everything by itself."""
    conn = database()
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()


def root_of(database: Opener, table: str) -> int:
    """The root page of a table."""
    conn = database()
    row = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    conn.close()
    return int(row[0])


def overwrite(path: Path, page: int) -> None:
    """Damage a page."""
    data = bytearray(path.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xff" * PAGE
    path.write_bytes(data)


def test_a_backup_is_restored_and_the_former_database_kept(
    steerco: Steerco, home: Path, tmp_path: Path
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    file = tmp_path / "backup.db"
    done = steerco("backup", str(file))
    assert (done.code, done.err) == (0, "")
    assert str(file) in done.out
    steerco("projects", "set", "a", "status=Paused")
    done = steerco("restore", str(file))
    assert (done.code, done.err) == (0, "")
    assert "Restored 1 project" in done.out
    assert "1 edit may still have to be delivered: run steerco sync" in done.out
    assert steerco("projects", "show", "a", "--json").json["status"] == "Yet to Start"
    (kept,) = home.glob("sandbox.db.before-restore-*")
    assert str(kept) in done.out


def test_there_is_nothing_to_back_up_before_the_first_command(
    steerco: Steerco, home: Path, tmp_path: Path
) -> None:
    done = steerco("backup", str(tmp_path / "backup.db"))
    assert (done.code, done.out) == (1, "")
    assert "nothing to back up" in done.sentence
    assert not (home / "sandbox.db").exists()


def test_a_backup_can_be_restored_where_nothing_is(
    steerco: Steerco, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    steerco("backup", str(tmp_path / "backup.db"))
    monkeypatch.setenv("STEERCO_HOME", str(tmp_path / "new" / "home"))
    assert steerco("restore", str(tmp_path / "backup.db")).code == 0
    assert steerco("projects", "show", "a").code == 0


@pytest.mark.parametrize("name", ["no such file", "a directory", "notes.txt", "esc\x1b[31m.db"])
def test_what_is_no_backup_is_one_sentence(steerco: Steerco, tmp_path: Path, name: str) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    (tmp_path / "a directory").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    done = steerco("restore", str(tmp_path / name))
    assert (done.code, done.out) == (1, "")
    assert done.sentence
    assert "\x1b" not in done.err
    assert steerco("projects", "show", "a").code == 0


def test_every_command_on_a_damaged_database_says_what_to_run(
    steerco: Steerco, home: Path, database: Opener
) -> None:
    for number in range(12):
        steerco("projects", "add", f"feature_name=P{number}", "brief.what_it_does=" + "x" * 9000)
    fold_in(database)
    overwrite(home / "sandbox.db", root_of(database, "operations"))
    for argv in (
        ["projects", "add", "feature_name=A"],
        ["outbox", "list"],
        ["sync"],
        ["backup", str(home / "copy.db")],
    ):
        done = steerco(*argv)
        assert (done.code, done.out) == (1, ""), argv
        assert "steerco doctor --recover" in done.sentence
    found = {each["check"]: each for each in steerco("doctor", "--json").json["checks"]}
    assert "steerco doctor --recover" in found["database"]["advice"]
    before = (home / "sandbox.db").read_bytes()
    done = steerco("doctor", "--recover")
    assert (done.code, done.err) == (0, "")
    assert "Saved 12 projects and 12 changes" in done.out
    (kept,) = home.glob("sandbox.db.damaged-*")
    assert kept.read_bytes() == before
    assert str(kept) in done.out
    assert len(steerco("projects", "list", "--json").json) == 12
    assert steerco("sync").code == 0


def test_recovery_tells_a_program_what_it_did(
    steerco: Steerco, home: Path, database: Opener
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    fold_in(database)
    overwrite(home / "sandbox.db", root_of(database, "projects"))
    told = steerco("doctor", "--recover", "--json").json
    assert set(told) == {"aside", "rows", "rebuilt", "queued", "gone", "lost", "waiting"}
    assert (told["rebuilt"], told["gone"], told["lost"], told["waiting"]) == (["a"], [], [], 1)
    assert told["rows"]["operations"] == 1
    assert steerco("projects", "show", "a", "--json").json["feature_name"] == "A"


def test_a_sound_database_is_not_recovered(steerco: Steerco, home: Path) -> None:
    assert "no database" in steerco("doctor", "--recover").sentence
    steerco("projects", "add", "feature_name=A")
    done = steerco("doctor", "--recover")
    assert (done.code, done.out) == (1, "")
    assert "sound" in done.sentence
    assert not list(home.glob("sandbox.db.damaged*"))


def test_what_is_no_database_at_all_is_set_aside_too(steerco: Steerco, home: Path) -> None:
    home.mkdir()
    (home / "sandbox.db").write_bytes(b"somebody wrote something else in here\n" * 300)
    done = steerco("doctor", "--recover")
    assert (done.code, done.err) == (0, "")
    assert "Saved 0 projects" in done.out
    assert steerco("projects", "list").code == 0


def test_a_directory_in_its_place_is_a_sentence(steerco: Steerco, home: Path) -> None:
    (home / "sandbox.db").mkdir(parents=True)
    for argv in (["projects", "list"], ["doctor", "--recover"], ["backup", str(home / "b.db")]):
        done = steerco(*argv)
        assert (done.code, done.out) == (1, ""), argv
        assert "sandbox.db" in done.sentence
    assert steerco("doctor").code == 1
