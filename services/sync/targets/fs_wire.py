"""Firestore's wire form: plain values and writes to protocol buffers and back.

Imports Google's libraries, so only ``fs_google`` imports it, late and after ``fs_quiet.silence``.
The raw messages under the proto-plus wrappers are used (``Message.pb``): they are several times
faster, and a batch holds 500 documents of some 60 fields.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.cloud.firestore_v1.field_path import FieldPath as ApiPath
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    BatchWriteRequest,
    BatchWriteResponse,
    RunQueryRequest,
    RunQueryResponse,
    Write,
)

from services.sync.targets.fs_documents import (
    DELETE_FIELD,
    SERVER_TIMESTAMP,
    DocWrite,
    FieldPath,
    Kind,
    Snapshot,
)

CODES: dict[int, str] = {status.value[0]: status.name for status in grpc.StatusCode}
_WRITE = Write.pb()
_REQUEST_TIME = 1  # FieldTransform.ServerValue.REQUEST_TIME
_AT_LEAST = 4  # FieldFilter.Operator.GREATER_THAN_OR_EQUAL
_ASCENDING = 1  # StructuredQuery.Direction.ASCENDING


def set_value(message: Any, value: Any) -> None:
    """Write one plain value into a ``Value`` message. The value has passed ``check_write``."""
    match value:
        case None:
            message.null_value = 0
        case bool():
            message.boolean_value = value
        case int():
            message.integer_value = value
        case float():
            message.double_value = value
        case str():
            message.string_value = value
        case bytes():
            message.bytes_value = value
        case dt.datetime():
            message.timestamp_value.FromDatetime(value)
        case list():
            message.array_value.SetInParent()
            for item in value:
                set_value(message.array_value.values.add(), item)
        case _:
            message.map_value.SetInParent()
            for key, item in value.items():
                set_value(message.map_value.fields[key], item)


def value_of(message: Any) -> Any:
    """The plain value of a ``Value`` message; a reference is its name, a point a map."""
    kind = message.WhichOneof("value_type")
    match kind:
        case None | "null_value":
            return None
        case "timestamp_value":
            return message.timestamp_value.ToDatetime(dt.UTC)
        case "array_value":
            return [value_of(item) for item in message.array_value.values]
        case "map_value":
            return fields_of(message.map_value.fields)
        case "geo_point_value":
            point = message.geo_point_value
            return {"latitude": point.latitude, "longitude": point.longitude}
        case _:
            return getattr(message, kind)


def fields_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A map of ``Value`` messages as plain values."""
    return {key: value_of(item) for key, item in fields.items()}


def snapshot_of(document: Any) -> Snapshot:
    """A ``Document`` message as a snapshot; the token is its update time to the nanosecond."""
    return Snapshot(
        document.name.rpartition("/")[2],
        fields_of(document.fields),
        document.update_time.ToJsonString(),
    )


def write_message(documents: str, write: DocWrite) -> Any | None:
    """One ``Write``: a mask of exactly its paths, its precondition and its server timestamps.

    ``documents`` is the database's documents root. None where the token is no token of Firestore:
    then no document can be at it.
    """
    message = _WRITE(update={"name": f"{documents}/{write.collection}/{write.id}"})
    if write.kind is Kind.CREATE:
        message.current_document.exists = False
    elif write.update_time is None:
        message.current_document.exists = True
    else:
        try:
            message.current_document.update_time.FromJsonString(write.update_time)
        except ValueError:
            return None
    for path, value in write.fields.items():
        api_path = ApiPath(*path).to_api_repr()
        if value is SERVER_TIMESTAMP:
            transform = message.update_transforms.add(field_path=api_path)
            transform.set_to_server_value = _REQUEST_TIME
            continue
        if write.kind is Kind.UPDATE:
            message.update_mask.field_paths.append(api_path)
        if value is not DELETE_FIELD:
            set_value(_slot(message.update.fields, path), value)
    if write.kind is Kind.UPDATE:
        # Without a mask an update would replace the whole document.
        message.update_mask.SetInParent()
    return message


def _slot(fields: Any, path: FieldPath) -> Any:
    """The ``Value`` message at a path, its parents made maps on the way."""
    slot = fields[path[0]]
    for key in path[1:]:
        slot = slot.map_value.fields[key]
    return slot


def batch_write(database: str, writes: Sequence[Any]) -> Any:
    """The request that writes these ``Write`` messages, each by itself."""
    return BatchWriteRequest.wrap(BatchWriteRequest.pb()(database=database, writes=writes))


def batch_write_answer(response: Any) -> list[tuple[str, str, str, dt.datetime | None]]:
    """For each write: status name, the server's words, token, server time where one was asked."""
    raw = BatchWriteResponse.pb(response)
    return [
        (
            CODES.get(status.code, "UNKNOWN"),
            status.message,
            result.update_time.ToJsonString(),
            _server_time(result),
        )
        for status, result in zip(raw.status, raw.write_results, strict=True)
    ]


def _server_time(result: Any) -> dt.datetime | None:
    for transformed in result.transform_results:
        value = value_of(transformed)
        if isinstance(value, dt.datetime):
            return value
    return None


def batch_get(database: str, names: Sequence[str]) -> Any:
    """The request that reads these documents."""
    return BatchGetDocumentsRequest.wrap(
        BatchGetDocumentsRequest.pb()(database=database, documents=names)
    )


def batch_get_found(response: Any) -> Snapshot | None:
    """The document that one answer of a batch get holds, if it holds one."""
    raw = BatchGetDocumentsResponse.pb(response)
    return snapshot_of(raw.found) if raw.HasField("found") else None


def changed_query(
    documents: str, collection: str, field: str, mark: dt.datetime, limit: int, after_id: str
) -> Any:
    """Documents with ``field`` at or after ``mark`` by (field, id), behind ``after_id`` if any."""
    request = RunQueryRequest.pb()(parent=documents)
    query = request.structured_query
    query.from_.add(collection_id=collection)
    test = query.where.field_filter
    test.field.field_path = ApiPath(field).to_api_repr()
    test.op = _AT_LEAST
    test.value.timestamp_value.FromDatetime(mark)
    for path in (test.field.field_path, "__name__"):
        query.order_by.add(field={"field_path": path}, direction=_ASCENDING)
    if after_id:
        query.start_at.values.add().timestamp_value.FromDatetime(mark)
        query.start_at.values.add().reference_value = f"{documents}/{collection}/{after_id}"
    query.limit.value = limit
    return RunQueryRequest.wrap(request)


def ids_query(documents: str, collection: str) -> Any:
    """Every document of the collection, its name alone."""
    request = RunQueryRequest.pb()(parent=documents)
    query = request.structured_query
    query.from_.add(collection_id=collection)
    query.select.fields.add(field_path="__name__")
    query.order_by.add(field={"field_path": "__name__"}, direction=_ASCENDING)
    return RunQueryRequest.wrap(request)


def query_found(response: Any) -> Snapshot | None:
    """The document that one answer of a query holds, if it holds one."""
    raw = RunQueryResponse.pb(response)
    return snapshot_of(raw.document) if raw.HasField("document") else None


def retry_after(details: Sequence[Any]) -> float | None:
    """Seconds that the server asked to wait (google.rpc.RetryInfo), where it did."""
    for detail in details:
        if detail.DESCRIPTOR.full_name == "google.rpc.RetryInfo":
            return float(detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9)
    return None
