"""The backlog page, by the keys its key line offers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.backlog import BacklogPage
from screens.dialogs import ShowText
from screens.widgets.backlog_bars import BarGrid, bar
from screens.widgets.grid import Grid
from screens.widgets.ticket_table import TicketTable
from services.kpis.backlog import Backlog
from tests.kpis.world import Histories, ticket
from tests.screens import figure_worlds
from tests.screens.figure_worlds import begun, heading, painted, press, rows_of, typed
from tests.screens.worlds import at_rest, key_line, until


def page_of(pilot: Pilot[None]) -> BacklogPage:
    page = pilot.app.screen_stack[0]
    assert isinstance(page, BacklogPage)
    return page


def found_of(pilot: Pilot[None]) -> Backlog:
    found = page_of(pilot)._found
    assert found is not None
    return found


def list_of(pilot: Pilot[None]) -> Grid:
    return page_of(pilot).query_one(TicketTable).grid


def table_of(pilot: Pilot[None]) -> TicketTable:
    return page_of(pilot).query_one(TicketTable)


async def test_open_tickets_are_listed_oldest_first_with_what_is_known(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        found = found_of(pilot)
        assert len(list_of(pilot).rows) == found.total > 10
        assert f"{found.total} open" in painted(pilot)[2]
        ages = [table_of(pilot)._rows[each].age_d for each in list_of(pilot).rows]
        assert ages == sorted(ages, reverse=True)
        header = next(each for each in painted(pilot) if "Age d ▼" in each)
        for label in ("Name", "Title", "Department", "Owner", "Pri", "Status", "In status"):
            assert label in header
        oldest = table_of(pilot)._rows[list_of(pilot).rows[0]]
        line = next(each for each in painted(pilot) if oldest.name in each)
        for text in (oldest.owner, oldest.status, f"{oldest.days_in_status:.1f}"):
            assert text in line


async def test_every_bar_opens_exactly_its_tickets(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        found = found_of(pilot)
        await press(pilot, "tab")
        departments = page_of(pilot).query_one("#open-departments", BarGrid)
        assert departments.has_focus
        counted = {f"={each.department}": each.open for each in found.departments}
        assert sum(counted.values()) == found.total
        for name in list(departments.rows)[:3]:
            assert departments.row == name
            await press(pilot, "enter")
            assert len(rows_of(pilot)) == counted[name]
            assert heading(pilot).endswith(f"n {counted[name]}")
            await press(pilot, "escape", "down")
        await press(pilot, "tab")
        for age in found.ages:
            await press(pilot, "enter")
            assert len(rows_of(pilot)) == age.open
            assert f"{age.label} days" in heading(pilot)
            await press(pilot, "escape", "down")
        await press(pilot, "shift+tab")
        assert departments.has_focus


async def test_the_largest_department_stands_first_with_the_longest_bar(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        grid = page_of(pilot).query_one("#open-departments", BarGrid)
        numbers = [grid._lines[each].open for each in grid.rows]
        assert numbers == sorted(numbers, reverse=True)
        lines = [each for each in painted(pilot)[4:11] if "█" in each]
        lengths = [each[:100].count("█") for each in lines]
        assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize(
    ("value", "top", "drawn"),
    [(0, 10, ""), (10, 10, "██████"), (5, 10, "███"), (1, 1000, "▏"), (0, 0, ""), (1, 12, "▌")],
)
def test_a_bar_is_as_long_as_its_count_and_shows_whatever_is_there(
    value: int, top: int, drawn: str
) -> None:
    assert bar(value, top, 6) == drawn.ljust(6)


async def test_it_sorts_by_days_in_status_and_tells_a_ticket(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        await press(pilot, "s")
        await typed(pilot, "in status")
        await press(pilot, "enter")
        days = [table_of(pilot)._rows[each].days_in_status for each in list_of(pilot).rows]
        assert days == sorted(days, reverse=True)
        await press(pilot, "s")
        await typed(pilot, "in status")
        await press(pilot, "enter")
        days = [table_of(pilot)._rows[each].days_in_status for each in list_of(pilot).rows]
        assert days == sorted(days)
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ShowText)
        assert "Open for" in "\n".join(painted(pilot))


async def test_filters_search_and_esc(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        whole = found_of(pilot).total
        await press(pilot, "P")
        await typed(pilot, "P1")
        await press(pilot, "enter")
        narrowed = found_of(pilot).total
        assert 0 < narrowed < whole
        assert len(list_of(pilot).rows) == narrowed
        await press(pilot, "slash")
        await typed(pilot, "badge")
        assert len(list_of(pilot).rows) < narrowed
        await press(pilot, "enter", "escape")
        assert len(list_of(pilot).rows) == narrowed
        await press(pilot, "escape")
        assert found_of(pilot).total == whole


async def test_x_writes_the_backlog(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        await press(pilot, "x", "enter", "enter")
        await until(pilot, lambda: "written to" in "".join(painted(pilot)), "the file")
        total = found_of(pilot).total
    with (tmp_path / "backlog.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == total
    assert set(rows[0]) >= {"name", "owner", "status", "days_in_status", "age_d"}


async def test_without_tickets_it_says_what_to_do_next(tmp_path: Path) -> None:
    world = figure_worlds.none(tmp_path)
    async with world.app("backlog").run_test(size=(80, 24)) as pilot:
        await begun(pilot)
        assert "No tickets yet." in "\n".join(painted(pilot))
        assert not set(key_line(pilot.app)) & {"tickets", "ticket", "filter", "export"}
        await press(pilot, "enter", "tab", "d", "x", "escape")
        assert pilot.app.screen is page_of(pilot)


async def test_a_ticket_that_is_closed_elsewhere_leaves_the_list(tmp_path: Path) -> None:
    world = figure_worlds.none(tmp_path)
    made = [ticket(n, f"2026-11-0{n}T08:00:00.000Z", "New", OwnerId="Ana") for n in (1, 2, 3)]
    figure_worlds.put(tmp_path, made, [])
    async with world.app("backlog").run_test(size=(120, 30)) as pilot:
        await begun(pilot)
        grid = list_of(pilot)
        assert len(grid.rows) == 3
        await press(pilot, "end")
        row = grid.row
        closing = Histories().status(1, "New", "Closed", "2026-11-20T08:00:00.000Z")
        figure_worlds.put(tmp_path, [{**made[0], "Status__c": "Closed"}], [closing])
        await until(pilot, lambda: len(grid.rows) == 2, "the closed ticket gone")
        await at_rest(pilot)
        assert grid.row == row
        assert "2 open" in painted(pilot)[2]


async def test_the_mouse_does_what_the_keys_do(tmp_path: Path) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=(160, 45)) as pilot:
        await begun(pilot)
        ages = page_of(pilot).query_one("#open-ages", BarGrid)
        await pilot.click(ages, offset=(6, 4))
        await pilot.click(ages, offset=(6, 4), times=2)
        await at_rest(pilot)
        assert len(rows_of(pilot)) == found_of(pilot).ages[3].open
        await press(pilot, "escape")
        await pilot.click(list_of(pilot), offset=(4, 0))
        await at_rest(pilot)
        assert table_of(pilot).sort == ("name", False)


@pytest.mark.parametrize("size", [(200, 60), (40, 12), (20, 8)])
async def test_it_opens_and_resizes_at_any_size(tmp_path: Path, size: tuple[int, int]) -> None:
    world = figure_worlds.figures(tmp_path)
    async with world.app("backlog").run_test(size=size) as pilot:
        await begun(pilot)
        await press(pilot, "tab", "down", "tab", "down", "tab", "end")
        await pilot.resize_terminal(100, 30)
        await at_rest(pilot)
        assert len(painted(pilot)) == 30
