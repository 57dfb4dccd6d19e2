"""What a bulk job does with one record: the operations that both Bulk APIs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.sandbox import collection, dml, storage
from services.sandbox.errors import ApiError, refuse
from services.sandbox.ids import canonical
from services.sandbox.incoming import Incoming, key_field
from services.sandbox.org import Work
from services.sandbox.schema import SObject
from services.sandbox.standard import find_object

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")


def checked(name: object, operation: object, external: object) -> SObject:
    """The object of a new job. Raises ApiError where the object, the operation or the external id
    field is none."""
    obj = find_object(str(name))
    if obj is None or not obj.writable:
        raise ApiError(400, "INVALIDENTITY", f"Unable to find object: {name}")
    if operation not in OPERATIONS:
        raise ApiError(400, "INVALIDJOB", f"{operation} is no operation")
    if operation == "upsert" and key_field(obj, str(external)) is None:
        raise ApiError(400, "INVALIDJOB", f"Field name not found or no external id: {external}")
    return obj


def saver(
    operation: str, obj: SObject, external: str | None, records: Sequence[Incoming]
) -> collection.Save:
    """How each of a batch's records is saved."""
    match operation:
        case "insert":
            return collection.save_new
        case "update":
            return collection.saver_by_id(records)
        case "upsert":
            return collection.saver_by_key(obj.by_name[str(external).lower()], records)
    return _remover(obj, dml.delete if operation == "delete" else _purge)


def _remover(obj: SObject, remove: Callable[[Work, SObject, str], None]) -> collection.Save:
    def save(work: Work, record: Incoming) -> dict[str, object]:
        if not record.given_id:
            raise refuse("MISSING_ARGUMENT", "Id not specified in a delete call")
        remove(work, obj, record.given_id)
        return {"id": canonical(record.given_id), "success": True, "errors": []}

    return save


def _purge(work: Work, obj: SObject, record_id: str) -> None:
    """Delete past the recycle bin; what is in it already is taken out of it."""
    known = canonical(record_id) or ""
    row = storage.fetch(work.db, obj, known)
    if row is None or not row.get("IsDeleted"):
        dml.delete(work, obj, record_id)
    storage.remove(work.db, obj, [known])
    work.db.execute("DELETE FROM Ticket__History WHERE ParentId = ?", (known,))
