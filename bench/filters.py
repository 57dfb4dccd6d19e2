"""Another filter on the KPI and backlog pages with 100,000 tickets: from the key to the repaint."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.kpis import make_exports
from bench.measure import Result
from screens.figures import FigurePage
from services.context import Context
from services.desk import Desk
from services.kpis.load import load
from services.kpis.place import SANDBOX_TICKETS
from services.kpis.policy import load_policy
from services.kpis.selection import Filters
from services.workplace import Workplace
from store.clock import from_iso
from store.database import open_database
from store.tickets import TicketFile
from tui.app import SteercoApp

TICKETS, CHANGES, GOAL = 100_000, 60, 0.1
NOW = from_iso("2025-12-15T12:00:00.000Z").timestamp()
PAGES = (
    ("KPIs: tiles and trends", "1", "kpi", ()),
    ("KPIs: the list of all tickets", "1", "kpi", ("[",)),
    ("backlog", "2", "backlog", ()),
)


def run() -> Iterator[Result]:
    """Opening the pages, then filters one after the other on each of them."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        make_exports(home, TICKETS)
        load(TicketFile(home / SANDBOX_TICKETS), load_policy(), home / "T.csv", home / "H.csv")
        open_database(home / "sandbox.db").close()
        for what, key, page, keys in PAGES:
            (home / "session.json").unlink(missing_ok=True)
            opened, seconds = asyncio.run(_times(home, key, page, keys))
            slow = statistics.quantiles(seconds, n=20)[-1]
            yield Result(
                f"another filter, {TICKETS:,} tickets, {what}",
                f"p95 {slow * 1e3:.0f} ms",
                f"median {statistics.median(seconds) * 1e3:.0f}, opened {opened * 1e3:.0f} ms",
                slow / GOAL,
                "<= 1x",
                slow <= GOAL,
            )


async def _times(
    home: Path, key: str, page: str, keys: tuple[str, ...]
) -> tuple[float, list[float]]:
    """Seconds from the page's key to its first figures, and from each filter to its repaint."""
    path = home / "sandbox.db"
    app = SteercoApp(Workplace(path, Desk(path), Context("bench", lambda: NOW)))
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause(0.5)
        start = time.perf_counter()
        app.simulate_key(key)
        while not _shows(app, page):
            await asyncio.sleep(0.001)
        shown = app.screen
        assert isinstance(shown, FigurePage)
        opened = time.perf_counter() - start
        for more in keys:
            await pilot.press(more)
        await pilot.pause(0.5)
        found = [await _repaint(app, shown, _filters(number)) for number in range(CHANGES)]
    return opened, found


def _shows(app: SteercoApp, page: str) -> bool:
    shown = app.screen
    return isinstance(shown, FigurePage) and page == shown.PAGE and bool(shown._shown_question)


async def _repaint(app: SteercoApp, page: FigurePage, filters: Filters) -> float:
    """Seconds until the first painting after everything that the filter changes was read."""
    read, display = page.read_figures, app._display
    known: list[float] = []
    painted = asyncio.Event()

    async def reading() -> None:
        await read()
        known.append(time.perf_counter())

    def seen(*given: Any, **named: Any) -> None:
        display(*given, **named)
        if known:
            known.append(time.perf_counter())
            painted.set()

    page.read_figures, app._display = reading, seen  # type: ignore[method-assign]
    start = time.perf_counter()
    page.use_filters(filters)
    await asyncio.wait_for(painted.wait(), 20)
    page.read_figures, app._display = read, display  # type: ignore[method-assign]
    await asyncio.sleep(0.1)
    return known[1] - start


def _filters(number: int) -> Filters:
    names = (f"Department {number % 30}", f"Department {number * 7 % 30}")
    types = ("Defect",) if number % 3 == 0 else ()
    return Filters() if number % 5 == 0 else Filters(names, types, ())
