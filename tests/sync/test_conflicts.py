"""What a person decides about a conflict reaches all three sides, whatever waited for it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from services import conflicts as decisions
from services import conflictview, itsc_roadmap
from services.outbox import NotPossible
from store import bases, conflicts, deliveries, operations, projects
from store.canon import Refusal, Value
from store.conflicts import Conflict
from tests.sync.world import World


def the_conflict(world: World) -> Conflict:
    (found,) = conflicts.find(world.conn)
    return found


def alike(world: World, pid: str, path: str) -> Value:
    """The value of a field, which has to be the same on three sides."""
    group, _, leaf = path.partition(".")
    document = world.document(pid)
    held = document[group][leaf] if leaf else document[group]
    assert world.here(pid)[path] == held == world.salesforce.rows[pid].values[path]
    return world.here(pid)[path]


def gone(world: World, pid: str) -> None:
    """The project is deleted on three sides."""
    assert projects.get(world.conn, pid) is None
    assert world.salesforce.rows[pid].deleted
    assert world.document(pid)["deleted"] is True


def quiet(world: World) -> None:
    """Nothing is open, and further runs write nothing."""
    assert conflicts.find(world.conn) == []
    written = len(world.salesforce.writes)
    for _ in range(2):
        world.later(600)
        report = world.sync()
        assert report.clean
        assert report.firestore.done == report.salesforce.done == 0
    assert len(world.salesforce.writes) == written


def settle(world: World) -> None:
    world.later(30)
    assert world.sync().clean
    quiet(world)


# -- a field ---------------------------------------------------------------------------------------


@pytest.fixture
def clash(world: World) -> str:
    """A project whose department was changed on both sides; theirs was later and is in force."""
    pid = world.add(department="IT")
    world.sync()
    world.later(100)
    world.set(pid, department="Finance")
    world.later(100)
    world.salesforce.human_edits(pid, department="Sales")
    world.later(100)
    assert world.sync().clean
    return pid


@pytest.mark.parametrize(("take", "value"), [("mine", "Finance"), ("theirs", "Sales")])
def test_the_value_taken_is_in_force_on_three_sides(
    world: World, clash: str, take: str, value: str
) -> None:
    done = decisions.resolve(world.conn, world.ctx, the_conflict(world).id, take)
    assert (done.changed, done.conflict.state) == (take == "mine", "resolved")
    assert (done.conflict.winner, done.conflict.resolved_by) == (take, "ann")
    settle(world)
    assert alike(world, clash, "department") == value


def test_a_third_value_is_an_edit_like_any_other(world: World, clash: str) -> None:
    found = the_conflict(world)
    done = decisions.resolve(world.conn, world.ctx, found.id, value="Legal")
    assert (done.conflict.resolution, done.conflict.winner) == ("value", "nobody")
    settle(world)
    assert alike(world, clash, "department") == "Legal"
    newest = operations.history(world.conn, clash)[0]
    assert (newest.origin, newest.changes) == ("conflict", {"department": ("Sales", "Legal")})


def test_a_third_value_that_is_a_sides_value_counts_as_taking_it(world: World, clash: str) -> None:
    done = decisions.resolve(world.conn, world.ctx, the_conflict(world).id, value="Finance")
    assert (done.conflict.resolution, done.conflict.winner) == ("mine", "mine")


def test_acknowledging_changes_nothing_and_closes_it(world: World, clash: str) -> None:
    found = the_conflict(world)
    before = operations.history(world.conn, clash)[0].seq
    after = decisions.acknowledge(world.conn, world.ctx, found.id)
    assert (after.state, after.resolution, after.winner) == ("resolved", "kept", "theirs")
    assert operations.history(world.conn, clash)[0].seq == before
    with pytest.raises(NotPossible, match="already"):
        decisions.acknowledge(world.conn, world.ctx, found.id)
    quiet(world)


def test_the_loser_can_be_brought_back_long_after(world: World, clash: str) -> None:
    found = the_conflict(world)
    decisions.resolve(world.conn, world.ctx, found.id, "theirs")
    settle(world)
    world.later(90 * 86400)
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    settle(world)
    assert alike(world, clash, "department") == "Finance"
    kept = conflicts.get(world.conn, found.id)
    assert kept is not None
    assert (kept.base, kept.mine, kept.theirs) == ("IT", "Finance", "Sales")


def test_a_decision_is_later_than_both_sides_whatever_the_clock_says(
    world: World, clash: str
) -> None:
    found = the_conflict(world)
    world.later(-7200)
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    project = projects.get(world.conn, clash)
    assert project is not None
    stamp = project.stamp("department")
    assert stamp is not None
    assert stamp.at > max(found.mine_at, found.theirs_at)
    settle(world)
    assert alike(world, clash, "department") == "Finance"


def test_a_decision_is_later_than_an_edit_that_lost_within_its_second(world: World) -> None:
    """Salesforce's whole seconds win a tie although ours is the later by milliseconds."""
    pid = world.add(department="IT")
    world.sync()
    world.later(100.4)
    world.set(pid, department="Finance")
    world.salesforce.human_edits(pid, department="Sales")
    world.later(100)
    world.sync()
    found = the_conflict(world)
    assert (found.winner, found.mine_at > found.theirs_at) == ("theirs", True)
    world.later(-7200)
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    project = projects.get(world.conn, pid)
    assert project is not None
    stamp = project.stamp("department")
    assert stamp is not None
    assert stamp.at > found.mine_at


def test_a_value_that_is_not_allowed_closes_nothing(world: World) -> None:
    pid = world.add(status="In Design")
    world.sync()
    world.later(100)
    world.set(pid, status="Paused")
    world.salesforce.human_edits(pid, status="Completed")
    world.later(100)
    world.sync()
    found = the_conflict(world)
    with pytest.raises(Refusal):
        decisions.resolve(world.conn, world.ctx, found.id, value="Nonsense")
    assert the_conflict(world) == found


def test_a_field_of_a_deleted_project_can_only_be_acknowledged(world: World, clash: str) -> None:
    found = the_conflict(world)
    itsc_roadmap.delete_project(world.conn, world.ctx, clash)
    with pytest.raises(NotPossible, match="deleted"):
        decisions.resolve(world.conn, world.ctx, found.id, "mine")
    decisions.acknowledge(world.conn, world.ctx, found.id)
    settle(world)
    gone(world, clash)


def test_several_are_decided_together_or_not_at_all(world: World, clash: str) -> None:
    found = the_conflict(world)
    with pytest.raises(NotPossible):
        decisions.resolve_all(world.conn, world.ctx, [found.id, "nothing"], "mine")
    assert the_conflict(world) == found
    assert world.here(clash)["department"] == "Sales"


def test_ids_may_be_cut_short_while_they_name_one(world: World, clash: str) -> None:
    found = the_conflict(world)
    assert decisions.find(world.conn, found.id[:6]) == found
    with pytest.raises(NotPossible, match="no conflict"):
        decisions.find(world.conn, "zz")
    with pytest.raises(NotPossible, match="no conflict"):
        decisions.find(world.conn, "")
    other = Conflict(**{n: getattr(found, n) for n in Conflict.__slots__} | {"id": found.id[:4]})
    conflicts.add(world.conn, other)
    with pytest.raises(NotPossible, match="several"):
        decisions.find(world.conn, found.id[:3])


# -- a whole record --------------------------------------------------------------------------------


@pytest.fixture
def deleted_there(world: World) -> str:
    """Edited here, deleted in Salesforce; with a parent above and a child below."""
    top = world.add("Top")
    pid = world.add(department="IT", parent_id=top, scores__Ana=4)
    world.set(world.add("Child"), parent_id=pid)
    world.sync()
    world.later(60)
    world.salesforce.human_deletes(pid)
    world.set(pid, department="Finance")
    assert not world.sync().clean
    return pid


@pytest.fixture
def deleted_here(world: World) -> str:
    """Deleted here, edited in Salesforce."""
    pid = world.add(department="IT", brief__punchline="ours", scores__Ana=4)
    child = world.add("Child")
    world.set(child, parent_id=pid)
    world.sync()
    world.later(60)
    world.salesforce.human_edits(pid, department="Sales")
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    assert not world.sync().clean
    return pid


def test_edited_here_deleted_there_mine_brings_it_back(world: World, deleted_there: str) -> None:
    found = the_conflict(world)
    assert (found.mine, found.theirs) == ("edited", "deleted")
    first = world.salesforce.rows[deleted_there].id
    world.set(deleted_there, status="Paused")
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    settle(world)
    row = world.salesforce.rows[deleted_there]
    assert not row.deleted
    assert row.id != first
    assert alike(world, deleted_there, "department") == "Finance"
    assert alike(world, deleted_there, "status") == "Paused"
    assert row.values["parent_id"] == world.here(deleted_there)["parent_id"]
    assert row.values["total_score"] == 4


def test_bringing_it_back_takes_what_others_edited_meanwhile(
    world: World, tmp_path: Path, deleted_there: str
) -> None:
    """The restore goes to both targets; where the record still is, it is nobody's edit."""
    bob = World(tmp_path, "bob", shared=world)
    project = projects.get(world.conn, deleted_there)
    assert project is not None
    projects.insert(bob.conn, project)
    base = bases.get(world.conn, deleted_there, "firestore")
    assert base is not None
    bases.put(bob.conn, [base])
    bob.set(deleted_there, status="Paused")
    bob.engine.cycle(names=["firestore"])
    decisions.resolve(world.conn, world.ctx, the_conflict(world).id, "mine")
    world.sync()
    bob.sync()  # what he owes Salesforce is his to deliver; else it would be carried in a while
    settle(world)
    assert alike(world, deleted_there, "status") == "Paused"
    assert alike(world, deleted_there, "department") == "Finance"


def test_edited_here_deleted_there_theirs_deletes_it_here(world: World, deleted_there: str) -> None:
    world.set(deleted_there, status="Paused")
    decisions.resolve(world.conn, world.ctx, the_conflict(world).id, "theirs")
    settle(world)
    gone(world, deleted_there)
    (child,) = operations.unlinked_with(world.conn, deleted_there)
    assert world.here(child)["parent_id"] is None
    assert world.document(child)["parent_id"] is None


def test_deleted_here_edited_there_mine_deletes_it_there(world: World, deleted_here: str) -> None:
    found = the_conflict(world)
    assert (found.mine, found.theirs) == ("deleted", "edited")
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    settle(world)
    gone(world, deleted_here)


def test_deleted_here_edited_there_theirs_brings_it_back_as_they_have_it(
    world: World, deleted_here: str
) -> None:
    (child,) = operations.unlinked_with(world.conn, deleted_here)
    decisions.resolve(world.conn, world.ctx, the_conflict(world).id, "theirs")
    settle(world)
    assert alike(world, deleted_here, "department") == "Sales"
    assert alike(world, deleted_here, "brief.punchline") == "ours"
    assert world.here(deleted_here)["scores.Ana"] == 4
    assert not world.document(deleted_here).get("deleted")
    assert alike(world, child, "parent_id") == deleted_here


def test_a_delete_decided_on_does_not_take_a_later_edit_with_it(
    world: World, deleted_here: str
) -> None:
    world.later(60)
    world.salesforce.human_edits(deleted_here, status="Completed")
    first = the_conflict(world)
    decisions.resolve(world.conn, world.ctx, first.id, "mine")
    assert not world.sync().clean
    second = the_conflict(world)
    assert second.id != first.id
    assert not world.salesforce.rows[deleted_here].deleted
    assert second.why is not None
    assert "Status" in second.why
    assert "Department" not in second.why
    decisions.resolve(world.conn, world.ctx, second.id, "mine")
    settle(world)
    gone(world, deleted_here)


@pytest.mark.parametrize("first", ["mine", "theirs"])
@pytest.mark.parametrize("case", ["deleted_here", "deleted_there"])
def test_a_whole_record_can_be_decided_anew(
    request: pytest.FixtureRequest, world: World, case: str, first: str
) -> None:
    pid = request.getfixturevalue(case)
    found = the_conflict(world)
    second = {"mine": "theirs", "theirs": "mine"}[first]
    decisions.resolve(world.conn, world.ctx, found.id, first)
    settle(world)
    decisions.resolve(world.conn, world.ctx, found.id, second)
    settle(world)
    lives = (found.mine if second == "mine" else found.theirs) == "edited"
    if lives:
        assert not world.salesforce.rows[pid].deleted
        expected = {"deleted_here": "Sales", "deleted_there": "Finance"}[case]
        assert alike(world, pid, "department") == expected
    else:
        gone(world, pid)


def test_a_whole_record_takes_no_third_value_and_no_acknowledgement(
    world: World, deleted_here: str
) -> None:
    found = the_conflict(world)
    with pytest.raises(NotPossible, match="no third value"):
        decisions.resolve(world.conn, world.ctx, found.id, value="x")
    with pytest.raises(NotPossible, match="mine or theirs"):
        decisions.acknowledge(world.conn, world.ctx, found.id)
    assert the_conflict(world) == found


@pytest.mark.parametrize("take", ["mine", "theirs"])
def test_the_tombstone_of_another_operator_is_decided_on_both_targets(
    world: World, tmp_path: Path, take: str
) -> None:
    """Bob deletes, and both sides have it; ann edited meanwhile."""
    pid = world.add(department="IT")
    world.sync()
    bob = World(tmp_path, "bob", shared=world)
    project = projects.get(world.conn, pid)
    assert project is not None
    projects.insert(bob.conn, project)
    itsc_roadmap.delete_project(bob.conn, bob.ctx, pid)
    bob.sync()
    gone_there = world.salesforce.rows[pid].deleted and world.document(pid)["deleted"]
    assert gone_there
    world.later(60)
    world.set(pid, department="Finance")
    assert not world.sync().clean
    decisions.resolve(world.conn, world.ctx, conflicts.find(world.conn)[0].id, take)
    settle(world)
    if take == "mine":
        assert alike(world, pid, "department") == "Finance"
    else:
        gone(world, pid)


def test_one_decision_answers_every_question_about_the_same_project(
    world: World, deleted_there: str
) -> None:
    found = the_conflict(world)
    other = dataclasses.replace(found, id="0" * 20, target="firestore")
    turned = dataclasses.replace(found, id="1" * 20, mine="deleted", theirs="edited")
    for each in (other, turned):
        conflicts.add(world.conn, each)
    decisions.resolve(world.conn, world.ctx, found.id, "mine")
    answers = {each.id: each.resolution for each in conflicts.find(world.conn, open_only=False)}
    assert answers == {found.id: "mine", other.id: "mine", turned.id: "theirs"}
    settle(world)


def test_what_waited_is_superseded_and_stays_in_the_log(world: World, deleted_there: str) -> None:
    edit = next(d for d in deliveries.open_of_project(world.conn, deleted_there))
    decisions.resolve(world.conn, world.ctx, the_conflict(world).id, "mine")
    states = {d.target: d.state for d in deliveries.of_operation(world.conn, edit.seq)}
    assert states["salesforce"] == "superseded"
    assert operations.get(world.conn, edit.seq) is not None


# -- several operators -----------------------------------------------------------------------------


@pytest.fixture
def bob(world: World, tmp_path: Path) -> World:
    """A second operator on the same two systems."""
    return World(tmp_path, "bob", shared=world)


def together(*worlds: World) -> None:
    """Everybody syncs until nobody has anything to do; then further runs write nothing."""
    for _ in range(4):
        for each in worlds:
            each.later(11)
            each.sync()
    for each in worlds:
        assert conflicts.find(each.conn) == []
    written, tokens = len(worlds[0].salesforce.writes), worlds[0].tokens()
    for each in worlds:
        each.later(600)
        assert each.sync().clean
    assert (len(worlds[0].salesforce.writes), worlds[0].tokens()) == (written, tokens)


def shared_clash(world: World, bob: World, case: str) -> tuple[str, Conflict]:
    """A project that both have, and a whole-record conflict that ann met and bob sees."""
    pid = world.add(department="IT", brief__punchline="ours")
    for each in (world, bob, world):
        each.later(11)
        each.sync()
    world.later(60)
    if case == "deleted here":
        world.salesforce.human_edits(pid, department="Sales")
        itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    else:
        world.salesforce.human_deletes(pid)
        world.set(pid, department="Finance")
    assert not world.sync().clean
    world.later(11)
    world.sync()
    found = the_conflict(world)
    bob.later(11)
    bob.sync()
    assert the_conflict(bob).id == found.id
    return pid, found


@pytest.mark.parametrize("take", ["mine", "theirs"])
@pytest.mark.parametrize("case", ["deleted here", "deleted there"])
@pytest.mark.parametrize("by_bob", [False, True], ids=["by who met it", "by another operator"])
def test_a_decision_holds_for_everybody(
    world: World, bob: World, case: str, take: str, by_bob: bool
) -> None:
    pid, found = shared_clash(world, bob, case)
    decider = bob if by_bob else world
    decisions.resolve(decider.conn, decider.ctx, found.id, take)
    together(decider, world, bob)
    if (found.mine if take == "mine" else found.theirs) == "deleted":
        gone(world, pid)
        assert projects.get(bob.conn, pid) is None
        return
    expected = {"deleted here": "Sales", "deleted there": "Finance"}[case]
    assert alike(world, pid, "department") == expected
    assert alike(world, pid, "brief.punchline") == "ours"
    assert bob.here(pid) == world.here(pid)


def test_a_field_decided_by_another_operator_is_in_force_everywhere(
    world: World, bob: World, clash: str
) -> None:
    world.later(11)
    world.sync()
    bob.later(11)
    bob.sync()
    decisions.resolve(bob.conn, bob.ctx, the_conflict(bob).id, "mine")
    together(bob, world)
    assert alike(world, clash, "department") == "Finance"
    assert bob.here(clash)["department"] == "Finance"


def test_a_record_that_vanishes_twice_is_asked_about_twice(world: World) -> None:
    """Missing without proof, brought back, missing again: that is another question."""
    pid = world.add(department="IT")
    world.sync()
    for _ in range(2):
        world.later(86_400 + 60)
        del world.salesforce.rows[pid]
        world.sync()
        world.later(300)
        world.sync()
        found = the_conflict(world)
        assert "no longer shows" in str(found.why)
        told = conflictview.tell(world.conn, found, "ann")
        assert "edit" not in told.effects["theirs"]
        assert not any("edited" in event.words for event in told.story)
        decisions.resolve(world.conn, world.ctx, found.id, "mine")
        settle(world)
        assert alike(world, pid, "department") == "IT"
