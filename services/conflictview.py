"""What a conflict says to people: both sides field by field, what is in force, what each choice
does, and what has become of it so far. Reads only."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services import conflicts as decisions
from services import explain, overview
from services.explain import NAMES
from store import bases, conflicts, fields, operations, projects
from store.canon import Value, Values
from store.conflicts import OPEN, WHOLE, Conflict
from store.fields import BY_PATH, label_of
from store.operations import Operation

GONE = "deleted"
SHORT = 40


@dataclass(frozen=True, slots=True)
class Sides:
    """One field with what each side holds of it."""

    path: str
    base: Value
    mine: Value
    theirs: Value


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a conflict's story, in words without the time."""

    at: str
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """A conflict with everything that there is to say of it.

    ``rows`` is the one field, or of a whole record every field on which the sides differ; ``gone``
    the side (mine or theirs) on which the record is deleted; ``force`` the side whose value stands
    now, if any. ``effects`` says what taking mine or theirs does, ``in_force`` what stands.
    """

    conflict: Conflict
    name: str
    rows: tuple[Sides, ...]
    gone: str | None
    present: Value
    force: str | None
    in_force: str
    effects: Mapping[str, str]
    story: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class ConflictsView:
    """The listed conflicts, newest first, and the one that is shown (None: there is none)."""

    ids: tuple[str, ...]
    open: int
    told: Told | None


def read(
    conn: sqlite3.Connection,
    me: str,
    shown: str | None = None,
    *,
    project_id: str | None = None,
    everything: bool = False,
) -> ConflictsView:
    """The conflicts of a project (or all), open or of all time. ``shown`` is told even where it is
    no longer among those listed; without it the first one is."""
    listed = conflicts.find(conn, project_id=project_id, open_only=not everything)
    wanted = conflicts.get(conn, shown) if shown is not None else None
    wanted = wanted or next(iter(listed), None)
    return ConflictsView(
        tuple(each.id for each in listed),
        sum(each.state == OPEN for each in listed),
        tell(conn, wanted, me) if wanted is not None else None,
    )


def open_ones(
    conn: sqlite3.Connection, project_id: str | None = None
) -> list[tuple[str, str, str]]:
    """``(id, project's name, field)`` of what is open, newest first: to name what a decision for
    all of them is about."""
    found = conflicts.find(conn, project_id=project_id)
    names = overview.names_of(conn, {each.project_id for each in found})
    return [
        (each.id, names.get(each.project_id, each.project_id), field_words(each)) for each in found
    ]


def tell(conn: sqlite3.Connection, found: Conflict, me: str) -> Told:
    """Everything about one conflict."""
    name = overview.feature_name(conn, found.project_id)
    project = projects.get(conn, found.project_id)
    if found.path == WHOLE:
        gone = "mine" if found.mine == GONE else "theirs"
        rows = _differing(conn, found)
        lives = project is not None
        effects = {each: _fate(found, each, lives=lives) for each in decisions.TAKES}
        side, words = _whole_side(found, project is not None), _whole_in_force(found, me)
        present: Value = None
    else:
        gone = None
        rows = (Sides(found.path, found.base, found.mine, found.theirs),)
        present = project.values.get(found.path) if project is not None else None
        effects = {}
        if project is not None:
            effects = {each: _effect(found, each, present) for each in decisions.TAKES}
        side = _side_of(found, present) if project is not None else None
        words = _in_force(found, side, present, exists=project is not None)
    story = tuple(_story(found, operations.history(conn, found.project_id), me))
    return Told(found, name, rows, gone, present, side, words, effects, story)


def field_words(found: Conflict) -> str:
    """The field by its label; a delete against an edit concerns the whole project."""
    return "whole project" if found.path == WHOLE else label_of(found.path)


def short_words(path: str, value: Value) -> str:
    """A value in quotes, cut where it is longer than a few words."""
    words = explain.value_words(path, value)
    return words if value is None or isinstance(value, bool) else f"“{explain.cut(words, SHORT)}”"


def side_words(found: Conflict, side: str) -> str:
    """Who stands behind a side: ``ann``, ``Mia Chen in Salesforce``."""
    if side == "mine":
        return found.mine_by or "somebody here"
    there = NAMES.get(found.target, found.target)
    by = found.theirs_by
    return there if not by or by.lower() == found.target else f"{by} in {there}"


def _differing(conn: sqlite3.Connection, found: Conflict) -> tuple[Sides, ...]:
    """Of a whole record: the fields that somebody changed since both had the same."""
    base = bases.get(conn, found.project_id, found.target)
    if found.mine == GONE:
        was = projects.buried(conn, found.project_id)
        before: Values = dict(was.values) if was is not None else {}
        theirs = found.record or {}
        if not before and base is not None:
            before = dict(base.values)
        return tuple(
            Sides(path, before.get(path), GONE, value)
            for path, value in _in_page_order(theirs)
            if value != before.get(path, fields.DEFAULTS.get(path))
        )
    project = projects.get(conn, found.project_id) or projects.buried(conn, found.project_id)
    if project is None or base is None:
        return ()
    common = {path: base.values.get(path, fields.DEFAULTS.get(path)) for path in project.values}
    return tuple(
        Sides(path, common[path], value, GONE)
        for path, value in _in_page_order(project.values)
        if value != common[path] and (found.target != "salesforce" or _is_there(path))
    )


def _is_there(path: str) -> bool:
    field = BY_PATH.get(path)
    return field is not None and field.sf is not None


def _in_page_order(values: Values) -> Sequence[tuple[str, Value]]:
    order = {path: index for index, path in enumerate(BY_PATH)}
    return sorted(values.items(), key=lambda each: (order.get(each[0], len(order)), each[0]))


def _effect(found: Conflict, side: str, present: Value) -> str:
    value = _value(found, side)
    label, words = label_of(found.path), short_words(found.path, value)
    if present == value:
        return f"{label} stays {words}, and the conflict is closed"
    return f"{label} becomes {words} here, in Firestore and in Salesforce"


def _fate(found: Conflict, side: str, *, lives: bool) -> str:
    there = NAMES.get(found.target, found.target)
    goes = _value(found, side) == GONE
    if found.mine == GONE:
        if goes:
            return f"the project is deleted in {there} too, with the edit that was made there"
        return (
            f"the project comes back here with what {there} holds; children that were unlinked "
            "come back under it"
        )
    if goes:
        children = "; its children are unlinked" if lives else ""
        edit = "" if _nobody_edited(found) else ", with the edit made here"
        return f"the project is deleted here and everywhere{edit}{children}"
    return f"the project is created again in {there} as it is here, under its id"


def _side_of(found: Conflict, present: Value) -> str | None:
    """The side whose value a field has now."""
    return {found.theirs: "theirs", found.mine: "mine"}.get(present)


def _whole_side(found: Conflict, lives: bool) -> str | None:
    """The side that a decision brought into force; while nobody has decided, none is."""
    if found.state == OPEN:
        return None
    return next((each for each in decisions.TAKES if (_value(found, each) != GONE) is lives), None)


def _value(found: Conflict, side: str) -> Value:
    return found.mine if side == "mine" else found.theirs


def _in_force(found: Conflict, side: str | None, present: Value, *, exists: bool) -> str:
    label = label_of(found.path)
    if not exists:
        return "The project is deleted; there is nothing to set any more."
    if side is None:
        return f"Neither is in force: {label} is {short_words(found.path, present)} now."
    mine = side == "mine"
    name, other = ("Mine", "theirs") if mine else ("Theirs", "mine")
    if found.state != OPEN:
        return f"{name} is in force."
    later = found.mine_at > found.theirs_at if mine else found.theirs_at > found.mine_at
    why = f"it is later than {other}" if later else "of the same second, Salesforce's counts"
    return f"{name} is in force: {why}."


def _whole_in_force(found: Conflict, me: str) -> str:
    there = NAMES.get(found.target, found.target)
    if found.state == OPEN:
        return "Nothing happens to this project, on either side, until somebody decides."
    if found.resolution not in decisions.TAKES:
        return f"It was closed without a decision: {_closed(found)}."
    lives = _value(found, found.resolution) != GONE
    who = "You" if found.resolved_by == me else (found.resolved_by or "Somebody")
    what = f"keep it, in {there} and here" if lives else "delete it everywhere"
    return f"{who} decided to {what}."


def _story(found: Conflict, history: Sequence[Operation], me: str) -> Sequence[Event]:
    """What both sides did, when it was noticed, and what has become of the field since."""
    there = NAMES.get(found.target, found.target)
    mine_by = "you" if found.mine_by == me else side_words(found, "mine")
    theirs_by = side_words(found, "theirs")
    if found.path == WHOLE:
        told = [] if _nobody_edited(found) else [
            Event(found.mine_at, f"{mine_by} {found.mine} it here")
        ]  # fmt: skip
        told += [
            Event(found.theirs_at, f"{found.theirs_by or 'somebody'} {found.theirs} it in {there}"),
        ]
    else:
        told = [
            Event(found.mine_at, f"{mine_by} set {short_words(found.path, found.mine)}"),
            Event(found.theirs_at, f"{theirs_by} set {short_words(found.path, found.theirs)}"),
        ]
    since = max(found.mine_at, found.theirs_at)
    for each in history:
        by = "you" if each.operator == me else each.operator
        decided = " (a conflict decided)" if each.origin == operations.CONFLICT else ""
        is_decision = each.origin == operations.CONFLICT and each.at == found.resolved_at
        if each.at <= since or is_decision:
            continue
        if each.kind == "update" and found.path in each.changes:
            new = each.changes[found.path][1]
            told.append(Event(each.at, f"{by} set {short_words(found.path, new)}{decided}"))
        elif each.kind in _DEEDS:
            told.append(Event(each.at, f"{by} {_DEEDS[each.kind]}{decided}"))
    told.append(Event(found.at, f"noticed, against {there}"))
    if found.state != OPEN and found.resolved_at is not None:
        closer = "you" if found.resolved_by == me else found.resolved_by
        told.append(Event(found.resolved_at, f"{closer} closed it: {_closed(found)}"))
    return sorted(told, key=lambda event: event.at)


def _nobody_edited(found: Conflict) -> bool:
    """Whether a record was missed there without an edit waiting here: mine then has no time of its
    own."""
    return found.path == WHOLE and found.mine != GONE and found.mine_at == found.at


def _closed(found: Conflict) -> str:
    return _CLOSED.get(found.resolution or "", "closed")


_DEEDS = {"delete": "deleted it", "restore": "brought it back"}
_CLOSED = {
    "mine": "mine",
    "theirs": "theirs",
    decisions.KEPT: "left as it was",
    decisions.OTHER: "another value",
    "discarded": "the edit was discarded",
    conflicts.BACK: "the record is there again",
}
