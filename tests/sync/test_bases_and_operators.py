"""The last section of the dual-write contract, line by line: each test replays the history that
the line closes, with two operators and a person in Salesforce."""

from __future__ import annotations

import pytest

from services import itsc_roadmap
from store import conflicts
from tests.sync.simulation import promises
from tests.sync.simulation.faults import Fault
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


def test_a_value_that_lost_and_lands_late_stays_lost(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ann's value won in Firestore; Ben's older one still gets to Salesforce behind hers."""
    world.org.spent = True
    world.set(ben, "p1", "strategic_value", "ben's")
    world.cycle(ben)
    world.later(60)
    world.set(ann, "p1", "strategic_value", "ann's")
    world.org.spent = False
    world.later(300)
    world.cycle(ann)
    row = world.org.row("p1")
    assert row is not None
    world.org.change(row, {"strategic_value": "ben's"}, ROBOT)
    settle(world)
    assert everywhere(world, "strategic_value") == {"ann's"}
    promises.at_the_end(world)


def test_a_value_that_my_edit_replaced_is_no_conflict_whoever_delivered_it(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ann has Ben's value from Salesforce while she is without Firestore, and edits upon it: what
    Firestore holds then is what she replaced, in the middle of what she has to deliver."""
    ann.cloud.down = True
    world.set(ben, "p1", "department", "ben's")
    world.cycle(ben)
    for _ in range(2):  # the first time Firestore may be back in a moment
        world.later(70)
        world.reconcile(ann)
    assert ann.here("p1")["department"] == "ben's"  # type: ignore[index]
    world.set(ann, "p1", "department", "ann's")
    ann.cloud.down = False
    settle(world)
    assert everywhere(world, "department") == {"ann's"}
    assert records(ann) == records(ben) == []


def test_the_link_is_judged_alone_and_hides_nothing_that_a_person_did(
    world: World, ann: Operator
) -> None:
    """A person edits the row between its create and its parent's link: the link's read of the row
    must not become the base of fields that nobody judged."""
    child = world.create(ann, parent="p1")
    world.cycle(ann)
    world.person_edits(child, "department", "a person's")
    settle(world)
    assert [who.here(child)["department"] for who in world.operators] == ["a person's"] * 2  # type: ignore[index]
    promises.at_the_end(world)


def test_what_the_document_knows_of_salesforce_is_heard_with_every_read(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben delivers something else while Salesforce still shows him Ann's value before last."""
    world.org.lag = 0.0
    world.set(ann, "p1", "department", "first")
    world.cycle(ann)
    world.later(31)
    world.set(ann, "p1", "department", "second")
    world.set(ben, "p1", "scores.Ann", 3)
    world.later(600)
    world.org.lag = 3.0
    world.cycle(ann)
    world.cycle(ann)
    world.cycle(ben)
    world.org.lag = 0.0
    settle(world)
    assert everywhere(world, "department") == {"second"}
    assert records(ann) == records(ben) == []
    promises.at_the_end(world)


def test_a_project_that_is_new_here_comes_from_its_document_before_a_late_row(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben sees the row of Ann's new project first, as it was before her last edit."""
    pid = world.create(ann)
    world.set(ann, pid, "department", "first")
    world.cycle(ann)
    world.later(31)
    world.person_edits(pid, "strategic_value")
    world.set(ann, pid, "department", "second")
    world.org.lag = 3.0
    world.later(600)
    world.cycle(ann)
    world.reconcile(ben)
    world.org.lag = 0.0
    settle(world)
    assert {who.here(pid)["department"] for who in world.operators} == {"second"}  # type: ignore[index]
    promises.at_the_end(world)


def test_a_persons_edit_keeps_its_time_though_our_user_wrote_the_row_last(
    world: World, ann: Operator, ben: Operator
) -> None:
    """The row's date is that of the link; the person's edit, taken beside it, has its own in the
    field history: Ben's, made after it, is the later one."""
    child = world.create(ann, parent=None)
    settle(world)
    world.set(ann, child, "parent_id", "p1")
    world.person_edits(child, "strategic_value", "a person's")
    world.set(ben, child, "strategic_value", "ben's")
    world.later(4000)
    world.cycle(ann)
    world.later(30)
    world.reconcile(ann)
    world.cycle(ann)
    settle(world)
    held = {who.here(child)["strategic_value"] for who in world.operators}  # type: ignore[index]
    assert held == {"ben's"}
    promises.at_the_end(world)


def test_what_was_decided_while_it_was_claimed_does_not_wait_for_ever(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Both fields of Ben's edit lose, one on each side, while his delivery is claimed."""
    world.org.spent = True
    world.by(
        ben,
        lambda: itsc_roadmap.update_project(
            ben.conn, ben.ctx, "p1", {"department": "ben's", "strategic_value": "ben's"}
        ),
    )
    world.cycle(ben)
    world.org.spent = False
    world.later(30)
    world.set(ann, "p1", "department", "ann's")
    world.person_edits("p1", "strategic_value", "a person's")
    world.later(300)
    world.cycle(ann)
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "department") == {"ann's"}
    assert everywhere(world, "strategic_value") == {"a person's"}
    assert world.waiting() == []


def test_a_note_on_a_document_is_no_knowledge_of_what_somebody_else_wrote_there(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ann edits between Ben's delivery and his note of what Salesforce took."""
    world.set(ben, "p1", "department", "ben's")
    ben.meanwhile["salesforce:acked"] = lambda: world.cycle(ann)
    world.set(ann, "p1", "strategic_value", "ann's")
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "strategic_value") == {"ann's"}
    promises.at_the_end(world)


def test_nobody_strikes_out_what_another_one_owes(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ann notes on the document what Salesforce took of hers; what Ben owes it stays owed, and so
    his value meets a person's and is not simply gone over."""
    world.org.spent = True
    world.set(ben, "p1", "department", "ben's")
    world.set(ann, "p1", "strategic_value", "ann's")
    world.cycle(ann)
    world.cycle(ben)
    world.org.spent = False
    world.later(70)
    world.cycle(ann)
    document = world.cloud.documents.get_many("itsc_projects", ["p1"])["p1"]
    assert document is not None
    assert set(document.fields["owes"]) == {"department"}
    world.person_edits("p1", "department", "a person's")
    world.cycle(ann)
    world.reconcile(ann)
    settle(world)
    assert everywhere(world, "department") == {"a person's"}
    assert "ben's" in {value for record in records(ben) for value in record}
    promises.at_the_end(world)


def test_one_field_set_alike_by_chance_is_no_proof_that_a_lost_send_arrived(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ben's request is lost; Ann gives one of its two fields the same value. The other one, which
    still is as it was, has not arrived and is sent again."""
    changes = {"sort_order": 17, "brief.punchline": "ben's"}
    ben.org.waiting = [Fault.LOST_BEFORE]
    world.by(ben, lambda: itsc_roadmap.update_project(ben.conn, ben.ctx, "p1", changes))
    ann.cloud.down = True
    world.cycle(ben)
    world.set(ann, "p1", "sort_order", 17)
    for _ in range(3):
        world.later(70)
        world.cycle(ann)
    ann.cloud.down = False
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "brief.punchline") == {"ben's"}


def test_a_write_whose_answer_was_lost_recognises_itself_though_others_wrote_since(
    world: World, ann: Operator, ben: Operator
) -> None:
    """Ann's value is in the document, and Ben has gone over it knowingly: no conflict."""
    ann.cloud.waiting = [Fault.LOST_AFTER]
    world.set(ann, "p1", "department", "ann's")
    world.cycle(ann)
    world.later(10)
    world.follow(ben)
    assert ben.here("p1")["department"] == "ann's"  # type: ignore[index]
    world.set(ben, "p1", "department", "ben's")
    world.cycle(ben)
    settle(world)
    assert everywhere(world, "department") == {"ben's"}
    assert records(ann) == records(ben) == []
