"""What the program keeps can be read by its owner alone; what it is asked for, as he wants it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import ROOT, Steerco
from tests.kpis import world
from tests.kpis.world import ticket

# A process as it is in the middle of its work: a commit is in DuckDB's log, and what memory has no
# room for is put aside. It is killed there.
AT_WORK = """
import os, sys, time
from pathlib import Path
from services.privacy import keep_private
from store.tickets import TicketFile
keep_private()
with TicketFile(Path(sys.argv[1])).writing() as conn:
    conn.execute("INSERT INTO meta VALUES ('mark', 'x')")
    conn.execute("COMMIT")
    conn.execute("SET memory_limit = '60MB'")
    conn.execute("SET threads = 1")
    conn.execute(
        "CREATE TEMP TABLE big AS SELECT range a, repeat('x', 40) || range b FROM range(3000000)"
    )
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    """The mask (umask) that most systems give: everybody reads what anybody makes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def load(tmp_path: Path) -> list[str]:
    """Two exports on the command line."""
    tickets = world.write(tmp_path / "T.csv", world.TICKET, [ticket(1, "2026-02-01T00:00:00Z")])
    history = world.write(tmp_path / "H.csv", world.HISTORY, [])
    return ["tickets", "load", "--tickets", str(tickets), "--history", str(history)]


def rights(directory: Path) -> dict[str, str]:
    """The rights of every file in it, at any depth, by name."""
    return {each.name: oct(each.stat().st_mode & 0o777) for each in directory.rglob("*")}


def test_whatever_is_kept_is_its_owners_alone(
    process: Steerco, home: Path, load: list[str]
) -> None:
    assert process("projects", "add", "feature_name=A").code == 0
    assert process(*load).code == 0
    assert process("kpi").code == 0
    assert process("parity").code == 1  # it is not in Salesforce yet
    found = rights(home)
    assert {"sandbox.db", "sandbox-tickets.duckdb", "sandbox-tickets.duckdb.lock"} <= found.keys()
    assert set(found.values()) == {"0o600"}, found


def test_what_a_process_at_work_puts_beside_the_tickets_is_private_too(
    process: Steerco, home: Path, load: list[str]
) -> None:
    assert process(*load).code == 0
    file = home / "sandbox-tickets.duckdb"
    at_work = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, str(file)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert at_work.stdout is not None
    try:
        assert at_work.stdout.readline() == b"ready\n"
        found = rights(home)
    finally:
        at_work.kill()
        at_work.communicate(timeout=30)
    assert found.pop(f"{file.name}.tmp") == "0o700"
    assert f"{file.name}.wal" in found
    assert any(name.startswith("duckdb_temp") for name in found), found
    assert set(found.values()) == {"0o600"}, found
    # What was left open by others' eyes (an older version's files) is closed by the next opening.
    for name in (file.name, f"{file.name}.wal", f"{file.name}.lock"):
        (home / name).chmod(0o644)
    assert process("kpi").code == 0
    found = rights(home)
    assert (found[file.name], found[f"{file.name}.wal"]) == ("0o600", "0o600")
    assert process(*load).code == 0
    assert rights(home)[f"{file.name}.lock"] == "0o600"


@pytest.mark.parametrize(("mask", "given"), [(0o022, "0o644"), (0o027, "0o640"), (0o002, "0o664")])
def test_an_export_has_the_rights_that_its_owner_gives_his_files(
    process: Steerco, tmp_path: Path, mask: int, given: str
) -> None:
    os.umask(mask)
    assert process("projects", "add", "feature_name=A").code == 0
    place = tmp_path / "exports"
    place.mkdir()
    wanted = str(place / "roadmap.csv")
    assert process("export", "--format", "csv", "--output", wanted).code == 0
    assert process("parity", "--output", str(place / "parity.json")).code == 1
    assert rights(place) == {"roadmap.csv": given, "parity.json": given}
