"""How it stands with each target: reachable or not, whose it is, whose turn it is to ask.

Kept in the database, so that every process on it knows the same.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.context import Context
from services.sync import backoff, timing
from services.sync.targets.base import ErrorClass, Problem, Ref, Target, TargetDown
from store import targets
from store.clock import to_iso
from store.database import transaction

NOBODY = "steerco-probe"
"""An id that no project has: what is asked of it costs one call and moves nothing."""


@dataclass(slots=True)
class Health:
    """Owned by one engine, with its connection."""

    conn: sqlite3.Connection
    ctx: Context
    remotes: Mapping[str, Target]
    rng: random.Random
    _looked: set[str] = field(default_factory=set)

    def may_try(self, name: str, *, impatient: bool) -> bool:
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

    def connect(self, target: Target) -> Problem | None:
        """Reach the target and make sure that it is ours; why not, where it can't be used."""
        try:
            identity = target.connect()
        except TargetDown as down:
            self.is_down(target, down.problem)
            return down.problem
        return self._other_system(target.name, identity)

    def probe(self, target: Target) -> Problem | None:
        """Ask a target that is away and is owed nothing. Being connected proves nothing then: it
        is remembered from before the outage. Gives why the target can't be used."""
        try:
            target.read([Ref(NOBODY)])
        except TargetDown as down:
            # One that refuses this question for good has answered it.
            return None if down.problem.cls is ErrorClass.PERMANENT else down.problem
        return None

    def come_home(self, names: Sequence[str]) -> None:
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

    def is_down(self, target: Target, problem: Problem) -> None:
        """The target can't be used now; the next probe waits longer than the last."""
        now = self.ctx.clock()
        with transaction(self.conn):
            state = targets.get(self.conn, target.name)
            wait = backoff.probe_delay(state.probes, self.rng, asked=problem.retry_after)
            self._put(
                target,
                down_since=state.down_since if state.down_since is not None else now,
                down_code=problem.code,
                down_reason=problem.sentence,
                probe_at=now + wait,
                probes=state.probes + 1,
            )

    def is_up(self, target: Target, **facts: object) -> None:
        """The target answered; ``facts`` are further columns of its state."""
        with transaction(self.conn):
            self._put(
                target,
                down_since=None,
                down_code=None,
                down_reason=None,
                probe_at=None,
                probes=0,
                last_ok_at=to_iso(self.ctx.clock()),
                **facts,
            )

    def ask_the_time(self, target: Target) -> Problem | None:
        """Measure the clock offset where it was never measured, before anything is sent that a
        wrong clock has stamped. Gives why the target can't be used, if it was asked in vain."""
        state = targets.get(self.conn, target.name)
        if state.clock_offset is not None or state.down_since is not None:
            return None
        problem = self.connect(target)
        if problem is None:
            with transaction(self.conn):
                self._put(target)
        return problem

    def _put(self, target: Target, **facts: object) -> None:
        """Store the state of a target, with what its answers told; inside a transaction."""
        usage = _usage(target)
        offset = usage.get("clock_offset")
        if isinstance(offset, float) and targets.get(self.conn, target.name).clock_offset is None:
            timing.correct(self.conn, offset)
        targets.put(self.conn, target.name, **facts, **usage)

    def _other_system(self, name: str, identity: str) -> Problem | None:
        """Bases, ids and outbox belong to one organisation; another one pauses the target."""
        known = targets.get(self.conn, name).identity
        if known == identity:
            return None
        with transaction(self.conn):
            if known is None:
                targets.put(self.conn, name, identity=identity)
                return None
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
            return Problem(ErrorClass.PAUSE, "OTHER_IDENTITY", sentence, sentence)


def _usage(target: Target) -> dict[str, object]:
    usage, offset = target.usage(), target.clock_offset()
    known: dict[str, object] = {
        "api_used": usage.used,
        "api_limit": usage.limit,
        "clock_offset": offset,
    }
    return {name: value for name, value in known.items() if value is not None}
