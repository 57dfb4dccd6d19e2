"""One batch to one target: claim, read, judge, write down, send, acknowledge.

Three short transactions around two network calls. What is about to leave is durable before it
leaves, so that whoever finds it later reads the record before sending anything again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, cast

from services.context import Context
from services.sync import arrived, backoff, identity, provenance, takeover
from services.sync.absorb import absorb
from services.sync.debts import is_owed, with_debts
from services.sync.judge import Case, Decision, judge
from services.sync.parts import parts
from services.sync.provenance import KeepsHistory
from services.sync.targets.base import (
    Action,
    ErrorClass,
    Outcome,
    Problem,
    Ref,
    Remote,
    Stamp,
    Target,
    TargetDown,
    Write,
)
from store import attempts, bases, conflicts, deliveries, fields, meta, owes, projects, targets
from store.attempts import Attempt
from store.bases import Base
from store.canon import Values, shown, total_of
from store.clock import from_iso, to_iso
from store.database import ODD, by_itself, transaction
from store.deliveries import FIRESTORE, LABELS, ROW, SALESFORCE, Claim, Owed
from store.projects import Project, to_json

LEASE = 120.0
FRESH = 2.0
"""Seconds between reading a record and writing it; beyond, it is read again."""
NOT_CURRENT = 60.0
"""Seconds until somebody else's edit is tried again where his document could not be read."""
ALARM = 3
"""A write sent this often without effect is worth a person's look."""

Point = Callable[[str], None]


class Beside(Protocol):
    """Brings in these projects' documents; gives those that can't be judged now. ``alone``: where
    Firestore stays away the rows have to speak for themselves."""

    def __call__(self, ids: Sequence[str], *, alone: bool = True) -> set[str]: ...


def no_point(_name: str) -> None:
    """Named points of the engine, where tests kill the process."""


@dataclass
class Batch:
    """What one batch did. ``down`` is why the target could not be used at all."""

    claimed: int = 0
    done: int = 0
    failed: int = 0
    taken: int = 0
    conflicts: int = 0
    down: Problem | None = None


@dataclass
class _Job:
    claim: Claim
    case: Case
    decision: Decision
    write: Write
    project: Project | None


@dataclass
class Drainer:
    """Drains the outbox into one target at a time. Owned by one thread, with its connection.

    ``beside`` brings in these projects' documents before rows that they may explain are judged;
    ``lease`` is how long a claim is held, ``fresh`` how old a read may be when its write leaves,
    both in seconds."""

    conn: sqlite3.Connection
    ctx: Context
    owner: str
    client_id: str
    rng: random.Random
    beside: Beside
    point: Point = field(default=no_point)
    lease: float = LEASE
    fresh: float = FRESH

    def batch(
        self,
        target: Target,
        *,
        limit: int,
        alone: bool = False,
        only: Sequence[str] | None = None,
    ) -> Batch:
        """Claim up to ``limit`` projects and bring them to the target as far as it lets us."""
        with transaction(self.conn):
            claims = deliveries.claim(
                self.conn,
                target.name,
                self.owner,
                self.ctx.clock(),
                lease=self.lease,
                limit=limit,
                alone=alone,
                only=only,
            )
        result = Batch(claimed=len(claims))
        if not claims:
            return result
        self.point(f"{target.name}:claimed")
        try:
            self._carry(target, claims, result)
        except TargetDown as down:
            result.down = down.problem
            with transaction(self.conn):
                for claim in claims:
                    self._give_back(claim)
        return result

    def _carry(self, target: Target, claims: list[Claim], result: Batch) -> None:
        claims = self._current(claims)
        local = projects.get_many(self.conn, [c.project_id for c in claims])
        known = bases.get_many(self.conn, [c.project_id for c in claims], target.name)
        refs = [self._ref(c, local.get(c.project_id), known.get(c.project_id)) for c in claims]
        # The time that counts is the one after the answer: a read may itself take longer than it
        # stays fresh, and would otherwise be made again for ever.
        remotes, read_at = target.read(refs), self.ctx.clock()
        self.point(f"{target.name}:read")
        if target.name == FIRESTORE and self._is_copy(remotes):
            return
        history = {}
        if target.name == SALESFORCE:
            teller = cast("KeepsHistory", target)
            history = provenance.fates(teller, claims, remotes)
            unclear = self._clashes(remotes, local, known)
            mine = {pid: project.values for pid, project in local.items()}
            unclear += provenance.unexplained(remotes, mine, known)
            if unclear:
                claims = self._without(self.beside(unclear), claims)
                ids = [claim.project_id for claim in claims]
                refs = [ref for ref in refs if ref.project_id in ids]
                remotes = {pid: remotes[pid] for pid in ids}
                local = projects.get_many(self.conn, ids)
                known = bases.get_many(self.conn, ids, target.name)
            mine = {pid: project.values for pid, project in local.items()}
            unclear = self._clashes(remotes, local, known)
            unclear += provenance.unexplained(remotes, mine, known)
            remotes = provenance.dated(teller, remotes, unclear, known)
        if self.ctx.clock() - read_at > self.fresh:
            # The history took long: the records are read again, and what it told stands for those
            # that have not moved since.
            before = remotes
            remotes, read_at = target.read(refs), self.ctx.clock()
            remotes = {
                pid: dataclasses.replace(now, stamps={**before[pid].stamps, **now.stamps})
                if now.token == before[pid].token
                else now
                for pid, now in remotes.items()
            }
        jobs: list[_Job] = []
        for part in parts(claims):
            with transaction(self.conn):
                judged = self._judge_all(target.name, list(part), remotes, history, result)
                standing = deliveries.mark_sent(
                    self.conn,
                    self.owner,
                    [
                        (j.claim, j.write.action, _sent_values(j.write), j.write.token)
                        for j in judged
                    ],
                    to_iso(self.ctx.clock()),
                )
            kept = {id(claim) for claim in standing}
            jobs += [job for job in judged if id(job.claim) in kept]
        self.point(f"{target.name}:written")
        if not jobs:
            return
        if self.ctx.clock() - read_at > self.fresh:
            with transaction(self.conn):
                for job in jobs:
                    self._back(job.claim, "pending", wait=0.1, unknown=True)
            return
        self._send(target, jobs, result)

    def _is_copy(self, remotes: Mapping[str, Remote]) -> bool:
        """Whether a document shows that another database goes by our name. Then this one has
        another name from now on, and what was claimed is judged anew as of unknown outcome."""
        read = list(remotes.values())
        if not identity.is_copy(self.conn, self.client_id, read):
            return False
        with transaction(self.conn):
            self.client_id = identity.become_new(self.conn, self.ctx, self.client_id, read)
        return True

    def _current(self, claims: list[Claim]) -> list[Claim]:
        """The claims without those that carry somebody else's edit and whose document can't be
        read just now: only who knows what its author did since may send it for him."""
        carried = [claim.project_id for claim in claims if claim.is_carried]
        if not carried:
            return claims
        return self._without(self.beside(carried, alone=False), claims, wait=NOT_CURRENT)

    def _without(self, later: set[str], claims: list[Claim], *, wait: float = 1.0) -> list[Claim]:
        """The claims that can be judged now; the others are given back for a moment."""
        with transaction(self.conn):
            for claim in claims:
                if claim.project_id in later:
                    self._back(claim, "pending", wait=wait, unknown=claim.sent is not None)
        return [claim for claim in claims if claim.project_id not in later]

    def _clashes(
        self,
        remotes: Mapping[str, Remote],
        local: Mapping[str, Project],
        known: Mapping[str, Base],
    ) -> list[str]:
        owed = deliveries.undelivered(self.conn, list(local), SALESFORCE)
        mine = {pid: project.values for pid, project in local.items()}
        return provenance.clashes(remotes, mine, known, owed)

    def _send(self, target: Target, jobs: list[_Job], result: Batch) -> None:
        started = self.ctx.clock()
        try:
            outcomes = target.write([job.write for job in jobs])
        except TargetDown as down:
            with transaction(self.conn):
                for job in jobs:
                    self._give_back(job.claim)
            result.down = down.problem
            return
        self.point(f"{target.name}:sent")
        ms = round((self.ctx.clock() - started) * 1000)
        for part in parts(list(zip(jobs, outcomes, strict=True))):
            with transaction(self.conn):
                self._acknowledge(part, result)
                attempts.add(self.conn, [self._attempt(job, told, ms) for job, told in part])
        self.point(f"{target.name}:acked")

    def _judge_all(
        self,
        target: str,
        claims: list[Claim],
        remotes: dict[str, Remote],
        history: dict[str, bool],
        result: Batch,
    ) -> list[_Job]:
        """Judge every claim against what was read, on the state of this very transaction."""
        ids = [c.project_id for c in claims]
        local = projects.get_many(self.conn, ids)
        known = bases.get_many(self.conn, ids, target)
        owed = deliveries.undelivered(self.conn, ids, target)
        if target == SALESFORCE:
            rows = {pid: remote.values for pid, remote in remotes.items()}
            owed = with_debts(self.conn, owed, local, known, rows)
        judged = conflicts.decided_for_mine(self.conn, ids)
        owing = deliveries.undelivered(self.conn, ids, SALESFORCE) if target == FIRESTORE else {}
        former = meta.former(self.conn)
        offset = dt.timedelta(seconds=targets.clock_offset(self.conn))
        now = to_iso(self.ctx.clock())
        over: list[Claim] = []
        jobs: list[_Job] = []
        for claim in claims:
            pid = claim.project_id
            project = local.get(pid)
            case = Case(
                claim=claim,
                mine=project.values if project else None,
                base=known.get(pid),
                remote=remotes[pid],
                owed=owed.get(pid, {}),
                stamp=projects.stamps_of(self.conn, pid, project),
                client_id=self.client_id,
                now=from_iso(now),
                was_applied=history.get(pid),
                known=judged.get(pid, {}),
                overtaken=partial(provenance.was_overtaken, self.conn, pid),
                ours=partial(provenance.is_ours, self.conn),
                buried_id=None if project else projects.buried_id(self.conn, pid),
                former=former,
                offset=offset,
                delivered=partial(provenance.delivered, self.conn, pid, target),
            )
            items = claim.items
            try:
                with by_itself(self.conn):
                    job = self._judge_one(case, project, owing.get(pid, {}), over, result)
            except ODD as error:
                claim.items = items
                what = shown(f"{type(error).__name__}: {error}", 200)
                sentence = f"what {LABELS[target]} holds of it makes no sense here ({what})"
                self._back(claim, "failed", error=("permanent", "UNREADABLE", sentence))
                result.failed += 1
            else:
                jobs += [job] if job else []
        deliveries.settle(self.conn, self.owner, over, "done", now)
        result.done += sum(len(c.items) for c in over)
        return jobs

    def _judge_one(
        self,
        case: Case,
        project: Project | None,
        owing: Mapping[str, Owed],
        over: list[Claim],
        result: Batch,
    ) -> _Job | None:
        """What has to be sent for one claim; one that needs nothing sent is put with ``over``."""
        claim, decision = case.claim, judge(case)
        if decision.wait:
            self._back(claim, "pending", wait=1.0, unknown=claim.sent is not None)
            return None
        left = decision.blocked is not None or case.mine is not None
        if left and claim.is_carried and "delete" in claim.kinds:
            # The record is not as it was, or the project is back: its deleter's, not ours.
            deliveries.settle(self.conn, self.owner, [claim], "superseded", to_iso(case.now))
            return None
        absorbed = absorb(self.conn, self.ctx, case, decision, project)
        if claim.target == FIRESTORE:
            takeover.hear(self.conn, self.ctx, case)
        # An edit that lost every field ended in there; the claim is what is left of it.
        lost = set(decision.merged.take)
        claim.items = [item for item in claim.items if not item.changes or set(item.changes) - lost]
        job = None
        if decision.blocked is not None:
            self._back(claim, "conflict", error=("conflict", "DELETED", decision.blocked))
        elif decision.action is None:
            if decision.gone and claim.part == ROW and project is None:
                self._note_gone(claim, to_iso(case.now))
            if claim.target == SALESFORCE:
                # Nothing has to be sent; that nobody owes it any more has to be told.
                bases.unshare(self.conn, claim.project_id, SALESFORCE)
            over.append(claim)
        else:
            write = self._write(case, decision, absorbed.project, owing)
            job = _Job(claim, case, decision, write, absorbed.project)
        result.taken += absorbed.taken
        result.conflicts += absorbed.conflicts
        return job

    def _write(
        self,
        case: Case,
        decision: Decision,
        project: Project | None,
        owing: Mapping[str, Owed],
    ) -> Write:
        claim, remote = case.claim, case.remote
        assert decision.action is not None
        values: Values = {}
        if project is not None:
            values = {p: project.values.get(p) for p in decision.paths}
        if decision.action is Action.CREATE and claim.target == SALESFORCE:
            # A row that shows late is met by an upsert: what is empty here leaves it alone.
            values = {path: value for path, value in values.items() if value is not None}
        stamps = {p: project.stamp(p) for p in values} if project else {}
        owed = {p: o.op_id for p, o in owing.items() if p in values and is_owed(p)}
        return Write(
            project_id=claim.project_id,
            action=decision.action,
            values=values,
            total_score=total_of(project.values) if project else None,
            token=remote.token if decision.action is not Action.CREATE else None,
            remote_id=remote.remote_id or (case.base.remote_id if case.base else None),
            seq=claim.newest.seq,
            op_id=claim.newest.op_id,
            client_id=self.client_id,
            operator=claim.newest.operator,
            at=from_iso(claim.newest.at),
            stamps={
                p: Stamp(from_iso(s.at), s.by, s.op_id, s.origin)
                for p, s in stamps.items()
                if s is not None
            },
            owes=owed,
            paid=tuple(p for p in values if p in remote.owes and p not in owed),
            created_by=project.created_by if project else None,
            created_at=project.created_at if project else None,
            # Its author may be sending it himself just now.
            contested=decision.contested or claim.is_carried,
        )

    def _acknowledge(self, told: Sequence[tuple[_Job, Outcome]], result: Batch) -> None:
        now = to_iso(self.ctx.clock())
        done = [(j, o) for j, o in told if o.done]
        deliveries.settle(self.conn, self.owner, [j.claim for j, _ in done], "done", now)
        if done and done[0][0].claim.target == SALESFORCE:
            sent = {j.claim.project_id: j.write.values for j, _ in done}
            arrived.note(self.conn, sent, now)
        whole = [_base_after(j, o, now) for j, o in done if _replaces(j)]
        partial = [_base_after(j, o, now) for j, o in done if not _replaces(j)]
        bases.put(self.conn, whole)
        bases.patch(self.conn, partial)
        projects.set_sf_ids(
            self.conn,
            [
                (j.claim.project_id, o.remote_id)
                for j, o in done
                if j.claim.target == SALESFORCE and o.remote_id
            ],
        )
        for job, _ in done:
            if job.claim.target == FIRESTORE:
                pid, write, at = job.claim.project_id, job.write, from_iso(now).timestamp()
                if _replaces(job):
                    owes.replace(self.conn, pid, write.owes, at)
                else:
                    owes.written(self.conn, pid, write.values, write.owes, at)
        result.done += sum(len(j.claim.items) for j, _ in done)
        for job, outcome in told:
            if outcome.problem is not None and not outcome.done:
                self._refused(job, outcome.problem, result)

    def _refused(self, job: _Job, problem: Problem, result: Batch) -> None:
        claim = job.claim
        error = (str(problem.cls), problem.code, problem.sentence)
        tried = max(item.attempts for item in claim.items)
        match problem.cls:
            case ErrorClass.UNKNOWN:
                sends = max(item.sends for item in claim.items) + 1
                if sends >= ALARM:
                    error = (error[0], error[1], f"{error[2]} (sent {sends} times without effect)")
                pause = backoff.delay(sends, self.rng, asked=problem.retry_after)
                self._back(claim, "retrying", wait=pause, error=error, unknown=True)
            case ErrorClass.STALE:
                self._back(claim, "pending", wait=self.rng.uniform(0.05, 0.3))
            case ErrorClass.PAUSE:
                result.down = problem
                self._give_back(claim)
            case ErrorClass.TRANSIENT if tried + 1 < backoff.MAX_ATTEMPTS:
                pause = backoff.delay(tried + 1, self.rng, asked=problem.retry_after)
                self._back(claim, "retrying", wait=pause, error=error, charge=True)
            case _:
                self._bury(claim, error, result)

    def _bury(self, claim: Claim, error: tuple[str, str, str], result: Batch) -> None:
        """A refusal for good. A group is resent operation by operation, so that one bad edit does
        not take the others with it; the row itself can't come in pieces, so a refused create
        stays one."""
        if len(claim.items) > 1 and claim.items[0].kind == "update":
            self._back(claim, "pending", solo=True)
            return
        if len(claim.items) > 1:
            rest = Claim(claim.project_id, claim.target, claim.part, claim.items[1:])
            self._back(rest, "pending")
            claim = Claim(claim.project_id, claim.target, claim.part, claim.items[:1])
        self._back(claim, "failed", error=error, charge=True)
        result.failed += 1

    def _give_back(self, claim: Claim) -> None:
        """The target is away: the row is charged nothing, and what was sent stays known."""
        tried = any(item.attempts for item in claim.items)
        self._back(claim, "retrying" if tried else "pending", unknown=claim.sent is not None)

    def _back(
        self,
        claim: Claim,
        state: str,
        *,
        wait: float | None = None,
        error: tuple[str, str, str] | None = None,
        charge: bool = False,
        unknown: bool = False,
        solo: bool = False,
    ) -> None:
        now = self.ctx.clock()
        deliveries.put_back(
            self.conn,
            self.owner,
            claim,
            state=state,
            now=now,
            next_at=None if wait is None else now + wait,
            charge=charge,
            error=error,
            unknown=unknown,
            solo=solo,
        )

    def _note_gone(self, claim: Claim, now: str) -> None:
        bases.put(self.conn, [Base(claim.project_id, claim.target, False, acked_at=now)])

    def _attempt(self, job: _Job, outcome: Outcome, ms: int) -> Attempt:
        problem = outcome.problem
        return Attempt(
            at=to_iso(self.ctx.clock()),
            target=job.claim.target,
            project_id=job.claim.project_id,
            part=job.claim.part,
            seq=job.claim.newest.seq,
            action=job.write.action,
            outcome="ok" if outcome.done else str(problem.cls if problem else "unknown"),
            code=problem.code if problem else None,
            message=problem.message if problem else None,
            request=_json(outcome.request),
            response=_json(
                outcome.response
                if outcome.response is not None or not problem
                else problem.response
            ),
            ms=ms,
        )

    @staticmethod
    def _ref(claim: Claim, project: Project | None, base: Base | None) -> Ref:
        made = claim.sent is not None and claim.sent.action == Action.CREATE
        return Ref(
            claim.project_id,
            (base.remote_id if base else None) or (project.sf_id if project else None),
            project.values if project else {},
            sought=made or (claim.is_carried and "create" in claim.kinds),
        )


def _replaces(job: _Job) -> bool:
    return job.write.action in (Action.CREATE, Action.RESTORE, Action.DELETE)


def _base_after(job: _Job, outcome: Outcome, now: str) -> Base:
    write, claim = job.write, job.claim
    values = _sent_values(write)
    for path in outcome.skipped:
        values.pop(path, None)
    if _replaces(job):
        values = {p: v for p, v in values.items() if v is not None}
    return Base(
        claim.project_id,
        claim.target,
        write.action is not Action.DELETE,
        values if write.action is not Action.DELETE else {},
        outcome.token,
        outcome.remote_id or write.remote_id,
        to_iso(outcome.modified_at) if outcome.modified_at and claim.part == ROW else None,
        now,
        shared=claim.target == FIRESTORE,
    )


def _sent_values(write: Write) -> Values:
    """What the record holds afterwards of what was sent, the derived total included."""
    values = dict(write.values)
    if any(fields.is_score(p) for p in values) or "total_score" in values:
        values["total_score"] = write.total_score
    return values


def _json(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else to_json(value)
