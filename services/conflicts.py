"""What a person decides about a conflict: mine, theirs, a third value, or to leave it as it is.

A decision on a field is a new edit where it changes anything, so that it travels to both targets
like any other; the loser's value stays in the record, and a closed conflict can be decided anew. A
decision on a whole record (deleted on one side, edited on the other) deletes it everywhere or
brings it back everywhere, again by an operation of its own: what waited is superseded by it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from dataclasses import dataclass

from services import itsc_roadmap, overview
from services.context import Context
from services.outbox import NotPossible
from store import bases, canon, conflicts, deliveries, fields, operations, projects
from store.bases import Base
from store.canon import Refusal, Values
from store.clock import to_iso
from store.conflicts import OPEN, RESOLVED, WHOLE, Conflict
from store.database import transaction
from store.deliveries import FIRESTORE
from store.operations import CONFLICT

TAKES = ("mine", "theirs")
KEPT, OTHER = "kept", "value"
"""Resolutions besides mine and theirs: what was in force stayed; a third value was set."""
NO_TAKE = "take mine or theirs"


@dataclass(frozen=True, slots=True)
class Resolved:
    """``conflict`` as it stands afterwards; ``changed`` whether an edit came of the decision (else
    what was decided was in force already)."""

    conflict: Conflict
    changed: bool


def find(conn: sqlite3.Connection, which: str) -> Conflict:
    """A conflict by its id or the beginning of it. Raises NotPossible: none, or several."""
    found = conflicts.starting(conn, which) if which else []
    if len(found) == 1:
        return found[0]
    shown = canon.shown(which)
    if found:
        raise NotPossible(f"several conflicts begin with {shown}; give more of the id")
    raise NotPossible(f"there is no conflict {shown}; see steerco conflicts list --all")


def resolve(
    conn: sqlite3.Connection,
    ctx: Context,
    conflict_id: str,
    take: str | None = None,
    *,
    value: object = None,
) -> Resolved:
    """Decide a conflict, open or closed: ``take`` mine or theirs, or else set ``value``.

    Raises NotPossible (no such conflict; the project is gone; no third value for a whole record)
    and Refusal (a value that is not allowed here).
    """
    with transaction(conn):
        found = find(conn, conflict_id)
        at = to_iso(ctx.clock())
        if found.path == WHOLE:
            if take is None:
                raise NotPossible("a project that was deleted on one side has no third value; "
                                  f"{NO_TAKE}")  # fmt: skip
            changed = _decide(conn, ctx, found, take)
            _close_whole(conn, found, _goes(found, take), ctx.operator, at)
        else:
            changed, resolution = _set(conn, ctx, found, take, value)
            winner = resolution if resolution in TAKES else "nobody"
            conflicts.resolve(conn, found.id, resolution, ctx.operator, at, winner=winner)
        return Resolved(_again(conn, found), changed)


def resolve_all(
    conn: sqlite3.Connection, ctx: Context, ids: list[str], take: str
) -> list[Resolved]:
    """One decision for several conflicts: all of them or none."""
    with transaction(conn):
        return [resolve(conn, ctx, each, take) for each in ids]


def acknowledge(conn: sqlite3.Connection, ctx: Context, conflict_id: str) -> Conflict:
    """Close a field's conflict as it was decided; what is in force stays. Raises NotPossible: it is
    closed, or a whole record's, which somebody has to decide."""
    with transaction(conn):
        found = find(conn, conflict_id)
        if found.path == WHOLE:
            raise NotPossible(f"nothing is in force yet; {NO_TAKE}")
        if found.state != OPEN:
            raise NotPossible("somebody closed it already")
        conflicts.resolve(conn, found.id, KEPT, ctx.operator, to_iso(ctx.clock()))
        return _again(conn, found)


def follow(conn: sqlite3.Connection, ctx: Context, told: Conflict) -> None:
    """Another operator resolved a conflict: it is closed here too. Edits of mine that waited for
    the decision follow it; where none did, its effect arrives like any other edit.

    Runs inside the caller's transaction.
    """
    found = conflicts.get(conn, told.id)
    assert told.resolution is not None
    assert told.resolved_by is not None
    assert told.resolved_at is not None
    by, at = told.resolved_by, told.resolved_at
    if found is not None and found.path == WHOLE and found.state == OPEN:
        decided = told.resolution in TAKES
        if decided and _waiting(conn, found.project_id):
            with contextlib.suppress(NotPossible, Refusal):
                _decide(conn, ctx, found, told.resolution)
        if decided:
            _close_whole(conn, found, _goes(found, told.resolution), by, at)
        else:
            deliveries.let_go(conn, found.project_id)  # the record is there again: judged anew
    conflicts.resolve(conn, told.id, told.resolution, by, at, winner=told.winner, shared=True)


def _set(
    conn: sqlite3.Connection, ctx: Context, found: Conflict, take: str | None, value: object
) -> tuple[bool, str]:
    """Set a field to what was decided; gives whether that changed it, and the resolution."""
    if not projects.exists(conn, found.project_id):
        name = overview.feature_name(conn, found.project_id)
        raise NotPossible(f"{name} is deleted; there is nothing to set")
    wanted = canon.check(found.path, _side(found, take) if take else value)
    edit = itsc_roadmap.update_project(
        conn,
        ctx,
        found.project_id,
        {found.path: wanted},
        origin=CONFLICT,
        later_than=max(found.mine_at, found.theirs_at),
    )
    sides = (each for each in TAKES if _side(found, each) == wanted)
    return edit.seq is not None, take or next(sides, OTHER)


def _decide(conn: sqlite3.Connection, ctx: Context, found: Conflict, take: str) -> bool:
    """Delete a project everywhere or bring it back everywhere; whether anything came of it here."""
    pid = found.project_id
    here = projects.exists(conn, pid)
    if not here and not projects.is_buried(conn, pid):
        raise NotPossible(f"{pid} is not known here; whoever has it can decide")
    emptied: Values = {}
    for each in _waiting(conn, pid):
        deliveries.set_state(conn, each.seq, each.target, "superseded", part=each.part)
        was = operations.get(conn, each.seq)
        if was is not None and was.kind == "update":
            emptied |= {p: old for p, (old, new) in was.changes.items() if new is None}
    if found.state == OPEN and found.record is not None:
        _set_base(conn, ctx, found)
    if _goes(found, take):
        if here:
            itsc_roadmap.delete_project(conn, ctx, pid, origin=CONFLICT)
        else:
            itsc_roadmap.send_again(conn, ctx, pid, origin=CONFLICT)
        return True
    over = _their_values(conn, found) if take == "theirs" else {}
    if not here:
        _bring_back(conn, ctx, pid, over)
    elif take == "mine":
        itsc_roadmap.send_again(conn, ctx, pid, origin=CONFLICT, emptied=emptied)
    else:
        edit = itsc_roadmap.update_project(conn, ctx, pid, over, origin=CONFLICT)
        return edit.seq is not None
    return True


def _bring_back(conn: sqlite3.Connection, ctx: Context, pid: str, over: Values) -> None:
    """Restore a project, and under it the children that its delete unlinked and nobody moved
    since."""
    children = operations.unlinked_with(conn, pid)
    project = itsc_roadmap.restore_project(conn, ctx, pid, over=over, origin=CONFLICT)
    for child in children:
        known = projects.get(conn, child)
        if known is not None and known.values["parent_id"] is None:
            if child in (project.project_id, *projects.ancestors_of(conn, pid)):
                continue
            itsc_roadmap.update_project(conn, ctx, child, {"parent_id": pid}, origin=CONFLICT)


def _their_values(conn: sqlite3.Connection, found: Conflict) -> Values:
    """What the other side held, as far as it can stand here."""
    over = dict(found.record or {})
    if any(fields.is_score(path) for path in over):
        over.pop("total_score", None)
    for path, field in fields.BY_PATH.items():
        if field.required and over.get(path, "") is None:
            del over[path]
    parent = over.get("parent_id")
    if parent is not None and (
        parent == found.project_id
        or not projects.exists(conn, str(parent))
        or found.project_id in projects.ancestors_of(conn, str(parent))
    ):
        del over["parent_id"]
    return over


def _set_base(conn: sqlite3.Connection, ctx: Context, found: Conflict) -> None:
    """What was seen there is common knowledge now: the decision is about that, and about nothing
    that is edited there later."""
    base = bases.get(conn, found.project_id, found.target)
    fresh = base or Base(
        found.project_id,
        found.target,
        True,
        acked_at=to_iso(ctx.clock()),
        shared=found.target == FIRESTORE,
    )
    values: Values = {p: value for p, value in (found.record or {}).items() if value is not None}
    bases.put(conn, [dataclasses.replace(fresh, present=True, values=values, token=found.version)])


def _close_whole(conn: sqlite3.Connection, decided: Conflict, goes: bool, by: str, at: str) -> None:
    """Close this conflict and every other open one about whether the same project lives."""
    for each in conflicts.find(conn, project_id=decided.project_id):
        if each.path == WHOLE or each.id == decided.id:
            take = "mine" if _goes(each, "mine") == goes else "theirs"
            conflicts.resolve(conn, each.id, take, by, at, winner=take)
    if decided.state == RESOLVED:
        take = "mine" if _goes(decided, "mine") == goes else "theirs"
        conflicts.resolve(conn, decided.id, take, by, at, winner=take)


def _waiting(conn: sqlite3.Connection, project_id: str) -> list[deliveries.Delivery]:
    found = deliveries.open_of_project(conn, project_id)
    return [each for each in found if each.state == "conflict"]


def _goes(found: Conflict, take: str) -> bool:
    """Whether this decision deletes the project."""
    return _side(found, take) == "deleted"


def _side(found: Conflict, take: str) -> canon.Value:
    if take not in TAKES:
        raise NotPossible(NO_TAKE)
    return found.mine if take == "mine" else found.theirs


def _again(conn: sqlite3.Connection, found: Conflict) -> Conflict:
    after = conflicts.get(conn, found.id)
    assert after is not None
    return after
