"""Records on their way out: from stored values to Salesforce's JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.sandbox.errors import ApiError
from services.sandbox.schema import FieldSpec, SfType, SObject
from services.sandbox.storage import quote

_CONVERTERS: Mapping[SfType, Callable[[Any], Any]] = {
    SfType.BOOLEAN: bool,
    SfType.ANY: json.loads,
}


def column(spec: FieldSpec, table: str) -> str:
    """The SQL of a field of the aliased table: its column, or its formula."""
    if spec.expression is not None:
        return spec.expression.format(t=table)
    return f"{table}.{quote(spec.name)}"


def shown(spec: FieldSpec, value: Any) -> Any:
    """A stored value as JSON has it. Booleans are never null."""
    if value is None:
        return False if spec.type is SfType.BOOLEAN else None
    convert = _CONVERTERS.get(spec.type)
    return convert(value) if convert else value


def attributes(obj: SObject, record_id: str, base: str) -> dict[str, str]:
    """The ``attributes`` of a record."""
    return {"type": obj.name, "url": f"{base}/sobjects/{obj.name}/{record_id}"}


def fields_named(obj: SObject, names: Sequence[str]) -> list[FieldSpec]:
    """The fields of these names, all of them for none. Raises ApiError for one that isn't there."""
    specs: list[FieldSpec] = []
    for name in names:
        spec = obj.find(name.strip())
        if spec is None:
            raise ApiError(
                400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {obj.name}"
            )
        if spec not in specs:
            specs.append(spec)
    return specs or list(obj.fields)


def read_records(
    db: sqlite3.Connection,
    obj: SObject,
    record_ids: Sequence[str],
    specs: Sequence[FieldSpec],
    base: str,
) -> dict[str, dict[str, Any]]:
    """The JSON of records by id; deleted and unknown ones are absent."""
    columns = ", ".join(column(spec, "t") for spec in specs)
    live = " AND t.IsDeleted = 0" if obj.has("IsDeleted") else ""
    found = db.execute(
        f"SELECT t.Id, {columns} FROM {quote(obj.name)} t"
        f" WHERE t.Id IN (SELECT value FROM json_each(?)){live}",
        (json.dumps(list(record_ids)),),
    )
    return {
        row[0]: {"attributes": attributes(obj, row[0], base)}
        | {spec.name: shown(spec, value) for spec, value in zip(specs, row[1:], strict=True)}
        for row in found
    }
