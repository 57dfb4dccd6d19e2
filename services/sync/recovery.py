"""What our writes overwrote unseen, where Salesforce's history tells: kept as a conflict, and in
force again where it was the later edit."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Protocol

from services.context import Context
from services.sync.absorb import put_theirs
from services.sync.links import is_impossible
from services.sync.merge import edit_in_salesforce
from services.sync.overwritten import Overwritten, overwritten
from services.sync.targets.sf_history import HistoryRow
from store import conflicts, operations, projects
from store.canon import Value
from store.clock import from_iso, to_iso
from store.conflicts import OPEN, Conflict, conflict_id
from store.database import transaction
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE
from store.projects import FieldStamp


class TellsHistory(Protocol):
    """A target that keeps the values of its fields' changes."""

    def history(self, ids: Sequence[str], since: dt.datetime) -> list[HistoryRow] | None:
        """What was recorded on these records (by Id) since a moment; None: nothing is kept."""
        ...


def recover(
    conn: sqlite3.Connection,
    ctx: Context,
    target: TellsHistory,
    moved: Mapping[str, str],
    since: dt.datetime,
) -> int:
    """Look through the history of the records (Id to project) that moved since a moment and that
    this side wrote; gives the conflicts made. One call, or none. Raises TargetDown."""
    wrote = _written(conn, list(moved.values()), since)
    ids = [record for record, project_id in moved.items() if project_id in wrote]
    rows = target.history(ids, since) if ids else None
    if not rows:
        return 0

    def was_seen(record: str, path: str, value: Value) -> bool:
        return _was_seen(conn, moved[record], path, value)

    with transaction(conn):
        lost = list(overwritten(rows, was_seen))
        return sum(_settle(conn, ctx, moved[each.record_id], each) for each in lost)


def arrived(conn: sqlite3.Connection, ids: Sequence[str], since: dt.datetime) -> set[str]:
    """Those of these projects of which a write was found to have arrived, since a moment, although
    nobody had learned so: what it overwrote was not asked for yet."""
    return _attempted(conn, ids, since, "AND code = 'ARRIVED'")


def _written(conn: sqlite3.Connection, ids: Sequence[str], since: dt.datetime) -> set[str]:
    return _attempted(conn, ids, since, "AND action <> 'create'")


def _attempted(
    conn: sqlite3.Connection, ids: Sequence[str], since: dt.datetime, which: str
) -> set[str]:
    rows = conn.execute(
        "SELECT DISTINCT project_id FROM attempts WHERE target = ? AND outcome = 'ok' "
        f"AND at >= ? AND project_id IN (SELECT value FROM json_each(?)) {which}",
        (SALESFORCE, to_iso(since - dt.timedelta(hours=1)), json.dumps(list(ids))),
    )
    return {row[0] for row in rows}


def _was_seen(conn: sqlite3.Connection, project_id: str, path: str, value: Value) -> bool:
    """Whether this side ever had the value: set it, replaced it, or kept it in a conflict."""
    for each in operations.history(conn, project_id):
        if path in each.changes and value in each.changes[path]:
            return True
    found = conflicts.find(conn, project_id=project_id, open_only=False)
    return any(each.path == path and value in (each.mine, each.theirs) for each in found)


def _settle(conn: sqlite3.Connection, ctx: Context, project_id: str, lost: Overwritten) -> bool:
    """Keep the clash with what stands here, decided as any other; False where it is known already.
    Ours overwrote theirs when it was sent; which of the two is later says the time when it was
    made. What overwrote theirs may have been replaced since, by an edit that was earlier still."""
    project = projects.get(conn, project_id)
    stamp = project.stamp(lost.path) if project is not None else None
    mine = project.values.get(lost.path) if project is not None and stamp else lost.mine
    if mine == lost.theirs:
        return False
    by, op_id = "somebody in Salesforce", edit_in_salesforce(lost.theirs)
    mine_at = from_iso(stamp.at) if stamp else lost.mine_at
    wins = stamp is not None and lost.theirs_at >= mine_at.replace(microsecond=0)
    if lost.path == "parent_id" and lost.theirs is not None:
        wins = wins and not is_impossible(conn, project_id, str(lost.theirs))
    now = to_iso(ctx.clock())
    conflict = Conflict(
        id=conflict_id(
            project_id, lost.path, op_id, stamp.op_id if stamp else f"by:{to_iso(mine_at)}"
        ),
        project_id=project_id,
        path=lost.path,
        target=SALESFORCE,
        base=lost.before,
        mine=mine,
        theirs=lost.theirs,
        winner="theirs" if wins else "mine",
        mine_at=to_iso(mine_at),
        theirs_at=to_iso(lost.theirs_at),
        mine_by=stamp.by if stamp else ctx.operator,
        theirs_by=by,
        seq=None,
        state=OPEN,
        at=now,
    )
    if not conflicts.add(conn, conflict):
        return False
    if wins and project is not None:
        stamps = {lost.path: FieldStamp(to_iso(lost.theirs_at), by, op_id, SALESFORCE)}
        parts = [(FIRESTORE, ROW), (SALESFORCE, LINK if lost.path == "parent_id" else ROW)]
        who = (SALESFORCE, by, now)
        put_theirs(conn, project, {lost.path: lost.theirs}, stamps, ctx.new_id(), who, parts)
    return True
