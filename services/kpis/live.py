"""Figures for screens: asked of a copy in memory that is taken again when the file has changed.

Opening the tickets' file for each question costs more than the question, and another process may
have it just then. What screens ask most needs the facts alone, so these are copied: a change of a
filter then waits for nobody.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from services.kpis import derive
from services.kpis.answers import Holdings
from services.kpis.board import Board, holdings
from services.kpis.facts import within
from services.kpis.policy import Policy
from store.clock import Clock, system_clock
from store.database import StoreError
from store.tickets import TicketFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

A = TypeVar("A")
B = TypeVar("B")
BACK = dt.timedelta(days=1)


class LiveBoard(Board):
    """A board whose questions are answered from memory, always of the file as it is now.

    The backlog can be asked for moments from ``BACK`` before the last change of the file on, which
    is what a screen needs; for an earlier one ask a plain ``Board``.
    """

    unfinished = "unfinished"
    in_file = True

    def __init__(self, file: TicketFile, policy: Policy, clock: Clock = system_clock) -> None:
        super().__init__(file, policy)
        self._clock = clock
        self._turn = threading.Lock()
        self._memory: DuckDBPyConnection | None = None
        self._copied: int | None = None
        self._held: Holdings | None = None

    def close(self) -> None:
        """Let go of the copy; the next question takes another."""
        with self._turn:
            self._forget()

    def holdings(self) -> Holdings:
        """How much there is, in the file."""
        with self.asking():
            assert self._held is not None
            return self._held

    def both(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """Each on a connection and a thread of its own: DuckDB works off so few rows on one core,
        and terminals have more."""
        with self.asking() as conn:
            beside = conn.cursor()

            def other() -> B:
                with self._under_way(beside):
                    return second()

            try:
                with ThreadPoolExecutor(1, "figures beside") as pool:
                    later = pool.submit(other)
                    return first(), later.result()
            finally:
                beside.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[DuckDBPyConnection]:
        """The copy in memory."""
        import duckdb

        with self._turn:
            conn = self._fresh()
            try:
                yield conn
            except duckdb.Error as error:
                raise StoreError(f"the figures could not be computed: {error}") from error

    def _fresh(self) -> DuckDBPyConnection:
        if self._memory is None or self._copied != self.stamp():
            self._forget()
            # It also makes the facts, where they are another policy's.
            with super()._connected() as conn, self._under_way(conn):
                self._held = holdings(conn)
            stamp = self.stamp()
            self._memory = self._file.copied(self._statements())
            if not derive.are_of(self._memory, self.policy):
                self._forget()
                raise StoreError(
                    "another program computes with another policy; give both the same one"
                )
            self._copied = stamp
        return self._memory

    def _forget(self) -> None:
        if self._memory is not None:
            self._memory.close()
        self._memory = self._copied = None

    def _statements(self) -> list[str]:
        """What is copied: the facts, and what a backlog from yesterday on looks at: the history of
        what moved since, and the tickets that were not done by then."""
        now = dt.datetime.fromtimestamp(self._clock(), dt.UTC).replace(tzinfo=None)
        moved = f"last_status_at >= TIMESTAMP '{now - BACK:%Y-%m-%d %H:%M:%S}'"
        wanted = f"ticket IN (SELECT id FROM kept.facts WHERE {moved})"
        department = self.policy.history_fields["department"]
        if self.policy.backlog_as_of and department:
            wanted += f" OR {within('field', department)}"
        return [
            "CREATE TABLE meta AS FROM kept.meta",
            "CREATE TABLE people AS FROM kept.people",
            "CREATE TABLE facts AS FROM kept.facts ORDER BY created_at, id",
            f"CREATE TABLE {self.unfinished} AS FROM facts "
            f"WHERE coalesce({moved}, false) OR NOT {within('last_status', self.policy.done)}",
            f"CREATE TABLE history AS FROM kept.history WHERE {wanted}",
        ]
