"""A page that is left while it reads or writes: nothing falls, and nothing saved goes unsaid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.base import Page
from screens.conflict import ConflictPage
from screens.widgets.frame import TitleLine
from services.itsc_roadmap import NotFound
from store import conflicts
from store.database import StoreError
from tests.screens import conflict_worlds as cases
from tests.screens.conflict_worlds import FIELD
from tests.screens.worlds import World, at_rest, shown, status, until

WIDE = (160, 45)


def page_on_show(pilot: Pilot[None]) -> Page:
    page = pilot.app.screen
    assert isinstance(page, Page)
    return page


async def opened(pilot: Pilot[None]) -> ConflictPage:
    await shown(pilot)
    await at_rest(pilot)
    await pilot.press("c")
    await until(pilot, lambda: isinstance(pilot.app.screen, ConflictPage), "the conflict shown")
    await at_rest(pilot)
    page = pilot.app.screen
    assert isinstance(page, ConflictPage)
    return page


def next_read_comes_late(page: Page, then: Callable[[], None]) -> asyncio.Event:
    """The page's next read is answered in the moment in which its first widget is gone and its
    work is not yet cancelled. The event is set when the read itself is done: a page closed before
    that cancels it there."""
    desk, real = page.workplace.desk, page.workplace.desk.read
    done = asyncio.Event()

    async def late(function: Any, *args: Any, **kw: Any) -> Any:
        desk.read = real  # type: ignore[method-assign]
        answer = await real(function, *args, **kw)
        done.set()
        while page.query(TitleLine):
            await asyncio.sleep(0)
        then()
        return answer

    desk.read = late  # type: ignore[method-assign]
    return done


@pytest.mark.parametrize("fails", [False, True])
async def test_a_read_that_comes_back_to_a_page_taken_down_ends_there(
    tmp_path: Path, fails: bool
) -> None:
    world = World(tmp_path, fill=cases.field)
    came: list[bool] = []

    def then() -> None:
        came.append(True)
        if fails:
            raise StoreError("the disk is gone")

    async with world.app("sync").run_test(size=WIDE) as pilot:
        page = await opened(pilot)
        read = next_read_comes_late(page, then)
        page.store_changed()
        await until(pilot, read.is_set, "the read")
        await pilot.press("escape")
        await until(pilot, lambda: bool(came), "the answer that came late")
        await at_rest(pilot)
        assert pilot.app.current_mode == "sync"
        assert "out of date" not in status(pilot.app)


async def test_what_was_saved_as_the_page_closed_is_said_on_the_one_below(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.field)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        page = await opened(pilot)
        woken: list[int] = []
        work = page.workplace
        work.wake = lambda: woken.append(1)  # type: ignore[method-assign]
        real = work.desk.write

        async def late(function: Any, *args: Any, **kw: Any) -> Any:
            answer = await real(function, *args, **kw)
            while not page.gone:
                await asyncio.sleep(0)
            return answer

        work.desk.write = late  # type: ignore[method-assign]
        await pilot.press("m", "escape")
        await until(pilot, lambda: "saved" in status(pilot.app), "that it is saved")
        assert not isinstance(page_on_show(pilot), ConflictPage)
        await until(pilot, lambda: bool(woken), "the engine told of it")
    with world.store() as conn:
        found = conflicts.get(conn, FIELD)
        assert found is not None
        assert found.state == "resolved"


async def test_what_was_not_saved_as_the_page_closed_is_said_too(tmp_path: Path) -> None:
    world = World(tmp_path, fill=cases.field)
    async with world.app("sync").run_test(size=WIDE) as pilot:
        page = await opened(pilot)

        async def late(function: Any, *args: Any, **kw: Any) -> Any:
            while not page.gone:
                await asyncio.sleep(0)
            raise NotFound("project-00009")

        page.workplace.desk.write = late  # type: ignore[method-assign]
        await pilot.press("m", "escape")
        await until(pilot, lambda: "Nothing was saved" in status(pilot.app), "that it failed")
        assert [each.severity for each in pilot.app._notifications] == ["error"]
