"""Saving one record: create, update, delete.

Each function works inside a transaction that its caller holds, changes nothing when it refuses,
and raises SaveRefused with Salesforce's reasons.
"""

from __future__ import annotations

from typing import Any

from services.sandbox import history, storage
from services.sandbox.errors import SaveRefused, refuse
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming, Reference
from services.sandbox.org import Work
from services.sandbox.schema import SfType, SObject
from services.sandbox.storage import Row
from services.sandbox.ticket import DEFAULT_RECORD_TYPE, RECORD_TYPES
from services.sandbox.validate import check_save, check_writable
from store.fields import SOBJECT

_DEFAULTS = {spec.developer_name: spec.defaults for spec in RECORD_TYPES}


def resolve(work: Work, record: Incoming) -> None:
    """Put the ids of the parents that a record names by a key into its values.

    Only rows that exist at this moment are found: callers resolve every record of a request
    before they save the first one.
    """
    for reference in record.references:
        record.values[reference.field.name] = _parent_id(work, reference)


def create(work: Work, record: Incoming) -> str:
    """Save a new record and give its id."""
    obj = record.obj
    if record.given_id is not None:
        raise refuse("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call")
    check_writable(record)
    _strike(work)
    written = {name: value for name, value in record.values.items() if value is not None}
    row: Row = {f.name: f.default for f in obj.stored} | written
    row["Id"] = storage.new_id(work.db, obj.prefix)
    if obj.name == SOBJECT:
        _complete_ticket(work, row, record)
    for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"):
        row[name] = work.stamp
    row["CreatedById"] = row["LastModifiedById"] = work.user
    if obj.has("IsDeleted"):
        row["IsDeleted"] = 0
    _derive_name(obj, row)
    check_save(work.db, obj, row, record.values, unique=work.effects.unique)
    storage.insert(work.db, obj, row, work.late)
    if obj.name == SOBJECT:
        history.created(work, row["Id"])
    return str(row["Id"])


def update(work: Work, record: Incoming, record_id: str) -> None:
    """Save new values of a record. An update that changes nothing moves its times all the same."""
    obj = record.obj
    before = existing(work, obj, record_id)
    check_writable(record)
    _strike(work)
    changes: dict[str, Any] = dict(record.values)
    if changes.get("OwnerId", before.get("OwnerId")) is None and obj.has("OwnerId"):
        raise refuse("INVALID_CROSS_REFERENCE_KEY", "Owner ID: owner cannot be blank", "OwnerId")
    row = before | changes
    _derive_name(obj, row)
    check_save(work.db, obj, row, changes, unique=work.effects.unique)
    changes |= {
        "LastModifiedDate": work.stamp,
        "LastModifiedById": work.user,
        "SystemModstamp": work.stamp,
    }
    if obj.name == "User":
        changes["Name"] = row["Name"]
    storage.change(work.db, obj, before["Id"], changes, work.late)
    if obj.name == SOBJECT:
        history.changed(work, obj, before, row)


def delete(work: Work, obj: SObject, record_id: str) -> None:
    """Move a record to the recycle bin, and clear the lookups that led to it."""
    before = existing(work, obj, record_id)
    if not obj.deletable:
        raise refuse(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be deleted: {obj.name}"
        )
    _strike(work)
    moved = {
        "IsDeleted": 1,
        "LastModifiedDate": work.stamp,
        "LastModifiedById": work.user,
        "SystemModstamp": work.stamp,
    }
    storage.change(work.db, obj, before["Id"], moved, work.late)
    work.db.execute(
        "INSERT OR REPLACE INTO removals VALUES (?, ?, ?)", (obj.name, before["Id"], work.stamp)
    )
    if obj.name == SOBJECT:
        _forget_parent(work, obj, before["Id"])
        history.deleted(work, before["Id"])


def existing(work: Work, obj: SObject, record_id: str) -> Row:
    """The live record of an id. Raises SaveRefused: malformed, unknown or deleted."""
    known = canonical(record_id)
    if known is None:
        raise refuse("MALFORMED_ID", f"malformed id {record_id}")
    row = storage.fetch(work.db, obj, known)
    if row is None:
        raise refuse("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    if row.get("IsDeleted"):
        raise refuse("ENTITY_IS_DELETED", "entity is deleted")
    return row


def _strike(work: Work) -> None:
    fault = work.effects.row_fault()
    if fault is not None:
        raise SaveRefused([fault])


def _parent_id(work: Work, reference: Reference) -> str:
    found = storage.find_by(work.db, reference.target, reference.key, reference.value)
    if not found:
        raise refuse(
            "INVALID_FIELD",
            f"Foreign key external ID: {reference.value} not found for field"
            f" {reference.key.name} in entity {reference.target.name}",
        )
    if len(found) > 1:
        raise refuse(
            "INVALID_FIELD",
            f"More than one record found for external ID: {reference.value} in entity"
            f" {reference.target.name}",
        )
    return found[0]


def _complete_ticket(work: Work, row: Row, record: Incoming) -> None:
    """What the org fills in: record type and its defaults (a null that was said is kept), owner,
    number."""
    if row["RecordTypeId"] is None:
        (row["RecordTypeId"],) = work.db.execute(
            "SELECT Id FROM RecordType WHERE DeveloperName = ?", (DEFAULT_RECORD_TYPE,)
        ).fetchone()
    found = work.db.execute(
        "SELECT DeveloperName FROM RecordType WHERE Id = ?", (row["RecordTypeId"],)
    ).fetchone()
    for name, value in _DEFAULTS.get(found[0] if found else "", {}).items():
        if name not in record.values:
            row[name] = value
    if row["OwnerId"] is None:
        row["OwnerId"] = work.user
    row["Name"] = f"T-{storage.next_number(work.db, 'T-'):06d}"


def _derive_name(obj: SObject, row: Row) -> None:
    if obj.name == "User":
        row["Name"] = " ".join(filter(None, (row.get("FirstName"), row.get("LastName"))))


def _forget_parent(work: Work, obj: SObject, parent: str) -> None:
    """Clear the children's lookups. The system does it: only SystemModstamp moves."""
    for spec in obj.fields:
        if spec.type is not SfType.REFERENCE or SOBJECT not in spec.refers:
            continue
        column = storage.quote(spec.name)
        children = work.db.execute(
            f"SELECT Id FROM {storage.quote(obj.name)} WHERE {column} = ? AND IsDeleted = 0",
            (parent,),
        ).fetchall()
        for (child,) in children:
            moved = {spec.name: None, "SystemModstamp": work.stamp}
            storage.change(work.db, obj, child, moved, work.late)
