"""What screens ask of the figures. No call waits for a network; each may be made on any thread.

Each call opens the tickets' file, asks, and closes it, so that other processes can write in
between. ``cancel`` ends a call that is under way on another thread with ``Cancelled``.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from services.kpis import derive, lists, overviews
from services.kpis.answers import Choices, Department, Holdings, Overview, Page, Point, Ticket, Tile
from services.kpis.measures import MEASURES, TILES, Measure
from services.kpis.policy import Policy, PolicyError
from services.kpis.selection import EVERYTHING, Filters, Period, Selection
from store.database import CantWrite
from store.tickets import TicketFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

A = TypeVar("A")
B = TypeVar("B")


class Cancelled(Exception):
    """The question was withdrawn."""


class Board:
    """Questions to one file of tickets under one policy.

    Every method raises StoreError where the file can't be read, PolicyError where the policy names
    no status column that the tickets have, and Cancelled.
    """

    unfinished = "facts"
    """The relation to look in for what is open at a moment."""
    in_file = False
    """Whether it answers from facts in the file alone. Else they are derived for each question
    where the file can't be written."""

    def __init__(self, file: TicketFile, policy: Policy, *, keep: bool = True) -> None:
        """``keep``: facts of another policy in the file are replaced; else they are left, and this
        policy's are derived for each question."""
        self.policy = policy
        self._file = file
        self._keep = keep
        self._asking: set[DuckDBPyConnection] = set()
        self._own = threading.local()

    def cancel(self) -> None:
        """End the question that is under way on another thread."""
        for each in tuple(self._asking):
            with contextlib.suppress(Exception):
                each.interrupt()

    def stamp(self) -> int:
        """A number that changes whenever a figure may have, whichever process wrote; costs
        microseconds. 0 while there is nothing."""
        return self._file.stamp()

    def overview(
        self, period: Period, filters: Filters = EVERYTHING, tiles: Sequence[Measure] = TILES
    ) -> Overview:
        """Tiles (of these measures), series, rollup."""
        series, charted = overviews.SERIES, overviews.charted(period)
        measured = list(dict.fromkeys([*series, *tiles]))

        def courses() -> dict[str, tuple[Point, ...]]:
            with self.asking() as conn:
                return overviews.series_of(conn, measured, charted, filters)

        def others() -> tuple[overviews.Compared, tuple[Department, ...], int]:
            with self.asking() as conn:
                return (
                    overviews.compared(conn, tiles, period, filters),
                    overviews.rollup(conn, period, filters),
                    overviews.count(conn, Selection("tickets", None, filters)),
                )

        drawn, (found, departments, number) = self.both(courses, others)
        return Overview(
            overviews.tiles(tiles, period, filters, found, drawn),
            {each.key: drawn[each.key] for each in series},
            departments,
            number,
            self.policy.version,
        )

    def tile(self, key: str, period: Period, filters: Filters = EVERYTHING) -> Tile:
        """One measure's tile."""
        with self.asking() as conn:
            return overviews.tile(conn, MEASURES[key], period, filters)

    def series(self, key: str, period: Period, filters: Filters = EVERYTHING) -> tuple[Point, ...]:
        """A measure by month, oldest first; a month without data has None and 0 tickets."""
        with self.asking() as conn:
            return overviews.series(conn, MEASURES[key], period, filters)

    def departments(
        self, period: Period | None, filters: Filters = EVERYTHING
    ) -> tuple[Department, ...]:
        """The rollup of what was closed in the period, by department."""
        with self.asking() as conn:
            return overviews.rollup(conn, period, filters)

    def tickets(
        self,
        selection: Selection,
        *,
        text: str = "",
        sort: str = "created",
        descending: bool = True,
        limit: int = 200,
        offset: int = 0,
    ) -> Page:
        """The tickets behind a figure, a page of them.

        ``text`` narrows by name, title, assignee, status (letter case aside). ``sort`` is a key of
        ``SORTS``; what has no value comes last. Without a text the page's total is the figure's n.
        """
        with self.asking() as conn:
            return lists.tickets(conn, selection, text, sort, descending, limit, offset)

    def order(
        self,
        selection: Selection,
        *,
        text: str = "",
        sort: str = "created",
        descending: bool = True,
    ) -> list[str]:
        """The ids of the whole list that ``tickets`` gives a page of."""
        with self.asking() as conn:
            return lists.order(conn, selection, text, sort, descending)

    def those(self, selection: Selection, ids: Sequence[str]) -> dict[str, Ticket]:
        """Some of the tickets behind a figure, by id."""
        with self.asking() as conn:
            return lists.those(conn, selection, ids)

    def choices(self) -> Choices:
        """What there is to filter by, each sorted."""
        with self.asking() as conn:
            found = [
                tuple(
                    row[0]
                    for row in conn.execute(
                        f"SELECT DISTINCT {column} FROM facts ORDER BY 1"
                    ).fetchall()
                )
                for column in ("department", "type", "priority")
            ]
            return Choices(*found)

    def holdings(self) -> Holdings:
        """How much there is."""
        with self.asking() as conn:
            return holdings(conn)

    def both(self, first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
        """What two functions that ask this board give, of one moment of the data."""
        with self.asking():
            return first(), second()

    @contextlib.contextmanager
    def asking(self) -> Iterator[DuckDBPyConnection]:
        """A connection with this policy's facts in the table ``facts``; within a question, the
        question's own."""
        conn: DuckDBPyConnection | None = getattr(self._own, "conn", None)
        if conn is not None:
            yield conn
            return
        with self._connected() as conn, self._under_way(conn):
            yield conn

    @contextlib.contextmanager
    def _under_way(self, conn: DuckDBPyConnection) -> Iterator[None]:
        """This thread asks by this connection; ``cancel`` ends it."""
        import duckdb

        self._asking.add(conn)
        self._own.conn = conn
        try:
            yield
        except duckdb.InterruptException as error:
            raise Cancelled from error
        finally:
            self._own.conn = None
            self._asking.discard(conn)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[DuckDBPyConnection]:
        """A connection to the file with this policy's facts."""
        with self._opened() as conn:
            self._check(conn)
            if not derive.are_of(conn, self.policy):
                with self._under_way(conn):
                    derive.derive_all(conn, self.policy, keep=False)
            yield conn

    def _check(self, conn: DuckDBPyConnection) -> None:
        """Without a status nothing was ever started or closed: better no figures than such."""
        there = {name.casefold() for name in derive.raw_columns(conn)}
        names = self.policy.columns["status"]
        if there and not any(name.casefold() in there for name in names):
            raise PolicyError(
                f"the policy takes the status from {' or '.join(names)}, and the tickets have no "
                "such column; name theirs in columns.status"
            )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[DuckDBPyConnection]:
        """The file, with this policy's facts in it where they are kept."""
        with self._file.reading() as conn:
            if not self._keep or derive.are_of(conn, self.policy):
                yield conn
                return
        try:
            with self._file.writing() as conn:
                derive.derive_all(conn, self.policy)
        except CantWrite:
            if self.in_file:
                raise
        with self._file.reading() as conn:
            yield conn


def holdings(conn: DuckDBPyConnection) -> Holdings:
    """How much there is."""
    waiting = (
        "SELECT count(DISTINCT id) FROM history "
        "WHERE NOT deleted AND ticket NOT IN (SELECT _id FROM tickets)"
    )
    row = conn.execute(
        f"SELECT count(*), (SELECT count(*) FROM history WHERE NOT deleted), ({waiting}), "
        "count(*) FILTER (truncated), min(created_at), max(created_at), "
        "(SELECT value FROM meta WHERE key = 'pulled_at') FROM facts"
    ).fetchone()
    assert row is not None  # without a group there is always one
    return Holdings(*row)
