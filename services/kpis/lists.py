"""The tickets behind a figure: a page of them, some of them, or the order of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import measures
from services.kpis.answers import Page, Ticket
from services.kpis.selection import Selection

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

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
    total = (conn.execute(f"SELECT count(*) FROM {source}", values).fetchone() or [0])[0]
    rows = conn.execute(
        f"{_ticket_columns(selection)} FROM {source} "
        f"{_ordered(selection, sort, descending)} LIMIT ? OFFSET ?",
        [*values, limit, offset],
    ).fetchall()
    return Page(tuple(Ticket(*row) for row in rows), total)


def order(
    conn: DuckDBPyConnection,
    selection: Selection,
    text: str = "",
    sort: str = "created",
    descending: bool = True,
) -> list[str]:
    """The ids of the whole list that ``tickets`` gives a page of."""
    source, values = _listed(selection, text)
    ordered = _ordered(selection, sort, descending)
    return ids_of(conn, f"SELECT id FROM {source} {ordered}", values)


def those(conn: DuckDBPyConnection, selection: Selection, ids: Sequence[str]) -> dict[str, Ticket]:
    """Some of the tickets behind a figure, by id."""
    source, values = _listed(selection, "", ids)
    rows = conn.execute(f"{_ticket_columns(selection)} FROM {source}", values).fetchall()
    return {row[0]: Ticket(*row) for row in rows}


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


def named(column: str) -> str:
    """A column of ids as the names behind them, where these are known."""
    return f"coalesce((SELECT p.name FROM people p WHERE p.id = {column}), {column}) AS {column}"


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


def _ticket_columns(selection: Selection) -> str:
    return (
        "SELECT id, name, title, department, type, priority, status, assignee, created_at, "
        "start_at, closed_at, resolved_at, reopened, "
        f"{_CYCLE_D} AS cycle_d, {selection.counted.value} AS value"
    )


def _ordered(selection: Selection, sort: str, descending: bool) -> str:
    column = {"cycle": _CYCLE_D, "value": selection.counted.value}.get(sort) or SORTS[sort]
    return f"ORDER BY {column} {'DESC' if descending else 'ASC'} NULLS LAST, id"
