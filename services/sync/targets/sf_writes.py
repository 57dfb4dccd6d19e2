"""From writes to Salesforce requests, and from answers to outcomes. Pure.

Creates and restores go through Collections upsert on the external id, everything else through
Collections by Id, so that a row deleted there is not revived by an edit. A contested write goes
alone, by Id, with If-Unmodified-Since: that header is not known to collections.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import format_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from services.itsc_sf_sync import PARENT_LOOKUP, PARENT_RELATION, Resolve, to_salesforce
from services.sync.targets.base import Action, ErrorClass, Outcome, Problem, Write
from services.sync.targets.sf_errors import GONE, Asked, classify_row, unreadable
from store.canon import Refusal
from store.clock import from_iso
from store.fields import EXTERNAL_ID_FIELD, LAUNCH_DATE_FIELD, PERSON_PATHS, SOBJECT, label_of

GROUP = 200


class Stage(StrEnum):
    """The kinds of request, in the order in which one ``write`` sends them: rows before what
    refers to them, links before the deletes of their old parents."""

    UPSERT = "upsert"
    BY_ID = "by id"
    GUARDED = "guarded"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same for a connection: the record type's Id, who is who, which field is
    which."""

    record_type_id: str
    resolve: Resolve
    mapped: Mapping[str, str]

    def paths(self) -> dict[str, str]:
        """Salesforce field to model path, for errors that name fields."""
        return {api: path for path, api in self.mapped.items()} | {
            PARENT_RELATION: "parent_id",
            EXTERNAL_ID_FIELD: "project_id",
            LAUNCH_DATE_FIELD: "launch_target",
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One write made ready: ``place`` in the caller's list and the record that travels."""

    place: int
    write: Write
    stage: Stage
    remote_id: str | None
    body: Mapping[str, Any]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call below ``/services/data/vXX.0/``."""

    method: str
    path: str
    body: Any = None
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None


def stage_of(write: Write) -> Stage:
    """Which request carries the write. Raises ValueError for a NOTE, which is Firestore's."""
    match write.action:
        case Action.CREATE | Action.RESTORE:
            return Stage.UPSERT
        case Action.UPDATE | Action.LINK:
            return Stage.GUARDED if write.contested else Stage.BY_ID
        case Action.DELETE:
            return Stage.DELETE
        case _:
            raise ValueError(f"{write.action} is not for Salesforce")


def prepare(place: int, write: Write, remote_id: str | None, terms: Terms) -> Row | Outcome:
    """The row to send, or at once its outcome where there is nothing to send or no way to.

    A create leaves the parent out: the link is a delivery of its own, so that a parent that can't
    be found keeps no row away.
    """
    stage = stage_of(write)
    if stage is not Stage.UPSERT and remote_id is None:
        return _stale("NO_ID", "Salesforce has no record of this project")
    if stage is Stage.GUARDED and write.token is None:
        return _stale("NO_TOKEN", "The record has to be read before it can be changed safely")
    values = dict(write.values)
    if write.action is Action.LINK:
        values = {"parent_id": values.get("parent_id")}
    elif stage is Stage.UPSERT:
        values.pop("parent_id", None)
    elif stage is Stage.DELETE:
        return Row(place, write, stage, remote_id, {}, ())
    try:
        body, skipped = to_salesforce(values, write.total_score, terms.resolve, terms.mapped)
    except Refusal as refusal:
        sentence = f"{label_of(refusal.path)} can't be sent: {refusal}"
        problem = Problem(
            ErrorClass.PERMANENT, "NOT_SENDABLE", str(refusal), sentence, (refusal.path,)
        )
        return Outcome(done=False, problem=problem, request=values)
    if stage is Stage.UPSERT:
        keys = {EXTERNAL_ID_FIELD: write.project_id, "RecordTypeId": terms.record_type_id}
        body = keys | body
        # The Id of a restored project's old row is not the new one's.
        remote_id = None
    elif not body:
        return Outcome(done=True, remote_id=remote_id, skipped=skipped)
    return Row(place, write, stage, remote_id, body, skipped)


def waves(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Groups of at most 200 rows for one request each, never one project twice in a group.

    Salesforce fails every row of a key that comes twice (DUPLICATE_VALUE).
    """
    groups: list[list[Row]] = []
    held: dict[str, int] = {}
    for row in rows:
        wave = held.get(row.write.project_id, 0)
        while len(groups) > wave and len(groups[wave]) == GROUP:
            wave += 1
        if len(groups) == wave:
            groups.append([])
        groups[wave].append(row)
        held[row.write.project_id] = wave + 1
    yield from groups


def request_for(rows: Sequence[Row]) -> Request:
    """The call that carries these rows, all of one stage; GUARDED takes exactly one."""
    first = rows[0]
    match first.stage:
        case Stage.UPSERT:
            path = f"composite/sobjects/{SOBJECT}/{EXTERNAL_ID_FIELD}"
            return Request("PATCH", path, _collection(rows))
        case Stage.BY_ID:
            return Request("PATCH", "composite/sobjects", _collection(rows))
        case Stage.DELETE:
            ids = ",".join(row.remote_id or "" for row in rows)
            return Request(
                "DELETE", "composite/sobjects", params={"ids": ids, "allOrNone": "false"}
            )
        case Stage.GUARDED:
            path = f"sobjects/{SOBJECT}/{quote(first.remote_id or '', safe='')}"
            headers = {"If-Unmodified-Since": http_date(first.write.token or "")}
            return Request("PATCH", path, dict(first.body), headers=headers)


def asked_of(row: Row, terms: Terms) -> Asked:
    """How an error of this row is to be read."""
    referring = {terms.mapped[path] for path in PERSON_PATHS} | {PARENT_LOOKUP, PARENT_RELATION}
    return Asked(
        upsert=row.stage is Stage.UPSERT,
        one=row.stage is Stage.GUARDED,
        by_id=row.stage in (Stage.BY_ID, Stage.GUARDED),
        references=any(row.body.get(api) for api in referring),
        paths=terms.paths(),
    )


def judge(rows: Sequence[Row], results: Any, at: dt.datetime | None, terms: Terms) -> list[Outcome]:
    """What became of each row of a collections request, by its own result.

    An answer of another length, or about other records, may be in another order too: nothing in
    it is believed.
    """
    if not _fits(rows, results):
        return [
            failed(row, unreadable(asked_of(row, terms), results), response=results) for row in rows
        ]
    outcomes = [_one(row, result, at, terms) for row, result in zip(rows, results, strict=True)]
    problems = [outcome.problem for outcome in outcomes]
    if all(problem and problem.code == "SERVER_UNAVAILABLE" for problem in problems):
        return [
            replace(outcome, problem=replace(problem, cls=ErrorClass.PAUSE))
            for outcome, problem in zip(outcomes, problems, strict=True)
            if problem
        ]
    return outcomes


def done(row: Row, at: dt.datetime | None, remote_id: str | None, response: Any) -> Outcome:
    """The outcome of a row that Salesforce took. Its new SystemModstamp is not told."""
    return Outcome(
        done=True,
        remote_id=remote_id,
        modified_at=at,
        skipped=row.skipped,
        request=dict(row.body),
        response=response,
    )


def failed(row: Row, problem: Problem, response: Any = None) -> Outcome:
    """The outcome of a row that Salesforce did not take, or may not have."""
    return Outcome(
        done=False,
        remote_id=row.remote_id,
        problem=problem,
        request=dict(row.body),
        response=problem.response if response is None else response,
    )


def blamed(rows: Sequence[Row], problem: Problem, terms: Terms) -> list[Row]:
    """The rows that hold a field which the refusal of the whole request names."""
    names = {terms.mapped[path] for path in problem.fields if path in terms.mapped}
    if PARENT_LOOKUP in names:
        names.add(PARENT_RELATION)
    return [row for row in rows if names & row.body.keys()]


def http_date(stamp: str) -> str:
    """A SystemModstamp as an HTTP date (whole seconds). Raises ValueError."""
    return format_datetime(from_iso(stamp).replace(microsecond=0), usegmt=True)


def _collection(rows: Sequence[Row]) -> dict[str, Any]:
    records = []
    for row in rows:
        record: dict[str, Any] = {"attributes": {"type": SOBJECT}}
        if row.stage is Stage.BY_ID:
            record["id"] = row.remote_id
        records.append({**record, **row.body})
    return {"allOrNone": False, "records": records}


def _fits(rows: Sequence[Row], results: Any) -> bool:
    if not isinstance(results, list) or len(results) != len(rows):
        return False
    return all(
        row.remote_id is None
        or not isinstance(result, Mapping)
        or str(result.get("id") or row.remote_id)[:15] == row.remote_id[:15]
        for row, result in zip(rows, results, strict=True)
    )


def _one(row: Row, result: Any, at: dt.datetime | None, terms: Terms) -> Outcome:
    asked = asked_of(row, terms)
    success = result.get("success") if isinstance(result, Mapping) else None
    if success is True:
        found = result.get("id") or row.remote_id
        if isinstance(found, str):
            return done(row, at, found, result)
    if success is not False:
        return failed(row, unreadable(asked, result))
    errors = [error for error in result.get("errors") or [] if isinstance(error, Mapping)]
    problem = classify_row(errors, asked, result)
    if row.stage is Stage.DELETE and problem.code in GONE:
        return done(row, at, row.remote_id, result)
    return failed(row, problem)


def _stale(code: str, sentence: str) -> Outcome:
    return Outcome(done=False, problem=Problem(ErrorClass.STALE, code, sentence, sentence))
