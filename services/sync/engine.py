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
from services.sync.calls import Calls
from services.sync.drain import Drainer, Point, no_point
from services.sync.health import Health
from services.sync.inbound import ALONE_AFTER, Inbound, Rhythm
from services.sync.quota import RESERVE, SHARE
from services.sync.settling import Batch, Settler
from services.sync.status import Gate
from services.sync.targets.base import Problem, Target, TargetDown
from store import attempts, bases, deliveries, meta, targets
from store.clock import to_iso
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS

IDLE = 30.0
DAY = 24 * 3600.0
STRIKE_OUT = 30.0
"""Seconds between two looks for debts that ended without a send."""


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


@dataclass(frozen=True, slots=True)
class Pace:
    """How often others' changes are looked for, and which share of Salesforce's daily calls all
    operators together may make."""

    rhythm: Rhythm = field(default_factory=Rhythm)
    share: float = SHARE


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
    pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self.owner = f"{owner_name()}/{self.ctx.new_id()[:8]}"
        with transaction(self.conn):
            client = meta.client_id(self.conn, self.ctx.new_id())
            for each in deliveries.lease_owners(self.conn):
                if is_dead(each):
                    deliveries.expire(self.conn, each)
        self._health = Health(self.conn, self.ctx, self.remotes, self.rng)
        self._calls = Calls(self.conn, self.ctx.clock, client, self.pace.share)
        self.inbound = Inbound(
            self.conn,
            self.ctx,
            client,
            self.owner,
            self.remotes,
            self.configured,
            self._health,
            self._calls,
            self.pace.rhythm,
            self.rng,
            self.point,
        )
        self._drainer = Drainer(
            self.conn,
            self.ctx,
            Settler(self.conn, self.ctx, self.owner, self.rng),
            client,
            self.inbound.look_at_documents,
            self.point,
        )
        self._directory: Directory | None = None
        self._tidied = self._struck_out = 0.0

    @property
    def client_id(self) -> str:
        """This database's identity; a new one where it turned out to be a copy."""
        return self.inbound.know_client()

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
        self._health.come_home(names)
        current = gates(self.conn, self.configured)
        report = {name: Totals() for name in names}
        if SALESFORCE in self.remotes and SALESFORCE in names and current[SALESFORCE].open:
            report[SALESFORCE].problem = self._health.ask_the_time(self.remotes[SALESFORCE])
        if self.inbound.must_read_first([name for name in names if current[name].open]):
            return report
        for name in names:
            target = self.remotes.get(name)
            if target is None or not current[name].open or report[name].problem is not None:
                continue
            if not self._health.may_try(name, impatient=impatient):
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
        times = [IDLE, self.inbound.wait()]
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
        self.inbound.close()

    def _drain(
        self, target: Target, totals: Totals, *, alone: bool, only: Sequence[str] | None
    ) -> None:
        state = targets.get(self.conn, target.name)
        counted = target.name == SALESFORCE
        spent = self._calls.ration(target) if counted else None
        if spent is not None:
            self._health.is_down(target, spent)
        totals.problem = spent or self._health.connect(target)
        if totals.problem is not None:
            return
        directory = getattr(target, "directory", None)
        if directory is not None and directory is not self._directory:
            people_push.refresh(self.conn, self.ctx, directory)
            self._directory = directory
        limit = 1 if state.down_since is not None else target.batch
        part = self._calls.budget().part
        if counted and part is not None:
            limit = max(1, min(limit, part - RESERVE))  # a contested row takes a call of its own
        self._drainer.client_id = self.client_id
        batch = self._drainer.batch(target, limit=limit, alone=alone, only=only)
        if state.down_since is not None and not batch.claimed and batch.down is None:
            batch.down = self._health.probe(target)
        totals.add(batch)
        if counted:
            self._calls.note(target)
        if batch.down is not None:
            self._health.is_down(target, batch.down)
        elif batch.claimed or state.last_ok_at is None or state.down_since is not None:
            fresh = {"last_drain_at": to_iso(self.ctx.clock())} if batch.done else {}
            self._health.is_up(target, **fresh)

    def _share(self, gate: Gate, *, busy: bool) -> None:
        """Note on the documents what Salesforce took (in full groups while it is taking more), and
        what it need not get any more."""
        firestore = self.remotes.get(FIRESTORE)
        away = targets.get(self.conn, FIRESTORE).down_since is not None
        if firestore is None or not gate.open or away:
            return
        waiting = bases.count_unshared(self.conn, SALESFORCE)
        now = self.ctx.clock()
        try:
            if waiting and not (busy and waiting < firestore.batch):
                notes.share(self.conn, self.ctx, firestore, client_id=self.client_id)
            if not 0 <= now - self._struck_out < STRIKE_OUT:
                self._struck_out = now
                notes.strike_out(self.conn, self.ctx, firestore, client_id=self.client_id)
        except TargetDown as down:
            self._health.is_down(firestore, down.problem)

    def _firestore_away(self, gate: Gate, impatient: bool) -> bool:
        """Whether Salesforce goes alone: Firestore is off, paused, or away for a minute. A one-shot
        run has no later, so for it away is away."""
        if not gate.open or FIRESTORE not in self.remotes:
            return True
        since = targets.get(self.conn, FIRESTORE).down_since
        if since is None:
            return False
        return impatient or not 0 <= self.ctx.clock() - since < ALONE_AFTER


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
    """The start time of a process in ticks since boot, where the system tells (Linux).

    None of a process that has ended and is only kept until its parent asks how: such a one still
    takes signals, for ever where nobody asks (a container without an init)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "0"
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
