"""What screens ask of the figures. No call waits for a network; each may be made on any thread.

Each call opens the tickets' file, asks, and closes it, so that other processes can write in
between. ``cancel`` ends a call that is under way on another thread with ``Cancelled``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.kpis import derive, looks, measures
from services.kpis.measures import MEASURES, TILES, Measure
from services.kpis.policy import Policy, PolicyError
from services.kpis.selection import (
    EVERYTHING,
    Filters,
    Period,
    Selection,
    last_months,
    midnight,
    month,
)
from store.tickets import TicketFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SPARK_MONTHS = 12
SERIES = (
    measures.CYCLE,
    measures.MTTR,
    measures.THROUGHPUT,
    measures.INFLOW,
    measures.INCIDENTS,
)
"""The trends that are drawn as charts."""
SORTS = {
    "name": "name",
    "title": "title",
    "department": "department",
    "type": "type",
    "priority": "priority",
    "status": "status",
    "assignee": "assignee",
    "created": "created_at",
    "closed": "closed_at",
    "cycle": "cycle_d",
    "value": "value",
}
_CYCLE_D = f"CASE WHEN {measures.CYCLE.where} THEN {measures.CYCLE.value} END"


class Cancelled(Exception):
    """The question was withdrawn."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in its measure's unit; None where there is no data, never 0. ``n`` tickets are
    behind it."""

    value: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Point:
    """One month of a series; ``selection`` are the tickets behind it, ``p85`` stands beside a
    median."""

    month: str
    value: float | None
    n: int
    p85: float | None
    selection: Selection


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with what it was in the period before and its course by month.

    ``people`` is set for the throughput: the distinct assignees it is divided by. ``p85`` and
    ``mean`` stand beside the median where the measure is a duration.
    """

    measure: Measure
    figure: Figure
    before: Figure
    spark: tuple[Point, ...]
    selection: Selection
    people: int | None = None
    p85: float | None = None
    mean: float | None = None

    @property
    def change(self) -> float | None:
        """The figure less the one before; None where either has no data."""
        if self.figure.value is None or self.before.value is None:
            return None
        return self.figure.value - self.before.value

    @property
    def better(self) -> bool | None:
        """Whether the change is for the better; None for none, and where there is no telling."""
        change, lower = self.change, self.measure.lower_is_better
        return None if not change or lower is None else (change < 0) == lower


@dataclass(frozen=True, slots=True)
class Department:
    """One line of the rollup; ``selection`` are its closed tickets."""

    department: str
    tickets: int
    cycle_n: int
    cycle_median_d: float | None
    weighted_hours: float
    assignees: int
    hours_per_person: float | None
    reopened: int
    rework_pct: float
    selection: Selection


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as a list shows it. ``value`` is in the unit of the selection's measure."""

    id: str
    name: str
    title: str
    department: str
    type: str
    priority: str
    status: str
    assignee: str | None
    created_at: dt.datetime
    start_at: dt.datetime | None
    closed_at: dt.datetime | None
    resolved_at: dt.datetime | None
    reopened: bool
    cycle_d: float | None
    value: float | None

    @property
    def close_month(self) -> str:
        """``YYYY-MM``; empty while it is not closed."""
        return f"{self.closed_at:%Y-%m}" if self.closed_at else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list; ``total`` is the whole list's length."""

    rows: tuple[Ticket, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole KPI page at once, of one moment of the data."""

    tiles: tuple[Tile, ...]
    series: dict[str, tuple[Point, ...]]
    departments: tuple[Department, ...]
    tickets: int
    policy_version: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to filter by."""

    departments: tuple[str, ...]
    types: tuple[str, ...]
    priorities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the file holds. ``waiting`` history rows belong to no ticket that is known;
    ``truncated`` tickets have a history that begins in the middle."""

    tickets: int
    history: int
    waiting: int
    truncated: int
    first: dt.datetime | None
    last: dt.datetime | None
    pulled_at: str | None
    """When Salesforce was last read to the end (ISO, UTC); None: never."""


class Board:
    """Questions to one file of tickets under one policy.

    Every method raises StoreError where the file can't be read, PolicyError where the policy names
    no status column that the tickets have, and Cancelled.
    """

    def __init__(self, file: TicketFile, policy: Policy, *, keep: bool = True) -> None:
        """``keep``: facts of another policy in the file are replaced; else they are left, and this
        policy's are derived for each question."""
        self.policy = policy
        self._file = file
        self._keep = keep
        self._asking: DuckDBPyConnection | None = None

    def cancel(self) -> None:
        """End the question that is under way on another thread."""
        asking = self._asking
        if asking is not None:
            with contextlib.suppress(Exception):
                asking.interrupt()

    def stamp(self) -> int:
        """A number that changes whenever a figure may have, whichever process wrote; costs
        microseconds. 0 while there is nothing."""
        return self._file.stamp()

    def overview(
        self, period: Period, filters: Filters = EVERYTHING, tiles: Sequence[Measure] = TILES
    ) -> Overview:
        """Tiles (of these measures), series, rollup."""
        with self.asking() as conn:
            drawn = series_of(
                conn, list(dict.fromkeys([*SERIES, *tiles])), _charted(period), filters
            )
            charts = {each.key: drawn[each.key] for each in SERIES}
            return Overview(
                tiles_of(conn, tiles, period, filters, drawn),
                charts,
                rollup(conn, period, filters),
                count(conn, Selection("tickets", None, filters)),
                self.policy.version,
            )

    def tile(self, key: str, period: Period, filters: Filters = EVERYTHING) -> Tile:
        """One measure's tile."""
        with self.asking() as conn:
            return tile(conn, MEASURES[key], period, filters)

    def series(self, key: str, period: Period, filters: Filters = EVERYTHING) -> tuple[Point, ...]:
        """A measure by month, oldest first; a month without data has None and 0 tickets."""
        with self.asking() as conn:
            return series(conn, MEASURES[key], period, filters)

    def departments(
        self, period: Period | None, filters: Filters = EVERYTHING
    ) -> tuple[Department, ...]:
        """The rollup of what was closed in the period, by department."""
        with self.asking() as conn:
            return rollup(conn, period, filters)

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
            return tickets(conn, selection, text, sort, descending, limit, offset)

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
            source, values = _listed(selection, text)
            ordered = _ordered(selection, sort, descending)
            return ids_of(conn, f"SELECT id FROM {source} {ordered}", values)

    def those(self, selection: Selection, ids: Sequence[str]) -> dict[str, Ticket]:
        """Some of the tickets behind a figure, by id."""
        with self.asking() as conn:
            source, values = _listed(selection, "", ids)
            rows = conn.execute(f"{_ticket_columns(selection)} FROM {source}", values).fetchall()
            return {row[0]: Ticket(*row) for row in rows}

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

    @contextlib.contextmanager
    def asking(self) -> Iterator[DuckDBPyConnection]:
        """A connection with this policy's facts in the table ``facts``."""
        import duckdb

        with self._opened() as conn:
            self._check(conn)
            self._asking = conn
            try:
                if not derive.are_of(conn, self.policy):
                    derive.derive_all(conn, self.policy, keep=False)
                yield conn
            except duckdb.InterruptException as error:
                raise Cancelled from error
            finally:
                self._asking = None

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
        with self._file.writing() as conn:
            derive.derive_all(conn, self.policy)
        with self._file.reading() as conn:
            yield conn


def count(conn: DuckDBPyConnection, selection: Selection) -> int:
    """How many tickets are behind a figure."""
    where, values = selection.sql()
    return int(
        _one(conn, f"SELECT count(*) FROM {selection.counted.relation} WHERE {where}", values)[0]
    )


def tile(conn: DuckDBPyConnection, measure: Measure, period: Period, filters: Filters) -> Tile:
    """A measure over a period, before it, and by month up to its end."""
    return tiles_of(conn, [measure], period, filters, {})[0]


def tiles_of(
    conn: DuckDBPyConnection,
    asked: Sequence[Measure],
    period: Period,
    filters: Filters,
    known: Mapping[str, tuple[Point, ...]],
) -> tuple[Tile, ...]:
    """Measures over a period, before it, and by month up to its end (``known`` ones are not asked
    for again)."""
    before = period.before()
    both = Period(before.start, period.end)
    found: dict[str, dict[bool, looks.Told]] = {}
    for group in looks.alike(asked):
        # The two periods meet: one look tells both.
        bucket = f"{group[0].moment} >= ?"
        found |= looks.look(conn, group, both, filters, bucket, [midnight(period.start)])
    months = last_months(SPARK_MONTHS, _last_day(period))
    courses = {
        **series_of(conn, [m for m in asked if m.key not in known], months, filters),
        **known,
    }
    tiles = []
    for each in asked:
        now, old = (found[each.key].get(side, looks.NOTHING) for side in (True, False))
        tiles.append(
            Tile(
                each,
                Figure(_scaled(now.value, period, each), now.n),
                Figure(_scaled(old.value, before, each), old.n),
                courses[each.key][-SPARK_MONTHS:],
                Selection(each.key, period, filters),
                now.people,
                now.p85,
                now.mean,
            )
        )
    return tuple(tiles)


def series(
    conn: DuckDBPyConnection, measure: Measure, period: Period, filters: Filters
) -> tuple[Point, ...]:
    """A measure by whole months."""
    return series_of(conn, [measure], period, filters)[measure.key]


def series_of(
    conn: DuckDBPyConnection, asked: Sequence[Measure], period: Period, filters: Filters
) -> dict[str, tuple[Point, ...]]:
    """Measures by whole months."""
    months = period.months()
    whole = Period(month(months[0]).start, month(months[-1]).end)
    told: dict[str, tuple[Point, ...]] = {}
    for group in looks.alike(asked):
        bucket = f"date_trunc('month', {group[0].moment})"
        found = looks.look(conn, group, whole, filters, bucket, [])
        for measure in group:
            by_month = {f"{at:%Y-%m}": values for at, values in found[measure.key].items()}
            selection = Selection(measure.key, whole, filters)
            points = []
            for each in months:
                one = by_month.get(each, looks.NOTHING)
                points.append(Point(each, one.value, one.n, one.p85, selection.in_month(each)))
            told[measure.key] = tuple(points)
    return told


def rollup(
    conn: DuckDBPyConnection, period: Period | None, filters: Filters
) -> tuple[Department, ...]:
    """What was closed, by present department."""
    selection = Selection("closed", period, filters)
    where, values = selection.sql()
    cycle = measures.CYCLE
    rows = conn.execute(
        f"SELECT department, count(*), count(*) FILTER ({cycle.where}), "
        f"{cycle.figure} FILTER ({cycle.where}), {measures.HOURS}, count(DISTINCT assignee), "
        f"{measures.PER_PERSON}, count(*) FILTER (reopened), {measures.REWORK.figure} "
        f"FROM facts WHERE {where} GROUP BY department ORDER BY department",
        values,
    ).fetchall()
    return tuple(Department(*[*row, selection.of_department(row[0])]) for row in rows)


def tickets(
    conn: DuckDBPyConnection,
    selection: Selection,
    text: str = "",
    sort: str = "created",
    descending: bool = True,
    limit: int = 200,
    offset: int = 0,
) -> Page:
    """The tickets behind a figure."""
    source, values = _listed(selection, text)
    total = _one(conn, f"SELECT count(*) FROM {source}", values)[0]
    rows = conn.execute(
        f"{_ticket_columns(selection)} FROM {source} "
        f"{_ordered(selection, sort, descending)} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    ).fetchall()
    return Page(tuple(Ticket(*row) for row in rows), total)


def _listed(
    selection: Selection, text: str, ids: Sequence[str] | None = None
) -> tuple[str, list[Any]]:
    """The relation of the tickets behind a figure that a text, or being one of ``ids``, narrows,
    and its parameters."""
    where, values = selection.sql()
    relation = selection.counted.relation
    if ids is not None:
        # Looked for is the id alone, so that the other texts of all tickets are not unpacked.
        some = "id IN (SELECT unnest(?::VARCHAR[]))"
        if relation == "facts":
            some = f"rowid IN (SELECT rowid FROM facts WHERE {some})"
        where, values = f"{where} AND {some}", [*values, list(ids)]
    source = f"(SELECT * REPLACE ({named('assignee')}) FROM {relation} WHERE {where})"
    if text:
        source = (
            f"(SELECT * FROM {source} "
            "WHERE contains(lower(concat_ws(' ', name, title, assignee, status)), lower(?)))"
        )
        values = [*values, text]
    return source, values


def ids_of(conn: DuckDBPyConnection, query: str, values: Sequence[Any]) -> list[str]:
    """The ids that a query gives, in its order.

    They come as one text: 100,000 values one by one take twice as long, and let no other thread of
    the program work meanwhile.
    """
    found = conn.execute(f"SELECT count(*), string_agg(id, chr(10)) FROM ({query})", values)
    number, text = found.fetchone() or (0, None)
    ids = text.split("\n") if text is not None else []
    if len(ids) == number:
        return ids
    # An id with a line end in it, or an empty one: no id of Salesforce's, but of some export.
    return [row[0] for row in conn.execute(query, values).fetchall()]


def _ticket_columns(selection: Selection) -> str:
    return (
        "SELECT id, name, title, department, type, priority, status, assignee, created_at, "
        "start_at, closed_at, resolved_at, reopened, "
        f"{_CYCLE_D} AS cycle_d, {selection.counted.value} AS value"
    )


def _ordered(selection: Selection, sort: str, descending: bool) -> str:
    column = {"cycle": _CYCLE_D, "value": selection.counted.value}.get(sort) or SORTS[sort]
    return f"ORDER BY {column} {'DESC' if descending else 'ASC'} NULLS LAST, id"


def holdings(conn: DuckDBPyConnection) -> Holdings:
    """How much there is."""
    waiting = (
        "SELECT count(DISTINCT id) FROM history "
        "WHERE NOT deleted AND ticket NOT IN (SELECT _id FROM tickets)"
    )
    row = _one(
        conn,
        f"SELECT count(*), (SELECT count(*) FROM history WHERE NOT deleted), ({waiting}), "
        "count(*) FILTER (truncated), min(created_at), max(created_at), "
        "(SELECT value FROM meta WHERE key = 'pulled_at') FROM facts",
        [],
    )
    return Holdings(*row)


def named(column: str) -> str:
    """A column of ids as the names behind them, where these are known."""
    return f"coalesce((SELECT p.name FROM people p WHERE p.id = {column}), {column}) AS {column}"


def _charted(period: Period) -> Period:
    """The months that charts show: the period's, or the year up to its end where it is shorter."""
    year = last_months(SPARK_MONTHS, _last_day(period))
    return period if period.start < year.start else year


def _last_day(period: Period) -> dt.date:
    return period.end - dt.timedelta(days=1)


def _scaled(value: Any, period: Period, measure: Measure) -> float | None:
    """The throughput of a stretch that is no month is brought to thirty days."""
    if value is None:
        return None
    if measure is measures.THROUGHPUT and not period.is_month:
        return float(value) / (period.days / 30)
    return float(value)


def _one(conn: DuckDBPyConnection, sql: str, values: Sequence[Any]) -> Any:
    return conn.execute(sql, values).fetchone()
