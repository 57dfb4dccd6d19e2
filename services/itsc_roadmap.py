"""Commands on projects: the one way an edit is made.

Each command is one transaction: the project's row, one operation in the log (the audit), one
delivery for each target. When it returns, the edit is durable; nothing here waits for a network.
The names create_project, update_project, delete_project and list_projects are those of the V2 text.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.context import Context
from services.importing.ids import id_for_name
from services.ordering import renumber
from store import canon, deliveries, fields, operations, projects, targets
from store.canon import Refusal, Value, Values
from store.clock import from_iso, to_iso
from store.database import transaction
from store.deliveries import FIRESTORE, LINK, ROW, SALESFORCE
from store.operations import Changes, Operation
from store.projects import EVERY, FieldStamp, Project, Query


class NotFound(LookupError):
    """There is no such project."""

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        super().__init__(f"there is no project {canon.shown(project_id)}")


@dataclass(frozen=True, slots=True)
class Edit:
    """What a command did. ``seq`` is None where nothing had to change."""

    project: Project
    seq: int | None
    changes: Changes


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo or redo did, and what it left alone because somebody changed it since."""

    edits: tuple[str, ...]
    left: tuple[str, ...]
    verb: str


def list_projects(conn: sqlite3.Connection, query: Query) -> list[Project]:
    """The projects of a view that match a search, in order."""
    return projects.find(conn, query)


def get_project(conn: sqlite3.Connection, project_id: str) -> Project:
    """One project. Raises NotFound."""
    project = projects.get(conn, project_id)
    if project is None:
        raise NotFound(project_id)
    return project


def create_project(
    conn: sqlite3.Connection,
    ctx: Context,
    values: Mapping[str, object],
    *,
    project_id: str | None = None,
    origin: str = operations.LOCAL,
    trace_id: str | None = None,
    created: tuple[str, str] | None = None,
) -> Edit:
    """Add a project. Without an id one is made from the name; without a sort order it goes to the
    end of its band. ``created`` is ``(by, at)`` where an import knows it.

    Raises Refusal: a value that is not allowed, an id that is or was another project's.
    """
    wanted = canon.check_all(values)
    if wanted.get("feature_name") is None:
        raise Refusal("feature_name", "", "it can't be empty")
    canon.check_voters(wanted)
    with transaction(conn):
        new = _free_id(conn, project_id, str(wanted["feature_name"]))
        _check_parent(conn, new, wanted.get("parent_id"))
        full = projects.with_total(wanted)
        if full["sort_order"] is None:
            full["sort_order"] = _end_of_band(conn, str(full["priority"]))
        at, corrected = _moment(conn, ctx)
        by, since = created or (ctx.operator, at)
        op_id = ctx.new_id()
        stamps = {EVERY: FieldStamp(corrected, ctx.operator, op_id, origin)}
        project = Project(new, 1, full, None, by, since, ctx.operator, at, stamps)
        projects.insert(conn, project)
        changes: Changes = {
            p: (None, v) for p, v in full.items() if v != fields.DEFAULTS.get(p) or p in _ALWAYS
        }
        seq = _record(conn, ctx, op_id, new, "create", changes, origin, trace_id, at)
        return Edit(project, seq, changes)


def update_project(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    changes: Mapping[str, object],
    *,
    replaced: Mapping[str, Value] | None = None,
    origin: str = operations.LOCAL,
    trace_id: str | None = None,
    undoes: int | None = None,
    later_than: str = "",
) -> Edit:
    """Change fields of a project. Only what differs is recorded; an edit that changes nothing
    records nothing.

    ``replaced`` holds, by path, the value an editor was opened on: that is what the edit replaces,
    also when a merge changed the field meanwhile. The new values' stamps are later than
    ``later_than`` (ISO) whatever the clock says. Raises NotFound, Refusal.
    """
    wanted = canon.check_all(changes)
    with transaction(conn):
        project = get_project(conn, project_id)
        if "total_score" in wanted and _has_votes({**project.values, **wanted}):
            del wanted["total_score"]  # it is the votes' sum, whatever is said
        found: Changes = {}
        for path, value in wanted.items():
            present = project.values.get(path)
            if value != present:
                found[path] = (replaced[path] if replaced and path in replaced else present, value)
        if not found:
            return Edit(project, None, {})
        if "parent_id" in found:
            _check_parent(conn, project_id, found["parent_id"][1])
        if any(fields.is_score(path) for path in found):
            canon.check_voters({**project.values, **wanted})
        at, corrected = _moment(conn, ctx)
        op_id = ctx.new_id()
        mark = FieldStamp(corrected, ctx.operator, op_id, origin)
        stamps = {p: _after(mark, project.stamp(p), later_than) for p in found}
        fresh = {p: new for p, (_, new) in found.items()}
        after = projects.update(conn, project, fresh, ctx.operator, at, stamps)
        seq = _record(conn, ctx, op_id, project_id, "update", found, origin, trace_id, at, undoes)
        return Edit(after, seq, found)


def update_many(
    conn: sqlite3.Connection, ctx: Context, ids: Sequence[str], changes: Mapping[str, object]
) -> list[Edit]:
    """One edit for several projects: all of them or none, undone together."""
    trace = ctx.new_id()
    with transaction(conn):
        return [update_project(conn, ctx, each, changes, trace_id=trace) for each in ids]


def delete_project(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    *,
    origin: str = operations.LOCAL,
    trace_id: str | None = None,
    undoes: int | None = None,
) -> list[str]:
    """Delete a project, its children unlinked first, each by an edit of its own.

    Gives the ids of the unlinked children. Raises NotFound.
    """
    trace = trace_id or ctx.new_id()
    with transaction(conn):
        project = get_project(conn, project_id)
        children = [child for child, _ in projects.children_of(conn, project_id)]
        for child in children:
            update_project(conn, ctx, child, {"parent_id": None}, origin=origin, trace_id=trace)
        at = to_iso(ctx.clock())
        projects.bury(conn, project, ctx.operator, at)
        changes: Changes = {p: (v, None) for p, v in project.values.items() if v is not None}
        _record(conn, ctx, ctx.new_id(), project_id, "delete", changes, origin, trace, at, undoes)
        return children


def restore_project(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    *,
    over: Values | None = None,
    origin: str = operations.LOCAL,
    trace_id: str | None = None,
    undoes: int | None = None,
) -> Project:
    """Bring a deleted project back under its id, as a new write, with the values it had and
    ``over`` laid on them. Raises NotFound."""
    with transaction(conn):
        was = projects.exhume(conn, project_id)
        if was is None:
            raise NotFound(project_id)
        values = projects.with_total({**was.values, **(over or {})})
        if values["parent_id"] and not projects.exists(conn, str(values["parent_id"])):
            values["parent_id"] = None
        at, corrected = _moment(conn, ctx)
        op_id = ctx.new_id()
        mark = FieldStamp(corrected, ctx.operator, op_id, origin)
        latest = max(was.stamps.values(), default=None)
        project = dataclasses.replace(
            was,
            rev=was.rev + 1,
            values=values,
            sf_id=None,
            updated_by=ctx.operator,
            updated_at=at,
            stamps={EVERY: _after(mark, latest)},
        )
        projects.insert(conn, project)
        changes: Changes = {p: (None, v) for p, v in values.items() if v is not None}
        _record(conn, ctx, op_id, project_id, "restore", changes, origin, trace_id, at, undoes)
        return project


def send_again(
    conn: sqlite3.Connection,
    ctx: Context,
    project_id: str,
    *,
    origin: str,
    emptied: Values | None = None,
) -> int:
    """Tell both targets once more, by an operation of its own, that a project is there (whole, so
    that it comes back where it was deleted) or that it is deleted. Nothing changes here. Fields
    that have been ``emptied`` come with what they held.

    Gives the operation's number. Raises NotFound: never heard of it.
    """
    with transaction(conn):
        here, was = projects.get(conn, project_id), projects.buried(conn, project_id)
        known = here or was
        if known is None:
            raise NotFound(project_id)
        held = {p: v for p, v in known.values.items() if v is not None}
        changes: Changes = {p: (None, v) if here else (v, None) for p, v in held.items()}
        changes |= {p: (v, None) for p, v in (emptied or {}).items() if p not in held}
        kind, op_id, at = "restore" if here else "delete", ctx.new_id(), to_iso(ctx.clock())
        return _record(conn, ctx, op_id, project_id, kind, changes, origin, None, at)


def move_project(conn: sqlite3.Connection, ctx: Context, project_id: str, step: int) -> list[Edit]:
    """Move a project up (-1) or down (+1) within its priority band; writes the sort order of the
    fewest rows that need it. Gives no edits at the band's end. Raises NotFound, BandFull."""
    with transaction(conn):
        project = get_project(conn, project_id)
        rows = conn.execute(
            f"SELECT project_id, sort_order FROM projects WHERE priority = ? "
            f"ORDER BY {projects.ORDER}",
            (project.values["priority"],),
        ).fetchall()
        ids = [row[0] for row in rows]
        here = ids.index(project_id)
        there = here + step
        if not 0 <= there < len(ids):
            return []
        rows.insert(there, rows.pop(here))
        # Rows behind both stay as they are: only the stretch that is ordered by number matters.
        last = max(here, there)
        numbered = [i for i, row in enumerate(rows) if row[1] is not None]
        stretch = rows[: max([last, *numbered]) + 1]
        trace = ctx.new_id()
        edits = []
        for row, number in zip(stretch, renumber([row[1] for row in stretch]), strict=True):
            if row[1] != number:
                edits.append(
                    update_project(conn, ctx, row[0], {"sort_order": number}, trace_id=trace)
                )
        return edits


def undo(conn: sqlite3.Connection, ctx: Context, *, redo: bool = False) -> Undone | None:
    """Reverse this operator's last action (or redo what was undone), as new edits.

    A field that somebody changed since is left alone and named. None where nothing is left to
    undo.
    """
    with transaction(conn):
        group = operations.undo_group(conn, ctx.operator, redo=redo)
        if not group:
            return None
        trace = ctx.new_id()
        done: list[str] = []
        left: list[str] = []
        for op in group:
            _reverse(conn, ctx, op, trace, done, left)
        if not done:
            # Nothing could be reversed: say so once, and let the next undo reach further back.
            _mark_undone(conn, ctx, group[-1], trace)
        return Undone(tuple(done), tuple(left), "redone" if redo else "undone")


def retry_dead(conn: sqlite3.Connection, project_id: str, new: Changes) -> None:
    """A new edit against dead letters: one of the same fields takes their place, and a dead create
    is tried again together with the edit."""
    for each in deliveries.failed_of_project(conn, project_id):
        op = operations.get(conn, each.seq)
        if op is None:
            continue
        if op.kind in ("create", "restore"):
            deliveries.set_state(conn, each.seq, each.target, "pending", part=ROW, reset=True)
        elif each.part == LINK and "parent_id" in new:
            deliveries.set_state(conn, each.seq, each.target, "superseded", part=LINK)
        elif each.part == ROW and op.kind == "update":
            covered = set(op.changes) & set(new)
            if covered:
                deliveries.drop(conn, each.seq, each.target, covered)


def parts_for(kind: str, changes: Changes) -> list[tuple[str, str]]:
    """Where an operation has to go: ``(target, part)`` each, by its fields."""
    parts = [(FIRESTORE, ROW)]
    if kind != "update" or any(path in _PUSHED or fields.is_score(path) for path in changes):
        parts.append((SALESFORCE, ROW))
    if kind != "delete" and "parent_id" in changes and any(changes["parent_id"]):
        parts.append((SALESFORCE, LINK))
    return parts


def _has_votes(values: Values) -> bool:
    return any(fields.is_score(path) and value is not None for path, value in values.items())


_ALWAYS = ("feature_name", "status", "priority")
_PUSHED = {f.path for f in fields.FIELDS if f.sf is not None and f.path != "parent_id"}


def _record(
    conn: sqlite3.Connection,
    ctx: Context,
    op_id: str,
    project_id: str,
    kind: str,
    changes: Changes,
    origin: str,
    trace_id: str | None,
    at: str,
    undoes: int | None = None,
) -> int:
    seq = operations.record(
        conn,
        op_id=op_id,
        trace_id=trace_id or op_id,
        project_id=project_id,
        kind=kind,
        origin=origin,
        operator=ctx.operator,
        at=at,
        changes=changes,
        undoes=undoes,
    )
    retry_dead(conn, project_id, changes)
    deliveries.add(conn, seq, project_id, parts_for(kind, changes))
    return seq


def _moment(conn: sqlite3.Connection, ctx: Context) -> tuple[str, str]:
    """Now, as this machine tells it and as corrected by the measured clock offset."""
    now, offset = ctx.clock(), targets.clock_offset(conn)
    at = to_iso(now)
    return at, to_iso(now + offset) if offset else at


def _after(mark: FieldStamp, replaced: FieldStamp | None, later_than: str = "") -> FieldStamp:
    """The stamp of a value set now, made later than that of the value it replaces (and than
    ``later_than``) where it is not."""
    before = max(later_than, replaced.at if replaced is not None else "")
    if before < mark.at:
        return mark
    return mark._replace(at=to_iso(from_iso(before) + dt.timedelta(milliseconds=1)))


def _free_id(conn: sqlite3.Connection, wanted: str | None, name: str) -> str:
    if wanted is not None:
        canon.check_project_id(wanted)
        if projects.exists(conn, wanted):
            raise Refusal("project_id", wanted, "another project has this id")
        if projects.is_buried(conn, wanted):
            raise Refusal("project_id", wanted, "it was a project that has been deleted")
        return wanted
    number = 1
    while True:
        candidate = id_for_name(name if number == 1 else f"{name}\x00{number}")
        if not projects.exists(conn, candidate) and not projects.is_buried(conn, candidate):
            return candidate
        number += 1


def _check_parent(conn: sqlite3.Connection, project_id: str, parent: Value) -> None:
    if parent is None:
        return
    if parent == project_id:
        raise Refusal("parent_id", parent, "a project can't be its own parent")
    if not projects.exists(conn, str(parent)):
        raise Refusal("parent_id", parent, "there is no such project")
    if project_id in projects.ancestors_of(conn, str(parent)):
        raise Refusal("parent_id", parent, "that project is below this one")


def _end_of_band(conn: sqlite3.Connection, priority: str) -> int | None:
    row = conn.execute(
        "SELECT MAX(sort_order) FROM projects WHERE priority = ?", (priority,)
    ).fetchone()
    following = 1 if row[0] is None else row[0] + 1
    return following if following <= 999 else None


def _reverse(
    conn: sqlite3.Connection,
    ctx: Context,
    op: Operation,
    trace: str,
    done: list[str],
    left: list[str],
) -> None:
    pid = op.project_id
    if op.kind in ("create", "restore"):
        project = projects.get(conn, pid)
        if project is None:
            left.append(f"{pid} is deleted already")
            return
        delete_project(conn, ctx, pid, origin="undo", trace_id=trace, undoes=op.seq)
        done.append(f"{project.name}: deleted again")
        return
    if op.kind == "delete":
        if not projects.is_buried(conn, pid):
            left.append(f"{pid} exists already")
            return
        back = restore_project(conn, ctx, pid, origin="undo", trace_id=trace, undoes=op.seq)
        done.append(f"{back.name}: restored")
        return
    project = projects.get(conn, pid)
    if project is None:
        left.append(f"{pid} was deleted")
        return
    back_to: Values = {}
    for path, (old, new) in op.changes.items():
        if project.values.get(path) == new:
            back_to[path] = old
        else:
            left.append(f"{fields.label_of(path)} of {project.name} was changed since")
    if back_to:
        update_project(conn, ctx, pid, back_to, origin="undo", trace_id=trace, undoes=op.seq)
        labels = ", ".join(fields.label_of(path) for path in back_to)
        done.append(f"{project.name}: {labels}")


def _mark_undone(conn: sqlite3.Connection, ctx: Context, op: Operation, trace: str) -> None:
    """An operation without changes or deliveries that takes the action off the undo stack."""
    operations.record(
        conn,
        op_id=ctx.new_id(),
        trace_id=trace,
        project_id=op.project_id,
        kind="update",
        origin="undo",
        operator=ctx.operator,
        at=to_iso(ctx.clock()),
        changes={},
        undoes=op.seq,
    )
