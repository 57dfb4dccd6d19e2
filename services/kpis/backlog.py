"""What is open at a moment: by department, by age, ticket by ticket.

Open at T: created before T, and the last status strictly before T is not done. A ticket whose last
change of status lies before T has that status; only those that changed since are looked up in the
history, so that the backlog of now costs no look at it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.kpis.board import Board
from services.kpis.facts import within
from services.kpis.lists import ids_of, named
from services.kpis.selection import EVERYTHING, Filters, Period, midnight, month

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AGES = ((0, 7), (8, 30), (31, 90), (91, None))
"""Whole days of age, both ends included."""
SORTS = {
    "age": "created_at",
    "name": "name",
    "title": "title",
    "department": "department",
    "owner": "owner",
    "priority": "priority",
    "status": "status",
    "days_in_status": "since",
}
_DAY = 86_400_000_000.0
_COLUMNS = (
    "SELECT id, name, title, department, type, priority, status, owner, assignee, created_at, "
    f"age_us / {_DAY}, since_us / {_DAY}"
)


@dataclass(frozen=True, slots=True)
class OpenDepartment:
    """The open tickets of one department; ages in days."""

    department: str
    open: int
    age_median_d: float
    age_p85_d: float
    age_max_d: float


@dataclass(frozen=True, slots=True)
class OpenAge:
    """The open tickets of one age; ``label`` is in days."""

    label: str
    open: int
    bucket: int


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """One open ticket. ``days_in_status`` is how long it has been in its status: aging WIP."""

    id: str
    name: str
    title: str
    department: str
    type: str
    priority: str
    status: str
    owner: str
    assignee: str | None
    created_at: dt.datetime
    age_d: float
    days_in_status: float


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A part of the list; ``total`` is the whole list's length."""

    rows: tuple[OpenTicket, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is open at ``at`` (UTC). ``total`` is the sum of either list."""

    at: dt.datetime
    total: int
    departments: tuple[OpenDepartment, ...]
    ages: tuple[OpenAge, ...]
    oldest: OpenPage
    policy_version: int


def age_label(bucket: int) -> str:
    """``8-30``, ``90+``."""
    low, high = AGES[bucket]
    return f"{low}-{high}" if high is not None else f"{low - 1}+"


def backlog(board: Board, at: dt.datetime, filters: Filters = EVERYTHING) -> Backlog:
    """The whole backlog page at once, with the oldest tickets."""
    with board.asking() as conn:
        source, values = _make_open(conn, board, at, filters)
        departments = by_department(conn, source, values)
        counted = dict(
            conn.execute(
                f"SELECT {_bucket()} AS bucket, count(*) FROM {source} GROUP BY bucket", values
            ).fetchall()
        )
        ages = tuple(OpenAge(age_label(i), counted.get(i, 0), i) for i in range(len(AGES)))
        page = _page(conn, source, values, "age", False, 200, 0)
        return Backlog(at, page.total, departments, ages, page, board.policy.version)


def open_tickets(
    board: Board,
    at: dt.datetime,
    filters: Filters = EVERYTHING,
    *,
    bucket: int | None = None,
    text: str = "",
    sort: str = "age",
    descending: bool = False,
    limit: int = 200,
    offset: int = 0,
) -> OpenPage:
    """The open tickets behind a bar: of the filters' departments, of one age ``bucket`` (index into
    ``AGES``). ``sort`` is a key of ``SORTS``; by age, not descending, is oldest first."""
    with board.asking() as conn:
        source, values = _narrowed(*_make_open(conn, board, at, filters), bucket, text)
        return _page(conn, source, values, sort, descending, limit, offset)


def open_order(
    board: Board,
    at: dt.datetime,
    filters: Filters = EVERYTHING,
    *,
    bucket: int | None = None,
    text: str = "",
    sort: str = "age",
    descending: bool = False,
) -> list[str]:
    """The ids of the whole list that ``open_tickets`` gives a page of."""
    with board.asking() as conn:
        source, values = _narrowed(*_make_open(conn, board, at, filters), bucket, text)
        return ids_of(conn, f"SELECT id FROM {source} {_ordered(sort, descending)}", values)


def those_open(
    board: Board, at: dt.datetime, ids: Sequence[str], filters: Filters = EVERYTHING
) -> dict[str, OpenTicket]:
    """Some of the open tickets, by id."""
    with board.asking() as conn:
        source, values = _make_open(conn, board, at, filters)
        rows = conn.execute(
            f"{_COLUMNS} FROM {source} WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [*values, list(ids)],
        ).fetchall()
        return {row[0]: OpenTicket(*row) for row in rows}


def departments_at(
    board: Board, at: dt.datetime, filters: Filters = EVERYTHING
) -> tuple[OpenDepartment, ...]:
    """The departments with something open, by name."""
    with board.asking() as conn:
        return by_department(conn, *_make_open(conn, board, at, filters))


def month_ends(
    board: Board, period: Period, filters: Filters = EVERYTHING
) -> dict[str, tuple[OpenDepartment, ...]]:
    """The backlog at each month's end (the first instant of the next month), by month."""
    with board.asking() as conn:
        found = {}
        for each in period.months():
            at = midnight(month(each).end)
            found[each] = by_department(conn, *_make_open(conn, board, at, filters))
        return found


def by_department(
    conn: DuckDBPyConnection, source: str, values: Sequence[Any]
) -> tuple[OpenDepartment, ...]:
    """The open tickets of a relation by department."""
    age = f"age_us / {_DAY}"
    rows = conn.execute(
        f"SELECT department, count(*), quantile_cont({age}, 0.5), quantile_cont({age}, 0.85), "
        f"max({age}) FROM {source} GROUP BY department ORDER BY department",
        values,
    ).fetchall()
    return tuple(OpenDepartment(*row) for row in rows)


def _make_open(
    conn: DuckDBPyConnection, board: Board, at: dt.datetime, filters: Filters
) -> tuple[str, list[Any]]:
    """The relation of what is open at a moment, made as a temporary table, and the parameters that
    reading it takes (none)."""
    policy = board.policy
    at = at.astimezone(dt.UTC).replace(tzinfo=None) if at.tzinfo else at
    made = repr((at, filters))
    if conn.execute("SELECT getvariable('open_of')").fetchone() == (made,):
        return "open_tickets", []  # this connection has just been asked for the same
    conn.execute("SET VARIABLE at_time = ?::TIMESTAMP", [at])
    narrowed, values = filters.sql()
    names = policy.history_fields
    department = "department"
    joined = ""
    if policy.backlog_as_of and names["department"]:
        # The department before T by the history, else the one before its first change, else now's.
        department = (
            "CASE WHEN d.ticket IS NULL THEN f.department "
            "ELSE coalesce(d.before, d.initial, '') END"
        )
        joined = f"""LEFT JOIN (SELECT ticket,
                arg_max(coalesce(new, ''), (happened, id, coalesce(new, '')))
                    FILTER (happened < getvariable('at_time')) AS before,
                arg_min(coalesce(old, ''), (happened, id, coalesce(old, ''))) AS initial
            FROM history WHERE NOT deleted AND {within("field", names["department"])}
            GROUP BY ticket) d ON d.ticket = f.id"""
    done = within("status", policy.done)
    # What was done before T and stayed so is most of them: left out first, not carried along.
    kept_done = within("last_status", policy.done)
    conn.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE open_tickets AS
        WITH candidates AS (
            SELECT id, name, title, department, type, priority, owner, assignee, created_at,
                initial_status, last_status, last_status_at,
                last_status_at >= getvariable('at_time') AS moved
            FROM {board.unfinished}
            WHERE created_at < getvariable('at_time')
                AND (coalesce(last_status_at >= getvariable('at_time'), false) OR NOT {kept_done})),
        earlier AS (
            SELECT ticket, arg_max(coalesce(new, ''), (happened, id, coalesce(new, ''))) AS status,
                max(happened) AS since
            FROM history
            WHERE NOT deleted AND {within("field", names["status"])}
                AND happened < getvariable('at_time')
                AND ticket IN (SELECT id FROM candidates WHERE moved)
            GROUP BY ticket),
        placed AS (
            SELECT f.* EXCLUDE (department), {department} AS department,
                CASE WHEN moved THEN coalesce(e.status, f.initial_status)
                    ELSE f.last_status END AS status,
                greatest(f.created_at, coalesce(
                    CASE WHEN moved THEN e.since ELSE f.last_status_at END, f.created_at)) AS since
            FROM candidates f LEFT JOIN earlier e ON e.ticket = f.id {joined})
        SELECT id, name, title, department, type, priority, status, {named("owner")},
            {named("assignee")}, created_at, since,
            epoch_us(getvariable('at_time')) - epoch_us(created_at) AS age_us,
            epoch_us(getvariable('at_time')) - epoch_us(since) AS since_us
        FROM placed WHERE NOT {done} AND {narrowed}""",
        values,
    )
    conn.execute("SET VARIABLE open_of = ?", [made])
    return "open_tickets", []


def _narrowed(
    source: str, values: list[Any], bucket: int | None, text: str
) -> tuple[str, list[Any]]:
    """The relation narrowed to one age and a text."""
    parts = []
    if bucket is not None:
        parts.append(f"{_bucket()} = {bucket:d}")
    if text:
        parts.append(
            "contains(lower(concat_ws(' ', name, title, owner, assignee, status)), lower(?))"
        )
        values = [*values, text]
    return (f"(SELECT * FROM {source} WHERE {' AND '.join(parts)})" if parts else source), values


def _ordered(sort: str, descending: bool) -> str:
    return f"ORDER BY {SORTS[sort]} {'DESC' if descending else 'ASC'}, id"


def _bucket() -> str:
    cases = " ".join(
        f"WHEN age_us < {(high + 1) * int(_DAY)} THEN {i}"
        for i, (_, high) in enumerate(AGES)
        if high is not None
    )
    return f"CASE {cases} ELSE {len(AGES) - 1} END"


def _page(
    conn: DuckDBPyConnection,
    source: str,
    values: list[Any],
    sort: str,
    descending: bool,
    limit: int,
    offset: int,
) -> OpenPage:
    found = conn.execute(f"SELECT count(*) FROM {source}", values).fetchone()
    rows = conn.execute(
        f"{_COLUMNS} FROM {source} {_ordered(sort, descending)} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    ).fetchall()
    return OpenPage(tuple(OpenTicket(*row) for row in rows), int(found[0]) if found else 0)
