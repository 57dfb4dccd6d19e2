"""Conflicts exist once for all operators: their documents in Firestore's ``itsc_conflicts``.

``push`` tells what was found and decided here, ``pull`` brings what others found and decided. A
conflict's id is the same for everybody who meets it, so a second create is no second conflict; of
two decisions the later stands. Foreign documents may hold anything: what can't be read as a
conflict is passed over, and nothing here raises on a document.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from services import conflicts as decisions
from services.context import Context
from services.sync.targets.base import ErrorClass
from services.sync.targets.fs_documents import (
    SERVER_TIMESTAMP,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    FieldPath,
    Kind,
    Snapshot,
)
from store import canon, conflicts, fields, meta
from store.canon import Refusal, Value, Values
from store.clock import from_iso, to_iso
from store.conflicts import BACK, OPEN, RESOLVED, WHOLE, Conflict
from store.database import transaction
from store.deliveries import TARGETS

COLLECTION = "itsc_conflicts"
MARK = "conflicts_mark"
"""The key in ``meta``: the server's time up to which documents were read."""
GROUP, PAGE = 200, 200
OVERLAP = dt.timedelta(seconds=10)
"""Documents become visible out of the order of their times by a little."""
AHEAD = dt.timedelta(hours=1)
"""A time further ahead of this machine's clock is no server's: it does not move the mark."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ID = re.compile(r"[0-9a-f]{20}")
_RESOLUTIONS = (*decisions.TAKES, decisions.KEPT, decisions.OTHER, "discarded", BACK)
_WINNERS = (*decisions.TAKES, "nobody")
_TIMES = ("mine_at", "theirs_at", "at", "resolved_at")
_DECISION = ("state", "winner", "resolution", "resolved_by", "resolved_at")
_SHARED = (
    *("project_id", "path", "target", "base", "mine", "theirs", "mine_at", "theirs_at"),
    *("mine_by", "theirs_by", "at", "why", "record", "version", *_DECISION),
)


def push(conn: sqlite3.Connection, ctx: Context, documents: DocumentStore) -> int:
    """Tell what the others do not know yet, one group at a time; gives the documents written.

    One that moved meanwhile is left for the next time. Raises TargetDown.
    """
    waiting = conflicts.unshared(conn, GROUP)
    if not waiting:
        return 0
    there = documents.get_many(COLLECTION, [each.id for each in waiting])
    writes: list[tuple[Conflict, DocWrite]] = []
    known: list[Conflict] = []
    news: list[Conflict] = []
    for each in waiting:
        snapshot = there[each.id]
        told = _conflict(snapshot) if snapshot is not None else None
        if snapshot is None:
            writes.append((each, _write(each, _SHARED)))
        elif told is None:
            writes.append((each, _write(each, _SHARED, snapshot)))
        elif _is_later(each, told):
            writes.append((each, _write(each, _DECISION, snapshot)))
        else:
            known.append(each)
            news += [told] if _is_later(told, each) else []
    results = documents.write_many([write for _, write in writes]) if writes else []
    over = [each for (each, _), result in zip(writes, results, strict=True) if _is_over(result)]
    with transaction(conn):
        conflicts.mark_shared(conn, [*known, *over])
        for each in news:
            decisions.follow(conn, ctx, each)
    return sum(result.status is DocStatus.OK for result in results)


def pull(conn: sqlite3.Connection, ctx: Context, documents: DocumentStore) -> int:
    """Bring what others found and decided since the last time; gives what was new here.

    What was read and the mark up to which it was read are one transaction; where nothing is new,
    nothing is written. Raises TargetDown.
    """
    held = meta.get(conn, MARK)
    mark = from_iso(held) if held is not None else _EPOCH
    since, after, found = max(_EPOCH, mark - OVERLAP), "", 0
    while True:
        page = documents.changed_since(COLLECTION, "updated_at", since, PAGE, after)
        moments = [moment for each in page if (moment := _moment(each.fields.get("updated_at")))]
        now = dt.datetime.fromtimestamp(ctx.clock(), dt.UTC)
        reached = max([mark, *(moment for moment in moments if moment <= now + AHEAD)])
        told = [each for snapshot in page if (each := _conflict(snapshot)) is not None]
        if reached > mark or any(_is_news(conn, each) for each in told):
            with transaction(conn):
                found += sum(_learn(conn, ctx, each) for each in told)
                meta.put(conn, MARK, reached.isoformat())
            mark = reached
        if len(page) < PAGE or not moments:
            return found
        since, after = moments[-1], page[-1].id


def forget(conn: sqlite3.Connection) -> None:
    """Firestore is another one from now on: it knows none of them. Runs inside the caller's
    transaction."""
    conn.execute("UPDATE conflicts SET shared = 0")
    conn.execute("DELETE FROM meta WHERE key = ?", (MARK,))


def _learn(conn: sqlite3.Connection, ctx: Context, told: Conflict) -> bool:
    if not _is_news(conn, told):
        return False
    if conflicts.get(conn, told.id) is None:
        conflicts.add(conn, told, shared=True)
    else:
        decisions.follow(conn, ctx, told)
    return True


def _is_news(conn: sqlite3.Connection, told: Conflict) -> bool:
    known = conflicts.get(conn, told.id)
    return known is None or _is_later(told, known)


def _is_later(one: Conflict, other: Conflict) -> bool:
    """Whether ``one`` is decided, and ``other`` is not or was earlier."""
    if one.state != RESOLVED:
        return False
    if other.state != RESOLVED:
        return True
    ours = (one.resolved_at or "", one.resolved_by or "", one.resolution or "")
    return ours > (other.resolved_at or "", other.resolved_by or "", other.resolution or "")


def _is_over(result: DocResult) -> bool:
    """Written, or refused for good: a document that Firestore can't hold stays known here alone."""
    problem = result.problem
    refused = result.status is DocStatus.PROBLEM and problem is not None
    return result.status is DocStatus.OK or (
        refused and problem is not None and problem.cls is ErrorClass.PERMANENT
    )


def _write(each: Conflict, names: tuple[str, ...], there: Snapshot | None = None) -> DocWrite:
    cells: dict[FieldPath, Any] = {(name,): getattr(each, name) for name in names}
    for name in _TIMES:
        if cells.get((name,)) is not None:
            cells[(name,)] = from_iso(cells[(name,)])
    cells[("updated_at",)] = SERVER_TIMESTAMP
    if there is None:
        return DocWrite(COLLECTION, each.id, Kind.CREATE, cells)
    return DocWrite(COLLECTION, each.id, Kind.UPDATE, cells, there.update_time)


def _conflict(snapshot: Snapshot) -> Conflict | None:
    """A document as a conflict; None where it is none that this program could have written."""
    doc = snapshot.fields
    project_id, path, target = (_text(doc.get(name)) for name in ("project_id", "path", "target"))
    state, winner = doc.get("state"), doc.get("winner")
    times = {name: _iso(doc.get(name)) for name in _TIMES}
    by = {name: _text(doc.get(name)) for name in ("mine_by", "theirs_by", "resolved_by")}
    resolution = doc.get("resolution")
    if (
        not _ID.fullmatch(snapshot.id)
        or not _is_project_id(project_id)
        or path is None
        or not _is_path(path)
        or target not in TARGETS
        or state not in (OPEN, RESOLVED)
        or winner not in _WINNERS
        or not (times["mine_at"] and times["theirs_at"] and times["at"])
    ):
        return None
    if state == RESOLVED and not (
        resolution in _RESOLUTIONS and by["resolved_by"] and times["resolved_at"]
    ):
        return None
    sides = [_side(path, doc.get(name)) for name in ("base", "mine", "theirs")]
    if path == WHOLE and sorted(map(str, sides[1:])) != ["deleted", "edited"]:
        return None
    decided = state == RESOLVED
    return Conflict(
        id=snapshot.id,
        project_id=str(project_id),
        path=path,
        target=str(target),
        base=sides[0],
        mine=sides[1],
        theirs=sides[2],
        winner=str(winner),
        mine_at=str(times["mine_at"]),
        theirs_at=str(times["theirs_at"]),
        mine_by=by["mine_by"] or "",
        theirs_by=by["theirs_by"] or "",
        seq=None,
        state=str(state),
        at=str(times["at"]),
        resolution=str(resolution) if decided else None,
        resolved_by=by["resolved_by"] if decided else None,
        resolved_at=times["resolved_at"] if decided else None,
        why=_text(doc.get("why")),
        record=_record(doc.get("record")),
        version=_text(doc.get("version")),
    )


def _is_project_id(text: str | None) -> bool:
    try:
        canon.check_project_id(text)
    except Refusal:
        return False
    return True


def _is_path(path: str) -> bool:
    return path == WHOLE or path in fields.BY_PATH or fields.is_score(path)


def _side(path: str, value: Any) -> Value:
    if not _is_scalar(value):
        return None
    return value if path == WHOLE else canon.settle(path, value)


def _record(value: Any) -> Values | None:
    if not isinstance(value, Mapping):
        return None
    return {
        path: canon.settle(path, held)
        for path, held in value.items()
        if isinstance(path, str) and path != WHOLE and _is_path(path) and _is_scalar(held)
    }


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool, int, float))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _iso(value: Any) -> str | None:
    moment = _moment(value)
    return to_iso(moment) if moment is not None else None


def _moment(value: Any) -> dt.datetime | None:
    """A timestamp, or text that says one, as an aware time."""
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is not None else None
    try:
        return from_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
