"""The sync engine beside the terminal: its thread, made after the first paint."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from services.config import Settings
from services.workplace import Workplace

if TYPE_CHECKING:
    from services.connections import Connections
    from services.kpis.thread import TicketThread
    from services.sync.engine import Engine
    from services.sync.thread import EngineThread


class Background:
    """Starts the engine's thread on ``start``, and lets the workplace wake it.

    The targets are opened on that thread, where loading the cloud libraries holds nothing up.
    """

    def __init__(self, place: Workplace, settings: Settings) -> None:
        self._place = place
        self._settings = settings
        self._thread: EngineThread | None = None
        self._opened: Connections | None = None
        self._tickets: TicketThread | None = None
        self._said = ""

    @property
    def home(self) -> Path:
        """The data directory."""
        return self._place.path.parent

    def start(self) -> None:
        """Begin to deliver."""
        from services.sync.thread import EngineThread

        give_way = self._place.precedence.give_way
        self._thread = EngineThread(self._place.path, self._make, self._stumbled, give_way)
        self._place.wake = self._thread.wake
        self._thread.start()

    def stop(self) -> None:
        """End after the batch that is under way; one that takes too long is left behind, and its
        outcome is found out at the next start."""
        if self._thread is None:
            return
        if self._tickets is not None:
            self._tickets.stop()
        self._thread.stop()
        if self._opened is not None and not self._thread.is_alive():
            self._opened.close()

    def _make(self, conn: sqlite3.Connection) -> Engine:
        from services.connections import connect
        from services.kpis.thread import start_tickets
        from services.sync.start import make_engine

        if self._opened is None:
            give_way = self._place.precedence.give_way
            self._opened = connect(self._settings, self.home, give_way=give_way)
            self._tickets = start_tickets(self._opened, self._settings, self.home, self._stumbled)
        return make_engine(conn, self._place.ctx, self._opened, self._settings)

    def _stumbled(self, sentence: str) -> None:
        """Write a new trouble into the log once, not at every try."""
        if sentence != self._said:
            from services.logs import log

            log(self.home).error("engine_stumbled", sentence=sentence)
            self._said = sentence
