"""Salesforce as a target: ``Ticket__c`` rows of the record type Strategic Initiative.

Reads by external id, writes through sObject Collections (``sf_writes``), each failure put into its
class (``sf_errors``). Load this module only when the connection is wanted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from services.itsc_sf_sync import field_map, from_salesforce
from services.people import Directory, User
from services.sf_package import preflight
from services.sf_package.organisation import Organisation
from services.sync.targets import sf_history, sf_soql
from services.sync.targets.base import (
    ErrorClass,
    LocalValues,
    Moved,
    Outcome,
    Problem,
    Ref,
    Remote,
    TargetDown,
    Usage,
    Write,
)
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_errors import MISSING, Asked, CallFailed, unreadable
from services.sync.targets.sf_history import HistoryRow
from services.sync.targets.sf_login import SalesforceConnection
from services.sync.targets.sf_sending import Sending
from services.sync.targets.sf_writes import GROUP, Terms
from store.canon import Value, is_project_id
from store.clock import Clock, from_iso, system_clock
from store.fields import EXTERNAL_ID_FIELD, PERSON_PATHS, RECORD_TYPE, SOBJECT

__all__ = ["HistoryRow", "SalesforceConnection", "SalesforceTarget"]

DIRECTORY_SECONDS = 3600.0
HISTORY_MARGIN = dt.timedelta(seconds=2)
"""The history has whole seconds, and the clocks are known to about one."""
DELETE_LOG = dt.timedelta(days=14)
"""How far back the list of deletions is asked for; Salesforce keeps it for 15 days."""
_READING = Asked(writing=False)
_REFUSED = ("INSUFFICIENT_ACCESS", "INVALID_TYPE", "INVALID_FIELD", "NOT_FOUND")
"""Codes of a query that this user may not ask; the organisation works without its answer."""


class SalesforceTarget:
    """The ``Target`` of one organisation. ``names``: the organisation's own API names of existing
    Ticket fields, by model path (``services.itsc_sf_sync.field_map``)."""

    name = "salesforce"
    batch = GROUP

    def __init__(
        self,
        connection: SalesforceConnection,
        names: Mapping[str, str] | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._mapped = field_map(names)
        self._clock = clock
        self._client = SalesforceClient(connection, clock)
        self._directory = Directory()
        self._directory_at: float | None = None
        self._user_id: str | None = None
        self._record_type_id: str | None = None
        self._organisation: str | None = None

    @property
    def directory(self) -> Directory:
        """The organisation's users, at most an hour old; empty before ``connect`` and where the
        organisation does not show them."""
        return self._directory

    @property
    def integration_user(self) -> str | None:
        """The Id of the user that this program is in Salesforce, where it is known."""
        return self._user_id

    @property
    def connection(self) -> SalesforceConnection:
        """How the organisation is reached, for a client of another thread."""
        return self._client.connection

    def connect(self) -> str:
        """Log in if need be; the organisation's Id (the instance's host where there is none).

        Raises TargetDown.
        """
        try:
            if self._organisation is None:
                self._client.open()
                organisation = self._organisation_id()
                self._record_type_id = self._find_record_type()
                self._user_id = self._client.user_id or self._ask_who_we_are()
                self._organisation = organisation
            age = self._clock() - (self._directory_at or 0.0)
            if self._directory_at is None or not 0.0 <= age < DIRECTORY_SECONDS:
                self._directory = self._read_directory()
                self._directory_at = self._clock()
        except CallFailed as failed:
            raise TargetDown(failed.problem) from failed
        return self._organisation

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        """See ``Target.read``: by external id, then, recycle bin included, those that should be
        there and were not found by Id, and those that may have been made by external id."""
        if not refs:
            return {}
        self.connect()
        base = self._client.base_length
        try:
            found = self._rows_of(refs, base)
            sought = [ref for ref in refs if ref.sought and ref.project_id not in found]
            found |= self._rows_of(sought, base, deleted=True) if sought else {}
            lost = [ref.remote_id for ref in refs if ref.remote_id and ref.project_id not in found]
            by_id = {
                row.get("Id"): row
                for soql in sf_soql.by_id(self._mapped, lost, base)
                for row in self._client.query(soql, deleted=True)
            }
            return {
                ref.project_id: self._remote(ref, found.get(ref.project_id), by_id) for ref in refs
            }
        except CallFailed as failed:
            raise TargetDown(failed.problem) from failed

    def changed(
        self, since: dt.datetime | None, local: LocalValues, settled: Mapping[str, str]
    ) -> Moved:
        """Every project's row that moved since a moment (all of them where there is none), by
        (SystemModstamp, Id), those in the recycle bin included. Rows that carry no project id of
        ours are left out. A row whose version is the one in ``settled`` (by Id) is only named:
        putting ten thousand rows in our terms takes longer than getting them. Raises TargetDown.
        """
        self.connect()
        soql = sf_soql.changed(self._mapped, self._record_type_id or "", since)
        known: dict[str, str] = {}
        rows = []
        try:
            for row in self._client.query(soql, deleted=True):
                version = settled.get(row.get("Id", ""))
                if version == row.get("SystemModstamp") and version and not row.get("IsDeleted"):
                    known[row["Id"]] = row[EXTERNAL_ID_FIELD]
                elif is_project_id(row.get(EXTERNAL_ID_FIELD)):
                    rows.append(row)
            mine = local([row[EXTERNAL_ID_FIELD] for row in rows])
            found = [
                self._remote(Ref(pid := row[EXTERNAL_ID_FIELD], None, mine.get(pid, {})), row, {})
                for row in rows
            ]
        except CallFailed as failed:
            raise TargetDown(failed.problem) from failed
        return Moved(found, known)

    def everyone(self) -> dict[str, str]:
        """Id to project id of every row that is there. Raises TargetDown."""
        self.connect()
        try:
            rows = self._client.query(sf_soql.everyone(self._record_type_id or ""))
        except CallFailed as failed:
            raise TargetDown(failed.problem) from failed
        return {
            str(row.get("Id")): row[EXTERNAL_ID_FIELD]
            for row in rows
            if is_project_id(row.get(EXTERNAL_ID_FIELD))
        }

    def deleted(self, since: dt.datetime, until: dt.datetime) -> set[str]:
        """The Ids of the rows that were deleted in between, purged ones included; whole minutes,
        at most 15 days back. Empty where the organisation does not tell. Raises TargetDown."""
        self.connect()
        since = max(since, until - DELETE_LOG)
        if until - since <= dt.timedelta(minutes=2):
            since = until - dt.timedelta(minutes=3)
        span = {"start": since.isoformat(timespec="seconds")}
        span["end"] = until.isoformat(timespec="seconds")
        try:
            data = self._client.rest(f"sobjects/{SOBJECT}/deleted", _READING, params=span).data
        except CallFailed as failed:
            if failed.problem.cls is ErrorClass.PERMANENT or failed.problem.code in _REFUSED:
                return set()
            raise TargetDown(failed.problem) from failed
        records = data.get("deletedRecords") if isinstance(data, dict) else None
        return {
            str(each["id"]) for each in records or () if isinstance(each, dict) and each.get("id")
        }

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """See ``Target.write``: at most one request for each kind of write, contested ones alone.

        A write that names a project twice is sent in two requests, the second only if the first
        was taken. CREATE and RESTORE leave the parent to the LINK that follows them.
        """
        client, terms = self.sending()
        return Sending(client, terms, writes).run()

    def sending(self) -> tuple[SalesforceClient, Terms]:
        """The connection, and the terms on which every write travels through it, for what goes
        another way than ``write`` (bulk loads, comparisons). Raises TargetDown."""
        self.connect()
        terms = Terms(self._record_type_id or "", self._directory.resolve, self._mapped)
        return self._client, terms

    def history(self, ids: Sequence[str], since: dt.datetime) -> list[HistoryRow] | None:
        """What Salesforce recorded on these rows (by Id) since a moment, oldest first; None for
        an organisation that keeps no history or does not show it. Raises TargetDown."""
        self.connect()
        base = self._client.base_length
        try:
            raw = [
                row
                for soql in sf_soql.history_of(ids, since, base)
                for row in self._client.query(soql)
            ]
            parents = self._parents_named_in(raw, base)
            terms = sf_history.Terms(self._mapped, self._directory, parents, self._user_id)
            return sf_history.in_our_terms(raw, terms)
        except CallFailed as failed:
            if failed.problem.code in _REFUSED:
                return None
            raise TargetDown(failed.problem) from failed

    def field_times(
        self, ids: Sequence[str], since: dt.datetime
    ) -> dict[str, dict[str, dt.datetime]]:
        """When each tracked field of these rows was last changed since a moment, by Id; nothing
        where the organisation keeps no history. Raises TargetDown."""
        found: dict[str, dict[str, dt.datetime]] = {}
        for row in self.history(ids, since - HISTORY_MARGIN) or ():
            found.setdefault(row.record_id, {})[row.path] = row.at  # oldest first: the last stays
        return found

    def applied_at(
        self, remote_id: str, values: Mapping[str, Value], sent_at: dt.datetime
    ) -> dt.datetime | Literal[False] | None:
        """When a write of these values, sent at this time by this machine's clock, was applied, as
        the field history shows; False if it was not, None where that can't be told. Raises
        TargetDown.
        """
        offset = dt.timedelta(seconds=self.clock_offset() or 0.0)
        rows = self.history([remote_id], sent_at + offset - HISTORY_MARGIN)
        if rows is None:
            return None
        whole = all(path in values for path in self._mapped if path != "parent_id")
        return sf_history.shows(rows, self._by_full_name(values), whole=whole)

    def _by_full_name(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Values with each person as the history calls him; a name without a user was not sent."""
        named = dict(values)
        for path in [path for path in PERSON_PATHS if isinstance(named.get(path), str)]:
            user = self._directory.resolve(str(named[path]))
            if user is None:
                del named[path]
            else:
                named[path] = self._directory.name_of(user)
        return named

    def usage(self) -> Usage:
        """Calls made and the organisation's budget, as the last answer said."""
        return self._client.usage

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        """Make so many calls more and then none (None: any number), for this reason."""
        self._client.ration(calls, why)

    def clock_offset(self) -> float | None:
        """Seconds to add to this machine's clock to get Salesforce's."""
        return self._client.clock_offset

    def lacking(self) -> tuple[str, ...]:
        """What the organisation's Ticket__c lacks of the package and of the configured fields, a
        sentence each; known also where ``connect`` fails for it. Raises TargetDown."""
        try:
            described = self._client.rest(f"sobjects/{SOBJECT}/describe", _READING).data
            if not isinstance(described, dict) or not described.keys() >= preflight.PARTS:
                raise CallFailed(unreadable(_READING, described))
        except CallFailed as failed:
            raise TargetDown(failed.problem) from failed
        return preflight.lacking(described, Organisation(self._mapped))

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _organisation_id(self) -> str:
        try:
            records = self._client.query(sf_soql.ORGANISATION)
        except CallFailed as failed:
            if failed.problem.code not in MISSING:
                raise
            records = []
        return str(records[0]["Id"]) if records and records[0].get("Id") else self._client.host

    def _find_record_type(self) -> str:
        records = self._client.query(sf_soql.RECORD_TYPE_ID)
        if records and isinstance(records[0].get("Id"), str):
            return str(records[0]["Id"])
        sentence = (
            f"Salesforce has no record type {RECORD_TYPE} on {SOBJECT} that this user may use: "
            "deploy the package and assign its permission set"
        )
        raise CallFailed(Problem(ErrorClass.PAUSE, "NO_RECORD_TYPE", sentence, sentence))

    def _ask_who_we_are(self) -> str | None:
        try:
            user = self._client.userinfo().get("user_id")
        except CallFailed as failed:
            # A token without the identity scope may still use the API.
            if failed.status not in (400, 401, 403, 404):
                raise
            return None
        return user if isinstance(user, str) and user else None

    def _read_directory(self) -> Directory:
        try:
            records = self._client.query(sf_soql.USERS)
        except CallFailed as failed:
            if failed.problem.code not in _REFUSED:
                raise
            return self._directory
        return Directory(
            User(
                str(row["Id"]),
                str(row.get("Name") or ""),
                row.get("Email"),
                bool(row.get("IsActive", True)),
            )
            for row in records
            if row.get("Id")
        )

    def _rows_of(
        self, refs: Sequence[Ref], base: int, *, deleted: bool = False
    ) -> dict[str, dict[str, Any]]:
        """The row of each project that has one; where two claim the same project, the known one.
        Of rows in the recycle bin the one that was deleted last, of one second the newer one."""
        known = {ref.project_id: ref.remote_id for ref in refs}
        found: dict[str, dict[str, Any]] = {}
        for soql in sf_soql.by_external_id(self._mapped, known, base, deleted=deleted):
            for row in self._client.query(soql, deleted=deleted):
                project_id = row.get(EXTERNAL_ID_FIELD)
                if project_id not in known:
                    continue
                other = found.get(project_id)
                if other is None or (
                    _version(row) > _version(other)
                    if deleted
                    else row.get("Id") == known[project_id]
                ):
                    found[project_id] = row
        return found

    def _remote(
        self, ref: Ref, row: dict[str, Any] | None, by_id: Mapping[Any, dict[str, Any]]
    ) -> Remote:
        if row is None:
            row = by_id.get(ref.remote_id)
            # The Id of a row that now carries another project's id is no proof of this one.
            if row is None or row.get(EXTERNAL_ID_FIELD) not in (None, ref.project_id):
                return Remote(ref.project_id, exists=False)
        deleted = row.get("IsDeleted") is True
        author = row.get("LastModifiedById")
        name = (self._directory.name_of(author) or author) if isinstance(author, str) else None
        modified_at = _moment(row.get("LastModifiedDate"), row)
        token = row.get("SystemModstamp")
        _moment(token, row)
        return Remote(
            ref.project_id,
            exists=True,
            deleted=deleted,
            values=from_salesforce(row, ref.local, self._directory, self._user_id, self._mapped),
            token=token,
            remote_id=row.get("Id"),
            modified_at=modified_at,
            modified_by=name,
            modified_by_us=author is not None and author == self._user_id,
            deleted_by=name if deleted else None,
            deleted_at=modified_at if deleted else None,
            created_at=_moment(row["CreatedDate"], row) if row.get("CreatedDate") else None,
        )

    def _parents_named_in(self, rows: Sequence[dict[str, Any]], base: int) -> dict[str, str]:
        """Row Id to project id, for the parents that history rows name by Id."""
        return {
            str(row.get("Id")): str(row[EXTERNAL_ID_FIELD])
            for soql in sf_soql.names_of(sf_history.parent_ids(rows), base)
            for row in self._client.query(soql)
            if row.get(EXTERNAL_ID_FIELD)
        }


def _version(row: Mapping[str, Any]) -> tuple[str, str]:
    """By which one row of a project comes after another: Salesforce's times sort as texts, and Ids
    as they were given."""
    return str(row.get("SystemModstamp")), str(row.get("Id"))


def _moment(text: Any, row: Mapping[str, Any]) -> dt.datetime | None:
    """A Salesforce time; a row with one that can't be read fails the read as a whole."""
    if text is None:
        return None
    try:
        return from_iso(text)
    except (TypeError, ValueError, AttributeError) as failure:
        raise CallFailed(unreadable(_READING, dict(row))) from failure
