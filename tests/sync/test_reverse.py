"""What others change comes here: people in Salesforce, other operators through Firestore."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from services import itsc_roadmap, outbox
from services.sync.reconcile import OVERLAP, believable
from services.sync.targets.base import ErrorClass, Ref
from store import bases, conflicts, deliveries, marks, operations, owes, parked, projects
from store.database import transaction
from store.deliveries import SALESFORCE
from tests.sync.fakes import LOST_AFTER, problem
from tests.sync.world import World

AWAY = problem(ErrorClass.PAUSE, "REFUSED")


@pytest.fixture
def other(world: World, tmp_path: Path) -> World:
    """A second operator on the same two systems, with a database of his own."""
    return World(tmp_path, "bob", shared=world)


def settled(*worlds: World) -> None:
    """Everybody syncs until nobody has anything to do."""
    for _ in range(3):
        for world in worlds:
            world.later(11)
            world.sync()


def all_sides(world: World, pid: str, path: str) -> set[object]:
    document = world.document(pid)
    group, _, leaf = path.partition(".")
    shared = document[group][leaf] if leaf else document[group]
    return {world.here(pid)[path], shared, world.salesforce.rows[pid].values[path]}


def test_what_a_person_changes_in_salesforce_comes_here_and_goes_on_to_firestore(
    world: World,
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(30)
    world.salesforce.human_edits(pid, department="Grants", brief__punchline="short")
    report = world.sync()
    assert (report.applied, report.conflicts, report.deleted) == (1, 0, 0)
    assert all_sides(world, pid, "department") == {"Grants"}
    assert all_sides(world, pid, "brief.punchline") == {"short"}
    newest = operations.history(world.conn, pid)[0]
    assert (newest.origin, newest.operator) == ("salesforce", "human")


def test_a_field_set_in_the_second_of_our_own_write_comes_in_the_same_run(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(30)
    world.set(pid, department="Ours")
    world.sync()
    world.salesforce.human_edits(pid, department="Theirs")
    began = world.clock()
    report = world.sync()
    assert (report.applied, report.clean) == (1, True)
    assert all_sides(world, pid, "department") == {"Theirs"}
    assert world.clock() - began < 15.0


def test_nobody_waits_for_a_row_that_is_not_read(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    with transaction(world.conn):
        parked.park(world.conn, SALESFORCE, [pid], world.clock() + 8.0)
    outbox.pause(world.conn, world.ctx, SALESFORCE)
    began = world.clock()
    world.sync()
    assert world.clock() - began < 2.0


def test_I5_three_quiet_cycles_write_nothing_on_any_side(world: World, other: World) -> None:
    for number in range(5):
        world.add(f"P{number}", brief__what_it_does="long " * 100)
    settled(world, other)
    pid = next(iter(world.salesforce.rows))
    world.later(30)
    world.salesforce.human_edits(pid, department="Grants")
    settled(world, other)
    written = len(world.salesforce.writes)
    tokens = world.tokens()
    for _ in range(3):
        world.later(1000)
        assert world.sync().clean
        assert other.sync().clean
    assert len(world.salesforce.writes) == written
    assert world.tokens() == tokens


def test_I7_both_sides_change_different_fields_and_both_stand(world: World) -> None:
    pid = world.add(department="Events", strategic_value="old")
    world.sync()
    world.later(30)
    world.salesforce.human_edits(pid, department="Grants")
    world.later(5)
    world.set(pid, strategic_value="new")
    report = world.sync()
    assert report.clean
    assert report.conflicts == 0
    assert all_sides(world, pid, "department") == {"Grants"}
    assert all_sides(world, pid, "strategic_value") == {"new"}


@pytest.mark.parametrize("mine_is_later", [True, False])
def test_I7_both_change_one_field_the_later_wins_and_the_other_is_kept(
    world: World, mine_is_later: bool
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(30)
    if not mine_is_later:
        world.set(pid, department="Mine")
        world.later(30)
    world.salesforce.human_edits(pid, department="Theirs")
    if mine_is_later:
        world.later(30)
        world.set(pid, department="Mine")
    report = world.sync()
    assert report.clean
    assert report.conflicts == 1
    won, lost = ("Mine", "Theirs") if mine_is_later else ("Theirs", "Mine")
    assert all_sides(world, pid, "department") == {won}
    (kept,) = conflicts.find(world.conn)
    assert {kept.mine, kept.theirs} == {won, lost}
    assert kept.winner == ("mine" if mine_is_later else "theirs")
    settled(world)
    assert len(conflicts.find(world.conn, open_only=False)) == 1


def test_a_second_operator_gets_everything_from_firestore(world: World, other: World) -> None:
    pid = world.add("🧩 Feedback", department="Events", scores__Ana=3)
    world.sync()
    report = other.sync()
    assert report.applied == 1
    assert other.here(pid) == world.here(pid)
    assert other.state(pid) == ("synced", "synced")
    assert projects.get(other.conn, pid).sf_id == world.salesforce.rows[pid].id  # type: ignore[union-attr]
    other.set(pid, department="Grants", scores__Ben=5)
    settled(other, world)
    assert world.here(pid)["department"] == "Grants"
    assert world.here(pid)["total_score"] == 8
    assert operations.history(world.conn, pid)[0].operator == "bob"


def test_another_operators_push_is_not_taken_for_a_persons_edit(world: World, other: World) -> None:
    pid = world.add(department="Events")
    settled(world, other)
    world.set(pid, department="Grants")
    world.sync()
    other.later(11)
    other.sync()
    assert other.here(pid)["department"] == "Grants"
    assert {op.origin for op in operations.history(other.conn, pid)} == {"firestore"}
    assert conflicts.find(other.conn) == []


def test_two_operators_and_a_person_change_three_fields_and_all_stand(
    world: World, other: World
) -> None:
    pid = world.add(department="Events", strategic_value="v", it_lead=None)
    settled(world, other)
    world.set(pid, department="A")
    other.set(pid, strategic_value="B")
    world.salesforce.human_edits(pid, brief__punchline="C")
    settled(world, other)
    for path, value in (
        ("department", "A"),
        ("strategic_value", "B"),
        ("brief.punchline", "C"),
    ):
        assert all_sides(world, pid, path) == {value}
        assert other.here(pid)[path] == value
    assert conflicts.find(world.conn) == conflicts.find(other.conn) == []


def test_a_project_made_in_salesforce_under_an_id_of_ours_comes_here(world: World) -> None:
    world.add()
    world.sync()
    world.salesforce.human_creates("made-there", feature_name="From there", status="Paused")
    report = world.sync()
    assert report.applied == 1
    assert world.here("made-there")["feature_name"] == "From there"
    assert world.document("made-there")["status"] == "Paused"
    assert world.state("made-there") == ("synced", "synced")


def test_I14_what_a_person_deletes_in_salesforce_is_deleted_everywhere(
    world: World, other: World
) -> None:
    parent, child = world.add("Parent"), world.add("Child")
    world.set(child, parent_id=parent)
    settled(world, other)
    world.later(60)
    world.salesforce.human_deletes(parent)
    report = world.sync()
    assert report.deleted == 1
    settled(world, other)
    for each in (world, other):
        assert projects.get(each.conn, parent) is None
        assert each.here(child)["parent_id"] is None
    assert world.document(parent)["deleted"] is True


@pytest.mark.parametrize("told", [True, False])
def test_a_purged_row_is_believed_only_with_proof(world: World, told: bool) -> None:
    for number in range(4):
        world.add(f"P{number}")
    pid = world.add("Purged")
    world.sync()
    world.later(60)
    world.salesforce.human_purges(pid)
    if not told:
        world.salesforce.purged.clear()
        assert world.sync().clean
        world.later(200)
    report = world.sync()
    assert (projects.get(world.conn, pid) is None) == told
    assert report.deleted == int(told)
    assert report.clean == told
    if told:
        return
    assert world.state(pid)[1] == "conflict"
    assert [c.path for c in conflicts.find(world.conn)] == ["*"]
    world.sync()
    assert len(conflicts.find(world.conn)) == 1


def test_a_row_that_shows_again_ends_the_question(world: World) -> None:
    pid = world.add("Hidden")
    world.sync()
    world.later(60)
    row = world.salesforce.rows.pop(pid)
    assert world.sync().clean
    world.later(200)
    assert not world.sync().clean
    world.later(60)
    world.salesforce.rows[pid] = row
    world.salesforce.human_edits(pid, department="Seen")
    assert world.sync().clean
    assert conflicts.find(world.conn) == []
    assert all_sides(world, pid, "department") == {"Seen"}


def test_a_delete_there_against_an_edit_here_waits_for_a_person_and_holds_both_sides(
    world: World,
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(60)
    world.salesforce.human_deletes(pid)
    world.set(pid, department="Mine")
    report = world.sync()
    assert not report.clean
    assert world.here(pid)["department"] == "Mine"
    assert world.document(pid)["department"] == "Events"
    world.set(pid, strategic_value="later edit")
    report = world.sync()
    assert "1 edit is saved here, not yet in Firestore; their projects wait for a decision" in (
        report.sentences
    )
    assert world.document(pid)["strategic_value"] is None
    assert world.state(pid) == ("conflict", "conflict")


def test_more_deletions_at_once_than_likely_delete_nothing_until_a_person_says_so(
    world: World,
) -> None:
    ids = [world.add(f"P{number}") for number in range(20)]
    world.sync()
    world.later(60)
    for pid in ids[:4]:
        world.salesforce.human_deletes(pid)
    report = world.sync()
    assert not report.clean or report.sentences
    assert any("4 of 20 projects are gone" in each for each in report.sentences)
    assert report.deleted == 0
    assert all(projects.exists(world.conn, pid) for pid in ids)
    report = world.sync(believe=True)
    assert report.deleted == 4
    assert report.clean
    assert not report.sentences


def test_how_many_deletions_are_believed() -> None:
    assert [believable(n) for n in (1, 30, 50, 200, 5000)] == [3, 3, 5, 20, 20]


def test_a_project_deleted_by_another_operator_goes_here_too_and_his_id_is_taken(
    world: World, other: World
) -> None:
    pid = world.add()
    settled(world, other)
    itsc_roadmap.delete_project(other.conn, other.ctx, pid)
    settled(other, world)
    assert projects.get(world.conn, pid) is None
    assert world.salesforce.rows[pid].deleted
    third = World(world.home, "cy", shared=world)
    third.sync()
    assert projects.is_buried(third.conn, pid)
    itsc_roadmap.restore_project(other.conn, other.ctx, pid)
    settled(other, world, third)
    assert projects.exists(world.conn, pid)
    assert projects.exists(third.conn, pid)
    assert not world.salesforce.rows[pid].deleted


def test_a_blanked_title_comes_back_there(world: World) -> None:
    pid = world.add("Portal", status="Paused")
    world.sync()
    world.later(60)
    world.salesforce.human_edits(pid, feature_name=None, status=None)
    settled(world)
    assert world.salesforce.rows[pid].values["feature_name"] == "Portal"
    assert world.salesforce.rows[pid].values["status"] == "Paused"
    assert world.sync().clean


def test_a_link_made_there_that_closes_a_circle_is_kept_as_a_conflict(world: World) -> None:
    above, below = world.add("Above"), world.add("Below")
    world.set(below, parent_id=above)
    settled(world)
    world.later(60)
    world.salesforce.human_edits(above, parent_id=below)
    settled(world)
    assert world.here(above)["parent_id"] is None
    assert world.salesforce.rows[above].values["parent_id"] is None
    assert [c.path for c in conflicts.find(world.conn)] == ["parent_id"]


def test_I9_the_mark_commits_with_the_rows_that_it_passes(world: World) -> None:
    ids = [world.add(f"P{number}") for number in range(5)]
    world.sync()
    world.later(600)
    for pid in ids:
        world.salesforce.human_edits(pid, department="there")
        world.later(1)

    class Killed(Exception):
        pass

    def die(name: str) -> None:
        if name == "salesforce:taken-in":
            raise Killed

    before = marks.mark(world.conn, "salesforce")
    world.engine = world.new_engine(die)
    with pytest.raises(Killed):
        world.sync()
    assert marks.mark(world.conn, "salesforce") == before
    assert world.here(ids[0])["department"] is None
    world.engine = world.new_engine()
    world.sync()
    assert {world.here(pid)["department"] for pid in ids} == {"there"}
    mark = marks.mark(world.conn, "salesforce")
    assert mark is not None
    assert mark > (before or dt.datetime.min.replace(tzinfo=dt.UTC))


def test_a_row_that_shows_late_is_found_by_the_overlap(world: World) -> None:
    early, late = world.add("Early"), world.add("Late")
    world.sync()
    world.later(600)
    hidden = world.salesforce.rows.pop(late)
    world.salesforce.rows[early].modified += 1
    world.engine.inbound.turn()  # by schedule: nobody compares ids, the row is merely not there yet
    world.salesforce.rows[late] = hidden
    world.salesforce.human_edits(early, department="a")
    world.engine.inbound.on_demand()
    hidden.values["department"] = "b"
    hidden.modified = world.salesforce.rows[early].modified - 2
    world.later(OVERLAP.total_seconds() / 2)
    world.sync()
    assert world.here(late)["department"] == "b"


def test_a_record_written_here_a_moment_ago_is_looked_at_later_and_not_forgotten(
    world: World,
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(20)
    world.salesforce.human_edits(pid, department="Grants")
    world.engine.inbound._reconcile_at = 0.0
    world.engine.inbound.turn()
    assert world.here(pid)["department"] == "Events"
    assert parked.next_due(world.conn, "salesforce") is not None
    world.later(61)
    world.engine.inbound.turn()
    assert world.here(pid)["department"] == "Grants"
    assert parked.next_due(world.conn, "salesforce") is None


def test_a_send_of_unknown_outcome_is_settled_before_its_record_is_judged(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(30)
    world.set(pid, department="Mine")
    world.salesforce.faults = [LOST_AFTER]
    world.engine.cycle()
    world.engine.cycle()
    assert deliveries.sent(world.conn, pid, "salesforce") is not None
    world.engine.inbound.on_demand()
    assert conflicts.find(world.conn) == []
    world.later(30)
    assert world.sync().clean
    assert all_sides(world, pid, "department") == {"Mine"}


def test_the_status_says_what_another_operator_still_owes_salesforce(
    world: World, other: World
) -> None:
    pid = world.add(department="Events")
    settled(world, other)
    other.salesforce.down = AWAY
    other.set(pid, department="Grants")
    other.sync()
    world.later(11)
    world.engine.inbound.on_demand(["firestore"])
    assert owes.of_projects(world.conn, [pid]) == {pid: ["department"]}
    assert world.state(pid) == ("synced", "owed")
    other.salesforce.down = None
    settled(other, world)
    assert world.state(pid) == ("synced", "synced")


def test_only_one_of_two_reads_salesforce_by_schedule(world: World, other: World) -> None:
    world.add()
    settled(world, other)
    for each in (world, other):
        each.engine.inbound._reconcile_at = 0.0
        each.engine.inbound.turn()
    calls = world.salesforce.calls
    world.later(1000)
    other.engine.inbound.turn()
    assert world.salesforce.calls == calls, "the other one holds the lease"
    world.engine.inbound.turn()
    assert world.salesforce.calls > calls
    calls = world.salesforce.calls
    world.engine.release()
    other.later(100)
    other.engine.inbound.turn()
    assert world.salesforce.calls > calls


def test_the_share_of_the_daily_calls_is_never_exceeded(world: World) -> None:
    pid = world.add()
    world.salesforce.limit = 200
    for number in range(60):
        world.set(pid, department=f"Team {number}")
        world.later(61)
        report = world.sync()
    assert world.salesforce.calls <= 40
    assert not report.clean
    assert "share of Salesforce calls is used up" in " ".join(report.sentences)
    world.later(86_400)
    assert world.sync().clean


def test_a_copied_database_goes_on_as_a_new_client(world: World, tmp_path: Path) -> None:
    pid = world.add(department="Events")
    world.sync()
    copy = tmp_path / "copy.db"
    world.conn.execute("VACUUM INTO ?", (str(copy),))
    world.set(pid, department="original")
    world.sync()
    restored = World(tmp_path, "copy", shared=world)
    assert restored.engine.client_id == world.engine.client_id
    restored.set(pid, strategic_value="from the copy")
    restored.sync()
    assert restored.engine.client_id != world.engine.client_id
    settled(restored, world)
    assert all_sides(world, pid, "department") == {"original"}
    assert all_sides(world, pid, "strategic_value") == {"from the copy"}


def test_who_has_read_nothing_for_two_months_sends_nothing_before_he_has(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(61 * 86_400)
    world.set(pid, department="Grants")
    world.engine.cycle()
    assert world.salesforce.rows[pid].values["department"] == "Events"
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["department"] == "Grants"


def test_whoever_asks_gets_both_sides_read_at_once(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.engine.inbound.turn()
    world.later(5)
    world.salesforce.human_edits(pid, department="Grants")
    world.engine.inbound.turn()
    assert world.here(pid)["department"] == "Events", "not due yet"
    outbox.look(world.conn, world.ctx)
    world.engine.inbound.turn()
    assert world.here(pid)["department"] == "Grants"


def test_a_second_edit_within_the_second_of_the_first_is_found(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.later(30)
    world.salesforce.human_edits(pid, department="First")
    world.sync()
    world.salesforce.human_edits(pid, department="Second")
    assert world.clock() == int(world.clock()), "the same second: the same version"
    world.later(15)
    world.sync()
    assert all_sides(world, pid, "department") == {"Second"}


def test_a_row_at_rest_is_not_read_again_until_it_moves(world: World) -> None:
    pid = world.add(department="Events")
    for _ in range(3):
        world.later(15)
        world.sync()
    settled = bases.settled(world.conn, "salesforce")
    assert settled == {world.salesforce.rows[pid].id: world.salesforce._remote(Ref(pid)).token}
    world.salesforce.human_edits(pid, department="Grants")
    world.sync()
    assert all_sides(world, pid, "department") == {"Grants"}


def test_I10_the_value_that_lost_once_is_a_new_edit_when_a_person_sets_it_again(
    world: World,
) -> None:
    pid = world.add(department="Before")
    world.sync()
    world.later(30)
    world.salesforce.human_edits(pid, department="Theirs")
    world.later(30)
    world.set(pid, department="Mine")
    world.sync()
    assert all_sides(world, pid, "department") == {"Mine"}
    world.later(60)
    world.set(pid, department="Mine again")
    world.later(30)
    world.salesforce.human_edits(pid, department="Theirs")
    report = world.sync()
    assert report.conflicts == 1
    assert all_sides(world, pid, "department") == {"Theirs"}
    assert len(conflicts.find(world.conn)) == 2


def test_a_side_that_refuses_to_be_read_still_gets_what_is_sent_and_it_is_said(
    world: World,
) -> None:
    pid = world.add(department="Events")
    world.sync()
    world.salesforce.unreadable = problem(ErrorClass.PERMANENT, "MALFORMED_QUERY")
    world.later(30)
    world.set(pid, department="Grants")
    report = world.sync()
    assert report.clean
    assert report.sentences == [
        "what others changed in Salesforce can't be read: the other side said MALFORMED_QUERY"
    ]
    assert world.salesforce.rows[pid].values["department"] == "Grants"
    world.salesforce.unreadable = None
    assert world.sync().sentences == []
