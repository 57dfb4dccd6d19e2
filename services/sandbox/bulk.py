"""Bulk API 2.0 ingest: jobs of CSV rows.

A job makes progress when somebody asks how it is: each look carries out some batches of 200 rows.
A batch and its results are one transaction, so that a server that dies goes on where it was.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from services.sandbox import collection, storage
from services.sandbox.bulk_csv import (
    DELIMITERS,
    LINE_ENDINGS,
    BadBatch,
    check_header,
    read_row,
    read_table,
    write_table,
)
from services.sandbox.bulk_operations import checked, saver
from services.sandbox.errors import ApiError, Fault, SaveRefused, not_found
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming, stamp
from services.sandbox.org import Org, Work, working
from services.sandbox.schema import SObject
from services.sandbox.standard import find_object
from services.sandbox.wire import Answer, Call

JOB_PREFIX = "750"
BATCH = 200
BATCHES_A_LOOK = 10
CSV = "text/csv;charset=UTF-8"
_ENDED = ("JobComplete", "Aborted", "Failed")

Info = dict[str, Any]
Table = tuple[list[str], list[list[str]]]
"""The header of a job's data, and its rows."""


def handle(org: Org, call: Call, rest: Sequence[str]) -> Answer:
    """Answer ``jobs/ingest…``. Raises ApiError."""
    if not rest:
        return create(org, call) if call.method == "POST" else listing(org, "V2Ingest")
    what = rest[1].lower() if len(rest) > 1 else ""
    match (call.method, what):
        case ("GET", ""):
            return Answer(200, _look(org, call, rest[0]))
        case ("PATCH", ""):
            return _set_state(org, call, rest[0])
        case ("DELETE", ""):
            return delete_job(org, rest[0], "V2Ingest")
        case ("PUT", "batches"):
            return _upload(org, call, rest[0])
        case ("GET", "successfulresults" | "failedresults" | "unprocessedrecords"):
            return _results(org, rest[0], what)
    raise not_found()


def create(org: Org, call: Call) -> Answer:
    """Open an ingest job."""
    body = call.json_object()
    operation, external = body.get("operation"), body.get("externalIdFieldName")
    obj = checked(body.get("object"), operation, external)
    info = {
        "operation": operation,
        "object": obj.name,
        "externalIdFieldName": external,
        "contentType": "CSV",
        "jobType": "V2Ingest",
        "state": "Open",
        "numberRecordsProcessed": 0,
        "numberRecordsFailed": 0,
        "errorMessage": None,
    }
    return Answer(200, open_job(org, call, body, info))


def open_job(org: Org, call: Call, body: Mapping[str, Any], info: Info) -> Info:
    """Store a new job with what every job has. Raises ApiError for a bad CSV form."""
    delimiter = str(body.get("columnDelimiter", "COMMA"))
    ending = str(body.get("lineEnding", "LF"))
    if delimiter not in DELIMITERS or ending not in LINE_ENDINGS:
        raise ApiError(400, "INVALIDJOB", "columnDelimiter or lineEnding is not known")
    with org.store.transaction() as db:
        now = stamp(org.now())
        job_id = storage.new_id(db, JOB_PREFIX)
        whole: Info = {"id": job_id} | info
        whole |= {
            "createdById": call.user,
            "createdDate": now,
            "systemModstamp": now,
            "concurrencyMode": "Parallel",
            "apiVersion": float(call.version),
            "lineEnding": ending,
            "columnDelimiter": delimiter,
            "retries": 0,
            "totalProcessingTime": 0,
        }
        if info["jobType"] == "V2Ingest":
            whole["contentUrl"] = f"{call.base.lstrip('/')}/jobs/ingest/{job_id}/batches"
        db.execute("INSERT INTO jobs VALUES (?, ?, ?)", (job_id, json.dumps(whole), ""))
    return whole


def load(db: sqlite3.Connection, job_id: str, kind: str) -> tuple[Info, str]:
    """A job's information and its data. Raises ApiError 404."""
    found = db.execute(
        "SELECT info, data FROM jobs WHERE id = ?", (canonical(job_id) or job_id,)
    ).fetchone()
    info: Info = json.loads(found[0]) if found else {}
    if info.get("jobType") != kind:
        raise not_found()
    return info, str(found[1])


def store(db: sqlite3.Connection, info: Info, now: float) -> None:
    """Store a job's information."""
    info["systemModstamp"] = stamp(now)
    db.execute("UPDATE jobs SET info = ? WHERE id = ?", (json.dumps(info), info["id"]))


def listing(org: Org, kind: str) -> Answer:
    """Every job of a kind."""
    rows = org.store.connection().execute("SELECT info FROM jobs ORDER BY id")
    jobs = [info for info in (json.loads(row[0]) for row in rows) if info["jobType"] == kind]
    return Answer(200, {"done": True, "records": jobs, "nextRecordsUrl": None})


def delete_job(org: Org, job_id: str, kind: str) -> Answer:
    """Forget a job that has ended."""
    with org.store.transaction() as db:
        info, _ = load(db, job_id, kind)
        if info["state"] not in _ENDED:
            raise ApiError(400, "INVALIDJOBSTATE", f"The job is {info['state']}")
        db.execute("DELETE FROM jobs WHERE id = ?", (info["id"],))
        db.execute("DELETE FROM job_rows WHERE job = ?", (info["id"],))
    return Answer(204)


def _upload(org: Org, call: Call, job_id: str) -> Answer:
    media = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != "text/csv":
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {media} is not supported")
    with org.store.transaction() as db:
        info, data = load(db, job_id, "V2Ingest")
        if info["state"] != "Open" or data:
            raise ApiError(400, "INVALIDJOBSTATE", f"The job is {info['state']} or has its data")
        text = call.body.decode("utf-8", "replace").removeprefix("\ufeff")
        db.execute("UPDATE jobs SET data = ? WHERE id = ?", (text, info["id"]))
    return Answer(201)


def _set_state(org: Org, call: Call, job_id: str) -> Answer:
    state = call.json_object().get("state")
    with org.store.transaction() as db:
        info, _ = load(db, job_id, "V2Ingest")
        allowed = {"UploadComplete": ("Open",), "Aborted": ("Open", "UploadComplete", "InProgress")}
        if info["state"] not in allowed.get(str(state), ()):
            raise ApiError(400, "INVALIDJOBSTATE", f"A job that is {info['state']} can't: {state}")
        info["state"] = state
        store(db, info, org.now())
    return Answer(200, info)


def _look(org: Org, call: Call, job_id: str) -> Info:
    """A job's information, after some of what it has to do was done."""
    table: Table | None = None
    for _ in range(BATCHES_A_LOOK):
        with working(org, call) as work:
            info, data = load(work.db, job_id, "V2Ingest")
            if info["state"] not in ("UploadComplete", "InProgress"):
                break
            try:
                table = table or read_table(data, DELIMITERS[info["columnDelimiter"]])
                _carry_out(work, info, table)
            except BadBatch as bad:
                info |= {"state": "Failed", "errorMessage": str(bad)}
            store(work.db, info, work.now)
    return info


def _carry_out(work: Work, info: Info, table: Table) -> None:
    """One batch of a job. Raises BadBatch."""
    obj = find_object(info["object"])
    if obj is None:
        raise BadBatch(f"InvalidBatch : Object not found : {info['object']}")
    header, rows = table
    check_header(obj, header)
    start = int(info["numberRecordsProcessed"])
    batch = rows[start : start + BATCH]
    for number, result in enumerate(_saved(work, info, obj, header, batch), start):
        done = result["success"]
        error = None if done else _error_text(result["errors"][0])
        created = done and result.get("created", info["operation"] == "insert")
        work.db.execute(
            "INSERT INTO job_rows VALUES (?, ?, ?, ?, ?)",
            (info["id"], number, result.get("id", ""), int(created), error),
        )
        info["numberRecordsFailed"] += not done
    info["numberRecordsProcessed"] = start + len(batch)
    info["state"] = "InProgress" if start + len(batch) < len(rows) else "JobComplete"


def _saved(
    work: Work, info: Info, obj: SObject, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    items: list[Incoming | SaveRefused] = []
    for row in rows:
        try:
            items.append(read_row(obj, header, row))
        except SaveRefused as no:
            items.append(no)
    good = [item for item in items if isinstance(item, Incoming)]
    save = saver(info["operation"], obj, info["externalIdFieldName"], good)

    def save_or_raise(work: Work, item: Incoming | SaveRefused) -> dict[str, Any]:
        if isinstance(item, SaveRefused):
            raise item
        return save(work, item)

    return collection.save_each(work, items, save_or_raise)


def _results(org: Org, job_id: str, what: str) -> Answer:
    with org.store.reading() as db:
        info, data = load(db, job_id, "V2Ingest")
        known = {
            n: (record_id, created, error)
            for n, record_id, created, error in db.execute(
                "SELECT n, id, created, error FROM job_rows WHERE job = ?", (info["id"],)
            )
        }
    delimiter = DELIMITERS[info["columnDelimiter"]]
    try:
        header, rows = read_table(data, delimiter)
    except BadBatch:
        header, rows = [], []
    table: list[list[str]] = []
    first: list[str] = []
    if what == "unprocessedrecords":
        table = [row for n, row in enumerate(rows) if n not in known]
    else:
        failed = what == "failedresults"
        first = ["sf__Id", "sf__Error" if failed else "sf__Created"]
        for n, (record_id, created, error) in sorted(known.items()):
            if failed == (error is not None):
                note = error if failed else ("true" if created else "false")
                table.append([record_id, str(note), *rows[n]])
    body = write_table([*first, *header], table, delimiter, LINE_ENDINGS[info["lineEnding"]])
    return Answer(200, body, media=CSV)


def _error_text(error: Mapping[str, Any]) -> str:
    fault = Fault(error["statusCode"], error["message"], tuple(error["fields"]))
    return f"{fault.code}:{fault.message}:{','.join(fault.fields or ())} --"
