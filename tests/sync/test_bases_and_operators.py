"""The last section of the dual-write contract, line by line: each test replays the history that
the line closes, with two operators and a person in Salesforce."""

from __future__ import annotations

import pytest

from store import conflicts
from tests.sync.simulation import promises
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.org import ROBOT
from tests.sync.simulation.world import World


@pytest.fixture
def world() -> World:
    """Ann and Ben share a project that everybody has: ``p1``. Rows show at once."""
    world = World()
    world.org.lag = world.cloud.lag = 0.0
    world.create(world.operators[0])
    settle(world)
    return world


@pytest.fixture
def ann(world: World) -> Operator:
    return world.operators[0]


@pytest.fixture
def ben(world: World) -> Operator:
    return world.operators[1]


def settle(world: World) -> None:
    world.later(120)
    world.converge()


def records(who: Operator) -> list[tuple[object, object, str]]:
    """The conflicts that somebody knows of: mine, theirs, who won."""
    found = conflicts.find(who.conn, open_only=False)
    return sorted((str(c.mine), str(c.theirs), c.winner) for c in found)


def everywhere(world: World, path: str) -> set[object]:
    """What the operators' screens and Salesforce hold of a field of ``p1``."""
    row = world.org.row("p1")
    assert row is not None
    return {who.here("p1")[path] for who in world.operators} | {row.now.values[path]}  # type: ignore[index]


def test_another_operators_push_is_never_taken_for_a_persons_edit(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Both edit one field; Ann's, the earlier, is in Salesforce first. By the row's date hers would
    be the later; by the stamps on the document his is, and there is one record of it."""
    ann.cloud.down = False
    world.set(ann, "p1", "department", "ann's")
    world.later(60)
    ben.cloud.down = ben.org.down = True
    world.set(ben, "p1", "department", "ben's")
    world.later(60)
    world.cycle(ann)
    ben.cloud.down = ben.org.down = False
    world.later(60)
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "department") == {"ben's"}
    ids = {c.id for who in world.operators for c in conflicts.find(who.conn, open_only=False)}
    assert len(ids) == 1
    promises.at_the_end(world)


def test_an_owed_edit_meets_the_documents_stamp_and_not_the_rows_date(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben's edit is in Firestore and owed to Salesforce when Ann's, made later without knowing of
    it, gets there first: judged with the document both find the same record."""
    world.org.spent = True
    world.set(ben, "p1", "department", "ben's")
    world.cycle(ben)
    world.later(30)
    world.set(ann, "p1", "department", "ann's")
    world.org.spent = False
    world.later(300)
    world.cycle(ann)
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "department") == {"ann's"}
    assert [r[2] for r in records(ann)] == ["mine"]
    ids = {c.id for who in world.operators for c in conflicts.find(who.conn, open_only=False)}
    assert len(ids) == 1
    promises.at_the_end(world)


def test_a_late_older_value_of_ours_is_answered_with_the_newest(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben's push of an older value lands in Salesforce after Ann's newer one (she had seen his):
    nobody takes it for an edit."""
    world.set(ben, "p1", "department", "older")
    world.cycle(ben)  # his Salesforce delivery has arrived, too: now hers goes on top
    world.follow(ann)
    world.set(ann, "p1", "department", "newest")
    world.later(10)
    world.cycle(ann)
    world.later(10)
    row = world.org.row("p1")
    assert row is not None
    world.org.change(row, {"department": "older"}, ROBOT)  # what the network held back
    settle(world)
    assert everywhere(world, "department") == {"newest"}
    assert records(ann) == records(ben) == []
    promises.at_the_end(world)


def test_a_person_who_puts_an_older_value_back_is_believed(
    world: World, ann: Operator, ben: Operator
) -> None:
    """The same value by a person's hand is an edit."""
    world.set(ann, "p1", "department", "older")
    settle(world)
    world.set(ann, "p1", "department", "newer")
    settle(world)
    world.person_edits("p1", "department", "older")
    settle(world)
    assert everywhere(world, "department") == {"older"}
    assert records(ann) == records(ben) == []
