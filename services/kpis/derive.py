"""Keeping facts and figures true: all of them, or those that new rows touch.

The printed lists are kept row by row. When the facts of a few tickets change, the months and
departments that they leave or come to are computed anew, and no others.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.kpis import closers, facts, measures, topics
from services.kpis.policy import Policy
from services.kpis.topics import DEPARTMENTS, ORDER

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAMP = "facts"
FEW = 2_000
"""Up to so many touched tickets, it is looked up which rows of the lists they change."""
MANY = 8
"""From so many departments on all are computed: telling theirs from the others costs more."""
_CLOSED = ("closed_at", "start_at", "weighted_hours", "assignee", "reopened")
_READS: Mapping[str, tuple[str, ...]] = {
    "monthly": _CLOSED,
    "mttr": ("resolved_at", "created_at", "counts_mttr"),
    "intake": ("start_at", "created_at"),
    "inflow": ("created_at", "counts_incident"),
    DEPARTMENTS: ("department", *_CLOSED),
    "first_response": ("responded_at", "created_at", "sla_minutes"),
    "assignment": ("assigned_at", "created_at"),
    "releases": ("closed_at", "counts_release"),
}
"""The facts that a topic is made of: where these stay, it stays."""
_COUNTS: Mapping[str, str] = {"mttr": "counts_mttr", "releases": "counts_release"}
"""The fact by which a ticket counts in a topic at all, where there is one."""
_COMPARED = ", ".join(
    sorted({"id", "release_window", *(name for names in _READS.values() for name in names)})
)
"""What has to be known of a ticket before and after. Its long texts are not among it."""
Fact = Mapping[str, Any]


def stamp(policy: Policy) -> str:
    """What facts have to be stamped with to be this policy's."""
    return f"{policy.digest}:{facts.REVISION}"


def are_of(conn: DuckDBPyConnection, policy: Policy) -> bool:
    """Whether the kept facts are this policy's."""
    found = conn.execute("SELECT value FROM meta WHERE key = ?", [_STAMP]).fetchone()
    return found is not None and found[0] == stamp(policy)


def derive_all(conn: DuckDBPyConnection, policy: Policy, *, keep: bool = True) -> None:
    """Derive the facts of every ticket, into the file or (``keep=False``) into a temporary table
    that goes before it."""
    query = facts.facts(policy, raw_columns(conn), "tickets", "history", "responses")
    conn.execute(f"CREATE OR REPLACE {'' if keep else 'TEMP '}TABLE facts AS {query}")
    if keep:
        conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [_STAMP, stamp(policy)])
        closers.make(conn)
        _keep(conn, dict.fromkeys(ORDER))


def derive_touched(conn: DuckDBPyConnection, policy: Policy) -> None:
    """Derive anew the facts of the tickets in the temporary table ``touched`` (slot, id), and the
    figures that they change."""
    _find(conn, "touched_tickets", "tickets", "_slot", "_id")
    _find(conn, "touched_history", "history", "slot", "ticket")
    _find(conn, "touched_responses", "responses", "slot", "ticket")
    _find(conn, "facts_before", "facts", "slot", "id", _COMPARED)
    columns = raw_columns(conn)
    query = facts.facts(policy, columns, "touched_tickets", "touched_history", "touched_responses")
    conn.execute(f"CREATE OR REPLACE TEMP TABLE facts_after AS {query}")
    conn.execute(
        "DELETE FROM facts WHERE slot IN (SELECT slot FROM touched) "
        "AND id IN (SELECT id FROM touched)"
    )
    conn.execute("INSERT INTO facts SELECT * FROM facts_after")
    closers.move(conn, "facts_before", "facts_after")
    few = topics.count(conn, "touched") <= FEW
    states = [f"(SELECT {_COMPARED} FROM facts_{when})" for when in ("before", "after")]
    before, after = (_by_id(conn, each) if few else {} for each in states)
    stale: dict[str, set[str] | None] = {}
    for topic in ORDER:
        keys = set(_keys(topic, before, after)) if few else None
        if topic == DEPARTMENTS and keys and len(keys) > MANY:
            keys = None
        if keys is None or keys:
            stale[topic] = keys
    _keep(conn, stale)


def kept_rows(conn: DuckDBPyConnection) -> dict[str, list[topics.Row]]:
    """Every topic's rows as they were kept, in order."""
    found: dict[str, list[topics.Row]] = {topic: [] for topic in ORDER}
    for topic, content in conn.execute(
        "SELECT topic, content FROM figures ORDER BY topic, key"
    ).fetchall():
        found[topic].append(json.loads(content))
    return found


def raw_columns(conn: DuckDBPyConnection) -> list[str]:
    """The tickets' columns as they came."""
    described = conn.execute("SELECT * FROM tickets LIMIT 0").description or []
    return [str(column[0]) for column in described if not str(column[0]).startswith("_")]


def _find(
    conn: DuckDBPyConnection, into: str, table: str, slot: str, key: str, columns: str = "*"
) -> None:
    """The rows of the touched tickets. Looked for is the slot alone, a number, so that the texts of
    the millions of others are not unpacked; the few others with one of these slots go afterwards,
    because asking for both at once has twice as much unpacked."""
    conn.execute(
        f"CREATE OR REPLACE TEMP TABLE {into} AS SELECT {columns} FROM {table} WHERE rowid IN "
        f"(SELECT rowid FROM {table} WHERE {slot} IN (SELECT slot FROM touched))"
    )
    conn.execute(f"DELETE FROM {into} WHERE {key} NOT IN (SELECT id FROM touched)")


def _keep(conn: DuckDBPyConnection, stale: Mapping[str, Collection[str] | None]) -> None:
    """Compute the rows of topics that are no more true, and keep them; None: all of a topic. They
    go and come by one statement each, which costs as much for one row as for all."""
    gone: list[tuple[str, str]] = []
    whole: list[str] = []
    fresh: list[tuple[str, str, str]] = []
    for topic, keys in stale.items():
        if keys is None:
            whole.append(topic)
        else:
            gone += [(topic, key) for key in sorted(keys)]
        name = "department" if topic == DEPARTMENTS else "month"
        if topic == DEPARTMENTS:
            rows = closers.rollup(conn, keys)
        else:
            rows = topics.rows_of(conn, topic, keys)
        fresh += [(topic, row[name], json.dumps(row)) for row in rows]
    conn.execute(
        "DELETE FROM figures WHERE list_contains(?::VARCHAR[], topic) OR (topic, key) IN "
        f"(SELECT {_COLUMNS_OF[2]})",
        [whole, *_columns(gone, 2)],
    )
    conn.execute(f"INSERT INTO figures SELECT {_COLUMNS_OF[3]}", _columns(fresh, 3))


_COLUMNS_OF = {size: ", ".join(["unnest(?::VARCHAR[])"] * size) for size in (2, 3)}


def _columns(rows: Sequence[Sequence[str]], size: int) -> list[list[str]]:
    """Rows of so many texts, column by column."""
    return [[row[at] for row in rows] for at in range(size)]


def _by_id(conn: DuckDBPyConnection, table: str) -> dict[str, Fact]:
    found = conn.execute(f"SELECT * FROM {table}")
    names = [str(column[0]) for column in found.description or []]
    facts_of = (dict(zip(names, row, strict=True)) for row in found.fetchall())
    return {fact["id"]: fact for fact in facts_of}


def _keys(topic: str, before: Mapping[str, Fact], after: Mapping[str, Fact]) -> Iterator[str]:
    """The rows of a topic that differ between two states of some tickets."""
    measure = measures.CLOSED if topic == DEPARTMENTS else topics.TOPICS[topic][0]
    for old, new in ((before.get(each), after.get(each)) for each in {**before, **after}):
        sides = [side for side in (old, new) if side is not None]
        if _differ(old, new, _READS[topic]):
            for side in sides:
                moment = side[measure.moment]
                if moment is not None and side[_COUNTS.get(topic, measure.moment)]:
                    yield side["department"] if topic == DEPARTMENTS else f"{moment:%Y-%m}"
        if topic == "releases" and _differ(old, new, ("created_at", "counts_incident")):
            # An incident decides over the releases that closed within the window before it.
            for side in sides:
                if side["counts_incident"]:
                    yield from _months(
                        side["created_at"] - side["release_window"], side["created_at"]
                    )


def _differ(old: Fact | None, new: Fact | None, names: Sequence[str]) -> bool:
    return old is None or new is None or any(old[name] != new[name] for name in names)


def _months(first: dt.datetime, last: dt.datetime) -> Iterator[str]:
    """The months from one moment to another."""
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield f"{number // 12:04d}-{number % 12 + 1:02d}"
