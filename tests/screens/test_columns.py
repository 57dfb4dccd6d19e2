"""Which columns fit: in the stated order, and never without feature, status and sync."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.roadmap_rows import COLUMNS, columns_for
from screens.widgets.columns import fit_columns


def test_asked_for_columns_come_in_their_order_with_those_that_always_stay() -> None:
    names = [column.key for column in columns_for(["total_score", "it_lead", "total_score"])]
    assert names == ["feature_name", "total_score", "it_lead", "status", "sync"]


def test_a_column_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="there is no column 'colour'; there are priority"):
        columns_for(["colour"])


KEPT = ["priority", "feature_name", "status", "launch_target", "sync"]


def test_at_80_columns_the_four_that_may_go_are_gone() -> None:
    assert list(fit_columns(COLUMNS, 77, 1)) == KEPT


def test_the_columns_go_in_the_stated_order() -> None:
    gone: list[str] = []
    for width in range(200, 60, -1):
        shown = fit_columns(COLUMNS, width, 1)
        gone += [c.key for c in COLUMNS if c.key not in shown and c.key not in gone]
    assert gone == ["product_owner", "level_of_effort", "it_lead", "department"]


@given(st.integers(70, 300), st.sampled_from([1, 2]))
def test_the_widths_fill_the_line_exactly(width: int, gap: int) -> None:
    widths = fit_columns(COLUMNS, width, gap)
    assert sum(widths.values()) + gap * (len(widths) - 1) == width


@pytest.mark.parametrize("width", [10, 30, 50, 59])
def test_too_small_a_terminal_still_has_the_columns_that_stay(width: int) -> None:
    assert list(fit_columns(COLUMNS, width, 1)) == KEPT
