"""Backups and restoring them: consistent, checked, and nothing acknowledged since is undone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services import itsc_roadmap
from services.care.backup import backup
from services.care.restore import restore
from services.context import Context
from services.sync.targets.base import ErrorClass
from store import meta, migrations
from store.database import SCHEMA_VERSION, StoreError, check_integrity, open_database
from tests.care.conftest import break_pages, close, page_of, reopen
from tests.sync.fakes import problem
from tests.sync.world import World

CTX = Context("Rita Restore", lambda: 1_800_000_000.0)


def saved(world: World, name: str = "backup.db") -> Path:
    """A backup of the operator's database as it is."""
    file = world.home / name
    backup(world.conn, file)
    return file


def go_back(world: World, file: Path) -> World:
    """End the terminal, restore, start again."""
    restore(file, close(world), CTX)
    return reopen(world)


def test_a_backup_is_one_sound_file_for_its_owner_alone(world: World) -> None:
    pid = world.add("Portal")
    file = saved(world)
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert [each.name for each in world.home.glob("backup.db*")] == ["backup.db"]
    conn = sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True)
    assert check_integrity(conn) == []
    assert conn.execute("SELECT project_id FROM projects").fetchall() == [(pid,)]
    assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    conn.close()


def test_a_backup_while_others_write_has_whole_edits_only(world: World) -> None:
    ids = [world.add(f"Project {n}") for n in range(10)]
    ending = threading.Event()

    def edit() -> None:
        conn, number = open_database(world.home / "ann.db"), 0
        while not ending.is_set():
            number = (number + 1) % 999
            itsc_roadmap.update_many(conn, Context("bob"), ids, {"sort_order": number})
        conn.close()

    writer = threading.Thread(target=edit)
    writer.start()
    try:
        files = [saved(world, f"backup-{n}.db") for n in range(10)]
    finally:
        ending.set()
        writer.join()
    for file in files:
        conn = sqlite3.connect(file)
        assert conn.execute("SELECT COUNT(DISTINCT sort_order) FROM projects").fetchone()[0] in (
            1,
            10,
        )
        assert conn.execute(
            "SELECT COUNT(*) FROM operations WHERE seq NOT IN (SELECT seq FROM deliveries)"
        ).fetchone() == (0,)
        conn.close()


def test_nothing_is_written_over(world: World) -> None:
    world.add("Portal")
    file = world.home / "precious.txt"
    file.write_text("precious")
    with pytest.raises(StoreError, match="is there already"):
        backup(world.conn, file)
    with pytest.raises(StoreError, match="is there already"):
        backup(world.conn, world.home / "ann.db")
    with pytest.raises(StoreError, match="can't be written"):
        backup(world.conn, world.home / "no" / "such" / "backup.db")
    assert file.read_text() == "precious"


def test_a_damaged_database_is_not_backed_up_as_if_it_were_sound(world: World) -> None:
    for n in range(30):
        world.add(f"Project {n}", brief__what_it_does="word " * 500)
    path = close(world)
    break_pages(path, [page_of(path, "operations")])
    reopen_raw = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(StoreError, match="doctor --recover"):
        backup(reopen_raw, world.home / "backup.db")
    reopen_raw.close()
    assert not (world.home / "backup.db").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no backup"),
        (b"not a database at all", "is no backup"),
        (b"SQLite format 3\0" + bytes(5000), "damaged"),
    ],
)
def test_garbage_is_refused_and_nothing_changed(world: World, content: bytes, says: str) -> None:
    world.add("Portal")
    path = close(world)
    before = path.read_bytes()
    file = world.home / "garbage.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=says):
        restore(file, path, CTX)
    assert path.read_bytes() == before
    assert sorted(each.name for each in world.home.glob("ann.db*")) == ["ann.db"]


def test_a_damaged_backup_is_refused(world: World) -> None:
    for n in range(30):
        world.add(f"Project {n}", brief__what_it_does="word " * 500)
    file = saved(world)
    path = close(world)
    before = path.read_bytes()
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 9000] = bytes(9000)
    file.write_bytes(data)
    with pytest.raises(StoreError, match="damaged and was not restored"):
        restore(file, path, CTX)
    assert path.read_bytes() == before


def test_foreign_and_newer_and_tampered_files_are_refused(world: World) -> None:
    world.add("Portal")
    newer, tampered, foreign = saved(world, "newer.db"), saved(world, "t.db"), world.home / "f.db"
    path = close(world)
    before = path.read_bytes()
    for file, sql in (
        (newer, f"PRAGMA user_version = {SCHEMA_VERSION + 1}"),
        (tampered, "CREATE TRIGGER x AFTER INSERT ON projects BEGIN DELETE FROM operations; END"),
        (foreign, "CREATE TABLE notes (text TEXT)"),
    ):
        conn = sqlite3.connect(file)
        conn.execute(sql)
        conn.close()
    with pytest.raises(StoreError, match="newer Steerco"):
        restore(newer, path, CTX)
    for file in (tampered, foreign):
        with pytest.raises(StoreError, match="none of Steerco"):
            restore(file, path, CTX)
    with pytest.raises(StoreError, match="the database itself"):
        restore(path, path, CTX)
    assert path.read_bytes() == before


def test_an_older_backup_is_brought_up_to_date(world: World) -> None:
    file = world.home / "older.db"
    conn = sqlite3.connect(file, isolation_level=None)
    migrations.migrate(conn, 1)
    conn.execute("INSERT INTO users VALUES ('005x', 'Ana Ruiz', NULL, 1)")
    conn.close()
    go_back(world, file)
    assert world.conn.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert world.conn.execute("SELECT name FROM users").fetchone()[0] == "Ana Ruiz"


def test_the_former_database_is_kept_whole(world: World) -> None:
    world.add("Before")
    file = saved(world)
    after = world.add("After")
    path = close(world)
    done = restore(file, path, CTX)
    assert done.aside == path.with_name("ann.db.before-restore-20270115T080000")
    conn = open_database(done.aside)
    assert conn.execute("SELECT 1 FROM projects WHERE project_id = ?", (after,)).fetchone()
    conn.close()


def test_it_is_refused_while_somebody_works_with_the_database(world: World) -> None:
    world.add("Portal")
    file = saved(world)
    path = close(world)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from store.database import open_database\n"
            "conn = open_database(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()",
            str(path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="open in another Steerco"):
            restore(file, path, CTX)
    finally:
        holder.communicate()
    assert restore(file, path, CTX).projects == 1


def test_it_goes_on_as_another_client(world: World) -> None:
    world.add("Portal")
    world.sync()
    was = meta.get(world.conn, "client_id")
    go_back(world, saved(world))
    assert meta.get(world.conn, "client_id") not in (None, was)
    pid = world.add("After")
    world.sync()
    assert set(world.document(pid)["applied"]) == {meta.get(world.conn, "client_id")}


def test_what_was_delivered_since_is_not_sent_again_over_later_edits(world: World) -> None:
    """The backup still owes an edit that has long arrived; its field has been set back since."""
    pid = world.add("Portal", status="In Design")
    world.sync()
    world.set(pid, status="Paused")
    file = saved(world)
    world.sync()
    world.later(60)
    world.set(pid, status="In Design")
    world.sync()
    world.later(3600)
    go_back(world, file)
    assert world.here(pid)["status"] == "Paused"
    assert world.sync().clean
    assert world.document(pid)["status"] == "In Design"
    assert world.salesforce.rows[pid].values["status"] == "In Design"
    assert world.here(pid)["status"] == "In Design"


def test_what_never_arrived_is_delivered(world: World) -> None:
    pid = world.add("Portal", status="In Design")
    world.sync()
    world.set(pid, status="Paused")
    made = world.add("New one")
    file = saved(world)
    world.later(3600)
    go_back(world, file)
    assert world.sync().clean
    for each, status in ((pid, "Paused"), (made, "Yet to Start")):
        assert world.document(each)["status"] == status
        assert world.salesforce.rows[each].values["status"] == status


def test_another_operators_later_edit_stays(world: World) -> None:
    pid = world.add("Portal", status="In Design")
    world.sync()
    world.set(pid, status="Paused", department="Mine")
    file = saved(world)
    world.sync()
    world.later(60)
    world.salesforce.human_edits(pid, status="In QA")
    world.later(60)
    go_back(world, file)
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["status"] == "In QA"
    assert world.document(pid)["department"] == "Mine"
    assert world.document(pid)["status"] == "In QA"


def test_a_delete_that_was_undone_since_asks_a_person(world: World) -> None:
    pid = world.add("Portal")
    world.sync()
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    file = saved(world)
    world.sync()
    world.later(60)
    itsc_roadmap.undo(world.conn, world.ctx)
    world.sync()
    world.later(3600)
    go_back(world, file)
    assert not world.sync().clean
    assert not world.document(pid).get("deleted")
    assert not world.salesforce.rows[pid].deleted


def test_an_edit_after_the_restore_counts_although_the_former_self_went_on(world: World) -> None:
    """Numbers of operations are given a second time: the former client's must not be taken for
    ours."""
    pid = world.add("Portal")
    world.sync()
    file = saved(world)
    for status in ("In Design", "In QA", "Paused"):
        world.set(pid, status=status)
        world.sync()
        world.later(60)
    go_back(world, file)
    world.later(60)
    world.set(pid, department="Events")
    world.trouble.after.append(problem(ErrorClass.UNKNOWN, "UNAVAILABLE"))
    world.sync()
    assert world.document(pid)["department"] == "Events"
    assert world.document(pid)["status"] == "Paused"
    assert world.salesforce.rows[pid].values["department"] == "Events"


def test_a_crash_on_the_way_leaves_the_database_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("Portal")
    file = saved(world)
    path = close(world)
    before = path.read_bytes()

    def full(_fresh: Path, _path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("store.exchange.take_place", full)
    with pytest.raises(StoreError, match="No space left"):
        restore(file, path, CTX)
    assert path.read_bytes() == before
    assert not list(world.home.glob("*.restoring*"))


def test_a_backup_is_taken_before_a_migration(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    conn = sqlite3.connect(path, isolation_level=None)
    migrations.migrate(conn, 1)
    conn.execute("INSERT INTO users VALUES ('005x', 'Ana Ruiz', NULL, 1)")
    conn.close()
    shutil.copy(path, tmp_path / "was.db")
    open_database(path).close()
    (kept,) = [each for each in tmp_path.glob("x.db.before-*") if each.suffix != ".db"]
    conn = sqlite3.connect(kept)
    assert conn.execute("PRAGMA user_version").fetchone()[0] == 1
    assert conn.execute("SELECT name FROM users").fetchone()[0] == "Ana Ruiz"
    conn.close()
