"""CSV as Bulk API 2.0 reads and writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from services.sandbox.errors import ApiError, refuse
from services.sandbox.incoming import Incoming, Reference, key_field, read_value
from services.sandbox.schema import NUMBERS, FieldSpec, SfType, SObject
from services.sandbox.standard import find_object, target_of

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_NULL = "#N/A"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


class BadBatch(Exception):
    """Data that fails a job as a whole; the message is the job's."""


def read_table(text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a job's data. Raises BadBatch."""
    source = io.StringIO(text, newline="")
    try:
        rows = [row for row in csv.reader(source, delimiter=delimiter, strict=True) if row]
    except csv.Error as bad:
        raise BadBatch(f"InvalidBatch : {bad}") from None
    if not rows:
        raise BadBatch("InvalidBatch : The batch has no header row")
    header, body = rows[0], rows[1:]
    for number, row in enumerate(body, 2):
        if len(row) != len(header):
            raise BadBatch(
                f"InvalidBatch : Row {number} has {len(row)} fields, the header has {len(header)}"
            )
    return header, body


def check_header(obj: SObject, header: Sequence[str]) -> None:
    """Raise BadBatch for a column that is no field of the object."""
    for name in header:
        if obj.find(name) is None and _relation(obj, name) is None:
            raise BadBatch(f"InvalidBatch : Field name not found : {name}")


def read_row(obj: SObject, header: Sequence[str], row: Sequence[str]) -> Incoming:
    """A row as a record. Empty cells say nothing, ``#N/A`` is null. Raises SaveRefused."""
    record = Incoming(obj)
    for name, text in zip(header, row, strict=True):
        if text == "":
            continue
        spec = obj.find(name)
        if spec is None:
            relation = _relation(obj, name)
            if relation is None:
                raise BadBatch(f"InvalidBatch : Field name not found : {name}")
            if text == _NULL:
                record.values[relation[0].name] = None
            else:
                record.references.append(Reference(*relation, text))
        elif spec.type is SfType.ID:
            record.given_id = text
        else:
            record.values[spec.name] = None if text == _NULL else _cell(spec, text)
    return record


def write_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str, line_ending: str
) -> bytes:
    """A result file: every cell quoted, UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_ending, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


def cell_of(spec: FieldSpec, value: Any) -> str:
    """A value, as JSON has it, in a cell: null is empty, a time ends in Z."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if spec.type is SfType.DATETIME:
        return str(value).replace("+0000", "Z")
    return str(value)


def _cell(spec: FieldSpec, text: str) -> Any:
    value: Any = text
    try:
        if spec.type is SfType.BOOLEAN:
            value = _TRUTH[text.strip().lower()]
        elif spec.type in NUMBERS:
            value = float(text)
        return read_value(spec, value)
    except (KeyError, ValueError, ApiError):
        raise refuse(
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            f"{spec.label}: value not of required type: {text}",
            spec.name,
        ) from None


def _relation(obj: SObject, name: str) -> tuple[FieldSpec, SObject, FieldSpec] | None:
    """What a column such as ``Parent_Initiative__r.DataOS_Project_Id__c`` names: the lookup, its
    target and the key. ``Owner:User.Username`` names the target of a lookup to several."""
    first, _, last = name.partition(".")
    relation, _, kind = first.partition(":")
    spec = obj.by_relation.get(relation.lower())
    if spec is None or not last:
        return None
    target = (find_object(kind) if kind else None) or target_of(spec)
    key = key_field(target, last)
    return None if key is None else (spec, target, key)
