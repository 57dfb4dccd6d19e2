"""Play random histories of the sync engine by their seeds, and make those that fail small.

    python scripts/histories.py FIRST [LAST]

Prints each history that breaks a promise with the steps that it needs, as a test would tell it.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.sync.simulation import promises
from tests.sync.simulation.faults import Fault
from tests.sync.test_simulation import Happening, Histories, history

LAST: list[Histories] = []
FAILURES = (
    AssertionError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    sqlite3.Error,
)
"""A promise that is broken, or an engine that falls."""


class Recorded(Histories):
    """One whose steps can be asked for when it has failed."""

    def __init__(self) -> None:
        super().__init__()
        LAST.append(self)


def broken(begun: dict[str, object], steps: Sequence[Happening]) -> str | None:
    """Which promise these steps break, by its first words; None: none."""
    told = Histories()
    try:
        told.begin(**begun)  # type: ignore[arg-type]
        for each in steps:
            told.play(each)
            promises.at_every_step(told.world)
        told.teardown()
    except FAILURES as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


def smallest(begun: dict[str, object], steps: list[Happening], why: str) -> list[Happening]:
    """Fewer steps that break the same promise: ever smaller parts are left out."""

    def same(answer: str | None) -> bool:
        return answer is not None and answer.split(":")[:2] == why.split(":")[:2]

    parts = 2
    while len(steps) > 1:
        size = max(1, len(steps) // parts)
        starts = range(0, len(steps), size)
        fewer = next(
            (
                left
                for at in starts
                if same(broken(begun, left := [*steps[:at], *steps[at + size :]]))
            ),
            None,
        )
        if fewer is not None:
            steps, parts = fewer, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(len(steps), parts * 2)
    return steps


def told(step: Happening) -> str:
    """A step as a line of a test."""
    words = {
        name: f"Fault.{value.name}" if isinstance(value, Fault) else repr(value)
        for name, value in step.arguments.items()
    }
    return f"    h.{step.name}({', '.join(f'{name}={word}' for name, word in words.items())})"


def main() -> int:
    """Play all of them; 1 if any broke a promise."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    if (
        len(numbers) != len(sys.argv) - 1
        or len(numbers) not in (1, 2)
        or sorted(numbers) != numbers
    ):
        print("usage: python scripts/histories.py FIRST [LAST]", file=sys.stderr)
        return 2
    first, last = numbers[0], numbers[-1]
    failed = 0
    for number in range(first, last + 1):
        LAST.clear()
        try:
            history(number, Recorded)
        except FAILURES:
            failed += 1
            one = LAST[-1]
            why = broken(one.begun, one.played)
            print(f"history {number}: {why}")
            if why is not None:
                print(f"    begin {one.begun}")
                print("\n".join(map(told, smallest(one.begun, one.played, why))), flush=True)
    print(f"{failed} of {last - first + 1} histories broke a promise")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
