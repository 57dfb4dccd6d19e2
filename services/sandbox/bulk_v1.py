"""The first Bulk API (``/services/async``) with JSON, which simple-salesforce's ``bulk`` speaks.

A batch is carried out when it is posted, in one transaction, and is found complete at the first
look. Requests, results and errors have forms of their own, unlike the rest of the API.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from services.sandbox import collection, soql_run, storage
from services.sandbox.bulk import BATCH, JOB_PREFIX
from services.sandbox.bulk_operations import checked, saver
from services.sandbox.errors import ApiError
from services.sandbox.ids import canonical
from services.sandbox.incoming import read_record, stamp
from services.sandbox.org import Org, Work, working
from services.sandbox.standard import find_object
from services.sandbox.wire import Answer, Call

BATCH_PREFIX, RESULT_PREFIX = "751", "752"
MAX_RECORDS = 10_000
_KIND = "Classic"
_QUERIES = ("query", "queryAll")

Info = dict[str, Any]


def handle(org: Org, call: Call) -> Answer:
    """Answer ``/services/async/NN.N/job…``; what is wrong is told in this API's own words."""
    try:
        return _handle(org, call)
    except ApiError as error:
        return refused(error)


def refused(error: ApiError) -> Answer:
    """A refusal in the form of this API: always 400 where the caller is to blame."""
    code = {"INVALID_SESSION_ID": "InvalidSessionId", "NOT_FOUND": "InvalidUrl"}
    body = {
        "exceptionCode": code.get(error.fault.code, error.fault.code),
        "exceptionMessage": error.fault.message,
    }
    return Answer(400 if error.status < 500 else error.status, body)


def _handle(org: Org, call: Call) -> Answer:
    match (call.method, call.parts):
        case ("POST", ("job",)):
            return _create(org, call)
        case (_, ("job", job_id, *rest)):
            return _of_job(org, call, job_id, rest)
    raise ApiError(404, "NOT_FOUND", "Url invalid")


def _of_job(org: Org, call: Call, job_id: str, rest: Sequence[str]) -> Answer:
    match (call.method, rest):
        case ("POST", []):
            return _set_state(org, call, job_id)
        case ("POST", ["batch"]):
            return _add_batch(org, call, job_id)
    with org.store.reading() as db:
        match (call.method, rest):
            case ("GET", []):
                return Answer(200, _job(db, job_id))
            case ("GET", ["batch"]):
                rows = db.execute("SELECT info FROM batches WHERE job = ? ORDER BY id", (job_id,))
                return Answer(200, {"batchInfo": [json.loads(row[0]) for row in rows]})
            case ("GET", ["batch", batch_id]):
                return Answer(200, _batch(db, batch_id, "info"))
            case ("GET", ["batch", batch_id, "request"]):
                return Answer(200, _batch(db, batch_id, "request"))
            case ("GET", ["batch", batch_id, "result"]):
                result = _batch(db, batch_id, "result")
                is_query = _job(db, job_id)["operation"] in _QUERIES
                return Answer(200, [_result_id(batch_id)] if is_query else result)
            case ("GET", ["batch", batch_id, "result", result_id]):
                if result_id == _result_id(batch_id):
                    return Answer(200, _batch(db, batch_id, "result"))
    raise ApiError(404, "NOT_FOUND", "Url invalid")


def _create(org: Org, call: Call) -> Answer:
    body = call.json_object()
    operation, external = body.get("operation"), body.get("externalIdFieldName")
    if body.get("contentType") != "JSON":
        raise ApiError(400, "InvalidJob", "Only the content type JSON is taken here")
    if operation in _QUERIES:
        obj = find_object(str(body.get("object")))
        if obj is None:
            raise ApiError(400, "InvalidJob", f"Unable to find object: {body.get('object')}")
    else:
        obj = checked(body.get("object"), operation, external)
    serial = body.get("concurrencyMode") in (1, "Serial")
    with org.store.transaction() as db:
        now = stamp(org.now())
        info: Info = {
            "id": storage.new_id(db, JOB_PREFIX),
            "operation": operation,
            "object": obj.name,
            "externalIdFieldName": external,
            "contentType": "JSON",
            "concurrencyMode": "Serial" if serial else "Parallel",
            "jobType": _KIND,
            "state": "Open",
            "createdById": call.user,
            "createdDate": now,
            "systemModstamp": now,
            "apiVersion": float(call.version),
            "numberBatchesTotal": 0,
            "numberBatchesCompleted": 0,
            "numberBatchesFailed": 0,
            "numberRecordsProcessed": 0,
            "numberRecordsFailed": 0,
        }
        db.execute("INSERT INTO jobs VALUES (?, ?, ?)", (info["id"], json.dumps(info), ""))
    return Answer(201, info)


def _set_state(org: Org, call: Call, job_id: str) -> Answer:
    state = call.json_object().get("state")
    with org.store.transaction() as db:
        info = _job(db, job_id)
        if info["state"] != "Open" or state not in ("Closed", "Aborted"):
            raise ApiError(400, "InvalidJobState", f"A job that is {info['state']} can't: {state}")
        _keep(db, info | {"state": state}, org.now())
        return Answer(200, _job(db, job_id))


def _add_batch(org: Org, call: Call, job_id: str) -> Answer:
    with working(org, call) as work:
        job = _job(work.db, job_id)
        if job["state"] != "Open":
            raise ApiError(400, "InvalidJobState", f"The job is {job['state']}")
        request, result, problem = _carried_out(work, call, job)
        failed = 0 if job["operation"] in _QUERIES else sum(not r["success"] for r in result)
        batch: Info = {
            "id": storage.new_id(work.db, BATCH_PREFIX),
            "jobId": job["id"],
            "state": "Failed" if problem else "Completed",
            "stateMessage": problem,
            "createdDate": work.stamp,
            "systemModstamp": work.stamp,
            "numberRecordsProcessed": len(result),
            "numberRecordsFailed": failed,
        }
        work.db.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?)",
            (batch["id"], job["id"], json.dumps(batch), json.dumps(request), json.dumps(result)),
        )
        job["numberBatchesTotal"] += 1
        job["numberBatchesFailed" if problem else "numberBatchesCompleted"] += 1
        job["numberRecordsProcessed"] += len(result)
        job["numberRecordsFailed"] += failed
        _keep(work.db, job, work.now)
    # A client sees a batch that was taken on, and finds it complete at its first look.
    return Answer(201, batch | {"state": "Queued", "stateMessage": None})


def _carried_out(work: Work, call: Call, job: Info) -> tuple[Any, list[Any], str | None]:
    """A batch's request, its results, and why it failed as a whole."""
    if job["operation"] in _QUERIES:
        text = call.body.decode("utf-8", "replace")
        try:
            everything = job["operation"] == "queryAll"
            found = soql_run.all_records(work.db, text, work.now, call.base, deleted=everything)
        except ApiError as error:
            return text, [], f"InvalidBatch : {error.fault.message}"
        return text, found, None
    records = call.json()
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise ApiError(400, "InvalidBatch", "The batch must be a list of records")
    if len(records) > MAX_RECORDS:
        raise ApiError(400, "ExceededQuota", f"A batch holds at most {MAX_RECORDS} records")
    obj = checked(job["object"], job["operation"], job["externalIdFieldName"])
    try:
        incoming = [read_record(obj, each) for each in records]
    except ApiError as error:
        return records, [], f"InvalidBatch : {error.fault.message}"
    results: list[Any] = []
    for start in range(0, len(incoming), BATCH):
        some = incoming[start : start + BATCH]
        save = saver(job["operation"], obj, job["externalIdFieldName"], some)
        results += collection.save_each(work, some, save)
    return records, [_shown(each, job["operation"]) for each in results], None


def _shown(result: Info, operation: str) -> Info:
    created = result["success"] and result.get("created", operation == "insert")
    return {
        "success": result["success"],
        "created": created,
        "id": result.get("id"),
        "errors": [{**error, "extendedErrorDetails": None} for error in result["errors"]],
    }


def _job(db: sqlite3.Connection, job_id: str) -> Info:
    found = db.execute(
        "SELECT info FROM jobs WHERE id = ?", (canonical(job_id) or job_id,)
    ).fetchone()
    info: Info = json.loads(found[0]) if found else {}
    if info.get("jobType") != _KIND:
        raise ApiError(400, "InvalidJob", f"Unable to find job: {job_id}")
    return info


def _batch(db: sqlite3.Connection, batch_id: str, column: str) -> Any:
    found = db.execute(f"SELECT {column} FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if found is None:
        raise ApiError(400, "InvalidBatch", f"Unable to find batch: {batch_id}")
    return json.loads(found[0])


def _keep(db: sqlite3.Connection, info: Info, now: float) -> None:
    info["systemModstamp"] = stamp(now)
    db.execute("UPDATE jobs SET info = ? WHERE id = ?", (json.dumps(info), info["id"]))


def _result_id(batch_id: str) -> str:
    return canonical(RESULT_PREFIX + batch_id[3:15]) or ""
