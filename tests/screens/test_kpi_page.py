"""The KPI page, by the keys its key line offers."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.dialogs import Choose, EditLine, ShowText
from screens.kpi import KpiPage
from screens.widgets.figure_line import FigureLine
from screens.widgets.kpi_chart import Chart
from screens.widgets.kpi_departments import DepartmentGrid
from screens.widgets.kpi_tiles import TileRow
from screens.widgets.lineedit import LineEdit
from screens.widgets.pane_line import PaneLine
from screens.widgets.ticket_table import TicketTable
from services.kpis import words
from services.kpis.answers import Overview
from services.kpis.board import Board
from services.kpis.measures import FURTHER_TILES, TILES
from services.kpis.place import SANDBOX_TICKETS
from services.kpis.selection import EVERYTHING, Filters
from tests.kpis.world import Histories, ticket
from tests.screens import figure_worlds
from tests.screens.figure_worlds import (
    begun,
    drilled,
    heading,
    painted,
    press,
    rows_of,
    typed,
)
from tests.screens.worlds import World, at_rest, key_line, status, until
from tui.app import SteercoApp


def page_of(pilot: Pilot[None]) -> KpiPage:
    page = pilot.app.screen_stack[0]
    assert isinstance(page, KpiPage)
    return page


def found_of(pilot: Pilot[None]) -> Overview:
    found = page_of(pilot)._overview
    assert found is not None
    return found


def chart(pilot: Pilot[None], name: str) -> Chart:
    return page_of(pilot).query_one(f"#chart-{name}", Chart)


async def test_each_tile_has_figure_change_course_and_n(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        top = "\n".join(painted(pilot)[3:9])
        for label in ("Cycle time", "MTTR", "Throughput / dev", "Rework rate"):
            assert label in top
        cycle = found_of(pilot).tiles[0]
        assert f"{cycle.figure.value:.1f} d" in top
        assert f"n {cycle.figure.n}" in top
        assert f"p85 {cycle.p85:.1f}" in top
        assert words.change(cycle) in top
        assert "6 devs" in top
        assert "policy v1 · 450 tickets" in painted(pilot)[2]
        assert "vs the 90 days before" in painted(pilot)[2]


async def test_enter_on_a_tile_lists_exactly_its_tickets_and_esc_goes_back(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        for place in range(4):
            tile = found_of(pilot).tiles[place]
            assert tile.figure.n > 0
            await press(pilot, "enter")
            assert len(rows_of(pilot)) == tile.figure.n
            assert heading(pilot).endswith(f"n {tile.figure.n}")
            await press(pilot, "escape")
            assert pilot.app.screen is page_of(pilot)
            assert page_of(pilot).query_one(TileRow).has_focus
            await press(pilot, "right")


async def test_m_shows_the_further_tiles_and_each_opens_its_tickets(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "m")
        top = "\n".join(painted(pilot)[3:9])
        for label in (
            "Intake wait",
            "First response",
            "Assignment latency",
            "Release reliability",
            "SLA breach",
        ):
            assert label in top
        await press(pilot, "right", "right", "right", "right", "enter")
        breach = found_of(pilot).tiles[4]
        assert len(rows_of(pilot)) == breach.figure.n > 0
        await press(pilot, "escape", "m")
        assert "Cycle time" in painted(pilot)[4]


async def test_enter_on_a_month_lists_exactly_its_tickets(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "tab")
        assert chart(pilot, "cycle_time").has_focus
        for name in ("cycle_time", "mttr", "throughput", "inflow"):
            point = found_of(pilot).series[name][-3]
            assert chart(pilot, name).has_focus
            await press(pilot, "end", "left", "left", "enter")
            assert len(rows_of(pilot)) == point.n
            assert heading(pilot).endswith(f"n {point.n}")
            assert "Sep 2026" in heading(pilot)
            await press(pilot, "escape", "down")
        incidents = found_of(pilot).series["incidents"][-1]
        assert "incidents" in key_line(pilot.app)
        await press(pilot, "end", "i")
        assert len(rows_of(pilot)) == incidents.n
        await press(pilot, "escape", "up", "up", "up", "up")
        assert page_of(pilot).query_one(TileRow).has_focus


async def test_the_month_under_the_cursor_is_told_with_its_n(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        assert any("Nov 2026 so far" in each for each in painted(pilot))
        await press(pilot, "down", "left")
        point = found_of(pilot).series["cycle_time"][-2]
        line = next(each for each in painted(pilot) if "Oct 2026" in each)
        assert f"Oct 2026  {point.value:.1f} d  n {point.n}" in line
        assert any("◆" in each for each in painted(pilot))
        await press(pilot, "home")
        assert any("Dec 2025" in each for each in painted(pilot))


async def test_a_department_opens_its_closed_tickets(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "]")
        grid = page_of(pilot).query_one(DepartmentGrid)
        assert grid.has_focus
        assert len(grid.rows) == len(found_of(pilot).departments) == 7
        assert grid.rows[0] == f"={grid.here.department}"  # type: ignore[union-attr]
        for _ in range(7):
            here = grid.here
            assert here is not None
            await press(pilot, "enter")
            assert len(rows_of(pilot)) == here.tickets
            await press(pilot, "escape", "down")


async def test_departments_sort_by_any_column_by_key_and_by_mouse(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "]")
        grid = page_of(pilot).query_one(DepartmentGrid)
        await press(pilot, "s")
        await typed(pilot, "median")
        await press(pilot, "enter")
        cycles = [grid._lines[each].cycle_median_d for each in grid.rows]
        assert cycles == sorted(cycles, key=lambda value: -(value or 0))
        await pilot.click(grid, offset=(4, 0))
        await at_rest(pilot)
        assert list(grid.rows) == sorted(grid.rows, key=lambda each: each.casefold())


async def test_the_ticket_query_searches_sorts_tells_and_clears(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "[")
        table = page_of(pilot).query_one(TicketTable)
        assert table.grid.has_focus
        assert len(table.grid.rows) == 450
        header = next(each for each in painted(pilot) if "Closed ▼" in each).split()
        assert header[:6] == ["Name", "Title", "Department", "Type", "Cycle", "d"]
        await press(pilot, "slash")
        await typed(pilot, "badge")
        assert 0 < len(table.grid.rows) < 450
        assert all("badge" in table._rows[each].title.lower() for each in table.grid.rows[:50])
        assert f"{len(table.grid.rows)} found" in "\n".join(painted(pilot))
        await press(pilot, "enter", "s")
        await typed(pilot, "cycle")
        await press(pilot, "enter")
        cycles = [table._rows[each].cycle_d for each in table.grid.rows[:40]]
        assert cycles == sorted(cycles, reverse=True)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ShowText)
        assert "Cycle time" in "\n".join(painted(pilot))
        await press(pilot, "escape", "y")
        assert pilot.app.clipboard == table.here.name  # type: ignore[union-attr]
        await press(pilot, "escape")
        assert len(table.grid.rows) == 450
        await press(pilot, "slash")
        await typed(pilot, "nothing like it")
        assert "No ticket matches" in "\n".join(painted(pilot))


async def test_digits_typed_into_the_search_are_text(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        await press(pilot, "[", "slash")
        await typed(pilot, "t-3m")
        assert page_of(pilot).query_one(TicketTable).text == "t-3m"
        assert not page_of(pilot).further
        assert pilot.app.current_mode == "kpi"


@pytest.mark.parametrize("kind", ["csv", "json", "md"])
async def test_x_writes_exactly_the_list_on_show(tmp_path: Path, kind: str) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "right", "enter")
        names = [drilled(pilot).query_one(TicketTable)._rows[each].name for each in rows_of(pilot)]
        await press(pilot, "x")
        await typed(pilot, kind)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, EditLine)
        await press(pilot, "enter")
        await until(pilot, lambda: "written to" in "".join(painted(pilot)), "the file")
    written = next(tmp_path.glob(f"mttr.{kind}"))
    match kind:
        case "csv":
            with written.open(newline="", encoding="utf-8") as file:
                found = [row["name"] for row in csv.DictReader(file)]
        case "json":
            found = [row["name"] for row in json.loads(written.read_text())]
        case _:
            lines = written.read_text().splitlines()
            assert lines[0].startswith("| Name | Title | Department |")
            found = [each.split("|")[1].strip().replace("\\", "") for each in lines[2:]]
    assert found == names


@pytest.mark.parametrize(
    ("wanted", "days"),
    [("30 days", 30), ("this quarter", 92), ("quarter before", 92), ("this year", 365)],
)
async def test_another_period_is_counted(tmp_path: Path, wanted: str, days: int) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        before = found_of(pilot).tiles[0]
        await press(pilot, "p")
        await typed(pilot, wanted)
        await press(pilot, "enter")
        tile = found_of(pilot).tiles[0]
        assert tile.selection.period is not None
        assert tile.selection.period.days == days
        assert tile.figure != before.figure
        await press(pilot, "enter")
        assert len(rows_of(pilot)) == tile.figure.n


async def test_a_period_may_be_written_and_a_wrong_one_says_how(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        await press(pilot, "p")
        await typed(pilot, "another")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, EditLine)
        assert pilot.app.screen.query_one(LineEdit).value == "2026-08-24 2026-11-21"
        await press(pilot, "2")  # what is proposed gives way to the first letter
        await typed(pilot, "026-13")
        assert "write 2026-03" in "\n".join(painted(pilot))
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, EditLine)
        await press(pilot, "ctrl+u")
        await typed(pilot, "2026-q1")
        await press(pilot, "enter")
        assert "Q1 2026 ▾" in painted(pilot)[2]
        period = found_of(pilot).tiles[0].selection.period
        assert period is not None
        assert (str(period.start), str(period.end)) == ("2026-01-01", "2026-04-01")


@pytest.mark.parametrize(
    ("opening", "value", "group"),
    [("d", "finance", "departments"), ("t", "defect", "types"), ("P", "p2", "priorities")],
)
async def test_a_filter_narrows_every_figure_and_can_be_taken_away(
    tmp_path: Path, opening: str, value: str, group: str
) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        whole = found_of(pilot)
        await press(pilot, opening)
        await typed(pilot, value)
        await press(pilot, "enter")
        narrowed = found_of(pilot)
        assert 0 < narrowed.tickets < whole.tickets
        assert narrowed.tiles[0].figure.n < whole.tiles[0].figure.n
        (picked,) = getattr(page_of(pilot).filters, group)
        assert picked.lower() == value
        assert picked in painted(pilot)[2]
        await press(pilot, opening, "escape")
        assert found_of(pilot) == narrowed
        await press(pilot, opening)
        await typed(pilot, value)
        await press(pilot, "enter")
        assert found_of(pilot) == whole


async def test_two_departments_add_up_and_esc_clears_the_filters(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        numbers = []
        for name in ("finance", "sales"):
            await press(pilot, "d")
            await typed(pilot, name)
            await press(pilot, "enter")
            numbers.append(found_of(pilot).tickets)
        assert page_of(pilot).filters.departments == ("Finance", "Sales")
        assert numbers[1] > numbers[0]
        await press(pilot, "escape")
        assert found_of(pilot).tickets == 450


async def test_what_has_no_department_can_be_filtered_by(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        await press(pilot, "d")
        await typed(pilot, "no dep")
        await press(pilot, "enter")
        assert page_of(pilot).filters.departments == ("",)
        assert "(no department)" in painted(pilot)[2]
        assert 0 < found_of(pilot).tickets < 450


async def test_no_data_is_said_and_never_drawn_as_nothing(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        page_of(pilot).use_period("2019")
        await at_rest(pilot)
        screen = "\n".join(painted(pilot))
        assert screen.count("no data in these months") == 4
        assert screen.count("no ticket in this period") == 4
        assert "0.0" not in screen
        assert "▁" not in screen
        await press(pilot, "enter")
        assert rows_of(pilot) == []
        assert "No ticket is behind this figure" in "\n".join(painted(pilot))


@pytest.mark.parametrize(
    ("tickets", "told"),
    [(450, "v1 · 450 tickets"), (2_144, "v1 · 2,144"), (1_000_000, "v1 · 1,000,000")],
)
async def test_filters_and_the_number_of_tickets_never_run_into_each_other(
    tmp_path: Path, tickets: int, told: str
) -> None:
    async with figure_worlds.figures(tmp_path).app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        page_of(pilot).query_one(FigureLine).tickets = tickets
        await pilot.pause()
        shown = painted(pilot)[2].rstrip()
        assert shown.endswith(f" {told}")
        assert "all priorities ▾  " in shown


async def test_how_to_find_data_is_told_whole_on_a_small_screen(tmp_path: Path) -> None:
    async with figure_worlds.figures(tmp_path).app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        page_of(pilot).use_period("2019")
        await at_rest(pilot)
        assert "\n".join(painted(pilot)).count("no data in these months; p for others") == 2


async def test_without_tickets_it_says_what_to_do_next(tmp_path: Path) -> None:
    world = figure_worlds.none(tmp_path)
    async with world.app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        screen = "\n".join(painted(pilot))
        assert "No tickets yet." in screen
        assert "steerco tickets load --tickets T.csv --history H.csv" in screen
        assert "Cycle time" not in screen
        assert not set(key_line(pilot.app)) & {"tickets", "period", "filter", "more figures"}
        await press(pilot, "enter", "tab", "m", "p", "d", "]", "s", "escape")
        assert pilot.app.screen is page_of(pilot)


async def test_tickets_that_another_process_loads_appear_by_themselves(tmp_path: Path) -> None:
    world = figure_worlds.none(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        figure_worlds.put(tmp_path, *figure_worlds.rows())
        await until(pilot, lambda: "450 tickets" in painted(pilot)[2], "the tickets")
        await at_rest(pilot)
        assert page_of(pilot).query_one(TileRow).has_focus
        assert "Cycle time" in "\n".join(painted(pilot))


async def test_late_tickets_move_neither_cursor_nor_scroll(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 24)) as pilot:
        await begun(pilot)
        await press(pilot, "[", *["pagedown"] * 3)
        grid = page_of(pilot).query_one(TicketTable).grid
        row, seen = grid.row, grid.shown_rows
        late = ticket(900, "2026-11-20T08:00:00.000Z", "Closed", Title="Came late")
        steps = Histories()
        steps._last = 100_000
        rows = [
            steps.status(900, "New", "In QA", "2026-11-20T09:00:00.000Z"),
            steps.status(900, "In QA", "Closed", "2026-11-21T13:00:00.000Z"),
        ]
        figure_worlds.put(tmp_path, [late], rows)
        await until(pilot, lambda: len(grid.rows) == 451, "the late ticket")
        await at_rest(pilot)
        assert grid.row == row
        assert grid.shown_rows == seen
        assert "Tickets 451" in "\n".join(painted(pilot))


async def test_a_long_list_is_read_as_one_scrolls(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 24)) as pilot:
        await begun(pilot)
        await press(pilot, "[")
        table = page_of(pilot).query_one(TicketTable)
        assert len(table._rows) < 450
        await press(pilot, "end")
        last = table.grid.rows[-1]
        await until(pilot, lambda: last in table._rows, "the last row")
        await at_rest(pilot)
        assert table._rows[last].name in "\n".join(painted(pilot))


async def test_a_policy_that_is_refused_is_said_in_the_figures_place(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    bad = tmp_path / "policy.json"
    bad.write_text('{"version": 0}')
    world.workplace.figures._settings = type(world.workplace.settings)(kpi_policy=str(bad))
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        screen = " ".join(" ".join(painted(pilot)).split())
        assert "There are no figures: the policy" in screen
        assert "was refused at $: 'columns' is a required property." in screen


async def test_a_damaged_file_is_said_and_nothing_else_stops(tmp_path: Path) -> None:
    world = figure_worlds.none(tmp_path)
    (tmp_path / SANDBOX_TICKETS).write_bytes(b"no database" * 1000)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        assert "There are no figures: the tickets' file" in "\n".join(painted(pilot))
        await press(pilot, "3")
        assert pilot.app.current_mode == "roadmap"


async def test_what_takes_long_says_so_and_esc_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        before = found_of(pilot)
        go_on = threading.Event()
        overview = Board.overview

        def slow(board: Board, *args: object) -> Overview:
            assert go_on.wait(20)
            return overview(board, *args)  # type: ignore[arg-type]

        monkeypatch.setattr(Board, "overview", slow)
        page_of(pilot).use_period("30d")
        await until(pilot, lambda: "Counting" in status(pilot.app), "the progress")
        await pilot.press("escape")
        assert "Stopped" in status(pilot.app)
        go_on.set()
        await at_rest(pilot)
        assert found_of(pilot) is before
        await press(pilot, "r")
        assert found_of(pilot) is not before


@pytest.mark.parametrize("keys", [(), ("end",), ("pagedown",) * 4])
async def test_a_list_is_read_and_shown_at_once_wherever_one_is_in_it(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    """The rows on show come with the order: nothing is asked after it, nothing painted between."""
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 24)) as pilot:
        await begun(pilot)
        await press(pilot, "[", *keys)
        page = page_of(pilot)
        asked: list[str] = []
        ask = page.ask

        async def asking(name: str, function: Callable[[Board], Any]) -> Any:
            asked.append(name)
            return await ask(name, function)

        page.ask = asking  # type: ignore[method-assign]
        for chosen in (Filters(("Finance", "Events")), EVERYTHING):
            page.use_filters(chosen)
            await at_rest(pilot)
        table = page.query_one(TicketTable)
        assert asked == ["stamp", "figures"] * 2
        assert all(each in table._rows for each in table.grid.shown_rows)
        assert len(table.grid.rows) == 450


async def test_only_the_last_of_several_quick_changes_is_counted(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        for text in ("30d", "quarter", "2026-03"):
            page_of(pilot).use_period(text)
        await at_rest(pilot)
        period = found_of(pilot).tiles[0].selection.period
        assert period is not None
        assert period.label == "2026-03"
        assert "2026-03 ▾" in painted(pilot)[2]


async def test_the_mouse_does_what_the_keys_do(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        tiles = page_of(pilot).query_one(TileRow)
        await pilot.click(tiles, offset=(60, 1))
        assert tiles.tile is found_of(pilot).tiles[1]
        await pilot.click(tiles, offset=(60, 1), times=2)
        await at_rest(pilot)
        assert len(rows_of(pilot)) == found_of(pilot).tiles[1].figure.n
        await press(pilot, "escape")
        first = chart(pilot, "cycle_time")
        await pilot.click(first, offset=(30, 6))
        assert first.has_focus
        month = first.at
        assert month is not None
        assert 0 < month < 11
        await pilot.click(first, offset=(30, 6), times=2)
        await at_rest(pilot)
        assert len(rows_of(pilot)) == found_of(pilot).series["cycle_time"][month].n
        await press(pilot, "escape")
        panes = page_of(pilot).query_one(PaneLine)
        await pilot.click(panes, offset=(12, 0))
        await at_rest(pilot)
        assert page_of(pilot)._pane == "departments"
        await pilot.click(page_of(pilot).query_one(FigureLine), offset=(10, 0))
        await at_rest(pilot)
        assert isinstance(pilot.app.screen, Choose)


async def test_the_next_start_finds_period_filters_and_pane(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        await press(pilot, "d")
        await typed(pilot, "finance")
        await press(pilot, "enter", "m", "]")
        page_of(pilot).use_period("2026-q2")
        await at_rest(pilot)
    again = World.over(world)
    async with SteercoApp(again.workplace).run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        page = page_of(pilot)
        assert page.filters.departments == ("Finance",)
        assert (page.period_text, page.further, page._pane) == ("2026-q2", True, "departments")
        assert "Finance" in painted(pilot)[2]


@pytest.mark.parametrize("size", [(200, 60), (40, 12), (20, 8), (80, 24)])
async def test_it_opens_and_resizes_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=size) as pilot:
        await begun(pilot)
        await press(pilot, "m", "tab", "left", "down", "down", "]", "]", "down")
        await pilot.resize_terminal(100, 30)
        await at_rest(pilot)
        assert len(painted(pilot)) == 30


async def test_help_and_palette_know_the_figures(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(160, 90)) as pilot:
        await begun(pilot)
        await press(pilot, "question_mark")
        screen = "\n".join(painted(pilot))
        assert "Reopen rate: tickets that went from done" in screen
        assert "85 of 100 tickets took no longer" in screen
        await press(pilot, "escape", "ctrl+p")
        await typed(pilot, "period: this year")
        await press(pilot, "enter")
        assert page_of(pilot).period_text == "year"


async def test_hostile_texts_are_shown_as_texts(tmp_path: Path) -> None:
    world = figure_worlds.hostile(tmp_path)
    async with world.app("kpi").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        for keys in (["]"], ["enter"], ["escape", "]"], ["enter"], ["escape", "d"]):
            await press(pilot, *keys)
            screen = "\n".join(painted(pilot))
            assert "\u202e" not in screen
            assert "\x07" not in screen
        await typed(pilot, "red")
        await press(pilot, "enter")
        assert "[/x][b]" in painted(pilot)[2]


@pytest.mark.parametrize("further", [False, True])
async def test_what_a_figure_means_is_whole_on_a_narrow_screen_too(
    tmp_path: Path, further: bool
) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("kpi").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        if further:
            await press(pilot, "m")
        for measure in FURTHER_TILES if further else TILES:
            told = painted(pilot)[-2]
            assert measure.brief in told
            assert "…" not in told
            assert "vs 20" in told
            await press(pilot, "right")
        await pilot.resize_terminal(160, 45)
        await begun(pilot)
        assert measure.help in painted(pilot)[-2]
