"""Documents of the sandbox's Firestore as stored text, and what a write makes of one. Pure."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from services.sync.targets.fs_documents import DELETE_FIELD, SERVER_TIMESTAMP, FieldPath

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)
_TIME, _BYTES, _LIST = "t", "b", "l"


def applied(
    held: Mapping[str, Any], changes: Mapping[FieldPath, Any], now: dt.datetime
) -> dict[str, Any]:
    """A document's fields after a write; ``held`` is left as it is. Pure.

    What stands in the way of a path and is no map gives way to one; deleting below it is nothing.
    """
    fields = dict(held)
    for path, value in changes.items():
        _put(fields, path, now if value is SERVER_TIMESTAMP else value)
    return fields


def _put(parent: dict[str, Any], path: FieldPath, value: Any) -> None:
    key, rest = path[0], path[1:]
    if rest:
        inner = parent.get(key)
        if not isinstance(inner, dict) and value is DELETE_FIELD:
            return
        parent[key] = dict(inner) if isinstance(inner, dict) else {}
        _put(parent[key], rest, value)
    elif value is DELETE_FIELD:
        parent.pop(key, None)
    else:
        parent[key] = value


def microseconds(moment: dt.datetime) -> int:
    """Microseconds since the epoch, exactly."""
    return (moment - EPOCH) // MICROSECOND


def times(fields: Mapping[str, Any]) -> set[tuple[str, int]]:
    """The document's top-level timestamps: what ``changed_since`` looks things up by."""
    return {
        (field, microseconds(value))
        for field, value in fields.items()
        if isinstance(value, dt.datetime)
    }


def dump(fields: Mapping[str, Any]) -> str:
    """The stored text of a document; equal documents have equal texts, 1, 1.0 and true differ."""
    return json.dumps(_packed(fields), ensure_ascii=False, sort_keys=True)


def load(text: str) -> dict[str, Any]:
    """The fields that ``dump`` made the text of."""
    fields: dict[str, Any] = _unpacked(json.loads(text))
    return fields


def _packed(value: Any) -> Any:
    """A plain value as JSON: what JSON has not is a list that begins with its kind."""
    match value:
        case dt.datetime():
            return [_TIME, microseconds(value)]
        case bytes():
            return [_BYTES, base64.b64encode(value).decode()]
        case list():
            return [_LIST, *map(_packed, value)]
        case dict():
            return {key: _packed(item) for key, item in value.items()}
        case _:
            return value


def _unpacked(value: Any) -> Any:
    match value:
        case [str(kind), *rest]:
            if kind == _TIME:
                return EPOCH + rest[0] * MICROSECOND
            return base64.b64decode(rest[0]) if kind == _BYTES else [*map(_unpacked, rest)]
        case dict():
            return {key: _unpacked(item) for key, item in value.items()}
        case _:
            return value
