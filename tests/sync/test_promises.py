"""The promise of the dual write, line by line, on the write path. The named lines are greppable."""

from __future__ import annotations

import pytest

from services import itsc_roadmap, outbox
from services.sync.drain import LEASE
from services.sync.targets.base import ErrorClass
from store import conflicts, deliveries, projects
from store.database import transaction
from tests.sync.fakes import LOST_AFTER, LOST_BEFORE, problem
from tests.sync.world import World

AWAY = problem(ErrorClass.PAUSE, "REFUSED")


def test_I1_every_edit_made_while_both_sides_are_away_arrives_later(world: World) -> None:
    pid = world.add()
    world.salesforce.down = world.trouble.down = AWAY
    for number in range(30):
        world.set(pid, department=f"Team {number}", brief__punchline=f"line {number}")
        assert not world.sync().clean
    assert world.state(pid) == ("pending", "pending")
    world.salesforce.down = world.trouble.down = None
    world.later(3600)
    assert world.sync().clean
    assert world.document(pid)["department"] == "Team 29"
    assert world.salesforce.rows[pid].values["brief.punchline"] == "line 29"


def test_I1_a_refused_edit_is_kept_as_a_dead_letter_with_the_servers_words(world: World) -> None:
    pid = world.add()
    world.sync()
    seq = world.set(pid, department="x")
    assert seq is not None
    refusal = problem(ErrorClass.PERMANENT, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.salesforce.row_faults[pid] = [refusal]
    assert not world.sync().clean
    dead = [d for d in deliveries.of_operation(world.conn, seq) if d.state == "failed"]
    assert [(d.target, d.error_code, d.last_error) for d in dead] == [
        ("salesforce", refusal.code, refusal.sentence)
    ]
    assert world.here(pid)["department"] == "x"
    assert outbox.retry(world.conn, seq) == 1
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["department"] == "x"


def test_I2_after_a_healthy_drain_the_three_sides_agree_field_by_field(world: World) -> None:
    pid = world.add(
        "🧩 Feedback",
        status="In QA",
        flags__alignment=True,
        intake__dev_readiness=80,
        brief__what_it_does="line one\nline two",
        launch_target="TBD",
        scores__Ana=4,
        scores__Ben=2,
    )
    assert world.sync().clean
    here, document = world.here(pid), world.document(pid)
    there = world.salesforce.rows[pid].values
    for path, value in here.items():
        group, _, leaf = path.partition(".")
        assert (document[group][leaf] if leaf else document[group]) == value, path
        if path in there:
            assert there[path] == value, path
    assert there["total_score"] == 6
    assert projects.get(world.conn, pid).sf_id == world.salesforce.rows[pid].id  # type: ignore[union-attr]
    assert document["sf_id"] == world.salesforce.rows[pid].id


def test_I3_revisions_of_a_project_arrive_in_order_and_never_regress(world: World) -> None:
    pid = world.add()
    for number in range(8):
        world.set(pid, sort_order=number * 10)
        if number % 3 == 0:
            world.salesforce.faults = [LOST_AFTER]
        world.sync()
        world.later(1)
    written = [v["sort_order"] for _, _, v in world.salesforce.writes if "sort_order" in v]
    assert written == sorted(written)
    assert world.salesforce.rows[pid].values["sort_order"] == 70


@pytest.mark.parametrize("fault", [LOST_BEFORE, LOST_AFTER])
def test_I4_a_create_whose_answer_was_lost_never_makes_a_second_row(
    world: World, fault: str
) -> None:
    ids = [world.add(f"Project {n}") for n in range(5)]
    world.salesforce.faults = [fault, fault]
    assert world.sync().clean
    assert set(world.salesforce.rows) == set(ids)
    assert world.salesforce.number == 5


def test_I4_an_edit_whose_acknowledgement_was_lost_is_not_sent_again(world: World) -> None:
    pid = world.add()
    world.sync()
    before = len(world.salesforce.writes)
    world.set(pid, status="Paused")
    world.salesforce.faults = [LOST_AFTER]
    assert world.sync().clean
    assert len(world.salesforce.writes) == before + 1


def test_I4_a_lost_firestore_answer_recognises_itself(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, status="Paused")
    world.trouble.after = [problem(ErrorClass.UNKNOWN, "UNAVAILABLE")]
    assert world.sync().clean
    assert world.document(pid)["status"] == "Paused"
    assert conflicts.find(world.conn) == []


def test_I5_when_everything_has_arrived_further_runs_write_nothing(world: World) -> None:
    pid = world.add(scores__Ana=3, it_lead="Nobody Known")
    world.set(pid, status="Paused")
    assert world.sync().clean
    written, document = len(world.salesforce.writes), world.document(pid)
    for _ in range(3):
        world.later(600)
        report = world.sync()
        assert report.clean
        assert report.firestore.done == report.salesforce.done == 0
    assert len(world.salesforce.writes) == written
    assert world.document(pid) == document


def test_I7_a_field_changed_on_both_sides_makes_exactly_one_record(world: World) -> None:
    pid = world.add(department="IT")
    world.sync()
    world.later(100)
    world.set(pid, department="Finance", status="Paused")
    world.later(100)
    world.salesforce.human_edits(pid, department="Sales", priority="P2")
    world.later(100)
    assert world.sync().clean
    made = conflicts.find(world.conn)
    assert [(c.path, c.base, c.mine, c.theirs, c.winner) for c in made] == [
        ("department", "IT", "Finance", "Sales", "theirs")
    ]
    here, there = world.here(pid), world.salesforce.rows[pid].values
    for values in (here, there, world.document(pid)):
        assert (values["department"], values["priority"], values["status"]) == (
            "Sales",
            "P2",
            "Paused",
        )
    assert not world.sync().conflicts


def test_I7_the_later_edit_wins_and_the_losing_value_stays_in_the_record(world: World) -> None:
    pid = world.add(department="IT")
    world.sync()
    world.later(100)
    world.salesforce.human_edits(pid, department="Sales")
    world.later(100)
    world.set(pid, department="Finance")
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["department"] == "Finance"
    (made,) = conflicts.find(world.conn)
    assert (made.winner, made.theirs) == ("mine", "Sales")


def test_I7_an_edit_that_lost_everything_does_not_hold_up_the_one_beside_it(world: World) -> None:
    pid = world.add()
    world.sync()
    world.later(60)
    world.set(pid, department="mine")
    world.set(pid, strategic_value="lost")
    world.later(60)
    world.salesforce.human_edits(pid, strategic_value="theirs")
    world.later(60)
    assert world.sync().clean
    there = world.salesforce.rows[pid].values
    assert (there["department"], there["strategic_value"]) == ("mine", "theirs")
    assert world.here(pid)["strategic_value"] == "theirs"


def test_I8_a_row_that_is_refused_for_ever_delays_no_other(world: World) -> None:
    bad, good = world.add("Bad"), world.add("Good")
    world.salesforce.row_faults[bad] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")] * 9
    world.sync()
    assert world.state(bad) == ("synced", "failed")
    assert world.state(good) == ("synced", "synced")
    world.set(good, status="Paused")
    world.sync()
    assert world.salesforce.rows[good].values["status"] == "Paused"


def test_I8_a_refused_group_is_resent_edit_by_edit(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, department="refused")
    world.set(pid, status="Paused")
    refusal = problem(ErrorClass.PERMANENT, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.salesforce.row_faults[pid] = [refusal, refusal]
    world.sync()
    assert world.state(pid) == ("synced", "failed")
    assert world.salesforce.rows[pid].values["status"] == "Paused"
    assert world.salesforce.rows[pid].values["department"] is None


def test_I8_a_row_lock_is_tried_again_and_twelve_are_a_dead_letter(world: World) -> None:
    pid = world.add()
    lock = problem(ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW")
    world.salesforce.row_faults[pid] = [lock, lock]
    assert world.sync().clean
    world.set(pid, status="Paused")
    world.salesforce.row_faults[pid] = [lock] * 40
    for _ in range(40):
        world.sync()
        world.later(1000)
    assert world.state(pid)[1] == "failed"
    assert len(world.salesforce.row_faults[pid]) == 40 - 12


@pytest.mark.parametrize("fault", [LOST_BEFORE, LOST_AFTER])
def test_I10_a_human_edit_after_ours_is_not_undone_by_the_retry(world: World, fault: str) -> None:
    pid = world.add()
    world.sync()
    world.later(60)
    world.set(pid, status="Paused")
    world.salesforce.faults = [fault]
    world.engine.cycle()
    assert world.state(pid)[1] == "retrying"
    world.later(30)
    world.salesforce.human_edits(pid, status="Completed")
    world.later(30)
    assert world.sync().clean
    for values in (world.here(pid), world.salesforce.rows[pid].values, world.document(pid)):
        assert values["status"] == "Completed"


def test_I10_a_stale_read_of_our_own_write_is_not_taken_for_an_edit(world: World) -> None:
    pid = world.add(status="In Design")
    world.sync()
    world.later(60)
    old = dict(world.salesforce.rows[pid].values), world.salesforce.rows[pid].modified
    world.set(pid, status="Paused")
    assert world.sync().clean
    row = world.salesforce.rows[pid]
    new, row.values, row.modified = (dict(row.values), row.modified), old[0], old[1]
    world.set(pid, department="IT")
    world.engine.cycle()
    assert world.here(pid)["status"] == "Paused"
    row.values, row.modified = new
    world.later(3)
    assert world.sync().clean
    assert (row.values["status"], row.values["department"]) == ("Paused", "IT")


def test_I11_the_status_follows_each_fact(world: World) -> None:
    pid = world.add()
    assert world.state(pid) == ("pending", "pending")
    world.salesforce.down = AWAY
    world.sync()
    assert world.state(pid) == ("synced", "pending")
    outbox.pause(world.conn, world.ctx, "salesforce")
    assert world.state(pid) == ("synced", "held")
    outbox.resume(world.conn, "salesforce")
    world.salesforce.down = None
    world.salesforce.row_faults[pid] = [problem(ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW")]
    world.engine.cycle(impatient=True)
    assert world.state(pid) == ("synced", "retrying")
    assert world.sync().clean
    assert world.state(pid) == ("synced", "synced")


def test_I13_a_link_waits_for_its_parent_and_a_dead_parent_blocks_nobody(world: World) -> None:
    parent = world.add("Parent")
    child = world.add("Child", parent_id=parent)
    world.salesforce.row_faults[parent] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")]
    report = world.sync()
    assert not report.clean
    assert world.state(parent)[1] == "failed"
    assert world.salesforce.rows[child].values["parent_id"] is None
    world.set(parent, department="IT")
    assert world.sync().clean
    assert world.salesforce.rows[child].values["parent_id"] == parent


def test_I13_a_link_of_a_project_that_was_deleted_meanwhile_waits_for_nothing(
    world: World,
) -> None:
    parent, child = world.add("Parent"), world.add("Child")
    world.sync()
    world.set(child, parent_id=parent)
    itsc_roadmap.delete_project(world.conn, world.ctx, child)
    assert world.sync().clean
    assert world.salesforce.rows[child].deleted


def test_I14_a_delete_reaches_both_sides_and_nothing_shows_it(world: World) -> None:
    parent, child = world.add("Parent"), world.add("Child")
    world.set(child, parent_id=parent)
    world.sync()
    unlinked = itsc_roadmap.delete_project(world.conn, world.ctx, parent)
    assert unlinked == [child]
    assert world.sync().clean
    assert world.document(parent)["deleted"] is True
    assert world.salesforce.rows[parent].deleted
    assert world.salesforce.rows[child].values["parent_id"] is None
    assert projects.get(world.conn, parent) is None
    assert world.sync().clean
    assert world.salesforce.rows[parent].deleted


def test_I14_a_project_created_and_deleted_offline_leaves_no_trace(world: World) -> None:
    pid = world.add()
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    assert world.sync().clean
    assert pid not in world.salesforce.rows
    assert world.documents.get_many("itsc_projects", [pid])[pid] is None


def test_I14_an_edit_there_against_a_delete_here_waits_for_a_person(world: World) -> None:
    pid = world.add()
    world.sync()
    world.later(60)
    world.salesforce.human_edits(pid, status="Completed")
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    report = world.sync()
    assert report.salesforce.conflicts == 1
    assert not world.salesforce.rows[pid].deleted
    (made,) = conflicts.find(world.conn)
    assert (made.path, made.winner) == ("*", "nobody")


def test_I14_a_row_deleted_there_is_not_revived_by_an_edit_here(world: World) -> None:
    pid = world.add()
    world.sync()
    world.later(60)
    world.salesforce.human_deletes(pid)
    world.set(pid, status="Paused")
    assert not world.sync().clean
    assert world.salesforce.rows[pid].deleted
    assert world.state(pid)[1] == "conflict"


def test_undo_of_a_delete_creates_the_row_again_under_the_same_id(world: World) -> None:
    pid, child = world.add("Parent"), world.add("Child")
    world.set(child, parent_id=pid)
    world.sync()
    first = world.salesforce.rows[pid].id
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    world.sync()
    itsc_roadmap.undo(world.conn, world.ctx)
    assert world.sync().clean
    row = world.salesforce.rows[pid]
    assert not row.deleted
    assert row.id != first
    assert not world.document(pid).get("deleted")
    assert world.salesforce.rows[child].values["parent_id"] == pid
    assert projects.get(world.conn, pid).sf_id == row.id  # type: ignore[union-attr]


def test_a_create_names_no_empty_field(world: World) -> None:
    """An upsert may meet a row that does not show yet: what others set there stays."""
    world.add(department="IT")
    world.sync()
    [(_, action, values)] = world.salesforce.writes
    assert action == "create"
    assert values["department"] == "IT"
    assert None not in values.values()


def test_a_later_edit_of_the_same_field_takes_a_dead_letters_place(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, department="refused")
    world.salesforce.row_faults[pid] = [problem(ErrorClass.PERMANENT, "STRING_TOO_LONG")]
    assert not world.sync().clean
    world.set(pid, department="IT")
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["department"] == "IT"


def test_salesforce_follows_firestore_and_goes_alone_when_it_stays_away(world: World) -> None:
    pid = world.add()
    world.trouble.down = AWAY
    world.engine.cycle()
    assert pid not in world.salesforce.rows
    world.later(30)
    world.engine.cycle()
    assert pid not in world.salesforce.rows
    world.later(61)
    world.engine.cycle()
    assert pid in world.salesforce.rows
    assert world.state(pid) == ("pending", "synced")
    world.trouble.down = None
    world.later(60)
    assert world.sync().clean
    assert world.document(pid)["sf_id"] == world.salesforce.rows[pid].id


def test_the_document_says_what_salesforce_has_not_got(world: World) -> None:
    pid = world.add()
    world.sync()
    outbox.pause(world.conn, world.ctx, "salesforce")
    world.set(pid, department="IT", brief__punchline="x")
    world.sync()
    assert set(world.document(pid)["owes"]) == {"department", "brief.punchline"}
    outbox.resume(world.conn, "salesforce")
    world.sync()
    assert world.document(pid)["owes"] == {}
    assert world.document(pid)["sf"]["base"]["department"] == "IT"


def test_another_organisation_pauses_the_target_until_a_person_decides(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, status="Paused")
    world.salesforce.connect = lambda: "00Dother"  # type: ignore[method-assign]
    report = world.sync()
    assert "00Dother" in report.sentences[0]
    assert world.salesforce.rows[pid].values["status"] == "Yet to Start"
    assert world.state(pid)[1] == "held"


def test_edits_travel_in_groups_of_two_hundred_and_five_hundred(world: World) -> None:
    ids = [world.add(f"P{n}") for n in range(400)]
    for pid in ids:
        world.set(pid, status="Paused")
    report = world.sync()
    assert report.clean
    # 2 pre-reads, 2 upserts: 100 for ten thousand; 1 to see what others changed
    assert report.calls["salesforce"] == 5
    # Who it is; what others changed, all ids, conflicts; a read and a write, of edits and of notes
    assert report.calls["firestore"] == 8


def test_I4_what_one_process_has_claimed_no_other_one_sends(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, status="Paused")
    second = world.new_engine()
    sent: list[int] = []

    def look(point: str) -> None:
        if point == "salesforce:written":
            calls = world.salesforce.calls
            second.cycle()
            sent.append(world.salesforce.calls - calls)

    world.new_engine(look).cycle()
    assert sent == [0]
    assert world.salesforce.rows[pid].values["status"] == "Paused"


@pytest.mark.parametrize("target", deliveries.TARGETS)
def test_I4_who_slept_past_his_lease_sends_nothing_of_what_another_one_has_claimed(
    world: World, target: str
) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, status="Paused")
    if target == "salesforce":  # follows Firestore
        world.engine.cycle(names=["firestore"])
    taken: list[deliveries.Claim] = []
    before: list[object] = []

    def sleep(point: str) -> None:
        if point == f"{target}:claimed" and not taken:
            world.later(LEASE + 1)  # the lid was closed; meanwhile, another process:
            with transaction(world.conn):
                taken.extend(
                    deliveries.claim(
                        world.conn, target, "another", world.clock(), lease=LEASE, limit=200
                    )
                )
            before.append(_held_by(world, target, pid))

    world.new_engine(sleep).cycle()
    assert [each.project_id for each in taken] == [pid]
    assert before == [_held_by(world, target, pid)]
    world.later(LEASE + 1)
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["status"] == "Paused"


def _held_by(world: World, target: str, project_id: str) -> object:
    """What this side holds, with its version."""
    if target == "salesforce":
        return (len(world.salesforce.writes), world.salesforce.rows[project_id].values["status"])
    return (world.tokens()[project_id], world.document(project_id)["status"])


@pytest.mark.parametrize("target", deliveries.TARGETS)
def test_I3_an_acknowledgement_writes_nothing_back_over_a_newer_edit(
    world: World, target: str
) -> None:
    pid = world.add(department="first")
    world.sync()
    world.set(pid, department="sent")

    def edit(point: str) -> None:
        if point == f"{target}:sent":
            world.set(pid, department="newer")

    world.new_engine(edit).cycle()
    assert world.here(pid)["department"] == "newer"
    assert world.sync().clean
    assert world.here(pid)["department"] == "newer"
    assert world.salesforce.rows[pid].values["department"] == "newer"


def test_I8_an_outage_is_charged_to_no_row(world: World) -> None:
    pid = world.add()
    world.sync()
    seq = world.set(pid, status="Paused")
    assert seq is not None
    for _ in range(15):
        world.salesforce.before_write = [lambda: setattr(world.salesforce, "down", AWAY)]
        world.engine.cycle(impatient=True)
        world.salesforce.down = None
        world.later(100)
    assert [d.attempts for d in deliveries.of_operation(world.conn, seq)] == [0, 0]
    world.salesforce.row_faults[pid] = [problem(ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW")]
    assert world.sync().clean


def test_I10_what_was_read_more_than_two_seconds_ago_is_read_again(world: World) -> None:
    pid = world.add()
    world.sync()
    world.set(pid, status="Paused")
    written = len(world.salesforce.writes)

    def linger(point: str) -> None:
        if point == "salesforce:written":
            world.later(5)
            world.salesforce.human_edits(pid, status="Completed")

    world.new_engine(linger).cycle()
    assert len(world.salesforce.writes) == written
    world.later(30)
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["status"] == "Completed"
