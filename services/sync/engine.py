"""The engine: one cycle over both targets, outages and identities included.

A cycle is a plain function of the database, the targets and the clock: it never sleeps. Threads,
timers and the one-shot command are in ``thread`` and ``run``.
"""

from __future__ import annotations

import os
import random
import socket
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.context import Context
from services.overview import OPEN_GATES, Gates, gates
from services.people import Directory
from services.sync import backoff, notes, people_push
from services.sync.drain import Batch, Drainer, Point, no_point
from services.sync.status import Gate
from services.sync.targets.base import ErrorClass, Problem, Target, TargetDown
from store import attempts, bases, deliveries, meta, targets
from store.clock import to_iso
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS

ALONE_AFTER = 60.0
"""Seconds that Firestore may be away before Salesforce is written without it."""
IDLE = 30.0
DAY = 24 * 3600.0


@dataclass
class Totals:
    """What one target got in a cycle (or several): deliveries done and dead, fields taken from it,
    conflicts made. ``problem`` is why it could not be used."""

    done: int = 0
    failed: int = 0
    taken: int = 0
    conflicts: int = 0
    problem: Problem | None = None

    def add(self, batch: Batch) -> None:
        """Count a batch in."""
        self.done += batch.done
        self.failed += batch.failed
        self.taken += batch.taken
        self.conflicts += batch.conflicts
        self.problem = batch.down or self.problem


@dataclass
class Engine:
    """Owned by one thread. ``configured`` says which targets the configuration lets move;
    ``point`` is called by name around every commit, send and acknowledgement."""

    conn: sqlite3.Connection
    ctx: Context
    remotes: Mapping[str, Target]
    configured: Gates = field(default_factory=lambda: OPEN_GATES)
    rng: random.Random = field(default_factory=random.Random)
    point: Point = no_point

    def __post_init__(self) -> None:
        self.owner = f"{owner_name()}/{self.ctx.new_id()[:8]}"
        with transaction(self.conn):
            client = meta.client_id(self.conn, self.ctx.new_id())
            for each in deliveries.lease_owners(self.conn):
                if is_dead(each):
                    deliveries.expire(self.conn, each)
        self._drainer = Drainer(self.conn, self.ctx, self.owner, client, self.rng, self.point)
        self.client_id = client
        self._directory: Directory | None = None
        self._tidied = 0.0
        self._looked: set[str] = set()

    def cycle(
        self,
        *,
        only: Sequence[str] | None = None,
        names: Sequence[str] = TARGETS,
        impatient: bool = False,
    ) -> dict[str, Totals]:
        """One batch to each target that may move and has something to get.

        ``only`` restricts it to some projects, ``names`` to some targets; ``impatient`` probes a
        target that is away without waiting for its turn.
        """
        self.tidy()
        self._come_home(names)
        current = gates(self.conn, self.configured)
        report = {name: Totals() for name in names}
        for name in names:
            target = self.remotes.get(name)
            if target is None or not current[name].open or not self._may_try(name, impatient):
                continue
            alone = name == SALESFORCE and (
                FIRESTORE not in names or self._firestore_away(current[FIRESTORE], impatient)
            )
            self._drain(target, report[name], alone=alone, only=only)
        if FIRESTORE in names and report[FIRESTORE].problem is None:
            busy = SALESFORCE in names and report[SALESFORCE].done > 0
            self._share(current[FIRESTORE], busy=busy)
        return report

    def wait(self) -> float:
        """Seconds until a cycle may find something to do, without anybody committing."""
        now = self.ctx.clock()
        current = gates(self.conn, self.configured)
        times = [IDLE]
        for name in self.remotes:
            if not current[name].open:
                continue
            due = deliveries.next_due(self.conn, name, now)
            if due is None:
                continue
            state = targets.get(self.conn, name)
            if state.down_since is not None and state.probe_at is not None:
                due = max(due, min(state.probe_at, now + backoff.CAP))
            # What is due but can't be claimed (a link without its parent) must not spin.
            times.append(max(0.25, due - now))
        return min(times)

    def tidy(self) -> int:
        """Forget attempts that are older than a month, once a day; gives how many."""
        now = self.ctx.clock()
        if 0 <= now - self._tidied < DAY:
            return 0
        self._tidied = now
        with transaction(self.conn):
            return attempts.prune(self.conn, to_iso(now - attempts.KEPT_DAYS * DAY))

    def release(self) -> None:
        """Give the leases back: the next owner need not wait for them."""
        with transaction(self.conn):
            deliveries.release(self.conn, self.owner)

    def _drain(
        self, target: Target, totals: Totals, *, alone: bool, only: Sequence[str] | None
    ) -> None:
        state = targets.get(self.conn, target.name)
        try:
            identity = target.connect()
        except TargetDown as down:
            totals.problem = down.problem
            self._is_down(target, down.problem)
            return
        if not self._is_ours(target.name, identity, totals):
            return
        directory = getattr(target, "directory", None)
        if directory is not None and directory is not self._directory:
            people_push.refresh(self.conn, self.ctx, directory)
            self._directory = directory
        limit = 1 if state.down_since is not None else target.batch
        batch = self._drainer.batch(target, limit=limit, alone=alone, only=only)
        totals.add(batch)
        if batch.down is not None:
            self._is_down(target, batch.down)
        elif batch.claimed or state.last_ok_at is None or state.down_since is not None:
            self._is_up(target, drained=batch.done > 0)

    def _share(self, gate: Gate, *, busy: bool) -> None:
        """Note on the documents what Salesforce took: in full groups while it is taking more."""
        firestore = self.remotes.get(FIRESTORE)
        away = targets.get(self.conn, FIRESTORE).down_since is not None
        if firestore is None or not gate.open or away:
            return
        waiting = bases.count_unshared(self.conn, SALESFORCE)
        if not waiting or (busy and waiting < firestore.batch):
            return
        try:
            notes.share(self.conn, self.ctx, firestore, client_id=self.client_id)
        except TargetDown as down:
            self._is_down(firestore, down.problem)

    def _may_try(self, name: str, impatient: bool) -> bool:
        """Whether it is this process's turn: a target that is away gets one probe at a time."""
        now = self.ctx.clock()
        state = targets.get(self.conn, name)
        if state.down_since is None or impatient:
            return True
        with transaction(self.conn):
            state = targets.get(self.conn, name)
            ahead = (state.probe_at or 0.0) - now
            if 0 < ahead <= backoff.CAP:
                return False
            targets.put(self.conn, name, probe_at=now + backoff.probe_delay(0, self.rng))
        return True

    def _firestore_away(self, gate: Gate, impatient: bool) -> bool:
        """Whether Salesforce goes alone: Firestore is off, paused, or away for a minute. A one-shot
        run has no later, so for it away is away."""
        if not gate.open or FIRESTORE not in self.remotes:
            return True
        since = targets.get(self.conn, FIRESTORE).down_since
        if since is None:
            return False
        return impatient or not 0 <= self.ctx.clock() - since < ALONE_AFTER

    def _come_home(self, names: Sequence[str]) -> None:
        """Let a target go on that was paused for being another system and is ours again. A process
        is led to the same system all its life, so it looks once."""
        for name in set(names) & set(self.remotes) - self._looked:
            self._looked.add(name)
            if targets.get(self.conn, name).paused_by != "steerco":
                continue
            try:
                identity = self.remotes[name].connect()
            except TargetDown:
                continue
            with transaction(self.conn):
                known = targets.get(self.conn, name)
                if known.paused_by == "steerco" and known.identity == identity:
                    targets.put(self.conn, name, paused_by=None, paused_at=None, pause_reason=None)

    def _is_ours(self, name: str, identity: str, totals: Totals) -> bool:
        """Bases, ids and outbox belong to one organisation; another one pauses the target."""
        known = targets.get(self.conn, name).identity
        if known == identity:
            return True
        with transaction(self.conn):
            if known is None:
                targets.put(self.conn, name, identity=identity)
                return True
            sentence = (
                f"{name} is {identity} now, but this database belongs to {known}; nothing is sent "
                f"until somebody decides (steerco outbox resume --target {name} --adopt)"
            )
            targets.put(
                self.conn,
                name,
                paused_by="steerco",
                paused_at=to_iso(self.ctx.clock()),
                pause_reason=sentence,
            )
            totals.problem = Problem(ErrorClass.PAUSE, "OTHER_IDENTITY", sentence, sentence)
        return False

    def _is_down(self, target: Target, problem: Problem) -> None:
        now = self.ctx.clock()
        with transaction(self.conn):
            state = targets.get(self.conn, target.name)
            wait = backoff.probe_delay(state.probes, self.rng, asked=problem.retry_after)
            targets.put(
                self.conn,
                target.name,
                down_since=state.down_since if state.down_since is not None else now,
                down_code=problem.code,
                down_reason=problem.sentence,
                probe_at=now + wait,
                probes=state.probes + 1,
                **self._usage(target),
            )

    def _is_up(self, target: Target, *, drained: bool) -> None:
        now = to_iso(self.ctx.clock())
        with transaction(self.conn):
            fresh: dict[str, object] = {"last_drain_at": now} if drained else {}
            targets.put(
                self.conn,
                target.name,
                down_since=None,
                down_code=None,
                down_reason=None,
                probe_at=None,
                probes=0,
                last_ok_at=now,
                **fresh,
                **self._usage(target),
            )

    @staticmethod
    def _usage(target: Target) -> dict[str, object]:
        usage, offset = target.usage(), target.clock_offset()
        known: dict[str, object] = {
            "api_used": usage.used,
            "api_limit": usage.limit,
            "clock_offset": offset,
        }
        return {name: value for name, value in known.items() if value is not None}


def owner_name() -> str:
    """This process as the owner of leases: host, process id, and when the process began."""
    return f"{socket.gethostname()}/{os.getpid()}/{_began(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether an owner was a process of this machine that is gone; False where nobody can tell."""
    host, _, rest = owner.partition("/")
    pid, _, began = rest.partition("/")
    began = began.partition("/")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _began(int(pid)) != began


def _began(pid: int) -> str:
    """The start time of a process in ticks since boot, where the system tells (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0"
    return stat.rpartition(")")[2].split()[19]
