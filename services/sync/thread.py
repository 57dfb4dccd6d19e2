"""The engine on a thread of its own, for the terminal and the worker.

One daemon thread with its own connection: quitting never waits for a network call. It wakes on a
commit (``wake``, or another process's, seen through ``data_version``) and on a timer that always
re-arms, whatever else happens.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from services.sync.engine import Engine
from store.database import StoreError, connect, data_version, explain

STUMBLED = 5.0
"""Seconds until the next try after something that nobody foresaw."""
LOOK = 0.5
"""Seconds between looks at whether another process has committed."""


class EngineThread(threading.Thread):
    """``make`` builds the engine on this thread (so that the cloud libraries are imported here);
    it may raise, and is tried again. ``on_error`` gets a sentence for the log; ``give_way`` is
    called before each transaction."""

    def __init__(
        self,
        path: Path,
        make: Callable[[sqlite3.Connection], Engine],
        on_error: Callable[[str], None] = lambda _sentence: None,
        give_way: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name="sync-engine", daemon=True)
        self._path = path
        self._make = make
        self._on_error = on_error
        self._give_way = give_way
        self._nudge = threading.Event()
        self._ending = threading.Event()
        self._works = False

    def wake(self) -> None:
        """Something was committed here: look at once."""
        self._works = True
        self._nudge.set()

    def stop(self, timeout: float = 2.0) -> None:
        """Ask the thread to end after the batch it is at, and give it a moment. Work that is cut
        off is taken up again as of unknown outcome."""
        self._ending.set()
        self._nudge.set()
        if self.is_alive():
            self.join(timeout)

    def run(self) -> None:
        conn: sqlite3.Connection | None = None
        engine: Engine | None = None
        try:
            while not self._ending.is_set():
                pause = STUMBLED
                try:
                    conn = conn or self._connect()
                    engine = engine or self._make(conn)
                    pause = self._turn(engine)
                except Exception as error:  # noqa: BLE001 - whatever it was, the rest goes on
                    self._on_error(f"the sync engine stumbled and goes on: {_told(error)}")
                self._sleep(conn, pause)
        finally:
            if engine is not None:
                with contextlib.suppress(StoreError, sqlite3.Error):
                    engine.release()
                for target in engine.remotes.values():
                    target.close()
            if conn is not None:
                conn.close()

    def _connect(self) -> sqlite3.Connection:
        conn = connect(self._path)
        conn.give_way = self._give_way
        return conn

    def _turn(self, engine: Engine) -> float:
        if self._works:
            self._works = False
            engine.inbound.somebody_works()
        pulled = engine.inbound.turn()
        report = engine.cycle()
        if pulled.applied or pulled.deleted:
            return 0.0
        if any(totals.done or totals.failed or totals.taken for totals in report.values()):
            return 0.0
        return engine.wait()

    def _sleep(self, conn: sqlite3.Connection | None, pause: float) -> None:
        end = time.monotonic() + pause
        seen = _version(conn)
        while not self._ending.is_set():
            left = end - time.monotonic()
            if left <= 0 or self._nudge.wait(min(left, LOOK)):
                break
            if _version(conn) != seen:
                break
        self._nudge.clear()


def _version(conn: sqlite3.Connection | None) -> int | None:
    """None while the database can't be asked."""
    try:
        return None if conn is None else data_version(conn)
    except sqlite3.Error:
        return None


def _told(error: Exception) -> str:
    """The sentence of an error that was foreseen; of any other also what it is."""
    if isinstance(error, sqlite3.Error):
        return str(explain(error))
    foreseen = isinstance(error, (StoreError, OSError, RuntimeError))
    return str(error) if foreseen else f"{type(error).__name__}: {error}"
