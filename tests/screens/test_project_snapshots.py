"""What the project page looks like, state by state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.widgets.project_panel import LongPanel
from services.itsc_roadmap import delete_project
from tests.screens import worlds
from tests.screens.test_project_fields import goto, page_of
from tests.screens.worlds import MAIN, World, at_rest
from tui.theme import DARK, LIGHT

SMALL, WIDE, MIDDLE = (80, 24), (160, 45), (120, 40)
Steps = Callable[[Pilot[None]], Awaitable[None]]


async def look(_pilot: Pilot[None]) -> None:
    """The page as it opens."""


def press(*keys: str) -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)

    return steps


def on(path: str, *keys: str) -> Steps:
    """Keys pressed on a field; a text goes one key at a time."""

    async def steps(pilot: Pilot[None]) -> None:
        await goto(pilot, path)
        for key in keys:
            await pilot.press(key)
            await at_rest(pilot)

    return steps


def writing(path: str, *keys: str) -> Steps:
    async def steps(pilot: Pilot[None]) -> None:
        next(p for p in page_of(pilot).query(LongPanel) if p.path == path).focus()
        await pilot.press("e")
        await at_rest(pilot)
        await pilot.press(*keys)

    return steps


def deleted(conn: Any) -> None:
    worlds.drafted(conn)
    delete_project(conn, worlds.by("eva", 200), MAIN)


CASES: dict[str, tuple[worlds.Fill | None, tuple[int, int], str, Steps]] = {
    "full-wide-dark": (worlds.full, WIDE, DARK, look),
    "full-wide-light": (worlds.full, WIDE, LIGHT, look),
    "full-small-dark": (worlds.full, SMALL, DARK, look),
    "full-small-light": (worlds.full, SMALL, LIGHT, look),
    "full-middle-dark": (worlds.full, MIDDLE, DARK, look),
    "end-of-the-page-small-dark": (worlds.full, SMALL, DARK, press("end", "down")),
    "history-wide-dark": (worlds.full, WIDE, DARK, press("right", "right", "down")),
    "one-change-small-dark": (worlds.full, SMALL, DARK, press("end", "down", "down", "enter")),
    "hostile-wide-dark": (worlds.hostile, WIDE, DARK, look),
    "hostile-small-light": (worlds.hostile, SMALL, LIGHT, press(*["pagedown", "tab"] * 4)),
    "draft-wide-light": (worlds.drafted, WIDE, LIGHT, look),
    "draft-small-dark": (worlds.drafted, SMALL, DARK, look),
    "wrong-value-small-dark": (worlds.full, SMALL, DARK, on("launch_target", "e", "x")),
    "wrong-value-wide-light": (worlds.full, WIDE, LIGHT, on("intake.dev_readiness", "e", "1")),
    "picklist-wide-dark": (worlds.full, WIDE, DARK, on("status", "e", "i", "n")),
    "picklist-small-light": (worlds.full, SMALL, LIGHT, on("strategic_group", "e")),
    "writing-wide-dark": (worlds.full, WIDE, DARK, writing("brief.why_it_matters", "!")),
    "writing-small-light": (worlds.full, SMALL, LIGHT, writing("brief.punchline", "!")),
    "unsaved-small-dark": (worlds.full, SMALL, DARK, writing("brief.punchline", "!", "escape")),
    "delete-small-dark": (worlds.full, SMALL, DARK, press("d")),
    "gone-small-dark": (deleted, SMALL, DARK, look),
    "gone-wide-light": (deleted, WIDE, LIGHT, look),
}


@pytest.mark.parametrize("name", CASES)
def test_the_project_page_looks_like_this(
    name: str, tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, size, theme, steps = CASES[name]
    monkeypatch.setattr(LongPanel, "draft_seconds", 1000.0)
    app = World(tmp_path, fill=fill).app(theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(steps))


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])
def test_without_a_project_it_looks_like_this(
    size: tuple[int, int], tmp_path: Path, snap_compare: Any
) -> None:
    app = World(tmp_path).app(project=None)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(look))


def test_without_colour_every_sign_is_still_there(
    tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = World(tmp_path, fill=worlds.drafted).app()
    assert snap_compare(app, terminal_size=WIDE, run_before=worlds.calmly(look))
