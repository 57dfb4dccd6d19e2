"""The calls that all operators may make together (I12)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.sandbox.firestore import EmbeddedDocuments
from services.sync.calls import Calls
from services.sync.targets.base import Problem, Usage
from store import targets
from store.database import transaction
from store.deliveries import SALESFORCE
from tests.sync.fakes import FakeSalesforce
from tests.sync.simulation import promises
from tests.sync.simulation.operator import new_database
from tests.sync.simulation.world import World as Simulated
from tests.sync.world import World

NEARLY_MIDNIGHT = 20_717 * 86_400.0 + 23.5 * 3600


class Client:
    """Somebody who makes calls; his clock is ``ahead`` of the server's, which he knows or not."""

    def __init__(
        self, name: str, documents: EmbeddedDocuments, *, ahead: float = 0.0, knows: bool = True
    ) -> None:
        conn = new_database()
        self.documents, self.made = documents, 0
        self.calls = Calls(conn, lambda: NEARLY_MIDNIGHT + ahead, name)
        with transaction(conn):
            known = {"clock_offset": -ahead} if knows else {}
            targets.put(conn, SALESFORCE, api_limit=10_000, **known)

    def make(self, number: int) -> None:
        self.made += number
        self.calls.count(Usage(None, 10_000, self.made))
        self.calls.tell(self.documents)


@pytest.fixture
def documents(tmp_path: Path) -> EmbeddedDocuments:
    return EmbeddedDocuments(tmp_path / "documents.db", clock=lambda: NEARLY_MIDNIGHT)


def told(documents: EmbeddedDocuments) -> dict[str, dict[str, int]]:
    found = documents.get_many("itsc_meta", ["calls"])["calls"]
    assert found is not None
    return found.fields


def test_two_operators_at_work_at_once_stay_within_their_share() -> None:
    """Each alone would not notice in time that the other one spends, too."""
    world = Simulated()
    world.org.limit = 300
    world.org.lag = world.cloud.lag = 0.0
    ann, ben = world.operators
    pid = world.create(ann)
    world.cycle(ann)
    world.follow(ben)
    for number in range(80):
        who = (ann, ben)[number % 2]
        world.set(who, pid, "department", f"Team {number}")
        world.cycle(who)
        world.follow(who)
        world.reconcile(who)
        world.later(20)
        promises.i12_the_budget_holds(world)
    assert world.org.spent_by_us > 40, "the share is there to be used"


class Recorder(FakeSalesforce):
    """A target that remembers what it was given."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.rations: list[tuple[int | None, Problem | None]] = []

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        self.rations.append((calls, why))


@pytest.mark.parametrize("round_", ["drain", "reading"])
def test_a_ration_is_a_rounds_own_and_ends_with_it(world: World, round_: str) -> None:
    """One that stayed would count against the login of the next round: a share that was used up to
    its last call would be used up for ever."""
    target = Recorder(world.clock)
    world.salesforce = world.engine.remotes[SALESFORCE] = target  # type: ignore[index]
    with transaction(world.conn):
        targets.put(world.conn, SALESFORCE, api_limit=10_000)
    world.add()
    if round_ == "drain":
        world.engine.cycle()
    else:
        world.engine.inbound.on_demand((SALESFORCE,))
    given, ended = target.rations
    assert given[0] == 2_000
    assert ended == (None, None)


def test_whose_part_is_used_up_looks_again_while_others_have_some_left(
    documents: EmbeddedDocuments,
) -> None:
    target = Recorder(lambda: NEARLY_MIDNIGHT)
    ann, ben = Client("ann", documents), Client("ben", documents)
    ann.make(100)
    assert ann.calls.ration(target) is None
    (calls, why) = target.rations[-1]
    assert why is not None
    assert (calls, why.retry_after) == (1_900, 1_800.0)
    ben.make(100)
    ann.calls.tell(documents, now_or_never=True)
    ann.make(1)
    ann.calls.tell(documents, now_or_never=True)
    assert ann.calls.ration(target) is None
    (calls, why) = target.rations[-1]
    assert why is not None
    assert (calls, why.retry_after) == ((2_000 - 201) // 2, 60.0)
    assert "2 operators share the 1799 Salesforce calls" in why.sentence
    ann.make(1_790)
    spent = ann.calls.ration(target)
    assert spent is not None
    assert spent.retry_after == 1_800.0


@pytest.mark.parametrize("knows", [True, False])
def test_a_clock_that_is_ahead_makes_nobody_forget_todays_calls(
    documents: EmbeddedDocuments, knows: bool
) -> None:
    ann = Client("ann", documents)
    ben = Client("ben", documents, ahead=3600.0, knows=knows)
    ann.make(200)
    ben.make(300)
    today = min(told(documents))
    assert told(documents)[today]["ann"] == 200
    ann.make(150)
    assert told(documents)[today]["ann"] == 350
    assert ann.calls.budget().ours == 350 + (300 if knows else 0)


def test_a_few_calls_far_from_the_cap_are_not_told_at_once(documents: EmbeddedDocuments) -> None:
    ann = Client("ann", documents)
    for _ in range(3):
        ann.make(1)
    ((day, counts),) = told(documents).items()
    assert counts == {"ann": 1}, day
