"""SIGKILL at every named point of the engine and before its commits: nothing acknowledged is lost.

Sixty kills here; ``make soak`` adds a thousand at points, commits and moments of chance.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sync.run import drain
from tests import tally
from tests.sync.side import Side, sandbox_side
from tests.sync.victims import KINDS, POINTS, Death, Home, check, close, kill

COMMITS = range(1, 6)
SEEDS, EACH = 50, 20
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with sandbox_side(tmp_path_factory.mktemp("org") / "salesforce.db") as side:
        yield side


@pytest.fixture
def home(tmp_path: Path, side: Side) -> Home:
    return Home(tmp_path, side, f"victim-{next(_numbers)}")


def test_the_points_are_all_there_are(home: Home) -> None:
    """A point that the engine has and nobody dies at would be a hole in this module."""
    passed: list[str] = []
    engine = home.engine(passed.append)
    home.act(engine.conn, "create")
    assert drain(engine).clean
    assert set(passed) == set(POINTS)
    close(engine)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_loses_nothing(home: Home, kind: str, point: str) -> None:
    home.prepare(kind)
    assert kill(home, kind, Death(point=point)) == "saved"
    check(home, kind, saved=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("commit", COMMITS)
def test_a_kill_before_a_commit_loses_nothing_that_was_acknowledged(
    home: Home, kind: str, commit: int
) -> None:
    home.prepare(kind)
    said = kill(home, kind, Death(commit=commit))
    check(home, kind, saved=said.startswith("saved"))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(SEEDS))
def test_kills_of_every_sort_one_after_the_other(home: Home, side: Side, seed: int) -> None:
    """Twenty victims a seed, each on a project of its own in one growing database; now and then a
    victim finds what two others left."""
    chance = random.Random(seed)
    for number in range(EACH):
        one = Home(home.path, side, f"{home.project_id}-{number}")
        kind = chance.choice(KINDS)
        one.prepare(kind)
        deaths = [chance_death(chance) for _ in range(chance.choice((1, 1, 2)))]
        pairs = [(f"kill -9 ({kind})", death.phase) for death in deaths]
        with tally.judged(*pairs):
            said = kill(one, kind, deaths[0])
            ends = [said, *(kill_again(one, death) for death in deaths[1:])]
            check(one, kind, saved=said.startswith("saved"))
        for pair, end in zip(pairs, ends, strict=True):
            if not end.endswith("done"):  # who never came to his n-th commit was not killed
                tally.hit(*pair)
                tally.ran("kills")


def chance_death(chance: random.Random) -> Death:
    match chance.randrange(3):
        case 0:
            return Death(point=chance.choice(POINTS))
        case 1:
            return Death(commit=chance.randint(1, 8))
        case _:
            return Death(after=chance.uniform(0.0, 0.12))


def kill_again(home: Home, death: Death) -> str:
    """Another process that takes up the work and dies too, with an edit of its own elsewhere."""
    other = Home(home.path, home.side, f"{home.project_id}-too")
    return kill(other, "create", death)
