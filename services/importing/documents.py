"""A JSON file as records: a Firestore dump in any of its usual shapes, or our own export.

Shapes: a list of documents; ``{id: document}``; one document; ``{"documents": [...]}``. A document
is plain JSON, or Firestore's REST form (``{"name": ..., "fields": {"x": {"stringValue": ...}}}``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.importing import columns
from services.importing.grid import Cell, Fault, Raw, Record, is_blank, text_of
from services.importing.plan import ImportRefused, Note
from store import canon, clock, fields
from store.fields import BY_PATH, Kind

_GROUPS = (*fields.GROUPS, "scores")
_MORE = "nextPageToken"
_DECIDED = ("status", "priority")
"""Fields that every project has: a document without one that others have holds a blank one."""


def read_json(text: str, name: str) -> tuple[list[Record], list[Note]]:
    """The records of a JSON text, a document a row, and warnings on what was not read.

    Raises ImportRefused for what is not JSON or holds no list of documents.
    """
    try:
        whole = json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except RecursionError as error:
        raise ImportRefused(f"{canon.shown(name)} is nested too deeply to be read.") from error
    except ValueError as error:
        raise ImportRefused(f"{canon.shown(name)} is not sound JSON: {error}.") from error
    records: list[Record] = []
    notes: dict[str, Note] = {}
    if isinstance(whole, dict) and isinstance(whole.get(_MORE), str):
        notes[_MORE] = Note(name, 0, _MORE, "", "the dump stops here and says that there is more")
    for row, (key, document) in enumerate(_documents(whole, name), start=1):
        record = _record(name, row, key, document, notes)
        if record is not None:
            records.append(record)
    present = {path for record in records for path in record.cells}
    if records and columns.FEATURE not in present:
        raise ImportRefused(f"No document of {canon.shown(name)} has a feature_name.")
    for record in records:
        for path in _DECIDED:
            if path in present:
                record.cells.setdefault(path, Cell(path, None))
    return records, list(notes.values())


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key {canon.shown(twice)} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _documents(whole: Any, name: str) -> Iterator[tuple[str | None, Any]]:
    """(document id where it stands outside the document, document) of each one."""
    if isinstance(whole, dict) and isinstance(whole.get("documents"), list):
        whole = whole["documents"]
    if isinstance(whole, list):
        return ((None, document) for document in whole)
    if isinstance(whole, dict) and (columns.FEATURE in whole or _is_rest(whole)):
        return iter([(None, whole)])
    if isinstance(whole, dict) and all(isinstance(each, dict) for each in whole.values()):
        return iter(whole.items())
    raise ImportRefused(
        f"{canon.shown(name)} holds no projects: a list of documents is needed, or an object of "
        "documents by id."
    )


def _is_rest(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("fields"), dict) and columns.FEATURE not in document


def _record(
    sheet: str, row: int, key: str | None, document: Any, notes: dict[str, Note]
) -> Record | None:
    if not isinstance(document, dict):
        fault = Fault(json.dumps(document, ensure_ascii=False), "a document must be an object")
        return Record(sheet, row, {columns.FEATURE: Cell(columns.FEATURE, fault)})
    if _is_rest(document):
        key = key or str(document.get("name", "")).rpartition("/")[2] or None
        document = {name: _rest_value(value) for name, value in document["fields"].items()}
    if document.get("deleted"):
        identity = str(document.get(columns.PROJECT_ID) or key or "")
        message = "this project was deleted; it was not imported"
        notes[f"deleted {row}"] = Note(sheet, row, "deleted", identity, message)
        return None
    cells: dict[str, Cell] = {}
    for title, value in _flat(document):
        path = columns.path_of(title)
        if path is None:
            message = "this field was not read: there is no such field"
            notes.setdefault(title, Note(sheet, row, title, "", message))
        elif path in cells:
            cells[path] = Cell(title, Fault(title, "the document has this field twice"))
        elif path not in columns.SYSTEM:
            cells[path] = Cell(title, _raw(path, value))
    _identify(cells, key)
    if "stamps" not in document and "applied" not in document:
        _keep_authors(cells, document)
    return Record(sheet, row, cells)


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields by path; a group that is no object is given under its own first field."""
    for name, value in document.items():
        if name not in _GROUPS:
            yield name, value
        elif isinstance(value, dict):
            for inner, each in value.items():
                yield f"{name}.{inner}", each
        elif value is not None:
            yield _first_of(name), Fault(_json(value), f"{name} must be an object")


def _first_of(group: str) -> str:
    return next((path for path in BY_PATH if path.startswith(f"{group}.")), "total_score")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _raw(path: str, value: Any) -> Raw:
    if isinstance(value, Mapping) and "_seconds" in value:
        value = _from_seconds(value)
    if isinstance(value, dict | list):
        return Fault(_json(value), "it must be one value, not a list or an object")
    kind = BY_PATH[path].kind if path in BY_PATH else Kind.TEXT
    if isinstance(value, bool) and kind is not Kind.BOOLEAN:
        return Fault(_json(value), "it must not be true or false")
    if kind is Kind.PERCENT and _is_whole(value):
        # A document holds percent: 1 is 1 %, where a workbook's 1 is the fraction for 100 %.
        return f"{value:.0f}%"
    return value  # type: ignore[no-any-return]


def _is_whole(value: Any) -> bool:
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int)


def _identify(cells: dict[str, Cell], key: str | None) -> None:
    """The document's id as its project id; two different ones are an error."""
    if key is None:
        return
    inside = cells.get(columns.PROJECT_ID)
    if inside is None or is_blank(inside.raw):
        cells[columns.PROJECT_ID] = Cell(columns.PROJECT_ID, key)
    elif text_of(inside.raw) != key:
        fault = Fault(text_of(inside.raw) or "", f"the document's own id is {canon.shown(key)}")
        cells[columns.PROJECT_ID] = Cell(inside.title, fault)


def _keep_authors(cells: dict[str, Cell], document: Mapping[str, Any]) -> None:
    """The authors of a document of the old web form, as the imported ones (V2 text, section 4f)."""
    for author in (columns.AUTHOR, "updated_by"):
        if author in document:
            kept = f"imported_{author}"
            cells.setdefault(kept, Cell(author, _raw(kept, document[author])))


def _from_seconds(value: Mapping[str, Any]) -> Raw:
    """A timestamp as the Node client writes it into JSON."""
    try:
        return dt.datetime.fromtimestamp(float(value["_seconds"]), dt.UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return Fault(_json(value), "this is no time")


def _rest_value(typed: Any) -> Any:
    """A value of Firestore's REST form as plain JSON; times as datetimes."""
    if not isinstance(typed, dict) or len(typed) != 1:
        return Fault(_json(typed), "this is no Firestore value")
    [(kind, value)] = typed.items()
    try:
        match kind:
            case "nullValue":
                return None
            case "integerValue":
                return int(value)
            case "doubleValue":
                return float(value)
            case "timestampValue":
                return clock.from_iso(str(value))
            case "mapValue":
                inner = value.get("fields", {})
                return {name: _rest_value(each) for name, each in inner.items()}
            case "arrayValue":
                return [_rest_value(each) for each in value.get("values", [])]
            case "stringValue" | "booleanValue" | "referenceValue" | "bytesValue":
                return value
    except (TypeError, ValueError, AttributeError):
        return Fault(_json(typed), "this is no Firestore value")
    return Fault(_json(typed), f"a {kind} can't be imported")
