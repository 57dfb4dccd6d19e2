"""The engine without a terminal: it delivers and brings in for ever, until it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from services.config import Settings
from services.connections import Connections, connect
from services.context import Context
from services.kpis.thread import TicketThread, start_tickets
from services.logs import log
from services.sync.start import make_engine
from services.sync.thread import EngineThread

if TYPE_CHECKING:
    from services.sync.engine import Engine

STOPS = (signal.SIGTERM, signal.SIGINT)


class Worker:
    """Runs in the calling thread, which must be the main one: a signal ends it after the batch
    that is under way, its leases given back. ``opened`` connections are its own."""

    def __init__(self, path: Path, settings: Settings, ctx: Context) -> None:
        self._home = path.parent
        self._settings = settings
        self._ctx = ctx
        self._opened: Connections | None = None
        self._tickets: TicketThread | None = None
        self._engine = EngineThread(path, self._make, self._stumbled)
        self._said = ""

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Work until SIGTERM or SIGINT."""
        with _ended_by(self._engine.stop):
            log(self._home).info("worker_started")
            started()
            try:
                self._engine.run()
            finally:
                if self._tickets is not None:
                    self._tickets.stop()
                if self._opened is not None:
                    self._opened.close()
                log(self._home).info("worker_stopped")

    def _make(self, conn: sqlite3.Connection) -> Engine:
        if self._opened is None:
            self._opened = connect(self._settings, self._home)
            self._tickets = start_tickets(self._opened, self._settings, self._home, self._stumbled)
        return make_engine(conn, self._ctx, self._opened, self._settings)

    def _stumbled(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            log(self._home).error("engine_stumbled", sentence=sentence)


@contextlib.contextmanager
def _ended_by(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on a signal that asks for an end, from another thread than the one it stops."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=stop, daemon=True).start()

    before = {number: signal.signal(number, asked) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
