"""What a soak run did to the engine: faults by the phase they hit, and broken promises.

With ``STEERCO_TALLY`` set to a directory each test process leaves one file of counts there, and
``scripts/reliability.py`` makes the table of docs/reliability.md from them.
"""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WHERE = "STEERCO_TALLY"
_hits: Counter[tuple[str, str]] = Counter()
_violations: Counter[tuple[str, str]] = Counter()
_runs: Counter[str] = Counter()


def hit(fault: str, phase: str) -> None:
    """A fault struck while the engine was in this phase."""
    _hits[fault, phase] += 1


def ran(what: str, number: int = 1) -> None:
    """So many histories, kills, operations … were run."""
    _runs[what] += number


@contextmanager
def judged(*pairs: tuple[str, str]) -> Iterator[None]:
    """What fails in here is a violation by each of these ``(fault, phase)``."""
    try:
        yield
    except BaseException:
        for pair in pairs:
            _violations[pair] += 1
        raise


def _write() -> None:
    directory = os.environ.get(WHERE)
    if not directory or not (_hits or _runs):
        return
    Path(directory).mkdir(parents=True, exist_ok=True)
    counts = {
        "hits": [[*pair, number] for pair, number in sorted(_hits.items())],
        "violations": [[*pair, number] for pair, number in sorted(_violations.items())],
        "runs": dict(_runs),
    }
    (Path(directory) / f"{os.getpid()}.json").write_text(json.dumps(counts), encoding="utf-8")


atexit.register(_write)
