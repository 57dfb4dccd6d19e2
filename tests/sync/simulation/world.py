"""Two operators, a person in Salesforce, and everything that happens between them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from services import conflicts as deciding
from services import discarding, itsc_roadmap, outbox
from services.outbox import NotPossible
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.targets.fs_layout import COLLECTION
from store import conflicts, deliveries, operations
from store.canon import Refusal, Value
from store.conflicts import WHOLE
from store.deliveries import FIRESTORE, SALESFORCE
from tests import tally
from tests.sync.simulation.cloud import Cloud
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.oracle import PERSON, Oracle
from tests.sync.simulation.org import PERSON as PAT
from tests.sync.simulation.org import UNTRACKED, Organisation, Row

START = 1_790_000_000.0
NAMES = ("ann", "ben")
ENGINES_OWN = ("firestore", "salesforce", "merge", "carried")
"""Origins of operations that nobody at a keyboard made."""


class World:
    """``offsets`` are how far the operators' clocks are off, in seconds."""

    def __init__(self, seed: int = 0, offsets: tuple[float, float] = (0.0, 0.0)) -> None:
        self.now = START
        rng = random.Random(seed)
        self.org = Organisation(lambda: self.now, random.Random(rng.random()))
        documents = EmbeddedDocuments(Path(":memory:"), clock=lambda: self.now)
        self.cloud = Cloud(documents, lambda: self.now, random.Random(rng.random()))
        self.operators = [
            Operator(name, lambda: self.now, offset, self.cloud, self.org)
            for name, offset in zip(NAMES, offsets, strict=True)
        ]
        self.oracle = Oracle()
        self.seen = dict.fromkeys(NAMES, 0)
        self.values = 0
        self.made = 0
        self.parted = False
        """Whether somebody was ever without Firestore: operators who meet in Salesforce alone can't
        tell what the other one had seen."""
        self.decided_for: set[str] = set()
        """Projects whose life a person decided about in a conflict."""

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.org.settle()
        self.cloud.settle()

    def fresh(self) -> str:
        self.values += 1
        return f"value {self.values}"

    # What operators do. Each edit is told to the oracle from the log, as it was acknowledged.

    def by(self, who: Operator, deed: Callable[[], object]) -> bool:
        """Somebody at a keyboard does something; False where the program refuses it."""
        try:
            deed()
        except (Refusal, NotPossible, LookupError, ValueError):
            return False
        finally:
            self._note(who)
            self.later(2.5)
        return True

    def _note(self, who: Operator) -> None:
        newest = self.seen[who.name]
        rows = who.conn.execute("SELECT seq FROM operations WHERE seq > ? ORDER BY seq", (newest,))
        for (seq,) in rows.fetchall():
            op = operations.get(who.conn, seq)
            assert op is not None
            self.seen[who.name] = seq
            if op.origin in ENGINES_OWN:
                continue
            if op.kind != "update":
                self.oracle.lived(op.project_id, who.name, self.now, op.kind)
            if op.kind in ("delete", "restore"):
                continue
            for path, (old, new) in op.changes.items():
                self.oracle.edited(op.project_id, path, new, who.name, self.now, old)

    def create(self, who: Operator, parent: str | None = None) -> str:
        self.made += 1
        pid = f"p{self.made}"
        values: dict[str, object] = {"feature_name": f"Project {pid}"}
        if parent is not None:
            values["parent_id"] = parent
        self.by(
            who,
            lambda: itsc_roadmap.create_project(who.conn, who.ctx, values, project_id=pid),
        )
        return pid

    def edit(self, who: Operator, project_id: str, *paths: str) -> bool:
        changes = {path: self.fresh() for path in paths}
        return self.by(
            who, lambda: itsc_roadmap.update_project(who.conn, who.ctx, project_id, changes)
        )

    def set(self, who: Operator, project_id: str, path: str, value: Value) -> bool:
        return self.by(
            who, lambda: itsc_roadmap.update_project(who.conn, who.ctx, project_id, {path: value})
        )

    def delete(self, who: Operator, project_id: str) -> bool:
        return self.by(who, lambda: itsc_roadmap.delete_project(who.conn, who.ctx, project_id))

    def undo(self, who: Operator, *, redo: bool = False) -> bool:
        return self.by(who, lambda: itsc_roadmap.undo(who.conn, who.ctx, redo=redo))

    def move(self, who: Operator, project_id: str, step: int) -> bool:
        return self.by(who, lambda: itsc_roadmap.move_project(who.conn, who.ctx, project_id, step))

    def discard(self, who: Operator, number: int) -> bool:
        """Give up one of the operations that are open."""
        rows = who.conn.execute(
            f"SELECT DISTINCT seq FROM deliveries WHERE state IN {deliveries.OPEN} ORDER BY seq"
        ).fetchall()
        if not rows:
            return False
        seq = rows[number % len(rows)][0]
        return self.by(who, lambda: discarding.discard(who.conn, who.ctx, seq))

    def decide(self, who: Operator, take: str, number: int = 0, *, whole: bool = False) -> bool:
        """A person decides one of the open conflicts."""
        found = [c for c in conflicts.find(who.conn) if not whole or c.path == WHOLE]
        if not found:
            return False
        one = sorted(found, key=lambda c: c.id)[number % len(found)]
        if one.path == WHOLE:
            self.decided_for.add(one.project_id)
        return self.by(who, lambda: deciding.resolve(who.conn, who.ctx, one.id, take))

    # What a person does in Salesforce.

    def person_edits(
        self, project_id: str, path: str, value: Value = None, *, pause: float = 2.5
    ) -> None:
        row = self.org.row(project_id)
        if row is None:
            return
        new = self.fresh() if value is None else value
        self.oracle.edited(
            project_id, path, new, PERSON, float(int(self.now)), row.now.values.get(path)
        )
        self.org.change(row, {path: new}, PAT)
        self.later(pause)

    def person_edits_in_the_window(self, project_id: str, path: str) -> None:
        """Between somebody's read and his write. Where the field is not tracked, nothing can show
        afterwards that this was ever there."""
        before = len(self.oracle.edits)
        self.person_edits(project_id, path, pause=0.2)
        if path in UNTRACKED:
            self.oracle.unseen.update(range(before, len(self.oracle.edits)))

    def person_deletes(self, project_id: str, *, purge: bool = False) -> None:
        """Into the recycle bin, or for good. A row that was purged before its document told of it,
        or out of which somebody had just brought it back, leaves nothing that could tell."""
        row = self.org.row(project_id)
        if row is None:
            return
        document = self.cloud.documents.get_many(COLLECTION, [project_id])[project_id]
        told = document.fields.get("sf") if document is not None else None
        purge = purge and isinstance(told, dict) and told.get("id") == row.id
        purge = purge and not any(version.deleted for version in row.versions)
        self.oracle.lived(project_id, PERSON, self.now, "delete")
        self.org.delete(row, PAT, purge=purge)
        self.later(2.5)

    def person_undeletes(self, project_id: str) -> None:
        row = self.in_the_bin(project_id)
        if row is None or self.org.alive(project_id):
            return
        self.oracle.lived(project_id, PERSON, self.now, "restore")
        self.org.undelete(row, PAT)
        self.later(2.5)

    def in_the_bin(self, project_id: str) -> Row | None:
        """The newest of a project's rows in the recycle bin."""
        found = [
            r
            for r in self.org.rows
            if r.project_id == project_id and r.now.deleted and not r.purged
        ]
        return found[-1] if found else None

    # What the programs do.

    def cycle(self, who: Operator) -> bool:
        """As the engine's thread does it: at once again while something is moved."""

        def cycle(engine: Engine) -> None:
            for _ in range(3):
                if not any(totals.done for totals in engine.cycle().values()):
                    break

        return self._turn(who, cycle)

    def follow(self, who: Operator, *, full: bool = False) -> bool:
        """Firestore's changes, on demand."""
        return self._turn(who, lambda e: e.inbound.on_demand((FIRESTORE,), whole=full))

    def reconcile(self, who: Operator, *, full: bool = False, believe: bool = False) -> bool:
        """Salesforce's changes, on demand; with ``believe`` a person says that many are gone."""
        return self._turn(
            who, lambda e: e.inbound.on_demand((SALESFORCE,), whole=full, believe=believe)
        )

    def turn(self, who: Operator) -> bool:
        """What the running terminal does by schedule: with the poller's lease and its delay."""
        return self._turn(who, lambda e: e.inbound.turn())

    def _turn(self, who: Operator, turn: Callable[[Engine], object]) -> bool:
        alive = who.runs(turn)
        self._note(who)
        return alive

    # How it ends.

    def heal(self) -> None:
        """Everything works again, and has for an hour."""
        self.org.poisoned.clear()
        self.org.spent = False
        self.later(200)
        for who in self.operators:
            who.crash_in = None
            who.meanwhile.clear()
            for line in (who.cloud, who.org):
                line.waiting.clear()
                line.down = False
            if not who.salesforce_on:
                who.switch(on=True)
            outbox.resume(who.conn)
        self.later(4000)

    def converge(self, rounds: int = 24) -> int:
        """Let everybody sync until nothing moves any more; gives the rounds it took."""
        quiet = 0
        for number in range(rounds):
            before = self.traces()
            for who in self.operators:
                who.retry_all()
                while self.decide(who, "mine", whole=True):
                    pass
                self.cycle(who)
                self.follow(who)
                self.reconcile(who, believe=True)
                self.cycle(who)
            self.later(65)
            quiet = quiet + 1 if self.traces() == before and not self.waiting() else 0
            if quiet == 2:
                tally.ran("rounds to converge", number)
                return number
        raise AssertionError(f"I13: still not at rest: {self.waiting()}")

    def traces(self) -> tuple[int, ...]:
        """Changes with everything that happens to what anybody can see."""
        return (
            len(self.org.writes),
            self.cloud.written,
            *(
                who.conn.execute("SELECT COALESCE(MAX(seq), 0) FROM operations").fetchone()[0]
                for who in self.operators
            ),
        )

    def waiting(self) -> list[tuple[str, str, str, str, str | None]]:
        """Deliveries that are not over, for the message of a failure."""
        return [
            (who.name, *row)
            for who in self.operators
            for row in who.conn.execute(
                "SELECT project_id, target, state, last_error FROM deliveries "
                f"WHERE state IN {deliveries.OPEN}"
            )
        ]
