"""The sync column changes by itself, and nothing else moves when it does."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from screens.widgets.frame import TabLine, TitleLine
from screens.widgets.lineedit import LineEdit
from services import itsc_roadmap
from services.workplace import Workplace
from store import deliveries, targets
from store.database import connect, open_database, transaction
from tests.screens.driving import Terminal, terminal, world
from tests.screens.factory import NOW, context

FIRST = "project-00000"
ROOT = Path(__file__).resolve().parents[2]


def column_of(driven: Terminal, project_id: str) -> str:
    """What the sync column of a row says on the screen."""
    region = driven.roadmap.grid.cell_region(project_id, "sync")
    assert region is not None
    return re.findall(r"F\S+ S\S+", driven.lines[region.y])[-1]


def edit(place: Workplace, project_id: str, value: str) -> int:
    """An edit by another operator, through a connection of its own."""
    conn = open_database(place.path)
    try:
        done = itsc_roadmap.update_project(
            conn, context("bo"), project_id, {"strategic_value": value}
        )
    finally:
        conn.close()
    assert done.seq is not None
    return done.seq


def put_state(place: Workplace, seq: int, target: str, state: str, **more: object) -> None:
    """A delivery in a state, as an engine would leave it."""
    conn = open_database(place.path)
    with transaction(conn):
        for name, value in more.items():
            conn.execute(
                f"UPDATE open_deliveries SET {name} = ? WHERE seq = ? AND target = ?",
                (value, seq, target),
            )
        assert deliveries.set_state(conn, seq, target, state) == 1
    conn.close()


@pytest.mark.parametrize(
    ("state", "more", "shown"),
    [
        ("done", {}, "F✓ S✓"),
        ("pending", {}, "F✓ S1"),
        ("in_flight", {}, "F✓ S…"),
        ("retrying", {"attempts": 3, "next_at": NOW.timestamp() + 40}, "F✓ S↻3"),
        ("conflict", {}, "F✓ S⚠"),
        ("failed", {"last_error": "[/x] refused"}, "F✓ S✗"),
    ],
)
async def test_each_state_has_its_sign(
    home: Path, state: str, more: dict[str, object], shown: str
) -> None:
    place = world(home, 5)
    seq = edit(place, FIRST, "x")
    put_state(place, seq, "firestore", "done")
    put_state(place, seq, "salesforce", state, **more)
    async with terminal(place) as driven:
        assert column_of(driven, FIRST) == shown


async def test_two_edits_that_wait_are_counted(home: Path) -> None:
    place = world(home, 5)
    edit(place, FIRST, "x")
    edit(place, FIRST, "y")
    async with terminal(place) as driven:
        assert column_of(driven, FIRST) == "F2 S2"


async def test_a_paused_target_shows_a_dash_and_says_so_above(home: Path) -> None:
    place = world(home, 5)
    edit(place, FIRST, "x")
    conn = open_database(place.path)
    with transaction(conn):
        targets.put(conn, "salesforce", paused_by="bo")
    conn.close()
    async with terminal(place) as driven:
        assert column_of(driven, FIRST) == "F1 S–"
        assert "Salesforce ‖ paused 1 waiting" in driven.lines[0]


async def test_another_process_shows_within_half_a_second(home: Path) -> None:
    place = world(home, 5)
    seq = edit(place, FIRST, "x")
    put_state(place, seq, "firestore", "done")
    async with terminal(place) as driven:
        assert column_of(driven, FIRST) == "F✓ S1"
        code = (
            "import sqlite3, sys\n"
            "from store import deliveries\n"
            "conn = sqlite3.connect(sys.argv[1])\n"
            "deliveries.set_state(conn, int(sys.argv[2]), 'salesforce', 'done')\n"
            "conn.commit()\n"
        )
        asked = [sys.executable, "-c", code, str(place.path), str(seq)]
        subprocess.run(asked, check=True, cwd=ROOT)
        began = time.monotonic()
        await driven.until(lambda: column_of(driven, FIRST) == "F✓ S✓")
        # 250 ms until it is noticed; the rest is a busy machine's.
        assert time.monotonic() - began < 3.0


async def test_nothing_moves_when_rows_change_and_come_and_go_above(home: Path) -> None:
    place = world(home, 200)
    async with terminal(place, size=(120, 24)) as driven:
        grid = driven.roadmap.grid
        grid.move_to(driven.roadmap.held.order[60], "status")
        await driven.rest()
        here = driven.roadmap.here
        assert here is not None
        region = grid.cell_region(here, "status")
        conn = open_database(place.path)
        for each in driven.roadmap.held.order[:5]:
            itsc_roadmap.delete_project(conn, context("bo"), each)
        itsc_roadmap.create_project(conn, context("bo"), {"feature_name": "New", "priority": "P1"})
        conn.close()
        await driven.until(lambda: len(driven.roadmap.held.order) == 196)
        assert driven.roadmap.here == here
        assert grid.column == "status"
        assert grid.cell_region(here, "status") == region


async def test_a_scrolled_away_reader_keeps_his_place(home: Path) -> None:
    place = world(home, 200)
    async with terminal(place, size=(120, 24)) as driven:
        grid = driven.roadmap.grid
        grid.scroll_to(y=100, animate=False)
        await driven.rest()
        first = grid.shown_rows[0]
        conn = open_database(place.path)
        itsc_roadmap.delete_project(conn, context("bo"), driven.roadmap.held.order[3])
        conn.close()
        await driven.until(lambda: len(driven.roadmap.held.order) == 199)
        assert grid.shown_rows[0] == first


async def test_an_open_editor_keeps_its_text_its_place_and_the_order_below_it(home: Path) -> None:
    place = world(home, 50)
    async with terminal(place) as driven:
        driven.roadmap.grid.move_to(driven.roadmap.held.order[4], "department")
        await driven.press("e")
        await driven.type(" and more")
        text = driven.app.screen.query_one(LineEdit).value
        order = driven.roadmap.held.order
        conn = open_database(place.path)
        itsc_roadmap.delete_project(conn, context("bo"), order[0])
        itsc_roadmap.update_project(conn, context("bo"), order[1], {"status": "Paused"})
        conn.close()
        await driven.until(lambda: driven.roadmap.held.value(order[1], "status") == "Paused")
        assert driven.app.screen.query_one(LineEdit).value == text
        assert driven.roadmap.state == "editing"
        assert driven.roadmap.held.order == order
        await driven.press("escape")
        assert driven.roadmap.held.order == order[1:]


async def test_rows_scrolled_into_sight_have_their_sync_state(home: Path) -> None:
    async with terminal(world(home, 500), size=(120, 24)) as driven:
        await driven.press("end")
        assert column_of(driven, driven.roadmap.held.order[-1]) == "F✓ S✓"


@pytest.mark.parametrize("away", [False, True], ids=["here", "from another page"])
async def test_rows_that_a_larger_terminal_shows_have_their_sync_state(
    home: Path, away: bool
) -> None:
    place = world(home, 50)
    async with terminal(place, size=(120, 45)) as driven:
        row = driven.roadmap.held.order[30]
        await driven.until(lambda: column_of(driven, row) == "F✓ S✓")
        await driven.pilot.resize_terminal(120, 24)
        assert row not in driven.roadmap.grid.shown_rows
        seq = edit(place, row, "x")
        put_state(place, seq, "salesforce", "failed")
        edit(place, FIRST, "y")
        await driven.until(lambda: column_of(driven, FIRST) == "F1 S1")
        if away:
            await driven.press("5")
        await driven.pilot.resize_terminal(120, 45)
        if away:
            await driven.press("3")
        await driven.until(lambda: column_of(driven, row) == "F1 S✗")


async def test_what_needs_a_person_is_counted_above(home: Path) -> None:
    place = world(home, 5)
    seq = edit(place, FIRST, "x")
    async with terminal(place) as driven:
        put_state(place, seq, "salesforce", "failed")
        line = driven.roadmap.query_one(TabLine)
        await driven.until(lambda: line.badges == {"sync": 1})
        assert "5 Sync 1" in driven.lines[1]
        assert "1 needs you" in driven.lines[0]
        health = driven.roadmap.query_one(TitleLine).health["salesforce"]
        assert health.trouble == 1


async def test_saved_is_said_only_when_the_edit_is_durable(home: Path) -> None:
    place = world(home, 5)
    async with terminal(place) as driven:
        driven.roadmap.grid.move_to(FIRST, "status")
        await driven.press("enter")
        await driven.type("paused")
        blocker = connect(place.path)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            await driven.pilot.press("enter")
            await driven.pilot.pause()
            assert "saved" not in driven.status
            assert driven.roadmap.state == "editing"
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        await driven.until(lambda: driven.status.startswith("saved"))
        assert driven.look(_status) == "Paused"


def _status(conn: sqlite3.Connection) -> str:
    found = conn.execute("SELECT status FROM projects WHERE project_id = ?", (FIRST,)).fetchone()
    return str(found[0])


async def test_a_write_that_fails_says_what_happened_to_the_data(home: Path) -> None:
    place = world(home)
    async with terminal(place) as driven:
        conn = connect(place.path)
        conn.execute(
            "CREATE TRIGGER no BEFORE UPDATE ON projects BEGIN SELECT RAISE(ABORT, 'disk'); END"
        )
        conn.close()
        await driven.press("J")
        assert driven.status.startswith("Nothing was saved:")
        assert driven.toasts
        assert driven.look(deliveries.counts)["salesforce"]["pending"] == 0
        assert driven.roadmap.held.order[0] == FIRST
