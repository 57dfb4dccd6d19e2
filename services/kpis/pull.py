"""Tickets, history and first responses from Salesforce, as far as they moved since the last time.

Each page commits together with the mark that says how far was read, so a pull that is cut off goes
on where it was. A mark is the greatest stamp that was seen, by the organisation's own clock; the
next pull begins a while before it, because a transaction shows its rows late, under the time at
which it began. Deletions come from the recycle bin, from the log of deletions and, after a silence
longer than that log's, from a look at every Id.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.kpis import merge, soql
from services.kpis.exports import moment
from services.kpis.facts import literal, quoted
from services.kpis.policy import Policy
from services.sync.targets.base import Usage
from services.sync.targets.sf_errors import Asked, CallFailed, unreadable
from services.sync.targets.sf_soql import ORGANISATION
from store.clock import Clock, from_iso, system_clock, to_iso
from store.fields import SOBJECT
from store.tickets import TicketFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from services.sync.targets.sf_client import SalesforceClient

OVERLAP = dt.timedelta(minutes=15)
DELETE_LOG = dt.timedelta(days=14)
"""Salesforce keeps its log of deletions for 15 days."""
_READING = Asked(writing=False)
_ABSENT = frozenset({"INVALID_TYPE", "INVALID_FIELD", "NOT_FOUND", "INSUFFICIENT_ACCESS"})
"""What an organisation answers that has no such object, or does not show it to this user."""
Row = Mapping[str, Any]


class OtherOrganisation(ValueError):
    """The file holds another organisation's tickets; one sentence."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull brought: rows that were new or changed, tickets that are deleted there."""

    tickets: int = 0
    history: int = 0
    responses: int = 0
    deleted: int = 0
    calls: int = 0

    @property
    def anything(self) -> bool:
        """Whether a figure may have changed."""
        return bool(self.tickets or self.history or self.responses or self.deleted)


def pull(
    client: SalesforceClient,
    file: TicketFile,
    policy: Policy,
    *,
    clock: Clock = system_clock,
    show: Callable[[str, int], None] = lambda _what, _rows: None,
    spend: Callable[[Usage], None] = lambda _usage: None,
) -> Pulled:
    """Bring in what moved. ``show`` is told what is being read and how many rows came so far,
    ``spend`` before each call how many were made; what they raise ends the pull, and what came
    until then stays.

    Raises CallFailed, OtherOrganisation and StoreError.
    """
    before = client.usage.calls
    work = _Pull(client, file, policy, clock, show, spend)
    work.check_organisation()
    first = work.mark("tickets") is None
    # A ticket that comes for the first time finds its whole history here; later on the history
    # may be ahead of the ticket, never behind it.
    history = work.history() if first else 0
    tickets = work.tickets()
    history += 0 if first else work.history()
    responses = sum(work.responses(source) for source in soql.RESPONSES)
    deleted = work.deletions()
    work.end()
    return Pulled(tickets, history, responses, deleted, client.usage.calls - before)


def pulled_at(file: TicketFile) -> float | None:
    """When a pull last came to its end, whoever made it (epoch seconds); None: never."""
    with file.reading() as conn:
        found = _get(conn, "pulled_at")
    return None if found is None else from_iso(found).timestamp()


class _Pull:
    """One pull: a client, a file, a policy."""

    def __init__(
        self,
        client: SalesforceClient,
        file: TicketFile,
        policy: Policy,
        clock: Clock,
        show: Callable[[str, int], None],
        spend: Callable[[Usage], None],
    ) -> None:
        self._client = client
        self._file = file
        self._policy = policy
        self._clock = clock
        self._show = show
        self._spend = spend

    def check_organisation(self) -> None:
        """The file belongs to the organisation that it first met."""
        rows = self._query(ORGANISATION)
        organisation = str(rows[0]["Id"]) if rows else self._client.host
        with self._file.reading() as conn:
            known = _get(conn, "organisation")
        if known is None:
            with self._file.writing() as conn:
                _put(conn, "organisation", organisation)
        elif known != organisation:
            raise OtherOrganisation(
                f"{self._file.path} holds the tickets of organisation {known}, and Salesforce is "
                f"organisation {organisation} now; move the file away to begin anew"
            )

    def _query(self, text: str, *, deleted: bool = False) -> list[dict[str, Any]]:
        self._spend(self._client.usage)
        return self._client.query(text, deleted=deleted)

    def _rest(self, path: str, asked: Asked, params: Mapping[str, str] | None = None) -> Any:
        self._spend(self._client.usage)
        return self._client.rest(path, asked, params=params)

    def mark(self, what: str) -> str | None:
        """How far something was read."""
        with self._file.reading() as conn:
            return _get(conn, f"mark:{what}")

    def end(self) -> None:
        """Note when everything was read."""
        with self._file.writing() as conn:
            _put(conn, "pulled_at", to_iso(self._clock()))

    def tickets(self) -> int:
        """The tickets that moved, deleted ones included."""
        answer = self._rest(f"sobjects/{SOBJECT}/describe", _READING).data
        described = answer.get("fields") if isinstance(answer, dict) else None
        if not isinstance(described, list):
            raise CallFailed(unreadable(_READING, answer))
        columns = soql.ticket_columns(self._policy, described)
        # A policy that names a column for the first time wants it of every ticket.
        mark = f"tickets:{','.join(sorted(columns))}"
        raw = [name for name in columns if name not in _OWN]

        def take(conn: DuckDBPyConnection, rows: list[dict[str, Any]]) -> int:
            _stage(conn, rows, columns)
            source = (
                f"(SELECT {quoted('Id')} AS _id, {moment(quoted('CreatedDate'))} AS _created_at, "
                f"{moment(quoted('SystemModstamp'))} AS _version, "
                f"{quoted('IsDeleted')} = 'true' AS _deleted, "
                f"{', '.join(map(quoted, raw))} FROM staged)"
            )
            _name_people(conn, columns)
            number = merge.merge_tickets(conn, source, raw)
            _put(conn, "mark:tickets", "read")
            return number

        return self._pages(SOBJECT, columns, "SystemModstamp", mark, take)

    def history(self) -> int:
        """The history that was written."""

        def take(conn: DuckDBPyConnection, rows: list[dict[str, Any]]) -> int:
            _stage(conn, rows, soql.HISTORY_COLUMNS)
            conn.execute(
                f"INSERT OR REPLACE INTO people SELECT DISTINCT {quoted('CreatedById')}, "
                f"{quoted('CreatedBy.Name')} FROM staged WHERE {quoted('CreatedBy.Name')} <> ''"
            )
            return merge.merge_history(
                conn,
                f"(SELECT {quoted('ParentId')} AS ticket, {quoted('Id')} AS id, "
                f"{moment(quoted('CreatedDate'))} AS happened, {quoted('CreatedById')} AS actor, "
                f"{quoted('Field')} AS field, {quoted('OldValue')} AS old, "
                f"{quoted('NewValue')} AS new, false AS deleted FROM staged)",
            )

        return self._pages(soql.HISTORY, soql.HISTORY_COLUMNS, "CreatedDate", "history", take)

    def responses(self, source: str) -> int:
        """Outbound mails, or completed tasks; 0 where the organisation has none of the kind."""
        obj, columns, where = soql.RESPONSES[source]
        key, ticket, at, actor = map(quoted, columns[:4])

        def take(conn: DuckDBPyConnection, rows: list[dict[str, Any]]) -> int:
            _stage(conn, rows, columns)
            return merge.merge_responses(
                conn,
                f"(SELECT {ticket} AS ticket, {key} AS id, {moment(at)} AS happened, "
                f"{actor} AS actor, {literal(source)} AS source FROM staged)",
            )

        try:
            return self._pages(obj, columns, "SystemModstamp", source, take, where)
        except CallFailed as failed:
            if failed.problem.code in _ABSENT:
                return 0
            raise

    def deletions(self) -> int:
        """Tickets that are gone for good, which no query shows any more."""
        told = self.mark("deleted")
        now = dt.datetime.fromtimestamp(self._clock() + (self._client.clock_offset or 0), dt.UTC)
        since = from_iso(told) if told else None
        if since is None or now - since <= dt.timedelta(minutes=2):
            gone: list[str] | None = []
        elif now - since < DELETE_LOG:
            gone, now = self._deletion_log(since, now)
        else:
            gone = None
        with self._file.writing() as conn:
            if since is None or gone is None or now > since:
                _put(conn, "mark:deleted", now.isoformat())
            if gone == []:
                return 0
            merge.begin(conn)
            if gone is None:
                number = merge.keep_only(conn, list(self._every_id()), _plain(now))
            else:
                number = merge.delete(conn, gone, _plain(now))
            merge.finish(conn, self._policy)
        return number

    def _deletion_log(
        self, since: dt.datetime, now: dt.datetime
    ) -> tuple[list[str] | None, dt.datetime]:
        span = {
            "start": since.isoformat(timespec="seconds"),
            "end": now.isoformat(timespec="seconds"),
        }
        try:
            found = self._rest(f"sobjects/{SOBJECT}/deleted", _READING, params=span).data
        except CallFailed as failed:
            if failed.problem.code in _ABSENT:
                return [], now
            raise
        if not isinstance(found, dict) or not isinstance(found.get("deletedRecords"), list):
            raise CallFailed(unreadable(_READING, found))
        earliest, latest = found.get("earliestDateAvailable"), found.get("latestDateCovered")
        if isinstance(earliest, str) and from_iso(earliest) > since:
            return None, now
        covered = from_iso(latest) if isinstance(latest, str) else now
        return [str(each["id"]) for each in found["deletedRecords"]], min(now, covered)

    def _every_id(self) -> Iterable[str]:
        after: str | None = None
        while True:
            rows = self._query(soql.ids(after))
            yield from (str(row["Id"]) for row in rows)
            if len(rows) < soql.PAGE:
                return
            after = str(rows[-1]["Id"])

    def _pages(
        self,
        obj: str,
        columns: Sequence[str],
        stamp: str,
        mark: str,
        take: Callable[[DuckDBPyConnection, list[dict[str, Any]]], int],
        where: str = "",
    ) -> int:
        """Read page after page, each committed with its mark; gives what was new or changed."""
        known = self.mark(mark)
        since = None if known is None else from_iso(known) - OVERLAP
        after: tuple[str, str] | None = None
        number = came = 0
        while True:
            query = soql.moved(obj, columns, stamp, since, after, where)
            rows = self._query(query, deleted=obj == SOBJECT)
            came += len(rows)
            self._show(obj, came)
            if rows:
                last = from_iso(str(rows[-1][stamp]))
                after = soql.instant(last), str(rows[-1]["Id"])
                with self._file.writing() as conn:
                    merge.begin(conn)
                    number += take(conn, rows)
                    merge.finish(conn, self._policy)
                    _put(conn, f"mark:{mark}", last.isoformat())
            if len(rows) < soql.PAGE:
                return number


_OWN = frozenset({"Id", "CreatedDate", "SystemModstamp", "IsDeleted"})


def _stage(conn: DuckDBPyConnection, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """The rows as a temporary table of texts, under the columns' own names."""
    flat = json.dumps([{name: _text(_dig(row, name)) for name in columns} for row in rows])
    shape = json.dumps([dict.fromkeys(columns, "VARCHAR")])
    conn.execute(
        "CREATE OR REPLACE TEMP TABLE staged AS "
        f"SELECT unnest(from_json(?::JSON, {literal(shape)}), recursive := true)",
        [flat],
    )


def _dig(row: Row, name: str) -> Any:
    """A value by its name, through relations that may be null."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, (int, float)) else json.dumps(value)


def _name_people(conn: DuckDBPyConnection, columns: Sequence[str]) -> None:
    """Keep the names behind the ids that lookups hold."""
    for name in columns:
        relation, _, rest = name.partition(".")
        if rest != "Name":
            continue
        lookup = f"{relation[:-1]}c" if relation.endswith("__r") else f"{relation}Id"
        if lookup in columns:
            conn.execute(
                f"INSERT OR REPLACE INTO people SELECT DISTINCT ON ({quoted(lookup)}) "
                f"{quoted(lookup)}, {quoted(name)} FROM staged "
                f"WHERE {quoted(lookup)} <> '' AND {quoted(name)} <> ''"
            )


def _plain(now: dt.datetime) -> dt.datetime:
    return now.astimezone(dt.UTC).replace(tzinfo=None)


def _get(conn: DuckDBPyConnection, key: str) -> str | None:
    found = conn.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return str(found[0]) if found else None


def _put(conn: DuckDBPyConnection, key: str, value: str) -> None:
    conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])
