"""The Salesforce calls of all operators today, counted so that they stay within their share.

Each database counts its own, whichever process made them, and tells the others through the
document ``itsc_meta/calls``: a map of counts by client for each day.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from services.sync.quota import DAY, SHARE, Budget, until_tomorrow
from services.sync.targets.base import ErrorClass, Problem, Target, Usage
from services.sync.targets.firestore import META
from services.sync.targets.fs_documents import (
    DELETE_FIELD,
    DocumentStore,
    DocWrite,
    FieldPath,
    Kind,
)
from store import meta, targets
from store.clock import Clock
from store.database import transaction
from store.deliveries import SALESFORCE

DOCUMENT = "calls"
TELL_EVERY = 900.0
TELL_AFTER = 100
USED_UP = "SHARE_USED_UP"
A_WHILE = 60.0
"""Seconds until an operator whose part of what is left is used up looks again."""


class Rationed(Protocol):
    """A target whose calls are counted."""

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        """Make so many calls more and then none (None: any number), for this reason."""
        ...


@dataclass(slots=True)
class Calls:
    """Owned by one engine, with its connection. ``share`` is the part of the organisation's daily
    limit that all operators' calls together may take."""

    conn: sqlite3.Connection
    clock: Clock
    client_id: str
    share: float = SHARE
    _noted: int = field(default=0)
    _told: tuple[float, int] = field(default=(0.0, 0))

    def note(self, target: Target) -> None:
        """A round is over: count the calls that this process made since the last time. What is
        asked between two rounds (who we are, what time it is) is under no ration."""
        cast("Rationed", target).ration()
        self.count(target.usage())

    def count(self, usage: Usage) -> None:
        """The same for whoever has no target, with what the organisation told of its budget."""
        fresh, self._noted = usage.calls - self._noted, usage.calls
        told = {"api_used": usage.used, "api_limit": usage.limit}
        known = {name: value for name, value in told.items() if value is not None}
        if fresh <= 0:
            return
        with transaction(self.conn):
            key = f"calls:{self._day()}"
            meta.put(self.conn, key, str(int(meta.get(self.conn, key) or 0) + fresh))
            if known:
                targets.put(self.conn, SALESFORCE, **known)

    def budget(self) -> Budget:
        """What is left for today, by what this database knows."""
        state = targets.get(self.conn, SALESFORCE)
        ours = self._mine() + self._others()
        operators = 1 + int(meta.get(self.conn, f"other-callers:{self._day()}") or 0)
        return Budget(state.api_limit, state.api_used, ours, self.share, operators)

    def ration(self, target: Target) -> Problem | None:
        """Let a target make no more calls in this round than are this operator's part of what is
        left: how many pages a reading has is not known before. Until ``note``. Gives why no round
        may begin at all."""
        budget, now = self.budget(), self.clock()
        if budget.is_spent:
            return used_up(budget, now)
        why = used_up(budget, now) if budget.operators == 1 else _part_used_up(budget)
        cast("Rationed", target).ration(budget.part, why)
        return None

    def tell(self, documents: DocumentStore, *, now_or_never: bool = False) -> None:
        """Tell the other operators, and hear of theirs; seldom, unless ``now_or_never`` (the
        engine renews its lease anyway). Raises TargetDown."""
        mine, now = self._mine(), self.clock()
        at, told = self._told
        if mine == told or not (
            now_or_never or mine - told >= self._step() or not 0 <= now - at < TELL_EVERY
        ):
            return
        found = documents.get_many(META, [DOCUMENT])[DOCUMENT]
        day = self._day()
        held = found.fields if found is not None else {}
        fields: dict[FieldPath, Any] = {(day, self.client_id): mine}
        # Somebody's clock may be ahead: yesterday's counts may be the others' of today.
        fields |= {(old,): DELETE_FIELD for old in held if old < self._day(-DAY)}
        kind = Kind.CREATE if found is None else Kind.UPDATE
        documents.write_many([DocWrite(META, DOCUMENT, kind, fields)])
        self._told = (now, mine)
        counts = held.get(day)
        others = [
            count
            for client, count in (counts.items() if isinstance(counts, dict) else ())
            if client != self.client_id and isinstance(count, int)
        ]
        with transaction(self.conn):
            meta.put(self.conn, f"calls-of-others:{day}", str(sum(others)))
            meta.put(self.conn, f"other-callers:{day}", str(len(others)))

    def _step(self) -> int:
        """How many calls may stay untold: so few that all operators' untold ones together are at
        most half of what is left."""
        budget = self.budget()
        if budget.left is None:
            return TELL_AFTER
        return max(1, min(TELL_AFTER, budget.left // (2 * max(2, budget.operators))))

    def _mine(self) -> int:
        return int(meta.get(self.conn, f"calls:{self._day()}") or 0)

    def _others(self) -> int:
        return int(meta.get(self.conn, f"calls-of-others:{self._day()}") or 0)

    def _day(self, ahead: float = 0.0) -> str:
        """The day by Salesforce's clock: all operators count the same one."""
        moment = self.clock() + targets.clock_offset(self.conn) + ahead
        return dt.datetime.fromtimestamp(moment, dt.UTC).date().isoformat()


def used_up(budget: Budget, now: float) -> Problem:
    """Why no call may be made any more today."""
    sentence = (
        f"today's share of Salesforce calls is used up ({budget.ours} of "
        f"{int((budget.limit or 0) * budget.share)}); it goes on at midnight UTC"
    )
    wait = until_tomorrow(now)
    return Problem(ErrorClass.PAUSE, USED_UP, sentence, sentence, retry_after=wait)


def _part_used_up(budget: Budget) -> Problem:
    """Others may spend the rest just now: what is left is seen in the next round."""
    sentence = (
        f"{budget.operators} operators share the {budget.left} Salesforce calls that are left "
        "today, and this one's part is made; it goes on in a minute"
    )
    return Problem(ErrorClass.PAUSE, USED_UP, sentence, sentence, retry_after=A_WHILE)
