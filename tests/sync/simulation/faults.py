"""What can go wrong between an operator and a remote system, and where it struck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from services.sync.targets.base import ErrorClass, Problem
from tests import tally


class Fault(StrEnum):
    """One thing that happens to the next call that can have it."""

    LOST_BEFORE = "request lost"
    LOST_AFTER = "answer lost"
    LATE = "request lands late"
    READ_LOST = "read lost"
    LOCK = "row lock"
    DUPLICATE = "duplicate value"
    MIXED = "mixed rows"
    TOO_MANY = "429"
    UNAVAILABLE = "503"
    EXPIRED = "401"
    STALE = "stale precondition"


OF_CALLS = (Fault.READ_LOST, Fault.UNAVAILABLE, Fault.EXPIRED, Fault.TOO_MANY)
"""What any call can meet that is no write."""
OF_DOCUMENTS = (
    Fault.LOST_BEFORE,
    Fault.LOST_AFTER,
    Fault.LATE,
    Fault.STALE,
    Fault.UNAVAILABLE,
    Fault.EXPIRED,
    Fault.TOO_MANY,
)
"""What a write to Firestore can meet."""
OF_ROWS = (
    Fault.LOST_BEFORE,
    Fault.LOST_AFTER,
    Fault.LATE,
    Fault.LOCK,
    Fault.DUPLICATE,
    Fault.MIXED,
    Fault.UNAVAILABLE,
    Fault.EXPIRED,
    Fault.TOO_MANY,
)
"""What a write to Salesforce can meet."""
IN_A_ROW = 2
"""How many faults at most wait on one line."""

PROBLEMS = {
    Fault.LOST_BEFORE: (ErrorClass.UNKNOWN, "RESET"),
    Fault.LOST_AFTER: (ErrorClass.UNKNOWN, "READ_TIMEOUT"),
    Fault.LATE: (ErrorClass.UNKNOWN, "READ_TIMEOUT"),
    Fault.READ_LOST: (ErrorClass.TRANSIENT, "READ_TIMEOUT"),
    Fault.LOCK: (ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW"),
    Fault.DUPLICATE: (ErrorClass.TRANSIENT, "DUPLICATE_VALUE"),
    Fault.MIXED: (ErrorClass.TRANSIENT, "UNABLE_TO_LOCK_ROW"),
    Fault.TOO_MANY: (ErrorClass.TRANSIENT, "HTTP_429"),
    Fault.UNAVAILABLE: (ErrorClass.PAUSE, "SERVER_UNAVAILABLE"),
    Fault.EXPIRED: (ErrorClass.PAUSE, "INVALID_SESSION_ID"),
    Fault.STALE: (ErrorClass.STALE, "ABORTED"),
}
AWAY = Problem(ErrorClass.PAUSE, "REFUSED", "refused", "nobody answers")
REFUSED = Problem(ErrorClass.PERMANENT, "STRING_TOO_LONG", "too long", "the text is too long")
SPENT = Problem(ErrorClass.PAUSE, "REQUEST_LIMIT_EXCEEDED", "limit", "the day's calls are spent")


def problem_of(fault: Fault) -> Problem:
    """A fault as the target that met it says it."""
    cls, code = PROBLEMS[fault]
    wait = 7.0 if fault is Fault.TOO_MANY else None
    return Problem(cls, code, str(fault), f"the other side: {fault}", retry_after=wait)


@dataclass
class Line:
    """One operator's way to one remote system: what waits to go wrong on it, and the phase his
    engine is in, for the table of what was hit."""

    target: str
    waiting: list[Fault] = field(default_factory=list)
    down: bool = False
    phase: Callable[[], str] = lambda: "idle"

    def will(self, fault: Fault) -> None:
        """Let this happen to the next call that can have it; the newest ones wait."""
        self.waiting = [*self.waiting, fault][-IN_A_ROW:]

    def next_of(self, *faults: Fault) -> Fault | None:
        """The next waiting fault, if it is one of these: it strikes now."""
        if self.waiting and self.waiting[0] in faults:
            fault = self.waiting.pop(0)
            self.struck(str(fault))
            return fault
        return None

    def struck(self, fault: str) -> None:
        """Count a hit."""
        tally.hit(fault, f"{self.target}:{self.phase()}")
