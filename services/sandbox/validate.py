"""What Salesforce holds against a record before it saves it, in the order it looks.

A stage reports everything it finds; a later stage is reached only when the earlier ones found
nothing.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from services.sandbox import storage
from services.sandbox.errors import Fault, SaveRefused
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming
from services.sandbox.rules import rule_faults
from services.sandbox.schema import NUMBERS, TEXTS, FieldSpec, SfType, SObject
from services.sandbox.standard import schema
from services.sandbox.storage import Row
from services.sandbox.ticket import RECORD_TYPES
from store.canon import sf_length

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PICKLISTS = {spec.developer_name: spec.picklists for spec in RECORD_TYPES}


def check_writable(record: Incoming) -> None:
    """Refuse values for read-only, system and formula fields."""
    closed = [n for n in record.values if not _field(record.obj, n).writable]
    closed += [r.field.name for r in record.references if not r.field.writable]
    if closed:
        raise SaveRefused(
            [
                Fault(
                    "INVALID_FIELD_FOR_INSERT_UPDATE",
                    f"Unable to create/update fields: {', '.join(closed)}. Please check the"
                    " security settings of this field and verify that it is read/write for your"
                    " profile or permission set.",
                    tuple(closed),
                )
            ]
        )


def check_save(
    db: sqlite3.Connection,
    obj: SObject,
    row: Row,
    changed: Mapping[str, Any],
    *,
    unique: bool = True,
) -> None:
    """Refuse a record that can't be saved.

    ``row`` is the whole record as it would be stored, ``changed`` the part of it that the
    client wrote; a new record has all of it changed. ``unique=False`` is an org whose external
    id fields are not unique. Raises SaveRefused.
    """
    record_type = _record_type(db, row)
    stages: tuple[Callable[[], Iterable[Fault]], ...] = (
        lambda: _value_faults(obj, changed, record_type),
        lambda: _lookup_faults(db, obj, changed),
        lambda: _required_faults(obj, row),
        lambda: rule_faults(obj, row),
        lambda: _duplicate_faults(db, obj, row, changed) if unique else (),
    )
    for stage in stages:
        faults = list(stage())
        if faults:
            raise SaveRefused(faults)


def _field(obj: SObject, name: str) -> FieldSpec:
    return obj.by_name[name.lower()]


def _record_type(db: sqlite3.Connection, row: Row) -> str | None:
    found = db.execute(
        "SELECT DeveloperName FROM RecordType WHERE Id = ?", (row.get("RecordTypeId"),)
    ).fetchone()
    return str(found[0]) if found else None


def _value_faults(
    obj: SObject, changed: Mapping[str, Any], record_type: str | None
) -> Iterator[Fault]:
    for name, value in changed.items():
        spec = _field(obj, name)
        if value is None:
            if spec.type is SfType.BOOLEAN:
                yield Fault(
                    "INVALID_TYPE_ON_FIELD_IN_RECORD",
                    f"{spec.label}: value not of required type: ",
                    (name,),
                )
            continue
        if spec.type in TEXTS and not _fits(value, spec.length):
            yield Fault(
                "STRING_TOO_LONG",
                f"{spec.label}: data value too large: {value} (max length={spec.length})",
                (name,),
            )
        elif spec.type is SfType.PICKLIST and value not in _choices(spec, record_type):
            yield Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{spec.label}: bad value for restricted picklist field: {value}",
                (name,),
            )
        elif spec.type in NUMBERS and abs(value) >= 10 ** (spec.precision - spec.scale):
            yield Fault(
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"{spec.label}: value outside of valid range on numeric field: {value:.15g}",
                (name,),
            )
        elif spec.type is SfType.EMAIL and not _EMAIL.fullmatch(value):
            yield Fault(
                "INVALID_EMAIL_ADDRESS", f"{spec.label}: invalid email address: {value}", (name,)
            )


def _fits(text: str, length: int) -> bool:
    # Counting units is slow for a long text, and most are far from the limit.
    return 2 * len(text) <= length or sf_length(text) <= length


def _choices(spec: FieldSpec, record_type: str | None) -> tuple[str, ...]:
    return _PICKLISTS.get(record_type or "", {}).get(spec.name, spec.values)


def _lookup_faults(
    db: sqlite3.Connection, obj: SObject, changed: Mapping[str, Any]
) -> Iterator[Fault]:
    for name, value in changed.items():
        spec = _field(obj, name)
        if spec.type is not SfType.REFERENCE or value is None:
            continue
        targets = [schema()[target.lower()] for target in spec.refers]
        target = next((t for t in targets if value.startswith(t.prefix)), None)
        if canonical(value) is None or target is None:
            yield Fault(
                "MALFORMED_ID", f"{spec.label}: id value of incorrect type: {value}", (name,)
            )
            continue
        parent = storage.fetch(db, target, value)
        fault = _parent_fault(db, obj, spec, target, value, parent)
        if fault:
            yield fault


def _parent_fault(
    db: sqlite3.Connection,
    obj: SObject,
    spec: FieldSpec,
    target: SObject,
    value: str,
    parent: Row | None,
) -> Fault | None:
    if target.name == "RecordType" and (
        parent is None or parent["SobjectType"] != obj.name or not parent["IsActive"]
    ):
        return Fault(
            "INVALID_CROSS_REFERENCE_KEY",
            f"Record Type ID: this ID value isn't valid for the user: {value}",
            (spec.name,),
        )
    if parent is None:
        return Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (spec.name,))
    if parent.get("IsDeleted"):
        return Fault("ENTITY_IS_DELETED", f"entity is deleted: {value}", (spec.name,))
    if spec.only_active and not parent.get("IsActive", 1):
        if spec.name == "OwnerId":
            return Fault(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{value}] as owner of custom object:"
                f" {obj.label}",
                (spec.name,),
            )
        return _filtered(spec)
    if spec.only_record_type and _record_type(db, parent) != spec.only_record_type:
        return _filtered(spec)
    return None


def _filtered(spec: FieldSpec) -> Fault:
    return Fault(
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "Value does not exist or does not match filter criteria.",
        (spec.name,),
    )


def _required_faults(obj: SObject, row: Row) -> Iterator[Fault]:
    missing = tuple(f.name for f in obj.fields if f.required and row.get(f.name) is None)
    if missing:
        yield Fault(
            "REQUIRED_FIELD_MISSING",
            f"Required fields are missing: [{', '.join(missing)}]",
            missing,
        )


def _duplicate_faults(
    db: sqlite3.Connection, obj: SObject, row: Row, changed: Mapping[str, Any]
) -> Iterator[Fault]:
    for spec in obj.fields:
        value = changed.get(spec.name)
        if not spec.unique or value is None:
            continue
        others = [i for i in storage.find_by(db, obj, spec, value) if i != row["Id"]]
        if others:
            yield Fault(
                "DUPLICATE_VALUE",
                f"duplicate value found: {spec.name} duplicates value on record with id:"
                f" {others[0][:15]}",
            )
