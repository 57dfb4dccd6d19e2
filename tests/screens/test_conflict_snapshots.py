"""What the conflict screen looks like, state by state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.screens import conflict_worlds as conflicts
from tests.screens import worlds
from tests.screens.test_project_snapshots import SMALL, WIDE, press
from tests.screens.worlds import World
from tui.theme import DARK, LIGHT

CASES: dict[str, tuple[worlds.Fill | None, tuple[int, int], str, tuple[str, ...]]] = {
    "empty-small-dark": (None, SMALL, DARK, ("c",)),
    "field-small-dark": (conflicts.field, SMALL, DARK, ("c",)),
    "field-wide-light": (conflicts.field, WIDE, LIGHT, ("c",)),
    "text-small-light": (conflicts.text, SMALL, LIGHT, ("c",)),
    "text-wide-dark": (conflicts.text, WIDE, DARK, ("c",)),
    "deleted-here-small-dark": (conflicts.deleted_here, SMALL, DARK, ("c",)),
    "deleted-here-wide-light": (conflicts.every, WIDE, LIGHT, ("c", "n")),
    "deleted-there-small-light": (conflicts.deleted_there, SMALL, LIGHT, ("c",)),
    "deleted-there-wide-dark": (conflicts.every, WIDE, DARK, ("c",)),
    "resolved-wide-dark": (conflicts.closed, WIDE, DARK, ("c", "f")),
    "resolved-small-light": (conflicts.closed, SMALL, LIGHT, ("c", "f")),
    "hostile-wide-dark": (conflicts.hostile, WIDE, DARK, ("c",)),
    "edit-small-dark": (conflicts.text, SMALL, DARK, ("c", "e")),
    "all-of-them-small-dark": (conflicts.every, SMALL, DARK, ("c", "M")),
    "delete-asked-wide-light": (conflicts.every, WIDE, LIGHT, ("c", "t")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_conflict_screen_looks_like_this(name: str, tmp_path: Path, snap_compare: Any) -> None:
    fill, size, theme, keys = CASES[name]
    app = World(tmp_path, fill=fill).app("sync", theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=worlds.calmly(press(*keys)))


def test_without_colour_the_difference_is_still_marked(
    tmp_path: Path, snap_compare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = World(tmp_path, fill=conflicts.text).app("sync")
    assert snap_compare(app, terminal_size=WIDE, run_before=worlds.calmly(press("c")))
