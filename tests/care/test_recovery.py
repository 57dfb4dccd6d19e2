"""A damaged database: set aside, what can be read is saved, nothing acknowledged is lost."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services import itsc_roadmap
from services.care.recovery import Recovered, is_sound, recover
from services.context import Context
from store import meta, pages
from store.database import SCHEMA_VERSION, StoreError, check_integrity, open_database
from tests.care.conftest import PAGE, break_pages, close, database_of, flip_bits, page_of, reopen
from tests.sync.world import World

CTX = Context("Rita Recovery")
SEEN = slice(2, 34)
"""A project's fields and votes; revision and times of saving are told by its history."""
KEPT = ("projects", "tombstones", "operations", "bases", "conflicts", "drafts", "users")


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that has to be the same afterwards; of the deliveries, which are still to be made."""
    conn = open_database(path)
    try:
        found = {
            table: [tuple(row) for row in conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in KEPT
        }
        found["waiting"] = [
            tuple(row)
            for row in conn.execute(
                "SELECT seq, target, part FROM deliveries WHERE state IN "
                "('pending', 'in_flight', 'retrying') ORDER BY seq, target, part"
            )
        ]
        return found
    finally:
        conn.close()


def lived(world: World) -> Path:
    """A database with some of everything: delivered and waiting edits, deletes, long texts."""
    made = [world.add(f"Project {n}", brief__what_it_does="word " * n * 80) for n in range(30)]
    world.sync()
    for pid in made[::3]:
        world.set(pid, status="Paused", **{"scores.Ana": 4})
    itsc_roadmap.delete_project(world.conn, world.ctx, made[1])
    world.conn.execute("INSERT INTO users VALUES ('005x', 'Ana Ruiz', NULL, 1)")
    world.conn.execute(
        "INSERT INTO drafts VALUES (?, 'brief.punchline', 'not saved', NULL, 'now')", (made[2],)
    )
    return close(world)


@pytest.mark.parametrize(
    "victim",
    ["header", "page 1", "projects", "operations", "open_deliveries", "past_deliveries"],
)
def test_no_inner_page_takes_a_single_row_with_it(world: World, victim: str) -> None:
    path = lived(world)
    before = contents(path)
    if victim == "header":
        path.write_bytes(bytes(100) + path.read_bytes()[100:])
    else:
        break_pages(path, [1 if victim == "page 1" else page_of(path, victim)])
    damaged = path.read_bytes()
    assert not is_sound(path)
    report = recover(path, CTX)
    assert contents(path) == before
    assert report.waiting == 11
    assert report.aside.name.startswith("ann.db.damaged-")
    assert report.aside.read_bytes() == damaged, "the damaged file is evidence"
    reopen(world)
    assert world.sync().clean
    assert all(world.state(pid) == ("synced", "synced") for (pid, *_) in before["projects"])


def test_lost_leaves_of_projects_are_made_again_from_their_changes(world: World) -> None:
    path = lived(world)
    before = contents(path)
    tree = pages.Pages(path).tree(page_of(path, "projects"))
    leaves = [number for number, page in tree if page and page.kind == pages.TABLE_LEAF]
    break_pages(path, leaves[::2])
    report = recover(path, CTX)
    after = contents(path)
    assert len(report.rebuilt) > 3
    assert [row[0] for row in after["projects"]] == [row[0] for row in before["projects"]]
    assert [row[SEEN] for row in after["projects"]] == [row[SEEN] for row in before["projects"]]
    assert after["operations"] == before["operations"]
    reopen(world)
    assert world.sync().clean
    for row in before["projects"]:
        assert world.state(row[0]) == ("synced", "synced")


def test_an_edit_that_is_lost_itself_travels_all_the_same(world: World) -> None:
    pid = world.add("Portal", brief__punchline="first")
    world.sync()
    world.set(pid, brief__punchline="second", status="Paused")
    path = close(world)
    break_pages(path, [page_of(path, "operations"), page_of(path, "open_deliveries")])
    report = recover(path, CTX)
    assert report.queued == [pid]
    assert any("of the history" in each for each in report.lost)
    reopen(world)
    assert world.sync().clean
    assert world.document(pid)["brief"]["punchline"] == "second"
    assert world.document(pid)["status"] == "Paused"
    assert world.salesforce.rows[pid].values["status"] == "Paused"


def test_without_its_bases_it_sends_nothing_that_is_there_already(world: World) -> None:
    path = lived(world)
    tree = pages.Pages(path).tree(page_of(path, "bases"))
    break_pages(path, [number for number, _ in tree])
    report = recover(path, CTX)
    assert report.waiting > 11, "every project is compared with both targets"
    reopen(world)
    world.later(60)
    before = {pid: world.salesforce.rows[pid].modified for pid in report.queued[1:5]}
    assert world.sync().clean
    for pid, stamp in before.items():
        assert world.state(pid) == ("synced", "synced")
        edited = world.here(pid)["status"] == "Paused"
        assert (world.salesforce.rows[pid].modified == stamp) != edited


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_is_never_more_than_a_loss(world: World, seed: int) -> None:
    path = lived(world)
    flip_bits(path, 60, seed)
    break_pages(path, [path.stat().st_size // PAGE - seed])
    report = recover(path, CTX)
    conn = open_database(path)
    assert check_integrity(conn) == []
    projects = conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0]
    assert projects + len(report.gone) >= 25
    conn.close()
    reopen(world).sync()


def test_a_file_cut_in_half_names_what_is_gone(world: World) -> None:
    path = lived(world)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 + 100])
    report = recover(path, CTX)
    conn = open_database(path)
    here = {row[0] for row in conn.execute("SELECT project_id FROM projects")}
    conn.close()
    assert here
    assert not here & set(report.gone)
    assert all(isinstance(each, str) and each for each in report.lost)


def test_commits_that_are_only_in_the_log_are_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script = (
        "import os, sys; from pathlib import Path\n"
        "from services import itsc_roadmap as r; from services.context import Context\n"
        "from store.database import open_database\n"
        "conn = open_database(Path(sys.argv[1]))\n"
        "conn.execute('PRAGMA wal_autocheckpoint=0')\n"
        "for n in range(20): r.create_project(conn, Context('a'), {'feature_name': f'P{n}'})\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.with_name("a.db-wal").stat().st_size > 20 * PAGE
    path.write_bytes(b"")  # SQLite itself would throw the log away now
    with pytest.raises(StoreError, match="damaged"):
        open_database(path)
    aside = recover(path, CTX).aside
    assert aside.with_name(f"{aside.name}-wal").stat().st_size > 20 * PAGE
    conn = open_database(path)
    assert conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0] == 20
    conn.close()


def test_a_torn_log_gives_what_was_committed_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    conn = open_database(path)
    conn.execute("PRAGMA wal_autocheckpoint=0")
    for n in range(5):
        itsc_roadmap.create_project(conn, CTX, {"feature_name": f"P{n}"})
    log = path.with_name("a.db-wal")
    torn = tmp_path / "torn.db"
    torn.write_bytes(b"")
    torn.with_name("torn.db-wal").write_bytes(log.read_bytes()[:-100])
    conn.close()
    recover(torn, CTX)
    again = open_database(torn)
    names = [row[0] for row in again.execute("SELECT feature_name FROM projects ORDER BY rowid")]
    again.close()
    assert names == ["P0", "P1", "P2", "P3"]


def test_sectors_that_the_disk_does_not_give_are_lost_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lived(world)
    before = contents(path)
    bad = (page_of(path, "open_deliveries") - 1) * PAGE
    real = pages._part

    def failing(file: Any, start: int, end: int) -> bytes | None:
        return None if start <= bad < end else real(file, start, end)

    break_pages(path, [page_of(path, "projects")])
    monkeypatch.setattr(pages, "_part", failing)
    recover(path, CTX)
    assert contents(path) == before


def test_an_older_schema_is_recovered_and_brought_up_to_date(world: World) -> None:
    from store import migrations

    path = world.home / "old.db"
    conn = sqlite3.connect(path, isolation_level=None)
    migrations.migrate(conn, 1)
    conn.execute("INSERT INTO meta VALUES ('client_id', 'was')")
    conn.execute("INSERT INTO users VALUES ('005x', 'Ana Ruiz', NULL, 1)")
    conn.close()
    path.write_bytes(path.read_bytes()[:16] + bytes(2) + path.read_bytes()[18:])
    recover(path, CTX)
    conn = open_database(path)
    assert conn.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
    assert conn.execute("SELECT name FROM users").fetchall()[0][0] == "Ana Ruiz"
    assert meta.former(conn) == {"was": 0}
    conn.close()


def test_a_newer_one_is_left_to_the_newer_program(world: World) -> None:
    path = lived(world)
    conn = sqlite3.connect(path)
    conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    conn.close()
    break_pages(path, [page_of_raw(path, "projects")])
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer Steerco"):
        recover(path, CTX)
    assert path.read_bytes() == before


def page_of_raw(path: Path, name: str) -> int:
    conn = sqlite3.connect(path)
    row = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    conn.close()
    return int(row[0])


def test_a_sound_one_is_left_alone(world: World) -> None:
    path = lived(world)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="sound"):
        recover(path, CTX)
    assert path.read_bytes() == before


def test_one_that_is_in_use_is_left_alone(world: World) -> None:
    path = lived(world)
    page = page_of(path, "operations")
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
        break_pages(path, [page])
        with pytest.raises(StoreError, match="another Steerco"):
            recover(path, CTX)
        assert [each.name for each in path.parent.glob("ann.db.*")] == []
    finally:
        holder.communicate()
    report: Recovered = recover(path, CTX)
    assert report.aside.exists()


def test_a_second_recovery_on_the_same_second_keeps_both(world: World) -> None:
    ctx = Context("Rita", lambda: 1_800_000_000.0)
    path = lived(world)
    for _ in range(2):
        break_pages(path, [page_of(path, "projects")])
        recover(path, ctx)
    kept = sorted(each.name for each in path.parent.glob("ann.db.damaged-*"))
    assert kept == ["ann.db.damaged-20270115T080000", "ann.db.damaged-20270115T080000-2"]


def test_only_the_owner_reads_what_was_recovered(world: World) -> None:
    path = lived(world)
    break_pages(path, [1])
    recover(path, CTX)
    assert os.stat(path).st_mode & 0o077 == 0


def test_the_recovered_database_is_a_new_client(world: World) -> None:
    path = lived(world)
    conn = open_database(path)
    was = meta.get(conn, "client_id")
    conn.close()
    break_pages(path, [page_of(path, "projects")])
    recover(path, CTX)
    conn = open_database(path)
    assert meta.get(conn, "client_id") not in (None, was)
    assert list(meta.former(conn)) == [was]
    conn.close()
    assert database_of(world) == path


def test_what_waits_is_known_without_the_deliveries_themselves(world: World) -> None:
    path = lived(world)
    before = contents(path)
    tree = pages.Pages(path).tree(page_of(path, "open_deliveries"))
    break_pages(path, [number for number, _ in tree])
    recover(path, CTX)
    assert contents(path)["waiting"] == before["waiting"]


def test_what_was_deleted_does_not_come_back(world: World) -> None:
    path = lived(world)
    conn = open_database(path)
    conn.executemany(
        "INSERT INTO drafts VALUES (?, 'brief.punchline', ?, NULL, 'now')",
        [(f"p{n}", "word " * 100) for n in range(60)],
    )
    conn.execute("PRAGMA secure_delete = OFF")
    conn.execute("DELETE FROM drafts")  # as a whole: its pages are given up as they are
    assert conn.execute("PRAGMA freelist_count").fetchone()[0] > 5
    conn.close()
    break_pages(path, [page_of(path, "projects")])
    recover(path, CTX)
    assert contents(path)["drafts"] == []
