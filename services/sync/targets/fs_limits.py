"""What a Firestore document can hold: ids, keys, values and sizes. Pure.

Source of the numbers: the Firestore quotas page (document 1 MiB, field name and id 1,500 bytes,
depth 20, 64-bit integers), checked against the official emulator in the contract tests.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any

from services.sync.targets.fs_documents import DocWrite, FieldPath, Kind, Special

DOCUMENT_BYTES = 1_048_576
NAME_BYTES = 1_500
DEPTH = 20
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_RESERVED = re.compile(r"__.*__", re.DOTALL)


class Unfit(ValueError):
    """A value that Firestore can't hold, with one sentence and the field path it stands at."""

    def __init__(self, sentence: str, path: FieldPath = ()) -> None:
        self.path = path
        super().__init__(sentence)


def id_fault(document_id: str) -> str | None:
    """Why Firestore can hold no document of this id; None where it can."""
    if document_id in ("", ".", ".."):
        return "a document's id can't be empty, . or .."
    if "/" in document_id:
        return "a document's id can't hold a slash"
    if _RESERVED.fullmatch(document_id):
        return "ids of the form __x__ are reserved in Firestore"
    return _name_fault(document_id)


def check_write(write: DocWrite) -> None:
    """Raise Unfit for a write that no Firestore takes, whatever it holds already.

    Paths that overlap and a DELETE_FIELD in a create are ValueError: a fault of the program.
    """
    fault = id_fault(write.id)
    if fault:
        raise Unfit(f"Firestore can't hold {write.id!a}: {fault}.")
    paths = sorted(write.fields)
    for earlier, later in itertools.pairwise(paths):
        if later[: len(earlier)] == earlier:
            raise ValueError(f"overlapping field paths: {earlier} and {later}")
    for path, value in write.fields.items():
        for key in path:
            _check_key(key, path)
        if isinstance(value, Special):
            if value is Special.DELETE_FIELD and write.kind is Kind.CREATE:
                raise ValueError(f"a new document has no field to delete: {path}")
            continue
        _check_value(value, path, depth=len(path) - 1)


def size_of(collection: str, document_id: str, fields: Mapping[str, Any]) -> int:
    """A stored document's size in bytes, by the rules of Firestore's storage size page."""
    name = len(collection.encode()) + 1 + len(document_id.encode()) + 1 + 16
    return name + _value_size(fields) + 32


def _value_size(value: Any) -> int:
    match value:
        case None | bool():
            return 1
        case int() | float() | dt.datetime():
            return 8
        case str():
            return len(value.encode()) + 1
        case bytes():
            return len(value)
        case list():
            return sum(map(_value_size, value))
        case _:
            return sum(len(k.encode()) + 1 + _value_size(v) for k, v in value.items())


def _name_fault(name: str) -> str | None:
    if not _encodes(name):
        return "it holds half of a character"
    return f"it is longer than {NAME_BYTES:,} bytes" if len(name.encode()) > NAME_BYTES else None


@functools.lru_cache(maxsize=4096)
def _key_fault(key: str) -> str | None:
    """A batch holds some tens of thousands of keys, nearly all of them the same few."""
    if not key:
        return "it is empty"
    if _RESERVED.fullmatch(key):
        return "names of the form __x__ are reserved"
    return _name_fault(key)


def _check_key(key: str, path: FieldPath) -> None:
    fault = _key_fault(key)
    if fault:
        raise Unfit(f"Firestore can't hold the field name {key[:60]!a}: {fault}.", path)


def _check_value(value: Any, path: FieldPath, depth: int) -> None:
    match value:
        case dict():
            _check_map(value, path, depth)
        case list():
            for item in value:
                if isinstance(item, list):
                    raise Unfit(f"{_where(path)}: a list can't stand directly in a list.", path)
                _check_value(item, path, depth + 1)
        case _:
            fault = _scalar_fault(value)
            if fault:
                raise Unfit(f"{_where(path)}: {fault}.", path)


def _check_map(value: dict[Any, Any], path: FieldPath, depth: int) -> None:
    if depth >= DEPTH:
        raise Unfit(f"{_where(path)}: maps are nested deeper than {DEPTH} levels.", path)
    for key, item in value.items():
        if not isinstance(key, str):
            raise Unfit(f"{_where(path)}: the key {key!a} is not text.", path)
        inner = (*path, key)
        _check_key(key, inner)
        _check_value(item, inner, depth + 1)


def _scalar_fault(value: Any) -> str | None:
    match value:
        case None | bool() | float() | bytes():
            return None
        case int():
            return None if _INT_MIN <= value <= _INT_MAX else f"{value} does not fit into 64 bits"
        case str():
            return None if _encodes(value) else "the text holds half of a character"
        case dt.datetime():
            return None if value.tzinfo else "the time has no zone"
        case _:
            return f"Firestore can't hold a {type(value).__name__}"


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _where(path: FieldPath) -> str:
    return ".".join(path)
