"""What comes in: other operators' edits from Firestore, people's edits from Salesforce.

By schedule for the terminal and the worker, on demand for a one-shot run and for whoever asks.
Firestore is read first, so that Salesforce is judged with what the other operators have done. Two
clocks are kept apart: Firestore is followed every few seconds, Salesforce read every few minutes
by whoever holds the lease.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from services.context import Context
from services.outbox import ASKED
from services.overview import Gates, gates
from services.sync import carrying, shared_conflicts
from services.sync.calls import Calls
from services.sync.follow import Follower
from services.sync.health import Health
from services.sync.intake import Pulled
from services.sync.poller import Poller
from services.sync.quota import DAY, slowed
from services.sync.reconcile import Reconciler, Recorded
from services.sync.targets.base import ErrorClass, Problem, Target, TargetDown
from services.sync.targets.firestore import FirestoreTarget
from store import deliveries, marks, meta, parked, targets
from store.clock import to_iso
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS

ALONE_AFTER = 60.0
"""Seconds that Firestore may be away before Salesforce is read and written without it."""
TOO_OLD = 60 * DAY
"""Tombstones are stripped after 90 days: who read everything longer ago than this reads it again
before anything is sent."""

Point = Callable[[str], None]


@dataclass(frozen=True)
class Rhythm:
    """Seconds: between looks at Firestore while somebody works and while nobody does, between
    readings of Salesforce, until a record written here is judged, between whole comparisons, and
    until what another operator owes Salesforce is carried for him."""

    follow: float = 2.0
    follow_idle: float = 15.0
    busy: float = 120.0
    reconcile: float = 900.0
    delay: float = 60.0
    whole: float = DAY
    carry: float = carrying.AFTER


@dataclass
class Inbound:
    """Owned by one engine."""

    conn: sqlite3.Connection
    ctx: Context
    client_id: str
    owner: str
    remotes: Mapping[str, Target]
    configured: Gates
    health: Health
    calls: Calls
    rhythm: Rhythm
    rng: random.Random
    point: Point
    _follow_at: float = 0.0
    _reconcile_at: float = 0.0
    _busy_until: float = 0.0
    _asked: str | None = None
    _poller: Poller | None = field(default=None)

    def __post_init__(self) -> None:
        self._asked = meta.get(self.conn, ASKED)

    def turn(self) -> Pulled:
        """What is due by schedule, or was asked for by somebody at this database."""
        self.know_client()
        now, result = self.ctx.clock(), Pulled()
        asked = self._was_asked()
        if now >= self._follow_at or asked or self._clock_went_back(self._follow_at, now):
            result.add(self._follow(whole=self._is_whole_due(FIRESTORE, now), impatient=asked))
            if result.applied or result.deleted:
                self._busy_until = self.ctx.clock() + self.rhythm.busy
            self._follow_at = self.ctx.clock() + self._follow_pause()
        if now >= self._reconcile_at or asked or self._clock_went_back(self._reconcile_at, now):
            result.add(self._scheduled_reconcile(asked=asked))
        return result

    def on_demand(
        self, names: Sequence[str] = TARGETS, *, whole: bool = False, believe: bool = False
    ) -> Pulled:
        """Everything that moved on these targets up to now."""
        self.know_client()
        now, result = self.ctx.clock(), Pulled()
        if FIRESTORE in names:
            all_of_it = whole or self._is_whole_due(FIRESTORE, now)
            result.add(self._follow(whole=all_of_it, impatient=True))
        if SALESFORCE in names:
            all_of_it = whole or self._is_whole_due(SALESFORCE, now)
            pulled = self._reconcile(
                0.0, whole=all_of_it, compare=True, impatient=True, believe=believe
            )
            result.add(pulled)
            self._carry(pulled)
        return result

    def look_at_documents(self, ids: Sequence[str], *, alone: bool = True) -> set[str]:
        """Learn what the other operators did to these projects before Salesforce's rows of them
        are judged: a row that one of them wrote is no person's edit. Gives those whose document
        can't be judged yet, and so their row neither. Where Firestore stays away the rows have to
        speak for themselves; not ``alone``, they can't be judged."""
        target = self.remotes.get(FIRESTORE)
        if target is None or not gates(self.conn, self.configured)[FIRESTORE].open:
            return set() if alone else set(ids)
        since = targets.get(self.conn, FIRESTORE).down_since
        if since is not None:
            return set(ids) if not alone or 0 <= self.ctx.clock() - since < ALONE_AFTER else set()
        follower = Follower(self.conn, self.ctx, self.client_id, self.point)
        try:
            follower.look_at(cast("FirestoreTarget", target), ids)
        except TargetDown as down:
            self.health.is_down(target, down.problem)
            return set(ids)
        finally:
            self.know_client()
        return parked.among(self.conn, FIRESTORE, ids)

    def know_client(self) -> str:
        """Who this database is: another one, since it turned out to be a copy, whichever process
        noticed."""
        self.client_id = self.calls.client_id = meta.get(self.conn, "client_id") or self.client_id
        return self.client_id

    def wait(self) -> float:
        """Seconds until something is due."""
        now = self.ctx.clock()
        current = gates(self.conn, self.configured)
        times = []
        if FIRESTORE in self.remotes and current[FIRESTORE].open:
            times.append(self._follow_at)
        if SALESFORCE in self.remotes and current[SALESFORCE].open:
            times.append(self._reconcile_at)
        return max(0.05, min(times, default=now + DAY) - now)

    def must_read_first(self, names: Sequence[str]) -> bool:
        """Whether this side has been away for so long that nothing may be sent before all is
        read."""
        now = self.ctx.clock()
        return any(
            (at := marks.read_whole_at(self.conn, name)) is not None and now - at > TOO_OLD
            for name in names
            if name in self.remotes
        )

    def close(self) -> None:
        """Let another operator poll."""
        if self._poller is not None:
            with contextlib.suppress(TargetDown):
                self._poller.release()

    def somebody_works(self) -> None:
        """Edits are made here: those of others are looked for more often."""
        now = self.ctx.clock()
        self._busy_until = now + self.rhythm.busy
        self._follow_at = min(self._follow_at, now + self.rhythm.follow)

    def _follow(self, *, whole: bool, impatient: bool) -> Pulled:
        target = self._usable(FIRESTORE, impatient=impatient)
        if target is None:
            return Pulled()
        result = Pulled()
        problem = self.health.connect(target)
        if problem is not None:
            return Pulled(problems={FIRESTORE: problem})
        firestore = cast("FirestoreTarget", target)
        follower = Follower(self.conn, self.ctx, self.client_id, self.point)
        try:
            result.add(follower.follow(firestore, whole=whole))
            self.know_client()
            shared_conflicts.pull(self.conn, self.ctx, firestore.documents)
            shared_conflicts.push(self.conn, self.ctx, firestore.documents)
            self.calls.tell(firestore.documents)
        except TargetDown as down:
            result.add(self._unread(target, down.problem))
            return result
        self._note_refusal(FIRESTORE, None)
        if impatient or result.applied or result.deleted:
            self.health.is_up(target)
        return result

    def _scheduled_reconcile(self, *, asked: bool) -> Pulled:
        now = self.ctx.clock()
        if self._usable(SALESFORCE, impatient=asked) is None:
            self._reconcile_at = now + min(60.0, self.rhythm.reconcile)
            return Pulled()
        if not asked and not self._may_poll():
            self._reconcile_at = now + min(60.0, self.rhythm.reconcile)
            return Pulled()
        whole = self._is_whole_due(SALESFORCE, now)
        result = self._reconcile(
            0.0 if asked else self.rhythm.delay, whole=whole, compare=asked, impatient=asked
        )
        self._carry(result)
        pause = slowed(self.rhythm.reconcile, self.calls.budget(), now)
        until_parked = parked.next_due(self.conn, SALESFORCE)
        if result.problems:
            pause = min(pause, 60.0)
        elif until_parked is not None:
            pause = min(pause, max(1.0, until_parked - now))
        self._reconcile_at = self.ctx.clock() + pause * self.rng.uniform(0.95, 1.05)
        return result

    def _reconcile(
        self,
        delay: float,
        *,
        whole: bool,
        compare: bool,
        impatient: bool,
        believe: bool = False,
    ) -> Pulled:
        target = self._usable(SALESFORCE, impatient=impatient)
        if target is None:
            return Pulled()
        spent = self.calls.ration(target)
        if spent is not None:
            self.health.is_down(target, spent)
            return Pulled(problems={SALESFORCE: spent})
        problem = self.health.connect(target)
        if problem is not None:
            return Pulled(problems={SALESFORCE: problem})
        reconciler = Reconciler(
            self.conn,
            self.ctx,
            self.client_id,
            self.point,
            self.look_at_documents,
            delay,
            believe,
        )
        try:
            result = reconciler.reconcile(cast("Recorded", target), whole=whole, compare=compare)
        except TargetDown as down:
            return self._unread(target, down.problem)
        finally:
            self.calls.note(target)
        self._note_refusal(SALESFORCE, None)
        self.health.is_up(target, last_reconcile_at=to_iso(self.ctx.clock()))
        return result

    def _carry(self, read: Pulled) -> None:
        """Take up what other operators have owed Salesforce for long, right after both sides were
        read, where the poller's lease is held here."""
        now, after = self.ctx.clock(), self.rhythm.carry
        if read.problems or not gates(self.conn, self.configured)[SALESFORCE].open:
            return
        owed = list(carrying.due(self.conn, now, after))
        gone = deliveries.undeleted(self.conn, SALESFORCE, to_iso(now - after), 1)
        if not (owed or gone) or self._usable(FIRESTORE, impatient=False) is None:
            return
        if not self._may_poll():
            return
        later = self.look_at_documents(owed, alone=False)
        if targets.get(self.conn, FIRESTORE).down_since is not None:
            return
        with transaction(self.conn):
            ids = [pid for pid in owed if pid not in later]
            taken = carrying.take_up(self.conn, self.ctx, ids, after)
            taken += carrying.take_up_deletes(self.conn, self.ctx, after)
            self.point("salesforce:taken-up")
        if taken:
            self.point("salesforce:to-be-carried")

    def _unread(self, target: Target, problem: Problem) -> Pulled:
        """A target that could not be read. One that refuses the question for good (a query that
        it does not know, a right that is missing) still takes what is sent: it is not down."""
        if problem.cls is ErrorClass.PERMANENT:
            self._note_refusal(target.name, problem.sentence)
            return Pulled()
        self.health.is_down(target, problem)
        return Pulled(problems={target.name: problem})

    def _note_refusal(self, name: str, sentence: str | None) -> None:
        if marks.refusal(self.conn, name) != sentence:
            with transaction(self.conn):
                marks.note_refusal(self.conn, name, sentence)

    def _may_poll(self) -> bool:
        """Whether it is this process that reads Salesforce by schedule; without Firestore each
        operator does."""
        firestore = self._usable(FIRESTORE, impatient=False)
        if firestore is None:
            return True
        documents = cast("FirestoreTarget", firestore).documents
        if self._poller is None:
            lease = 1.5 * self.rhythm.reconcile + 60.0
            self._poller = Poller(documents, self.ctx.clock, self.owner, self.ctx.operator, lease)
        try:
            mine = self._poller.may_poll()
            if mine:
                self.calls.tell(documents, now_or_never=True)
        except TargetDown as down:
            self.health.is_down(firestore, down.problem)
            return True
        return mine

    def _usable(self, name: str, *, impatient: bool) -> Target | None:
        target = self.remotes.get(name)
        if target is None or not gates(self.conn, self.configured)[name].open:
            return None
        return target if self.health.may_try(name, impatient=impatient) else None

    def _was_asked(self) -> bool:
        """Whether somebody asked for everything since the last look, in whichever process."""
        asked = meta.get(self.conn, ASKED)
        changed, self._asked = asked != self._asked, asked
        return changed

    def _is_whole_due(self, name: str, now: float) -> bool:
        at = marks.read_whole_at(self.conn, name)
        return at is None or not 0 <= now - at < self.rhythm.whole

    def _follow_pause(self) -> float:
        busy = 0 <= self._busy_until - self.ctx.clock() <= self.rhythm.busy
        return self.rhythm.follow if busy else self.rhythm.follow_idle

    def _clock_went_back(self, due: float, now: float) -> bool:
        """A time further ahead than any pause was set before the clock was set back."""
        return due - now > 10 * max(self.rhythm.reconcile, self.rhythm.follow_idle)
