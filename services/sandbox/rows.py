"""sObject rows: one record by its id or by an external id."""

from __future__ import annotations

from typing import Any

from services.sandbox import dml, records, storage
from services.sandbox.conditions import guard_of, keep, shown_if_changed
from services.sandbox.errors import ApiError, SaveRefused, not_found
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming, key_field, read_record, read_value, seconds_of
from services.sandbox.org import Org, Work, working
from services.sandbox.schema import FieldSpec, SfType, SObject
from services.sandbox.wire import Answer, Call, refused

OPEN_ANSWER_SINCE = 46.0
"""The API version from which an upsert that updates answers 200 with a body, and not 204."""


def create(org: Org, call: Call, obj: SObject) -> Answer:
    """POST a new record: 201."""
    record = _record(obj, call)
    try:
        with working(org, call) as work:
            dml.resolve(work, record)
            record_id = dml.create(work, record)
    except SaveRefused as no:
        return refused(no.faults)
    return _created(call, obj, record_id, {})


def by_id(org: Org, call: Call, obj: SObject, record_id: str) -> Answer:
    """GET, PATCH or DELETE the record of an id."""
    if call.method not in ("GET", "PATCH", "DELETE"):
        raise _no_method(call, "DELETE, GET, HEAD, PATCH")
    known = canonical(record_id)
    if known is None:
        if key_field(obj, record_id) is not None:
            raise _no_method(call, "GET, HEAD")
        raise _no_key(record_id)
    if call.method == "GET":
        return _read(org, call, obj, known)
    return (_update if call.method == "PATCH" else _delete)(org, call, obj, known)


def by_key(org: Org, call: Call, obj: SObject, field: str, value: str) -> Answer:
    """GET, PATCH (upsert) or DELETE the record with this value of a key field."""
    spec = key_field(obj, field)
    if spec is None:
        raise _no_key(field)
    match call.method:
        case "GET":
            with org.store.reading():
                found = _matches(org, obj, spec, value)
                return _on_match(found, call, obj) or _read(org, call, obj, found[0])
        case "PATCH":
            return _upsert(org, call, obj, spec, value)
        case "DELETE":
            found = _matches(org, obj, spec, value)
            return _on_match(found, call, obj) or _delete(org, call, obj, found[0])
    raise _no_method(call, "DELETE, GET, HEAD, PATCH")


def match_one(work: Work, spec: FieldSpec, obj: SObject, value: Any) -> list[str]:
    """The live records with this value of a key field."""
    if spec.type is SfType.ID:
        known = canonical(str(value))
        row = storage.fetch(work.db, obj, known) if known else None
        return [row["Id"]] if row is not None and not row.get("IsDeleted") else []
    return storage.find_by(work.db, obj, spec, value)


def _record(obj: SObject, call: Call) -> Incoming:
    if not obj.writable:
        raise ApiError(
            400,
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            f"entity type cannot be inserted or updated: {obj.name}",
        )
    return read_record(obj, call.json_object())


def _read(org: Org, call: Call, obj: SObject, record_id: str) -> Answer:
    with org.store.reading() as db:
        row = storage.fetch(db, obj, record_id)
        if row is None:
            raise not_found()
        if row.get("IsDeleted"):
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
        changed = seconds_of(row.get("SystemModstamp") or row["CreatedDate"])
        names = [name for name in call.query.get("fields", "").split(",") if name]
        specs = records.fields_named(obj, names)
        found = records.read_records(db, obj, [record_id], specs, call.base)
    return shown_if_changed(call, changed, Answer(200, found[record_id]))


def _update(org: Org, call: Call, obj: SObject, record_id: str) -> Answer:
    record = _record(obj, call)
    if record.given_id is not None:
        raise _given("Id")
    guard = guard_of(call)
    try:
        with working(org, call) as work:
            row = dml.existing(work, obj, record_id)
            keep(guard, seconds_of(row["SystemModstamp"]))
            dml.resolve(work, record)
            dml.update(work, record, row["Id"])
    except SaveRefused as no:
        return refused(no.faults)
    return Answer(204)


def _delete(org: Org, call: Call, obj: SObject, record_id: str) -> Answer:
    try:
        with working(org, call) as work:
            dml.delete(work, obj, record_id)
    except SaveRefused as no:
        return refused(no.faults)
    return Answer(204)


def _upsert(org: Org, call: Call, obj: SObject, spec: FieldSpec, text: str) -> Answer:
    record = _record(obj, call)
    if record.given_id is not None:
        raise _given("Id")
    if spec.name in record.values:
        raise _given(spec.name)
    value = read_value(spec, text)
    modern = float(call.version) >= OPEN_ANSWER_SINCE
    try:
        with working(org, call) as work:
            found = match_one(work, spec, obj, value)
            if len(found) > 1:
                return _several(call, obj, found)
            if not found and (
                spec.type is SfType.ID or call.query.get("updateOnly", "").lower() == "true"
            ):
                raise not_found()
            dml.resolve(work, record)
            if found:
                dml.update(work, record, found[0])
            else:
                record.values[spec.name] = value
                record_id = dml.create(work, record)
    except SaveRefused as no:
        return refused(no.faults)
    if not found:
        return _created(call, obj, record_id, {"created": True} if modern else {})
    if not modern:
        return Answer(204)
    return Answer(200, {"id": found[0], "success": True, "errors": [], "created": False})


def _matches(org: Org, obj: SObject, spec: FieldSpec, text: str) -> list[str]:
    if spec.type is SfType.ID:
        known = canonical(text)
        return [known] if known else []
    return storage.find_by(org.store.connection(), obj, spec, read_value(spec, text))


def _on_match(found: list[str], call: Call, obj: SObject) -> Answer | None:
    if not found:
        raise not_found()
    return _several(call, obj, found) if len(found) > 1 else None


def _several(call: Call, obj: SObject, found: list[str]) -> Answer:
    return Answer(300, [f"{call.base}/sobjects/{obj.name}/{record_id}" for record_id in found])


def _created(call: Call, obj: SObject, record_id: str, more: dict[str, Any]) -> Answer:
    body = {"id": record_id, "success": True, "errors": []} | more
    return Answer(201, body, {"Location": f"{call.base}/sobjects/{obj.name}/{record_id}"})


def _given(name: str) -> ApiError:
    return ApiError(
        400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data."
    )


def _no_key(name: str) -> ApiError:
    return ApiError(
        404,
        "NOT_FOUND",
        f"Provided external ID field does not exist or is not accessible: {name}",
    )


def _no_method(call: Call, allowed: str) -> ApiError:
    return ApiError(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}",
    )
