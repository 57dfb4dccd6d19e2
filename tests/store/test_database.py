"""The database file: durable, migrated, and clear about trouble."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils import Database

from store import conflicts, deliveries, fields
from store.database import (
    SCHEMA_VERSION,
    StoreError,
    connect,
    file_system_of,
    open_database,
    refuse_network,
    transaction,
)
from store.migrations import steps


def test_settings_make_a_commit_durable(conn: sqlite3.Connection) -> None:
    assert conn.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert conn.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed here")
def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from services import itsc_roadmap as r; from services.context import Context\n"
        "from store.database import open_database\n"
        "conn = open_database(Path(sys.argv[1]))\n"
        "pid = r.create_project(conn, Context('a'), {'feature_name': 'x'}).project.project_id\n"
        "[r.update_project(conn, Context('a'), pid, {'sort_order': n}) for n in range(2, 102)]\n"
    )
    log = tmp_path / "trace"
    watched = ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", str(log)]
    subprocess.run([*watched, sys.executable, "-c", script, str(tmp_path / "x.db")], check=True)
    assert len(re.findall(r"f(?:data)?sync\(", log.read_text())) >= 100


def test_columns_are_those_of_the_field_table(conn: sqlite3.Connection) -> None:
    columns = {row[1] for row in conn.execute("PRAGMA table_info(projects)")}
    assert {f.column for f in fields.FIELDS} <= columns


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_database(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    with pytest.raises(StoreError, match="newer Steerco"):
        open_database(path)


def test_a_database_of_the_first_schema_is_brought_up_to_date_and_backed_up(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    old = connect(path)
    steps.apply(Database(old), stop_before="002_whole_conflicts")
    old.execute("PRAGMA user_version = 1")
    old.execute(
        "INSERT INTO conflicts (id, project_id, path, target, winner, mine_at, theirs_at, mine_by, "
        "theirs_by, at, resolution) VALUES ('a1', 'p', '*', 'salesforce', 'nobody', 'm', 't', "
        "'ann', 'hana', 'now', 'deleted there')"
    )
    old.execute(
        "INSERT INTO deliveries (seq, target, project_id, state) "
        "VALUES (1, 'salesforce', 'p', 'conflict')"
    )
    old.close()
    conn = open_database(path)
    (found,) = conflicts.find(conn)
    assert (found.why, found.resolution, found.record) == ("deleted there", None, None)
    assert len(deliveries.open_of_project(conn, "p")) == 1
    conn.close()
    assert len(list(tmp_path.glob("x.db.before-*"))) == 1
    open_database(path).close()
    assert len(list(tmp_path.glob("x.db.before-*"))) == 1


@pytest.mark.parametrize("content", [b"this is not a database, not at all" * 200])
def test_a_file_that_is_no_database_is_one_sentence_and_stays(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        open_database(path)
    assert path.read_bytes() == content


def test_a_lock_held_by_another_process_is_one_sentence(tmp_path: Path) -> None:
    holder = open_database(tmp_path / "x.db")
    holder.execute("BEGIN IMMEDIATE")
    other = connect(tmp_path / "x.db", busy_ms=20)
    with pytest.raises(StoreError, match="another program holds"), transaction(other):
        pass
    holder.execute("ROLLBACK")
    with transaction(other):
        pass


def test_what_is_raised_inside_a_transaction_changes_nothing(conn: sqlite3.Connection) -> None:
    def half_done() -> None:
        with transaction(conn):
            conn.execute("INSERT INTO meta VALUES ('a', 'b')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    assert conn.execute("SELECT COUNT(*) FROM meta").fetchone()[0] == 0


def test_a_network_file_system_is_refused(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path.resolve()}/home nfs4 rw 0 0\n")
    home = tmp_path / "home"
    home.mkdir()
    assert file_system_of(home, mounts) == "nfs4"
    with pytest.raises(StoreError, match="network file system"):
        refuse_network(home, mounts)
    refuse_network(tmp_path, mounts)
