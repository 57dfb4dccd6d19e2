"""Three-way merge by field: base, mine, theirs. Pure.

One side changed: it is taken. Both, equal: nothing. Both, different: the later wins, by stamps; a
tie goes to Salesforce. The loser is kept in a conflict record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from services.sync.targets.fs_layout import base_hash, is_hash
from store import fields
from store.canon import Value, Values
from store.deliveries import SALESFORCE


@dataclass(frozen=True, slots=True)
class Mark:
    """When and by whom a side's value was set, and by which operation (or record version)."""

    at: dt.datetime
    by: str
    op: str
    origin: str


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field both sides changed differently since the base."""

    path: str
    base: Value
    mine: Value
    theirs: Value
    winner: str
    mine_mark: Mark
    theirs_mark: Mark


@dataclass(slots=True)
class Merge:
    """``take``: theirs, to be applied here. ``refused``: theirs that is not to be taken (an empty
    title, an older value of ours): mine goes back there. ``send``: mine, to be written there.
    ``agreed``: mine and theirs are the same already. ``conflicts``: decided, with the loser's
    value."""

    take: Values = field(default_factory=dict)
    refused: Values = field(default_factory=dict)
    send: set[str] = field(default_factory=set)
    agreed: set[str] = field(default_factory=set)
    conflicts: list[FieldConflict] = field(default_factory=list)


def merge(
    base: Mapping[str, Value],
    mine: Mapping[str, Value],
    theirs: Mapping[str, Value],
    *,
    paths: Iterable[str],
    replaced: Mapping[str, Value],
    mine_mark: Callable[[str], Mark],
    theirs_mark: Callable[[str], Mark],
    judged: Callable[[str, Value], bool] = lambda _path, _theirs: False,
    overtaken: Callable[[str, Value], bool] = lambda _path, _theirs: False,
    reset: Callable[[str], bool] = lambda _path: False,
) -> Merge:
    """Merge the given paths.

    ``replaced`` holds the paths of undelivered edits with the value each replaced: they count as
    changed by me even where my value equals the base, and theirs equal to the replaced value is no
    conflict. ``judged(path, theirs)`` is True where this very clash was decided before (on the
    other target): mine stands. ``overtaken(path, theirs)`` is True where theirs is no edit but an
    older value of ours, which a late write left there. ``reset(path)`` is True where theirs was set
    after mine, although it is the common value.
    """
    result = Merge()
    for path in paths:
        was = base.get(path, default(path))
        ours, other = mine.get(path), theirs.get(path)
        if ours == other:
            if path in replaced:
                result.agreed.add(path)
            continue
        if path not in replaced:
            if not equals(other, was) and overtaken(path, other):
                result.refused[path] = other
            elif not equals(other, was):
                _take(result, path, other)
            # else: mine differs without an edit to deliver (a discarded or dead one): not ours to
            # push, and theirs did not change.
            continue
        known = (equals(other, was) or other == replaced[path]) and not reset(path)
        if known or judged(path, other) or overtaken(path, other):
            result.send.add(path)
            continue
        common = replaced[path] if is_hash(was) else was
        conflict = _decide(path, common, ours, other, mine_mark(path), theirs_mark(path))
        result.conflicts.append(conflict)
        if conflict.winner == "mine":
            result.send.add(path)
        else:
            _take(result, path, other)
    return result


def equals(value: Value, was: Value) -> bool:
    """Whether a value is the common one; of a long text the shared base may hold only the hash."""
    return value == was or (isinstance(value, str) and is_hash(was) and base_hash(value) == was)


def _take(result: Merge, path: str, value: Value) -> None:
    known = fields.BY_PATH.get(path)
    if value is None and known is not None and known.required:
        result.refused[path] = value
    else:
        result.take[path] = value


def edit_in_salesforce(value: Value) -> str:
    """What stands for the operation of an edit there, which has none: the same for everybody who
    meets that value, whenever and by whatever way he does."""
    return f"{SALESFORCE}:{base_hash(repr(value))}"


def default(path: str) -> Value:
    """What a record holds of a field that nobody set."""
    return fields.DEFAULTS.get(path)


def _decide(
    path: str, base: Value, mine: Value, theirs: Value, mine_mark: Mark, theirs_mark: Mark
) -> FieldConflict:
    if theirs_mark.origin == "salesforce":
        # Salesforce's dates have whole seconds: an edit within the same second is a tie, and its.
        theirs_wins = theirs_mark.at >= mine_mark.at.replace(microsecond=0)
    elif theirs_mark.at == mine_mark.at:
        # Two operators in the same millisecond: any rule does that both sides compute alike.
        theirs_wins = (theirs_mark.by, theirs_mark.op) > (mine_mark.by, mine_mark.op)
    else:
        theirs_wins = theirs_mark.at > mine_mark.at
    winner = "theirs" if theirs_wins else "mine"
    return FieldConflict(path, base, mine, theirs, winner, mine_mark, theirs_mark)
