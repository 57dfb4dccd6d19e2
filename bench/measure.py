"""Interleaved timing of two sides, and the ratio of their medians."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One line of the table. ``ratio`` is ours against the peer in the goal's own sense; ``goal``
    is the goal in words."""

    what: str
    ours: str
    peer: str
    ratio: float
    goal: str
    met: bool


def at_least(what: str, ours: str, peer: str, ratio: float, goal: float) -> Result:
    """A ratio that should not fall below its goal."""
    return Result(what, ours, peer, ratio, f">= {goal:g}x", ratio >= goal)


def at_most(what: str, ours: str, peer: str, ratio: float, goal: float) -> Result:
    """A ratio that should not rise above its goal."""
    return Result(what, ours, peer, ratio, f"<= {goal:g}x", ratio <= goal)


def installed(**more: str) -> dict[str, str]:
    """The environment of a process that finds its byte code, as an installed program does. Under
    ``PYTHONDONTWRITEBYTECODE`` a checkout would be compiled every time, and its peers would not."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


def timed(action: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def interleaved(
    ours: Callable[[], object], peer: Callable[[], object], rounds: int
) -> tuple[float, float, float]:
    """Run both sides in turn; gives the medians of ours and the peer's seconds and the median of
    the ratio peer / ours, pair by pair (above 1: ours is faster)."""
    pairs = [(timed(ours), timed(peer)) for _ in range(rounds)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(b / a for a, b in pairs),
    )


def show(result: Result) -> None:
    """Print one line."""
    verdict = "ok  " if result.met else "MISS"
    print(
        f"{verdict} {result.what:<58} {result.ours:>14}  vs {result.peer:<34} "
        f"{result.ratio:8.2f}x   goal {result.goal}",
        flush=True,
    )
