"""Enter to a durable "saved" on the screen, and key to repaint, while 10,000 deliveries drain.

And when nothing else is at work, in the same terminal: the real app with its engine on its thread
and the sandbox's Salesforce in a process of its own, driven by Textual's pilot. A save's clock runs
from Enter in a cell's editor to the first frame after the page said "saved", which it says after
the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from bench.first_paint import fill
from bench.measure import Result, at_most
from screens.roadmap import RoadmapPage
from screens.widgets.lineedit import LineEdit
from services import overview
from services.background import Background
from services.config import Settings
from services.context import Context
from services.desk import Desk
from services.workplace import Workplace
from store.database import connect
from tui.app import SteercoApp
from tui.terminal import after_first_paint

PROJECTS, SAVES = 5_000, 60
PAUSE = 0.12
"""Seconds of rest between a save and the next key, as somebody quick would take."""
LIMIT = 0.050
PATIENCE = 60.0
Times = tuple[list[float], list[float]]


def run() -> Iterator[Result]:
    """While it drains first, then quietly."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sandbox.db"
        fill(path, PROJECTS)
        busy, quiet = asyncio.run(_both(path))
    for at, what in ((0, "key to repaint"), (1, "enter to saved")):
        hard, easy = (statistics.median(side[at]) for side in (busy, quiet))
        late, early = (_late(side[at]) for side in (busy, quiet))
        yield at_most(
            f"{what}, draining, median", _ms(hard), f"quiet {_ms(easy)}", hard / easy, 1.5
        )
        for how, slow in (("draining", late), ("quiet", early)):
            yield Result(
                f"{what}, {how}, p95", _ms(slow), "50 ms", slow / LIMIT, "<= 1x", slow <= LIMIT
            )


async def _both(path: Path) -> tuple[Times, Times]:
    place = Workplace(path, Desk(path), Context("bench"))
    engine = Background(place, Settings())
    app = SteercoApp(place, on_ready=lambda: after_first_paint(engine))
    try:
        async with app.run_test(size=(160, 45)) as pilot:
            driver = _Driver(app, pilot)
            await driver.until(lambda: _waiting(path) < 2 * PROJECTS)  # both sides have begun
            before = _waiting(path)
            busy = await driver.saves()
            left = _waiting(path)
            if left < 500:
                raise RuntimeError(f"it drained too soon to be measured: {left} of {before} left")
            await driver.until(lambda: _waiting(path) == 0)
            await asyncio.sleep(3)
            return busy, await driver.saves()
    finally:
        engine.stop()


class _Driver:
    """Presses keys and waits for what they bring about."""

    def __init__(self, app: SteercoApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot
        page = app.screen
        assert isinstance(page, RoadmapPage)
        self.page = page
        self._said = False
        self._painted, self._saved = asyncio.Event(), asyncio.Event()
        display, saved = app._display, page.saved

        def shown(*given: Any, **named: Any) -> None:
            display(*given, **named)
            self._painted.set()
            if self._said:
                self._saved.set()

        def told(what: str = "") -> None:
            saved(what)
            self._said = True

        app._display = shown  # type: ignore[method-assign]
        page.saved = told  # type: ignore[method-assign]
        page.grid.move_to(None, "department")

    async def until(self, fact: Any) -> None:
        """Wait for what the engine brings about."""
        end = time.monotonic() + PATIENCE
        while not fact():
            if time.monotonic() > end:
                raise TimeoutError("the engine did not get that far")
            await asyncio.sleep(0.1)

    async def saves(self) -> Times:
        """Seconds of each key and of each save."""
        keys, saves = [], []
        for number in range(SAVES):
            await asyncio.sleep(PAUSE)
            keys.append(await self._timed("down" if number < SAVES / 2 else "up", self._painted))
            await asyncio.sleep(PAUSE)
            self.app.simulate_key("e")
            await self.until_now(lambda: bool(self.page.query(LineEdit)))
            self.page.query_one(LineEdit).value = f"Team {number} {time.monotonic():.3f}"
            await asyncio.sleep(PAUSE)
            saves.append(await self._timed("enter", self._saved))
            await self.until_now(lambda: not self.page.busy)
        return keys, saves

    async def until_now(self, fact: Any) -> None:
        """Wait for what the app itself does next."""
        while not fact():
            await asyncio.sleep(0.005)

    async def _timed(self, key: str, done: asyncio.Event) -> float:
        self._said = False
        done.clear()
        start = time.perf_counter()
        self.app.simulate_key(key)
        await asyncio.wait_for(done.wait(), 30)
        return time.perf_counter() - start


def _waiting(path: Path) -> int:
    """Deliveries that are still to be made."""
    with contextlib.closing(connect(path)) as conn:
        return sum(each.waiting for each in overview.health(conn).values())


def _late(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
