"""Commands that only read, where nothing can be written: they answer as they do anywhere else.

Each of three homes (left in order, killed in the middle with its log, the log without its index) is
put into each of three places: a read-only disk, a directory whose owner may only read, a full disk.
What the commands say there is compared, letter by letter, with what they say of a copy.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from store import conflicts
from store.database import SCHEMA_VERSION, connect
from store.migrations import migrate
from tests.commands.test_conflicts import FIELD
from tests.kpis import world
from tests.kpis.world import Histories, ticket
from tests.outside.bench import NOWHERE, ROOT, Bench, Side
from tests.places import fill, on_a_read_only_disk, sealed, small_disk

NOBODY = {
    "FIRESTORE_EMULATOR_HOST": NOWHERE,
    "GOOGLE_CLOUD_PROJECT": "nowhere",
    **Side(f"http://{NOWHERE}", "token").env,
}
READING = [
    ["projects", "list"],
    ["projects", "list", "--view", "all", "--filter", "ärger", "--json"],
    ["projects", "list", "--json"],
    ["projects", "show", "a"],
    ["projects", "show", "a", "--json"],
    ["outbox", "list"],
    ["outbox", "list", "--all", "--json"],
    ["outbox", "show", "1"],
    ["outbox", "show", "3", "--json"],
    ["conflicts", "list"],
    ["conflicts", "list", "--json"],
    ["conflicts", "show", FIELD.id],
    ["conflicts", "show", FIELD.id, "--json"],
    ["people"],
    ["people", "--json"],
    ["kpi"],
    ["kpi", "--json"],
    ["kpi", "--month", "2026-02", "--by", "department", "--json"],
    ["backlog", "--at", "2026-04-01"],
    ["backlog", "--at", "2026-04-01", "--json"],
    ["export", "--format", "csv"],
    ["export", "--format", "json"],
    ["export", "--format", "md"],
]
REFUSED = [
    ["projects", "list", "--view", "none"],
    ["projects", "show", "none"],
    ["conflicts", "show", "none"],
]
WRITING = [
    ["projects", "set", "a", "status=Completed"],
    ["projects", "add", "feature_name=New"],
    ["projects", "delete", "a", "--yes"],
    ["conflicts", "resolve", FIELD.id, "--take", "mine"],
    ["outbox", "pause"],
    ["sync"],
]
MANY = """
import io, json, sys
from tui.commands import run
said = []
for argv in json.loads(sys.argv[1]):
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    code = run(argv)
    said.append([code])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        said[-1].append(stream.buffer.getvalue().decode())
sys.__stdout__.write(json.dumps(said))
"""
# A process that is killed after commits, one to each database, before it can put anything in order.
KILLED = """
import os, sys
from pathlib import Path
from services import itsc_roadmap
from services.context import Context
from store.database import open_database
from store.tickets import TicketFile
home = Path(sys.argv[1])
conn = open_database(home / "steerco.db")
itsc_roadmap.update_project(conn, Context("Kim Killed"), "a", {"status": "Paused"})
with TicketFile(home / "tickets.duckdb").writing() as figures:
    figures.execute("DELETE FROM figures WHERE topic = 'mttr'")
    figures.execute("COMMIT")
    os._exit(9)
"""


def said(bench: Bench, commands: Sequence[Sequence[str]], before: Sequence[str] = ()) -> list[Any]:
    """Exit code, output and errors of each command, all of them in one process."""
    done = subprocess.run(
        [*before, sys.executable, "-c", MANY, json.dumps(commands)],
        cwd=ROOT,
        env=bench.environment,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def sentences(bench: Bench, commands: Sequence[Sequence[str]], before: Sequence[str]) -> list[str]:
    """What commands say that have to be refused with one sentence and nothing else."""
    found = []
    for argv, (code, out, err) in zip(commands, said(bench, commands, before), strict=True):
        assert (code, out, err.count("\n")) == (1, "", 1), (argv, code, out, err)
        assert "fault of its own" not in err, (argv, err)
        found.append(err)
    return found


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home with projects, a conflict and tickets in the three states, by the state's name."""
    root = tmp_path_factory.mktemp("states")
    bench = Bench(root / "in order", NOBODY)
    bench.add("a", "feature_name=Ärger", "department=Sales", "it_lead=Ida")
    bench.add("b", "feature_name=B", "brief.what_it_does=" + "x" * 9_000)
    bench.set("b", "scores.Ana=4")
    conn = connect(bench.home / "steerco.db")
    conflicts.add(conn, FIELD)
    conn.close()
    rows = Histories()
    history = [
        rows.status(1, "New", "In Development", "2026-02-02T00:00:00Z"),
        rows.status(1, "In Development", "Closed", "2026-02-04T12:00:00Z"),
    ]
    open_one = ticket(2, "2026-03-01T00:00:00Z", "New")
    closed = ticket(1, "2026-02-01T00:00:00Z", Priority="P1", Type="Defect")
    bench.done(
        *("tickets", "load"),
        *("--tickets", str(world.write(root / "T.csv", world.TICKET, [closed, open_one]))),
        *("--history", str(world.write(root / "H.csv", world.HISTORY, history))),
    )
    killed = root / "killed"
    shutil.copytree(bench.home, killed)
    done = subprocess.run([sys.executable, "-c", KILLED, str(killed)], cwd=ROOT, check=False)
    assert done.returncode == 9
    assert (killed / "steerco.db-wal").stat().st_size
    assert (killed / "tickets.duckdb.wal").stat().st_size
    without = root / "without the index"
    shutil.copytree(killed, without)
    (without / "steerco.db-shm").unlink()
    return {each.name: each for each in (bench.home, killed, without)}


@contextmanager
def put(way: str, home: Path, place: Path) -> Iterator[tuple[Bench, list[str]]]:
    """The home in a place where nothing can be written, and what goes before its commands."""
    if way == "full disk":
        with small_disk(place, "8M"):
            shutil.copytree(home, place / "home")
            fill(place)
            yield Bench(place / "home", NOBODY), []
        return
    shutil.copytree(home, place / "home")
    bench = Bench(place / "home", NOBODY)
    if way == "read-only disk":
        yield bench, on_a_read_only_disk(place)
    else:
        with sealed(bench.home) as before:
            yield bench, before


def content(home: Path) -> dict[str, str]:
    """What every file holds, but for the index, which any reader may make or renew."""
    return {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest()
        for each in home.iterdir()
        if each.stat().st_size and not each.name.endswith("-shm")
    }


@pytest.mark.parametrize("state", ["in order", "killed", "without the index"])
@pytest.mark.parametrize("way", ["read-only disk", "sealed directory", "full disk"])
def test_reading_says_what_it_says_anywhere(
    homes: dict[str, Path], tmp_path: Path, way: str, state: str
) -> None:
    shutil.copytree(homes[state], tmp_path / "copy")
    usual = said(Bench(tmp_path / "copy", NOBODY), READING + REFUSED)
    for argv, (code, out, err) in zip(READING, usual, strict=False):
        assert (code, err) == (0, ""), (argv, err)
        assert out, argv
    assert ("Paused" in usual[0][1]) == (state != "in order")
    assert bool(json.loads(usual[READING.index(["kpi", "--json"])][1])["mttr"]) == (
        state == "in order"
    )
    with put(way, homes[state], tmp_path / "place") as (bench, before):
        kept = content(bench.home)
        found = said(bench, READING + REFUSED, before)
        for argv, theirs, ours in zip(READING + REFUSED, found, usual, strict=True):
            assert theirs == ours, argv
        if (way, state) == ("full disk", "killed"):
            return  # with log and index there, it is still folded in, and a small edit finds room
        assert content(bench.home) == kept
        wanted = "the disk is full" if way == "full disk" else "STEERCO_HOME"
        for sentence in sentences(bench, WRITING, before):
            assert wanted in sentence
        assert content(bench.home) == kept
        assert said(bench, READING, before) == usual[: len(READING)]


@pytest.mark.parametrize("way", ["read-only disk", "sealed directory", "full disk"])
def test_what_lies_elsewhere_can_be_written(
    homes: dict[str, Path], tmp_path: Path, way: str
) -> None:
    with put(way, homes["without the index"], tmp_path / "place") as (bench, before):
        out, backup = tmp_path / "out.json", tmp_path / "backup.db"
        commands = [["export", "--format", "json", "--output", str(out)], ["backup", str(backup)]]
        assert [each[::2] for each in said(bench, commands, before)] == [[0, ""], [0, ""]]
    assert {row["status"] for row in json.loads(out.read_text())} == {"Paused", "Yet to Start"}
    copy = sqlite3.connect(backup)
    assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert copy.execute("SELECT status FROM projects WHERE project_id = 'a'").fetchone() == (
        "Paused",
    )
    copy.close()


@pytest.mark.parametrize("way", ["read-only disk", "sealed directory", "full disk"])
def test_doctor_says_what_is_wrong_with_the_place_and_that_the_database_is_sound(
    homes: dict[str, Path], tmp_path: Path, way: str
) -> None:
    with put(way, homes["without the index"], tmp_path / "place") as (bench, before):
        ((code, out, _),) = said(bench, [["doctor", "--json"]], before)
    checks = {each["check"]: each for each in json.loads(out)["checks"]}
    assert code == 1
    assert checks["home"]["ok"] is False
    assert checks["home"]["advice"]
    assert checks["database"]["ok"] is True
    assert checks["firestore"]["ok"] is False  # it was asked, and nobody is there


def test_figures_of_another_policy_and_of_no_tickets_are_right_too(
    homes: dict[str, Path], tmp_path: Path
) -> None:
    shipped = json.loads((ROOT / "policies" / "kpi_policy.json").read_text())
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({**shipped, "version": 9}))
    asked = [["kpi", "--json"], ["backlog", "--at", "2026-04-01", "--json"]]
    shutil.copytree(homes["in order"], tmp_path / "copy")
    with put("read-only disk", homes["in order"], tmp_path / "place") as (bench, before):
        for each in (bench, other := Bench(tmp_path / "copy", NOBODY)):
            each.env = {**NOBODY, "STEERCO_KPI_POLICY": str(policy)}
        found = said(bench, asked, before)
        assert found == said(other, asked)
        assert json.loads(found[0][1])["policy_version"] == 9
        for file in bench.home.glob("tickets.duckdb*"):
            file.unlink()
        (code, out, err), (_, rows, _) = said(bench, asked, before)
    assert (code, err, rows) == (0, "", "[]\n")
    assert json.loads(out)["monthly"] == []


@pytest.mark.parametrize("way", ["read-only disk", "sealed directory", "full disk"])
def test_a_database_of_an_older_schema_waits_for_a_place_to_be_migrated_in(
    tmp_path: Path, way: str
) -> None:
    home = tmp_path / "old"
    home.mkdir()
    conn = connect(home / "steerco.db")
    migrate(conn, SCHEMA_VERSION - 1)
    conn.close()
    with put(way, home, tmp_path / "place") as (bench, before):
        kept = content(bench.home)
        for sentence in sentences(bench, [["projects", "list"], ["people", "--json"]], before):
            assert f"schema {SCHEMA_VERSION - 1}" in sentence
            assert f"brought to schema {SCHEMA_VERSION}" in sentence
        names = {each.name for each in bench.home.iterdir()}
        assert not [each for each in names if ".before-" in each], "a half-made backup is left"
        assert content(bench.home) == kept


def test_a_database_that_may_not_even_be_read_is_one_sentence(
    homes: dict[str, Path], tmp_path: Path
) -> None:
    with put("sealed directory", homes["in order"], tmp_path / "place") as (bench, before):
        for name in ("steerco.db", "tickets.duckdb"):
            (bench.home / name).chmod(0)
        for sentence in sentences(bench, [["projects", "list"], ["kpi"], ["backlog"]], before):
            assert "Permission denied" in sentence
        bench.home.chmod(0)
        for sentence in sentences(bench, [["projects", "list"], ["kpi"], ["backlog"]], before):
            assert "can't be used: Permission denied" in sentence


def test_what_another_process_saves_meanwhile_is_seen(
    homes: dict[str, Path], tmp_path: Path
) -> None:
    """The disk is read-only for the one who reads, as a volume that two containers share."""
    with put("read-only disk", homes["in order"], tmp_path / "place") as (bench, before):
        holder = bench.start("worker")
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline().startswith("working on")
            for status in ("Paused", "Completed"):
                bench.set("a", f"status={status}")
                ((_, out, _),) = said(bench, [["projects", "show", "a", "--json"]], before)
                assert json.loads(out)["status"] == status
        finally:
            holder.terminate()
            holder.communicate(timeout=30)
