"""What a record's field history can tell that the record can't. Asked only where it matters.

Salesforce dates a record as a whole. Whether a lost write arrived, and when a person changed a
field that was changed here too, is in the field history (where the field is tracked).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from services.sync import judge
from services.sync.case import SECOND
from services.sync.judge import clashing
from services.sync.merge import edit_in_salesforce
from services.sync.sends import send_is_ambiguous
from services.sync.targets.base import Remote, Stamp
from services.sync.targets.fs_layout import base_hash, is_hash
from store import conflicts, deliveries, fields, operations
from store.bases import Base
from store.canon import Value, Values
from store.clock import from_iso, to_iso
from store.deliveries import LINK, SALESFORCE, Claim, Owed

EVER = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class KeepsHistory(Protocol):
    """A target that keeps a history of its fields."""

    def applied_at(
        self, remote_id: str, values: Mapping[str, Value], sent_at: dt.datetime
    ) -> dt.datetime | Literal[False] | None:
        """When a write of these values, sent then, was applied, as the history shows; None:
        unknown."""
        ...

    def field_times(
        self, ids: Sequence[str], since: dt.datetime
    ) -> dict[str, dict[str, dt.datetime]]:
        """When each tracked field of these records (by Id) was last changed, since a moment."""
        ...


@dataclass(frozen=True, slots=True)
class Fates:
    """Whether sends arrived, by project; ``later`` are those whose row was read as it was before
    what its history shows."""

    arrived: dict[str, bool] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)


def fates(target: KeepsHistory, claims: Sequence[Claim], remotes: Mapping[str, Remote]) -> Fates:
    """For sends whose fate the record can't tell: whether its history shows ours, by project."""
    told = Fates()
    for claim in claims:
        remote = remotes[claim.project_id]
        if claim.sent is None or remote.remote_id is None or not send_is_ambiguous(claim, remote):
            continue
        answer = target.applied_at(
            remote.remote_id, claim.sent.values, from_iso(claim.sent.sent_at)
        )
        if answer is not None:
            told.arrived[claim.project_id] = answer is not False
        if answer and remote.modified_at is not None and answer - remote.modified_at > SECOND:
            told.later.add(claim.project_id)
    return told


def clashes(
    remotes: Mapping[str, Remote],
    local: Mapping[str, Values],
    known: Mapping[str, Base],
    owed: Mapping[str, Mapping[str, Owed]],
) -> list[str]:
    """The projects of which a field was changed on both sides."""
    return [
        pid
        for pid, remote in remotes.items()
        if remote.exists
        and remote.remote_id is not None
        and clashing(local.get(pid), known.get(pid), remote, owed.get(pid, {}))
    ]


def unexplained(
    remotes: Mapping[str, Remote], local: Mapping[str, Values], known: Mapping[str, Base]
) -> list[str]:
    """The projects whose row is not as this side knows it."""
    return [
        pid
        for pid, remote in remotes.items()
        if remote.exists and judge.unexplained(local.get(pid), known.get(pid), remote)
    ]


def was_overtaken(conn: sqlite3.Connection, project_id: str, path: str, value: Value) -> bool:
    """Whether a field had this value here and a change replaced it, or it lost to another one."""
    return operations.is_overtaken(conn, project_id, path, value) or conflicts.has_lost(
        conn, project_id, path, value
    )


def is_ours(conn: sqlite3.Connection, op_id: str) -> bool:
    """Whether an operation was made in this database."""
    return bool(operations.among(conn, [op_id]))


def common_value(conn: sqlite3.Connection, project_id: str, path: str, base: Base | None) -> Value:
    """What a target is known to hold in a field's place; of a long text the base may have the hash
    alone, and the log the text."""
    value = base.values.get(path, fields.DEFAULTS.get(path)) if base is not None else None
    if not is_hash(value):
        return value
    for op in operations.history(conn, project_id):
        for text in op.changes.get(path, ()):
            if isinstance(text, str) and base_hash(text) == value:
                return text
    return value


def delivered(
    conn: sqlite3.Connection, project_id: str, target: str, since: dt.datetime
) -> set[str]:
    """The paths of a project that this side has delivered to a target since a moment."""
    log = {op.seq: op for op in operations.history(conn, project_id)}
    done = deliveries.done_since(conn, log, target, to_iso(since))
    return {path for seq, part in done for path in log[seq].changes if _travels(path, target, part)}


def _travels(path: str, target: str, part: str) -> bool:
    """Whether this part of a delivery brings this field: to Salesforce the link goes by itself."""
    return target != SALESFORCE or (path == "parent_id") == (part == LINK)


def last_delivered(
    conn: sqlite3.Connection, project_id: str, target: str, paths: Iterable[str]
) -> dict[str, tuple[set[Value], str]]:
    """What each of these fields may have been when this side delivered it to a target last, and
    when that was by this machine's clock, where it did; who makes a record delivers all of them.
    What leaves is what is in force then, which may be long after somebody asked for it."""
    log = {op.seq: op for op in operations.history(conn, project_id)}
    done = deliveries.done_since(conn, log, target, "")
    found: dict[str, tuple[set[Value], str]] = {}
    for (seq, part), at in sorted(done.items(), key=lambda each: (each[0][0], each[0][1] == LINK)):
        op = log[seq]
        whole = part != LINK and op.kind in ("create", "restore")
        until = [each for each in log.values() if each.at <= at and (whole or each.seq >= seq)]
        for path in paths if whole else op.changes.keys():
            if _travels(path, target, part):
                held = {each.changes[path][1] for each in until if path in each.changes}
                found[path] = (held or {fields.DEFAULTS.get(path)}, at)
            elif whole:
                found[path] = ({fields.DEFAULTS.get(path)}, at)
    return {path: found[path] for path in paths if path in found}


def dated(
    target: KeepsHistory, remotes: dict[str, Remote], ids: Sequence[str], known: Mapping[str, Base]
) -> dict[str, Remote]:
    """The records, those of ``ids`` with the time of each of their fields, where it is kept."""
    asked = {pid: remotes[pid] for pid in ids}
    if not asked:
        return remotes
    moments = [
        from_iso(base.modified_at)
        for pid in asked
        if (base := known.get(pid)) is not None and base.modified_at is not None
    ]
    since = min(moments, default=EVER) if len(moments) == len(asked) else EVER
    times = target.field_times([str(r.remote_id) for r in asked.values()], since)
    found = dict(remotes)
    for pid, remote in asked.items():
        by = remote.modified_by or ""
        stamps = {
            path: Stamp(at, by, edit_in_salesforce(remote.values.get(path)), "salesforce")
            for path, at in times.get(str(remote.remote_id), {}).items()
        }
        found[pid] = dataclasses.replace(remote, stamps={**remote.stamps, **stamps})
    return found
