"""The interface's way to the database: one thread that reads, one that writes.

Nothing on the interface thread waits for a lock another process holds or for a slow query: a
screen awaits ``desk.read(function, *arguments)`` or ``desk.write(…)``; the function gets a
connection first. The reader also watches ``PRAGMA data_version`` and calls ``on_change`` within a
quarter of a second of any commit, by this process or another.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from store.database import connect, data_version

P = ParamSpec("P")
R = TypeVar("R")
WATCH_SECONDS = 0.25
_Job = tuple[Callable[[sqlite3.Connection], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]


class Desk:
    """Reads and writes off the interface thread, in order of their asking."""

    def __init__(self, path: Path, on_change: Callable[[], None] | None = None) -> None:
        self._reader = _Clerk("desk-read", path, on_change)
        self._writer = _Clerk("desk-write", path, None)

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call this (from the reading thread) after each commit; before ``start``."""
        self._reader.on_change = on_change

    def start(self) -> None:
        """Start both threads; they are daemons, so quitting never waits for them."""
        self._reader.start()
        self._writer.start()

    def stop(self) -> None:
        """Finish what was asked for and stop. A write that was awaited is never cut off."""
        self._writer.stop()
        self._reader.stop()

    async def read(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], R],
        *args: P.args,
        **kw: P.kwargs,
    ) -> R:
        """The function's result on the reading connection."""
        return await self._reader.ask(lambda conn: function(conn, *args, **kw))

    async def write(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], R],
        *args: P.args,
        **kw: P.kwargs,
    ) -> R:
        """The function's result on the writing connection; durable when this returns."""
        return await self._writer.ask(lambda conn: function(conn, *args, **kw))


class _Clerk(threading.Thread):
    def __init__(self, name: str, path: Path, on_change: Callable[[], None] | None) -> None:
        super().__init__(name=name, daemon=True)
        self._path = path
        self.on_change = on_change
        self._conn: sqlite3.Connection | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    async def ask(self, job: Callable[[sqlite3.Connection], R]) -> R:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._jobs.put((job, future, loop))
        return await future

    def stop(self) -> None:
        self._jobs.put(None)
        if self.is_alive():
            self.join(timeout=10)

    def run(self) -> None:
        try:
            self._serve()
        finally:
            if self._conn is not None:
                self._conn.close()

    def _serve(self) -> None:
        seen, look_at = self._version(), time.monotonic() + WATCH_SECONDS
        while True:
            wait = None if self.on_change is None else max(0.0, look_at - time.monotonic())
            try:
                job = self._jobs.get(timeout=wait)
            except queue.Empty:
                pass
            else:
                if job is None:
                    return
                _answer(self._connected, *job)
            if self.on_change is not None and time.monotonic() >= look_at:
                look_at = time.monotonic() + WATCH_SECONDS
                now = self._version()
                if now not in (None, seen):
                    seen = now
                    self.on_change()

    def _connected(self) -> sqlite3.Connection:
        """The connection; where there is none yet it is tried, and whoever asks gets the error."""
        if self._conn is None:
            self._conn = connect(self._path)
        return self._conn

    def _version(self) -> int | None:
        """None while the database can't be asked."""
        try:
            return data_version(self._connected())
        except sqlite3.Error:
            return None


def _answer(
    connected: Callable[[], sqlite3.Connection],
    function: Callable[[sqlite3.Connection], Any],
    future: asyncio.Future[Any],
    loop: asyncio.AbstractEventLoop,
) -> None:
    result: Any = None
    failure: BaseException | None = None
    try:
        result = function(connected())
    except BaseException as error:  # noqa: BLE001 - it is the asker's, and is raised there
        failure = error

    def deliver() -> None:
        if future.done():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)

    with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
        loop.call_soon_threadsafe(deliver)
