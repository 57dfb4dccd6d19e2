"""The interface's way to the figures: one thread that asks them, one question after the other.

A screen awaits ``desk.ask(name, function, *arguments)``; the function gets the board first. A newer
question of the same name withdraws the older one, so that who changes a filter three times in a row
waits for the last answer alone. The thread starts with the first question. From then on it also
looks twice a second whether the tickets' file was changed, by any process, and calls ``on_change``.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from services.config import Settings
from store.clock import Clock

if TYPE_CHECKING:
    from services.kpis.board import Board

P = ParamSpec("P")
R = TypeVar("R")
WATCH_SECONDS = 0.5
LAST_WAIT = 2.0
"""Seconds that the end of the program waits for a question that was withdrawn."""


class Withdrawn(Exception):
    """A newer question took this one's place, or a person ended it."""


@dataclass(slots=True, eq=False)
class _Question:
    name: str
    ask: Callable[[Board], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    withdrawn: bool = False


class FigureDesk:
    """Questions to the figures of a configuration, off the interface thread."""

    def __init__(self, settings: Settings, home: Path, clock: Clock) -> None:
        self._settings, self._home, self._clock = settings, home, clock
        self._changed = threading.Condition()
        self._waiting: deque[_Question] = deque()
        self._now: _Question | None = None
        self._board: Board | None = None
        self._thread: threading.Thread | None = None
        self._ended = False
        self._on_change: Callable[[], None] = lambda: None

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call this (from the asking thread) when the tickets have changed."""
        self._on_change = on_change

    async def ask(
        self,
        name: str,
        function: Callable[Concatenate[Board, P], R],
        *args: P.args,
        **kw: P.kwargs,
    ) -> R:
        """The function's result. Raises Withdrawn, and what the function or opening the figures
        raises: StoreError, PolicyError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        question = _Question(name, lambda board: function(board, *args, **kw), future, loop)
        with self._changed:
            if self._ended:
                raise Withdrawn
            self._withdraw(name)
            self._waiting.append(question)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
                self._thread.start()
            self._changed.notify()
        return await future

    def withdraw(self, name: str) -> None:
        """End the questions of this name: who asked them gets Withdrawn."""
        with self._changed:
            self._withdraw(name)

    def stop(self) -> None:
        """End every question and the thread."""
        with self._changed:
            self._ended = True
            for each in {each.name for each in (*self._waiting, self._now) if each is not None}:
                self._withdraw(each)
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(LAST_WAIT)

    def _withdraw(self, name: str) -> None:
        for each in self._waiting:
            each.withdrawn |= each.name == name
        now = self._now
        if now is not None and now.name == name and not now.withdrawn:
            now.withdrawn = True
            if self._board is not None:
                self._board.cancel()

    # -- on the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        seen: int | None = None
        try:
            while (question := self._next()) is not None or not self._ended:
                if question is not None:
                    self._answer(question)
                board = self._board
                if board is not None:
                    stamp = board.stamp()
                    if seen is not None and stamp != seen:
                        self._on_change()
                    seen = stamp
        finally:
            from services.kpis.live import LiveBoard

            if isinstance(self._board, LiveBoard):
                self._board.close()

    def _next(self) -> _Question | None:
        """The next question; None where none came within the time to look at the file."""
        with self._changed:
            self._now = None
            if not self._waiting and not self._ended:
                self._changed.wait(WATCH_SECONDS)
            if self._waiting:
                self._now = self._waiting.popleft()
            return self._now

    def _answer(self, question: _Question) -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            if question.withdrawn:
                raise Withdrawn
            if self._board is None:
                from services.kpis.place import live_board

                self._board = live_board(self._settings, self._home, self._clock)
            result = question.ask(self._board)
        except BaseException as error:  # noqa: BLE001 - it is the asker's, and is raised there
            failure = error
        if question.withdrawn:
            failure = Withdrawn()

        def deliver() -> None:
            if question.future.done():
                return
            if failure is None:
                question.future.set_result(result)
            else:
                question.future.set_exception(failure)

        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            question.loop.call_soon_threadsafe(deliver)
