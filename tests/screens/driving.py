"""Driving the terminal in tests: open it on a small world, press keys, wait until it is at rest."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.worker import Worker, WorkerState

from screens.roadmap import RoadmapPage
from screens.widgets.frame import KeyLine, StatusLine
from services.workplace import Workplace
from store.database import connect
from tests.screens import factory
from tui.app import SteercoApp

R = TypeVar("R")
_UNDER_WAY = (WorkerState.PENDING, WorkerState.RUNNING)
_MAY_WAIT = ("dialog", "deed")
PATIENCE = 20.0


class Terminal:
    """A running terminal under test."""

    def __init__(self, app: SteercoApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def roadmap(self) -> RoadmapPage:
        """The roadmap, also under a dialog."""
        page = self.app.screen_stack[0]
        assert isinstance(page, RoadmapPage)
        return page

    async def press(self, *keys: str) -> None:
        """Press keys, each when the last one's work is done."""
        for key in keys:
            await self.pilot.press(key)
            await self.rest()

    async def type(self, text: str) -> None:
        """Put a text into what has the focus: a letter as a key, more as one paste."""
        if len(text) == 1:
            await self.press(_KEYS.get(text, text))
            return
        focused = self.app.focused
        assert focused is not None
        focused.post_message(events.Paste(text))
        await self.pilot.pause()
        await self.rest()

    async def rest(self) -> None:
        """Wait until nothing is under way but dialogs that wait for an answer."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        waited = False
        while busy := self._under_way():
            assert asyncio.get_running_loop().time() < deadline, f"still under way: {busy}"
            waited = True
            await asyncio.sleep(0.002)
        if waited:
            await self.pilot.pause()
            if self._under_way():
                await self.rest()

    def _under_way(self) -> list[Worker[Any]]:
        asked = isinstance(self.app.screen, ModalScreen)
        return [
            worker
            for worker in self.app.workers
            if worker.state in _UNDER_WAY and not (asked and worker.group in _MAY_WAIT)
        ]

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait for something that another thread or process brings about."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not fact():
            assert asyncio.get_running_loop().time() < deadline, "it did not come"
            await asyncio.sleep(0.01)
        await self.rest()

    @property
    def lines(self) -> list[str]:
        """The screen's lines as text."""
        width = self.app.size.width
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip)[:width].rstrip() for strip in strips]

    @property
    def status(self) -> str:
        """What the status line says."""
        return self.app.screen_stack[0].query_one(StatusLine).render().plain.strip()

    @property
    def keys(self) -> str:
        """What the key line says."""
        return self.app.screen.query_one(KeyLine).render().plain.strip()

    @property
    def toasts(self) -> list[str]:
        """The toasts that are up."""
        return [each.message for each in self.app._notifications]

    def look(self, function: Callable[..., R], *args: object) -> R:
        """What a function of the lower layers reads from the same database."""
        with contextlib.closing(connect(self.app.workplace.path)) as conn:
            return function(conn, *args)


@contextlib.asynccontextmanager
async def terminal(
    place: Workplace, *, size: tuple[int, int] = (120, 30), **options: object
) -> AsyncIterator[Terminal]:
    """Open the terminal on a workplace."""
    app = SteercoApp(place, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        driven = Terminal(app, pilot)
        await pilot.pause()
        await driven.rest()
        yield driven


def world(home: Path, number: int = 50, **options: object) -> Workplace:
    """A workplace with invented projects, all of them in sync."""
    return factory.workplace(home, number, **options)  # type: ignore[arg-type]


def names(rows: Sequence[str]) -> list[int]:
    """The numbers of invented projects."""
    return [int(row.rpartition("-")[2]) for row in rows]


_KEYS = {
    " ": "space",
    "/": "slash",
    ":": "colon",
    '"': "quotation_mark",
    "-": "minus",
    "?": "question_mark",
    ".": "full_stop",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "_": "underscore",
}
