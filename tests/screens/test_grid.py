"""The grid alone: what it costs, where its cursor is, what it does with any text."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Grid
from tui.theme import DARK, THEMES, meanings

COLUMNS = (Column("name", "Name", 10, grow=1), Column("state", "State", 8))


class Alone(App[None]):
    """A grid and nothing else."""

    def __init__(self, rows: Sequence[str]) -> None:
        super().__init__()
        for each in THEMES:
            self.register_theme(each)
        self.theme = DARK
        self.asked: list[str] = []
        self.first = rows
        self.texts: dict[str, str] = {}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return meanings(self.current_theme.to_color_system().generate(), dark=True)

    def compose(self) -> ComposeResult:
        self.grid = Grid(COLUMNS, self.say)
        yield self.grid

    def on_mount(self) -> None:
        self.grid.set_rows(self.first)
        self.grid.focus()

    def say(self, row: str, column: str, width: int) -> Cell:
        self.asked.append(row)
        return Cell(self.texts.get(row, f"{row} {column}"), "quiet")

    @property
    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]


@contextlib.asynccontextmanager
async def alone(rows: Sequence[str], height: int = 12) -> AsyncIterator[tuple[Alone, Pilot[None]]]:
    app = Alone(rows)
    async with app.run_test(size=(40, height)) as pilot:
        await pilot.pause()
        yield app, pilot


def rows(number: int) -> list[str]:
    return [f"row{at:05d}" for at in range(number)]


async def test_only_the_lines_on_show_are_made_however_many_rows_there_are() -> None:
    costs = []
    for number in (50, 10_000):
        async with alone(rows(number)) as (app, pilot):
            app.asked.clear()
            await pilot.press("down")
            await pilot.pause()
            moved = len(app.asked)
            app.asked.clear()
            await pilot.press("end")
            await pilot.pause()
            costs.append((moved, len(app.asked)))
    assert costs[0] == costs[1]
    assert costs[0][0] <= 2 * len(COLUMNS) * 2


async def test_what_will_be_on_show_is_known_before_other_rows_are() -> None:
    """Whoever reads rows asks for those that will be seen, and for no others."""
    async with alone(rows(300)) as (app, pilot):
        grid = app.grid
        for keys, others in (
            ((), rows(300)[100:]),
            (("end",), rows(300)[::-1]),
            (("home", *["pagedown"] * 9), rows(300)[50:]),
            (("up",), rows(20)),
            (("end",), []),
        ):
            await pilot.press(*keys)
            await pilot.pause()
            top = grid.anchored_at.top_among(others)
            grid.set_rows(others)
            await pilot.pause()
            seen = min(top, max(0, len(others) - grid._height))
            assert grid.shown_rows[:3] == others[seen : seen + 3]


async def test_the_cursor_is_known_by_its_row_and_not_by_its_place() -> None:
    async with alone(rows(100)) as (app, pilot):
        app.grid.move_to("row00040", "state")
        await pilot.pause()
        region = app.grid.cell_region("row00040", "state")
        app.grid.set_rows(rows(100)[7:])
        await pilot.pause()
        assert app.grid.row == "row00040"
        assert app.grid.cell_region("row00040", "state") == region


async def test_a_row_that_goes_leaves_the_cursor_where_it_was() -> None:
    async with alone(rows(10)) as (app, _pilot):
        app.grid.move_to("row00004")
        app.grid.set_rows([each for each in rows(10) if each != "row00004"])
        assert app.grid.row == "row00005"
        app.grid.set_rows(rows(3))
        assert app.grid.row == "row00002"
        app.grid.set_rows([])
        assert app.grid.row is None


async def test_a_selected_row_that_goes_is_no_longer_selected() -> None:
    async with alone(rows(5)) as (app, _pilot):
        app.grid.select(["row00003", "row00001"])
        assert app.grid.selected == ["row00001", "row00003"]
        app.grid.set_rows(rows(3))
        assert app.grid.selected == ["row00001"]


async def test_wide_text_keeps_the_columns_aligned() -> None:
    async with alone(rows(6)) as (app, pilot):
        texts = [
            "漢字かな交じり文の長い名前",
            "👩‍👩‍👧‍👦 family",
            "مشروع تجريبي",
            "e\u0301\u0302",
            "[/x]",
            "\x1b[2J",
        ]
        app.texts = dict(zip(rows(6), texts, strict=True))
        app.grid.touch()
        await pilot.pause()
        from rich.cells import cell_len

        assert {cell_len(line) for line in app.lines[1:7]} == {40}
        assert "[/x]" in app.lines[5]
        assert "␛[2J" in app.lines[6]


async def test_resizing_keeps_the_cursor_in_sight() -> None:
    async with alone(rows(100), height=30) as (app, pilot):
        app.grid.move_to("row00028")
        await pilot.resize_terminal(40, 8)
        await pilot.pause(0.2)
        assert "row00028" in app.grid.shown_rows


async def test_the_wheel_scrolls_and_leaves_the_cursor() -> None:
    async with alone(rows(100)) as (app, pilot):
        app.grid.scroll_to(y=50, animate=False)
        await pilot.pause()
        assert app.grid.row == "row00000"
        assert app.grid.shown_rows[0] == "row00050"
        await pilot.press("down")
        assert app.grid.shown_rows[0] == "row00001"


async def test_a_click_beside_the_row_selects_it() -> None:
    async with alone(rows(10)) as (app, pilot):
        await pilot.click(offset=(0, 3))
        assert app.grid.selected == ["row00002"]
        await pilot.click(offset=(0, 3))
        assert app.grid.selected == []


async def test_the_state_of_a_row_is_seen_without_colour() -> None:
    async with alone(rows(5)) as (app, pilot):
        app.grid.toggle("row00002")
        await pilot.pause()
        assert app.lines[1].startswith("▸ ")
        assert app.lines[3].startswith("✓ ")
