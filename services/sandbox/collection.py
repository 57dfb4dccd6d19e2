"""sObject Collections: up to 200 records in one request, one answer a record, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.sandbox import dml, records
from services.sandbox.errors import ApiError, Fault, SaveRefused, refuse
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming, key_field, read_record
from services.sandbox.org import Org, Work, working
from services.sandbox.rows import match_one
from services.sandbox.schema import FieldSpec, SfType, SObject
from services.sandbox.standard import find_object, schema
from services.sandbox.wire import Answer, Call

MAX_ROWS = 200
MAX_RETRIEVED = 2000
_ROLLED_BACK = Fault(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone"
    " header",
)


class _AllOrNone(Exception):
    """Leaves the transaction of a request that is to be undone as a whole."""


Save = Callable[[Work, Any], dict[str, Any]]
"""Saves one item and gives its part of the answer; raises SaveRefused."""


def create(org: Org, call: Call) -> Answer:
    """POST records."""
    body, incoming = _incoming(call)
    return _answered(org, call, incoming, save_new, body)


def update(org: Org, call: Call) -> Answer:
    """PATCH records by their ids."""
    body, incoming = _incoming(call)
    return _answered(org, call, incoming, saver_by_id(incoming), body)


def upsert(org: Org, call: Call, obj: SObject, field: str) -> Answer:
    """PATCH records by a key field: update what is there, create what isn't."""
    spec = key_field(obj, field)
    if spec is None:
        raise ApiError(
            404,
            "NOT_FOUND",
            f"Provided external ID field does not exist or is not accessible: {field}",
        )
    body, incoming = _incoming(call, obj)
    return _answered(org, call, incoming, saver_by_key(spec, incoming), body)


def delete(org: Org, call: Call) -> Answer:
    """DELETE the records of ``ids``."""
    ids = [i for i in call.query.get("ids", "").split(",") if i]
    if not ids:
        raise ApiError(400, "INVALID_INPUT", "Include a comma-separated list of ids")
    _limit(ids, MAX_ROWS)

    def save(work: Work, record_id: str) -> dict[str, Any]:
        known = canonical(record_id)
        obj = next((o for o in schema().values() if known and known[:3] == o.prefix), None)
        if obj is None:
            raise refuse("MALFORMED_ID", f"malformed id {record_id}")
        dml.delete(work, obj, record_id)
        return _done(known or record_id)

    body = {"allOrNone": call.query.get("allOrNone", "").lower() == "true"}
    return _answered(org, call, ids, save, body)


def retrieve(org: Org, call: Call, obj: SObject) -> Answer:
    """GET or POST: the records of some ids in their order, null for what is not there."""
    if call.method == "POST":
        body = call.json_object()
        ids, names = body.get("ids"), body.get("fields")
        if not _texts(ids) or not _texts(names):
            raise ApiError(400, "INVALID_INPUT", "ids and fields must be lists of text")
    else:
        ids, names = (
            [part for part in call.query.get(key, "").split(",") if part]
            for key in ("ids", "fields")
        )
    if not ids or not names:
        raise ApiError(400, "INVALID_INPUT", "ids and fields are required")
    _limit(ids, MAX_RETRIEVED)
    known = [canonical(i) for i in ids]
    for given, found in zip(ids, known, strict=True):
        if found is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {given}")
    specs = records.fields_named(obj, names)
    with org.store.reading() as db:
        rows = records.read_records(db, obj, [i for i in known if i], specs, call.base)
    return Answer(200, [rows.get(i or "") for i in known])


def save_new(work: Work, record: Incoming) -> dict[str, Any]:
    """Create a record."""
    return _done(dml.create(work, record))


def saver_by_id(incoming: Sequence[Incoming]) -> Save:
    """Updates records by their ids; an id that stands twice in one request is refused twice."""
    twice = _repeated(canonical(r.given_id) for r in incoming if r.given_id)

    def save(work: Work, record: Incoming) -> dict[str, Any]:
        if not record.given_id:
            raise refuse("MISSING_ARGUMENT", "Id not specified in an update call")
        if canonical(record.given_id) in twice:
            raise refuse("DUPLICATE_VALUE", f"Duplicate id specified: {record.given_id}")
        dml.update(work, record, record.given_id)
        return _done(canonical(record.given_id) or record.given_id)

    return save


def saver_by_key(spec: FieldSpec, incoming: Sequence[Incoming]) -> Save:
    """Upserts records by a key; a key that stands twice in one request is refused twice."""
    twice = _repeated(_fold(spec, _key(spec, r)) for r in incoming)

    def save(work: Work, record: Incoming) -> dict[str, Any]:
        return _upsert_row(work, spec, record, twice)

    return save


def save_each(work: Work, items: Sequence[Any], save: Save) -> list[dict[str, Any]]:
    """Save each item by itself, with one answer each.

    References are resolved before anything is saved: a row can't lead to another one of the same
    request that isn't there yet.
    """
    unresolved = _resolve(work, items)
    results = []
    for number, item in enumerate(items):
        try:
            if number in unresolved:
                raise unresolved[number]
            results.append(save(work, item))
        except SaveRefused as no:
            results.append(_failed(no.faults))
    return results


def _answered(
    org: Org, call: Call, items: Sequence[Any], save: Save, body: Mapping[str, Any]
) -> Answer:
    wanted = body.get("allOrNone", False)
    if not isinstance(wanted, bool):
        raise ApiError(400, "JSON_PARSER_ERROR", "allOrNone must be true or false")
    results: list[dict[str, Any]] = []
    try:
        with working(org, call) as work:
            results = save_each(work, items, save)
            if wanted and not all(r["success"] for r in results):
                raise _AllOrNone
    except _AllOrNone:
        results = [_failed([_ROLLED_BACK]) if r["success"] else r for r in results]
    return Answer(200, results)


def _resolve(work: Work, items: Sequence[Any]) -> dict[int, SaveRefused]:
    failed: dict[int, SaveRefused] = {}
    for number, item in enumerate(items):
        if isinstance(item, Incoming):
            try:
                dml.resolve(work, item)
            except SaveRefused as no:
                failed[number] = no
    return failed


def _upsert_row(work: Work, spec: FieldSpec, record: Incoming, twice: set[str]) -> dict[str, Any]:
    key = _key(spec, record)
    if record.given_id is not None and spec.type is not SfType.ID:
        raise refuse("INVALID_FIELD", "Record ids can't be given in an upsert by external id")
    if key is None:
        raise refuse("MISSING_ARGUMENT", f"{spec.name} not specified")
    if _fold(spec, key) in twice:
        raise refuse("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", spec.name)
    found = match_one(work, spec, record.obj, key)
    if len(found) > 1:
        raise refuse(
            "DUPLICATE_EXTERNAL_ID",
            f"{spec.label}: more than one record found for external id field: [{', '.join(found)}]",
            spec.name,
        )
    if found:
        dml.update(work, record, found[0])
        return _done(found[0]) | {"created": False}
    if spec.type is SfType.ID:
        raise refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return _done(dml.create(work, record)) | {"created": True}


def _incoming(call: Call, only: SObject | None = None) -> tuple[Mapping[str, Any], list[Incoming]]:
    body = call.json_object()
    given = body.get("records")
    if not isinstance(given, list) or not given:
        raise ApiError(400, "INVALID_INPUT", "records must be a list with at least one record")
    _limit(given, MAX_ROWS)
    incoming = []
    for record in given:
        named = record.get("attributes") if isinstance(record, dict) else None
        kind = named.get("type") if isinstance(named, dict) else None
        if not isinstance(kind, str):
            raise ApiError(400, "INVALID_INPUT", "Include an entity type for each record")
        obj = find_object(kind)
        if obj is None or not obj.writable:
            raise ApiError(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported")
        if only is not None and obj is not only:
            raise ApiError(400, "INVALID_INPUT", f"Every record must be of type {only.name}")
        incoming.append(read_record(obj, record))
    return body, incoming


def _key(spec: FieldSpec, record: Incoming) -> str | None:
    """The key a record is upserted by; every key field is text."""
    return record.given_id if spec.type is SfType.ID else record.values.get(spec.name)


def _fold(spec: FieldSpec, key: str | None) -> str | None:
    if key is None or spec.case_sensitive or spec.type is SfType.ID:
        return key
    return key.casefold()


def _repeated(keys: Iterable[str | None]) -> set[str]:
    return {key for key, times in Counter(keys).items() if times > 1 and key is not None}


def _limit(items: Sequence[Any], most: int) -> None:
    if len(items) > most:
        raise ApiError(
            400,
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {most} records into this call",
        )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _done(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}


def _failed(faults: Iterable[Fault]) -> dict[str, Any]:
    return {"success": False, "errors": [fault.as_row_error() for fault in faults]}
