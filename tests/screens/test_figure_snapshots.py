"""What the KPI and backlog pages look like, state by state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.kpi import KpiPage
from tests.screens import figure_worlds, worlds
from tests.screens.figure_worlds import figures, hostile, none, press
from tests.screens.test_project_snapshots import SMALL, WIDE, Steps, look
from tests.screens.worlds import World, at_rest
from tui.theme import DARK, LIGHT


def pressed(*keys: str) -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, *keys)

    return steps


async def filtered(pilot: Pilot[None]) -> None:
    await press(pilot, "d")
    await figure_worlds.typed(pilot, "finance")
    await press(pilot, "enter", "P")
    await figure_worlds.typed(pilot, "p2")
    await press(pilot, "enter")


async def long_ago(pilot: Pilot[None]) -> None:
    page = pilot.app.screen
    assert isinstance(page, KpiPage)
    page.use_period("2019")
    await at_rest(pilot)


Fill = Callable[[Path], World]
KPI: dict[str, tuple[Fill, tuple[int, int], str, Steps]] = {
    "tiles-small-dark": (figures, SMALL, DARK, look),
    "tiles-wide-dark": (figures, WIDE, DARK, look),
    "tiles-wide-light": (figures, WIDE, LIGHT, look),
    "further-small-light": (figures, SMALL, LIGHT, pressed("m")),
    "further-wide-dark": (figures, WIDE, DARK, pressed("m")),
    "chart-small-light": (figures, SMALL, LIGHT, pressed("tab", "left", "left")),
    "chart-wide-dark": (figures, WIDE, DARK, pressed("tab", "down", "left", "left")),
    "departments-small-dark": (figures, SMALL, DARK, pressed("]")),
    "departments-wide-light": (figures, WIDE, LIGHT, pressed("]", "down")),
    "tickets-small-dark": (figures, SMALL, DARK, pressed("[")),
    "tickets-wide-light": (figures, WIDE, LIGHT, pressed("[", "down")),
    "filtered-small-dark": (figures, SMALL, DARK, filtered),
    "filtered-wide-light": (figures, WIDE, LIGHT, filtered),
    "drilled-small-light": (figures, SMALL, LIGHT, pressed("enter")),
    "drilled-wide-dark": (figures, WIDE, DARK, pressed("right", "enter")),
    "ticket-small-dark": (figures, SMALL, DARK, pressed("enter", "enter")),
    "period-small-dark": (figures, SMALL, DARK, pressed("p")),
    "no-data-small-dark": (figures, SMALL, DARK, long_ago),
    "no-data-wide-light": (figures, WIDE, LIGHT, long_ago),
    "empty-small-light": (none, SMALL, LIGHT, look),
    "hostile-wide-dark": (hostile, WIDE, DARK, pressed("]")),
}
BACKLOG: dict[str, tuple[Fill, tuple[int, int], str, Steps]] = {
    "full-small-dark": (figures, SMALL, DARK, look),
    "full-small-light": (figures, SMALL, LIGHT, pressed("tab")),
    "full-wide-dark": (figures, WIDE, DARK, look),
    "full-wide-light": (figures, WIDE, LIGHT, pressed("tab", "tab")),
    "drilled-small-dark": (figures, SMALL, DARK, pressed("tab", "enter")),
    "filtered-wide-dark": (figures, WIDE, DARK, filtered),
    "empty-small-dark": (none, SMALL, DARK, look),
    "hostile-small-light": (hostile, SMALL, LIGHT, look),
}


@pytest.mark.parametrize("name", KPI)
def test_the_kpi_page_looks_like_this(name: str, tmp_path: Path, snap_compare: Any) -> None:
    fill, size, theme, steps = KPI[name]
    app = fill(tmp_path).app("kpi", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(steps))


@pytest.mark.parametrize("name", BACKLOG)
def test_the_backlog_looks_like_this(name: str, tmp_path: Path, snap_compare: Any) -> None:
    fill, size, theme, steps = BACKLOG[name]
    app = fill(tmp_path).app("backlog", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(steps))


@pytest.mark.parametrize("page", ["kpi", "backlog"])
def test_without_colour_everything_is_still_told(
    page: str, tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = figures(tmp_path).app(page)
    steps = pressed("tab", "left")
    assert snap_compare(app, terminal_size=SMALL, run_before=worlds.calmly(steps))
