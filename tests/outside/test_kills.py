"""kill -9 in the middle of a sync, two syncs at once, edits while a sync runs."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.emulator import Emulator
from tests.outside.conftest import Strict, strict_world
from tests.outside.strict_org import ROBOT

COUNT = 30
MOMENTS = 9
"""Kills at a moment of chance; with those at chosen moments (CHOSEN) there are fifteen."""


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, firestore_emulator: Emulator
) -> Iterator[Strict]:
    """Thirty synced projects under one parent's roof, for every test of this module."""
    with strict_world(tmp_path_factory.mktemp("kills"), firestore_emulator) as world:
        edit_all(world, "Before")
        world.bench.sync()
        yield world


@pytest.fixture
def world(shared: Strict) -> Iterator[Strict]:
    """The shared world, all of it delivered and without a fault."""
    shared.server.forget()
    yield shared
    shared.server.forget()


def edit_all(world: Strict, department: str, extra: int = 0) -> None:
    """One edit of every project, and ``extra`` new ones, in one command."""
    titles = "Project Id,Feature,Department,Parent"
    lines = [
        f"k{n},Project {n},{department} {n},{'k0' if n % 10 == 9 else ''}" for n in range(COUNT)
    ]
    lines += [f"{department.lower()}-{n},New {n},{department} new,k1" for n in range(extra)]
    path = world.bench.home.parent / "plan.csv"
    path.write_text("\n".join([titles, *lines]), encoding="utf-8")
    world.bench.done("import", path.name)


def all_agree(world: Strict, projects: int) -> None:
    """Every project is there once on each side, and alike."""
    listed = world.bench.done("projects", "list", "--json").json
    rows = world.side.rows("Department__c", "Parent_Initiative__c", "Title__c")
    documents = world.documents()
    assert len(listed) == len(rows) == len(documents) == projects
    for here in listed:
        pid, parent = here["project_id"], here["parent_id"]
        row, document = rows[pid], documents[pid]
        assert row["Department__c"] == document["department"] == here["department"], pid
        assert row["Title__c"] == document["feature_name"] == here["feature_name"], pid
        assert document["parent_id"] == parent
        assert row["Parent_Initiative__c"] == (rows[parent]["Id"] if parent else None)
        assert here["sf_id"] == row["Id"]
        assert {side["state"] for side in here["sync"].values()} == {"synced"}


def in_order(world: Strict, project_id: str, marks: list[str]) -> None:
    """Salesforce saw the edits in their order, none of them twice, all by our user."""
    seen = world.org.changes(project_id, "Department__c")
    assert {by for _, _, by in seen} <= {ROBOT}
    places = [marks.index(new.rpartition(" ")[0]) for _, new, _ in seen]
    assert places == sorted(set(places)), seen


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=30)


def test_kills_at_any_moment_lose_nothing_and_double_nothing(world: Strict) -> None:
    chance = random.Random(20)
    made = len(world.org.rows())
    marks = ["Before"]
    for number in range(3):
        marks.append(f"Mark{number}")
        edit_all(world, marks[-1], extra=2)
        made += 2
        for _ in range(MOMENTS // 3):
            process = world.bench.start("sync")
            time.sleep(chance.uniform(0.2, 1.2))
            kill(process)
        assert world.bench.settle(3) <= 2
        all_agree(world, made)
    in_order(world, "k3", marks)
    world.server.forget()
    world.bench.sync()
    assert world.server.count("write") == 0, "nothing is sent twice"


CHOSEN = {
    "logging in": {"on": "identity"},
    "reading the rows": {"asking": "FROM Ticket__c"},
    "new rows, not applied yet": {"on": "upsert"},
    "new rows, applied": {"on": "upsert"},
    "rows, not applied yet": {"on": "update"},
    "rows, applied": {"on": "update"},
}


@pytest.mark.parametrize("moment", CHOSEN)
def test_a_kill_at_a_chosen_moment_of_the_talk(world: Strict, moment: str) -> None:
    mark = moment.title().replace(" ", "").replace(",", "")
    before = len(world.org.rows())
    edit_all(world, mark, extra=2)
    victim: list[subprocess.Popen[str]] = []

    def strike() -> None:
        victim[0].kill()

    applied = moment.endswith(", applied")
    fault = world.server.inject(**CHOSEN[moment], **{"then" if applied else "first": strike})
    victim.append(world.bench.start("sync"))
    victim[0].communicate(timeout=60)
    assert victim[0].returncode == -9
    assert fault.hits == 1
    assert world.bench.settle(2) == 1
    assert len(world.org.rows()) == before + 2
    all_agree(world, before + 2)
    changes = world.org.changes("k4", "Department__c")
    assert [new for _, new, _ in changes].count(f"{mark} 4") == 1


def test_two_syncs_at_once_share_the_work(world: Strict) -> None:
    for number in range(2):
        edit_all(world, f"Two{number}", extra=1)
        processes = [world.bench.start("sync", "--json") for _ in range(2)]
        outputs = [process.communicate(timeout=90) for process in processes]
        assert [process.returncode for process in processes] == [0, 0], outputs
        assert [errors for _, errors in outputs] == ["", ""]
    all_agree(world, len(world.org.rows()))
    for number in range(2):
        news = [new for _, new, _ in world.org.changes("k5", "Department__c")]
        assert news.count(f"Two{number} 5") == 1
    assert world.org.changes("two0-0", "created") == [(None, None, ROBOT)]


def test_edits_made_while_a_sync_runs_are_saved_at_once_and_arrive(world: Strict) -> None:
    edit_all(world, "Under")
    world.server.inject(times=None, slow=0.5)
    process = world.bench.start("sync")
    edits = 0
    while process.poll() is None:
        world.bench.set(f"k{edits % 3}", f"department=Way {edits}", f"it_lead=Lead {edits}")
        edits += 1
    assert edits >= 2, "the sync was over before anything was edited"
    world.server.forget()
    world.bench.settle(2)
    all_agree(world, len(world.org.rows()))
    assert world.bench.show(f"k{(edits - 1) % 3}")["it_lead"] == f"Lead {edits - 1}"
