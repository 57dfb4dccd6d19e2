"""Charts: every value in its place, gaps as gaps, readable at any size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from screens.plot import DOTS, Line, draw

MONTHS = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
SCALE = [(0.0, "0"), (5.0, "5"), (10.0, "10")]
VALUES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 5.0, 5.0)


def rows(*lines: Line, size: tuple[int, int] = (40, 12), at: int | None = None) -> list[str]:
    return draw(lines, MONTHS, SCALE, size, at).content.plain.split("\n")


@pytest.mark.parametrize("size", [(40, 12), (78, 14), (200, 40), (25, 6)])
def test_a_chart_fills_its_size_and_names_both_axes(size: tuple[int, int]) -> None:
    drawn = rows(Line(VALUES, "$p2"), size=size)
    assert len(drawn) == size[1]
    assert {len(each) for each in drawn} == {size[0]}
    assert "10┤" in drawn[0]
    assert any(each.lstrip().startswith("0┤") for each in drawn)
    assert "Dec" in drawn[-1]


def test_a_missing_month_breaks_the_line_and_a_lonely_one_is_a_dot() -> None:
    gap = (*VALUES[:4], None, None, 7.0, None, *VALUES[8:])
    plot = draw([Line(gap, "$p2")], MONTHS, SCALE, (80, 12), None)
    columns = list(zip(*plot.content.plain.split("\n")[:-2], strict=True))
    empty = [
        plot.place_at(x)
        for x, cells in enumerate(columns)
        if x >= plot.left and not "".join(cells).strip()
    ]
    assert {4, 5, 7} <= set(empty)
    assert "●" in plot.content.plain


def test_two_series_differ_without_colour() -> None:
    drawn = "\n".join(rows(Line(VALUES, "$p2"), Line((0.0,) * 12, "$warn", DOTS)))
    assert drawn.count("•") == 12
    assert any("\u2800" < each <= "\u28ff" for each in drawn)


def test_where_two_series_meet_the_first_is_seen() -> None:
    alone = (None,) * 5 + (5.0,) + (None,) * 6
    drawn = "\n".join(rows(Line(alone, "$p2"), Line(alone, "$quiet", DOTS)))
    assert "●" in drawn
    assert "•" not in drawn


def test_every_cell_of_the_canvas_belongs_to_a_month() -> None:
    plot = draw([Line(VALUES, "$p2")], MONTHS, SCALE, (40, 12), None)
    found = [plot.place_at(x) for x in range(40)]
    assert found[: plot.left] == [None] * plot.left
    assert sorted(set(found[plot.left :])) == list(range(12))  # type: ignore[type-var]


@pytest.mark.parametrize("at", range(12))
def test_the_month_under_the_cursor_is_marked_without_colour(at: int) -> None:
    plot = draw([Line(VALUES, "$p2")], MONTHS, SCALE, (40, 12), at)
    assert plot.content.plain.count("◆") == 1
    assert MONTHS[at] in plot.content.plain.split("\n")[-1]
    marked = [span for span in plot.content.spans if "reverse" in str(span.style)]
    assert [plot.content.plain[each.start : each.end] for each in marked] == [MONTHS[at]]


def test_colours_are_the_themes_and_no_escape_is_left() -> None:
    second = Line(VALUES[::-1], "$warn", DOTS)
    content = draw([Line(VALUES, "$p2"), second], MONTHS, SCALE, (40, 12), 3).content
    assert "\x1b" not in content.plain
    assert {"$quiet", "$p2", "$warn"} <= {str(span.style) for span in content.spans}


def test_many_months_are_labelled_as_far_as_there_is_room() -> None:
    labels = [MONTHS[n % 12] for n in range(60)]
    drawn = draw([Line((5.0,) * 60, "$p2")], labels, SCALE, (60, 10), 59).content.plain
    shown = drawn.split("\n")[-1].split()
    assert shown[-1] == "Nov"
    assert 8 < len(shown) < 15
    assert set(shown) <= set(MONTHS)


@pytest.mark.parametrize("width", range(24, 90, 3))
@pytest.mark.parametrize("months", [13, 24, 56, 60])
def test_every_label_stands_below_its_own_month(months: int, width: int) -> None:
    labels = [MONTHS[n % 12] for n in range(months)]
    plot = draw([Line((5.0,) * months, "$p2")], labels, SCALE, (width, 10), months - 1)
    *_, axis, below = plot.content.plain.split("\n")
    ticks = [x for x, each in enumerate(axis) if each == "┬"]
    written = [below[max(0, x - 2) : x + 3] for x in ticks]
    assert len(ticks) == len(below.split())
    for x, text in zip(ticks, written, strict=True):
        near = {
            labels[place]
            for place in range(months)
            if abs(plot.left + (place + 0.5) * plot.width / months - x) <= 1.5
        }
        assert any(label in text for label in near), (x, text, near)
    assert below.split()[-1] == labels[-1], "the marked month has its label"


def test_a_chart_is_the_same_in_every_process() -> None:
    code = (
        "from tests.screens.test_plot import *\n"
        "labels = [MONTHS[n % 12] for n in range(60)]\n"
        "print(draw([Line((5.0,) * 60, '$p2')], labels, SCALE, (60, 10), 59).content.plain)"
    )
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(drawn) == 1
