"""Histories that the random ones found, played again by hand: links that can't stand, lives that
meet, votes withdrawn, a clock that was wrong before anybody could know."""

from __future__ import annotations

import pytest

from store import conflicts
from store.conflicts import WHOLE
from tests.sync.simulation import promises
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.world import World


def begin(*offsets: float) -> World:
    """Ann and Ben share two projects that everybody has."""
    world = World(0, (offsets[0], offsets[1]) if offsets else (0.0, 0.0))
    world.org.lag = world.cloud.lag = 0.0
    for _ in range(2):
        world.create(world.operators[0])
    settle(world)
    return world


def settle(world: World) -> None:
    world.later(120)
    world.converge()


def parents(who: Operator) -> dict[str, object]:
    """The links that somebody sees."""
    return {pid: (who.here(pid) or {})["parent_id"] for pid in who.projects}


def test_a_link_to_a_project_that_somebody_else_deletes_goes_with_it() -> None:
    world = begin()
    ann, ben = world.operators
    world.delete(ann, "p1")
    world.set(ben, "p2", "parent_id", "p1")
    settle(world)
    assert parents(ann) == parents(ben) == {"p2": None}
    promises.at_the_end(world)


@pytest.mark.parametrize("offsets", [(0.0, 0.0), (3600.0, -3600.0)])
def test_of_two_links_that_make_a_circle_the_later_goes_into_one_record(
    offsets: tuple[float, float],
) -> None:
    world = begin(*offsets)
    ann, ben = world.operators
    world.set(ann, "p2", "parent_id", "p1")
    world.set(ben, "p1", "parent_id", "p2")
    settle(world)
    assert parents(ann) == parents(ben) == {"p1": None, "p2": "p1"}
    found = [[c for c in conflicts.find(who.conn) if c.path == "parent_id"] for who in (ann, ben)]
    assert [len(each) for each in found] == [1, 1]
    assert found[0][0].id == found[1][0].id
    assert "p2" in (found[0][0].mine, found[0][0].theirs)
    promises.at_the_end(world)


def test_taking_back_my_own_delete_does_not_undo_somebody_elses() -> None:
    world = begin()
    ann, ben = world.operators
    world.delete(ben, "p1")
    world.undo(ben)
    world.delete(ann, "p1")
    world.later(120)
    for who in (ann, ben, ann):
        world.cycle(who)
        world.follow(who)
    [asked] = [c for c in conflicts.find(ben.conn) if c.path == WHOLE]
    assert asked.state == "open"
    assert world.decide(ben, "mine", whole=True)
    settle(world)
    assert "p1" in ann.projects
    promises.at_the_end(world)


def test_a_total_goes_with_the_last_vote() -> None:
    world = begin()
    ann, ben = world.operators
    world.set(ben, "p2", "scores.Vera", 5)
    world.undo(ben)
    settle(world)
    assert [(who.here("p2") or {})["total_score"] for who in (ann, ben)] == [None, None]
    promises.at_the_end(world)


def test_edits_made_before_the_clock_was_ever_compared_get_the_right_time() -> None:
    """Ann's clock is an hour ahead, Ben's an hour behind; her create would else win for an hour."""
    world = begin(3600.0, -3600.0)
    ann, ben = world.operators
    world.edit(ann, "p1", "strategic_value")
    world.edit(ann, "p1", "strategic_value")
    world.edit(ben, "p1", "strategic_value")
    settle(world)
    latest = world.oracle.edits[-1]
    assert latest.who == "ben"
    assert {(who.here("p1") or {})["strategic_value"] for who in (ann, ben)} == {latest.value}
