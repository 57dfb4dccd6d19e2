"""One batch to one target: claim, read, judge, write down, send, acknowledge.

Three short transactions around two network calls. What is about to leave is durable before it
leaves, so that whoever finds it later reads the record before sending anything again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, cast

from services.context import Context
from services.sync import identity, provenance, takeover
from services.sync.absorb import absorb
from services.sync.case import NOBODYS, Case
from services.sync.debts import is_owed, with_debts
from services.sync.judge import Decision, judge
from services.sync.parts import parts
from services.sync.provenance import KeepsHistory
from services.sync.sends import send_applied
from services.sync.settling import Batch, Job, Settler, sent_values
from services.sync.targets.base import (
    Action,
    Ref,
    Remote,
    Stamp,
    Target,
    TargetDown,
    Write,
)
from store import (
    attempts,
    bases,
    conflicts,
    deliveries,
    meta,
    operations,
    parked,
    projects,
    targets,
)
from store.attempts import Attempt
from store.bases import Base
from store.canon import Values, shown, total_of
from store.clock import from_iso, to_iso
from store.database import ODD, by_itself, transaction
from store.deliveries import FIRESTORE, LABELS, ROW, SALESFORCE, Claim, Owed
from store.projects import Project

LEASE = 120.0
FRESH = 2.0
"""Seconds between reading a record and writing it; beyond, it is read again."""
NOT_CURRENT = 60.0
"""Seconds until somebody else's edit is tried again where his document could not be read."""

Point = Callable[[str], None]


class Beside(Protocol):
    """Brings in these projects' documents; gives those that can't be judged now. ``alone``: where
    Firestore stays away the rows have to speak for themselves."""

    def __call__(self, ids: Sequence[str], *, alone: bool = True) -> set[str]: ...


def no_point(_name: str) -> None:
    """Named points of the engine, where tests kill the process."""


@dataclass
class Drainer:
    """Drains the outbox into one target at a time. Owned by one thread, with its connection.

    ``beside`` brings in these projects' documents before rows that they may explain are judged;
    ``lease`` is how long a claim is held, ``fresh`` how old a read may be when its write leaves,
    both in seconds."""

    conn: sqlite3.Connection
    ctx: Context
    settler: Settler
    client_id: str
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
                self.settler.owner,
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
                    self.settler.give_back(claim)
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
        fates = provenance.Fates()
        if target.name == SALESFORCE:
            teller = cast("KeepsHistory", target)
            fates = provenance.fates(teller, claims, remotes)
            unclear = self._clashes(remotes, local, known)
            mine = {pid: project.values for pid, project in local.items()}
            unclear += provenance.unexplained(remotes, mine, known)
            if unclear or fates.later:
                later = self.beside(unclear) if unclear else set[str]()
                claims = self._without(later | fates.later, claims)
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
        jobs: list[Job] = []
        for part in parts(claims):
            with transaction(self.conn):
                judged = self._judge_all(target.name, list(part), remotes, fates.arrived, result)
                standing = deliveries.mark_sent(
                    self.conn,
                    self.settler.owner,
                    [
                        (j.claim, j.write.action, sent_values(j.write), j.write.token)
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
                    self.settler.back(job.claim, "pending", wait=0.1, unknown=True)
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
                    self.settler.back(claim, "pending", wait=wait, unknown=claim.sent is not None)
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

    def _send(self, target: Target, jobs: list[Job], result: Batch) -> None:
        started = self.ctx.clock()
        try:
            outcomes = target.write([job.write for job in jobs])
        except TargetDown as down:
            with transaction(self.conn):
                for job in jobs:
                    self.settler.give_back(job.claim)
            result.down = down.problem
            return
        self.point(f"{target.name}:sent")
        ms = round((self.ctx.clock() - started) * 1000)
        for part in parts(list(zip(jobs, outcomes, strict=True))):
            with transaction(self.conn):
                self.settler.acknowledge(part, result)
                told = [self.settler.attempt(job, outcome, ms) for job, outcome in part]
                attempts.add(self.conn, told)
        self.point(f"{target.name}:acked")

    def _judge_all(
        self,
        target: str,
        claims: list[Claim],
        remotes: dict[str, Remote],
        history: dict[str, bool],
        result: Batch,
    ) -> list[Job]:
        """Judge every claim against what was read, on the state of this very transaction."""
        ids = [c.project_id for c in claims]
        local = projects.get_many(self.conn, ids)
        known = bases.get_many(self.conn, ids, target)
        owed = deliveries.undelivered(self.conn, ids, target)
        if target == SALESFORCE:
            owed = with_debts(self.conn, owed, local, known, remotes)
        judged = conflicts.decided_for_mine(self.conn, ids)
        owing = deliveries.undelivered(self.conn, ids, SALESFORCE) if target == FIRESTORE else {}
        former = meta.former(self.conn)
        offset = dt.timedelta(seconds=targets.clock_offset(self.conn))
        now = to_iso(self.ctx.clock())
        over: list[Claim] = []
        jobs: list[Job] = []
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
                made_at=project.created_at if project else None,
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
                self.settler.back(claim, "failed", error=("permanent", "UNREADABLE", sentence))
                result.failed += 1
            else:
                jobs += [job] if job else []
        deliveries.settle(self.conn, self.settler.owner, over, "done", now)
        result.done += sum(len(c.items) for c in over)
        return jobs

    def _judge_one(
        self,
        case: Case,
        project: Project | None,
        owing: Mapping[str, Owed],
        over: list[Claim],
        result: Batch,
    ) -> Job | None:
        """What has to be sent for one claim; one that needs nothing sent is put with ``over``."""
        claim, decision = case.claim, judge(case)
        if decision.wait:
            self.settler.back(claim, "pending", wait=1.0, unknown=claim.sent is not None)
            return None
        left = decision.blocked is not None or case.mine is not None
        if left and claim.carries_delete and not self._was_deleted_here(claim.project_id):
            # The record is not as it was, or the project is back: its deleter's, not ours.
            deliveries.settle(
                self.conn, self.settler.owner, [claim], "superseded", to_iso(case.now)
            )
            return None
        if claim.sent is not None and claim.sent.action != Action.CREATE and send_applied(case):
            self._note_arrival(case)
        absorbed = absorb(self.conn, self.ctx, case, decision, project)
        if claim.target == FIRESTORE:
            takeover.hear(self.conn, self.ctx, case)
        # An edit that lost every field ended in there; the claim is what is left of it.
        lost = set(decision.merged.take)
        claim.items = [item for item in claim.items if not item.changes or set(item.changes) - lost]
        job = None
        if decision.blocked is not None:
            self.settler.back(claim, "conflict", error=("conflict", "DELETED", decision.blocked))
        elif decision.action is None:
            if decision.gone and claim.part == ROW and project is None:
                self._note_gone(claim, to_iso(case.now))
            if claim.target == SALESFORCE:
                # Nothing has to be sent; that nobody owes it any more has to be told.
                bases.unshare(self.conn, claim.project_id, SALESFORCE)
            over.append(claim)
        else:
            write = self._write(case, decision, absorbed.project, owing)
            job = Job(claim, case, decision, write, absorbed.project)
        result.taken += absorbed.taken
        result.conflicts += absorbed.conflicts
        return job

    def _was_deleted_here(self, project_id: str) -> bool:
        """Whether the last one who deleted the project did so in this database."""
        deleted = operations.newest(self.conn, project_id, "delete")
        return deleted is not None and deleted.origin not in NOBODYS

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

    def _note_gone(self, claim: Claim, now: str) -> None:
        bases.put(self.conn, [Base(claim.project_id, claim.target, False, acked_at=now)])

    def _note_arrival(self, case: Case) -> None:
        """What was sent did arrive, whoever was to write it down then. The row is looked at once
        more for what it may have overwritten."""
        claim = case.claim
        assert claim.sent is not None
        found = Attempt(
            to_iso(case.now),
            claim.target,
            claim.project_id,
            claim.part,
            claim.sent.seq,
            action="read",
            outcome="ok",
            code="ARRIVED",
            message="the answer was lost, but the record shows that the write arrived",
        )
        attempts.add(self.conn, [found])
        if claim.target == SALESFORCE:
            parked.park(self.conn, SALESFORCE, [claim.project_id], until=0.0)

    @staticmethod
    def _ref(claim: Claim, project: Project | None, base: Base | None) -> Ref:
        made = claim.sent is not None and claim.sent.action == Action.CREATE
        # Its maker may have made the row, and somebody deleted it, before anybody told of it.
        others = base is None and not claim.makes
        return Ref(
            claim.project_id,
            (base.remote_id if base else None) or (project.sf_id if project else None),
            project.values if project else {},
            # Whether somebody deleted once more what is brought back is told by the recycle bin.
            sought=made
            or others
            or (claim.is_carried and "create" in claim.kinds)
            or ("restore" in claim.kinds and not (base is not None and base.present)),
        )
