"""A database that was copied: the copy turns out to be one, and knows the outcome of nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.sync.run import drain
from services.sync.targets.base import ErrorClass, Problem
from store import conflicts, deliveries, meta
from store.deliveries import FIRESTORE, SALESFORCE
from tests.sync.world import World

Copying = Callable[[], World]
LOST = Problem(ErrorClass.UNKNOWN, "UNAVAILABLE", "lost", "the answer was lost")


@pytest.fixture
def copied(world: World, tmp_path: Path) -> Copying:
    """Makes the copy, with whatever waits in the original at that moment."""

    def make() -> World:
        world.conn.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
        return World(tmp_path, "copy", shared=world)

    return make


def records(world: World) -> list[tuple[object, object]]:
    return [(c.mine, c.theirs) for c in conflicts.find(world.conn, open_only=False)]


def reveal(world: World) -> None:
    """Something by which the copy can see that it is one."""
    world.add("Another")
    world.sync()


def test_what_the_original_delivered_since_is_not_sent_over_a_later_edit(
    world: World, tmp_path: Path, copied: Copying
) -> None:
    """Cat replaced what the original had delivered, and saw it: no conflict with the copy."""
    pid = world.add(department="Events")
    world.sync()
    world.set(pid, department="Grants")
    copy = copied()
    world.sync()
    cat = World(tmp_path, "cat", shared=world)
    cat.sync()
    cat.later(30)
    cat.set(pid, department="Cat's")
    cat.sync()
    reveal(world)
    copy.later(30)
    copy.sync()
    copy.later(60)
    copy.sync()
    assert copy.engine.client_id != world.engine.client_id
    assert copy.here(pid)["department"] == "Cat's"
    assert copy.document(pid)["department"] == "Cat's"
    assert world.salesforce.rows[pid].values["department"] == "Cat's"
    assert records(copy) == []


def test_what_a_person_did_after_the_originals_delivery_stands(
    world: World, copied: Copying
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.set(pid, department="Grants")
    copy = copied()
    world.sync()
    world.later(90)
    world.salesforce.human_edits(pid, department="a person's")
    reveal(world)
    for _ in range(3):
        copy.later(90)
        copy.sync()
    assert copy.here(pid)["department"] == "a person's"
    assert world.salesforce.rows[pid].values["department"] == "a person's"


def test_an_edit_of_the_copy_under_a_number_that_the_original_used_is_not_lost(
    world: World, copied: Copying
) -> None:
    """Both make their next operation on one document. The copy's answer is lost, and what stands
    there under its name and a later number is the original's."""
    pid = world.add(department="Events")
    world.sync()
    copy = copied()
    world.set(pid, department="original")
    copy.set(pid, strategic_value="the copy's")
    copy.trouble.before = [LOST]
    drain(copy.engine, names=(FIRESTORE,), sleep=copy.clock.sleep, patience=0.0)
    world.sync()
    copy.later(30)
    copy.sync()
    copy.later(60)
    copy.sync()
    assert copy.document(pid)["strategic_value"] == "the copy's"
    assert world.salesforce.rows[pid].values["strategic_value"] == "the copy's"
    assert copy.here(pid)["department"] == "original"


def test_a_copy_that_only_sends_notices_before_it_does(world: World, copied: Copying) -> None:
    """No reading of what moved comes in between: the read before the write tells."""
    pid = world.add(department="Events")
    world.sync()
    copy = copied()
    world.set(pid, department="original")
    world.sync()
    former = copy.engine.client_id
    copy.set(pid, strategic_value="the copy's")
    copy.engine.cycle(names=(FIRESTORE,))
    assert copy.engine.client_id != former
    assert copy.document(pid)["strategic_value"] != "the copy's"
    assert deliveries.sent(copy.conn, pid, FIRESTORE) is not None
    assert deliveries.sent(copy.conn, pid, SALESFORCE) is not None
    copy.engine.cycle(names=(FIRESTORE,))
    assert copy.document(pid)["strategic_value"] == "the copy's"
    assert copy.document(pid)["applied"].keys() == {former, copy.engine.client_id}


def test_every_process_on_the_copy_goes_by_its_new_name(world: World, copied: Copying) -> None:
    pid = world.add(department="Events")
    world.sync()
    copy = copied()
    beside = copy.new_engine()
    world.set(pid, department="original")
    world.sync()
    copy.sync()
    assert beside.client_id == copy.engine.client_id == meta.get(copy.conn, "client_id")
    assert list(meta.former(copy.conn)) == [world.engine.client_id]
