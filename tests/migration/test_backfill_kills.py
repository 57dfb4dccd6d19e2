"""SIGKILL anywhere in a backfill: run again, it ends with exactly the projects and umbrellas.

The victim is a process of its own on the files of its operator, with the real client against the
sandbox organisation, which lives on.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal

import pytest

from services.migration.backfill import Stopped
from services.sync.run import drain
from tests.migration.world import UMBRELLAS, World

FORK = multiprocessing.get_context("fork")
STEPS = [
    "backfill:started",
    "backfill:umbrellas",
    "backfill:queued",
    "firestore:sent",
    "backfill:firestore",
    "backfill:delivered",
    "backfill:noted",
]
SENDING = [f"salesforce:{p}" for p in ("claimed", "read", "written", "sent", "acked")]
JOBS = [f"bulk:{p}" for p in ("opened", "remembered", "uploaded", "closed", "done")]
EVERYTHING = len(UMBRELLAS) + 8


def victim(world: World, bulk_above: int, point: str | None, nth: int, commit: int | None) -> None:
    """A backfill that dies at the n-th passing of a point, or before its n-th commit."""
    passes, commits = itertools.count(1), itertools.count(1)

    def die(name: str) -> None:
        if name == point and next(passes) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(statement: str) -> None:
        if statement == "COMMIT" and next(commits) == commit:
            os.kill(os.getpid(), signal.SIGKILL)

    mine = World(world.home, world.org)
    run = mine.backfill(bulk_above=bulk_above, point=die)
    if commit is not None:
        mine.conn.set_trace_callback(watch)
    run.run()


def kill(
    world: World,
    bulk_above: int,
    *,
    point: str | None = None,
    nth: int = 1,
    commit: int | None = None,
) -> bool:
    """Whether the victim died; it may also have come to its end before."""
    process = FORK.Process(target=victim, args=(world, bulk_above, point, nth, commit))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def finish(world: World) -> None:
    """Another process takes up what is left; afterwards everything is there once."""
    mine = World(world.home, world.org)
    report = mine.backfill(bulk_above=3).run()
    assert report.clean, report
    assert (report.expected, report.found) == (EVERYTHING, EVERYTHING)
    mine.whole()
    jobs = [job["state"] for job in mine.org.jobs() if job["numberRecordsProcessed"]]
    assert set(jobs) <= {"JobComplete"}


@pytest.mark.parametrize("point", [*STEPS, *SENDING, *JOBS])
def test_a_bulk_backfill_killed_at_a_named_point_ends_whole(world: World, point: str) -> None:
    world.family()
    assert kill(world, 3, point=point)
    finish(world)


@pytest.mark.parametrize("point", ["salesforce:written", "bulk:uploaded", "bulk:closed"])
def test_a_backfill_killed_among_its_links_ends_whole(world: World, point: str) -> None:
    world.family()
    assert kill(world, 3, point=point, nth=2)
    assert set(world.org.rows()) == world.local_ids(), "the rows were there already"
    finish(world)


@pytest.mark.parametrize("point", SENDING)
def test_an_ordinary_backfill_killed_at_a_named_point_ends_whole(world: World, point: str) -> None:
    world.family()
    assert kill(world, 2_000, point=point)
    finish(world)


@pytest.mark.parametrize("bulk_above", [3, 2_000])
def test_a_backfill_killed_again_and_again_before_commits_ends_whole(
    world: World, bulk_above: int
) -> None:
    world.family()
    for commit in (2, 3, 5, 7, 11, 13):
        kill(world, bulk_above, commit=commit)
    finish(world)


def test_a_backfill_killed_at_random_moments_ends_whole(world: World) -> None:
    world.family()
    dice = random.Random(11)
    deaths = 0
    for _ in range(12):
        process = FORK.Process(target=victim, args=(world, 3, None, 1, None))
        process.start()
        process.join(dice.uniform(0.0, 0.2))  # a quick machine is through with it in less than that
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
            deaths += 1
        process.join()
    assert deaths
    finish(world)


def test_a_job_that_a_dead_backfill_began_is_waited_for_and_not_sent_again(world: World) -> None:
    world.family()
    assert kill(world, 3, point="bulk:closed")
    finish(world)
    rows = [job for job in world.org.jobs() if job["operation"] == "upsert"]
    assert [job["numberRecordsProcessed"] for job in rows] == [EVERYTHING]


def test_an_interrupted_backfill_goes_on_where_it_was(world: World) -> None:
    world.family()

    def interrupt(name: str) -> None:
        if name == "bulk:closed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.backfill(bulk_above=3, point=interrupt).run()
    finish(world)


def test_an_ordinary_sync_leaves_the_rows_of_an_unsettled_job_alone(world: World) -> None:
    world.family()
    assert kill(world, 3, point="bulk:closed")
    run = world.backfill()
    drain(run.engine, names=["salesforce"], sleep=lambda _: None, patience=0.0)
    assert world.org.rows() == {}
    finish(world)


def test_a_backfill_that_can_not_end_its_job_says_so_and_sends_nothing(world: World) -> None:
    world.family()
    assert kill(world, 3, point="bulk:closed")
    world.org.fault("503,method=GET,path=jobs/ingest,count=1")
    with pytest.raises(Stopped, match="run steerco backfill again"):
        world.backfill(bulk_above=3, sleep=lambda _: None).run()
    assert len(world.org.jobs()) == 1
    finish(world)
