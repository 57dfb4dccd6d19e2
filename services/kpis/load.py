"""Tickets and history from two CSV exports: checked, merged, and what was wrong with them told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.kpis import merge
from services.kpis.board import holdings
from services.kpis.exports import BadRow, Export, moment
from services.kpis.facts import literal, quoted
from services.kpis.policy import Policy
from store.clock import Clock, system_clock, to_iso
from store.tickets import TicketFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST = 255
"""Characters of a raw value that are kept: picklists, names and lookups end there, and the long
texts beyond it are nobody's business here."""
LISTED = 1000
"""Bad rows that are named one by one; all are counted."""
_OWN = {"id", "createddate", "systemmodstamp", "lastmodifieddate", "isdeleted"}


@dataclass(frozen=True, slots=True)
class Side:
    """One file: rows read, those of them that were new or changed, those that were left out."""

    read: int
    new: int
    bad: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did. ``touched``: tickets whose facts were derived; ``waiting``: history rows
    whose ticket is not known; ``truncated``: tickets whose history begins in the middle."""

    tickets: Side
    history: Side
    touched: int
    waiting: int
    truncated: int
    bad_rows: tuple[BadRow, ...]


def load(
    file: TicketFile,
    policy: Policy,
    tickets: Path,
    history: Path,
    *,
    clock: Clock = system_clock,
) -> Loaded:
    """Bring two exports in. All of it or, where it fails or is stopped, nothing.

    Raises LoadError for a file that can't be read or lacks a column, and StoreError.
    """
    ours = Export(tickets, "Ticket__c", ("Id", "CreatedDate"))
    theirs = Export(
        history,
        "Ticket__History",
        ("Id", "ParentId", "Field", "OldValue", "NewValue", "CreatedDate"),
    )
    raw = [name for name in ours.header if name.casefold() not in _OWN]
    with file.rewriting() as conn:
        conn.execute("SET preserve_insertion_order = false")
        merge.begin(conn)
        first, bad = _tickets(conn, ours, raw, clock)
        second, worse = _history(conn, theirs)
        touched = merge.finish(conn, policy)
        held = holdings(conn)
    return Loaded(
        first, second, touched, held.waiting, held.truncated, tuple([*bad, *worse][:LISTED])
    )


def _tickets(
    conn: DuckDBPyConnection, export: Export, raw: list[str], clock: Clock
) -> tuple[Side, list[BadRow]]:
    stamps = ", ".join(
        moment(export.column(name))
        for name in ("SystemModstamp", "LastModifiedDate")
        if export.column(name) != "NULL"
    )
    now = f"TIMESTAMP {literal(to_iso(clock()).removesuffix('Z'))}"
    kept = ", ".join(f"left({quoted(name)}, {LONGEST}) AS {quoted(name)}" for name in raw)
    conn.execute(
        f"CREATE TEMP TABLE staged AS SELECT {long_id(export.column('Id'))} AS _id, "
        f"{moment(export.column('CreatedDate'))} AS _created_at, "
        f"{f'coalesce({stamps}, {now})' if stamps else now} AS _version, "
        f"{_flag(export)} AS _deleted{', ' if kept else ''}{kept} FROM {export.relation()}"
    )
    good = "SELECT * FROM staged WHERE _id IS NOT NULL AND _created_at IS NOT NULL"
    read, fine = _count(conn, "staged"), _count(conn, f"({good})")
    bad = export.bad_rows(conn, ("Id",), read - fine)
    new = merge.merge_tickets(conn, f"({good})", raw)
    conn.execute("DROP TABLE staged")
    return Side(fine + len(bad), new, len(bad)), bad


def _history(conn: DuckDBPyConnection, export: Export) -> tuple[Side, list[BadRow]]:
    conn.execute(
        f"CREATE TEMP TABLE staged AS SELECT {long_id(export.column('ParentId'))} AS ticket, "
        f"{export.column('Id')} AS id, {moment(export.column('CreatedDate'))} AS happened, "
        f"{export.column('CreatedById')} AS actor, {export.column('Field')} AS field, "
        f"left({export.column('OldValue')}, {LONGEST}) AS old, "
        f"left({export.column('NewValue')}, {LONGEST}) AS new, {_flag(export)} AS deleted "
        f"FROM {export.relation()}"
    )
    good = (
        "SELECT * FROM staged WHERE ticket IS NOT NULL AND id IS NOT NULL AND happened IS NOT NULL"
    )
    read, fine = _count(conn, "staged"), _count(conn, f"({good})")
    bad = export.bad_rows(conn, ("Id", "ParentId"), read - fine)
    new = merge.merge_history(conn, f"({good})")
    conn.execute("DROP TABLE staged")
    return Side(fine + len(bad), new, len(bad)), bad


def long_id(column: str) -> str:
    """An id in its 18-character form, where it is a Salesforce id in the short one."""
    bits = [
        " + ".join(
            f"(CASE WHEN substr({column}, {5 * block + i + 1}, 1) BETWEEN 'A' AND 'Z' "
            f"THEN {1 << i} ELSE 0 END)"
            for i in range(5)
        )
        for block in range(3)
    ]
    suffix = " || ".join(
        f"substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + {each}, 1)" for each in bits
    )
    return (
        f"CASE WHEN length({column}) = 15 AND regexp_full_match({column}, '[0-9A-Za-z]+') "
        f"THEN {column} || {suffix} ELSE {column} END"
    )


def _flag(export: Export) -> str:
    column = export.column("IsDeleted")
    return "false" if column == "NULL" else f"lower(coalesce({column}, '')) IN ('true', '1')"


def _count(conn: DuckDBPyConnection, source: str) -> int:
    found = conn.execute(f"SELECT count(*) FROM {source}").fetchone()
    return int(found[0]) if found else 0
