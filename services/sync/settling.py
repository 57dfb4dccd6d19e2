"""What becomes of claims: acknowledged, refused, given back. Inside the caller's transaction."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.context import Context
from services.sync import arrived, backoff
from services.sync.case import Case
from services.sync.judge import Decision
from services.sync.targets.base import Action, ErrorClass, Outcome, Problem, Write
from store import bases, deliveries, fields, owes, projects
from store.attempts import Attempt
from store.bases import Base
from store.canon import Values
from store.clock import from_iso, to_iso
from store.deliveries import FIRESTORE, ROW, SALESFORCE, Claim
from store.projects import Project, to_json

ALARM = 3
"""A write sent this often without effect is worth a person's look."""


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
class Job:
    """One write of a claim, judged as ``decision`` says; ``project`` is as it stands then (None:
    deleted)."""

    claim: Claim
    case: Case
    decision: Decision
    write: Write
    project: Project | None


@dataclass(frozen=True, slots=True)
class Settler:
    """``owner`` holds the claims that are settled."""

    conn: sqlite3.Connection
    ctx: Context
    owner: str
    rng: random.Random

    def acknowledge(self, told: Sequence[tuple[Job, Outcome]], result: Batch) -> None:
        """What the target answered to each write; counted in ``result``."""
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

    def _refused(self, job: Job, problem: Problem, result: Batch) -> None:
        claim = job.claim
        error = (str(problem.cls), problem.code, problem.sentence)
        tried = max(item.attempts for item in claim.items)
        match problem.cls:
            case ErrorClass.UNKNOWN:
                sends = max(item.sends for item in claim.items) + 1
                if sends >= ALARM:
                    error = (error[0], error[1], f"{error[2]} (sent {sends} times without effect)")
                pause = backoff.delay(sends, self.rng, asked=problem.retry_after)
                self.back(claim, "retrying", wait=pause, error=error, unknown=True)
            case ErrorClass.STALE:
                self.back(claim, "pending", wait=self.rng.uniform(0.05, 0.3))
            case ErrorClass.PAUSE:
                result.down = problem
                self.give_back(claim)
            case ErrorClass.TRANSIENT if tried + 1 < backoff.MAX_ATTEMPTS:
                pause = backoff.delay(tried + 1, self.rng, asked=problem.retry_after)
                self.back(claim, "retrying", wait=pause, error=error, charge=True)
            case _:
                self._bury(claim, error, result)

    def _bury(self, claim: Claim, error: tuple[str, str, str], result: Batch) -> None:
        """A refusal for good. A group is resent operation by operation, so that one bad edit does
        not take the others with it; the row itself can't come in pieces, so a refused create
        stays one."""
        if len(claim.items) > 1 and claim.items[0].kind == "update":
            self.back(claim, "pending", solo=True)
            return
        if len(claim.items) > 1:
            rest = Claim(claim.project_id, claim.target, claim.part, claim.items[1:])
            self.back(rest, "pending")
            claim = Claim(claim.project_id, claim.target, claim.part, claim.items[:1])
        self.back(claim, "failed", error=error, charge=True)
        result.failed += 1

    def give_back(self, claim: Claim) -> None:
        """The target is away: the row is charged nothing, and what was sent stays known."""
        tried = any(item.attempts for item in claim.items)
        self.back(claim, "retrying" if tried else "pending", unknown=claim.sent is not None)

    def back(
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
        """The claim's lease ends, and its deliveries are ``state`` for ``wait`` seconds; see
        ``deliveries.put_back``."""
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

    def attempt(self, job: Job, outcome: Outcome, ms: int) -> Attempt:
        """What is kept of one write for inspect; ``ms`` is how long its request took."""
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


def _replaces(job: Job) -> bool:
    return job.write.action in (Action.CREATE, Action.RESTORE, Action.DELETE)


def _base_after(job: Job, outcome: Outcome, now: str) -> Base:
    write, claim = job.write, job.claim
    values = sent_values(write)
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


def sent_values(write: Write) -> Values:
    """What the record holds afterwards of what was sent, the derived total included."""
    values = dict(write.values)
    if any(fields.is_score(p) for p in values) or "total_score" in values:
        values["total_score"] = write.total_score
    return values


def _json(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else to_json(value)
