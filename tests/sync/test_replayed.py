"""Histories that broke a promise once, in their smallest form.

Random histories (``test_simulation``) found them; each is played to its end, where everything heals
and all promises are checked.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store import conflicts
from tests.sync.simulation.faults import Fault
from tests.sync.test_simulation import HOUR, Histories

ANN, BEN = 0, 1
TOLD: list[tuple[Callable[[Histories], None], int, tuple[float, float]]] = []


def told(
    number: int, offsets: tuple[float, float] = (0.0, 0.0)
) -> Callable[[Callable[[Histories], None]], Callable[[Histories], None]]:
    """A history, with the number that all chance in it comes from."""

    def keep(history: Callable[[Histories], None]) -> Callable[[Histories], None]:
        TOLD.append((history, number, offsets))
        return history

    return keep


@told(4_294_967_295)
def a_push_is_no_persons_edit_because_a_person_edited_another_field_since(h: Histories) -> None:
    h.an_operator_edits_several_fields(ANN, 2, {"brief.punchline", "department"})
    h.an_operator_edits_several_fields(BEN, 2, {"strategic_value", "department"})
    h.a_cycle(ANN)
    h.a_person_edits(4, "brief.punchline")
    h.salesforce_is_reconciled(BEN, full=False)


@told(14_704)
def a_vote_that_is_set_anew_after_mine_was_taken_back_is_another_vote(h: Histories) -> None:
    h.an_operator_votes(BEN, 5, "Will", 3)
    h.an_operator_undoes(BEN, redo=False)
    h.an_operator_votes(ANN, 1, "Will", 3)


@told(1_048_576, (-HOUR, 0.0))
def a_restore_empties_what_it_has_empty(h: Histories) -> None:
    h.time_passes(900.0)
    h.a_process_is_killed_while_idle(BEN, seen=False)
    h.an_operator_links(ANN, 4, 0, linked=True)
    h.something_will_go_wrong(ANN, "firestore", Fault.LOST_AFTER)
    h.an_operator_links(ANN, 4, 2, linked=False)
    h.an_operator_links(BEN, 1, 4, linked=True)
    h.an_operator_deletes(BEN, 0)
    h.an_operator_edits(ANN, 5, "strategic_value")
    h.a_cycle(ANN)
    h.an_operator_edits(ANN, 2, "strategic_value")
    h.an_operator_edits(ANN, 2, "brief.punchline")
    h.a_person_edits(2, "brief.punchline")
    h.an_operator_deletes(BEN, 0)
    h.what_is_due_by_schedule(BEN)
    h.a_cycle(BEN)
    h.a_person_edits(5, "strategic_value")
    h.an_operator_decides(BEN, 0, "mine")
    h.an_operator_undoes(ANN, redo=False)
    h.an_operator_creates(ANN, 5)
    h.an_operator_creates(BEN, 1)
    h.an_operator_deletes(BEN, 3)
    h.what_is_due_by_schedule(ANN)
    h.what_is_due_by_schedule(BEN)
    h.an_operator_decides(BEN, 5, "mine")
    h.a_cycle(BEN)


@told(265)
def the_later_of_two_edits_stands_although_ours_covered_it_unseen(h: Histories) -> None:
    h.an_operator_edits_several_fields(ANN, 1, {"brief.punchline", "department", "strategic_value"})
    h.a_person_edits_in_the_window(3, "strategic_value", ANN)
    h.time_passes(30.0)
    h.a_cycle(ANN)


@told(601, (0.0, 1800.0))
def discarding_a_create_that_firestore_has_takes_it_back_from_there(h: Histories) -> None:
    h.an_operator_creates(BEN, 1)
    h.an_operator_discards(BEN, 2)
    h.an_operator_discards(BEN, 0)
    h.a_cycle(BEN)
    h.an_operator_discards(BEN, 0)


@told(325_985, (HOUR, -HOUR))
def what_waited_beside_a_discarded_edit_goes_on(h: Histories) -> None:
    h.an_operator_links(BEN, 5, 2, linked=True)
    h.an_operator_creates(BEN, 0)
    h.something_will_go_wrong(BEN, "salesforce", Fault.EXPIRED)
    h.salesforce_is_switched(BEN, on=False)
    h.a_person_edits(3, "brief.punchline")
    h.salesforce_is_switched(BEN, on=True)
    h.a_person_deletes(4, purge=True)
    h.a_person_deletes(1, purge=False)
    h.what_is_due_by_schedule(BEN)
    h.salesforce_is_reconciled(BEN, full=False)
    h.an_operator_discards(BEN, 5)
    h.an_operator_links(ANN, 1, 0, linked=True)
    h.salesforce_is_reconciled(ANN, full=True)


@told(0, (0.0, 1800.0))
def who_edits_what_arrived_with_an_earlier_edit_has_seen_it(h: Histories) -> None:
    h.an_operator_edits(ANN, 3, "brief.punchline")
    h.a_person_edits(3, "strategic_value")
    h.a_person_edits_in_the_window(3, "strategic_value", ANN)
    h.a_cycle(ANN)
    h.something_will_go_wrong(ANN, "firestore", Fault.UNAVAILABLE)
    h.an_operator_edits(ANN, 5, "brief.punchline")
    h.a_cycle(ANN)
    h.something_will_go_wrong(ANN, "firestore", Fault.STALE)
    h.an_operator_votes(ANN, 1, "Will", 2)
    h.a_cycle(ANN)
    h.a_person_edits(1, "brief.punchline")


@told(34_302)
def an_edit_that_lost_every_field_sends_no_total_either(h: Histories) -> None:
    h.an_operator_votes(BEN, 2, "Vera", 3)
    h.an_operator_votes(ANN, 2, "Vera", 5)
    h.an_operator_edits_several_fields(BEN, 0, {"brief.punchline", "department", "strategic_value"})
    h.an_operator_edits_several_fields(ANN, 2, {"brief.punchline", "strategic_value"})
    h.an_operator_edits_several_fields(ANN, 2, {"department", "strategic_value"})


@told(270, (0.0, 1800.0))
def a_row_that_was_deleted_before_its_maker_knew_of_it_stays_deleted(h: Histories) -> None:
    h.a_person_deletes(1, purge=True)
    h.an_operator_deletes(ANN, 1)
    h.an_operator_creates(BEN, 2)
    h.an_operator_edits(BEN, 4, "brief.punchline")
    h.something_will_go_wrong(BEN, "salesforce", Fault.LOST_AFTER)
    h.a_cycle(BEN)
    h.an_operator_votes(ANN, 3, "Vera", 2)
    h.what_is_due_by_schedule(ANN)
    h.a_person_deletes(5, purge=False)


@told(15_836)
def who_delivered_the_older_value_last_owes_the_newer(h: Histories) -> None:
    h.an_operator_creates(ANN, 3)
    h.an_operator_edits(BEN, 5, "strategic_value")
    h.an_operator_edits(ANN, 1, "strategic_value")
    h.an_operator_creates(BEN, 4)
    h.an_operator_votes(BEN, 5, "Vera", 1)
    h.an_operator_discards(BEN, 3)
    h.an_operator_votes(BEN, 3, "Will", 2)
    h.the_days_calls_are_spent(spent=True)
    h.an_operator_discards(BEN, 5)
    h.an_operator_creates(BEN, None)
    h.an_operator_links(BEN, 5, 4, linked=True)
    h.an_operator_edits(ANN, 1, "department")
    h.a_cycle(ANN)
    h.a_cycle(BEN)


@told(35_591_121, (HOUR, -HOUR))
def a_create_that_meets_a_row_which_shows_late_empties_nothing(h: Histories) -> None:
    h.an_operator_creates(BEN, 3)
    h.an_operator_creates(BEN, 4)
    h.salesforce_is_switched(BEN, on=False)
    h.a_cycle(BEN)
    h.an_operator_edits(BEN, 5, "department")
    h.what_is_due_by_schedule(ANN)
    h.an_operator_edits(ANN, 3, "brief.punchline")


@told(1_745, (-HOUR, 0.0))
def discarding_what_was_discarded_leaves_the_targets_alike(h: Histories) -> None:
    h.an_operator_links(BEN, 3, 4, linked=True)
    h.something_will_go_wrong(BEN, "salesforce", Fault.UNAVAILABLE)
    h.a_cycle(BEN)
    h.an_operator_discards(BEN, 1)
    h.an_operator_discards(BEN, 0)
    h.an_operator_discards(BEN, 4)


@told(401, (0.0, 1800.0))
def a_link_waits_for_a_decision_where_its_row_was_deleted(h: Histories) -> None:
    h.a_person_deletes(0, purge=False)
    h.a_person_deletes(2, purge=False)
    h.an_operator_links(ANN, 5, 2, linked=True)
    h.a_cycle(ANN)
    h.a_person_undeletes(5)
    h.a_person_undeletes(0)


@told(5_720)
def who_makes_a_row_anew_owes_it_what_he_learns_later(h: Histories) -> None:
    h.an_operator_deletes(ANN, 5)
    h.an_operator_deletes(BEN, 3)
    h.an_operator_discards(BEN, 0)
    h.a_person_edits_in_the_window(3, "brief.punchline", BEN)
    h.a_cycle(BEN)
    h.an_operator_discards(ANN, 2)
    h.salesforce_is_reconciled(BEN, full=True)
    h.a_person_deletes(5, purge=True)
    h.a_cycle(ANN)


@told(486_710, (-HOUR, 0.0))
def a_document_made_anew_owes_nothing_of_before(h: Histories) -> None:
    h.the_days_calls_are_spent(spent=True)
    h.an_operator_edits(ANN, 0, "department")
    h.time_passes(70.0)
    h.a_person_deletes(1, purge=False)
    h.an_operator_votes(BEN, 5, "Vera", 1)
    h.a_cycle(BEN)
    h.an_operator_deletes(ANN, 1)


@told(149, (HOUR, -HOUR))
def of_what_was_covered_unseen_and_what_stands_by_now_the_later_stands(h: Histories) -> None:
    h.world.org.lag = h.world.cloud.lag = 0.0
    h.an_operator_edits(BEN, 2, "strategic_value")
    h.a_person_edits_in_the_window(2, "strategic_value", BEN)
    h.an_operator_edits(ANN, 0, "strategic_value")
    h.a_cycle(BEN)


@told(437, (0.0, 1800.0))
def a_create_that_lands_after_its_project_was_given_up_brings_nothing_back(h: Histories) -> None:
    h.a_person_deletes(1, purge=True)
    h.salesforce_is_reconciled(BEN, full=False)
    h.a_cycle(BEN)
    h.something_will_go_wrong(BEN, "firestore", Fault.LATE)
    h.an_operator_creates(BEN, 4)
    h.a_cycle(BEN)
    h.an_operator_discards(BEN, 0)
    h.a_cycle(BEN)


@told(3_677)
def another_delete_than_the_one_that_was_taken_back_stands(h: Histories) -> None:
    h.a_person_deletes(1, purge=False)
    h.an_operator_deletes(ANN, 4)
    h.an_operator_deletes(ANN, 2)
    h.an_operator_edits(BEN, 2, "department")
    h.a_cycle(ANN)
    h.an_operator_undoes(ANN, redo=False)
    h.a_person_undeletes(3)
    h.a_person_deletes(1, purge=False)
    h.a_cycle(BEN)


@told(0)
def an_edit_of_a_row_that_its_maker_did_not_tell_of_is_no_older_value_of_his(h: Histories) -> None:
    h.an_operator_creates(BEN, None)
    h.a_person_deletes(0, purge=False)
    h.a_process_will_die(BEN, 10)
    h.an_operator_edits(BEN, 2, "strategic_value")
    h.a_cycle(BEN)
    h.a_person_edits(1, "strategic_value")
    h.an_operator_edits(BEN, 2, "department")


@told(14_827_817)
def a_vote_that_was_taken_back_is_no_obstacle_to_an_older_one_that_comes_late(
    h: Histories,
) -> None:
    h.an_operator_votes(ANN, 3, "Will", 2)
    h.a_cycle(ANN)
    h.an_operator_undoes(ANN, redo=False)
    h.an_operator_deletes(ANN, 5)
    h.an_operator_votes(BEN, 1, "Vera", 5)
    h.what_is_due_by_schedule(BEN)


@told(207_081_373)
def a_delete_that_waits_for_a_decision_is_not_ended_by_whoever_still_has_the_record(
    h: Histories,
) -> None:
    h.an_operator_edits(ANN, 2, "department")
    h.a_cycle(ANN)
    h.an_operator_deletes(BEN, 4)
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(BEN)
    h.what_is_due_by_schedule(ANN)
    h.firestore_is_followed(ANN)
    h.firestore_is_followed(BEN)


@told(3_309, (0.0, 1800.0))
def an_edit_beside_a_carried_one_is_not_given_up_with_a_delete_that_was_taken_back(
    h: Histories,
) -> None:
    h.salesforce_is_switched(BEN, on=False)
    h.an_operator_votes(BEN, 2, "Vera", 1)
    h.an_operator_deletes(ANN, 2)
    h.a_cycle(BEN)
    h.an_operator_undoes(ANN, redo=False)
    h.a_person_edits(0, "brief.punchline")
    h.an_operator_edits(ANN, 0, "department")
    h.salesforce_is_reconciled(ANN, full=True)
    h.time_passes(900.0)
    h.what_is_due_by_schedule(ANN)


@pytest.mark.parametrize(
    ("history", "number", "offsets"), TOLD, ids=[each[0].__name__ for each in TOLD]
)
def test_it_breaks_no_promise(
    history: Callable[[Histories], None], number: int, offsets: tuple[float, float]
) -> None:
    told = Histories()
    told.begin(number, offsets, 3.0)
    history(told)
    told.the_promises_hold()
    told.teardown()


def test_a_vote_that_is_set_anew_after_mine_was_taken_back_stands() -> None:
    h = Histories()
    h.begin(14_704, (0.0, 0.0), 3.0)
    a_vote_that_is_set_anew_after_mine_was_taken_back_is_another_vote(h)
    h.teardown()
    held = [who.here("p2") for who in h.world.operators]
    assert [(values or {}).get("scores.Will") for values in held] == [3, 3]


@pytest.mark.parametrize("number", [2, 3, 7, 12])
def test_a_version_from_before_our_write_is_no_edit_although_it_is_newer_than_our_read(
    number: int,
) -> None:
    h = Histories()
    h.begin(number, (0.0, 0.0), 3.0)
    h.an_operator_edits(ANN, 2, "strategic_value")
    h.a_cycle(ANN)
    h.time_passes(30.0)
    h.an_operator_edits(ANN, 2, "strategic_value")
    one = h.row(2)
    assert one is not None
    h.world.person_edits(one, "department", pause=0.1)
    h.a_cycle(ANN)
    for _ in range(2):
        h.time_passes(0.4)
        h.salesforce_is_reconciled(ANN, full=False)
    h.teardown()


def test_a_row_waits_for_its_maker_and_then_there_is_no_conflict() -> None:
    h = Histories()
    h.begin(0, (0.0, 0.0), 3.0)
    ann, _ = operators = h.world.operators
    h.an_operator_creates(BEN, None)
    h.a_process_will_die(BEN, 10)
    h.an_operator_edits(BEN, 2, "strategic_value")
    h.a_cycle(BEN)
    h.world.person_edits("p3", "strategic_value")
    h.time_passes(30.0)
    h.firestore_is_followed(ANN)
    h.salesforce_is_reconciled(ANN, full=True)
    assert "p3" in {row[0] for row in ann.conn.execute("SELECT project_id FROM parked")}
    h.time_passes(70.0)
    h.a_cycle(BEN)
    h.teardown()
    (row,) = (row for row in h.world.org.rows if row.project_id == "p3")
    for who in operators:
        assert (who.here("p3") or {})["strategic_value"] == row.now.values["strategic_value"]
        assert conflicts.find(who.conn, open_only=False) == []


def test_what_waited_for_a_missing_record_goes_on_wherever_it_is_seen_again() -> None:
    h = Histories()
    h.begin(1, (0.0, 0.0), 3.0)
    h.an_operator_edits(BEN, 2, "strategic_value")
    h.a_person_deletes(2, purge=False)
    h.time_passes(30.0)
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(BEN)
    h.what_is_due_by_schedule(ANN)
    h.a_person_undeletes(2)
    h.time_passes(30.0)
    h.salesforce_is_reconciled(ANN, full=False)
    h.what_is_due_by_schedule(ANN)
    h.firestore_is_followed(ANN)
    h.firestore_is_followed(BEN)
    ben = h.world.operators[BEN].conn
    assert [each.resolution for each in conflicts.find(ben, open_only=False)] == ["back"]
    states = ben.execute("SELECT DISTINCT state FROM open_deliveries").fetchall()
    assert [state for (state,) in states] == ["pending"]
    h.teardown()
