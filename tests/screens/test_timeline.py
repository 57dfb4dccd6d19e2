"""The timeline's axis and bars."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens import timeline
from screens.timeline import Axis, axis_for, bar, header, in_lanes

TODAY = dt.date(2026, 11, 21)
WIDTH = 60
AXIS = Axis(dt.date(2026, 7, 1), 6, TODAY)


def drawn(target: str | None, status: str = "In Design", width: int = WIDTH) -> str:
    cell = bar(AXIS, target, status, width)
    text = "".join(part.text for part in cell.parts)
    assert len(text) == width
    return text


def tone_of(target: str | None, status: str, mark: str) -> str:
    return next(p.tone for p in bar(AXIS, target, status, WIDTH).parts if mark in p.text)


def test_the_quarters_are_columns_and_today_is_marked() -> None:
    over = header(AXIS, WIDTH)
    names = ["Q3 2026", "Q4", "▼", "Q1 2027", "Q2 2027", "Q3 2027", "Q4 2027"]
    places = [over.index(name) for name in names]
    assert places == sorted(places)


def test_a_launch_to_come_is_a_bar_from_today_to_its_date() -> None:
    text = drawn("2027-06-09")
    start, end = text.index("│"), text.index("◆")
    assert set(text[start + 1 : end]) == {"━"}
    assert end == AXIS.at(dt.date(2027, 6, 9), WIDTH)
    assert "in 200 d" in text


def test_a_late_launch_is_a_bar_back_to_its_date_and_says_so() -> None:
    text = drawn("2026-08-01")
    assert text.index("◆") < text.index("│")
    assert "112 d late" in text
    assert tone_of("2026-08-01", "In Design", "◆") == "bad"


def test_what_is_done_is_never_late() -> None:
    text = drawn("2026-08-01", "Completed")
    assert "late" not in text
    assert "━" not in text
    assert "Completed" in text


@pytest.mark.parametrize(("target", "mark"), [("2029-01-01", "▶"), ("2020-01-01", "◀")])
def test_a_date_that_is_not_on_the_axis_is_an_arrow_with_the_date(target: str, mark: str) -> None:
    text = drawn(target)
    assert mark in text
    assert target in text or "late" in text


@pytest.mark.parametrize(
    ("target", "said"), [("?", "?"), ("TBD", "TBD"), ("N/A", "N/A"), (None, "no launch target")]
)
def test_an_undecided_target_is_said(target: str | None, said: str) -> None:
    assert said in drawn(target)


def test_undecided_projects_stand_below_the_others_in_the_same_order() -> None:
    rows = {"a": ("TBD",), "b": ("2027-01-01",), "c": (None,), "d": ("2026-01-01",)}
    assert in_lanes(list(rows), rows, 0) == ["b", "d", timeline.LANE, "a", "c"]


def test_without_undecided_projects_there_is_no_lane() -> None:
    assert in_lanes(["b"], {"b": ("2027-01-01",)}, 0) == ["b"]


@given(
    st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), max_size=5),
    st.dates(dt.date(1901, 1, 1), dt.date(2098, 12, 31)),
    st.integers(1, 200),
)
def test_today_is_always_on_the_axis_and_every_bar_fills_it(
    dates: list[dt.date], today: dt.date, width: int
) -> None:
    axis = axis_for(dates, today, width)
    assert axis.start <= today < axis.end
    assert len(header(axis, width)) == width
    for each in dates:
        cell = bar(axis, each.isoformat(), "In QA", width)
        assert sum(len(part.text) for part in cell.parts) == width
