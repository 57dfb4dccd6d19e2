"""Random histories of one operator and a person in Salesforce, under faults and restarts.

After every step the shown status is compared with the facts; at the end everything heals, and the
last edit of each field must stand on all three sides, whoever made it, with each losing value in a
conflict record. One failing seed replays by itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.sync.targets.base import ErrorClass
from store import conflicts, deliveries
from tests.sync.fakes import LOST_AFTER, LOST_BEFORE, problem
from tests.sync.world import World

NAMES = st.sampled_from(["one", "two"])
FIELDS = st.sampled_from(["department", "strategic_value", "brief.punchline"])
FAULTS = st.sampled_from(
    [
        LOST_BEFORE,
        LOST_AFTER,
        problem(ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW"),
        problem(ErrorClass.STALE, "412"),
    ]
)
DOWN = problem(ErrorClass.PAUSE, "REFUSED")
UNSURE = problem(ErrorClass.UNKNOWN, "UNAVAILABLE")


class Histories(RuleBasedStateMachine):
    """Edits here, edits there, cycles, faults, outages, restarts."""

    @initialize()
    def begin(self) -> None:
        self.home = tempfile.TemporaryDirectory()
        self.world = World(Path(self.home.name))
        self.ids: dict[str, str] = {}
        self.last: dict[tuple[str, str], tuple[float, int, str]] = {}
        self.values = 0
        for name in ("one", "two"):
            self.ids[name] = self.world.add(name)

    def fresh(self) -> str:
        self.values += 1
        return f"value {self.values}"

    def remember(self, name: str, path: str, at: float, who: int, value: str) -> None:
        """The later edit stands; within a second Salesforce's does."""
        before = self.last.get((name, path))
        mark = (float(int(at)) if who else at, who, value)
        if before is None or self.later(mark, before):
            self.last[name, path] = mark

    @staticmethod
    def later(new: tuple[float, int, str], old: tuple[float, int, str]) -> bool:
        if new[1] == old[1]:
            return True
        if new[1]:  # theirs against mine
            return new[0] >= float(int(old[0]))
        return float(int(new[0])) > old[0]

    @rule(name=NAMES, path=FIELDS)
    def i_edit(self, name: str, path: str) -> None:
        value = self.fresh()
        self.world.set(self.ids[name], **{path.replace(".", "__"): value})
        self.remember(name, path, self.world.clock(), 0, value)
        self.world.later(1.3)

    @rule(name=NAMES, path=FIELDS)
    def a_person_edits(self, name: str, path: str) -> None:
        row = self.world.salesforce.rows.get(self.ids[name])
        if row is None:
            return
        value = self.fresh()
        self.world.later(1.1)
        self.world.salesforce.human_edits(self.ids[name], **{path.replace(".", "__"): value})
        self.remember(name, path, self.world.clock(), 1, value)
        self.world.later(1.1)

    @rule(seconds=st.sampled_from([0.0, 0.4, 2.0, 30.0, 900.0]))
    def a_cycle(self, seconds: float) -> None:
        self.world.engine.cycle()
        self.world.later(seconds)

    @rule(fault=FAULTS)
    def salesforce_stumbles(self, fault: object) -> None:
        self.world.salesforce.faults = [fault]  # type: ignore[list-item]

    @rule(lost=st.booleans())
    def firestore_stumbles(self, lost: bool) -> None:
        waiting = self.world.trouble.after if lost else self.world.trouble.before
        waiting[:] = [UNSURE]

    @rule(salesforce=st.booleans(), firestore=st.booleans())
    def sides_come_and_go(self, salesforce: bool, firestore: bool) -> None:
        self.world.salesforce.down = DOWN if salesforce else None
        self.world.trouble.down = DOWN if firestore else None

    @rule()
    def a_restart(self) -> None:
        """The owner dies with its leases; another one takes over when they run out."""
        self.world.engine = self.world.new_engine()
        self.world.later(200)

    @invariant()
    def the_status_is_the_truth(self) -> None:
        if not hasattr(self, "ids"):
            return
        for pid in self.ids.values():
            waiting = deliveries.open_of_project(self.world.conn, pid)
            shown = self.world.state(pid)
            for state, target in zip(shown, deliveries.TARGETS, strict=True):
                is_open = any(d.target == target for d in waiting)
                assert is_open == (state not in ("synced", "absent")), (state, waiting)

    def teardown(self) -> None:
        if not hasattr(self, "ids"):
            return
        world = self.world
        world.salesforce.faults.clear()
        world.trouble.before.clear()
        world.trouble.after.clear()
        world.salesforce.down = world.trouble.down = None
        world.later(4000)
        assert world.sync().clean
        for pid in self.ids.values():
            # The write path looks at a record only when it has something for it.
            world.later(30)
            world.set(pid, sort_order=self.values % 900 + 17)
        assert world.sync().clean
        self.check()
        self.home.cleanup()

    def check(self) -> None:
        world = self.world
        assert len(world.salesforce.rows) == 2
        assert world.salesforce.number == 2, "a second row was made"
        losers = {(c.project_id, c.path): c for c in conflicts.find(world.conn)}
        for (name, path), (_, who, value) in self.last.items():
            pid = self.ids[name]
            group, _, leaf = path.partition(".")
            document = world.document(pid)
            shared = document[group][leaf] if leaf else document[group]
            there = world.salesforce.rows[pid].values[path]
            here = world.here(pid)[path]
            assert here == shared == there, (path, here, shared, there)
            assert here == value, (path, "who", who, here, value, losers.get((pid, path)))
        written = len(world.salesforce.writes)
        world.later(900)
        assert world.sync().clean
        assert len(world.salesforce.writes) == written, "an echo"


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)
