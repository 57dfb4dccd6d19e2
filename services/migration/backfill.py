"""``steerco backfill``: umbrellas first, then everything that Salesforce has not got.

Nothing here is a second way to write: umbrellas and links are ordinary local operations, and what
is delivered is claimed, read, judged, written down, sent and acknowledged by the engine. More than
2,000 new rows travel in bulk jobs in place of Collections. A backfill that is killed anywhere and
run again takes up what is left: a job that was sent is seen to its end before any row of it is
looked at, and a row whose fate is not known is read before it is sent again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.migration import missing, sides, umbrellas
from services.migration.journal import LEASE, Journal
from services.sync import notes
from services.sync.drain import Drainer
from services.sync.engine import Engine, is_dead, owner_name
from services.sync.run import SyncReport, drain
from services.sync.settling import Batch, Settler
from services.sync.targets.base import TargetDown
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_bulk import BulkTarget, Jobs, JobUnfinished
from services.sync.targets.sf_errors import CallFailed
from store import deliveries
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS

BULK_ABOVE = 2_000
ENDLESS = float("inf")
LOOKS = 4
"""How often Salesforce counts again, a second apart: it shows rows up to three seconds late."""
Show = Callable[[str, int, int], None]
"""Told the step, how many deliveries are done and how many there are."""


class Stopped(Exception):
    """A backfill that could not go on; nothing is lost, and it may be run again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that Salesforce refused for good."""

    project_id: str
    error: str


@dataclass
class Report:
    """What a backfill did. ``expected`` is projects and umbrellas here, ``found`` Salesforce's own
    count of their rows."""

    umbrellas: umbrellas.Applied = field(default_factory=umbrellas.Applied)
    queued: int = 0
    delivered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TARGETS, 0))
    jobs: list[str] = field(default_factory=list)
    expected: int = 0
    found: int = 0
    failed: list[Failure] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything is there and nothing was refused."""
        return self.expected == self.found and not self.failed and not self.sentences


def _nothing(*_args: object) -> None:
    """Where nobody looks on."""


@dataclass
class Backfill:
    """One run on one engine, whose gates must let Salesforce move. ``bulk_above`` new rows travel
    through Bulk API 2.0."""

    engine: Engine
    firestore: FirestoreTarget
    salesforce: SalesforceTarget
    bulk_above: int = BULK_ABOVE
    show: Show = _nothing
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        engine = self.engine
        self._journal = Journal(
            engine.conn,
            engine.ctx.clock,
            owner_name(),
            f"bulk/{engine.ctx.new_id()}",
            progress=self._in_job,
            at_point=engine.point,
        )
        self._total = 0

    def run(self) -> Report:
        """Everything, in order. Raises Busy, Stopped, StoreError."""
        report = Report()
        self._journal.start(is_dead)
        try:
            self._connect()
            self._settle_earlier_jobs()
            self.engine.point("backfill:started")
            report.umbrellas = umbrellas.apply(self.engine.conn, self.engine.ctx)
            self.engine.point("backfill:umbrellas")
            report.queued = missing.queue(self.engine.conn, self.engine.ctx)
            self.engine.point("backfill:queued")
            self._total = self._left()
            self._to_firestore(report)
            if len(missing.new_rows(self.engine.conn)) > self.bulk_above:
                self._in_bulk(report)
            self._by_engine(report)
            self._tell_documents()
            self._count(report)
        except TargetDown as down:
            raise Stopped(f"{down.problem.sentence}; {RESUME}") from down
        finally:
            self._journal.stop()
            self.engine.release()
        return report

    def _connect(self) -> None:
        """Salesforce is ours and answers, and so does Firestore; nothing is claimed by this."""
        cycle = self.engine.cycle(only=(), impatient=True)
        for name in (SALESFORCE, FIRESTORE):
            problem = cycle[name].problem
            if problem is not None:
                raise Stopped(f"{problem.sentence}; nothing was changed")

    def _settle_earlier_jobs(self) -> None:
        jobs = self._jobs()
        for job_id in self._journal.jobs:
            self.show("Waiting for an earlier bulk job", 0, 1)
            try:
                jobs.end(job_id)
            except CallFailed as failed:
                raise Stopped(f"{failed.problem.sentence}; {RESUME}") from failed
            except JobUnfinished as unfinished:
                raise Stopped(f"{unfinished}; {RESUME}") from unfinished
        self._journal.settled()

    def _to_firestore(self, report: Report) -> None:
        found = self._drain([FIRESTORE], report)
        side = found.firestore
        if side.pending + side.retrying + side.in_flight:
            why = found.sentences[0] if found.sentences else "Firestore has not got everything"
            raise Stopped(f"{why}; nothing was sent to Salesforce, and {RESUME}")
        self.engine.point("backfill:firestore")

    def _in_bulk(self, report: Report) -> None:
        engine = self.engine
        drainer = Drainer(
            engine.conn,
            engine.ctx,
            Settler(engine.conn, engine.ctx, self._journal.owner, self.rng),
            engine.client_id,
            engine.inbound.look_at_documents,
            engine.point,
            lease=LEASE,
            fresh=ENDLESS,
        )
        target = BulkTarget(self.salesforce, self._jobs())
        try:
            for wanted in (missing.new_rows, missing.new_links):
                while True:
                    ids = wanted(engine.conn)
                    batch = self._bulk_batch(drainer, target, ids) if ids else Batch()
                    report.delivered[SALESFORCE] += batch.done
                    if batch.down is not None:
                        raise Stopped(f"{batch.down.sentence}; {RESUME}")
                    if not batch.done + batch.failed:
                        break
        except JobUnfinished as unfinished:
            raise Stopped(f"{unfinished}; {RESUME}") from unfinished
        finally:
            report.jobs += target.used

    def _bulk_batch(self, drainer: Drainer, target: BulkTarget, ids: Sequence[str]) -> Batch:
        self._shown("Bulk load")
        batch = drainer.batch(target, limit=target.batch, only=ids)
        self._shown("Bulk load")
        return batch

    def _by_engine(self, report: Report) -> None:
        found = self._drain(TARGETS, report)
        report.sentences += found.sentences
        self.engine.point("backfill:delivered")

    def _drain(self, names: Sequence[str], report: Report) -> SyncReport:
        step = "Firestore" if len(names) == 1 else "Salesforce"
        found = drain(
            self.engine, names=names, progress=lambda *_: self._shown(step), sleep=self.sleep
        )
        report.delivered[FIRESTORE] += found.firestore.done
        if SALESFORCE in names:
            report.delivered[SALESFORCE] += found.salesforce.done
        return found

    def _tell_documents(self) -> None:
        """What Salesforce acknowledged, on every document: the ids above all."""
        engine = self.engine
        told = 0
        while found := notes.share(
            engine.conn, engine.ctx, self.firestore, client_id=engine.client_id
        ):
            told += found
            self.show("Noting the Salesforce ids in Firestore", told, told)
        engine.point("backfill:noted")

    def _count(self, report: Report) -> None:
        conn = self.engine.conn
        row = conn.execute("SELECT COUNT(*) FROM projects").fetchone()
        report.expected = int(row[0])
        report.failed = [
            Failure(each[0], each[1] or "no reason given")
            for each in conn.execute(
                "SELECT project_id, MAX(last_error) FROM open_deliveries "
                "WHERE target = 'salesforce' AND state = 'failed' "
                "GROUP BY project_id ORDER BY project_id"
            )
        ]
        report.found = sides.count_rows(self.salesforce)
        for _ in range(LOOKS):
            if report.found + len(report.failed) >= report.expected:
                break
            self.sleep(1.0)
            report.found = sides.count_rows(self.salesforce)
        report.calls = {
            FIRESTORE: self.firestore.usage().calls,
            SALESFORCE: self.salesforce.usage().calls,
        }

    def _jobs(self) -> Jobs:
        client, _ = self.salesforce.sending()
        return Jobs(client, self._journal, self.engine.ctx.clock, self.sleep)

    def _left(self) -> int:
        counts = deliveries.counts(self.engine.conn)
        return sum(
            counts[name][state]
            for name in TARGETS
            for state in ("pending", "retrying", "in_flight")
        )

    def _shown(self, step: str) -> None:
        self.show(step, self._total - self._left(), self._total)

    def _in_job(self, processed: int) -> None:
        self.show(
            "Bulk load", min(self._total - self._left() + processed, self._total), self._total
        )


RESUME = "what was done stays done; run steerco backfill again to go on"
