"""Running queries: the first page, the next ones, and the records' JSON.

The set of records is fixed when the query is made; each page reads their values when it is
fetched, and leaves out what was deleted meanwhile.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from services.sandbox import storage
from services.sandbox.errors import ApiError
from services.sandbox.org import Org
from services.sandbox.records import attributes, shown
from services.sandbox.schema import SObject
from services.sandbox.soql_compile import Branch, ChildPlan, Plan, compile_query
from services.sandbox.soql_parse import malformed, parse
from services.sandbox.soql_scope import Column
from services.sandbox.standard import schema
from services.sandbox.wire import Answer, Call

BATCH_MIN, BATCH_MAX = 200, 2000
CURSOR_PREFIX = "01g"
CURSOR_LIFE_S = 2 * 86_400
_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.I)


def query(org: Org, call: Call, *, deleted: bool) -> Answer:
    """Answer ``query`` or, with ``deleted``, ``queryAll``. Raises ApiError."""
    text = call.query.get("q", "")
    if not text.strip():
        raise malformed("A query string has to be specified")
    parsed = parse(text)
    batch = _batch_size(call)
    with org.store.reading() as db:
        plan = compile_query(text, parsed, db, org.now(), deleted=deleted)
        if plan.shape == "count":
            (total,) = db.execute(plan.sql(), plan.values).fetchone()
            total = total if plan.limit is None else min(total, plan.limit)
            return Answer(200, {"totalSize": total, "done": True, "records": []})
        found = db.execute(plan.sql(), plan.values).fetchmany(batch + 1)
        if plan.shape == "groups":
            return _groups(plan, found, batch)
        ids: list[str] = []
        if len(found) > batch:
            id_column = [f"{plan.scope.label}.Id"]
            ids = [row[0] for row in db.execute(plan.sql(id_column), plan.values)]
        records = _records(db, plan, found[:batch], call.base)
    total = len(ids) or len(found)
    body: dict[str, Any] = {"totalSize": total, "done": not ids, "records": records}
    if ids:
        cursor = _keep(org, call, text, ids, deleted)
        body["nextRecordsUrl"] = _next_url(call, cursor, batch)
    return Answer(200, body)


def all_records(
    db: sqlite3.Connection, text: str, now: float, base: str, *, deleted: bool
) -> list[dict[str, Any]]:
    """Every record of a query at once, for bulk jobs. Raises ApiError, also for aggregates and
    subqueries."""
    plan = compile_query(text, parse(text), db, now, deleted=deleted)
    if plan.shape != "records" or plan.children:
        raise malformed("aggregates and subqueries are not for bulk jobs and searches")
    return _records(db, plan, db.execute(plan.sql(), plan.values).fetchall(), base)


def more(org: Org, call: Call, locator: str) -> Answer:
    """Answer the next page of a query, ``01g…-2000``. Raises ApiError INVALID_QUERY_LOCATOR."""
    cursor, _, start_text = locator.partition("-")
    batch = _batch_size(call)
    with org.store.reading() as db:
        kept = db.execute(
            "SELECT soql, deleted, ids FROM cursors WHERE id = ? AND user = ?", (cursor, call.user)
        ).fetchone()
        if kept is None or not start_text.isdigit():
            raise ApiError(400, "INVALID_QUERY_LOCATOR", f"invalid query locator {locator}")
        text, deleted, ids = kept[0], bool(kept[1]), json.loads(kept[2])
        start = int(start_text)
        plan = compile_query(text, parse(text), db, org.now(), deleted=deleted)
        page = json.dumps(ids[start : start + batch])
        found = db.execute(plan.page_sql(), (page,)).fetchall()
        records = _records(db, plan, found, call.base)
    done = start + batch >= len(ids)
    body: dict[str, Any] = {"totalSize": len(ids), "done": done, "records": records}
    if not done:
        body["nextRecordsUrl"] = _next_url(call, cursor, start + batch)
    return Answer(200, body)


def _batch_size(call: Call) -> int:
    found = _BATCH_SIZE.search(call.headers.get("sforce-query-options", ""))
    return min(max(int(found[1]), BATCH_MIN), BATCH_MAX) if found else BATCH_MAX


def _next_url(call: Call, cursor: str, start: int) -> str:
    return f"{call.base}/query/{cursor}-{start}"


def _keep(org: Org, call: Call, text: str, ids: list[str], deleted: bool) -> str:
    """Keep a query for its next pages, and let go of old ones."""
    now = org.now()
    with org.store.transaction() as db:
        cursor = storage.new_id(db, CURSOR_PREFIX)
        db.execute("DELETE FROM cursors WHERE at < ?", (now - CURSOR_LIFE_S,))
        db.execute(
            "INSERT INTO cursors VALUES (?, ?, ?, ?, ?, ?)",
            (cursor, call.user, now, text, int(deleted), json.dumps(ids)),
        )
    return cursor


def _groups(plan: Plan, found: Sequence[Sequence[Any]], batch: int) -> Answer:
    if len(found) > batch:
        raise ApiError(
            400,
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a"
            " single batch",
        )
    records = [
        {"attributes": {"type": "AggregateResult"}}
        | {
            name: _aggregated(column, value)
            for (name, column), value in zip(plan.outputs, row, strict=True)
        }
        for row in found
    ]
    return Answer(200, {"totalSize": len(records), "done": True, "records": records})


def _aggregated(column: Column, value: Any) -> Any:
    if column.whole:
        return None if value is None else int(value)
    return None if value is None else shown(column.spec, value)


def _records(
    db: sqlite3.Connection, plan: Plan, found: Sequence[Sequence[Any]], base: str
) -> list[dict[str, Any]]:
    if plan.root is None:
        raise TypeError("a plan of records has a root")
    root = plan.root
    records = [_record(root, row, base) or {} for row in found]
    ids = [row[root.id_index] for row in found]
    for child in plan.children:
        by_parent = _children(db, child, ids, base)
        for record, record_id in zip(records, ids, strict=True):
            record[child.key] = by_parent.get(record_id)
    return records


def _children(
    db: sqlite3.Connection, child: ChildPlan, ids: Sequence[str], base: str
) -> dict[str, dict[str, Any]]:
    """The answer of a subquery for each parent that has children."""
    plan = child.plan
    if plan.root is None:
        raise TypeError("a plan of records has a root")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in db.execute(plan.children_sql(), (json.dumps(list(ids)), *plan.values)):
        siblings = found.setdefault(row[child.parent_index], [])
        if child.limit is None or len(siblings) < child.limit:
            siblings.append(_record(plan.root, row, base) or {})
    return {
        parent: {"totalSize": len(children), "done": True, "records": children}
        for parent, children in found.items()
        if children
    }


def _record(branch: Branch, row: Sequence[Any], base: str) -> dict[str, Any] | None:
    record_id = row[branch.id_index]
    if record_id is None:
        return None
    obj = _object_of(branch.node.obj, record_id)
    record: dict[str, Any] = {"attributes": attributes(obj, record_id, base)}
    for name, entry in branch.entries.items():
        if isinstance(entry, Branch):
            record[name] = _record(entry, row, base)
        else:
            record[name] = shown(entry[1], row[entry[0]])
    return record


def _object_of(obj: SObject, record_id: str) -> SObject:
    """The object a record is of; a view's records are of the objects behind it."""
    if obj.view is None:
        return obj
    return next(o for o in schema().values() if o.prefix and record_id.startswith(o.prefix))
