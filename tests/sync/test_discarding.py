"""An edit that somebody gives up: the three sides agree again, on what the targets hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from services import discarding
from services.sync.targets.base import ErrorClass
from services.sync.targets.fs_layout import base_hash
from store import bases, operations, projects
from store.database import transaction
from tests.sync.fakes import problem
from tests.sync.world import World


def test_discarding_brings_the_targets_value_back_on_all_sides(world: World) -> None:
    pid = world.add(department="IT")
    world.sync()
    seq = world.set(pid, department="refused")
    assert seq is not None
    world.salesforce.row_faults[pid] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")]
    world.sync()
    assert discarding.discard(world.conn, world.ctx, seq) == {"department": "IT"}
    assert world.sync().clean
    for values in (world.here(pid), world.salesforce.rows[pid].values, world.document(pid)):
        assert values["department"] == "IT"
    assert operations.get(world.conn, seq) is not None


def test_discarding_brings_back_what_an_earlier_edit_on_its_way_will_set(world: World) -> None:
    pid = world.add(department="IT")
    world.sync()
    world.set(pid, department="Events")
    seq = world.set(pid, department="Finance")
    assert seq is not None
    assert discarding.discard(world.conn, world.ctx, seq) == {"department": "Events"}
    assert world.sync().clean
    for values in (world.here(pid), world.salesforce.rows[pid].values, world.document(pid)):
        assert values["department"] == "Events"


def test_discarding_a_create_that_salesforce_refused_takes_the_project_from_firestore_too(
    world: World,
) -> None:
    pid = world.add()
    world.salesforce.row_faults[pid] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")]
    world.sync()
    assert not world.document(pid).get("deleted")
    [create] = operations.history(world.conn, pid)
    assert discarding.discard(world.conn, world.ctx, create.seq) == {}
    assert world.sync().clean
    assert not projects.exists(world.conn, pid)
    assert world.document(pid)["deleted"] is True
    assert pid not in world.salesforce.rows


def test_discarding_brings_a_long_text_back_of_which_the_base_has_the_hash_alone(
    world: World, tmp_path: Path
) -> None:
    pid = world.add(brief__punchline="It was so.")
    world.sync()
    ben = World(tmp_path, "ben", shared=world)
    ben.sync()
    world.later(70)
    world.set(pid, brief__punchline="It is so.")
    world.sync()
    ben.engine.inbound.on_demand(("firestore",))
    base = bases.get(ben.conn, pid, "salesforce")
    assert base is not None
    with transaction(ben.conn):
        hashed = {**base.values, "brief.punchline": base_hash("It is so.")}
        bases.put(ben.conn, [dataclasses.replace(base, values=hashed)])
    seq = ben.set(pid, brief__punchline="refused")
    assert seq is not None
    ben.salesforce.row_faults[pid] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")]
    ben.engine.cycle()
    ben.engine.cycle()
    back = discarding.discard(ben.conn, ben.ctx, seq)
    assert back == {"brief.punchline": "It is so."}
