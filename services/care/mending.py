"""What was lost with a damaged page, made good from what is left. Inside one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from services.context import Context
from services.counting import counted
from services.itsc_roadmap import parts_for
from store import bases, deliveries, fields, operations, projects
from store.bases import Base
from store.canon import Values
from store.clock import to_iso
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS
from store.fields import Kind
from store.operations import CARRIED, Changes, Operation
from store.projects import EVERY, FieldStamp, Project
from store.salvage import Salvage

if TYPE_CHECKING:
    from services.care.recovery import Recovered

ORIGIN = "recovery"
_MAKING = ("create", "restore")
_BY_ID = "sqlite_autoindex_projects_1"
"""SQLite's own index of the projects by their ids."""


def mend(conn: sqlite3.Connection, ctx: Context, found: Salvage, report: Recovered) -> None:
    """Put the rows in agreement with each other, and say in ``report`` what is missing."""
    operations.file_all(conn)
    gone = _missing_operations(conn)
    headless = _end_headless(conn)
    _part(conn)
    _reopen(conn, found)
    _rebuild(conn, found, report)
    if gone or headless or found.lost_some("projects", "operations", "bases", *_DELIVERIES):
        _queue_what_differs(conn, ctx, report)
    if gone:
        report.lost.append(f"{counted(gone, 'change')} of the history")
    for table in ("drafts", "conflicts", "bases", "attempts", "users", "sends", "meta"):
        if found.broken.get(table):
            report.lost.append(f"part of {_CALLED[table]}")
    if report.gone:
        named = ", ".join(report.gone[:_NAMED])
        more = f" and {len(report.gone) - _NAMED} more" if len(report.gone) > _NAMED else ""
        report.lost.append(f"{named}{more}, where neither Firestore nor Salesforce has them")
    if found.broken.get("?"):
        report.lost.append("pages of which nobody can tell whose they were")


_NAMED = 10
_DELIVERIES = ("deliveries", "open_deliveries", "past_deliveries")
"""The tables of this schema and the one of older ones."""
_CALLED = {
    "drafts": "the texts that were typed and not saved",
    "conflicts": "the conflicts",
    "bases": "what was known to be common with the targets; it is read from them again",
    "attempts": "the record of attempts",
    "users": "the directory of Salesforce users; it is read again",
    "sends": "what was on its way",
    "meta": "the notes on how far the targets were read; they are read from the start",
}


def _missing_operations(conn: sqlite3.Connection) -> int:
    """How many operations there were that are not there any more: their numbers have no gaps."""
    row = conn.execute(
        "SELECT MAX(COALESCE((SELECT MAX(seq) FROM operations), 0), "
        "COALESCE((SELECT MAX(seq) FROM deliveries), 0)), (SELECT COUNT(*) FROM operations)"
    ).fetchone()
    return int(row[0] - row[1])


def _end_headless(conn: sqlite3.Connection) -> int:
    """Take deliveries away whose operation is lost; gives how many of them were open."""
    lost = "seq NOT IN (SELECT seq FROM operations)"
    open_ones = conn.execute(f"SELECT COUNT(*) FROM open_deliveries WHERE {lost}").fetchone()[0]
    for table in ("open_deliveries", "past_deliveries", "sends"):
        conn.execute(f"DELETE FROM {table} WHERE {lost}")
    conn.execute(f"UPDATE conflicts SET seq = NULL WHERE {lost}")
    return int(open_ones)


def _part(conn: sqlite3.Connection) -> None:
    """What an old page says is open and another that it is over is over."""
    conn.execute(
        "DELETE FROM open_deliveries AS d WHERE EXISTS (SELECT 1 FROM past_deliveries p "
        "WHERE p.seq = d.seq AND p.target = d.target AND p.part = d.part)"
    )


def _reopen(conn: sqlite3.Connection, found: Salvage) -> None:
    """Deliveries that were lost and are not over wait again: those that an older schema's index of
    open ones still knows, or else what the operations had to do and is not known to be done.

    The outcome of each is unknown, so that one too many sends nothing that is there already. With
    what is over lost as well nobody can tell; then ``_queue_what_differs`` looks at the projects.
    """
    _reopen_all(conn, [tuple(map(e.get, _KEY)) for e in found.entries.get("deliveries_open", [])])
    if not found.broken.get("open_deliveries") or found.lost_some("past_deliveries"):
        return
    lost = []
    for row in conn.execute("SELECT * FROM operations WHERE changes <> '{}' ORDER BY seq"):
        changes: Changes = json.loads(row["changes"])
        parts = _parts_of(row["origin"], row["kind"], changes)
        lost += [(row["project_id"], row["seq"], target, part) for target, part in parts]
    _reopen_all(conn, lost)


_KEY = ("project_id", "seq", "target", "part")


def _reopen_all(conn: sqlite3.Connection, keys: Iterable[Sequence[object]]) -> None:
    conn.executemany(
        "INSERT OR IGNORE INTO open_deliveries (project_id, seq, target, part, state) "
        "SELECT ?1, ?2, ?3, ?4, 'pending' WHERE EXISTS (SELECT 1 FROM operations WHERE seq = ?2) "
        "AND NOT EXISTS (SELECT 1 FROM past_deliveries WHERE seq = ?2 AND target = ?3 "
        "AND part = ?4)",
        keys,
    )


def _parts_of(origin: str, kind: str, changes: Changes) -> list[tuple[str, str]]:
    """Where an operation had to go at most."""
    if origin == FIRESTORE:
        return []
    only = {SALESFORCE: FIRESTORE, CARRIED: SALESFORCE}.get(origin)
    return [part for part in parts_for(kind, changes) if only in (None, part[0])]


def _rebuild(conn: sqlite3.Connection, found: Salvage, report: Recovered) -> None:
    """Projects whose row is lost, or which are there both living and deleted, by their log."""
    for project_id in _doubtful(conn, found):
        log = _log(conn, project_id)
        lives = bool(log) and log[-1].kind != "delete"
        if projects.exists(conn, project_id):
            table = "tombstones" if lives else "projects"
            conn.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))
            continue
        again = _replayed(conn, project_id, log)
        if again is None:
            report.gone.append(project_id)
            continue
        projects.insert(conn, again)
        if lives or not log:
            report.rebuilt.append(project_id)
        else:
            projects.bury(conn, again, log[-1].operator, log[-1].at)


def _doubtful(conn: sqlite3.Connection, found: Salvage) -> list[str]:
    """Every project that anything left speaks of, and that is neither living nor deleted, or
    both."""
    rows = conn.execute(
        "SELECT project_id FROM operations UNION SELECT project_id FROM bases WHERE present "
        "UNION SELECT project_id FROM projects"
    )
    told = {row[0] for row in rows}
    told |= {str(entry["project_id"]) for entry in found.entries.get(_BY_ID, [])}
    living = {row[0] for row in conn.execute("SELECT project_id FROM projects")}
    buried = {row[0] for row in conn.execute("SELECT project_id FROM tombstones")}
    return sorted(pid for pid in told if (pid in living) == (pid in buried))


def _log(conn: sqlite3.Connection, project_id: str) -> list[Operation]:
    """All that is left of a project's changes, oldest first."""
    return list(reversed(operations.history(conn, project_id, limit=-1)))


def _replayed(
    conn: sqlite3.Connection, project_id: str, log: Sequence[Operation]
) -> Project | None:
    """The project as its changes made it; where its beginning is lost, as it was last common with
    a target, with what was not delivered laid over."""
    known = {target: bases.get(conn, project_id, target) for target in TARGETS}
    starts = [place for place, op in enumerate(log) if op.kind in _MAKING]
    values: Values = dict(fields.DEFAULTS)
    if starts:
        log = log[starts[-1] :]
    else:
        common = known[FIRESTORE] or known[SALESFORCE]
        if common is None or not common.present:
            return None
        values |= common.values
        waiting = {each.seq for each in deliveries.open_of_project(conn, project_id)}
        log = [op for op in log if op.seq in waiting]
    stamps: dict[str, FieldStamp] = {}
    for op in log:
        stamp = FieldStamp(op.at, op.operator, op.op_id, op.origin)
        if op.kind in _MAKING:
            stamps[EVERY] = stamp
        if op.kind != "delete":
            values |= {path: new for path, (_, new) in op.changes.items()}
            stamps |= dict.fromkeys(op.changes, stamp) if op.kind == "update" else {}
    values = {p: v for p, v in values.items() if v is not None or not fields.is_score(p)}
    if not values.get("feature_name"):
        return None
    first = log[0] if log else None
    salesforce = known[SALESFORCE]
    by, at = (first.operator, first.at) if first else (ORIGIN, _acked(known.values()))
    last = log[-1] if log else None
    return Project(
        project_id,
        len(log) + 1,
        values,
        salesforce.remote_id if salesforce else None,
        by,
        at,
        last.operator if last else by,
        last.at if last else at,
        stamps or {EVERY: FieldStamp(at, by, "", ORIGIN)},
    )


def _acked(known: Iterable[Base | None]) -> str:
    return min(base.acked_at for base in known if base is not None)


def _queue_what_differs(conn: sqlite3.Connection, ctx: Context, report: Recovered) -> None:
    """Edits that are lost themselves left their values in the projects: where a project holds
    something else than was last common with a target and no edit says so, that travels as one.

    Where the log agrees with what was common, it is the project's row that was damaged.
    """
    ids = [row[0] for row in conn.execute("SELECT project_id FROM projects ORDER BY project_id")]
    known = {target: bases.get_many(conn, ids, target) for target in TARGETS}
    trace = ctx.new_id()
    for project_id, project in projects.get_many(conn, ids).items():
        waiting = deliveries.open_of_project(conn, project_id)
        ops = operations.get_many(conn, {each.seq for each in waiting}).values()
        if any(op.kind in _MAKING for op in ops):
            continue  # the whole record travels anyway
        changes: Changes = {}
        for target in TARGETS:
            changes |= _differing(project, target, known[target].get(project_id))
        for path in {path for op in ops for path in op.changes}:
            changes.pop(path, None)
        if not changes:
            continue
        logged = {p: new for op in _log(conn, project_id) for p, (_, new) in op.changes.items()}
        right = {p: was for p, (was, _) in changes.items() if p in logged and logged[p] == was}
        if right:
            projects.update(conn, project, right, project.updated_by, project.updated_at, {})
            report.rebuilt.append(project_id)
        left = {path: pair for path, pair in changes.items() if path not in right}
        if left:
            _queue(conn, ctx, project, left, trace)
            report.queued.append(project_id)


def _differing(project: Project, target: str, base: Base | None) -> Changes:
    common = {**fields.DEFAULTS, **(base.values if base and base.present else {})}
    voted = any(fields.is_score(path) for path in project.values)
    return {
        path: (common.get(path), project.values.get(path))
        for path in {**common, **project.values}
        if project.values.get(path) != common.get(path)
        and not (path == "total_score" and voted)
        and (target == FIRESTORE or _is_told(path))
    }


def _is_told(path: str) -> bool:
    """Whether Salesforce holds the field as it is here, so that another value is an edit."""
    field = fields.BY_PATH.get(path)
    return (
        field is not None
        and field.sf is not None
        and field.kind
        not in (
            Kind.PERSON,
            Kind.PARENT,
        )
    )


def _queue(
    conn: sqlite3.Connection, ctx: Context, project: Project, changes: Changes, trace: str
) -> None:
    seq = operations.record(
        conn,
        op_id=ctx.new_id(),
        trace_id=trace,
        project_id=project.project_id,
        kind="update",
        origin=ORIGIN,
        operator=project.updated_by,
        at=to_iso(ctx.clock()),
        changes=changes,
    )
    deliveries.add(conn, seq, project.project_id, parts_for("update", changes))
