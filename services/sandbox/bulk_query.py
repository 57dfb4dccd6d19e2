"""Bulk API 2.0 query: a job whose answer is CSV, read in pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from services.sandbox import bulk
from services.sandbox.bulk_csv import DELIMITERS, LINE_ENDINGS, cell_of, write_table
from services.sandbox.errors import ApiError, not_found
from services.sandbox.org import Org
from services.sandbox.records import shown
from services.sandbox.schema import FieldSpec
from services.sandbox.soql_compile import Branch, compile_query
from services.sandbox.soql_parse import parse
from services.sandbox.wire import Answer, Call

DEFAULT_PAGE = 50_000


def handle(org: Org, call: Call, rest: Sequence[str]) -> Answer:
    """Answer ``jobs/query…``. Raises ApiError."""
    if not rest:
        return _create(org, call) if call.method == "POST" else bulk.listing(org, "V2Query")
    what = rest[1].lower() if len(rest) > 1 else ""
    match (call.method, what):
        case ("GET", ""):
            with org.store.reading() as db:
                return Answer(200, bulk.load(db, rest[0], "V2Query")[0])
        case ("GET", "results"):
            return _results(org, call, rest[0])
        case ("PATCH", ""):
            return _abort(org, call, rest[0])
        case ("DELETE", ""):
            return bulk.delete_job(org, rest[0], "V2Query")
    raise not_found()


def _create(org: Org, call: Call) -> Answer:
    """Make the query: the set of records is fixed here, their values are read by the pages."""
    body = call.json_object()
    text, operation = body.get("query"), body.get("operation")
    if operation not in ("query", "queryAll") or not isinstance(text, str):
        raise ApiError(400, "INVALIDJOB", "operation must be query or queryAll, with a query")
    with org.store.transaction() as db:
        plan = compile_query(text, parse(text), db, org.now(), deleted=operation == "queryAll")
        if plan.shape != "records" or plan.children:
            raise ApiError(
                400, "INVALIDJOB", "Aggregates and subqueries are not supported in a bulk query"
            )
        rows = db.execute(plan.sql([f"{plan.scope.label}.Id"]), plan.values)
        ids = [row[0] for row in rows]
        info = {
            "operation": operation,
            "object": plan.scope.obj.name,
            "query": text,
            "contentType": "CSV",
            "jobType": "V2Query",
            "state": "JobComplete",
            "numberRecordsProcessed": len(ids),
        }
        made = bulk.open_job(org, call, body, info)
        db.execute("UPDATE jobs SET data = ? WHERE id = ?", (json.dumps(ids), made["id"]))
    # A client sees a job that was taken on, and finds it complete at its first look.
    return Answer(200, made | {"state": "UploadComplete"})


def _results(org: Org, call: Call, job_id: str) -> Answer:
    start = _number(call.query.get("locator", "0"), "locator")
    page = _number(call.query.get("maxRecords", str(DEFAULT_PAGE)), "maxRecords")
    with org.store.reading() as db:
        info, data = bulk.load(db, job_id, "V2Query")
        ids = json.loads(data)
        text = info["query"]
        deleted = info["operation"] == "queryAll"
        plan = compile_query(text, parse(text), db, org.now(), deleted=deleted)
        wanted = json.dumps(ids[start : start + page])
        found = db.execute(plan.page_sql(), (wanted,)).fetchall()
    columns = _columns(plan.root, "") if plan.root else []
    rows = [[cell_of(spec, shown(spec, row[index])) for _, index, spec in columns] for row in found]
    end = start + page
    headers = {
        "Sforce-NumberOfRecords": str(len(rows)),
        "Sforce-Locator": str(end) if end < len(ids) else "null",
    }
    body = write_table(
        [name for name, _, _ in columns],
        rows,
        DELIMITERS[info["columnDelimiter"]],
        LINE_ENDINGS[info["lineEnding"]],
    )
    return Answer(200, body, headers, bulk.CSV)


def _abort(org: Org, call: Call, job_id: str) -> Answer:
    if call.json_object().get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOB", "A query job can only be aborted")
    with org.store.transaction() as db:
        info, _ = bulk.load(db, job_id, "V2Query")
        info["state"] = "Aborted"
        bulk.store(db, info, org.now())
    return Answer(200, info)


def _columns(branch: Branch, prefix: str) -> list[tuple[str, int, FieldSpec]]:
    """Each column's heading, its place in the row and its field; parents as ``Owner.Name``."""
    columns: list[tuple[str, int, FieldSpec]] = []
    for name, entry in branch.entries.items():
        if isinstance(entry, Branch):
            columns += _columns(entry, f"{prefix}{name}.")
        else:
            columns.append((prefix + name, *entry))
    return columns


def _number(text: Any, name: str) -> int:
    if not str(text).isdigit():
        raise ApiError(400, "INVALIDJOB", f"{name} is no number: {text}")
    return int(text)
