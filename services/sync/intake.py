"""Records that were read on one target, judged and applied here. One transaction, the caller's."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from services.context import Context
from services.sync import takeover
from services.sync.absorb import ask, set_base, take_over
from services.sync.case import LATE, NOBODYS, SECOND, Case
from services.sync.debts import with_debts
from services.sync.merge import equals
from services.sync.provenance import delivered, is_ours, was_overtaken
from services.sync.pulled import Here, Pull, Verdict, judge_pulled
from services.sync.targets.base import Problem, Remote
from store import (
    attempts,
    bases,
    candidates,
    conflicts,
    deliveries,
    fields,
    owes,
    parked,
    projects,
    targets,
)
from store.attempts import Attempt
from store.bases import Base
from store.canon import Value, Values, shown
from store.clock import from_iso, to_iso
from store.conflicts import Conflict
from store.database import ODD, by_itself
from store.deliveries import FIRESTORE, ROW, SALESFORCE, TARGETS, Owed
from store.projects import Project

UNREADABLE = "UNREADABLE"
ODD_AGAIN = 900.0
"""Seconds until a record that made no sense is looked at again."""
AGAIN = LATE.total_seconds()
"""Seconds until a record that could not be judged is looked at again."""
MENDED = dt.timedelta(minutes=2)
"""How long another operator has to tell of what he wrote into a row, or to find it was old."""
UNTOLD, UNTOLD_AGAIN = dt.timedelta(minutes=15), 60.0
"""How long after a person's edit its row waits for what its maker has to tell, and the seconds
between two looks. Later the time of the edit decides, and the loser is kept."""


@dataclass
class Pulled:
    """What was taken from a target: projects changed or made, conflicts made, projects deleted.
    ``problems`` says, by target, why it could not be read to the end."""

    applied: int = 0
    conflicts: int = 0
    deleted: int = 0
    problems: dict[str, Problem] = field(default_factory=dict)

    def add(self, other: Pulled) -> None:
        """Count another one in."""
        self.applied += other.applied
        self.conflicts += other.conflicts
        self.deleted += other.deleted
        self.problems |= other.problems


@dataclass(frozen=True, slots=True)
class Intake:
    """``read_at`` is when the records were read (epoch seconds); a record that this side wrote
    less than ``delay`` seconds before is looked at later."""

    conn: sqlite3.Connection
    ctx: Context
    target: str
    client_id: str
    read_at: float
    delay: float = 0.0

    def take_in(self, remotes: Sequence[Remote]) -> Pulled:
        """Judge each record against this side as it stands in this very transaction."""
        known = _Known.read(self.conn, self.target, remotes)
        result = Pulled()
        for remote in remotes:
            if known.is_old_news(remote):
                parked.release(self.conn, self.target, [remote.project_id])
                continue
            try:
                with by_itself(self.conn):
                    self._one(remote, known, result)
            except ODD as error:
                self._leave(remote, error)
        return result

    def _leave(self, remote: Remote, error: Exception) -> None:
        """A record that nobody foresaw is left as it is here and looked at again: the others go
        on. Why is kept with its attempts."""
        pid, now = remote.project_id, self.ctx.clock()
        parked.park(self.conn, self.target, [pid], now + ODD_AGAIN)
        what = shown(f"{type(error).__name__}: {error}", 200)
        told = Attempt(to_iso(now), self.target, pid, ROW, 0, "read", "permanent", UNREADABLE, what)
        attempts.add(self.conn, [told])

    def _one(self, remote: Remote, known: _Known, result: Pulled) -> None:
        pid = remote.project_id
        # As it is now: a record before this one may have cut its link.
        project, waits = projects.get(self.conn, pid), known.open_asked.get(pid)
        case = known.case(remote, project, self.client_id, from_iso(to_iso(self.read_at)))
        here = known.here(pid)
        until = self._written_until(case) or self._untold_until(case) or self._older_until(case)
        pull = Pull(Verdict.LATER) if until else judge_pulled(case, here)
        if pull.verdict is Verdict.LATER:
            parked.park(self.conn, self.target, [pid], until or self.ctx.clock() + AGAIN)
            return
        parked.release(self.conn, self.target, [pid])
        if waits is not None:
            if waits.target != self.target or pull.verdict is not Verdict.MERGE:
                return
            if waits.theirs == "deleted":  # else his delete waits here, and nothing was missing
                self._is_back(waits)
        self._apply(pull, case, project, result)
        if self.target == FIRESTORE:
            takeover.hear(self.conn, self.ctx, case)

    def _apply(self, pull: Pull, case: Case, project: Project | None, result: Pulled) -> None:
        conn, ctx = self.conn, self.ctx
        match pull.verdict:
            case Verdict.MERGE:
                assert project is not None
                _, made = take_over(conn, ctx, case, pull.merged, project)
                set_base(conn, ctx, case)
                result.conflicts += made
                result.applied += bool(pull.merged.take)
            case Verdict.CREATE:
                takeover.create(conn, ctx, case)
                result.applied += 1
            case Verdict.REVIVE:
                takeover.revive(conn, ctx, case)
                result.applied += 1
            case Verdict.BURY:
                assert project is not None
                takeover.bury(conn, ctx, case, project)
                result.deleted += 1
            case Verdict.REMEMBER:
                takeover.remember(conn, ctx, case)
            case Verdict.ASK:
                result.conflicts += ask(conn, ctx, case, pull.why)
            case Verdict.NOTHING:
                if case.mine is None and not (case.remote.exists and not case.remote.deleted):
                    takeover.note_gone(conn, ctx, case)

    def _written_until(self, case: Case) -> float | None:
        """When a record that this side wrote just now may be looked at; None: at once."""
        base = case.base
        if not self.delay or base is None or self.target != SALESFORCE or not base.acked_at:
            return None
        until = from_iso(base.acked_at).timestamp() + self.delay
        return until if self.ctx.clock() < until <= self.ctx.clock() + self.delay else None

    def _untold_until(self, case: Case) -> float | None:
        """When to look again at a row that somebody edited before its maker told what he had made
        it of: until he does nobody can say which of its values are edits. None: judge it now."""
        remote = case.remote
        if self.target != SALESFORCE or case.base is not None or remote.deleted:
            return None
        untold = any(
            owed.seq is None and remote.values.get(path) != (case.mine or {}).get(path)
            for path, owed in case.owed.items()
            if path in remote.values
        )
        if not untold or remote.modified_by_us or remote.modified_at is None:
            return None
        age = case.now + case.offset - remote.modified_at
        return self.ctx.clock() + UNTOLD_AGAIN if age < UNTOLD else None

    def _older_until(self, case: Case) -> float | None:
        """When to look once more at a row that has another value than is in force here: rows show
        some seconds late, and what was set here since its last change may be there by then; and
        another operator's engine may have written upon the look it had before the version that is
        known here: he tells the document, or finds it to be old himself. None: judge it now."""
        remote, pid = case.remote, case.claim.project_id
        if self.target != SALESFORCE or case.mine is None or remote.modified_at is None:
            return None
        if remote.deleted:
            return None
        base = case.base.values if case.base else {}
        strange = [
            stamp
            for path, value in remote.values.items()
            if value != case.mine.get(path)
            and path not in case.owed
            and not equals(value, base.get(path, fields.DEFAULTS.get(path)))
            and (stamp := case.stamp(path)) is not None
        ]
        if strange and remote.modified_by_us and _was_written_unseen(case):
            age = case.now + case.offset - remote.modified_at
            return self.ctx.clock() + UNTOLD_AGAIN if age < MENDED else None
        newer = any(from_iso(stamp.at) > remote.modified_at + SECOND for stamp in strange)
        if not newer or parked.among(self.conn, SALESFORCE, [pid]):
            return None
        return self.ctx.clock() + AGAIN

    def _is_back(self, waits: Conflict) -> None:
        """A record that was missing is there again: what waited for a decision goes on."""
        now = to_iso(self.ctx.clock())
        conflicts.resolve(self.conn, waits.id, conflicts.BACK, "steerco", now)
        deliveries.let_go(self.conn, waits.project_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """What this side knows of the projects of one reading."""

    conn: sqlite3.Connection
    target: str
    local: Mapping[str, Project]
    based: Mapping[str, Base]
    owed: Mapping[str, Mapping[str, Owed]]
    edited: set[str]
    waiting: Mapping[str, candidates.Waiting]
    buried: set[str]
    decided: Mapping[str, Mapping[tuple[str, Value], str]]
    open_asked: Mapping[str, Conflict]

    @staticmethod
    def read(conn: sqlite3.Connection, target: str, remotes: Sequence[Remote]) -> _Known:
        ids = [remote.project_id for remote in remotes]
        local, based = projects.get_many(conn, ids), bases.get_many(conn, ids, target)
        owed = deliveries.undelivered(conn, ids, target)
        if target == SALESFORCE:
            rows = {remote.project_id: remote for remote in remotes}
            owed = with_debts(conn, owed, local, based, rows)
        other = next(name for name in TARGETS if name != target)
        waiting = candidates.waiting(conn, target, ids)
        edited = {
            pid
            for side in (waiting, candidates.waiting(conn, other, ids))
            for pid, each in side.items()
            if any(item.origin not in NOBODYS for item in each.claim.items)
        }
        buried = conn.execute(
            "SELECT project_id FROM tombstones "
            "WHERE project_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return _Known(
            conn,
            target,
            local,
            based,
            owed,
            edited | owes.of_projects(conn, ids).keys(),
            waiting,
            {row[0] for row in buried},
            conflicts.decided_for_mine(conn, ids),
            conflicts.waiting_for_person(conn, ids),
        )

    def is_old_news(self, remote: Remote) -> bool:
        """Whether this very version was judged before."""
        base = self.based.get(remote.project_id)
        if base is None or base.token != remote.token or remote.token is None:
            return False
        if remote.deleted or not base.present:
            return remote.deleted and not base.present
        if remote.project_id in self.open_asked:
            return False
        if self.target == FIRESTORE:
            return remote.project_id in self.local
        if not base.settled:
            return False
        values = {path: value for path, value in remote.values.items() if value is not None}
        return base.values == values

    def here(self, project_id: str) -> Here:
        return Here(
            buried=project_id in self.buried,
            under_way=self.waiting[project_id].under_way,
            edited=project_id in self.edited,
        )

    def case(
        self, remote: Remote, project: Project | None, client_id: str, now: dt.datetime
    ) -> Case:
        pid = remote.project_id
        return Case(
            claim=self.waiting[pid].claim,
            mine=project.values if project else None,
            base=self.based.get(pid),
            remote=remote,
            owed=self.owed.get(pid, {}),
            stamp=projects.stamps_of(self.conn, pid, project),
            client_id=client_id,
            now=now,
            known=self.decided.get(pid, {}),
            overtaken=partial(was_overtaken, self.conn, pid),
            ours=partial(is_ours, self.conn),
            offset=dt.timedelta(seconds=targets.clock_offset(self.conn)),
            delivered=partial(delivered, self.conn, pid, self.target),
        )


def _was_written_unseen(case: Case) -> bool:
    """Whether whoever wrote the row last may not have seen the version that is known here: a write
    follows its look within seconds, and rows show some seconds late."""
    base, written = case.base, case.remote.modified_at
    assert written is not None
    if base is None:
        return True
    known = base.modified_at or base.token
    since = from_iso(known) if known else from_iso(base.acked_at) + case.offset
    return written - since <= LATE


def local_values(conn: sqlite3.Connection, ids: Sequence[str]) -> Mapping[str, Values]:
    """The present local values by project."""
    return {pid: project.values for pid, project in projects.get_many(conn, ids).items()}
