"""Everything that a judgement of one project on one target needs to know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from services.sync.targets.base import Remote
from store.bases import Base
from store.canon import Value, Values
from store.deliveries import Claim, Owed
from store.projects import FieldStamp

NOBODYS = frozenset({"salesforce", "firestore", "people", "merge"})
"""Origins of operations that no operator made; they don't stand against a delete."""
RELAYED = "relayed"
"""Origin of a value's stamp that was found in a row where another operator had brought it: nobody
knows when it was set. Its maker tells so himself, or has."""
SECOND = dt.timedelta(seconds=1)
"""What Salesforce's dates leave out, and how far clocks are taken to agree."""
LATE = dt.timedelta(seconds=10)
"""Salesforce shows rows up to a few seconds late; a row that we wrote within this time and that a
read does not show has not vanished."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a judgement needs.

    ``mine`` are the local values (None: deleted here), ``stamp`` their stamps (or those of the
    project as it was deleted). ``owed`` are the fields of this target's
    undelivered operations. ``was_applied`` tells, for a send of unknown outcome that can't be told
    from values alone, whether the record's history shows it; None where nobody knows. ``known``
    holds clashes that were decided before: ``(path, theirs)`` with the time of theirs. ``former``
    are the clients that a restored database was before, each with the newest operation in common.
    ``overtaken`` tells whether a value of a field was replaced here, or lost; ``ours`` whether an
    operation was made here. ``buried_id`` is the Salesforce id that a deleted project had.
    ``offset`` is what to add to this machine's clock for the server's; ``made_at`` is when the
    project was made; ``delivered`` gives the paths that this side has delivered to the target
    since a moment.
    """

    claim: Claim
    mine: Values | None
    base: Base | None
    remote: Remote
    owed: Mapping[str, Owed]
    stamp: Callable[[str], FieldStamp | None]
    client_id: str
    now: dt.datetime
    was_applied: bool | None = None
    known: Mapping[tuple[str, Value], str] = field(default_factory=dict)
    former: Mapping[str, int] = field(default_factory=dict)
    overtaken: Callable[[str, Value], bool] = lambda _path, _value: False
    ours: Callable[[str], bool] = lambda _op: False
    buried_id: str | None = None
    offset: dt.timedelta = dt.timedelta()
    made_at: str | None = None
    delivered: Callable[[dt.datetime], Set[str]] = lambda _since: frozenset()
