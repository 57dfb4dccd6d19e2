"""When a row or a target is tried again: exponential backoff with full jitter, capped.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).
"""

from __future__ import annotations

import random

FIRST = 1.0
CAP = 15 * 60.0
PROBE_CAP = 60.0
MAX_ATTEMPTS = 12


def delay(attempts: int, rng: random.Random, *, asked: float | None = None) -> float:
    """Seconds until try ``attempts + 1`` of a row; what the server asked for is the least."""
    ceiling = min(CAP, FIRST * 2.0 ** max(0, attempts - 1))
    jittered = rng.uniform(ceiling / 10, ceiling)
    return min(CAP, max(jittered, asked or 0.0))


def probe_delay(probes: int, rng: random.Random, *, asked: float | None = None) -> float:
    """Seconds until a target that is away is probed again."""
    ceiling = min(PROBE_CAP, FIRST * 2.0 ** min(probes, 10))
    jittered = rng.uniform(ceiling / 2, ceiling)
    return min(CAP, max(jittered, asked or 0.0))
