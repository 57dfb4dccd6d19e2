"""Field history: what Ticket__History gets when a ticket is saved.

A new ticket gets one row, ``created``. A changed lookup gets two rows, one with the names and one
with the ids; a changed long text gets a row without values. Times have whole seconds and rows of
one second have no order.
"""

from __future__ import annotations

import json
from typing import Any

from services.sandbox import storage
from services.sandbox.org import Work
from services.sandbox.schema import FieldSpec, SfType, SObject
from services.sandbox.standard import schema, target_of
from services.sandbox.storage import Row

_DATA_TYPES = {
    SfType.PICKLIST: "DynamicEnum",
    SfType.BOOLEAN: "Boolean",
    SfType.DOUBLE: "Double",
    SfType.PERCENT: "Percent",
    SfType.DATE: "DateOnly",
    SfType.DATETIME: "DateTime",
    SfType.TEXTAREA: "TextArea",
}


def created(work: Work, ticket: str) -> None:
    """The row of a new ticket."""
    _write(work, ticket, "created", "Text", None, None)


def changed(work: Work, obj: SObject, before: Row, after: Row) -> None:
    """The rows of an update: one or two for each tracked field that has another value."""
    for spec in obj.fields:
        old, new = before.get(spec.name), after.get(spec.name)
        if not spec.tracked or old == new:
            continue
        name = spec.name if spec.custom else spec.relation or spec.name
        if spec.type is SfType.REFERENCE:
            _write(work, before["Id"], name, "Text", _name(work, spec, old), _name(work, spec, new))
            _write(work, before["Id"], name, "EntityId", old, new)
        elif spec.type is SfType.TEXTAREA:
            _write(work, before["Id"], name, "TextArea", None, None)
        else:
            kind = _DATA_TYPES.get(spec.type, "Text")
            _write(work, before["Id"], name, kind, _value(spec, old), _value(spec, new))


def deleted(work: Work, ticket: str) -> None:
    """A deleted ticket takes its history along."""
    work.db.execute("UPDATE Ticket__History SET IsDeleted = 1 WHERE ParentId = ?", (ticket,))


def _value(spec: FieldSpec, value: Any) -> Any:
    return bool(value) if spec.type is SfType.BOOLEAN and value is not None else value


def _name(work: Work, spec: FieldSpec, record_id: str | None) -> str | None:
    if record_id is None:
        return None
    target = target_of(spec)
    table = f"({target.view})" if target.view else storage.quote(target.name)
    found = work.db.execute(f"SELECT Name FROM {table} WHERE Id = ?", (record_id,)).fetchone()
    return str(found[0]) if found else None


def _write(work: Work, ticket: str, name: str, kind: str, old: Any, new: Any) -> None:
    obj = schema()["ticket__history"]
    row = {
        "Id": storage.new_id(work.db, obj.prefix),
        "IsDeleted": 0,
        "ParentId": ticket,
        "CreatedById": work.user,
        "CreatedDate": work.stamp,
        "Field": name,
        "DataType": kind,
        "OldValue": None if old is None else json.dumps(old),
        "NewValue": None if new is None else json.dumps(new),
    }
    storage.insert(work.db, obj, row, work.late)
