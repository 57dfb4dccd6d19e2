"""I1 to I14 over random histories: two operators whose clocks are wrong, a person in Salesforce who
edits, deletes and brings back, rows and documents that show late, lost and late requests, outages,
crashes, refusals, spent quotas. The promises are checked after every step; at the end everything
heals, and the sides must agree, with nothing lost and nothing more to write.

One seed is one history. A failure prints its steps; ``scripts/histories.py`` plays it again by its
seed and leaves out what it does not need. Those that broke a promise once are in ``test_replayed``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.sync.simulation import promises
from tests.sync.simulation.faults import OF_CALLS, OF_DOCUMENTS, OF_ROWS, Fault, Line
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.world import World

F = TypeVar("F", bound=Callable[..., None])
STEPS = 60
WHO = st.sampled_from([0, 1])
NUMBER = st.integers(0, 5)
FIELDS = st.sampled_from(promises.WATCHED)
HOUR = 3600.0
POINTS = ("claimed", "read", "written", "sent", "acked")
SIDES = st.sampled_from(["firestore", "salesforce"])


@dataclass(frozen=True)
class Happening:
    """One step of a history."""

    name: str
    arguments: dict[str, Any]

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.name}({told})"


def step(weight: int = 1, **arguments: st.SearchStrategy[Any]) -> Callable[[F], F]:
    """A method that is a step of a history. It is no rule of Hypothesis': of those, each history
    has a random part switched off, and in a third of the histories all but a few are."""

    def mark(method: F) -> F:
        method.step = (weight, arguments)  # type: ignore[attr-defined]
        return method

    return mark


class Histories(RuleBasedStateMachine):
    """Edits everywhere, and everything that can go wrong between them."""

    @initialize(
        number=st.integers(0, 2**32),
        offsets=st.sampled_from([(0.0, 0.0), (HOUR, -HOUR), (-HOUR, 0.0), (0.0, 1800.0)]),
        lag=st.sampled_from([3.0, 0.0]),
    )
    def begin(self, number: int, offsets: tuple[float, float], lag: float = 3.0) -> None:
        self.begun = {"number": number, "offsets": offsets, "lag": lag}
        self.played: list[Happening] = []
        self.world = World(number, offsets)
        self.world.org.lag = self.world.cloud.lag = lag
        ann = self.world.operators[0]
        for _ in range(2):
            self.world.create(ann)
        self.world.later(120)
        self.world.converge()

    def who(self, number: int) -> Operator:
        return self.world.operators[number]

    def some(self, who: Operator, number: int) -> str | None:
        """One of the projects that this operator sees."""
        found = who.projects
        return found[number % len(found)] if found else None

    # People.

    @step(2, who=WHO, number=NUMBER, path=FIELDS)
    def an_operator_edits(self, who: int, number: int, path: str) -> None:
        one = self.some(self.who(who), number)
        if one is not None:
            self.world.edit(self.who(who), one, path)

    @step(who=WHO, number=NUMBER, paths=st.sets(FIELDS, min_size=2))
    def an_operator_edits_several_fields(self, who: int, number: int, paths: set[str]) -> None:
        one = self.some(self.who(who), number)
        if one is not None:
            self.world.edit(self.who(who), one, *sorted(paths))

    @step(who=WHO, number=NUMBER, voter=st.sampled_from(["Vera", "Will"]), vote=st.integers(1, 5))
    def an_operator_votes(self, who: int, number: int, voter: str, vote: int) -> None:
        one = self.some(self.who(who), number)
        if one is not None:
            self.world.set(self.who(who), one, f"scores.{voter}", vote)

    @step(who=WHO, child=NUMBER, parent=NUMBER, linked=st.booleans())
    def an_operator_links(self, who: int, child: int, parent: int, linked: bool) -> None:
        operator = self.who(who)
        one, other = self.some(operator, child), self.some(operator, parent)
        if one is not None:
            self.world.set(operator, one, "parent_id", other if linked else None)

    @step(who=WHO, under=st.none() | NUMBER)
    def an_operator_creates(self, who: int, under: int | None) -> None:
        operator = self.who(who)
        if len(self.world.oracle.lives) < 6:
            self.world.create(operator, None if under is None else self.some(operator, under))

    @step(who=WHO, number=NUMBER, step=st.sampled_from([-1, 1]))
    def an_operator_moves(self, who: int, number: int, step: int) -> None:
        one = self.some(self.who(who), number)
        if one is not None:
            self.world.move(self.who(who), one, step)

    @step(who=WHO, number=NUMBER)
    def an_operator_deletes(self, who: int, number: int) -> None:
        one = self.some(self.who(who), number)
        if one is not None:
            self.world.delete(self.who(who), one)

    @step(who=WHO, redo=st.booleans())
    def an_operator_undoes(self, who: int, redo: bool) -> None:
        self.world.undo(self.who(who), redo=redo)

    @step(who=WHO, number=NUMBER, take=st.sampled_from(["mine", "theirs"]))
    def an_operator_decides(self, who: int, number: int, take: str) -> None:
        self.world.decide(self.who(who), take, number)

    @step(who=WHO, number=NUMBER)
    def an_operator_discards(self, who: int, number: int) -> None:
        self.world.discard(self.who(who), number)

    @step(2, number=NUMBER, path=FIELDS)
    def a_person_edits(self, number: int, path: str) -> None:
        one = self.row(number)
        if one is not None:
            self.world.person_edits(one, path)

    @step(number=NUMBER, path=FIELDS, who=WHO)
    def a_person_edits_in_the_window(self, number: int, path: str, who: int) -> None:
        """Right after somebody's read, before his write."""
        one = self.row(number)
        if one is not None:
            self.who(who).meanwhile["salesforce:read"] = lambda: (
                self.world.person_edits_in_the_window(one, path)
            )

    @step(number=NUMBER, purge=st.booleans())
    def a_person_deletes(self, number: int, purge: bool) -> None:
        one = self.row(number)
        if one is not None:
            self.world.person_deletes(one, purge=purge)

    @step(number=NUMBER)
    def a_person_undeletes(self, number: int) -> None:
        gone = sorted({row.project_id for row in self.world.org.rows if row.now.deleted})
        if gone:
            self.world.person_undeletes(gone[number % len(gone)])

    def row(self, number: int) -> str | None:
        there = sorted(row.project_id for row in self.world.org.rows if row.alive)
        return there[number % len(there)] if there else None

    # Programs.

    @step(3, who=WHO)
    def a_cycle(self, who: int) -> None:
        self.world.cycle(self.who(who))

    @step(2, who=WHO)
    def firestore_is_followed(self, who: int) -> None:
        self.world.follow(self.who(who))

    @step(2, who=WHO, full=st.booleans())
    def salesforce_is_reconciled(self, who: int, full: bool) -> None:
        self.world.reconcile(self.who(who), full=full)

    @step(3, who=WHO)
    def what_is_due_by_schedule(self, who: int) -> None:
        self.world.turn(self.who(who))

    @step(3, seconds=st.sampled_from([0.4, 5.0, 30.0, 70.0, 900.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.later(seconds)

    # Faults.

    @step(2, who=WHO, fault=st.sampled_from(sorted({*OF_CALLS, *OF_DOCUMENTS})))
    def firestore_will_fail(self, who: int, fault: Fault) -> None:
        self.who(who).cloud.will(fault)

    @step(2, who=WHO, fault=st.sampled_from(sorted({*OF_CALLS, *OF_ROWS})))
    def salesforce_will_fail(self, who: int, fault: Fault) -> None:
        self.who(who).org.will(fault)

    @step(who=WHO, side=SIDES, down=st.booleans())
    def a_side_comes_and_goes(self, who: int, side: str, down: bool) -> None:
        self.line(who, side).down = down
        if down and side == "firestore":
            self.world.parted = True

    @step(2, who=WHO, points=st.integers(1, 12))
    def a_process_will_die(self, who: int, points: int) -> None:
        self.who(who).crash_in = points

    @step(who=WHO, seen=st.booleans())
    def a_process_is_killed_while_idle(self, who: int, seen: bool) -> None:
        self.who(who).restart(seen=seen)

    @step(who=WHO, on=st.booleans())
    def salesforce_is_switched(self, who: int, on: bool) -> None:
        if self.who(who).salesforce_on != on:
            self.who(who).switch(on=on)

    @step(spent=st.booleans())
    def the_days_calls_are_spent(self, spent: bool) -> None:
        self.world.org.spent = spent

    @step(number=NUMBER, poisoned=st.booleans())
    def salesforce_refuses_one_project(self, number: int, poisoned: bool) -> None:
        one = self.row(number)
        if poisoned and one is not None:
            self.world.org.poisoned.add(one)
        else:
            self.world.org.poisoned.clear()

    def line(self, who: int, side: str) -> Line:
        operator = self.who(who)
        return operator.cloud if side == "firestore" else operator.org

    @rule(happening=st.deferred(lambda: HAPPENINGS))
    def happens(self, happening: Happening) -> None:
        self.played.append(happening)
        self.play(happening)

    def play(self, happening: Happening) -> None:
        getattr(self, happening.name)(**happening.arguments)

    # What must hold.

    @invariant()
    def the_promises_hold(self) -> None:
        if hasattr(self, "world"):
            promises.at_every_step(self.world)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.heal()
        self.world.converge()
        promises.at_every_step(self.world)
        promises.at_the_end(self.world)


def _happenings() -> st.SearchStrategy[Happening]:
    found = []
    # The first one is what a history is made of that is not needed: it should cost nothing.
    for name in ["time_passes", *vars(Histories)]:
        weight, arguments = getattr(vars(Histories)[name], "step", (0, {}))
        for _ in range(weight):  # each its own: equal ones would count once
            found.append(st.builds(Happening, st.just(name), st.fixed_dictionaries(arguments)))
    return st.one_of(found)


HAPPENINGS = _happenings()


def history(number: int, machine: type[Histories] = Histories) -> None:
    """Play the history of this seed.

    It is the second of two examples: the first is always the emptiest one there is. With many
    examples to a seed, five of six would be copies of an earlier one with some of its steps
    repeated.
    """
    run_state_machine_as_test(
        seed(number)(type("Histories", (machine,), {})),
        settings=settings(
            max_examples=2,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
        ),
    )


def histories(number: int, part: int) -> None:
    """Play so many histories, the same ones each time for a part."""
    for each in range(part * 1000, part * 1000 + number):
        try:
            history(each)
        except Exception as error:
            error.add_note(f"This was history {each}.")
            raise


@pytest.mark.parametrize("part", range(4))
def test_the_promises_hold_over_two_hundred_histories(part: int) -> None:
    histories(50, part)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(100, 120))
def test_the_promises_hold_over_two_thousand_histories(part: int) -> None:
    histories(100, part)
