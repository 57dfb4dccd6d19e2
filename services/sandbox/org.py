"""The org that one server process serves: its file, its clock, its limits, its troubles."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.sandbox import storage
from services.sandbox.faults import Faults
from services.sandbox.incoming import stamp
from services.sandbox.storage import Store
from services.sandbox.wire import Call, Effects
from store.clock import Clock, system_clock

DAILY_CALLS = 100_000


@dataclass(frozen=True, slots=True)
class Org:
    """Shared by all requests of a server process."""

    store: Store
    faults: Faults
    clock: Clock = system_clock
    daily_calls: int = DAILY_CALLS
    public_key: bytes | None = None
    """PEM of the key or certificate that JWT logins must be signed for; None takes any."""

    def now(self) -> float:
        """The server's time, epoch seconds."""
        return self.clock() + self.faults.clock_shift()

    def today(self) -> str:
        """The day the API calls are counted on."""
        return dt.datetime.fromtimestamp(self.now(), dt.UTC).date().isoformat()

    def count_call(self) -> int:
        """Count one API call and give the day's total."""
        with self.store.transaction() as db:
            return storage.count_call(db, self.today())


@dataclass(frozen=True, slots=True)
class Work:
    """One writing request: its transaction, who writes, and the second it happens in."""

    db: sqlite3.Connection
    user: str
    now: float
    effects: Effects
    stamp: str
    """``now`` as Salesforce writes it."""

    @property
    def late(self) -> float | None:
        """When SOQL shows what is written; None for at once."""
        return self.now + self.effects.late if self.effects.late else None


@contextmanager
def working(org: Org, call: Call) -> Iterator[Work]:
    """A transaction for what a call writes; rolled back where an exception leaves it."""
    with org.store.transaction() as db:
        now = org.now()
        if call.effects.late:
            storage.forget_late(db, now)
        yield Work(db, call.user, now, call.effects, stamp(now))
