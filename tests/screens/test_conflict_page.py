"""The conflict screen: what its keys do, and that it keeps up with others."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static

from screens.conflict import ConflictPage
from screens.dialogs import Confirm
from services import conflicts as decisions
from store import conflicts, projects
from store.canon import Value
from tests.screens import conflict_worlds as cases
from tests.screens.conflict_worlds import FIELD, GONE, OURS, TEXT
from tests.screens.worlds import World, at_rest, by, key_line, shown, until

WIDE, SMALL = (160, 45), (80, 24)
LIBRARY, SEGMENTS, RISK = "project-00009", "project-00004", "project-00006"


def page_of(pilot: Pilot[None]) -> ConflictPage:
    page = pilot.app.screen_stack[-1]
    assert isinstance(page, ConflictPage), page
    return page


def title(pilot: Pilot[None]) -> str:
    return str(page_of(pilot).query_one("#conflict-title", Static).render())


def text(pilot: Pilot[None]) -> str:
    return str(page_of(pilot).query_one("#conflict-text", Static).render())


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await at_rest(pilot)


async def opened(pilot: Pilot[None], *keys: str) -> None:
    await shown(pilot)
    await at_rest(pilot)
    await press(pilot, *(keys or ("c",)))
    await until(pilot, lambda: title(pilot), "the conflict shown")


def value(world: World, project_id: str, path: str) -> Value:
    with world.store() as conn:
        project = projects.get(conn, project_id)
        assert project is not None
        return project.values[path]


def state(world: World, conflict_id: str) -> str:
    with world.store() as conn:
        found = conflicts.get(conn, conflict_id)
        assert found is not None
        return f"{found.state} {found.resolution or ''}".strip()


async def test_mine_is_taken_by_one_key_and_theirs_brought_back_by_another(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.field)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot)
        assert title(pilot) == "Personal Document Library: Status   open   1 of 1"
        assert "Theirs is in force: it is later than mine." in text(pilot)
        await press(pilot, "m")
        assert (value(world, LIBRARY, "status"), state(world, FIELD)) == ("Paused", "resolved mine")
        assert "resolved" in title(pilot)
        assert "you closed it: mine" in text(pilot)
        assert "a" not in key_line(pilot.app).values()
        await press(pilot, "t")
        assert value(world, LIBRARY, "status") == "Completed"
        assert state(world, FIELD) == "resolved theirs"


async def test_leaving_it_as_it_is_closes_it_without_an_edit(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.field)
    with world.store() as conn:
        before = conn.execute("SELECT MAX(seq) FROM operations").fetchone()[0]
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot)
        await press(pilot, "a")
        assert state(world, FIELD) == "resolved kept"
        with world.store() as conn:
            assert conn.execute("SELECT MAX(seq) FROM operations").fetchone()[0] == before
        await press(pilot, "escape")
        assert pilot.app.current_mode == "sync"
        assert len(pilot.app.screen_stack) == 1


async def test_a_third_value_is_typed_into_a_filled_editor(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.every)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot, "c", "p")
        assert "Status" in title(pilot)
        await press(pilot, "e")
        for _ in range(len("Completed")):
            await pilot.press("backspace")
        for letter in "In nonsense":
            await pilot.press("space" if letter == " " else letter)
        await press(pilot, "enter")
        assert state(world, FIELD) == "open", "nothing wrong is saved"
        for _ in range(len("nonsense")):
            await pilot.press("backspace")
        await press(pilot, "Q", "A", "enter")
        assert (value(world, LIBRARY, "status"), state(world, FIELD)) == ("In QA", "resolved value")


async def test_a_decision_goes_on_to_the_next_open_one(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.every)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot)
        assert "1 of 4" in title(pilot)
        await press(pilot, "n")
        assert "Renewal Risk Dashboard: whole project   open   2 of 4" in title(pilot)
        await press(pilot, "t")
        assert state(world, OURS) == "resolved theirs"
        assert "Why It Matters   open   2 of 3" in title(pilot)
        await press(pilot, "left", "left")
        assert "3 of 3" in title(pilot)


async def test_a_decision_that_deletes_is_named_first(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.deleted_there)
    async with world.app("sync").run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert not {"edit", "leave"} & set(key_line(pilot.app))
        await press(pilot, "t")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, "n")
        assert state(world, GONE) == "open"
        await press(pilot, "t", "y")
        assert state(world, GONE) == "resolved theirs"
        with world.store() as conn:
            assert not projects.exists(conn, SEGMENTS)
        await press(pilot, "m")
        assert value(world, SEGMENTS, "status") == "Paused"


async def test_all_at_once_names_them_and_keeps_the_rest_when_refused(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.every)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot)
        await press(pilot, "M")
        asked = " ".join(str(each.render()) for each in pilot.app.screen.query(Static))
        assert "Take mine in 4 conflicts?" in asked
        assert "Renewal Risk Dashboard: whole project" in asked
        await press(pilot, "n")
        assert {state(world, each) for each in (FIELD, TEXT, OURS, GONE)} == {"open"}
        await press(pilot, "M", "y")
        assert {state(world, each) for each in (FIELD, TEXT, OURS, GONE)} == {"resolved mine"}
        assert not {"all mine", "all theirs"} & set(key_line(pilot.app))


async def test_it_changes_by_itself_and_keeps_its_place(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.every)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        await opened(pilot, "c", "n", "n")
        assert "Why It Matters   open   3 of 4" in title(pilot)
        with world.store() as conn:
            decisions.acknowledge(conn, by("ben"), FIELD)
        await until(pilot, lambda: "3 of 3" in title(pilot), "another one closed elsewhere")
        with world.store() as conn:
            decisions.resolve(conn, by("ben"), TEXT, "theirs")
        await until(pilot, lambda: "resolved" in title(pilot), "this one closed elsewhere")
        assert "ben closed it: theirs" in text(pilot)
        await press(pilot, "n")
        assert "1 of 2" in title(pilot)


async def test_what_was_resolved_is_found_again(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.closed)
    async with world.app("sync").run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert "There is no open conflict." in text(pilot)
        assert not {"mine", "theirs", "edit", "leave"} & set(key_line(pilot.app))
        await press(pilot, "f")
        assert "ben closed it: mine" in text(pilot)
        await press(pilot, "t")
        assert value(world, LIBRARY, "status") == "Completed"


async def test_it_is_reached_from_a_row_from_a_project_and_from_the_list(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.every)
    async with world.app("project", SEGMENTS).run_test(size=WIDE) as pilot:
        await opened(pilot)
        assert "Event Segmentation (v2): whole project   open   1 of 1" in title(pilot)
        await press(pilot, "escape", "3")
        await shown(pilot)
        await opened(pilot)
        await press(pilot, "escape", "5")
        await shown(pilot)
        await press(pilot, "tab", "down", "enter")
        await until(pilot, lambda: title(pilot))
        assert "2 of 4" in title(pilot)
        await press(pilot, "o")
        assert pilot.app.current_mode == "project"


async def test_a_long_text_scrolls_and_is_copied_whole(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.text)
    async with world.app("sync").run_test(size=SMALL) as pilot:
        await opened(pilot)
        body = page_of(pilot).query_one("#conflict-body")
        assert body.max_scroll_y > 0
        await press(pilot, "down", "pagedown")
        assert body.scroll_y > 0
        await press(pilot, "y")
        for each in (cases.BASE, cases.MINE, cases.THEIRS):
            for part in each.splitlines():
                assert part in pilot.app.clipboard


async def test_no_foreign_text_acts_on_the_terminal(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.hostile)
    async with world.app("sync").run_test(size=SMALL) as pilot:
        await opened(pilot)
        said = title(pilot) + text(pilot)
        assert "[red]mine" in said
        assert not set("\x1b\x07\x00\u202e") & set(said)
