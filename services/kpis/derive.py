"""Keeping the facts true: all of them, or those of the tickets that new rows touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kpis import facts
from services.kpis.policy import Policy

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STAMP = "facts"


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


def derive_touched(conn: DuckDBPyConnection, policy: Policy) -> None:
    """Derive anew the facts of the tickets in the temporary table ``touched`` (slot, id)."""
    conn.execute(
        "DELETE FROM facts WHERE id IN (SELECT id FROM touched)",
    )
    query = facts.facts(
        policy,
        raw_columns(conn),
        _touched("tickets", "_slot", "_id"),
        _touched("history", "slot", "ticket"),
        _touched("responses", "slot", "ticket"),
    )
    conn.execute(f"INSERT INTO facts {query}")


def raw_columns(conn: DuckDBPyConnection) -> list[str]:
    """The tickets' columns as they came."""
    found = conn.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'tickets' "
        "AND NOT starts_with(column_name, '_')"
    )
    return [row[0] for row in found.fetchall()]


def _touched(table: str, slot: str, key: str) -> str:
    """The rows of the touched tickets. The slot, a number, is what makes it quick to find them."""
    return (
        f"(SELECT * FROM {table} WHERE {slot} IN (SELECT slot FROM touched) "
        f"AND {key} IN (SELECT id FROM touched))"
    )
