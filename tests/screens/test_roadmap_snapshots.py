"""How the roadmap looks in every state that matters, at 80x24 and wide, dark and light.

To look at a change and accept it: ``pytest tests/screens --snapshot-update``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from services import itsc_roadmap
from services.workplace import Workplace
from store import deliveries, targets
from store.database import open_database, transaction
from tests.screens.driving import Terminal, world
from tests.screens.factory import NOW, context
from tui.app import SteercoApp
from tui.theme import DARK, LIGHT

Steps = Callable[[Terminal], Awaitable[None]]
SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
THEMES = {"dark": DARK, "light": LIGHT}
STATES = ("pending", "in_flight", "retrying", "conflict", "failed")
JOINER = "\u200d"
HOSTILE = (
    "[/x] [bold]markup[/bold] [@click=app.quit]quit",
    "\x1b[31mescape\x07 \x9b2J \x00",
    "\u202eright to left\u202c",
    "مشروع تجريبي باللغة العربية",
    f"👩{JOINER}👩{JOINER}👧 family ❤️{JOINER}🩹 ⚡️",
    "漢字かな交じり文の長い名前がここにあります",
    "e\u0301\u0302\u0303 combining",
    "first line\r\nsecond line\ttab",
    "“quotes” 'single' `tick` $HOME \\n",
    "no\u00a0break zero\u200bwidth \ud83d half",
)


async def nothing(_driven: Terminal) -> None:
    """The page as it opens."""


def keys(*presses: str) -> Steps:
    """Press keys; a text in quotes is typed."""

    async def steps(driven: Terminal) -> None:
        for each in presses:
            if each.startswith("'"):
                await driven.type(each.strip("'"))
            else:
                await driven.press(each)

    return steps


def in_column(column: str, *presses: str) -> Steps:
    """The same, with the cursor in a column."""

    async def steps(driven: Terminal) -> None:
        driven.roadmap.grid.move_to(None, column)
        await driven.rest()
        await keys(*presses)(driven)

    return steps


def each_sync_state(place: Workplace) -> None:
    """One row for each state, both targets in turn, and Firestore paused for the rows after."""
    conn = open_database(place.path)
    order = [
        row[0]
        for row in conn.execute(
            "SELECT project_id FROM projects WHERE priority = 'P1' ORDER BY sort_order"
        )
    ]
    for at, state in enumerate(STATES):
        for row, target in ((order[at], "salesforce"), (order[at + len(STATES)], "firestore")):
            done = itsc_roadmap.update_project(
                conn, context("bo"), row, {"strategic_value": state + target}
            )
            with transaction(conn):
                assert done.seq is not None
                conn.execute(
                    "UPDATE open_deliveries SET attempts = 3, next_at = ?, last_error = ? "
                    "WHERE seq = ? AND target = ?",
                    (NOW.timestamp() + 40, "the owner is inactive", done.seq, target),
                )
                for each in deliveries.TARGETS:
                    arrived = "done" if each != target else state
                    deliveries.set_state(conn, done.seq, each, arrived)
    conn.close()


def away(place: Workplace) -> None:
    """Salesforce can't be reached, Firestore is paused, and one edit waits for both."""
    conn = open_database(place.path)
    itsc_roadmap.update_project(conn, context("bo"), "project-00000", {"strategic_value": "x"})
    with transaction(conn):
        targets.put(conn, "salesforce", down_since=NOW.timestamp(), down_reason="no answer")
        targets.put(conn, "firestore", paused_by="bo")
    conn.close()


def hostile(place: Workplace) -> None:
    """Every text that a person or a remote system could have written."""
    conn = open_database(place.path)
    rows = conn.execute("SELECT project_id FROM projects ORDER BY priority_rank, sort_order")
    for (row,), text in zip(rows.fetchall(), HOSTILE, strict=False):
        held = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        conn.execute(
            "UPDATE projects SET feature_name = ?1, department = ?1, it_lead = ?1, "
            "product_owner = ?1 WHERE project_id = ?2",
            (held, row),
        )
    conn.close()


def family(place: Workplace) -> None:
    """A project with children and an edit that has not arrived."""
    conn = open_database(place.path)
    for child in ("project-00003", "project-00006"):
        itsc_roadmap.update_project(conn, context("bo"), child, {"parent_id": "project-00000"})
    itsc_roadmap.update_project(conn, context("bo"), "project-00000", {"department": "New"})
    conn.close()


LOOKS: dict[str, tuple[int, Callable[[Workplace], None] | None, Steps]] = {
    "empty": (0, None, nothing),
    "fifty": (50, None, keys("down", "down")),
    "sync-states": (50, each_sync_state, nothing),
    "targets-away": (50, away, nothing),
    "filtering": (50, None, keys("slash", "'bidspeed status:p'")),
    "filter-without-hits": (50, None, keys("slash", "'dept:nowhere'")),
    "unknown-chip": (50, None, keys("slash", "'colour:red platform'")),
    "picklist": (50, None, in_column("status", "enter")),
    "invalid-date": (50, None, in_column("launch_target", "enter", "ctrl+u", "'2026-02-30'")),
    "valid-date": (50, None, in_column("launch_target", "enter", "ctrl+u", "'2026-12-15'")),
    "several": (50, None, in_column("status", "space", "space", "space", "enter")),
    "saved": (50, None, in_column("status", "enter", "'paused'", "enter")),
    "delete": (50, family, keys("d")),
    "new": (50, None, keys("n", "'A new one'", "down", "right")),
    "sort": (50, None, keys("s", "'dep'", "enter", "s")),
    "timeline": (50, None, keys("t")),
    "undecided": (50, None, keys("t", "end")),
    "help": (50, None, keys("question_mark")),
    "palette": (50, None, keys("ctrl+p")),
    "explain": (50, each_sync_state, in_column("sync", "down", "down", "enter")),
    "export": (50, None, keys("x")),
    "hostile": (50, hostile, nothing),
}
LIGHT_TOO = ("fifty", "sync-states", "picklist", "delete", "timeline", "help", "several")
CASES = [
    pytest.param(look, size, theme, id=f"{look}-{size}-{theme}")
    for look in LOOKS
    for size in SIZES
    for theme in THEMES
    if theme == "dark" or look in LIGHT_TOO
]


@pytest.mark.parametrize(("look", "size", "theme"), CASES)
def test_the_roadmap_looks_like_this(
    home: Path, snap_compare: Any, look: str, size: str, theme: str
) -> None:
    number, prepare, steps = LOOKS[look]
    place = world(home, number)
    if prepare is not None:
        prepare(place)
    assert _same(place, snap_compare, steps, SIZES[size], THEMES[theme])


@pytest.mark.parametrize("look", ["fifty", "sync-states", "several", "timeline"])
def test_without_colour_it_looks_like_this(
    home: Path, snap_compare: Any, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    number, prepare, steps = LOOKS[look]
    place = world(home, number)
    if prepare is not None:
        prepare(place)
    assert _same(place, snap_compare, steps, SIZES["80x24"], DARK)


def _same(
    place: Workplace, snap_compare: Any, steps: Steps, size: tuple[int, int], theme: str
) -> bool:
    async def before(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, SteercoApp)
        driven = Terminal(pilot.app, pilot)
        await pilot.pause()
        await driven.rest()
        await steps(driven)

    app = SteercoApp(place, theme=theme)
    return bool(snap_compare(app, terminal_size=size, run_before=before))
