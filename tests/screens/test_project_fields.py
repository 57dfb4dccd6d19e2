"""Editing fields, flags, votes and family on the project page, by the keys its key line offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from screens.project import ProjectPage
from screens.widgets.project_panel import LongPanel
from screens.widgets.project_row import FieldRow, LineEditor
from screens.widgets.project_sheet import ChildLine, Sheet
from screens.widgets.project_votes import AddVoter, VoteLine
from store import operations, projects
from store.canon import Value
from tests.screens import worlds
from tests.screens.worlds import MAIN, World, edit, shown, status, until


def page_of(pilot: Pilot[None]) -> ProjectPage:
    page = pilot.app.screen_stack[0]
    assert isinstance(page, ProjectPage)
    return page


def row_of(pilot: Pilot[None], path: str) -> FieldRow:
    row = page_of(pilot).query_one(Sheet).field(path)
    assert isinstance(row, FieldRow)
    return row


def stored(world: World, path: str, project_id: str = MAIN) -> Value:
    with world.store() as conn:
        project = projects.get(conn, project_id)
        assert project is not None
        return project.values.get(path)


async def goto(pilot: Pilot[None], path: str) -> FieldRow:
    row = row_of(pilot, path)
    row.focus()
    await pilot.pause()
    return row


async def test_a_line_is_edited_in_its_place_and_said_saved_only_once_it_is(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "strategic_value")
        await pilot.press("e", *"Keeps 100 sponsors", "enter")
        await until(pilot, lambda: status(pilot.app).startswith("saved"))
        assert stored(world, "strategic_value") == "Keeps 100 sponsors"
        assert status(pilot.app) == "saved 14:02:05  Strategic Value"
        await until(pilot, lambda: row.row.value == "Keeps 100 sponsors")
        assert not row.is_open
        assert row.has_focus


async def test_what_is_wrong_is_said_while_one_types_and_is_not_saved(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "launch_target")
        before = row.row.value
        await pilot.press("e", "x")
        await until(pilot, lambda: row.editor is not None and row.editor.has_class("-wrong"))
        says = row.query_one(".line-editor--says")
        assert "write a date as YYYY-MM-DD" in str(says.render())
        await pilot.press("enter")
        await pilot.pause()
        assert row.is_open
        assert stored(world, "launch_target") == before
        assert not list(pilot.app._notifications)  # nothing was even tried
        await pilot.press("backspace", "escape")
        await until(pilot, lambda: not row.is_open)
        assert stored(world, "launch_target") == before


async def test_what_is_typed_faster_than_the_editor_opens_is_written_and_does_nothing_else(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    app = world.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "strategic_value")
        for letter in "eud3":  # elsewhere u undoes, d deletes, 3 goes to the roadmap
            app.post_message(Key(letter, letter))
        await until(pilot, lambda: row.editor is not None and row.editor.text == "ud3")
        assert app.screen is page_of(pilot)
        panel = page_of(pilot).query(LongPanel).first()
        panel.focus()
        await pilot.pause()
        for letter in "eud3":
            app.post_message(Key(letter, letter))
        await until(pilot, lambda: panel.text == "ud3")
        add = page_of(pilot).query_one(AddVoter)
        add.focus()
        await pilot.pause()
        for letter in "eud3":
            app.post_message(Key(letter, letter))
        await until(pilot, lambda: [e.text for e in add.query(LineEditor)] == ["ud3"])
        assert app.screen is page_of(pilot)
        assert status(app) == ""


async def test_escape_leaves_a_field_untouched(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "department")
        await pilot.press("e", *"xyz", "escape")
        await until(pilot, lambda: not row.is_open)
        assert stored(world, "department") == row.row.value
        assert row.has_focus


async def test_a_picklist_is_a_filterable_list_in_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "status")
        await pilot.press("e")
        await until(pilot, lambda: row.is_open)
        assert row.region.height == 1  # the label stays where it was, under the list
        await pilot.press(*"paus", "enter")
        await until(pilot, lambda: stored(world, "status") == "Paused")
        await until(pilot, lambda: not row.is_open)


async def test_an_optional_picklist_can_be_emptied(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await goto(pilot, "intake.dev_t_shirt")
        await pilot.press("e", "end", *["down"] * 9, "enter")
        await until(pilot, lambda: stored(world, "intake.dev_t_shirt") is None)


async def test_space_turns_a_flag(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "flags.alignment")
        assert "yes/no" in worlds.key_line(pilot.app)
        await pilot.press("space")
        await until(pilot, lambda: stored(world, "flags.alignment") is True)
        await until(pilot, lambda: row.row.value is True)
        await pilot.press("enter")
        await until(pilot, lambda: stored(world, "flags.alignment") is False)


async def test_what_only_the_program_writes_offers_no_edit(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "project_id")
        await pilot.press("e", "enter")
        await pilot.pause()
        assert not row.is_open


async def test_an_open_line_is_left_alone_by_what_comes_in(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "department")
        opened_on = row.row.value
        await pilot.press("e", *"!")
        with world.store() as conn:
            edit(conn, 0, {"department": "Legal"}, by="eva", origin="firestore")
        await until(pilot, lambda: row.row.value == "Legal", "the change is noticed")
        assert row.editor is not None
        assert row.editor.text == f"{opened_on}!"
        await pilot.press("enter")
        await until(pilot, lambda: stored(world, "department") == f"{opened_on}!")
        with world.store() as conn:
            newest = operations.history(conn, MAIN)[0]
        assert newest.changes["department"] == (opened_on, f"{opened_on}!")


async def test_suggestions_come_from_the_values_in_use(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "it_lead")
        await pilot.press("e", "end", "ctrl+u", *"mia")
        line = row.query_one(LineEditor).query_one("LineEdit")
        await until(pilot, lambda: getattr(line, "_suggestion", "") == "Mia Chen")
        await pilot.press("right", "enter")
        await until(pilot, lambda: stored(world, "it_lead") == "Mia Chen")


async def test_keys_one_to_five_score_and_the_total_runs_along(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        vote = next(v for v in page_of(pilot).query(VoteLine) if v.voter == "Ana Ruiz")
        vote.focus()
        await pilot.press("1")
        await until(pilot, lambda: stored(world, "scores.Ana Ruiz") == 1)
        total = page_of(pilot).query_one(".vote-total")
        await until(pilot, lambda: "9  of 15 by 3 voters" in str(total.render()))
        assert pilot.app.screen is page_of(pilot)  # 1 did not switch the page
        await pilot.press("x")
        await until(pilot, lambda: stored(world, "scores.Ana Ruiz") is None)
        await until(pilot, lambda: len(page_of(pilot).query(VoteLine)) == 2)


async def test_a_voter_is_named_then_scored_and_six_are_enough(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    with world.store() as conn:
        edit(conn, 0, {"scores.D": 1, "scores.E": 2})
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        add = page_of(pilot).query_one(AddVoter)
        add.focus()
        await pilot.press("e", *"Zoe", "enter")
        await until(pilot, lambda: isinstance(pilot.app.focused, VoteLine))
        assert stored(world, "scores.Zoe") is None
        await pilot.press("5")
        await until(pilot, lambda: stored(world, "scores.Zoe") == 5)
        await until(pilot, lambda: add.full)
        add.focus()
        await pilot.press("e", "enter")
        await pilot.pause()
        assert not add.children
        assert "matrix is full" in add.value().plain


async def test_the_parent_is_followed_set_and_cleared(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    child = "project-00001"
    async with world.app(project=child).run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "parent_id")
        assert "Feedback Platform" in row.value().plain
        await pilot.press("e")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(*"renewal", "enter")
        await until(pilot, lambda: stored(world, "parent_id", child) == "project-00006")
        await until(pilot, lambda: "Renewal" in row.value().plain)
        await pilot.press("enter")
        await until(pilot, lambda: page_of(pilot).kept()["project"] == "project-00006")
        await until(pilot, lambda: len(page_of(pilot).query(ChildLine)) == 1)
        page_of(pilot).query_one(ChildLine).focus()
        await pilot.press("enter")
        await until(pilot, lambda: page_of(pilot).kept()["project"] == child)
        await shown(pilot)
        await goto(pilot, "parent_id")
        await pilot.press("e")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press(*"no parent", "enter")
        await until(pilot, lambda: stored(world, "parent_id", child) is None)


async def test_a_name_without_a_user_is_marked_in_words(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert "no Salesforce user yet" not in row_of(pilot, "it_lead").value().plain
        assert "no Salesforce user yet" in row_of(pilot, "intake.submitted_by").value().plain


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (80, 24)])
async def test_the_arrows_reach_every_part_and_tab_every_section(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=size) as pilot:
        await shown(pilot)
        page = page_of(pilot)
        parts = set(page.query(".part"))
        # What the arrows reach from the first line, whichever way they are pressed.
        start = page.query(".part").first()
        reached, todo = {start}, [start]
        while todo:
            here = todo.pop()
            for way in ("up", "down", "left", "right"):
                there = page.neighbour_of(here, way)
                if there is not None and there not in reached:
                    reached.add(there)
                    todo.append(there)
        assert reached == parts
        seen = set()
        for _ in range(20):
            await pilot.press("tab")
            seen.add(pilot.app.focused)
        assert len(seen) >= 11  # seven sections, with the brief's four panels, votes, history
        assert page.query_one("#history") in seen


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (80, 24)])
async def test_whatever_has_the_focus_is_wholly_on_show(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=size) as pilot:
        await shown(pilot)
        page = page_of(pilot)
        box = page.query_one("#project").region
        for part in page.query(".part"):
            part.focus()
            await until(pilot, lambda part=part: box.contains_region(part.region), repr(part))
