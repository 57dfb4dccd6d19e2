"""Key to repaint on the roadmap, against the same key on a bare DataTable of the same size."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from bench.measure import Result, at_most
from services import itsc_roadmap
from services.context import Context
from services.desk import Desk
from services.workplace import Workplace
from store.database import open_database, transaction
from tui.app import SteercoApp

KEYS, ROUNDS = 60, 5


class Bare(App[None]):
    """A DataTable of eight columns and fifty rows, and nothing else."""

    def compose(self) -> ComposeResult:
        """The table."""
        table: DataTable[str] = DataTable(cursor_type="row")
        table.add_columns(*(f"Column {n}" for n in range(8)))
        for row in range(50):
            table.add_row(*(f"cell {row} {n}" for n in range(8)))
        yield table


def run() -> Iterator[Result]:
    """The median over all keys of a round, the two sides in turn."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sandbox.db"
        _fill(path, 50)
        pairs = [
            (asyncio.run(_times(_ours(path))), asyncio.run(_times(Bare()))) for _ in range(ROUNDS)
        ]
    ours = statistics.median(statistics.median(a) for a, _ in pairs)
    theirs = statistics.median(statistics.median(b) for _, b in pairs)
    ratio = statistics.median(statistics.median(a) / statistics.median(b) for a, b in pairs)
    yield at_most("key to repaint, median", _ms(ours), f"bare DataTable {_ms(theirs)}", ratio, 1.5)
    slow = statistics.quantiles([t for a, _ in pairs for t in a], n=20)[-1]
    yield Result(
        "key to repaint, 95th percentile", _ms(slow), "50 ms", slow / 0.05, "<= 1x", slow <= 0.05
    )


def _ours(path: Path) -> App[Any]:
    return SteercoApp(Workplace(path, Desk(path), Context("bench")))


async def _times(app: App[Any]) -> list[float]:
    """Seconds from each key to the painting that follows it."""
    painted = asyncio.Event()
    display = app._display

    def seen(*given: Any, **named: Any) -> None:
        display(*given, **named)
        painted.set()

    found = []
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause(0.5)
        app._display = seen  # type: ignore[method-assign]
        for number in range(KEYS):
            painted.clear()
            start = time.perf_counter()
            app.simulate_key("down" if number < KEYS / 2 else "up")
            await asyncio.wait_for(painted.wait(), 5)
            found.append(time.perf_counter() - start)
            await asyncio.sleep(0.03)
    return found


def _fill(path: Path, count: int) -> None:
    conn = open_database(path)
    with transaction(conn):
        for number in range(count):
            values = {"feature_name": f"Project {number}", "department": f"Team {number}"}
            itsc_roadmap.create_project(conn, Context("bench"), values)
    conn.close()


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"
