"""The project page as a whole: head, history, undo, delete, walking, copying, hostile text."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from screens.dialogs import Confirm, ShowText
from screens.keys import entries
from screens.project import ProjectPage
from screens.widgets.project_history import History
from screens.widgets.project_sheet import ChildLine
from services import itsc_roadmap
from store import projects
from tests.screens import factory, worlds
from tests.screens.test_project_fields import goto, page_of, row_of, stored
from tests.screens.worlds import MAIN, World, edit, shown, status, until


def head_of(pilot: Pilot[None]) -> str:
    return str(page_of(pilot).query_one("#project-head").render())


async def test_no_project_open_says_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app(project=None).run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        empty = page_of(pilot).query_one("#empty")
        assert empty.display
        assert "o opens the project under the cursor here" in str(empty.render())
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: page_of(pilot).shown_id == MAIN)
        assert not empty.display


async def test_the_head_says_how_far_the_project_travelled(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        head = head_of(pilot)
        assert "P1  ·  In QA  ·  launch 2026-12-15, in 24 d  ·  score 12" in head
        assert "Firestore has everything" in head
        assert "1 edit saved here, not yet in Salesforce" in head
        assert "Salesforce is busy with the same row; next try in 40 s" in head
        with world.store() as conn:
            edit(conn, 0, {"launch_target": "2026-11-12"})
            factory.synced(conn)
        await until(pilot, lambda: "9 d late" in head_of(pilot))
        assert "Firestore and Salesforce have it all" in head_of(pilot)


async def test_the_countdown_runs_with_the_clock(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    moment = [worlds.NOW]
    world.at(lambda: moment[0])
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        moment[0] += 15
        page_of(pilot).count_down()
        await pilot.pause()
        assert "next try in 25 s" in head_of(pilot)


async def test_the_history_says_who_when_what_and_from_where(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        history = page_of(pilot).query_one(History)
        told = [str(option.prompt) for option in history.options]
        assert told[0].startswith("5 min ago  you\nStatus  Yet to Start → In QA")
        assert "Firestore ✓   Salesforce ↻ retrying 1" in told[0]
        assert "− One place where customer comments are heard." in told[1]
        assert "+ One place where every customer comment is heard and answered." in told[1]
        assert told[2].startswith("3 d ago  Mia, in Salesforce\nDepartment")
        assert told[3].startswith("6 d ago  eva, another operator\n")
        assert told[-1].startswith("just now  import created it\n")


async def test_one_entry_is_read_whole_and_times_become_exact(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        history = page_of(pilot).query_one(History)
        history.focus()
        await pilot.press("a")
        assert str(history.options[0].prompt).startswith("2026-11-21 13:57:05 UTC  you")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ShowText))
        text = str(pilot.app.screen.query_one(".dialog--body").children[0].render())
        assert "2026-11-21 13:57:05 UTC (5 min ago)" in text
        assert "In Firestore." in text
        assert "Not yet in Salesforce; next try in 40 s, after: Salesforce is busy" in text
        assert "from: Yet to Start" in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, ShowText))
        assert history.has_focus


async def test_a_new_change_moves_neither_mark_nor_focus(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        history = page_of(pilot).query_one(History)
        history.focus()
        await pilot.press("down", "down")
        marked = history.marked
        assert marked is not None
        with world.store() as conn:
            edit(conn, 0, {"status": "Paused"}, by="eva", ago=5, origin="firestore")
        await until(pilot, lambda: history.option_count == 9)
        assert history.marked == marked
        assert history.has_focus


async def test_a_long_history_is_read_as_far_as_one_looks(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.store() as conn:
        for number in range(150):
            edit(conn, 0, {"strategic_value": f"Value {number}"}, ago=150 - number)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        history = page_of(pilot).query_one(History)
        heading = str(page_of(pilot).query_one("#history-heading").render())
        assert "151 changes" in heading
        assert history.option_count == 60
        history.focus()
        await pilot.press("end")
        await until(pilot, lambda: history.option_count == 120)
        assert history.highlighted == 59
        await pilot.press("end")
        await until(pilot, lambda: history.option_count == 151)
        await pilot.press("end")
        await until(pilot, lambda: history.highlighted == 150)
        assert "import created it" in str(history.options[150].prompt)


async def test_a_change_from_elsewhere_keeps_the_focus_and_the_scroll(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        row = await goto(pilot, "intake.submitted_by")
        box = page_of(pilot).query_one("#project")
        scroll = box.scroll_offset
        assert scroll.y > 0
        with world.store() as conn:
            edit(conn, 0, {"status": "Paused"}, by="eva", ago=5, origin="firestore")
        await until(pilot, lambda: row_of(pilot, "status").row.value == "Paused")
        await pilot.pause()
        assert row.has_focus
        assert box.scroll_offset == scroll


async def test_undo_and_redo_are_new_edits(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await goto(pilot, "flags.alignment")
        await pilot.press("space")
        await until(pilot, lambda: stored(world, "flags.alignment") is True)
        await pilot.press("u")
        await until(pilot, lambda: stored(world, "flags.alignment") is False)
        await until(
            pilot, lambda: "undone: 🧩 Feedback Platform (v1): Alignment" in status(pilot.app)
        )
        await pilot.press("ctrl+r")
        await until(pilot, lambda: stored(world, "flags.alignment") is True)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: status(pilot.app) == "There is nothing left to redo.")


async def test_brackets_walk_in_the_roadmaps_order_and_stop_at_its_ends(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.store() as conn:
        order = [p.project_id for p in projects.find(conn, projects.Query(factory.TODAY))]
    async with world.app(project=order[0]).run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        assert "1 of 12" in head_of(pilot)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: page_of(pilot).shown_id == order[1])
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: page_of(pilot).shown_id == order[0])
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: status(pilot.app) == "This is the first project.")


async def test_copying_gives_the_value_itself(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await goto(pilot, "intake.intake_document_url")
        await pilot.press("y")
        assert pilot.app.clipboard == "https://intake.example.com/feedback"
        await pilot.press("tab")
        page_of(pilot).query_one(History).focus()
        await pilot.press("y")
        assert "Operation" in pilot.app.clipboard


async def test_deleting_names_the_children_and_can_be_taken_back(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        asked = str(pilot.app.screen.query_one(".dialog--body").children[0].render())
        assert "BidSpeed (euna)" in asked
        assert "Event Segmentation (v2)" in asked
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: "Deleted by ana" in head_of(pilot))
        await pilot.press("r")
        await until(pilot, lambda: page_of(pilot).query_one("#project").display)
        assert stored(world, "feature_name") == "🧩 Feedback Platform (v1)"


async def test_undo_brings_a_deleted_project_back_with_its_children(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        with world.store() as conn:
            itsc_roadmap.delete_project(conn, worlds.by("ana", 1), MAIN)
        await until(pilot, lambda: "Deleted by ana" in head_of(pilot))
        await pilot.press("u")
        await until(pilot, lambda: len(page_of(pilot).query(ChildLine)) == 2)
        assert page_of(pilot).query_one("#project").display


async def test_hostile_text_is_shown_as_text_and_nothing_reaches_the_terminal(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, fill=worlds.hostile)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        page = page_of(pilot)
        assert "[/x] [b]مشروع[/b]" in head_of(pilot)
        for way in ("down", "right", "down", "tab", "tab", "e"):
            await pilot.press(way)
        lines = [
            "".join(segment.text for segment in strip) for strip in page._compositor.render_strips()
        ]
        text = "\n".join(lines)
        assert "[/child] �" in text or "[/bold]" in text
        assert not [ch for ch in text if ch != "\n" and (ord(ch) < 32 or 0x7F <= ord(ch) < 0xA0)]
        assert not set(text) & set("\u202e\u202c\u2066")


async def test_every_key_on_show_belongs_to_something_the_page_can_do(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.drafted)
    async with world.app().run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        page = page_of(pilot)
        for part in page.query(".part"):
            part.focus()
            await pilot.pause()
            for entry in entries(page, all_keys=True):
                action = entry.action.partition("(")[0].rpartition(".")[2]
                nodes = part.ancestors_with_self
                assert any(hasattr(node, f"action_{action}") for node in nodes), entry


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
async def test_any_size_of_terminal_will_do(tmp_path: Path, size: tuple[int, int]) -> None:
    world = World(tmp_path, fill=worlds.drafted)
    async with world.app().run_test(size=size) as pilot:
        await shown(pilot)
        assert isinstance(pilot.app.screen, ProjectPage)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert "Feedback Platform" in head_of(pilot)
