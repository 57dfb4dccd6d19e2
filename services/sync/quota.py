"""How many Salesforce calls may still be made today, by everybody who runs this program. Pure.

Salesforce counts all calls of an organisation over a day; ours together may be a share of them.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.20
RESERVE = 6
"""Calls that one round may need: it is begun only where it can be ended."""
DAY = 86_400.0
SLOWEST = 8.0


@dataclass(frozen=True, slots=True)
class Budget:
    """``limit`` and ``used`` are the organisation's as last told (None: not told); ``ours`` are
    the calls of all operators today, ``share`` the part of the limit they may make, ``operators``
    how many are known to have made any."""

    limit: int | None
    used: int | None
    ours: int
    share: float = SHARE
    operators: int = 1

    @property
    def left(self) -> int | None:
        """Calls left to us today; None where nobody knows a limit."""
        if self.limit is None:
            return None
        own = int(self.limit * self.share) - self.ours
        return own if self.used is None else min(own, self.limit - self.used)

    @property
    def part(self) -> int | None:
        """Calls of which each operator may make one round now, all of them at once."""
        return None if self.left is None else max(0, self.left // self.operators)

    @property
    def is_spent(self) -> bool:
        """Whether another round might go over, of each operator: all may begin one at once."""
        return self.left is not None and self.left < RESERVE * self.operators


def slowed(interval: float, budget: Budget, now: float) -> float:
    """The pause between two readings: longer where the day's calls go faster than the day."""
    if budget.limit is None or budget.limit * budget.share < 1:
        return interval
    passed = max(0.05, (now % DAY) / DAY)
    pressure = budget.ours / (budget.limit * budget.share) / passed
    return interval * min(SLOWEST, max(1.0, pressure))


def until_tomorrow(now: float) -> float:
    """Seconds until the next day begins (UTC)."""
    return DAY - now % DAY
