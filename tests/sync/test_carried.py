"""What an operator with Salesforce off owes it: carried by who holds the poller's lease."""

from __future__ import annotations

from typing import Any

import pytest

from services import explain, history, itsc_roadmap, overview
from services.sync import notes
from services.sync.status import column
from services.sync.targets.firestore import FirestoreTarget
from store import bases, conflicts, deliveries, operations, owes, projects
from store.canon import Value
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE
from tests.sync.simulation import promises
from tests.sync.simulation.faults import Fault
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.org import ROBOT, Row
from tests.sync.simulation.world import World

LONG = 1000.0
"""More than the author's quarter of an hour."""


@pytest.fixture
def world() -> World:
    """Ann and Ben share ``p1``; from here on Salesforce is off for Ben. Rows show at once."""
    world = World()
    world.org.lag = world.cloud.lag = 0.0
    world.create(world.operators[0])
    settle(world)
    world.operators[1].switch(on=False)
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


def owed_edit(world: World, who: Operator, path: str = "department", value: str = "his") -> None:
    """An edit that is in Firestore, known to the other operator, and held for Salesforce."""
    world.set(who, "p1", path, value)
    world.cycle(who)
    world.follow(world.operators[0])


def carry(world: World, who: Operator, after: float = LONG) -> None:
    world.later(after)
    world.reconcile(who)
    world.cycle(who)


def row_of(world: World, project_id: str = "p1") -> Row:
    row = world.org.row(project_id)
    assert row is not None
    return row


def there(world: World, path: str, project_id: str = "p1") -> Value:
    return row_of(world, project_id).now.values[path]


def document(world: World, project_id: str = "p1") -> dict[str, Any]:
    found = world.cloud.documents.get_many("itsc_projects", [project_id])[project_id]
    assert found is not None
    return found.fields


def sign(who: Operator, project_id: str = "p1") -> str:
    return column(who.shown()[project_id])


def states(who: Operator, target: str = SALESFORCE) -> list[str]:
    return [each.state for each in deliveries.open_of_project(who.conn, "p1", target)]


def carried_here(who: Operator, project_id: str = "p1") -> list[operations.Operation]:
    return [
        op for op in operations.history(who.conn, project_id) if op.origin == operations.CARRIED
    ]


def test_what_an_operator_owes_is_carried_once_he_had_his_while(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    assert sign(ann) == "F✓ S‥"
    assert sign(ben) == "F✓ S–"
    carry(world, ann, 600)
    assert there(world, "department") != "his"  # its author might still be coming
    carry(world, ann, 400)
    assert there(world, "department") == "his"
    assert document(world)["owes"] == {}
    assert document(world)["sf"]["base"]["department"] == "his"
    assert sign(ann) == "F✓ S✓"
    world.follow(ben)
    assert sign(ben) == "F✓ S✓"


def test_a_document_that_keeps_moving_puts_no_debt_off(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Each field has a time of its own, counted from when it was first heard of."""
    owed_edit(world, ben)
    world.later(600)
    world.set(ben, "p1", "strategic_value", "his too")
    world.cycle(ben)
    world.follow(ann)
    carry(world, ann, 400)
    assert there(world, "department") == "his"
    assert there(world, "strategic_value") != "his too"
    assert set(document(world)["owes"]) == {"strategic_value"}


def test_on_again_nothing_is_sent_twice_and_the_history_says_who_carried(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    carry(world, ann)
    before = len(world.org.writes)
    ben.switch(on=True)
    world.reconcile(ben)
    world.follow(ben)
    world.cycle(ben)
    assert len(world.org.writes) == before
    assert states(ben) == []
    edit = next(op for op in operations.history(ben.conn, "p1") if op.origin == "local")
    entry = next(e for e in overview.outbox(ben.conn, open_only=False) if e.operation == edit)
    ended = [d.state for d in entry.deliveries if d.target == SALESFORCE]
    assert ended == ["superseded"]
    words = explain.entry_words(entry, overview.health(ben.conn), world.now)
    assert "ann carried it to Salesforce" in words
    for who in (ann, ben):
        lines = history.read(who.conn, "p1", "nobody", 60)
        told = {(line.who, line.source) for line in lines}
        assert ("ann", "carried to Salesforce") in told, told
    promises.at_the_end(world)


def test_the_stamp_stays_the_authors_and_no_version_of_the_project_is_made(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    known = projects.get(ann.conn, "p1")
    stamp = document(world)["stamps"]["department"]
    carry(world, ann)
    assert projects.get(ann.conn, "p1") == known
    assert document(world)["stamps"]["department"] == stamp
    assert stamp["by"] == "ben"


def test_an_operator_whose_own_flag_is_off_carries_nothing(
    world: World, ann: Operator, ben: Operator
) -> None:
    ann.switch(on=False)
    owed_edit(world, ben)
    carry(world, ann, 5000)
    assert there(world, "department") != "his"
    assert carried_here(ann) == []


def test_who_does_not_hold_the_lease_carries_nothing(
    world: World, ann: Operator, ben: Operator
) -> None:
    cat = Operator("cat", lambda: world.now, 0.0, world.cloud, world.org)
    world.seen["cat"] = 0
    owed_edit(world, ben)
    world.later(LONG - 10)
    world.turn(ann)  # who reads by schedule now
    world.follow(cat)
    world.later(905)
    world.turn(ann)
    world.reconcile(cat)
    assert carried_here(cat) == []
    assert carried_here(ann) != []


def test_what_its_author_did_since_is_read_before_anything_is_sent_for_him(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben's newer value is in the document only: Ann must not send the older one she knows."""
    owed_edit(world, ben)
    world.later(LONG)
    world.set(ben, "p1", "department", "newer")
    world.cycle(ben)
    world.reconcile(ann)
    world.cycle(ann)
    assert there(world, "department") != "his"
    carry(world, ann)
    assert there(world, "department") == "newer"
    values = [write.values.get("department") for write in world.org.writes]
    assert "his" not in values


def test_without_firestore_nobody_is_carried_for(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Taken up, and then the document can't be read again: it waits."""
    owed_edit(world, ben)
    world.later(LONG)
    world.reconcile(ann)
    ann.cloud.down = True
    for _ in range(4):
        world.later(100)
        world.cycle(ann)
    assert there(world, "department") != "his"
    ann.cloud.down = False
    world.later(100)
    world.cycle(ann)
    world.later(100)
    world.cycle(ann)
    assert there(world, "department") == "his"


def test_a_person_who_edited_the_field_meets_the_author_and_not_the_carrier(
    world: World, ann: Operator, ben: Operator
) -> None:
    """The later one wins, and the record names the author."""
    world.set(ben, "p1", "strategic_value", "his")
    world.cycle(ben)
    world.later(60)
    world.person_edits("p1", "strategic_value", "a person's")
    carry(world, ann)
    settle(world)
    assert there(world, "strategic_value") == "a person's"
    assert document(world)["owes"] == {}
    (kept,) = conflicts.find(ann.conn, open_only=False)
    assert (kept.mine, kept.mine_by, kept.winner) == ("his", "ben", "theirs")
    ben.switch(on=True)
    settle(world)
    promises.at_the_end(world)


def test_an_edit_of_a_person_between_the_read_and_the_write_stops_the_write(
    world: World, ann: Operator, ben: Operator
) -> None:
    """The write goes by Id under the version that was read, though nothing was contested."""
    owed_edit(world, ben, "strategic_value")
    ann.meanwhile["salesforce:written"] = lambda: world.person_edits(
        "p1", "strategic_value", "a person's"
    )
    carry(world, ann)
    assert there(world, "strategic_value") == "a person's"
    settle(world)
    assert any("his" in (c.mine, c.theirs) for c in conflicts.find(ann.conn, open_only=False))


def test_author_and_carrier_at_once_make_one_change_and_no_conflict(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)

    def ben_is_back() -> None:
        ben.switch(on=True)
        world.cycle(ben)

    ann.meanwhile["salesforce:written"] = ben_is_back
    carry(world, ann)
    settle(world)
    assert there(world, "department") == "his"
    assert conflicts.find(ann.conn, open_only=False) == []
    assert conflicts.find(ben.conn, open_only=False) == []
    changes = [w for w in world.org.writes if "department" in w.values]
    assert len({w.client_id for w in changes if w.values["department"] == "his"}) == 1
    promises.at_the_end(world)


def test_the_author_goes_on_while_his_edit_is_carried(
    world: World, ann: Operator, ben: Operator
) -> None:
    """What Ben edits after the carried edit is not superseded by it."""
    owed_edit(world, ben)
    world.set(ben, "p1", "department", "newer")  # not yet in Firestore
    carry(world, ann)
    assert there(world, "department") == "his"
    world.follow(ben)
    assert states(ben) == ["pending"]
    assert ben.here("p1")["department"] == "newer"  # type: ignore[index]
    ben.switch(on=True)
    settle(world)
    assert there(world, "department") == "newer"
    assert conflicts.find(ann.conn, open_only=False) == []
    promises.at_the_end(world)


@pytest.mark.parametrize("back", [True, False])
@pytest.mark.parametrize(
    "point",
    [
        "salesforce:taken-up",
        "salesforce:to-be-carried",
        "salesforce:claimed",
        "salesforce:read",
        "salesforce:written",
        "salesforce:sent",
        "salesforce:acked",
    ],
)
def test_a_kill_anywhere_between_taking_up_and_the_note_converges(
    world: World, ann: Operator, ben: Operator, point: str, back: bool
) -> None:
    """Killed at each point; Ann goes on, or Ben is back first."""
    owed_edit(world, ben)
    world.later(LONG)

    def die() -> None:
        ann.crash_in = 1

    ann.meanwhile[point] = die
    world.reconcile(ann)
    world.cycle(ann)
    assert point not in ann.meanwhile
    if back:
        ben.switch(on=True)
        world.later(300)
        world.follow(ben)
        world.reconcile(ben)
        world.cycle(ben)
    settle(world)
    assert there(world, "department") == "his"
    assert document(world)["owes"] == {}
    assert len(world.org.alive("p1")) == 1
    ben.switch(on=True)
    settle(world)
    assert states(ann) == states(ben) == []
    assert conflicts.find(ann.conn, open_only=False) == []
    promises.at_the_end(world)


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE, Fault.LOCK, Fault.LATE])
def test_a_bad_line_carries_it_once(
    world: World, ann: Operator, ben: Operator, fault: Fault
) -> None:
    owed_edit(world, ben)
    world.later(LONG)
    world.reconcile(ann)
    ann.org.waiting = [fault]
    world.cycle(ann)
    settle(world)
    assert there(world, "department") == "his"
    ben.switch(on=True)
    settle(world)
    promises.at_the_end(world)


def test_a_new_project_of_his_gets_its_one_row_parent_first(
    world: World, ann: Operator, ben: Operator
) -> None:
    parent = world.create(ben)
    child = world.create(ben, parent=parent)
    world.set(ben, child, "brief.punchline", "a long text of his")
    world.cycle(ben)
    world.follow(ann)
    assert world.org.rows[-1].project_id == "p1"
    carry(world, ann)
    settle(world)
    assert there(world, "parent_id", child) == parent
    assert there(world, "brief.punchline", child) == "a long text of his"
    assert document(world, child)["sf_id"] == row_of(world, child).id
    world.follow(ben)
    for each in (parent, child):
        assert document(world, each)["owes"] == {}
        assert deliveries.open_of_project(ben.conn, each) == []
        assert sign(ben, each) == "F✓ S✓"
    ben.switch(on=True)
    settle(world)
    assert len(world.org.rows) == 3
    promises.at_the_end(world)


def test_a_new_project_that_its_author_brings_at_the_same_moment_has_one_row(
    world: World, ann: Operator, ben: Operator
) -> None:
    pid = world.create(ben)
    world.cycle(ben)
    world.follow(ann)

    def ben_is_back() -> None:
        ben.switch(on=True)
        world.cycle(ben)

    ann.meanwhile["salesforce:written"] = ben_is_back
    carry(world, ann)
    settle(world)
    assert len([row for row in world.org.rows if row.project_id == pid]) == 1
    promises.at_the_end(world)


def test_votes_that_somebody_owes_are_carried_as_their_total(
    world: World, ann: Operator, ben: Operator
) -> None:
    world.set(ben, "p1", "scores.Ben", 4)
    world.cycle(ben)
    world.follow(ann)
    carry(world, ann)
    assert there(world, "total_score") == 4
    settle(world)
    assert document(world)["owes"] == {}


def test_a_delete_of_his_is_carried_where_the_row_is_as_it_was(
    world: World, ann: Operator, ben: Operator
) -> None:
    world.delete(ben, "p1")
    world.cycle(ben)
    world.follow(ann)
    assert world.org.row("p1") is not None
    carry(world, ann, 600)
    assert world.org.row("p1") is not None
    carry(world, ann, 400)
    assert world.org.row("p1") is None
    ben.switch(on=True)
    settle(world)
    assert deliveries.open_of_project(ben.conn, "p1") == []
    promises.at_the_end(world)


def test_a_delete_of_his_waits_for_him_where_a_person_edited_the_row(
    world: World, ann: Operator, ben: Operator
) -> None:
    world.delete(ben, "p1")
    world.cycle(ben)
    world.follow(ann)
    world.person_edits("p1", "strategic_value", "a person's")
    for _ in range(3):
        carry(world, ann)
    assert there(world, "strategic_value") == "a person's"
    assert len(carried_here(ann)) == 1  # tried once, and left to him
    assert conflicts.find(ann.conn) == []
    ben.switch(on=True)
    world.later(60)
    world.reconcile(ben)
    world.cycle(ben)
    (asked,) = conflicts.find(ben.conn)
    assert asked.path == conflicts.WHOLE


def test_what_salesforce_refuses_for_good_stays_owed_and_is_tried_once(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    world.org.poisoned.add("p1")
    for _ in range(3):
        carry(world, ann)
    assert states(ann) == ["failed"]
    assert len(carried_here(ann)) == 1
    assert set(document(world)["owes"]) == {"department"}
    assert states(ben) == ["pending"]
    world.org.poisoned.clear()
    world.set(ann, "p1", "strategic_value", "hers")  # her note of it leaves the other debt
    world.cycle(ann)
    world.cycle(ann)
    assert there(world, "strategic_value") == "hers"
    assert set(document(world)["owes"]) == {"department"}


def test_an_owed_edit_that_salesforce_holds_already_is_struck_out_by_who_notices(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben sends it and dies before he can tell; nothing is sent again."""
    ben.switch(on=True)
    world.set(ben, "p1", "department", "his")
    ben.meanwhile["salesforce:sent"] = lambda: setattr(ben, "crash_in", 1)
    world.cycle(ben)
    ben.switch(on=False)
    sent = len(world.org.writes)
    carry(world, ann)
    settle(world)
    assert len(world.org.writes) == sent
    assert document(world)["owes"] == {}
    ben.switch(on=True)
    settle(world)
    promises.at_the_end(world)


def test_an_edit_taken_back_while_it_was_held_is_owed_no_longer(
    world: World, ann: Operator, ben: Operator
) -> None:
    """There is nothing to send, and still somebody has to say so on the document."""
    old = ben.here("p1")["department"]  # type: ignore[index]
    owed_edit(world, ben)
    world.set(ben, "p1", "department", old)
    world.cycle(ben)
    ben.switch(on=True)
    world.later(30)
    world.cycle(ben)
    world.follow(ann)
    assert document(world)["owes"] == {}
    assert sign(ann) == "F✓ S✓"


def test_what_a_person_replaced_is_owed_no_longer(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben, "strategic_value")
    world.later(60)
    world.person_edits("p1", "strategic_value", "a person's")
    world.reconcile(ann)
    world.cycle(ann)
    assert document(world)["owes"] == {}
    assert owes.of_projects(ann.conn, None) == {}


def test_a_late_write_of_the_author_after_the_carriers_is_no_edit(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    carry(world, ann)
    world.set(ann, "p1", "department", "hers")
    world.cycle(ann)
    world.later(20)
    world.org.change(row_of(world), {"department": "his"}, ROBOT)
    settle(world)
    assert there(world, "department") == "hers"
    assert conflicts.find(ann.conn, open_only=False) == []


def test_three_quiet_rounds_after_a_carried_edit_write_nothing(
    world: World, ann: Operator, ben: Operator
) -> None:
    owed_edit(world, ben)
    carry(world, ann)
    settle(world)
    promises.i5_three_quiet_cycles_write_nothing(world)
    base = bases.get(ann.conn, "p1", SALESFORCE)
    assert base is not None
    assert base.shared
    assert states(ann, FIRESTORE) == []


def test_a_text_is_replaced_as_it_was_and_not_as_its_hash(
    world: World, ann: Operator, ben: Operator
) -> None:
    world.set(ann, "p1", "brief.punchline", "the first text")
    world.cycle(ann)
    settle(world)
    world.by(
        ben,
        lambda: itsc_roadmap.update_project(
            ben.conn, ben.ctx, "p1", {"brief.punchline": "the second text"}
        ),
    )
    world.cycle(ben)
    world.follow(ann)
    carry(world, ann)
    (op,) = carried_here(ann)
    assert op.changes == {"brief.punchline": ("the first text", "the second text")}


def test_a_debt_is_struck_out_where_its_delivery_ended_without_a_send(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben's held edit of a field that a person set alike ends by a merge; he, and not a carrier,
    says so."""
    owed_edit(world, ben, "strategic_value")
    with transaction(ben.conn):
        for each in deliveries.open_of_project(ben.conn, "p1", SALESFORCE):
            deliveries.set_state(ben.conn, each.seq, SALESFORCE, "superseded", part=each.part)
    world.org.change(row_of(world), {"strategic_value": "his"}, "005person")
    assert document(world)["owes"] != {}
    world.later(60)
    world.cycle(ben)
    assert document(world)["owes"] == {}
    assert sign(ann) == "F✓ S‥"
    world.follow(ann)
    assert sign(ann) == "F✓ S✓"


def test_what_its_author_still_owes_is_not_struck_out(world: World, ben: Operator) -> None:
    owed_edit(world, ben)
    before = world.cloud.written
    for _ in range(3):
        world.later(60)
        world.cycle(ben)
    assert set(document(world)["owes"]) == {"department"}
    assert world.cloud.written == before


def test_a_debt_is_kept_while_a_later_edit_of_its_field_is_on_its_way(
    world: World, ben: Operator
) -> None:
    """The document still names the first edit, whose delivery is over."""
    owed_edit(world, ben)
    with transaction(ben.conn):
        (first,) = deliveries.open_of_project(ben.conn, "p1", SALESFORCE)
        deliveries.set_state(ben.conn, first.seq, SALESFORCE, "superseded", part=first.part)
    world.set(ben, "p1", "department", "newer")
    world.later(60)
    before = world.cloud.written
    notes.strike_out(ben.conn, ben.ctx, FirestoreTarget(ben.cloud), client_id=ben.engine.client_id)
    assert world.cloud.written == before
    assert set(document(world)["owes"]) == {"department"}
