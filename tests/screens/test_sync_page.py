"""The Sync page, by the keys its key line offers."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from screens.conflict import ConflictPage
from screens.dialogs import Choose, Confirm
from screens.inspect import Inspect
from screens.sync import SyncPage
from screens.sync_dialogs import Mend, MendField
from screens.widgets.frame import TabLine
from screens.widgets.grid import Grid
from services import itsc_roadmap
from store import deliveries, projects, targets
from store.deliveries import FIRESTORE, SALESFORCE
from tests.screens import worlds
from tests.screens.worlds import World, deliver, edit, key_line, shown, status, until

FAILED = "project-00001"


def page_of(pilot: Pilot[None]) -> SyncPage:
    page = pilot.app.screen_stack[0]
    assert isinstance(page, SyncPage)
    return page


def grid_of(pilot: Pilot[None], name: str = "outbox") -> Grid:
    return page_of(pilot).query_one(f"#{name}", Grid)


def said(pilot: Pilot[None], what: str) -> str:
    return str(page_of(pilot).query_one(f"#{what}").render())


def lines(pilot: Pilot[None], name: str = "outbox") -> list[str]:
    """The table as it is painted."""
    grid = grid_of(pilot, name)
    painted = [grid.render_line(y) for y in range(1, len(grid.rows) + 1)]
    return [" ".join("".join(s.text for s in strip).split()) for strip in painted]


def to_project(pilot: Pilot[None], project_id: str) -> None:
    """Put the cursor on the newest edit of a project."""
    page = page_of(pilot)
    entry = next(e for e in page.entries if e.operation.project_id == project_id)
    grid_of(pilot).move_to(str(entry.operation.seq))


def state(world: World, project_id: str, target: str) -> list[str]:
    with world.store() as conn:
        rows = conn.execute(
            "SELECT state FROM deliveries WHERE project_id = ? AND target = ? ORDER BY seq",
            (project_id, target),
        )
        return [row[0] for row in rows]


async def test_everything_arrived_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app("sync").run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        assert "Everything has reached Firestore and Salesforce." in said(pilot, "sync-empty")
        assert not grid_of(pilot).display
        assert not page_of(pilot).query_one("#conflicts-box").display
        assert set(key_line(pilot.app)) >= {"pause", "filter"}
        assert not set(key_line(pilot.app)) & {"retry", "edit", "discard", "inspect"}


async def test_each_edit_says_its_state_on_both_sides_newest_first(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        table = lines(pilot)
        assert len(table) == 9
        assert table[0].startswith("▸ 14:01 ana Proposal Generator Alignment, Status · pending")
        assert "Deleted ✓ done ⚠ conflict" in table[2]
        assert "… in flight · pending" in table[3]
        assert "✓ done … in flight" in table[5]
        assert "↻ retrying 1 · pending" in table[6]
        assert "in 12 s" in table[6]
        assert "✓ done ✗ failed" in table[7]
        assert "✓ done ↻ retrying 1 1 in 40 s" in table[8]


async def test_the_words_below_tell_the_row_under_the_cursor_whole(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await until(pilot, lambda: "BidSpeed" in said(pilot, "sync-words"))
        assert "Saved here and in Firestore. Not in Salesforce, nothing is lost:" in said(
            pilot, "sync-words"
        )
        assert "Dev Readiness has to be 100" in said(pilot, "sync-words")


async def test_a_down_target_says_since_when_why_and_when_it_is_probed(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.down)
    moment = [worlds.NOW]
    world.at(lambda: moment[0])
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        head = said(pilot, "sync-head")
        assert "down since 13:40 because the server can't be reached (connection refused)" in head
        assert "next probe in 14 s" in head
        assert "1,204 of 15,000 (8 %)" in head
        moment[0] += 10
        page_of(pilot).count_down()
        assert "next probe in 4 s" in said(pilot, "sync-head")


async def test_what_happens_elsewhere_shows_without_moving_the_cursor(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        to_project(pilot, "project-00004")
        before = grid_of(pilot).row
        with world.store() as conn:
            edit(conn, 9, {"status": "In QA"}, by="eva", ago=1)
        await until(pilot, lambda: len(grid_of(pilot).rows) == 10)
        assert grid_of(pilot).row == before
        with world.store() as conn:
            deliver(conn, SALESFORCE, "project-00004")
        await until(pilot, lambda: before not in grid_of(pilot).rows)
        assert grid_of(pilot).has_focus


async def test_r_tries_one_edit_again_now(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("r")
        await until(pilot, lambda: state(world, FAILED, SALESFORCE)[-1] == "pending")
        await until(pilot, lambda: "is tried again now" in status(pilot.app))
        assert state(world, "project-00000", SALESFORCE)[-1] == "retrying"
        to_project(pilot, "project-00004")
        await pilot.press("r")
        await until(pilot, lambda: "failed or waits for another try" in status(pilot.app))


async def test_capital_r_tries_everything_again_now(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.press("R")
        await until(pilot, lambda: status(pilot.app) == "3 tried again now.")
        for project_id, target in (
            (FAILED, SALESFORCE),
            ("project-00000", SALESFORCE),
            ("project-00002", FIRESTORE),
        ):
            assert state(world, project_id, target)[-1] == "pending"


async def test_e_opens_the_refused_field_with_the_targets_words_and_sends_the_new_value(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, Mend))
        dialog = pilot.app.screen
        assert [each.path for each in dialog.query(MendField)] == ["intake.dev_readiness"]
        assert "has to be 100" in str(dialog.query_one(".mend--words").render())
        assert dialog.query_one(Input).value == "80"
        await pilot.press("end", "backspace", "backspace", *"101", "ctrl+s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Mend)  # 101 is refused here already
        await pilot.press("backspace", "0", "enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Mend))
        await until(pilot, lambda: status(pilot.app).startswith("saved"))
        with world.store() as conn:
            project = projects.get(conn, FAILED)
            assert project is not None
            assert project.values["intake.dev_readiness"] == 100
            newest = conn.execute("SELECT MAX(seq) FROM operations").fetchone()[0]
            sent = [d.state for d in deliveries.of_operation(conn, newest)]
        assert sent == ["pending", "pending"]


async def test_e_says_why_where_nothing_can_be_mended(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.press("e")
        await until(pilot, lambda: "nothing of this edit was refused" in status(pilot.app))
        assert pilot.app.screen is page_of(pilot)


async def test_capital_d_names_what_is_lost_field_by_field_and_asks(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        asked = str(pilot.app.screen.query_one(".dialog--body").children[0].render())
        assert "Dev Readiness: 80 %\n  it was empty" in asked
        assert "Level of Effort: High\n  it was Medium" in asked
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        assert state(world, FAILED, SALESFORCE)[-1] == "failed"
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: "discarded" in state(world, FAILED, SALESFORCE))
        await until(pilot, lambda: "discarded; " in status(pilot.app))


async def test_discarding_what_is_on_its_way_is_refused_in_a_sentence(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, "project-00003")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: "is on its way just now" in status(pilot.app))


async def test_i_tells_the_whole_story_and_y_copies_it(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, Inspect))
        await pilot.pause()
        text = pilot.app.screen.query_one("#inspect-text")
        assert "trace      ana-" in str(text.render())
        await pilot.press("down")
        await until(pilot, lambda: '"trace_id"' in str(text.render()))
        assert '"from": "Medium"' in str(text.render())
        await pilot.press("down")
        await until(pilot, lambda: "FIELD_CUSTOM_VALIDATION_EXCEPTION" in str(text.render()))
        assert "answered in 143 ms" in str(text.render())
        assert '"Dev_Readiness__c": 80' in str(text.render())
        await pilot.press("y")
        assert '"Dev_Readiness__c": 80' in pilot.app.clipboard
        await pilot.press("Y")
        assert '"trace_id"' in pilot.app.clipboard
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page_of(pilot))


async def test_enter_inspects_too(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Inspect))


async def test_p_pauses_one_target_and_resumes_it(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)

    def paused() -> list[str | None]:
        with world.store() as conn:
            return [targets.get(conn, t).paused_by for t in (FIRESTORE, SALESFORCE)]

    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press(*"salesf", "enter")
        await until(pilot, lambda: paused() == [None, "ana"])
        await until(pilot, lambda: "paused by ana since 14:02" in said(pilot, "sync-head"))
        assert "– held" in lines(pilot)[0]
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose))
        await pilot.press(*"resume", "enter")
        await until(pilot, lambda: paused() == [None, None])
        await until(pilot, lambda: status(pilot.app) == "Salesforce goes on.")


async def test_o_opens_the_project(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.current_mode == "project")


async def test_f_shows_trouble_only_then_all_then_what_travels(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        assert "Edits on their way  9" in said(pilot, "outbox-title")
        await pilot.press("f")
        await until(pilot, lambda: len(grid_of(pilot).rows) == 4)
        assert "in trouble  4" in said(pilot, "outbox-title")
        await pilot.press("f")
        await until(pilot, lambda: len(grid_of(pilot).rows) == 21)
        assert "of all time  21" in said(pilot, "outbox-title")
        await pilot.press("f")
        await until(pilot, lambda: len(grid_of(pilot).rows) == 9)


async def test_nothing_in_trouble_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app("sync").run_test(size=(80, 24)) as pilot:
        await shown(pilot)
        await pilot.press("f")
        await until(pilot, lambda: "Nothing is in trouble." in said(pilot, "sync-empty"))


async def test_conflicts_are_listed_with_base_mine_and_theirs(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        table = lines(pilot, "conflicts")
        assert "Personal Document Library Status In QA Paused Completed theirs" in table[0]
        assert "BidSpeed (euna) Department Grants Grants / Data Grants Office mine" in table[1]
        await pilot.press("tab")
        await until(pilot, lambda: grid_of(pilot, "conflicts").has_focus)
        assert not set(key_line(pilot.app)) & {"retry", "edit", "discard"}
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConflictPage))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page_of(pilot))
        await pilot.press("y")
        assert "Mine, by ana" in pilot.app.clipboard
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.current_mode == "project")


async def test_y_copies_the_story_with_its_trace(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        to_project(pilot, FAILED)
        await pilot.press("y")
        assert "Saved here and in Firestore. Not in Salesforce" in pilot.app.clipboard
        assert "trace ana-" in pilot.app.clipboard


async def test_the_tab_counts_what_needs_a_person(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    async with world.app("sync").run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        # One refused, one delete against an edit, two conflicts nobody has acknowledged.
        assert page_of(pilot).query_one(TabLine).badges == {"sync": 4}


async def test_the_trouble_of_a_project_that_is_gone_keeps_its_name(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    with world.store() as conn:
        itsc_roadmap.delete_project(conn, worlds.by("eva", 1), "project-00007")
    async with world.app("sync").run_test(size=(160, 45)) as pilot:
        await shown(pilot)
        assert sum("Tell Me When Alerts" in each for each in lines(pilot)) == 2
