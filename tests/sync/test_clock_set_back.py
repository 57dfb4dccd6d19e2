"""The clock is set back a day between two runs, or forward and back: the later edit still wins."""

from __future__ import annotations

import pytest

from services.sync.targets.base import ErrorClass
from store import projects
from tests.sync.fakes import problem
from tests.sync.world import World

DAY = 24 * 3600.0


def stamp(world: World, pid: str, path: str) -> str:
    """When the field got its value, as it counts."""
    project = projects.get(world.conn, pid)
    assert project is not None
    found = project.stamp(path)
    assert found is not None
    return found.at


@pytest.mark.parametrize("jumps", [(-DAY, 0.0), (DAY, -DAY), (-12 * 3600.0, 0.0), (-3700.0, 0.0)])
@pytest.mark.parametrize("delivered", [True, False])
def test_my_later_edit_wins_over_my_older_one(
    world: World, jumps: tuple[float, float], delivered: bool
) -> None:
    pid = world.add("Portal", status="In Design")
    world.sync()
    world.later(60 + max(jumps[0], 0))
    world.set(pid, status="In QA")
    before = stamp(world, pid, "status")
    if delivered:
        world.sync()
    world.later(jumps[1] or jumps[0])
    world.engine = world.new_engine()
    world.set(pid, status="Paused")
    assert stamp(world, pid, "status") > before
    world.engine.inbound.on_demand()
    assert world.sync().clean
    assert world.here(pid)["status"] == "Paused"
    assert world.document(pid)["status"] == "Paused"
    assert world.salesforce.rows[pid].values["status"] == "Paused"


@pytest.mark.parametrize("back", [DAY, 12 * 3600.0, 2 * 3600.0])
def test_what_was_to_be_tried_later_is_tried_now(world: World, back: float) -> None:
    pid = world.add("Portal")
    world.sync()
    world.set(pid, status="Paused")
    locked = problem(ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW", retry_after=800.0)
    world.salesforce.row_faults[pid] = [locked]
    world.engine.cycle()
    world.engine.cycle()
    assert world.state(pid)[1] == "retrying"
    world.later(-back)
    world.engine = world.new_engine()
    for _ in range(3):
        world.engine.cycle()
    assert world.state(pid) == ("synced", "synced")


@pytest.mark.parametrize("back", [DAY, 12 * 3600.0, 2 * 3600.0])
def test_a_target_that_was_away_is_probed_and_others_edits_come_in(
    world: World, back: float
) -> None:
    pid = world.add("Portal")
    world.sync()
    world.later(120)
    world.salesforce.down = problem(ErrorClass.PAUSE, "SERVER_UNAVAILABLE", retry_after=800.0)
    world.set(pid, status="Paused")
    world.engine.cycle()
    world.later(-back)
    world.salesforce.down = None
    for _ in range(3):
        world.engine.inbound.turn()
        world.engine.cycle()
        world.later(2)
    assert world.state(pid) == ("synced", "synced")
    world.salesforce.human_edits(pid, department="Theirs")
    world.later(1000)
    world.engine.inbound.on_demand()
    assert world.here(pid)["status"] == "Paused"


def test_a_lease_of_a_process_that_is_gone_runs_out(world: World) -> None:
    pid = world.add("Portal")
    world.sync()
    world.set(pid, status="Paused")
    world.conn.execute(
        "UPDATE open_deliveries SET state = 'in_flight', lease_owner = 'elsewhere/1/1/x', "
        "lease_until = ? WHERE state = 'pending'",
        (world.ctx.clock() + 120,),
    )
    world.later(-DAY)
    for _ in range(3):
        world.engine.cycle()
    assert world.state(pid) == ("synced", "synced")
