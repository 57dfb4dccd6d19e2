"""Bulk API 2.0 ingest: thousands of new rows, and the links between them, in one job each.

``BulkTarget`` is the Salesforce target with another way to write. It carries creates (upsert on the
external id) and links (update by Id, the parent named by its external id), and answers every other
write STALE: a row that is there already is left to Collections, where it is read at most two
seconds before it is written.

simple-salesforce's own Bulk 2 handler is not used: it tells the job's id only after the upload (so
nobody could remember it before), takes its columns from a set, decodes results by a guess when the
answer names no character set, never logs in again, and waits by its own clock. The calls go through
``SalesforceClient`` like all others.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from services.itsc_sf_sync import PARENT_RELATION
from services.sync.targets.base import (
    Action,
    ErrorClass,
    Outcome,
    Problem,
    Ref,
    Remote,
    TargetDown,
    Usage,
    Write,
)
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_client import Answer, SalesforceClient
from services.sync.targets.sf_errors import (
    MISSING,
    Asked,
    CallFailed,
    classify_row,
    not_sent,
    unreadable,
)
from services.sync.targets.sf_writes import Row, Terms, asked_of, done, failed, prepare
from store.canon import Value
from store.clock import Clock
from store.fields import EXTERNAL_ID_FIELD, SOBJECT

JOBS = "jobs/ingest"
ROWS_A_JOB = 10_000
BYTES_A_JOB = 90_000_000
"""Salesforce takes 100 MB of data a job before it is encoded."""
NULL = "#N/A"
"""Null in a cell; an empty cell says nothing. A text that is this cannot travel in a job."""
FIRST_WAIT, LONGEST_WAIT, SLOWER = 0.2, 10.0, 1.5
PATIENCE = 900.0
"""Seconds for which a job may stand still before nobody waits for it any more."""
MISSES = 5
"""Looks at a job in a row that may fail."""
_ENDED = ("JobComplete", "Failed", "Aborted")
_UTF8 = {"Content-Type": "text/csv; charset=UTF-8"}
_READING = Asked(writing=False)


class JobUnfinished(Exception):
    """A job was sent and its end is not known; its rows stay claimed and the job remembered."""

    def __init__(self, job_id: str, why: str) -> None:
        self.job_id = job_id
        self.why = why
        super().__init__(f"the bulk job {job_id} is still under way in Salesforce ({why})")


class Watch(Protocol):
    """Who is told about jobs. Every method is durable, or does nothing."""

    def opened(self, job_id: str) -> None:
        """A job exists; nothing was uploaded to it yet."""

    def beat(self, processed: int) -> None:
        """The job is being waited for; it has come this far (rows)."""

    def ended(self, job_id: str) -> None:
        """The job can't change anything any more, and its results were read."""

    def point(self, name: str) -> None:
        """A named point, where tests kill the process."""


@dataclass
class Jobs:
    """The calls of one job after the other. Never raises but CallFailed and JobUnfinished."""

    client: SalesforceClient
    watch: Watch
    clock: Clock
    sleep: Callable[[float], None]

    def open(self, operation: str, external_id: str | None = None) -> str:
        """A new job's id. Raises CallFailed."""
        body = {
            "object": SOBJECT,
            "operation": operation,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        if external_id is not None:
            body["externalIdFieldName"] = external_id
        data = self.client.rest(JOBS, Asked(), method="POST", body=body).data
        job_id = data.get("id") if isinstance(data, dict) else None
        if not isinstance(job_id, str) or not job_id.isalnum():
            raise CallFailed(unreadable(Asked(), data))
        return job_id

    def upload(self, job_id: str, table: bytes) -> None:
        """Hand the rows over; nothing happens to them yet. Raises CallFailed."""
        self.client.content(
            f"{JOBS}/{job_id}/batches", Asked(), method="PUT", data=table, headers=_UTF8
        )

    def close(self, job_id: str) -> None:
        """Let Salesforce begin. Raises CallFailed."""
        self._set_state(job_id, "UploadComplete")

    def look(self, job_id: str) -> Answer:
        """The job's own account of itself. Raises CallFailed."""
        answer = self.client.rest(f"{JOBS}/{job_id}", _READING)
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("state"), str):
            raise CallFailed(unreadable(_READING, answer.data))
        return answer

    def end(self, job_id: str) -> Answer | None:
        """See a job to its end: one that Salesforce was not told to begin is aborted, any other is
        waited for. None where Salesforce does not know it (any more).

        Raises CallFailed for a job that can't be looked at, JobUnfinished.
        """
        try:
            state = self.look(job_id).data["state"]
            if state == "Open":
                self._set_state(job_id, "Aborted")
        except CallFailed as refused:
            if refused.problem.code in MISSING:
                return None
            raise
        return self.wait(job_id)

    def wait(self, job_id: str) -> Answer:
        """Look until the job has ended. Raises JobUnfinished."""
        pause, misses = FIRST_WAIT, 0
        seen, moved_at = ("", -1), self.clock()
        while True:
            try:
                answer = self.look(job_id)
                misses = 0
            except CallFailed as refused:
                misses += 1
                if misses > MISSES:
                    raise JobUnfinished(job_id, refused.problem.sentence) from refused
            else:
                state, processed = answer.data["state"], _number(answer.data)
                self.watch.beat(processed)
                if state in _ENDED:
                    return answer
                if (state, processed) != seen:
                    seen, moved_at = (state, processed), self.clock()
                elif self.clock() - moved_at > PATIENCE:
                    raise JobUnfinished(job_id, f"it has not moved for {PATIENCE / 60:.0f} minutes")
            self.sleep(pause)
            pause = min(pause * SLOWER, LONGEST_WAIT)

    def results(self, job_id: str, which: str) -> list[dict[str, str]]:
        """``successfulResults``, ``failedResults`` or ``unprocessedRecords``. Raises CallFailed."""
        data = self.client.content(f"{JOBS}/{job_id}/{which}", _READING).data
        try:
            text = data.decode("utf-8-sig")
            return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error) as failure:
            raise CallFailed(unreadable(_READING, data)) from failure

    def _set_state(self, job_id: str, state: str) -> None:
        self.client.rest(f"{JOBS}/{job_id}", Asked(), method="PATCH", body={"state": state})


@dataclass
class BulkTarget:
    """See the module. ``jobs`` must be of ``target``'s connection."""

    target: SalesforceTarget
    jobs: Jobs
    name: str = "salesforce"
    batch: int = ROWS_A_JOB
    used: list[str] = field(default_factory=list)
    """The jobs that were opened."""

    def connect(self) -> str:
        """See Target."""
        return self.target.connect()

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        """See Target."""
        return self.target.read(refs)

    def applied_at(
        self, remote_id: str, values: Mapping[str, Value], sent_at: dt.datetime
    ) -> dt.datetime | Literal[False] | None:
        """See SalesforceTarget."""
        return self.target.applied_at(remote_id, values, sent_at)

    def field_times(
        self, ids: Sequence[str], since: dt.datetime
    ) -> dict[str, dict[str, dt.datetime]]:
        """See SalesforceTarget."""
        return self.target.field_times(ids, since)

    def usage(self) -> Usage:
        """See Target."""
        return self.target.usage()

    def clock_offset(self) -> float | None:
        """See Target."""
        return self.target.clock_offset()

    def close(self) -> None:
        """Nothing: the connection is the target's."""

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Creates in one job (more where they weigh too much), links in another; one outcome each.

        Raises TargetDown where nothing was applied, JobUnfinished where a job was sent and nobody
        knows yet what became of it.
        """
        _, terms = self.target.sending()
        outcomes: dict[int, Outcome] = {}
        kinds: dict[str, list[Row]] = {"upsert": [], "update": []}
        for place, write in enumerate(writes):
            ready = _ready(place, write, terms)
            if isinstance(ready, Outcome):
                outcomes[place] = ready
            else:
                kinds["update" if write.action is Action.LINK else "upsert"].append(ready)
        stopped: Problem | None = None
        for operation, rows in kinds.items():
            for group in in_jobs(rows):
                if stopped is None:
                    found = self._carry(operation, group, terms)
                    problems = [o.problem for o in found.values() if o.problem]
                    stopped = next((p for p in problems if p.cls is ErrorClass.PAUSE), None)
                else:
                    found = {row.place: failed(row, not_sent(stopped)) for row in group}
                outcomes |= found
        if stopped is not None and all(
            o.problem is not None and o.problem.cls is ErrorClass.PAUSE for o in outcomes.values()
        ):
            raise TargetDown(stopped)
        return [outcomes[place] for place in range(len(writes))]

    def _carry(self, operation: str, rows: list[Row], terms: Terms) -> dict[int, Outcome]:
        jobs = self.jobs
        by_id = operation == "update"
        try:
            job_id = jobs.open(operation, None if by_id else EXTERNAL_ID_FIELD)
        except CallFailed as refused:
            # At worst an empty job is left behind.
            return {row.place: failed(row, not_sent(refused.problem)) for row in rows}
        jobs.watch.point("bulk:opened")
        jobs.watch.opened(job_id)
        self.used.append(job_id)
        jobs.watch.point("bulk:remembered")
        try:
            jobs.upload(job_id, table_of(rows, by_id=by_id))
            jobs.watch.point("bulk:uploaded")
            jobs.close(job_id)
            jobs.watch.point("bulk:closed")
            answer = jobs.wait(job_id)
        except CallFailed as refused:
            ended = self._after_refusal(job_id, refused.problem)
            if ended is None or ended.data["state"] == "Aborted":
                jobs.watch.ended(job_id)
                return {row.place: failed(row, not_sent(refused.problem)) for row in rows}
            answer = ended
        jobs.watch.point("bulk:done")
        found = self._outcomes(job_id, rows, answer, terms, by_id=by_id)
        jobs.watch.ended(job_id)
        return found

    def _after_refusal(self, job_id: str, problem: Problem) -> Answer | None:
        """An upload or a start that failed, or whose answer was lost: only the job can tell."""
        try:
            return self.jobs.end(job_id)
        except CallFailed as again:
            raise JobUnfinished(job_id, problem.sentence) from again

    def _outcomes(
        self, job_id: str, rows: list[Row], answer: Answer, terms: Terms, *, by_id: bool
    ) -> dict[int, Outcome]:
        """What became of each row, by its own result: what no result names is not known."""
        try:
            good = _keyed(self.jobs.results(job_id, "successfulResults"), by_id=by_id)
            bad = _keyed(self.jobs.results(job_id, "failedResults"), by_id=by_id)
            left = _keyed(self.jobs.results(job_id, "unprocessedRecords"), by_id=by_id)
        except CallFailed as refused:
            raise JobUnfinished(job_id, refused.problem.sentence) from refused
        found: dict[int, Outcome] = {}
        for row in rows:
            key, asked = _key(row, by_id=by_id), asked_of(row, terms)
            if key in good and good[key].get("sf__Id"):
                # A job does not tell when it wrote a row.
                found[row.place] = done(row, None, good[key]["sf__Id"], _shown(job_id))
            elif key in bad:
                text = bad[key].get("sf__Error") or ""
                response = _shown(job_id) | {"error": text}
                found[row.place] = failed(row, classify_row([error_of(text)], asked, response))
            elif key in left:
                found[row.place] = failed(row, _stopped_job(answer.data), _shown(job_id))
            else:
                found[row.place] = failed(row, unreadable(asked, _shown(job_id)))
        return found


def _ready(place: int, write: Write, terms: Terms) -> Row | Outcome:
    if write.action not in (Action.CREATE, Action.RESTORE, Action.LINK) or write.contested:
        return _for_collections("the row is there already")
    ready = prepare(place, write, write.remote_id, terms)
    if isinstance(ready, Row) and NULL in ready.body.values():
        return _for_collections(f"a text is {NULL}, which means nothing in a bulk job")
    return ready


def _for_collections(why: str) -> Outcome:
    sentence = f"Left to an ordinary write: {why}"
    return Outcome(
        done=False, problem=Problem(ErrorClass.STALE, "NOT_FOR_BULK", sentence, sentence)
    )


def in_jobs(rows: Sequence[Row], most: int = BYTES_A_JOB) -> Iterator[list[Row]]:
    """The rows in groups that one job takes, by number and by weight."""
    group: list[Row] = []
    weight = 0
    for row in rows:
        heavy = sum(len(cell.encode()) + 3 for cell in cells_of(row.body).values())
        if group and (weight + heavy > most or len(group) == ROWS_A_JOB):
            yield group
            group, weight = [], 0
        group.append(row)
        weight += heavy
    if group:
        yield group


def table_of(rows: Sequence[Row], *, by_id: bool) -> bytes:
    """The rows as the CSV of a job, every cell quoted, UTF-8. A column that a row does not speak of
    is empty there: it changes nothing."""
    cells = [cells_of(row.body) for row in rows]
    if by_id:
        cells = [{"Id": row.remote_id or ""} | each for row, each in zip(rows, cells, strict=True)]
    header = list(dict.fromkeys(name for each in cells for name in each))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([each.get(name, "") for name in header] for each in cells)
    return out.getvalue().encode()


def cells_of(body: Mapping[str, Any]) -> dict[str, str]:
    """A record as cells by column; a related record by the column that names its key."""
    cells: dict[str, str] = {}
    for name, value in body.items():
        if isinstance(value, Mapping):
            cells[f"{name}.{EXTERNAL_ID_FIELD}"] = str(value[EXTERNAL_ID_FIELD])
        elif value is None:
            cells[name] = NULL
        elif isinstance(value, bool):
            cells[name] = "true" if value else "false"
        else:
            cells[name] = str(value)
    return cells


def error_of(text: str) -> dict[str, Any]:
    """``CODE:message:Field__c,Other__c --`` as an error record."""
    code, _, rest = text.partition(":")
    message, colon, tail = rest.rpartition(":")
    if not colon or not tail.rstrip().endswith("--"):
        return {"statusCode": code.strip(), "message": rest}
    names = [name.strip() for name in tail.rstrip().removesuffix("--").split(",")]
    return {
        "statusCode": code.strip(),
        "message": message,
        "fields": [_field_of(name) for name in names if name],
    }


def _field_of(name: str) -> str:
    return PARENT_RELATION if name.startswith(f"{PARENT_RELATION}.") else name


def _stopped_job(info: Mapping[str, Any]) -> Problem:
    """Rows that a job did not come to: it was stopped as a whole, by nothing of theirs."""
    words = str(info.get("errorMessage") or info.get("state"))
    sentence = f"Salesforce stopped the bulk job: {' '.join(words.split())[:300]}"
    return Problem(ErrorClass.PAUSE, "BULK_JOB_STOPPED", words, sentence)


def _key(row: Row, *, by_id: bool) -> str:
    return (row.remote_id or "")[:15] if by_id else str(row.body[EXTERNAL_ID_FIELD])


def _keyed(rows: Sequence[dict[str, str]], *, by_id: bool) -> dict[str, dict[str, str]]:
    if by_id:
        return {(row.get("Id") or row.get("sf__Id") or "")[:15]: row for row in rows}
    return {row.get(EXTERNAL_ID_FIELD) or "": row for row in rows}


def _number(info: Mapping[str, Any]) -> int:
    number = info.get("numberRecordsProcessed")
    return number if isinstance(number, int) else 0


def _shown(job_id: str) -> dict[str, str]:
    return {"job": job_id}
