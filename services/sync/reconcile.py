"""Salesforce → here: what people changed there, by SystemModstamp.

A query for the rows that moved behind a mark, with an overlap, since rows become visible some
seconds late; what was judged before is passed over by its content. The mark commits with the rows
that it passes. Rows in the recycle bin come along; those that were purged are found by the list of
deletions and by comparing ids, and are asked for by Id before anything is believed. When more are
gone at once than is likely, nothing is deleted here until a person says so.
"""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.context import Context
from services.sync import provenance
from services.sync.intake import AGAIN, Intake, Pulled, local_values
from services.sync.recovery import TellsHistory, arrived, recover
from services.sync.targets.base import LocalValues, Moved, Ref, Remote, Target
from store import bases, conflicts, deliveries, marks, parked
from store.bases import Base
from store.canon import Values
from store.clock import from_iso, to_iso
from store.database import transaction
from store.deliveries import SALESFORCE
from store.marks import Vanished

OVERLAP = dt.timedelta(minutes=5)
WAITED = dt.timedelta(hours=1)
"""How much longer ago what a parked record went through may have been."""
GROUP = 200
FEW, MANY, SHARE = 3, 20, 0.10
"""Up to ``FEW`` deletions at once are always believed, more than ``MANY`` or than ``SHARE`` of all
projects only after a person's word."""

PROOF = 180.0
"""Seconds after which a record that is gone without proof is looked for a second time."""

Point = Callable[[str], None]


class Recorded(Target, provenance.KeepsHistory, TellsHistory, Protocol):
    """What reconciliation asks of the system of record beside ``Target``."""

    def changed(
        self, since: dt.datetime | None, local: LocalValues, settled: Mapping[str, str]
    ) -> Moved:
        """The rows that moved since a moment (None: all), oldest first, deleted ones included;
        those whose version is in ``settled`` (by Id) only by name."""
        ...

    def everyone(self) -> dict[str, str]:
        """Id to project id of every row that is there."""
        ...

    def deleted(self, since: dt.datetime, until: dt.datetime) -> set[str]:
        """The Ids of rows deleted in between."""
        ...


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Brings what moved in Salesforce. A row that this side wrote less than ``delay`` seconds ago
    is parked. ``beside`` brings in these projects' documents before rows that they may explain are
    judged. ``believe`` takes any number of deletions at once. ``point`` is called by name around
    every commit."""

    conn: sqlite3.Connection
    ctx: Context
    client_id: str
    point: Point
    beside: Callable[[Sequence[str]], set[str]]
    delay: float = 0.0
    believe: bool = False

    def reconcile(self, target: Recorded, *, whole: bool = False, compare: bool = False) -> Pulled:
        """What moved since the last time, or with ``whole`` everything; ``compare`` looks for the
        Id of every known row. Raises TargetDown; what was applied before that stays applied, and
        the mark with it."""
        mark = marks.mark(self.conn, SALESFORCE)
        whole = whole or mark is None
        now = self._server_now(target)
        result = Pulled()
        waiting = parked.due(self.conn, SALESFORCE, self.ctx.clock())
        since = None if whole or mark is None else mark - OVERLAP
        read_at = self.ctx.clock()
        settled = bases.settled(self.conn, SALESFORCE)
        found = target.changed(since, self._local, settled)
        remotes = self._ours(found)
        alive = [remote for remote in remotes if not remote.deleted]
        self._take_in(target, alive, read_at, result, advance=True)
        seen = {remote.project_id for remote in remotes}
        again = self._read_again(target, [pid for pid in waiting if pid not in seen], result)
        if mark is not None:
            since = mark - OVERLAP
            unasked = arrived(self.conn, [r.project_id for r in again.there], since)
            late = [remote for remote in again.there if remote.project_id in unasked]
            moved = {str(r.remote_id): r.project_id for r in (*alive, *late)}
            since -= WAITED if late else dt.timedelta()
            result.conflicts += recover(self.conn, self.ctx, target, moved, since)
        there = None
        if whole:
            there = {remote.project_id for remote in alive} | set(found.settled.values())
        elif compare:
            there = set(target.everyone().values())
        gone = again.absent | {remote.project_id for remote in remotes if remote.deleted}
        span = ((mark or now) - OVERLAP, now)
        self._bury_the_gone(target, _Suspects(gone, there, set(waiting), span), result)
        with transaction(self.conn):
            marks.advance(self.conn, SALESFORCE, mark or now - OVERLAP)
            if whole:
                marks.was_read_whole(self.conn, SALESFORCE, self.ctx.clock())
        return result

    def _take_in(
        self,
        target: Recorded,
        remotes: Sequence[Remote],
        read_at: float,
        result: Pulled,
        *,
        advance: bool = False,
    ) -> None:
        for start in range(0, len(remotes), GROUP):
            whole = remotes[start : start + GROUP]
            group, later = self._dated(target, whole)
            with transaction(self.conn):
                intake = Intake(
                    self.conn, self.ctx, SALESFORCE, self.client_id, read_at, self.delay
                )
                result.add(intake.take_in(group))
                parked.park(self.conn, SALESFORCE, later, self.ctx.clock() + AGAIN)
                if advance and whole[-1].token is not None:
                    marks.advance(self.conn, SALESFORCE, from_iso(whole[-1].token))
                self.point("salesforce:taken-in")
            self.point("salesforce:reconciled")

    def _read_again(self, target: Recorded, ids: Sequence[str], result: Pulled) -> _Again:
        """Judge parked records."""
        again = _Again()
        for start in range(0, len(ids), GROUP):
            read_at = self.ctx.clock()
            found = self._by_id(target, ids[start : start + GROUP])
            there = [remote for remote in found if remote.exists and not remote.deleted]
            self._take_in(target, there, read_at, result)
            again.there.extend(there)
            again.absent.update({r.project_id for r in found} - {r.project_id for r in there})
        return again

    def _bury_the_gone(self, target: Recorded, suspects: _Suspects, result: Pulled) -> None:
        """Projects that should be there and are not, each proven by its Id."""
        known = bases.remote_ids(self.conn, SALESFORCE)
        told: set[str] | None = None
        if suspects.there is None:
            told = target.deleted(*suspects.span)
        listed = {pid for pid, sf_id in known.items() if sf_id in (told or ())}
        missing = known.keys() - (suspects.there if suspects.there is not None else known.keys())
        suspected = sorted(suspects.gone & known.keys() | listed | missing)
        ids = self._open_here(suspected)
        self._note_buried(suspected)
        read_at = self.ctx.clock()
        absent = [
            remote
            for start in range(0, len(ids), GROUP)
            for remote in self._by_id(target, ids[start : start + GROUP])
            if remote.deleted or not remote.exists
        ]
        if told is None and any(not remote.deleted for remote in absent):
            told = target.deleted(*suspects.span)
        absent = [
            remote
            if remote.deleted or known[remote.project_id] not in (told or ())
            else _purged(remote)
            for remote in absent
        ]
        too_many = not self.believe and len(absent) > believable(len(known))
        vanished = Vanished(tuple(r.project_id for r in absent), len(known)) if too_many else None
        late = [r for r in absent if not r.deleted and r.project_id not in suspects.looked_for]
        with transaction(self.conn):
            if vanished != marks.vanished(self.conn, SALESFORCE):
                marks.note_vanished(self.conn, SALESFORCE, vanished)
            # The list of deletions lags by a minute: without proof it is looked for once more.
            until = self.ctx.clock() + PROOF
            parked.park(self.conn, SALESFORCE, [r.project_id for r in late], until)
        if not too_many:
            self._take_in(target, [r for r in absent if r not in late], read_at, result)

    def _note_buried(self, ids: Sequence[str]) -> None:
        """Of projects that are deleted here it is known now that they are gone there, too."""
        here = self._local(ids)
        now = to_iso(self.ctx.clock())
        with transaction(self.conn):
            gone = [
                Base(pid, SALESFORCE, False, acked_at=now, shared=True)
                for pid in ids
                if pid not in here and not deliveries.open_of_project(self.conn, pid, SALESFORCE)
            ]
            bases.put(self.conn, gone)

    def _open_here(self, ids: Sequence[str]) -> list[str]:
        """Those that exist here and that nobody is asked about already."""
        here, asked = self._local(ids), conflicts.waiting_for_person(self.conn, ids)
        return [pid for pid in ids if pid in here and pid not in asked]

    def _ours(self, moved: Moved) -> list[Remote]:
        """Where two rows carry one project's id, the one that is known."""
        known = bases.remote_ids(self.conn, SALESFORCE)
        living = [remote for remote in moved.remotes if not remote.deleted]
        there = {remote.remote_id for remote in living} | moved.settled.keys()
        alive = {remote.project_id for remote in living} | set(moved.settled.values())
        found = []
        for remote in moved.remotes:
            mine = known.get(remote.project_id, remote.remote_id)
            is_other = mine != remote.remote_id
            if remote.deleted and (is_other or remote.project_id in alive):
                continue
            if not (is_other and mine in there):
                found.append(remote)
        return found

    def _by_id(self, target: Recorded, ids: Sequence[str]) -> list[Remote]:
        mine = self._local(ids)
        known = bases.get_many(self.conn, ids, SALESFORCE)
        refs = [
            Ref(pid, known[pid].remote_id if pid in known else None, mine.get(pid, {}))
            for pid in ids
        ]
        return list(target.read(refs).values())

    def _dated(self, target: Recorded, remotes: Sequence[Remote]) -> tuple[list[Remote], set[str]]:
        """The rows with the time of each field that both sides changed, where it is kept; and the
        projects that can't be judged yet."""
        ids = [remote.project_id for remote in remotes]
        by_id = {remote.project_id: remote for remote in remotes}
        known, later = bases.get_many(self.conn, ids, SALESFORCE), set[str]()
        unclear = self._clashes(by_id)
        unclear += provenance.unexplained(by_id, self._local(ids), known)
        if unclear:
            later = self.beside(unclear)
            by_id = {pid: remote for pid, remote in by_id.items() if pid not in later}
            known = bases.get_many(self.conn, ids, SALESFORCE)
            unclear = self._clashes(by_id)
            unclear += provenance.unexplained(by_id, self._local(ids), known)
        return list(provenance.dated(target, by_id, unclear, known).values()), later

    def _clashes(self, remotes: Mapping[str, Remote]) -> list[str]:
        ids = list(remotes)
        known = bases.get_many(self.conn, ids, SALESFORCE)
        owed = deliveries.undelivered(self.conn, ids, SALESFORCE)
        return provenance.clashes(remotes, self._local(ids), known, owed)

    def _server_now(self, target: Target) -> dt.datetime:
        now = self.ctx.clock() + (target.clock_offset() or 0.0)
        return dt.datetime.fromtimestamp(now, dt.UTC)

    def _local(self, ids: Sequence[str]) -> Mapping[str, Values]:
        return local_values(self.conn, ids)


@dataclass(frozen=True, slots=True)
class _Again:
    """Parked records that were read once more, and the projects of those that are gone."""

    there: list[Remote] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Suspects:
    """``gone``: read as deleted, or not found any more. ``there``: every project that has a row,
    where that is known. ``looked_for``: missed before. ``span``: what the list of deletions is
    asked for."""

    gone: set[str]
    there: set[str] | None
    looked_for: set[str]
    span: tuple[dt.datetime, dt.datetime]


def _purged(remote: Remote) -> Remote:
    """A row that is nowhere any more, and that the list of deletions names."""
    return Remote(remote.project_id, exists=True, deleted=True)


def believable(known: int) -> int:
    """How many of so many projects may be deleted at once without a person's word."""
    return min(MANY, max(FEW, math.floor(known * SHARE)))
