"""A second Salesforce organisation, strict and independent: its rows, and what it lets be written.

The HTTP around it is in ``strict_server``. A row is written through ``create``, ``update`` and
``delete`` by a user; what is refused comes back as the row's errors. Times have whole seconds.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tests.outside import strict_soql
from tests.outside.strict_schema import (
    KEY,
    PARENT,
    PARENT_RELATION,
    TICKET,
    TRACKED,
    Errors,
    error,
    full_id,
    launch_date,
    rule_problems,
    settled,
    shape_problem,
    value_problems,
)

ORG_ID = full_id("00D5g00000AbCdE")
INITIATIVE = full_id("0125g000000AbCd")
INCIDENT = full_id("0125g000000XyZw")
ROBOT = full_id("0055g00000RoBoT")
QUEUE = full_id("00G5g00000QuEuE")
PEOPLE = ("Ana Ruiz", "Ben Osei", "Chloe Tan", "Dev Patel", "Eva Lund", "Farid Noor")

Row = dict[str, Any]


class BadRequest(Exception):
    """A request that is refused as a whole: HTTP status, error code, words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message
        super().__init__(message)


class StrictOrg:
    """The organisation's data. Thread-safe; ``skew`` are the seconds its clock is ahead."""

    def __init__(self, *, history: bool = True, skew: float = 0.0, org_id: str = ORG_ID) -> None:
        self.lock = threading.RLock()
        self.org_id = org_id
        self.skew = skew
        self.late = 0.0
        """Seconds for which queries do not show a write yet, nor its history."""
        self._keeps_history = history
        self._made = 0
        self._rows: dict[str, Row] = {}
        self._past: dict[str, list[tuple[float, Row]]] = {}
        self._history: list[tuple[float, Row]] = []
        self._deletions: dict[str, str] = {}
        self._others: dict[str, dict[str, Row]] = {
            "User": {},
            "RecordType": {},
            "Organization": {org_id: {"Id": org_id, "Name": "Strict", "IsSandbox": False}},
        }
        for record_type, name in ((INITIATIVE, "Strategic_Initiative"), (INCIDENT, "Incident")):
            self._others["RecordType"][record_type] = {
                "Id": record_type,
                "Name": name.replace("_", " "),
                "DeveloperName": name,
                "SobjectType": "Ticket__c",
                "IsActive": True,
            }
        self.add_user("Steerco Robot", "robot@strict.example", user_id=ROBOT)
        self.human = self.add_user("Hana Human", "hana@strict.example")
        for name in PEOPLE:
            self.add_user(name, f"{name.partition(' ')[0].lower()}@example.com")

    def now(self) -> dt.datetime:
        """The organisation's time."""
        return dt.datetime.fromtimestamp(time.time() + self.skew, dt.UTC)

    def add_user(self, name: str, email: str, *, user_id: str = "", active: bool = True) -> str:
        """A user; gives the Id."""
        with self.lock:
            made = user_id or self._new_id("0055g")
            self._others["User"][made] = {
                "Id": made,
                "Name": name,
                "Username": email,
                "Email": email,
                "IsActive": active,
                "UserType": "Standard",
                "SystemModstamp": self._stamp(),
            }
            return made

    def row(self, project_id: str) -> Row | None:
        """The living row of a project."""
        with self.lock:
            found = [row for row in self._rows.values() if row[KEY] == project_id and _lives(row)]
            assert len(found) <= 1, "the unique external id is there twice"
            return dict(found[0]) if found else None

    def changes(self, project_id: str, name: str) -> list[tuple[Any, Any, str]]:
        """Each change of a tracked field: old, new and the user's Id."""
        with self.lock:
            row = self.row(project_id)
            assert row is not None
            return [
                (each["OldValue"], each["NewValue"], each["CreatedById"])
                for _, each in self._history
                if (each["ParentId"], each["Field"]) == (row["Id"], name)
            ]

    def rows(self, *, deleted: bool = False) -> list[Row]:
        """All living rows, or those in the recycle bin."""
        with self.lock:
            return [dict(row) for row in self._rows.values() if row["IsDeleted"] is deleted]

    def person_edits(self, project_id: str, **values: Any) -> None:
        """A person changes a row in the browser."""
        with self.lock:
            row = self.row(project_id)
            assert row is not None
            problems = self.update(row["Id"], values, self.human)
            assert problems == [], problems

    def person_creates(self, **values: Any) -> str:
        """A person makes a row in the browser, as a rule without a project id; gives its Id."""
        made, problems = self.create(values, self.human)
        assert made is not None, problems
        return made

    def person_deletes(self, project_id: str) -> str:
        """A person deletes a row in the browser; gives its Id."""
        with self.lock:
            row = self.row(project_id)
            assert row is not None
            assert self.delete(row["Id"], self.human) == []
            return str(row["Id"])

    def person_restores(self, row_id: str) -> None:
        """A person takes a row out of the recycle bin."""
        with self.lock:
            row = self._rows[row_id]
            assert not _lives(row)
            stamp = self._stamp()
            back = {"IsDeleted": False, "SystemModstamp": stamp, "LastModifiedDate": stamp}
            self._deletions.pop(row_id)
            self._keep({**row, **back, "LastModifiedById": self.human})

    def purge(self, row_id: str) -> None:
        """Remove a row past the recycle bin: no query shows it, getDeleted still tells its Id."""
        with self.lock:
            self._deletions.setdefault(row_id, self._stamp())
            del self._rows[row_id], self._past[row_id]
            self._history = [(at, each) for at, each in self._history if each["ParentId"] != row_id]

    def system_touches(self, project_id: str) -> None:
        """The system changes a row (a recalculation): SystemModstamp alone moves."""
        with self.lock:
            row = self.row(project_id)
            assert row is not None
            self._keep({**row, "SystemModstamp": self._stamp()})

    def query(self, soql: str, *, everything: bool) -> list[Row] | int:
        """The records of a query, or their number where it counts; ``everything`` takes the recycle
        bin in. Raises BadRequest."""
        try:
            query = strict_soql.parse(soql)
        except strict_soql.Refused as refused:
            raise BadRequest(400, refused.code, refused.message) from refused
        with self.lock:
            if query.source == "Ticket__History" and not self._keeps_history:
                words = "sObject type 'Ticket__History' is not supported."
                raise BadRequest(400, "INVALID_TYPE", words)
            visible = [row for row in self._visible(query.source) if everything or _lives(row)]
            return query.run(visible, self._lookup)

    def upsert(self, values: Mapping[str, Any], by: str) -> tuple[str | None, bool, Errors]:
        """Create or update by the external id in ``values``: Id, created, errors."""
        with self.lock:
            key = settled(TICKET[KEY], values.get(KEY))
            if key is None:
                return None, False, [error("MISSING_ARGUMENT", f"{KEY} not specified", KEY)]
            row = self.row(key)
            if row is not None:
                rest = {name: value for name, value in values.items() if name != KEY}
                return row["Id"], False, self.update(row["Id"], rest, by)
            made, problems = self.create(values, by)
            return made, made is not None, problems

    def create(self, values: Mapping[str, Any], by: str) -> tuple[str | None, Errors]:
        """A new row: Id and errors."""
        with self.lock:
            fresh: Row = dict.fromkeys(TICKET)
            fresh |= {name: False for name, field in TICKET.items() if field.type == "boolean"}
            fresh |= {"RecordTypeId": INITIATIVE, "OwnerId": by}
            given, problems = self._given(values)
            fresh |= given
            problems += value_problems("Title__c", fresh["Title__c"], self._exists)
            key = fresh[KEY]
            if not problems and key is not None and self.row(key) is not None:
                words = f"duplicate value found: {KEY} duplicates value on record"
                problems = [error("DUPLICATE_VALUE", words, KEY)]
            problems = problems or rule_problems(fresh)
            if problems:
                return None, problems
            made = self._new_id("a0T5g")
            stamp = self._stamp()
            fresh |= {"Id": made, "Name": f"T-{self._made:06}", "CreatedDate": stamp}
            fresh |= {"CreatedById": by, "LastModifiedDate": stamp, "LastModifiedById": by}
            fresh |= {"SystemModstamp": stamp}
            self._keep(fresh)
            self._tell(made, "created", None, None, by)
            return made, []

    def update(self, row_id: str, values: Mapping[str, Any], by: str) -> Errors:
        """Change a row by Id; its errors."""
        with self.lock:
            row = self._rows.get(full_id(row_id))
            if row is None:
                return [error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")]
            if not _lives(row):
                return [error("ENTITY_IS_DELETED", "entity is deleted")]
            given, problems = self._given(values)
            after = {**row, **given}
            problems = problems or rule_problems(after)
            twin = self.row(after[KEY]) if after[KEY] is not None else None
            if not problems and twin is not None and twin["Id"] != row["Id"]:
                problems = [error("DUPLICATE_VALUE", f"duplicate value found: {KEY}", KEY)]
            if problems:
                return problems
            stamp = self._stamp()
            after |= {"LastModifiedDate": stamp, "LastModifiedById": by, "SystemModstamp": stamp}
            self._keep(after)
            for name in TRACKED:
                if row[name] != after[name]:
                    self._tell(row["Id"], name, row[name], after[name], by)
            return []

    def delete(self, row_id: str, by: str) -> Errors:
        """Put a row into the recycle bin; lookups to it are cleared, as Salesforce does."""
        with self.lock:
            row = self._rows.get(full_id(row_id))
            if row is None:
                return [error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")]
            if not _lives(row):
                return [error("ENTITY_IS_DELETED", "entity is deleted")]
            stamp = self._stamp()
            gone = {"IsDeleted": True, "SystemModstamp": stamp, "LastModifiedDate": stamp}
            self._keep({**row, **gone, "LastModifiedById": by})
            self._deletions[row["Id"]] = stamp
            for child in self.rows():
                if child[PARENT] == row["Id"]:
                    self._keep({**child, PARENT: None, "SystemModstamp": stamp})
            return []

    def is_newer(self, row_id: str, since: dt.datetime) -> bool:
        """Whether a row changed after that moment (whole seconds)."""
        with self.lock:
            row = self._rows.get(full_id(row_id))
            return row is not None and dt.datetime.fromisoformat(row["LastModifiedDate"]) > since

    def deleted_between(self, start: dt.datetime, end: dt.datetime) -> list[tuple[str, str]]:
        """Ids of deleted rows, purged ones too, with the time of their deletion."""
        with self.lock:
            return [
                (row_id, at)
                for row_id, at in self._deletions.items()
                if start <= dt.datetime.fromisoformat(at) <= end
            ]

    def updated_between(self, start: dt.datetime, end: dt.datetime) -> list[str]:
        """Ids of living rows that were made or changed, by SystemModstamp."""
        with self.lock:
            return [
                row["Id"]
                for row in self.rows()
                if start <= dt.datetime.fromisoformat(row["SystemModstamp"]) <= end
            ]

    def found(self, row_id: str) -> Row:
        """A living row by Id, whatever is still late. Raises BadRequest."""
        with self.lock:
            row = self._rows.get(full_id(row_id))
            if row is None:
                raise BadRequest(404, "NOT_FOUND", "The requested resource does not exist")
            if not _lives(row):
                raise BadRequest(404, "ENTITY_IS_DELETED", "entity is deleted")
            return dict(row)

    def _given(self, values: Mapping[str, Any]) -> tuple[Row, Errors]:
        """What a request gives, settled, with its problems; bad shapes and names of no field
        refuse the request itself (BadRequest)."""
        given: Row = {}
        problems: Errors = []
        for name, value in values.items():
            if name == "attributes":
                continue
            if name == PARENT_RELATION:
                if PARENT in values:
                    words = f"{PARENT} and {PARENT_RELATION} are both given"
                    problems.append(error("INVALID_FIELD", words, PARENT))
                else:
                    parent, found = self._parent(value)
                    given[PARENT] = parent
                    problems += found
                continue
            check_shape(name, value)
            settled_value = settled(TICKET[name], value)
            problems += value_problems(name, settled_value, self._exists)
            given[name] = settled_value
        return given, problems

    def _parent(self, value: Any) -> tuple[str | None, Errors]:
        if value is None:
            return None, []
        rest = {name: each for name, each in value.items() if name != "attributes"}
        kind = value.get("attributes", {}).get("type", "Ticket__c")
        if set(rest) != {KEY} or kind != "Ticket__c":
            raise BadRequest(400, "INVALID_FIELD", f"{PARENT_RELATION} is named by {KEY} alone")
        row = self.row(rest[KEY])
        if row is None:
            words = f"Foreign key external ID: {rest[KEY]} not found for field {KEY} in Ticket__c"
            return None, [error("INVALID_FIELD", words)]
        return row["Id"], []

    def _exists(self, source: str, row_id: str) -> bool:
        if source == "User" and row_id == QUEUE:
            return True
        row = self._lookup(source, row_id)
        return row is not None and (source != "Ticket__c" or _lives(row))

    def _lookup(self, source: str, row_id: str) -> Row | None:
        held = self._rows if source == "Ticket__c" else self._others.get(source, {})
        return held.get(full_id(row_id))

    def _visible(self, source: str) -> Iterable[Row]:
        known_at = time.monotonic() - self.late
        if source == "Ticket__History":
            return [each for at, each in self._history if at <= known_at]
        if source != "Ticket__c":
            return list(self._others[source].values())
        seen = []
        for versions in self._past.values():
            settled_ones = [row for at, row in versions if at <= known_at]
            if settled_ones:
                seen.append({**settled_ones[-1]})
        return seen

    def _keep(self, row: Row) -> None:
        row["Launch_Target__c"] = launch_date(row["Launch_Target_Raw__c"])
        self._rows[row["Id"]] = row
        self._past.setdefault(row["Id"], []).append((time.monotonic(), row))

    def _tell(self, row_id: str, name: str, old: Any, new: Any, by: str) -> None:
        """One field's history: two rows for a lookup, no values for a long text."""
        kind = TICKET[name].type if name in TICKET else ""
        pairs = [(None, None) if kind == "long" else (old, new)]
        if kind == "reference":
            source = TICKET[name].refers
            named = [(self._lookup(source, each) or {}).get("Name") if each else None
                     for each in (old, new)]  # fmt: skip
            pairs.append((named[0], named[1]))
        for before, after in pairs:
            told = {
                "Id": self._new_id("0175g"),
                "IsDeleted": False,
                "ParentId": row_id,
                "CreatedById": by,
                "CreatedDate": self._stamp(),
                "Field": "Owner" if name == "OwnerId" else name,
                "DataType": "EntityId" if kind == "reference" else "Text",
                "OldValue": before,
                "NewValue": after,
            }
            self._history.append((time.monotonic(), told))

    def _new_id(self, prefix: str) -> str:
        self._made += 1
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        number, tail = self._made, ""
        for _ in range(10):
            number, place = divmod(number, 62)
            tail = digits[place] + tail
        return full_id(prefix + tail)

    def _stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def check_shape(name: str, value: Any) -> None:
    """Raises BadRequest for a field that is none and a value of another JSON type."""
    if name not in TICKET:
        words = f"No such column '{name}' on sobject of type Ticket__c"
        raise BadRequest(400, "INVALID_FIELD", words)
    words_of_type = shape_problem(name, TICKET[name], value)
    if words_of_type is not None:
        raise BadRequest(400, "JSON_PARSER_ERROR", words_of_type)


def _lives(row: Mapping[str, Any]) -> bool:
    return row.get("IsDeleted") is not True
