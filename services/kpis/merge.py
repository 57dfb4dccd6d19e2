"""Rows that arrived, into what is kept: newer versions win, nothing is doubled, facts follow.

The result does not depend on the order of arrival. A ticket's newest version counts: by
SystemModstamp (else LastModifiedDate), and a row that has neither is as new as its load. A deleted
ticket keeps its row as a mark, so that an older version that arrives late does not bring it back.
History rows of a ticket that is not known wait until it comes.

A history row is known by its ticket, its Id and what it says. Salesforce never changes one; two of
one Id that say different things are two rows, both count, and where they tie what they say decides.
A row that is marked as deleted stays so, with everything else of its ticket and Id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.kpis import derive
from services.kpis.facts import quoted
from services.kpis.policy import Policy
from services.kpis.topics import count
from store.tickets import SLOT

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FEW, _SMALL = 1_000, 0.1
"""Up to so many tickets, or this part of them, facts are derived of the touched ones alone."""
_CONTENT = ("ticket", "id", "happened", "actor", "field", "old", "new")
_OWN = ("_id", "_created_at", "_version", "_deleted")


@dataclass(frozen=True, slots=True)
class Merged:
    """How many tickets and history rows were new or changed, and whose facts were derived."""

    tickets: int
    history: int
    touched: int


def merge_tickets(conn: DuckDBPyConnection, source: str, raw: Sequence[str]) -> int:
    """Take tickets over from a relation with the columns ``_id, _created_at, _version, _deleted``
    and the ``raw`` ones; gives how many are new or changed and notes them in ``touched``."""
    columns = match_columns(conn, raw)
    pairs = [*((quoted(name), name) for name in _OWN), *columns.items()]
    listed = ", ".join(f"{theirs} AS {quoted(ours)}" for theirs, ours in pairs)
    newest = (
        f"SELECT {SLOT.format(id='_id')} AS _slot, {listed} FROM {source} "
        f"QUALIFY row_number() OVER (PARTITION BY _id ORDER BY {_newest_first(columns)}) = 1"
    )
    conn.execute(f"CREATE OR REPLACE TEMP TABLE newest AS {newest}")
    differs = " OR ".join(
        f"t.{quoted(ours)} IS DISTINCT FROM n.{quoted(ours)}"
        for ours in ("_created_at", "_deleted", *columns.values())
    )
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT n.* FROM newest n LEFT JOIN "
        f"{_like('tickets', '_slot', 'newest')} t ON t._slot = n._slot AND t._id = n._id "
        f"WHERE t._id IS NULL OR (n._version >= t._version AND ({differs}))"
    )
    conn.execute(
        "DELETE FROM tickets WHERE _slot IN (SELECT _slot FROM changed) "
        "AND _id IN (SELECT _id FROM changed)"
    )
    conn.execute("INSERT INTO tickets BY NAME SELECT * FROM changed")
    conn.execute("INSERT INTO touched SELECT _slot, _id FROM changed")
    return count(conn, "changed")


def merge_history(conn: DuckDBPyConnection, source: str) -> int:
    """Take history rows over from a relation with the columns of ``_CONTENT`` and ``deleted``;
    gives how many are new or changed and notes their tickets in ``touched``."""
    listed = ", ".join(_CONTENT)
    conn.execute(
        f"CREATE OR REPLACE TEMP TABLE newest AS SELECT {SLOT.format(id='ticket')} AS slot, "
        f"{listed}, bool_or(deleted) OVER (PARTITION BY ticket, id) AS deleted "
        f"FROM (SELECT {listed}, bool_or(deleted) AS deleted FROM {source} GROUP BY ALL)"
    )
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE kept AS "
        f"SELECT * FROM {_like('history', 'slot', 'newest')} WHERE id IN (SELECT id FROM newest)"
    )
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE gone AS SELECT ticket, id FROM newest WHERE deleted "
        "UNION SELECT ticket, id FROM kept WHERE deleted"
    )
    same = " AND ".join(f"k.{name} IS NOT DISTINCT FROM n.{name}" for name in _CONTENT[2:])
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS "
        "SELECT n.* REPLACE (g.id IS NOT NULL AS deleted) "
        "FROM newest n LEFT JOIN gone g ON g.ticket = n.ticket AND g.id = n.id "
        "WHERE NOT EXISTS "
        f"(SELECT 1 FROM kept k WHERE k.ticket = n.ticket AND k.id = n.id AND {same})"
    )
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE marked AS SELECT k.slot, k.ticket, k.id "
        "FROM kept k JOIN gone g ON g.ticket = k.ticket AND g.id = k.id WHERE NOT k.deleted"
    )
    marked = count(conn, "marked")
    if marked:
        _mark_history(conn, "marked")
    conn.execute("INSERT INTO history BY NAME SELECT * FROM changed")
    conn.execute(
        "INSERT INTO touched SELECT slot, ticket FROM changed UNION SELECT slot, ticket FROM marked"
    )
    return count(conn, "changed") + marked


def _like(table: str, slot: str, arrived: str) -> str:
    """The kept rows with a slot of those that arrived, as a relation. The slot is looked for alone:
    a number, so that the texts of all others are not unpacked."""
    return (
        f"(SELECT * FROM {table} WHERE rowid IN (SELECT rowid FROM {table} "
        f"WHERE {slot} IN (SELECT {slot} FROM {arrived})))"
    )


def mark_deleted_history(conn: DuckDBPyConnection) -> None:
    """Where history rows were written straight to their place: of a row that is marked as deleted
    no other version counts."""
    if conn.execute("SELECT 1 FROM history WHERE deleted LIMIT 1").fetchone() is not None:
        _mark_history(conn, "(SELECT slot, ticket, id FROM history WHERE deleted)")


def _mark_history(conn: DuckDBPyConnection, which: str) -> None:
    conn.execute(
        f"UPDATE history SET deleted = true FROM (SELECT DISTINCT slot, ticket, id FROM {which}) w "
        "WHERE history.slot = w.slot AND history.ticket = w.ticket AND history.id = w.id "
        "AND NOT history.deleted"
    )


def merge_responses(conn: DuckDBPyConnection, source: str) -> int:
    """Take first responses over from a relation with the columns ``ticket, id, happened, actor,
    source``; gives how many are new. One that is kept is not moved: an answer that was given stays
    given."""
    conn.execute(
        f"CREATE OR REPLACE TEMP TABLE changed AS SELECT {SLOT.format(id='ticket')} AS slot, "
        f"ticket, id, happened, actor, source FROM {source} WHERE ticket IS NOT NULL AND "
        "happened IS NOT NULL AND id NOT IN (SELECT id FROM responses)"
    )
    conn.execute("INSERT INTO responses BY NAME SELECT * FROM changed")
    conn.execute("INSERT INTO touched SELECT DISTINCT slot, ticket FROM changed")
    return count(conn, "changed")


def delete(conn: DuckDBPyConnection, ids: Sequence[str], now: dt.datetime) -> int:
    """Mark tickets as deleted at a moment (UTC, without a zone); gives how many were not yet."""
    conn.execute("CREATE OR REPLACE TEMP TABLE gone AS SELECT unnest(?::VARCHAR[]) AS id", [ids])
    return _mark_deleted(conn, "_id IN (SELECT id FROM gone)", now)


def keep_only(conn: DuckDBPyConnection, ids: Sequence[str], now: dt.datetime) -> int:
    """Mark every ticket as deleted but these; gives how many were not yet."""
    conn.execute("CREATE OR REPLACE TEMP TABLE there AS SELECT unnest(?::VARCHAR[]) AS id", [ids])
    return _mark_deleted(conn, "_id NOT IN (SELECT id FROM there)", now)


def _mark_deleted(conn: DuckDBPyConnection, which: str, now: dt.datetime) -> int:
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT _slot, _id FROM tickets "
        f"WHERE NOT _deleted AND {which}"
    )
    conn.execute(
        "UPDATE tickets SET _deleted = true, _version = greatest(_version, ?) "
        "WHERE _id IN (SELECT _id FROM changed)",
        [now],
    )
    conn.execute("INSERT INTO touched SELECT * FROM changed")
    return count(conn, "changed")


def keep_newest(conn: DuckDBPyConnection) -> None:
    """Where ticket rows were written straight to their place: keep each ticket's newest version."""
    if not _one(conn, "SELECT count(*) - count(DISTINCT _id) FROM tickets"):
        return
    newest = _newest_first([quoted(name) for name in derive.raw_columns(conn)])
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE newest AS SELECT * FROM tickets "
        f"QUALIFY row_number() OVER (PARTITION BY _id ORDER BY {newest}) = 1"
    )
    conn.execute("DELETE FROM tickets")
    conn.execute("INSERT INTO tickets SELECT * FROM newest")


def begin(conn: DuckDBPyConnection) -> None:
    """Start noting which tickets are touched."""
    conn.execute("CREATE OR REPLACE TEMP TABLE touched (slot UBIGINT, id VARCHAR)")


def finish(conn: DuckDBPyConnection, policy: Policy, *, everything: bool = False) -> int:
    """Derive the facts of what was touched, or of everything; gives how many tickets that is."""
    if everything:
        derive.derive_all(conn, policy)
        return count(conn, "facts")
    number = int(_one(conn, "SELECT count(DISTINCT id) FROM touched"))
    if not derive.are_of(conn, policy) or number > max(_FEW, _SMALL * count(conn, "tickets")):
        derive.derive_all(conn, policy)
    elif number:
        derive.derive_touched(conn, policy)
    return number


def match_columns(conn: DuckDBPyConnection, raw: Sequence[str]) -> Mapping[str, str]:
    """The arriving columns (as identifiers) to the kept ones, which are made where need be.

    A name that differs from a kept one by letter case alone is that one, as in Salesforce.
    """
    known = {name.casefold(): name for name in derive.raw_columns(conn)}
    matched: dict[str, str] = {}
    for name in raw:
        if name.casefold() not in known:
            conn.execute(f"ALTER TABLE tickets ADD COLUMN {quoted(name)} VARCHAR")
            known[name.casefold()] = name
        matched[quoted(name)] = known[name.casefold()]
    return matched


def _newest_first(columns: Iterable[str]) -> str:
    """The order of a ticket's versions; of two with one stamp the content decides, so that it does
    not matter which came first or how the columns stand."""
    by_name = sorted(columns, key=str.casefold)
    return ", ".join(["_version DESC", "_created_at", "_deleted", *by_name])


def is_empty(conn: DuckDBPyConnection, table: str) -> bool:
    """Whether nothing is kept yet, so that rows may be written straight to their place."""
    return conn.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is None


def _one(conn: DuckDBPyConnection, sql: str) -> int:
    found = conn.execute(sql).fetchone()
    return int(found[0]) if found else 0
