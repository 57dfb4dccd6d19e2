"""The terminal while the database is in trouble: it says so, keeps what was typed, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services import desk as desks
from services.desk import Desk
from services.logs import log
from services.sync import thread as engines
from services.sync.thread import EngineThread
from store import database, projects
from tests.screens.driving import terminal, world
from tests.screens.test_roadmap_keys import go_to
from tui import stray


async def test_an_edit_on_a_full_disk_stays_in_the_editor_until_there_is_room(home: Path) -> None:
    place = world(home)
    async with terminal(place) as driven:
        await go_to(driven, "department")
        await driven.press("e", "ctrl+u")
        await driven.type("Typed with care")
        await place.desk.write(_full)
        await driven.press("enter")
        assert driven.roadmap.state == "editing"
        screen = "\n".join(driven.lines)
        assert "Typed with care" in screen
        assert "Nothing was saved: the disk is" in screen
        assert "full; nothing was changed" in screen
        await place.desk.write(_roomy)
        await driven.press("enter")
        assert driven.roadmap.state != "editing"
        first = driven.roadmap.held.order[0]
        saved = driven.look(projects.get, first)
        assert saved is not None
        assert saved.values["department"] == "Typed with care"


def _full(conn: sqlite3.Connection) -> None:
    pages = conn.execute("PRAGMA page_count").fetchone()[0]
    assert conn.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0] == pages
    conn.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.operations BEGIN "
        "INSERT INTO drafts VALUES ('x', 'x', hex(zeroblob(200000)), NULL, ''); END"
    )


def _roomy(conn: sqlite3.Connection) -> None:
    conn.execute("DROP TRIGGER full")
    conn.execute("PRAGMA max_page_count = 1073741823")


async def test_ten_megabytes_in_a_name_and_a_brief_are_shown_cut(home: Path) -> None:
    place = world(home, 5)
    conn = database.connect(place.path)
    first = conn.execute("SELECT project_id FROM projects LIMIT 1").fetchone()[0]
    conn.execute(
        "UPDATE projects SET feature_name = ?1, department = ?1, brief_what_it_does = ?1, "
        "priority = 'P1', sort_order = 0 WHERE project_id = ?2",
        ("[/red] \x1b[31m \u202e" * 600_000, first),
    )
    conn.close()
    async with terminal(place) as driven:
        row = next(each for each in driven.lines if "[/red]" in each)
        assert "…" in row
        await driven.press("o")
        panel = "\n".join(driven.lines)
        assert "[/red] ␛[31m" in panel
        for look in (panel, row):
            assert "\x1b" not in look
            assert "\u202e" not in look


async def test_any_size_and_a_storm_of_sizes_are_borne(home: Path) -> None:
    async with terminal(world(home), size=(20, 5)) as driven:
        for page in ("5", "4", "3"):
            await driven.press(page)
            for number in range(30):
                await driven.pilot.resize_terminal(1 + number * 7 % 200, 1 + number * 5 % 60)
            await driven.pilot.resize_terminal(20, 5)
            await driven.rest()
        await driven.pilot.resize_terminal(120, 30)
        await driven.press("down")
        assert any("Feedback Platform" in each for each in driven.lines)


async def test_a_database_that_can_not_be_opened_for_a_while_answers_every_question(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = world(home, 3)
    real, down = database.connect, True

    def connect(path: Path, **options: Any) -> sqlite3.Connection:
        if down:
            raise sqlite3.OperationalError("unable to open database file")
        return real(path, **options)

    monkeypatch.setattr(desks, "connect", connect)
    desk = Desk(place.path, lambda: None)
    desk.start()
    try:
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError):
                await asyncio.wait_for(desk.read(_count), 10)
        down = False
        assert await asyncio.wait_for(desk.read(_count), 10) == 3
    finally:
        desk.stop()


def _count(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0])


async def test_the_reader_survives_a_look_that_fails(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, looks = world(home, 3), 0

    def broken(_conn: sqlite3.Connection) -> int:
        nonlocal looks
        looks += 1
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(desks, "data_version", broken)
    monkeypatch.setattr(desks, "WATCH_SECONDS", 0.01)
    desk = Desk(place.path, lambda: None)
    desk.start()
    try:
        while looks < 3:
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(desk.read(_count), 10) == 3
    finally:
        desk.stop()


@pytest.mark.parametrize("error", [TypeError("odd"), KeyError("field"), RecursionError(),
                                   sqlite3.DatabaseError("malformed"), MemoryError()])  # fmt: skip
def test_the_engine_goes_on_after_whatever_happens(
    home: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    place = world(home, 1)
    told: list[str] = []
    turns: list[float] = []

    def make(_conn: sqlite3.Connection) -> Any:
        turns.append(time.monotonic())
        raise error

    monkeypatch.setattr(engines, "STUMBLED", 0.01)
    engine = EngineThread(place.path, make, told.append)
    with _running(engine):
        deadline = time.monotonic() + 20
        while len(turns) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(turns) >= 3
    assert told
    assert all("stumbled and goes on" in each for each in told)


@contextlib.contextmanager
def _running(engine: EngineThread) -> Iterator[None]:
    engine.start()
    try:
        yield
    finally:
        engine.stop(10)
        assert not engine.is_alive()


def test_a_log_that_can_not_be_written_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log(tmp_path / "no such directory").error("engine_stumbled", sentence="x")
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


async def test_an_error_on_a_thread_of_its_own_is_logged_and_shown_and_prints_nothing(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError("permission denied \x1b[31m[/x]")

    before = threading.excepthook
    async with terminal(world(home, 3)) as driven:
        with stray.caught(home, driven.app.tell):
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
            await driven.until(lambda: bool(driven.toasts))
        assert "permission denied" in driven.toasts[0]
        assert "\x1b" not in driven.toasts[0]
    assert threading.excepthook is before
    assert "permission denied" in (home / "crash.log").read_text()
    assert "Traceback" not in "".join(capfd.readouterr())


async def test_a_refresh_that_can_not_start_any_more_leaves_no_coroutine_behind(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with terminal(world(home, 3)) as driven:
        asked: list[Any] = []
        monkeypatch.setattr(driven.roadmap, "run_worker", lambda work, **_: asked.append(work))
        driven.roadmap.store_changed()
        assert asked
        assert not inspect.iscoroutine(asked[0])
        driven.roadmap._running_refresh = False
