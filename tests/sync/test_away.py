"""A target that is away: what is said of it, and when it is said to be there again."""

from __future__ import annotations

from services.sync.targets.base import ErrorClass, Problem
from store import targets
from tests.sync.world import World

AWAY = Problem(ErrorClass.PAUSE, "ConnectionError", "refused", "Salesforce is not reachable")


def test_a_target_that_is_away_and_owed_nothing_is_there_again_only_once_it_has_answered(
    world: World,
) -> None:
    """An edit that waits for Salesforce is discarded, or superseded by another operator's: nothing
    is left to be sent, and nobody has asked Salesforce since."""
    project_id = world.add()
    world.sync()
    world.salesforce.down = AWAY
    world.set(project_id, status="Paused")
    world.engine.cycle()
    assert targets.get(world.conn, "salesforce").down_since is not None
    world.conn.execute("DELETE FROM open_deliveries WHERE target = 'salesforce'")

    world.later(120)
    world.engine.cycle()
    assert targets.get(world.conn, "salesforce").down_since is not None

    world.salesforce.down = None
    world.later(120)
    world.engine.cycle()
    assert targets.get(world.conn, "salesforce").down_since is None
