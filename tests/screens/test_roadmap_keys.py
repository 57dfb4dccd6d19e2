"""Every key of the roadmap does what the key line says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from screens.dialogs import Choose, Confirm, EditLine, ShowText
from screens.roadmap_new import NewProject
from screens.roadmap_rows import LAUNCH, NAME, SYNC
from services import itsc_roadmap
from services.context import Context
from store import operations, projects
from store.database import open_database
from store.projects import Project
from tests.screens.driving import Terminal, terminal, world

FIRST = "project-00000"


def project(driven: Terminal, project_id: str) -> Project:
    found = driven.look(projects.get, project_id)
    assert found is not None
    return found


async def go_to(driven: Terminal, column: str) -> None:
    driven.roadmap.grid.move_to(None, column)
    await driven.rest()


async def test_every_key_of_the_key_line_is_bound_to_something(home: Path) -> None:
    async with terminal(world(home), size=(200, 40)) as driven:
        shown = driven.keys
        for words in ("e edit", "n new", "o open", "d delete", "space select", "/ filter"):
            assert words in shown
        for words in ("J/K move", "u undo", "t timeline", "s sort", "x export", "y copy"):
            assert words in shown
        assert shown.endswith("? help")


async def test_at_80_columns_the_help_key_is_still_there(home: Path) -> None:
    async with terminal(world(home, 3), size=(80, 24)) as driven:
        assert driven.keys.endswith("? help")
        assert len(driven.keys) <= 80


async def test_enter_on_a_name_opens_the_project(home: Path) -> None:
    async with terminal(world(home, 5)) as driven:
        await driven.press("enter")
        assert driven.app.current_mode == "project"


async def test_o_opens_the_project_from_any_column(home: Path) -> None:
    async with terminal(world(home, 5)) as driven:
        await go_to(driven, "status")
        await driven.press("o")
        assert driven.app.current_mode == "project"


async def test_enter_on_a_picklist_opens_a_list_and_enter_saves_the_choice(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await go_to(driven, "status")
        await driven.press("enter")
        assert driven.roadmap.state == "editing"
        assert driven.keys.startswith("enter choose  esc cancel")
        await driven.type("pau")
        await driven.press("enter")
        assert project(driven, FIRST).values["status"] == "Paused"
        assert driven.roadmap.state == "table"
        assert driven.status.startswith("saved 14:02:05")


async def test_esc_leaves_a_cell_untouched(home: Path) -> None:
    async with terminal(world(home)) as driven:
        before = project(driven, FIRST)
        await go_to(driven, LAUNCH)
        await driven.press("e")
        await driven.type("9")
        await driven.press("escape")
        assert project(driven, FIRST) == before
        assert driven.roadmap.state == "table"
        assert not driven.status.startswith("saved")


async def test_a_date_is_judged_while_it_is_typed_and_a_wrong_one_is_not_saved(home: Path) -> None:
    async with terminal(world(home)) as driven:
        before = project(driven, FIRST)
        await go_to(driven, LAUNCH)
        await driven.press("enter", "ctrl+u")
        await driven.type("2026-02-30")
        await driven.press("enter")
        assert driven.roadmap.state == "editing"
        assert any("Write a date as YYYY-MM-DD" in line for line in driven.lines)
        assert project(driven, FIRST) == before
        await driven.press("ctrl+u")
        await driven.type("2026-12-15")
        assert any("Tue 15 Dec 2026, in 24 d" in line for line in driven.lines)
        await driven.press("enter")
        assert project(driven, FIRST).values[LAUNCH] == "2026-12-15"


async def test_e_edits_the_name_in_place(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("e", "ctrl+u")
        await driven.type("Another name")
        await driven.press("enter")
        assert project(driven, FIRST).name == "Another name"
        assert any("Another name" in line for line in driven.lines)


async def test_an_empty_name_is_refused_and_the_editor_stays_open(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("e", "ctrl+u", "enter")
        assert driven.roadmap.state == "editing"
        assert any("It can't be empty" in line for line in driven.lines)


async def test_an_edit_replaces_the_value_its_editor_was_opened_on(home: Path) -> None:
    place = world(home)
    async with terminal(place) as driven:
        await go_to(driven, "department")
        await driven.press("e")
        conn = open_database(place.path)
        itsc_roadmap.update_project(conn, Context("bo"), FIRST, {"department": "Elsewhere"})
        conn.close()
        await driven.press("ctrl+u")
        await driven.type("Here")
        await driven.press("enter")
        newest = driven.look(operations.history, FIRST)[0]
        assert newest.changes["department"] == ("Product / Events / Sales", "Here")


async def test_an_edit_of_a_project_that_is_gone_keeps_what_was_typed(home: Path) -> None:
    place = world(home)
    async with terminal(place) as driven:
        await go_to(driven, "department")
        await driven.press("e", "ctrl+u")
        await driven.type("Typed with care")
        conn = open_database(place.path)
        itsc_roadmap.delete_project(conn, Context("bo"), FIRST)
        conn.close()
        await driven.press("enter")
        assert driven.roadmap.state == "editing"
        screen = "\n".join(driven.lines)
        assert "Typed with care" in screen
        assert "Nothing was saved:" in screen


async def test_space_selects_and_one_edit_goes_to_all_selected(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("space", "space")
        chosen = driven.roadmap.grid.selected
        assert len(chosen) == 2
        assert "2 selected" in driven.status
        await go_to(driven, "status")
        await driven.press("enter")
        await driven.type("in qa")
        await driven.press("enter")
        assert {project(driven, each).values["status"] for each in chosen} == {"In QA"}
        await driven.press("u")
        assert "In QA" not in {project(driven, each).values["status"] for each in chosen}


async def test_a_name_is_not_given_to_many(home: Path) -> None:
    async with terminal(world(home), size=(80, 24)) as driven:
        await driven.press("space", "space", "e")
        assert driven.roadmap.state == "table"
        # Whole, also beside what stands on the right of 80 columns.
        assert "One name at a time; esc clears the selection." in driven.status


async def test_a_selects_all_and_escape_none(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("a")
        assert len(driven.roadmap.grid.selected) == 50
        await driven.press("escape")
        assert driven.roadmap.grid.selected == []


async def test_j_and_k_move_within_the_band(home: Path) -> None:
    async with terminal(world(home)) as driven:
        first, second = driven.roadmap.held.order[:2]
        await driven.press("J")
        assert driven.roadmap.held.order[:2] == [second, first]
        assert driven.roadmap.here == first
        await driven.press("K")
        assert driven.roadmap.held.order[:2] == [first, second]
        assert driven.look(_order)[:2] == [first, second]


async def test_several_moves_in_a_row_are_done_one_after_the_other(home: Path) -> None:
    async with terminal(world(home)) as driven:
        first = driven.roadmap.here
        for _ in range(3):  # faster than any of them is written
            driven.roadmap.action_do("lower")
        await driven.until(lambda: driven.roadmap.held.order.index(str(first)) == 3)
        assert driven.look(_order)[3] == first


async def test_a_look_that_began_before_a_move_does_not_take_it_back(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminal(world(home)) as driven:
        page, first = driven.roadmap, str(driven.roadmap.here)
        gate, real_read, real_apply = asyncio.Event(), page.read, page._apply
        waiting: list[str] = []
        shown: list[int] = []

        async def read(deed: Any, *args: Any, **more: Any) -> Any:
            found = await real_read(deed, *args, **more)
            if deed.__name__ == "look" and not gate.is_set():
                waiting.append("look")
                await gate.wait()
            return found

        def apply(found: Any) -> None:
            real_apply(found)
            shown.append(page.held.order.index(first))

        monkeypatch.setattr(page, "read", read)
        monkeypatch.setattr(page, "_apply", apply)

        async def soon(fact: Callable[[], bool]) -> None:
            async with asyncio.timeout(20):  # ``until`` would wait for the look that is held up
                while not fact():
                    await asyncio.sleep(0.01)

        page.action_do("lower")
        await soon(lambda: bool(waiting))
        page.action_do("lower")
        await soon(lambda: page.held.order.index(first) == 2)
        gate.set()
        await driven.until(lambda: bool(shown) and not page._running_refresh)
        assert set(shown) == {2}


async def test_a_row_does_not_leave_its_band(home: Path) -> None:
    async with terminal(world(home)) as driven:
        band = [
            each
            for each in driven.roadmap.held.order
            if driven.roadmap.held.value(each, "priority") == "P1"
        ]
        driven.roadmap.grid.move_to(band[-1])
        await driven.press("J")
        assert "edge of P1" in driven.status
        assert driven.roadmap.held.order[len(band) - 1] == band[-1]


async def test_rows_that_the_view_hides_are_passed_over(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        await driven.type("bidspeed priority:p1")
        await driven.press("enter")
        first, second = driven.roadmap.held.order[:2]
        await driven.press("J")
        assert driven.roadmap.held.order[:2] == [second, first]


async def test_u_undoes_and_ctrl_r_does_it_again(home: Path) -> None:
    async with terminal(world(home)) as driven:
        before = project(driven, FIRST).values["status"]
        await go_to(driven, "status")
        await driven.press("enter")
        await driven.type("paused")
        await driven.press("enter", "u")
        assert project(driven, FIRST).values["status"] == before
        assert "undone" in driven.status
        await driven.press("ctrl+r")
        assert project(driven, FIRST).values["status"] == "Paused"
        assert "redone" in driven.status


async def test_u_says_when_there_is_nothing_of_mine(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("u")
        assert "Nothing of yours to undo" in driven.status


async def test_n_asks_for_a_name_and_creates_the_project(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("n")
        assert isinstance(driven.app.screen, NewProject)
        await driven.press("enter")
        assert any("Feature: it can't be empty" in line for line in driven.lines)
        await driven.type("A fresh thing")
        await driven.press("tab", "p", "enter")
        assert driven.roadmap.here is not None
        made = project(driven, driven.roadmap.here)
        assert made.name == "A fresh thing"
        assert made.values["priority"] == "P1"


async def test_a_new_project_in_a_view_starts_with_the_views_priority(home: Path) -> None:
    async with terminal(world(home)) as driven:
        driven.roadmap.action_view("p2-pipeline")
        await driven.rest()
        await driven.press("n")
        await driven.type("Second")
        await driven.press("enter")
        assert driven.roadmap.here is not None
        assert project(driven, driven.roadmap.here).values["priority"] == "P2"


async def test_a_new_project_that_the_view_does_not_show_is_said_to_be_so(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        await driven.type("bidspeed")
        await driven.press("enter", "n")
        await driven.type("Something else")
        await driven.press("enter")
        assert "created; this view does not show it" in driven.status
        assert len(driven.roadmap.held.order) == 5


async def test_an_open_editor_follows_its_cell_when_the_terminal_is_resized(home: Path) -> None:
    async with terminal(world(home), size=(160, 40)) as driven:
        await go_to(driven, "status")
        await driven.press("enter")
        await driven.pilot.resize_terminal(90, 24)
        await driven.rest()
        editor = driven.app.screen.query_one("#cell-editor")
        region = driven.roadmap.grid.cell_region(FIRST, "status")
        assert region is not None
        assert editor.region.y == region.y
        assert editor.region.x <= region.x < editor.region.right
        await driven.type("paused")
        await driven.press("enter")
        assert project(driven, FIRST).values["status"] == "Paused"


async def test_a_selection_goes_along_into_the_timeline_and_back(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("space", "space")
        chosen = driven.roadmap.grid.selected
        await driven.press("t", "d")
        assert any("Delete these 2 projects?" in line for line in driven.lines)
        await driven.press("escape", "t")
        assert driven.roadmap.grid.selected == chosen


async def test_the_form_goes_only_at_the_second_esc_when_something_was_typed(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("n")
        await driven.type("x")
        await driven.press("escape")
        assert isinstance(driven.app.screen, NewProject)
        await driven.press("escape")
        assert driven.app.screen is driven.roadmap
        assert len(driven.look(_order)) == 3


async def test_d_names_what_goes_and_deletes_only_after_yes(home: Path) -> None:
    place = world(home)
    conn = open_database(place.path)
    itsc_roadmap.update_project(conn, Context("ana"), "project-00003", {"parent_id": FIRST})
    itsc_roadmap.update_project(conn, Context("ana"), FIRST, {"department": "New"})
    conn.close()
    async with terminal(place) as driven:
        await driven.press("d")
        assert isinstance(driven.app.screen, Confirm)
        screen = "\n".join(driven.lines)
        assert "Feedback Platform (v1)" in screen
        assert "1 child stays and is unlinked: Lead Scoring Refresh" in screen
        assert "1 edit has not arrived everywhere yet" in screen
        await driven.press("enter")  # the safe answer has the focus
        assert driven.look(projects.get, FIRST) is not None
        await driven.press("d", "y")
        assert driven.look(projects.get, FIRST) is None
        assert FIRST not in driven.roadmap.held.order
        assert project(driven, "project-00003").values["parent_id"] is None
        await driven.press("u")
        assert project(driven, "project-00003").values["parent_id"] == FIRST


async def test_deleting_selected_projects_is_undone_together(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("space", "space", "d")
        assert any("Delete these 2 projects?" in line for line in driven.lines)
        await driven.press("y")
        assert len(driven.look(_order)) == 48
        await driven.press("u")
        assert len(driven.look(_order)) == 50


async def test_slash_narrows_while_typing_and_esc_brings_everything_back(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        assert driven.roadmap.state == "filtering"
        await driven.type("bidspeed")
        assert len(driven.roadmap.held.order) == 5
        await driven.type(" status:paused")
        assert [driven.roadmap.held.value(r, "status") for r in driven.roadmap.held.order] == [
            "Paused"
        ]
        await driven.press("enter")
        assert driven.roadmap.state == "table"
        assert len(driven.roadmap.held.order) == 1
        await driven.press("escape")
        assert len(driven.roadmap.held.order) == 50


async def test_the_columns_stay_where_they_are_when_the_scrollbar_goes(home: Path) -> None:
    async with terminal(world(home), size=(80, 24)) as driven:
        before = driven.lines[3]
        await driven.press("slash")
        await driven.type("bidspeed")
        assert driven.lines[4] == before
        await driven.press("escape")
        assert driven.lines[3] == before


async def test_a_filter_without_hits_says_what_to_do(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        await driven.type("no such thing")
        assert any(
            "No project matches “no such thing”. Esc clears the filter." in line
            for line in driven.lines
        )


async def test_an_unknown_chip_is_named(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        await driven.type("colour:red bidspeed")
        assert any("There is no filter “colour:”" in line for line in driven.lines)
        assert len(driven.roadmap.held.order) == 5


async def test_f_narrows_to_the_value_of_the_cell(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await go_to(driven, "department")
        await driven.press("f")
        departments = {
            driven.roadmap.held.value(r, "department") for r in driven.roadmap.held.order
        }
        assert departments == {"Product / Events / Sales"}


async def test_each_view_shows_its_count_and_the_counts_follow_edits(home: Path) -> None:
    place = world(home)
    async with terminal(place, size=(160, 30)) as driven:
        assert "All 50 │ P1 Active 11 │ P2 Pipeline 11" in driven.lines[2]
        conn = open_database(place.path)
        itsc_roadmap.update_project(conn, Context("bo"), FIRST, {"priority": "P2"})
        conn.close()
        await driven.until(lambda: "P1 Active 10 │ P2 Pipeline 12" in driven.lines[2])


@pytest.mark.parametrize(("key", "view"), [("]", "p1-active"), ("[", "upcoming-90d")])
async def test_brackets_go_through_the_views(home: Path, key: str, view: str) -> None:
    async with terminal(world(home)) as driven:
        await driven.type(key)
        assert driven.roadmap.showing.view.key == view
        assert 0 < len(driven.roadmap.held.order) < 50


async def test_tab_goes_through_the_views_too(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("tab", "tab", "shift+tab")
        assert driven.roadmap.showing.view.key == "p1-active"


async def test_s_sorts_by_any_field_and_once_more_turns_it(home: Path) -> None:
    async with terminal(world(home)) as driven:
        for expected in (False, True):
            await driven.press("s")
            assert isinstance(driven.app.screen, Choose)
            await driven.type("feature")
            await driven.press("enter")
            found = [str(driven.roadmap.held.value(r, NAME)) for r in driven.roadmap.held.order]
            assert found == sorted(found, key=str.casefold, reverse=expected)
        await driven.press("J")
        assert "Sorted by Feature ▼" in driven.status
        await driven.press("escape")
        assert driven.roadmap.showing.sort is None


async def test_a_field_that_is_no_column_can_be_sorted_by(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("s")
        await driven.type("strategic group")
        await driven.press("enter")
        assert any("by Strategic Group ▲" in line for line in driven.lines)


async def test_t_shows_the_timeline_and_the_cursor_stays_on_its_project(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("down", "down", "t")
        here = driven.roadmap.here
        assert driven.roadmap.state == "timeline"
        assert any("Q1 2027" in line for line in driven.lines)
        await driven.press("t")
        assert driven.roadmap.state == "table"
        assert driven.roadmap.here == here


async def test_in_the_timeline_e_edits_the_launch_target(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("t", "e", "ctrl+u")
        await driven.type("TBD")
        await driven.press("enter")
        assert project(driven, FIRST).values[LAUNCH] == "TBD"


async def test_undecided_projects_have_a_lane_of_their_own(home: Path) -> None:
    async with terminal(world(home), size=(120, 60)) as driven:
        await driven.press("t")
        lines = driven.lines
        lane = next(at for at, line in enumerate(lines) if "Undecided 5" in line)
        below = "\n".join(lines[lane:])
        assert "TBD" in below
        assert "no launch target" in below


async def test_x_writes_the_view_as_it_is_filtered(home: Path, tmp_path: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("slash")
        await driven.type("bidspeed")
        await driven.press("enter", "x")
        await driven.type("json")
        await driven.press("enter")
        assert isinstance(driven.app.screen, EditLine)
        await driven.press("enter")
        await driven.until(lambda: "written to" in driven.status)
        found = json.loads((tmp_path / "roadmap-all-2026-11-21.json").read_text())
        assert [each["project_id"] for each in found] == driven.roadmap.held.order


async def test_x_asks_before_it_overwrites(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "roadmap-all-2026-11-21.csv"
    target.write_text("precious")
    async with terminal(world(home, 3)) as driven:
        await driven.press("x", "enter", "enter")
        assert isinstance(driven.app.screen, Confirm)
        await driven.press("n")
        assert target.read_text() == "precious"
        await driven.press("x", "enter", "enter", "y")
        await driven.until(lambda: "written to" in driven.status)
        assert target.read_text().startswith("project_id,")


async def test_x_says_when_the_directory_is_missing(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("x", "enter", "ctrl+u")
        await driven.type("nowhere/file.csv")
        await driven.press("enter")
        assert isinstance(driven.app.screen, EditLine)
        assert any("there is no directory nowhere" in line for line in driven.lines)


async def test_y_copies_the_whole_cell_and_capital_y_the_row(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("y")
        assert driven.app.clipboard == "🧩 Feedback Platform (v1)"
        assert "copied" in driven.status
        await driven.press("Y")
        assert driven.app.clipboard.split("\t")[:3] == [FIRST, "P1", "🧩 Feedback Platform (v1)"]


async def test_enter_on_sync_explains_in_sentences(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await go_to(driven, SYNC)
        assert driven.keys.startswith("enter explain")
        await driven.press("enter")
        assert isinstance(driven.app.screen, ShowText)
        assert any("Salesforce has everything" in line for line in driven.lines)
        await driven.press("escape", "e")
        assert driven.roadmap.state == "table"


async def test_r_reads_everything_again_and_wakes_the_engine(home: Path) -> None:
    place = world(home, 3)
    woken: list[int] = []
    place.wake = lambda: woken.append(1)
    async with terminal(place) as driven:
        await driven.press("r")
        assert woken
        assert "read again 14:02:05" in driven.status


async def test_a_double_click_edits_and_a_header_click_sorts(home: Path) -> None:
    async with terminal(world(home)) as driven:
        region = driven.roadmap.grid.cell_region(FIRST, "status")
        assert region is not None
        await driven.pilot.click(offset=(region.x + 1, region.y), times=2)
        await driven.rest()
        assert driven.roadmap.state == "editing"
        await driven.press("escape")
        header = driven.roadmap.grid.content_region.y
        for expected in (("status", False), ("status", True), None):
            await driven.pilot.click(offset=(region.x + 1, header))
            await driven.rest()
            assert driven.roadmap.showing.sort == expected


async def test_a_click_shows_a_view(home: Path) -> None:
    async with terminal(world(home)) as driven:
        line = next(line for line in driven.lines if "P2 Pipeline" in line)
        y = driven.lines.index(line)
        await driven.pilot.click(offset=(line.index("P2 Pipeline"), y))
        await driven.rest()
        assert driven.roadmap.showing.view.key == "p2-pipeline"


async def test_home_end_and_pages_move_the_cursor(home: Path) -> None:
    async with terminal(world(home), size=(120, 24)) as driven:
        order = driven.roadmap.held.order
        for key, at in (("end", 49), ("g", 0), ("pagedown", 17), ("pageup", 0), ("G", 49)):
            await driven.press(key)
            assert driven.roadmap.here == order[at], key
        assert order[49] in driven.roadmap.grid.shown_rows


def _order(conn: object) -> list[str]:
    rows = conn.execute(f"SELECT project_id FROM projects ORDER BY {projects.ORDER}")  # type: ignore[attr-defined]
    return [row[0] for row in rows]
