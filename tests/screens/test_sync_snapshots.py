"""What the Sync page looks like, state by state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens import worlds
from tests.screens.test_project_snapshots import SMALL, WIDE, Steps, look, press
from tests.screens.test_sync_page import FAILED, to_project
from tests.screens.worlds import World, at_rest
from tui.theme import DARK, LIGHT


def on(project_id: str, *keys: str) -> Steps:
    """Keys pressed on the newest edit of a project, each when the last one's work is done."""

    async def steps(pilot: Pilot[None]) -> None:
        to_project(pilot, project_id)
        for key in keys:
            await pilot.press(key)
            await at_rest(pilot)

    return steps


CASES: dict[str, tuple[worlds.Fill | None, tuple[int, int], str, Steps]] = {
    "empty-small-dark": (None, SMALL, DARK, look),
    "empty-wide-light": (None, WIDE, LIGHT, look),
    "all-states-wide-dark": (worlds.all_states, WIDE, DARK, look),
    "all-states-wide-light": (worlds.all_states, WIDE, LIGHT, on(FAILED)),
    "all-states-small-dark": (worlds.all_states, SMALL, DARK, on(FAILED)),
    "all-states-small-light": (worlds.all_states, SMALL, LIGHT, look),
    "trouble-only-wide-dark": (worlds.all_states, WIDE, DARK, press("f")),
    "down-wide-light": (worlds.down, WIDE, LIGHT, look),
    "down-small-dark": (worlds.down, SMALL, DARK, look),
    "paused-small-light": (worlds.paused, SMALL, LIGHT, look),
    "paused-wide-dark": (worlds.paused, WIDE, DARK, look),
    "hostile-small-dark": (worlds.hostile, SMALL, DARK, look),
    "inspect-edit-small-light": (worlds.all_states, SMALL, LIGHT, on(FAILED, "i")),
    "inspect-attempt-wide-dark": (
        worlds.all_states,
        WIDE,
        DARK,
        on(FAILED, "i", "down", "down"),
    ),
    "inspect-attempt-small-dark": (
        worlds.all_states,
        SMALL,
        DARK,
        on(FAILED, "i", "down", "down"),
    ),
    "discard-small-dark": (worlds.all_states, SMALL, DARK, on(FAILED, "D")),
    "discard-wide-light": (worlds.all_states, WIDE, LIGHT, on(FAILED, "D")),
    "mend-small-dark": (worlds.all_states, SMALL, DARK, on(FAILED, "e", "1")),
    "mend-wide-light": (worlds.all_states, WIDE, LIGHT, on(FAILED, "e")),
    "pause-small-light": (worlds.paused, SMALL, LIGHT, press("p")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_sync_page_looks_like_this(name: str, tmp_path: Path, snap_compare: Any) -> None:
    fill, size, theme, steps = CASES[name]
    app = World(tmp_path, fill=fill).app("sync", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(steps))


def test_without_colour_every_state_is_still_told(
    tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = World(tmp_path, fill=worlds.down).app("sync")
    assert snap_compare(app, terminal_size=WIDE, run_before=worlds.calmly(look))
