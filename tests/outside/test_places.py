"""A full disk, a home that can't be written: one sentence, nothing lost, it goes on."""

from __future__ import annotations

import csv
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside.bench import NOWHERE, Bench, Side
from tests.places import empty, fill, mounted, small_disk

NOBODY = {
    "FIRESTORE_EMULATOR_HOST": NOWHERE,
    "GOOGLE_CLOUD_PROJECT": "nowhere",
    **Side(f"http://{NOWHERE}", "token").env,
}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    with small_disk(tmp_path / "small") as place:
        yield place


def test_an_edit_on_a_full_disk_is_refused_whole_and_works_when_there_is_room(small: Path) -> None:
    bench = Bench(small / "home", NOBODY)
    bench.add("a", "feature_name=A")
    # Somebody works, so the files beside the database are there.
    holder = bench.start("worker")
    try:
        deadline = time.monotonic() + 30
        while not (bench.home / "steerco.db-shm").exists():
            assert time.monotonic() < deadline, "the worker did not open the database"
            time.sleep(0.05)
        fill(small)
        for argv in (
            ["projects", "set", "a", "brief.what_it_does=" + "x" * 30_000],
            ["projects", "add", "feature_name=B", "brief.what_it_does=" + "x" * 30_000],
            ["projects", "delete", "a", "--yes"],
        ):
            assert "the disk is full" in bench.refused(*argv), argv
        assert bench.show("a")["brief"]["what_it_does"] is None
        assert len(bench.done("projects", "list", "--json").json) == 1
        checks = {c["check"]: c for c in bench.run("doctor", "--json").json["checks"]}
        assert checks["home"]["ok"] is False
        assert "No space left" in checks["home"]["detail"]
        empty(small)
        bench.set("a", "status=Paused")
    finally:
        holder.terminate()
        out, err = holder.communicate(timeout=30)
    assert "Traceback" not in out + err
    assert len(bench.done("outbox", "list", "--json").json) == 2


def test_even_opening_the_database_on_a_full_disk_is_a_sentence(small: Path) -> None:
    bench = Bench(small / "home", NOBODY)
    bench.add("a", "feature_name=A")
    fill(small)
    for argv in (["projects", "set", "a", "status=Paused"], ["sync"]):
        assert "the disk is full" in bench.refused(*argv), argv
    empty(small)
    assert bench.show("a")["status"] == "Yet to Start"


def test_an_export_or_backup_to_a_full_disk_leaves_the_one_before(
    small: Path, tmp_path: Path
) -> None:
    bench = Bench(tmp_path / "home", NOBODY)
    bench.add("a", "feature_name=A")
    file = small / "roadmap.csv"
    bench.done("export", "--format", "csv", "--output", str(file))
    before = file.read_bytes()
    bench.add("b", "feature_name=B", "brief.what_it_does=" + "x" * 30_000)
    fill(small)
    assert "No space left" in bench.refused("export", "--format", "csv", "--output", str(file))
    assert "the disk is full" in bench.refused("backup", str(small / "backup.db"))
    assert file.read_bytes() == before
    assert sorted(each.name for each in small.iterdir()) == ["fill", "roadmap.csv"]
    empty(small)
    bench.done("export", "--format", "csv", "--output", str(file))
    with file.open(encoding="utf-8", newline="") as opened:
        assert len(list(csv.reader(opened))) == 3


def test_recovery_without_room_changes_nothing(small: Path) -> None:
    bench = Bench(small / "home", NOBODY)
    for number in range(4):
        bench.add(f"p{number}", "feature_name=A", "brief.what_it_does=" + "x" * 3_000)
    path = small / "home" / "steerco.db"
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    damaged = path.read_bytes()
    fill(small)
    assert "the disk is full" in bench.refused("doctor", "--recover")
    assert path.read_bytes() == damaged
    assert [each.name for each in path.parent.iterdir()] == ["steerco.db"]
    empty(small)
    assert "Saved 4 projects" in bench.done("doctor", "--recover").out


def test_an_export_into_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home", NOBODY)
    bench.add("a", "feature_name=A")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    bench.done("export", "--format", "json", "--output", str(pipe))
    out, _ = reader.communicate(timeout=20)
    assert '"feature_name": "A"' in out
    assert pipe.is_fifo()


WRITING = [
    ["projects", "set", "a", "status=Paused"],
    ["projects", "add", "feature_name=B"],
    ["sync"],
    ["worker"],
    ["outbox", "pause"],
    ["doctor", "--recover"],
    ["tickets", "pull"],
]


def test_writing_on_a_read_only_home_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    bench = Bench(tmp_path / "place" / "home", NOBODY)
    bench.add("a", "feature_name=A")
    place = str(tmp_path / "place")
    mounted("--bind", place, place)
    try:
        mounted("-o", "remount,ro,bind", place)
        for argv in WRITING:
            assert "STEERCO_HOME" in bench.refused(*argv), argv
        ran = bench.run("doctor", "--json")
        assert ran.code == 1
        assert "Traceback" not in ran.err
        other = Bench(tmp_path / "place" / "new", NOBODY)
        assert "STEERCO_HOME" in other.refused("projects", "list")
    finally:
        subprocess.run(["umount", "-l", place], check=True)
    assert bench.show("a")["status"] == "Yet to Start"
