"""Dates as people say them."""

from __future__ import annotations

import datetime as dt

import pytest

from screens.dates import is_late, launch, relative, spelled

TODAY = dt.date(2026, 11, 21)


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("2026-12-15", "In Design", "in 24 d"),
        ("2026-11-21", "In Design", "today"),
        ("2026-11-12", "In Design", "9 d late"),
        ("2024-11-21", "In Design", "730 d late"),
        ("2027-06-09", "In Design", "2027-06-09"),
        ("2026-11-12", "Completed", "2026-11-12"),
        ("2026-12-15", "N/A", "2026-12-15"),
        ("TBD", "In Design", "TBD"),
        ("?", "In Design", "?"),
        (None, "In Design", "—"),
        ("2026-02-30", "In Design", "2026-02-30"),
    ],
)
def test_a_launch_target_in_the_table(target: str | None, status: str, said: str) -> None:
    assert launch(target, status, TODAY) == said


def test_with_room_the_date_stands_beside_what_is_relative() -> None:
    assert launch("2026-12-15", "In Design", TODAY, wide=True) == "2026-12-15  in 24 d"


@pytest.mark.parametrize("status", ["Completed", "N/A"])
def test_what_is_over_is_never_late(status: str) -> None:
    assert is_late("2026-11-20", "In Design", TODAY)
    assert not is_late("2026-11-20", status, TODAY)


def test_today_is_not_late() -> None:
    assert not is_late("2026-11-21", "In Design", TODAY)


def test_a_past_date_is_ago_and_a_date_is_spelled_in_english() -> None:
    assert relative(dt.date(2026, 11, 12), TODAY) == "9 d ago"
    assert spelled(dt.date(2026, 12, 15)) == "Tue 15 Dec 2026"
