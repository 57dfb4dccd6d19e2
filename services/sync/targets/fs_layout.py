"""How a project lies in its Firestore document: writes to field paths, documents to state. Pure.

The document ``itsc_projects/{project_id}`` holds the model's fields, nested as in the model, and
beside them what the operators' programs share: ``applied.{client}``, ``stamps.{path}``,
``owes.{path}``, ``carried.{path}`` and ``sf``. A path such as ``brief.punchline`` is one literal
key in those maps.
Times are Firestore timestamps: they keep the microseconds of a stamp and sort as times do.

Foreign documents (the old web form, a console) may hold anything anywhere. What can't be read as
a field is left out of the values, so that it is never merged; nothing here raises on a document.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.sync.targets.base import (
    Action,
    Applied,
    Carried,
    Ref,
    Remote,
    SharedBase,
    Stamp,
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
from store import clock, fields
from store.canon import Value, Values, is_legible, settle
from store.fields import BY_PATH

COLLECTION = "itsc_projects"
MOVED = "updated_at"
"""The server's time of a document's last write by a program like this one."""
TOTAL = "total_score"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NANOSECONDS = re.compile(r"\.(\d{6})\d*")


def base_hash(text: str) -> str:
    """What stands for a long text in ``sf.base``: ``sha256:<hex>`` of its UTF-8 bytes.

    A text that is such a hash already stays, so a base that was read can be written again.
    """
    if _HASH.fullmatch(text):
        return text
    # A lone surrogate can't be stored anywhere, but comparing with one must not fail.
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_hash(value: Value) -> bool:
    """Whether a base holds the hash of a long text in place of the text."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def base_form(path: str, value: Value) -> Value:
    """A canonical value as ``sf.base`` holds it; equal values have equal forms."""
    field = BY_PATH.get(path)
    if isinstance(value, str) and field and field.kind is fields.Kind.LONG_TEXT:
        return base_hash(value)
    return value


def doc_write(write: Write) -> DocWrite:
    """A write of the engine as a document's write: exactly the field paths that change."""
    cells: dict[FieldPath, Any] = {}
    match write.action:
        case Action.CREATE:
            cells.update(_whole(write))
            cells |= {
                ("created_by",): write.created_by or write.operator,
                ("created_at",): _time_or_text(write.created_at) or write.at or SERVER_TIMESTAMP,
                ("sf_id",): None,
            }
        case Action.RESTORE:
            cells.update(_whole(write))
            cells |= dict.fromkeys((("deleted",), ("deleted_at",), ("deleted_by",)), DELETE_FIELD)
        case Action.UPDATE:
            cells.update(_changed(write))
        case Action.DELETE:
            cells |= {
                ("deleted",): True,
                ("deleted_at",): SERVER_TIMESTAMP,
                ("deleted_by",): write.operator,
            }
            if write.token is None:
                # Of what may still be on its way: a create that comes later finds this.
                cells["project_id",] = write.project_id
        case Action.NOTE:
            pass
        case _:
            raise ValueError(f"Firestore has no {write.action} write")
    cells.update(_shared(write))
    new = write.action is Action.CREATE or (write.action is Action.DELETE and write.token is None)
    kind = Kind.CREATE if new else Kind.UPDATE
    return DocWrite(COLLECTION, write.project_id, kind, cells, write.token)


def _whole(write: Write) -> Iterator[tuple[FieldPath, Any]]:
    """Every field of the model, nulls included; of the scores only real votes."""
    yield ("project_id",), write.project_id
    for field in fields.FIELDS:
        yield _doc_path(field.path), settle(field.path, write.values.get(field.path))
    votes = {p: v for p, v in write.values.items() if fields.is_score(p) and v is not None}
    yield ("scores",), {fields.voter_of(path): vote for path, vote in votes.items()}
    yield (TOTAL,), _total(write)


def _changed(write: Write) -> Iterator[tuple[FieldPath, Any]]:
    scored = False
    for path, value in write.values.items():
        if fields.is_score(path):
            scored = True
            yield _doc_path(path), DELETE_FIELD if value is None else value
        elif path != TOTAL:
            yield _doc_path(path), value
    if scored or TOTAL in write.values:
        yield (TOTAL,), _total(write)


def _total(write: Write) -> Value:
    return write.values.get(TOTAL) if write.total_score is None else write.total_score


def _shared(write: Write) -> Iterator[tuple[FieldPath, Any]]:
    """What goes along with every write for the other operators' programs."""
    yield (MOVED,), SERVER_TIMESTAMP
    if write.action is not Action.NOTE:
        yield ("updated_by",), write.operator
    if write.client_id and write.op_id:
        yield ("applied", write.client_id), {"seq": write.seq, "op": write.op_id}
    for path, stamp in write.stamps.items():
        yield (
            ("stamps", path),
            {
                "at": stamp.at,
                "by": stamp.by,
                "op": stamp.op,
                "origin": str(stamp.origin),
            },
        )
    for path, op in write.owes.items():
        yield ("owes", path), op
    if write.action is not Action.CREATE:
        for path in write.paid:
            if path not in write.owes:
                yield ("owes", path), DELETE_FIELD
        for path, op in write.carried.items():
            yield ("carried", path), {"op": op, "by": write.operator}
    if write.note is not None:
        base = {path: base_form(path, value) for path, value in write.note.base.items()}
        yield ("sf",), {"id": write.note.id, "modstamp": write.note.modstamp, "base": base}
        yield ("sf_id",), write.note.id


def _doc_path(path: str) -> FieldPath:
    """A model path as a document's: a voter is one key whatever his name holds."""
    if fields.is_score(path):
        return ("scores", fields.voter_of(path))
    return tuple(path.split("."))


def _time_or_text(text: str | None) -> dt.datetime | str | None:
    return _moment(text) or text


def remote_of(ref: Ref, snapshot: Snapshot | None) -> Remote:
    """What a document says about a project. Never raises, whatever the document holds.

    A field that is missing or null is None (a flag: False); in a tombstone, which is stripped
    after a while, a missing field is left out. A voter of whom ``ref.local`` or a stamp knows and
    who has no vote here has None.
    """
    if snapshot is None:
        return Remote(ref.project_id, exists=False)
    doc = snapshot.fields
    deleted = doc.get("deleted") is True
    stamps = dict(_stamps(_map(doc.get("stamps"))))
    values: Values = {} if deleted else dict.fromkeys(_voters_known(ref, stamps))
    values.update(_values(doc, leave_missing=deleted))
    return Remote(
        ref.project_id,
        exists=True,
        deleted=deleted,
        values=values,
        token=snapshot.update_time,
        modified_at=_moment(doc.get(MOVED)) or moment_of(snapshot.update_time),
        modified_by=_text(doc.get("updated_by")),
        stamps=stamps,
        applied=dict(_applied(_map(doc.get("applied")))),
        owes={p: op for p, op in _map(doc.get("owes")).items() if isinstance(op, str)},
        carried=dict(_carried(_map(doc.get("carried")))),
        sf=_shared_base(doc),
        created_by=_text(doc.get("created_by")),
        created_at=_moment(doc.get("created_at")),
        deleted_by=_text(doc.get("deleted_by")) if deleted else None,
        deleted_at=_moment(doc.get("deleted_at")) if deleted else None,
    )


def moment_of(token: str) -> dt.datetime | None:
    """The time in an update time token, cut to microseconds; None where it is not one."""
    return _moment(_NANOSECONDS.sub(r".\1", token))


_MISSING = object()


def _values(doc: Mapping[str, Any], *, leave_missing: bool) -> Iterator[tuple[str, Value]]:
    for field in fields.FIELDS:
        held = _at(doc, _doc_path(field.path))
        if held is _MISSING:
            if leave_missing:
                continue
            held = None
        if field.kind is fields.Kind.LAUNCH_TARGET and isinstance(held, dt.datetime):
            held = held.date().isoformat()
        if is_legible(field.path, held):
            yield field.path, settle(field.path, held)
    for voter, vote in _map(doc.get("scores")).items():
        path = fields.SCORES_PREFIX + voter
        if fields.is_score(path) and is_legible(path, vote):
            yield path, settle(path, vote)


def _at(doc: Mapping[str, Any], path: FieldPath) -> Any:
    held: Any = doc
    for key in path:
        if not isinstance(held, dict) or key not in held:
            return _MISSING
        held = held[key]
    return held


def _voters_known(ref: Ref, stamps: Mapping[str, Stamp]) -> Iterator[str]:
    yield from filter(fields.is_score, ref.local)
    yield from filter(fields.is_score, stamps)


def _stamps(held: Mapping[str, Any]) -> Iterator[tuple[str, Stamp]]:
    for path, stamp in held.items():
        parts = _map(stamp)
        at = _moment(parts.get("at"))
        if at is not None:
            by, op, origin = (_text(parts.get(key)) or "" for key in ("by", "op", "origin"))
            yield path, Stamp(at, by, op, origin)


def _applied(held: Mapping[str, Any]) -> Iterator[tuple[str, Applied]]:
    for client, entry in held.items():
        parts = _map(entry)
        seq, op = parts.get("seq"), parts.get("op")
        if isinstance(seq, int) and isinstance(op, str):
            yield client, Applied(seq, op)


def _carried(held: Mapping[str, Any]) -> Iterator[tuple[str, Carried]]:
    for path, entry in held.items():
        op, by = _text(_map(entry).get("op")), _text(_map(entry).get("by"))
        if op is not None:
            yield path, Carried(op, by or "somebody else")


def _shared_base(doc: Mapping[str, Any]) -> SharedBase | None:
    """The ``sf`` entry; a document with only an ``sf_id`` tells the id and no common state."""
    entry = doc.get("sf")
    if not isinstance(entry, dict):
        sf_id = _text(doc.get("sf_id"))
        return SharedBase(sf_id, None, {}) if sf_id else None
    base = {p: v for p, v in _map(entry.get("base")).items() if _scalar(v)}
    return SharedBase(_text(entry.get("id")), _text(entry.get("modstamp")), base)


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int))


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _moment(value: Any) -> dt.datetime | None:
    """A timestamp or ISO text as an aware UTC time."""
    if isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        return clock.from_iso(value)
    except (ValueError, OverflowError):
        return None
