"""Histories that broke a promise once, in their smallest form.

Random histories (``test_simulation``) found them; each is played to its end, where everything heals
and all promises are checked.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.sync.provenance import EVER, delivered
from store import conflicts
from store.deliveries import SALESFORCE
from tests.sync.simulation.faults import Fault
from tests.sync.simulation.org import ROBOT
from tests.sync.test_simulation import HOUR, Histories

ANN, BEN = 0, 1
TOLD: list[tuple[Callable[[Histories], None], int, tuple[float, float], float]] = []


def told(
    number: int, offsets: tuple[float, float] = (0.0, 0.0), *, lag: float = 3.0
) -> Callable[[Callable[[Histories], None]], Callable[[Histories], None]]:
    """A history, with the number that all chance in it comes from; the clocks of both operators are
    off by ``offsets``, and rows show up to ``lag`` seconds late."""

    def keep(history: Callable[[Histories], None]) -> Callable[[Histories], None]:
        TOLD.append((history, number, offsets, lag))
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
    h.firestore_will_fail(ANN, Fault.LOST_AFTER)
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
    h.salesforce_will_fail(BEN, Fault.EXPIRED)
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
    h.firestore_will_fail(ANN, Fault.UNAVAILABLE)
    h.an_operator_edits(ANN, 5, "brief.punchline")
    h.a_cycle(ANN)
    h.firestore_will_fail(ANN, Fault.STALE)
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
    h.salesforce_will_fail(BEN, Fault.LOST_AFTER)
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
    h.salesforce_will_fail(BEN, Fault.UNAVAILABLE)
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
    h.firestore_will_fail(BEN, Fault.LATE)
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


@told(500)
def a_link_of_mine_whose_parent_somebody_deleted_unheard_is_cut_for_all(h: Histories) -> None:
    h.an_operator_links(BEN, 4, 5, linked=True)
    h.an_operator_moves(BEN, 2, 1)
    h.a_side_comes_and_goes(BEN, "firestore", down=True)
    h.an_operator_deletes(ANN, 3)
    h.an_operator_deletes(ANN, 1)
    h.a_cycle(BEN)


@told(10_408, (HOUR, -HOUR))
def a_child_made_under_a_project_that_its_discarded_delete_brought_back_agrees(
    h: Histories,
) -> None:
    h.salesforce_will_fail(ANN, Fault.MIXED)
    h.an_operator_creates(ANN, None)
    h.an_operator_moves(ANN, 1, -1)
    h.an_operator_creates(ANN, 0)
    h.a_cycle(ANN)
    h.what_is_due_by_schedule(ANN)
    h.firestore_will_fail(BEN, Fault.READ_LOST)
    h.an_operator_deletes(ANN, 4)
    h.what_is_due_by_schedule(BEN)
    h.firestore_is_followed(BEN)
    h.an_operator_discards(ANN, 1)
    h.an_operator_edits(BEN, 0, "brief.punchline")


@told(1_587)
def what_is_discarded_because_a_person_edited_it_is_gone_everywhere(h: Histories) -> None:
    h.a_person_edits(2, "strategic_value")
    h.salesforce_is_reconciled(BEN, full=False)
    h.what_is_due_by_schedule(ANN)
    h.an_operator_discards(ANN, 2)


@told(8_354)
def a_decision_for_the_delete_unlinks_who_was_linked_meanwhile(h: Histories) -> None:
    h.an_operator_deletes(BEN, 5)
    h.a_person_edits(3, "strategic_value")
    h.a_cycle(BEN)
    h.an_operator_decides(BEN, 3, "theirs")
    h.an_operator_creates(ANN, 5)


@told(1_432, lag=0.0)
def a_row_purged_before_its_maker_is_known_to_be_deleted_stays_away(h: Histories) -> None:
    h.an_operator_creates(BEN, None)
    h.firestore_will_fail(BEN, Fault.EXPIRED)
    h.an_operator_creates(BEN, 2)
    h.firestore_is_followed(BEN)
    h.time_passes(70.0)
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(BEN)
    h.what_is_due_by_schedule(ANN)
    h.a_person_deletes(2, purge=True)
    h.an_operator_edits(ANN, 2, "strategic_value")


@told(1_015_987, (HOUR, -HOUR))
def edits_of_both_operators_upon_a_persons_agree_whoever_read_the_row_late(h: Histories) -> None:
    h.a_person_edits(0, "department")
    h.time_passes(5.0)
    h.an_operator_edits_several_fields(ANN, 4, {"brief.punchline", "department"})
    h.an_operator_edits(ANN, 2, "strategic_value")
    h.an_operator_deletes(ANN, 4)
    h.an_operator_creates(BEN, None)
    h.an_operator_edits(ANN, 1, "brief.punchline")
    h.a_person_edits(0, "brief.punchline")
    h.an_operator_edits_several_fields(BEN, 3, {"brief.punchline", "department", "strategic_value"})
    h.an_operator_creates(ANN, 5)
    h.a_person_edits(4, "brief.punchline")


@told(4_294_967_296)
def a_value_that_a_duplicate_create_left_is_not_taken_for_an_edit(h: Histories) -> None:
    h.an_operator_creates(ANN, None)
    h.salesforce_will_fail(ANN, Fault.DUPLICATE)
    h.a_cycle(ANN)
    h.a_person_deletes(4, purge=True)
    h.what_is_due_by_schedule(BEN)
    h.time_passes(900.0)
    h.an_operator_edits(BEN, 3, "strategic_value")
    h.time_passes(30.0)
    h.what_is_due_by_schedule(BEN)
    h.a_process_will_die(BEN, 10)
    h.a_cycle(BEN)


@told(6_054, (-HOUR, 0.0))
def a_row_undeleted_after_both_heard_of_its_end_is_asked_about(h: Histories) -> None:
    h.a_person_edits(2, "department")
    h.an_operator_deletes(ANN, 0)
    h.a_person_deletes(4, purge=False)
    h.a_side_comes_and_goes(ANN, "firestore", down=True)
    h.a_cycle(ANN)
    h.time_passes(900.0)
    h.a_cycle(ANN)
    h.a_person_undeletes(4)


@told(249, (HOUR, -HOUR))
def links_of_a_project_deleted_unheard_do_not_stay_in_salesforce(h: Histories) -> None:
    h.a_person_deletes(2, purge=True)
    h.an_operator_creates(BEN, 5)
    h.an_operator_creates(BEN, None)
    h.an_operator_links(BEN, 3, 4, linked=True)
    h.a_cycle(BEN)
    h.an_operator_edits(BEN, 4, "department")
    h.what_is_due_by_schedule(BEN)


@told(839_987, (HOUR, -HOUR), lag=0.0)
def a_link_that_ended_with_its_parents_row_is_back_when_that_is(h: Histories) -> None:
    h.an_operator_creates(BEN, 0)
    h.an_operator_edits(ANN, 2, "strategic_value")
    h.an_operator_votes(ANN, 5, "Will", 4)
    h.firestore_will_fail(ANN, Fault.EXPIRED)
    h.an_operator_edits(ANN, 1, "brief.punchline")
    h.what_is_due_by_schedule(ANN)
    h.an_operator_creates(ANN, None)
    h.an_operator_moves(BEN, 3, -1)
    h.time_passes(5.0)
    h.a_cycle(BEN)
    h.a_person_deletes(0, purge=True)
    h.an_operator_discards(ANN, 3)
    h.an_operator_edits_several_fields(BEN, 1, {"department", "strategic_value"})
    h.an_operator_discards(ANN, 4)
    h.an_operator_discards(ANN, 4)
    h.an_operator_creates(ANN, 2)
    h.time_passes(30.0)
    h.an_operator_creates(ANN, None)
    h.a_person_edits(1, "department")
    h.salesforce_is_reconciled(ANN, full=False)


@told(1_810, (HOUR, -HOUR))
def a_link_to_a_project_deleted_while_the_calls_are_spent_comes_to_rest(h: Histories) -> None:
    h.a_person_deletes(3, purge=False)
    h.an_operator_links(BEN, 1, 4, linked=True)
    h.salesforce_is_reconciled(BEN, full=True)
    h.an_operator_deletes(BEN, 2)
    h.an_operator_decides(BEN, 5, "mine")
    h.a_cycle(BEN)
    h.the_days_calls_are_spent(spent=True)
    h.an_operator_deletes(BEN, 0)
    h.a_person_edits(3, "brief.punchline")
    h.a_cycle(BEN)


@told(1_820_695_916, lag=0.0)
def a_value_found_in_a_row_does_not_clash_with_what_its_maker_told(h: Histories) -> None:
    h.firestore_will_fail(ANN, Fault.READ_LOST)
    h.an_operator_edits_several_fields(BEN, 1, {"department", "strategic_value"})
    h.an_operator_creates(BEN, None)
    h.firestore_is_followed(ANN)
    h.time_passes(70.0)
    h.a_cycle(BEN)
    h.firestore_will_fail(ANN, Fault.READ_LOST)
    h.a_process_will_die(BEN, 4)
    h.an_operator_edits(BEN, 4, "strategic_value")
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(ANN)


@told(7_758_672, (HOUR, -HOUR))
def what_arrives_late_and_was_discarded_is_followed_by_what_is_in_force(h: Histories) -> None:
    h.firestore_will_fail(ANN, Fault.LATE)
    h.an_operator_edits_several_fields(ANN, 4, {"brief.punchline", "department", "strategic_value"})
    h.a_cycle(ANN)
    h.an_operator_discards(ANN, 1)
    h.an_operator_discards(ANN, 5)


@told(254_612, (HOUR, -HOUR), lag=0.0)
def who_takes_an_edit_back_clashes_with_who_restores_the_project(h: Histories) -> None:
    h.an_operator_edits(ANN, 4, "department")
    h.a_person_deletes(4, purge=True)
    h.a_cycle(ANN)
    h.what_is_due_by_schedule(BEN)
    h.an_operator_deletes(BEN, 4)
    h.an_operator_discards(ANN, 4)


@told(174, (0.0, HOUR / 2))
def a_push_decided_against_is_the_same_edit_after_a_person_touched_its_row(h: Histories) -> None:
    h.an_operator_edits(ANN, 4, "department")
    h.a_process_will_die(ANN, 9)
    h.an_operator_edits_several_fields(BEN, 0, {"brief.punchline", "department"})
    h.a_cycle(ANN)
    h.a_person_edits(0, "brief.punchline")
    h.salesforce_is_reconciled(BEN, full=True)


@told(50_203_737, (0.0, HOUR / 2))
def an_edit_told_late_is_not_older_than_a_persons_because_its_row_is(h: Histories) -> None:
    h.a_person_deletes(4, purge=True)
    h.an_operator_deletes(ANN, 0)
    h.a_person_edits(5, "brief.punchline")
    h.salesforce_is_reconciled(BEN, full=False)
    h.a_person_edits(4, "strategic_value")
    h.firestore_will_fail(BEN, Fault.TOO_MANY)
    h.firestore_is_followed(BEN)
    h.an_operator_edits(ANN, 0, "strategic_value")


@told(2_512, (-HOUR, 0.0))
def what_lost_on_the_document_does_not_win_in_a_row_touched_since(h: Histories) -> None:
    h.salesforce_will_fail(BEN, Fault.LATE)
    h.an_operator_edits_several_fields(BEN, 3, {"brief.punchline", "department"})
    h.a_cycle(BEN)
    h.an_operator_edits(ANN, 1, "department")
    h.a_person_edits(1, "strategic_value")


@told(99_999, lag=0.0)
def an_edit_covered_by_a_write_whose_answer_was_lost_is_kept(h: Histories) -> None:
    h.salesforce_will_fail(BEN, Fault.LOST_AFTER)
    h.an_operator_edits(BEN, 0, "strategic_value")
    h.a_person_deletes(5, purge=False)
    h.a_person_edits_in_the_window(3, "strategic_value", BEN)
    h.a_cycle(BEN)


@told(4_294_967_296, (-HOUR, 0.0), lag=0.0)
def a_restore_carried_anew_is_no_later_than_the_delete_it_did_not_know(h: Histories) -> None:
    h.a_person_deletes(2, purge=False)
    h.an_operator_edits(BEN, 4, "department")
    h.salesforce_is_reconciled(ANN, full=True)
    h.the_days_calls_are_spent(spent=True)
    h.an_operator_discards(ANN, 3)
    h.a_person_undeletes(0)
    h.a_cycle(BEN)
    h.a_person_deletes(2, purge=False)
    h.a_cycle(ANN)
    h.time_passes(900.0)
    h.what_is_due_by_schedule(ANN)


@told(3_250_402, (HOUR, -HOUR), lag=0.0)
def one_of_several_edits_that_left_together_is_discarded_before_they_arrive(h: Histories) -> None:
    h.an_operator_edits(BEN, 4, "brief.punchline")
    h.an_operator_edits(BEN, 4, "department")
    h.an_operator_deletes(BEN, 5)
    h.an_operator_votes(BEN, 4, "Will", 2)
    h.firestore_will_fail(BEN, Fault.LATE)
    h.a_cycle(BEN)
    h.an_operator_votes(BEN, 4, "Will", 3)
    h.an_operator_discards(BEN, 1)
    h.an_operator_discards(BEN, 4)


@told(3_913_293_387, (-HOUR, 0.0), lag=0.0)
def a_total_is_not_owed_besides_the_votes_that_make_it(h: Histories) -> None:
    h.an_operator_votes(ANN, 2, "Vera", 3)
    h.salesforce_will_fail(ANN, Fault.LOST_AFTER)
    h.a_cycle(ANN)
    h.salesforce_refuses_one_project(0, poisoned=True)
    h.an_operator_votes(ANN, 2, "Will", 1)
    h.firestore_will_fail(ANN, Fault.LATE)
    h.a_cycle(ANN)


@told(141_651, (HOUR, -HOUR))
def a_row_written_upon_an_older_look_is_mended_before_others_take_it(h: Histories) -> None:
    h.a_person_edits(0, "strategic_value")
    h.an_operator_edits_several_fields(BEN, 0, {"brief.punchline", "department", "strategic_value"})
    h.salesforce_refuses_one_project(0, poisoned=True)
    h.an_operator_undoes(BEN, redo=False)
    h.a_cycle(BEN)
    h.an_operator_edits_several_fields(ANN, 0, {"department", "strategic_value"})


@told(93, (-HOUR, 0.0))
def a_project_first_met_in_its_row_is_as_its_maker_tells_later(h: Histories) -> None:
    h.an_operator_creates(ANN, 0)
    h.an_operator_creates(ANN, 0)
    h.an_operator_edits(ANN, 3, "strategic_value")
    h.an_operator_creates(BEN, None)
    h.firestore_will_fail(BEN, Fault.READ_LOST)
    h.a_cycle(BEN)
    h.time_passes(900.0)
    h.a_cycle(ANN)
    h.an_operator_edits_several_fields(ANN, 3, {"brief.punchline", "department", "strategic_value"})
    h.salesforce_is_reconciled(BEN, full=False)


@told(133_870, (HOUR, -HOUR), lag=0.0)
def an_edit_upon_mine_is_no_clash_because_i_died_before_writing_down(h: Histories) -> None:
    h.an_operator_edits(BEN, 0, "department")
    h.firestore_will_fail(BEN, Fault.LOST_AFTER)
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(ANN)
    h.an_operator_edits(BEN, 0, "brief.punchline")
    h.a_process_will_die(BEN, 6)
    h.an_operator_edits(ANN, 0, "department")
    h.what_is_due_by_schedule(BEN)
    h.a_cycle(BEN)


@told(5_109_650, (0.0, HOUR / 2))
def a_persons_edit_relayed_is_not_owed_over_his_next_one(h: Histories) -> None:
    h.an_operator_edits(ANN, 1, "strategic_value")
    h.a_person_edits_in_the_window(1, "department", ANN)
    h.salesforce_will_fail(ANN, Fault.EXPIRED)
    h.a_cycle(ANN)
    h.an_operator_edits(ANN, 0, "department")
    h.a_cycle(ANN)
    h.an_operator_edits(BEN, 5, "department")
    h.salesforce_is_reconciled(BEN, full=True)
    h.a_person_edits(3, "department")
    h.an_operator_edits_several_fields(BEN, 0, {"brief.punchline", "department"})
    h.a_process_will_die(BEN, 9)
    h.a_cycle(BEN)


@told(1_169, (HOUR, -HOUR))
def who_keeps_a_project_keeps_what_he_emptied(h: Histories) -> None:
    h.a_person_edits(4, "department")
    h.salesforce_is_reconciled(ANN, full=False)
    h.salesforce_is_reconciled(BEN, full=True)
    h.a_person_deletes(2, purge=False)
    h.an_operator_discards(ANN, 1)
    h.salesforce_is_reconciled(ANN, full=False)


@told(4_194_303, (-HOUR, 0.0), lag=0.0)
def an_edit_back_to_the_common_value_clashes_with_a_persons_told_late(h: Histories) -> None:
    h.a_person_edits(2, "department")
    h.what_is_due_by_schedule(ANN)
    h.an_operator_discards(ANN, 2)
    h.a_person_edits(2, "brief.punchline")
    h.salesforce_is_switched(ANN, on=False)
    h.what_is_due_by_schedule(BEN)


@told(17_121, (0.0, HOUR / 2), lag=0.0)
def an_older_document_does_not_revive_what_was_deleted_since(h: Histories) -> None:
    h.an_operator_deletes(ANN, 0)
    h.a_side_comes_and_goes(ANN, "firestore", down=True)
    h.what_is_due_by_schedule(BEN)
    h.what_is_due_by_schedule(ANN)
    h.time_passes(900.0)
    h.a_cycle(ANN)
    h.a_person_undeletes(0)


@told(1_820_695_916, lag=0.0)
def a_row_read_before_its_maker_died_is_older_than_what_he_told(h: Histories) -> None:
    h.an_operator_edits_several_fields(BEN, 1, {"department", "strategic_value"})
    h.time_passes(70.0)
    h.a_cycle(BEN)
    h.a_process_will_die(BEN, 4)
    h.an_operator_edits(BEN, 1, "strategic_value")
    h.a_cycle(BEN)
    h.a_side_comes_and_goes(ANN, "firestore", down=True)
    h.what_is_due_by_schedule(ANN)
    h.time_passes(900.0)
    h.what_is_due_by_schedule(ANN)
    h.time_passes(70.0)
    h.what_is_due_by_schedule(ANN)


@told(646, (HOUR, -HOUR))
def a_move_that_arrived_after_it_was_discarded_goes_back(h: Histories) -> None:
    h.an_operator_moves(ANN, 1, -1)
    h.firestore_will_fail(ANN, Fault.LATE)
    h.a_cycle(ANN)
    h.an_operator_discards(ANN, 4)


@told(7_787, lag=0.0)
def two_who_bring_one_project_back_keep_what_one_had_emptied(h: Histories) -> None:
    h.an_operator_edits(BEN, 3, "department")
    h.a_cycle(BEN)
    h.what_is_due_by_schedule(ANN)
    h.an_operator_deletes(ANN, 5)
    h.an_operator_undoes(BEN, redo=False)


@told(527_558, (0.0, HOUR / 2), lag=0.0)
def a_row_made_from_an_older_look_is_as_its_document_says(h: Histories) -> None:
    h.a_process_will_die(BEN, 11)
    h.an_operator_creates(BEN, 1)
    h.an_operator_edits_several_fields(BEN, 2, {"brief.punchline", "department"})
    h.a_cycle(BEN)
    h.a_side_comes_and_goes(ANN, "firestore", down=True)
    h.salesforce_will_fail(BEN, Fault.MIXED)
    h.salesforce_is_reconciled(ANN, full=True)
    h.an_operator_creates(ANN, None)
    h.time_passes(5.0)
    h.an_operator_undoes(BEN, redo=False)
    h.a_cycle(BEN)
    h.time_passes(30.0)
    h.time_passes(5.0)
    h.an_operator_votes(BEN, 5, "Will", 1)
    h.an_operator_edits_several_fields(ANN, 2, {"department", "strategic_value"})
    h.an_operator_creates(BEN, None)
    h.a_person_deletes(1, purge=False)
    h.an_operator_discards(ANN, 4)
    h.a_person_edits(4, "strategic_value")
    h.salesforce_is_reconciled(ANN, full=True)


@told(95_910, (0.0, HOUR / 2))
def a_row_older_than_its_own_history_is_read_again(h: Histories) -> None:
    h.an_operator_creates(BEN, 2)
    h.a_cycle(BEN)
    h.an_operator_deletes(ANN, 0)
    h.an_operator_edits_several_fields(BEN, 5, {"department", "strategic_value"})
    h.salesforce_will_fail(BEN, Fault.DUPLICATE)
    h.a_cycle(BEN)
    h.salesforce_will_fail(BEN, Fault.LATE)
    h.time_passes(5.0)
    h.firestore_is_followed(ANN)
    h.salesforce_refuses_one_project(5, poisoned=True)
    h.time_passes(5.0)
    h.a_cycle(BEN)
    h.time_passes(30.0)
    h.an_operator_edits(BEN, 5, "department")


@pytest.mark.parametrize(
    ("history", "number", "offsets", "lag"), TOLD, ids=[each[0].__name__ for each in TOLD]
)
def test_it_breaks_no_promise(
    history: Callable[[Histories], None], number: int, offsets: tuple[float, float], lag: float
) -> None:
    told = Histories()
    told.begin(number, offsets, lag)
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


def test_what_another_program_wrote_as_our_user_long_after_the_known_version_is_taken_at_once() -> (
    None
):
    h = Histories()
    h.begin(1, (0.0, 0.0), 3.0)
    ann = h.world.operators[ANN]
    row = h.world.org.row("p1")
    assert row is not None
    h.time_passes(30.0)
    h.world.org.change(row, {"strategic_value": "a data loader's"}, ROBOT)
    h.time_passes(5.0)
    h.salesforce_is_reconciled(ANN, full=False)
    assert (ann.here("p1") or {})["strategic_value"] == "a data loader's"


def test_a_row_that_is_there_has_not_delivered_its_link() -> None:
    h = Histories()
    h.begin(1, (0.0, 0.0), 3.0)
    ann = h.world.operators[ANN]
    h.an_operator_creates(ANN, 0)
    h.a_cycle(ANN)  # the row does not show yet, and the link waits for it
    told = delivered(ann.conn, "p3", SALESFORCE, EVER)
    assert "feature_name" in told
    assert "parent_id" not in told
    h.time_passes(30.0)
    h.a_cycle(ANN)
    assert "parent_id" in delivered(ann.conn, "p3", SALESFORCE, EVER)
