"""A save goes before everything else: the engine waits, and only what changed is painted."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest
from textual._compositor import Compositor

from screens.widgets.grid import Grid
from screens.widgets.lineedit import LineEdit
from services import itsc_roadmap
from services.context import Context
from services.precedence import HURRY, LONGEST, Precedence
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.parts import PART, parts
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import DocWrite, Kind
from services.sync.thread import EngineThread
from store.database import connect, open_database, transaction
from tests.screens.driving import terminal, world


def test_whoever_gives_way_waits_until_the_save_is_shown() -> None:
    precedence = Precedence()
    precedence.take()
    went: list[float] = []
    waiter = threading.Thread(target=lambda: (precedence.give_way(), went.append(1.0)))
    waiter.start()
    waiter.join(LONGEST / 5)
    assert not went
    precedence.leave()
    waiter.join(5)
    assert went
    start = time.monotonic()
    precedence.give_way()
    assert time.monotonic() - start < LONGEST / 2


def test_a_save_that_is_never_shown_holds_nobody_up_for_long() -> None:
    precedence = Precedence()
    precedence.take()
    precedence.give_way()
    precedence.give_way()  # comes back at all: that is the promise


def test_threads_are_let_on_sooner_while_somebody_saves_and_a_failed_save_holds_nobody_up() -> None:
    precedence, usual = Precedence(), sys.getswitchinterval()
    during: list[float] = []

    def fail() -> None:
        with precedence.saving():
            during.append(sys.getswitchinterval())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert during == [pytest.approx(HURRY)]
    assert sys.getswitchinterval() == pytest.approx(usual)
    start = time.monotonic()
    precedence.give_way()
    assert time.monotonic() - start < LONGEST / 2


def test_a_connection_gives_way_before_each_of_its_transactions(tmp_path: Path) -> None:
    conn = connect(tmp_path / "a.db")
    began: list[bool] = []
    conn.give_way = lambda: began.append(conn.in_transaction)
    with transaction(conn), transaction(conn):
        assert began == [False]
    with transaction(conn):
        assert began == [False, False]


def test_a_database_in_memory_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    connect(Path(":memory:")).close()
    assert list(tmp_path.iterdir()) == []


def test_the_engine_gives_way_to_its_terminal(tmp_path: Path) -> None:
    path, given = tmp_path / "a.db", threading.Event()
    open_database(path).close()

    def make(conn: sqlite3.Connection) -> Engine:
        return Engine(conn, Context("ann"), {})

    thread = EngineThread(path, make, give_way=given.set)
    thread.start()
    assert given.wait(20)
    thread.stop()


def test_parts_are_the_whole_in_its_order() -> None:
    assert [list(part) for part in parts(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(parts([])) == []


def test_the_engine_lets_others_write_after_every_few_records(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    conn, ctx = open_database(path), Context("ann")
    with transaction(conn):
        for number in range(3 * PART):
            itsc_roadmap.create_project(conn, ctx, {"feature_name": f"Project {number}"})
    documents = FirestoreTarget(EmbeddedDocuments(tmp_path / "documents.db"))
    engine = Engine(conn, ctx, {"firestore": documents})
    seen: list[tuple[int, int]] = []

    def look() -> None:
        with contextlib.closing(connect(path)) as other:
            questions = ("open_deliveries WHERE target = 'firestore'", "sends")
            counts = (other.execute(f"SELECT COUNT(*) FROM {each}") for each in questions)
            left, sent = (int(each.fetchone()[0]) for each in counts)
        seen.append((left, sent))

    conn.give_way = look  # type: ignore[attr-defined]
    for _ in range(4):
        engine.cycle(names=("firestore",))
    look()
    assert seen[0][0] == 3 * PART
    assert seen[-1] == (0, 0)
    for before, after in itertools.pairwise(seen):
        assert before[0] - after[0] <= PART
        assert after[1] - before[1] <= PART


def test_the_sandboxs_documents_give_way_before_each_write(tmp_path: Path) -> None:
    given: list[int] = []
    documents = EmbeddedDocuments(tmp_path / "d.db", give_way=lambda: given.append(1))
    documents.write_many([DocWrite(Kind.CREATE, "a", str(n), {"x": n}) for n in range(3)])
    assert len(given) == 3


async def test_the_engine_is_woken_after_the_frame_that_says_saved(home: Path) -> None:
    place = world(home, 3)
    async with terminal(place) as driven:
        told: list[str] = []
        display = driven.app._display

        def shown(*given: object) -> None:
            display(*given)  # type: ignore[arg-type]
            told.append("saved" if driven.status.startswith("saved") else "frame")

        driven.app._display = shown  # type: ignore[method-assign, assignment]
        place.wake = lambda: told.append("woken")
        await driven.press("right", "e")
        driven.roadmap.query_one(LineEdit).value = "Somebody's"
        await driven.press("enter")
        await driven.until(lambda: "woken" in told)
        assert "saved" in told[: told.index("woken")]


async def test_a_save_paints_its_row_and_not_the_whole_screen(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []
    line = Grid.render_line
    async with terminal(world(home)) as driven:
        driven.roadmap.grid.move_to(None, "department")
        await driven.press("e")
        driven.roadmap.query_one(LineEdit).value = "Somebody's"
        monkeypatch.setattr(driven.roadmap, "store_changed", lambda: None)  # comes afterwards
        whole = Compositor.render_full_update
        monkeypatch.setattr(
            Compositor, "render_full_update", lambda s, **k: (painted.append(-1), whole(s, **k))[1]
        )
        monkeypatch.setattr(Grid, "render_line", lambda s, y: (painted.append(y), line(s, y))[1])
        await driven.press("enter")
        assert driven.status.startswith("saved")
        assert -1 not in painted
        assert 1 <= len(set(painted)) <= 4


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_after_an_editor_the_table_has_the_focus_and_its_cursor_shows_it(
    home: Path, key: str
) -> None:
    async with terminal(world(home, 5)) as driven:
        driven.roadmap.grid.move_to(None, "department")
        await driven.press("e")
        assert not driven.roadmap.grid.has_focus
        await driven.press(key)
        assert driven.app.focused is driven.roadmap.grid
        assert driven.roadmap.grid.has_focus
        row = driven.roadmap.grid.row
        await driven.press("down")
        assert driven.roadmap.grid.row != row
