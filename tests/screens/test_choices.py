"""The filterable list: what is typed brings the best line to the top."""

from __future__ import annotations

import pytest

from screens.widgets.choices import Choice, ranked

LABELS = ("In Design", "Yet to Start", "Redesign", "Paused", "View: P2 Pipeline", "Undo")
CHOICES = [Choice(label, label) for label in LABELS]


def found(typed: str) -> list[str]:
    return [each.label for each in ranked(CHOICES, typed)]


def test_with_nothing_typed_all_are_there_in_their_order() -> None:
    assert found("  ") == list(LABELS)


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("pa", "Paused"),
        ("des", "In Design"),  # the start of a word before the middle of one
        ("start", "Yet to Start"),
        ("p2", "View: P2 Pipeline"),
        ("vpp", "View: P2 Pipeline"),  # its letters in their order
        ("UNDO", "Undo"),
    ],
)
def test_the_best_match_comes_first(typed: str, first: str) -> None:
    assert found(typed)[0] == first


def test_a_line_that_starts_with_it_comes_before_one_that_holds_it() -> None:
    choices = [Choice("a", "The un of it"), Choice("b", "Undo"), Choice("c", "Redundant un")]
    assert ranked(choices, "un")[0].value == "b"


def test_the_note_is_searched_too() -> None:
    choices = [Choice("a", "Export", note="write a file"), Choice("b", "Undo")]
    assert [each.value for each in ranked(choices, "file")] == ["a"]


def test_what_matches_nothing_leaves_nothing() -> None:
    assert found("zzz") == []
