"""Tickets and history from two CSV exports: checked, merged, and what was wrong with them told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.kpis import merge
from services.kpis.board import holdings
from services.kpis.exports import BadRow, Export, LoadError, moment
from services.kpis.facts import literal, quoted
from services.kpis.policy import Policy
from services.kpis.topics import count
from services.kpis.watch import watched
from store.clock import Clock, system_clock, to_iso
from store.tickets import SLOT, TicketFile, begin_anew

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST = 255
"""Characters of a raw value that are kept: picklists, names and lookups end there, and the long
texts beyond it are nobody's business here."""
NO_ORGANISATION = "none (they were loaded from files)"
"""Of which organisation tickets are that nothing may be pulled to."""
LISTED = 1000
"""Bad rows that are named one by one; all are counted."""
Show = Callable[[str, float], None]
_OWN = {"id", "createddate", "systemmodstamp", "lastmodifieddate", "isdeleted"}


def unseen(_what: str, _done: float) -> None:
    """For who does not watch."""


@dataclass(frozen=True, slots=True)
class Side:
    """One file: rows read, those of them that were new or changed, those that were left out."""

    read: int
    new: int
    bad: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did. ``touched``: tickets whose facts were derived; ``waiting``: history rows
    whose ticket is not known; ``truncated``: tickets whose history begins in the middle;
    ``replaced``: tickets of the sandbox's made-up year that made way."""

    tickets: Side
    history: Side
    touched: int
    waiting: int
    truncated: int
    bad_rows: tuple[BadRow, ...]
    replaced: int = 0


def load(
    file: TicketFile,
    policy: Policy,
    tickets: Path,
    history: Path,
    *,
    sandbox: bool = False,
    clock: Clock = system_clock,
    show: Show = unseen,
) -> Loaded:
    """Bring two exports in. All of it or, where it fails or is stopped, nothing.

    ``sandbox``: into the sandbox's file. Its made-up year makes way, and stays away from then on:
    figures are of the tickets that were loaded, alone.
    ``show`` is told what is being done and how much of that (0 to 1); what it raises stops the
    load, and so does Ctrl+C. Raises LoadError for a file that can't be read or lacks a column, and
    StoreError.
    """
    ours = Export(tickets, "Ticket__c", ("Id", "CreatedDate"))
    theirs = Export(
        history,
        "Ticket__History",
        ("Id", "ParentId", "Field", "OldValue", "NewValue", "CreatedDate"),
    )
    # No field of Salesforce begins with an underscore: such columns are of the tool that exported.
    raw = [n for n in ours.header if n.casefold() not in _OWN and not n.startswith("_")]
    with file.rewriting() as conn:
        conn.execute("SET preserve_insertion_order = false")
        replaced = _make_way(conn) if sandbox else 0
        merge.begin(conn)
        # Into an empty file rows are written straight to their place.
        fresh = all(merge.is_empty(conn, table) for table in ("tickets", "history"))
        if fresh and sandbox:
            conn.execute("INSERT OR IGNORE INTO meta VALUES ('organisation', ?)", [NO_ORGANISATION])
        first = _Intake(conn, ours, "tickets" if fresh else "staged_tickets", show)
        second = _Intake(conn, theirs, "history" if fresh else "staged_history", show)
        first.take(ticket_rows(ours, raw, clock), ("_id", "_created_at"), raw if fresh else ())
        second.take(history_rows(theirs), ("ticket", "id", "happened"))
        if fresh:
            merge.keep_newest(conn)
            merge.mark_deleted_history(conn)
            new = count(conn, "tickets"), count(conn, "history")
        else:
            new = (
                merge.merge_tickets(conn, first.place, raw),
                merge.merge_history(conn, second.place),
            )
        show("Computing", 0.0)
        touched = watched(
            conn, lambda: merge.finish(conn, policy, everything=fresh), _part(show, "Computing")
        )
        held = holdings(conn)
    return Loaded(
        Side(first.read, new[0], first.left_out),
        Side(second.read, new[1], second.left_out),
        touched,
        held.waiting,
        held.truncated,
        tuple([*first.bad, *second.bad][:LISTED]),
        replaced,
    )


def _make_way(conn: DuckDBPyConnection) -> int:
    """Take the sandbox's made-up tickets out where the file holds them; gives how many."""
    found = conn.execute("SELECT value FROM meta WHERE key = 'organisation'").fetchone()
    if found is None or found[0] == NO_ORGANISATION:
        return 0
    number = count(conn, "(SELECT 1 FROM tickets WHERE NOT _deleted)")
    begin_anew(conn)
    return number


class _Intake:
    """One file on its way into the table ``place``."""

    def __init__(self, conn: DuckDBPyConnection, export: Export, place: str, show: Show) -> None:
        self.place = place
        self.read = self.left_out = 0
        self.bad: list[BadRow] = []
        self._conn = conn
        self._export = export
        self._show = _part(show, f"Reading {export.path.name}")

    def take(self, rows: str, keys: Sequence[str], raw: Sequence[str] = ()) -> None:
        """Take the file's rows in, and put those aside that lack one of the keys."""
        if self.place.startswith("staged"):
            statement = f"CREATE OR REPLACE TEMP TABLE {self.place} AS {rows}"
        else:
            merge.match_columns(self._conn, raw)
            statement = f"INSERT INTO {self.place} BY NAME {rows}"
        self._read(statement)
        lacking = " OR ".join(f"{key} IS NULL" for key in keys)
        whole = count(self._conn, self.place)
        missing = count(self._conn, f"(SELECT 1 FROM {self.place} WHERE {lacking})")
        broken = self._export.rejected(self._conn)
        self.read, self.left_out = whole + len(broken), missing + len(broken)
        if self.left_out:
            self.bad = self._export.bad_rows(self._conn, broken, missing)
            self._conn.execute(f"DELETE FROM {self.place} WHERE {lacking}")

    def _read(self, statement: str) -> None:
        """Carry out the statement that reads the file. What it says of single rows is set aside;
        what it raises is that there are no rows to be told apart."""
        import duckdb

        try:
            watched(self._conn, lambda: self._conn.execute(statement), self._show)
        except duckdb.InvalidInputException as error:
            raise LoadError(
                f"{self._export.path} can't be read: its lines do not all end alike, or a value "
                "without quotes has a carriage return; save it with LF or CRLF throughout"
            ) from error
        except duckdb.IOException as error:
            if "gzip" not in str(error).lower():
                raise  # the disk's, not the file's
            raise LoadError(
                f"{self._export.path} can't be read: it is cut off, or no gzip file in the middle"
            ) from error


def ticket_rows(export: Export, raw: Sequence[str], clock: Clock) -> str:
    """The query that reads tickets out of an export, in the store's shape."""
    stamps = ", ".join(
        moment(export.column(name))
        for name in ("SystemModstamp", "LastModifiedDate")
        if export.column(name) != "NULL"
    )
    now = f"TIMESTAMP {literal(to_iso(clock()).removesuffix('Z'))}"
    kept = [f"left({quoted(name)}, {LONGEST}) AS {quoted(name)}" for name in raw]
    columns = [
        f"{moment(export.column('CreatedDate'))} AS _created_at",
        f"{f'coalesce({stamps}, {now})' if stamps else now} AS _version",
        f"{_flag(export)} AS _deleted",
        *kept,
    ]
    return (
        f"SELECT {SLOT.format(id='_id')} AS _slot, * FROM (SELECT "
        f"{long_id(export.column('Id'))} AS _id, {', '.join(columns)} FROM {export.relation()})"
    )


def history_rows(export: Export) -> str:
    """The query that reads history out of an export, in the store's shape."""
    return (
        f"SELECT {SLOT.format(id='ticket')} AS slot, * FROM (SELECT "
        f"{long_id(export.column('ParentId'))} AS ticket, {export.column('Id')} AS id, "
        f"{moment(export.column('CreatedDate'))} AS happened, "
        f"{export.column('CreatedById')} AS actor, {export.column('Field')} AS field, "
        f"left({export.column('OldValue')}, {LONGEST}) AS old, "
        f"left({export.column('NewValue')}, {LONGEST}) AS new, {_flag(export)} AS deleted "
        f"FROM {export.relation()})"
    )


def _part(show: Show, what: str) -> Callable[[float], None]:
    return lambda done: show(what, done)


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
