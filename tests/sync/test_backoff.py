"""Waiting times: exponential, with full jitter, capped, and never less than was asked for."""

from __future__ import annotations

import random

from services.sync import backoff


def test_waits_grow_are_spread_and_end_at_a_quarter_of_an_hour() -> None:
    rng = random.Random(4)
    for attempts in range(1, 60):
        waits = [backoff.delay(attempts, rng) for _ in range(50)]
        ceiling = min(900.0, 2.0 ** (attempts - 1))
        assert all(0 < wait <= ceiling for wait in waits), attempts
        assert max(waits) > 0.8 * ceiling
        assert min(waits) < 0.4 * ceiling, "everybody would come back at the same moment"


def test_what_the_server_asks_for_is_the_least_and_the_cap_holds() -> None:
    rng = random.Random(4)
    assert all(backoff.delay(1, rng, asked=30.0) == 30.0 for _ in range(20))
    assert backoff.delay(1, rng, asked=86_400.0) == 900.0


def test_a_target_that_is_away_is_probed_at_least_once_a_minute() -> None:
    rng = random.Random(4)
    waits = [backoff.probe_delay(probes, rng) for probes in range(200)]
    assert all(0.5 <= wait <= 60.0 for wait in waits)
    assert len(set(waits)) == len(waits)
    assert backoff.probe_delay(0, rng, asked=20.0) == 20.0
