"""What a backfill has to remember beyond its death: who runs it, and which jobs it has sent.

Kept in the database, so that whoever runs next finds it. Only one backfill of a database runs at a
time; the record of a process that is gone is taken over.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from store import deliveries, meta
from store.clock import Clock
from store.database import transaction

KEY = "backfill"
LEASE = 3600.0
"""Seconds for which rows of a bulk job stay claimed after the last look at the job."""


class Busy(Exception):
    """Another process is running a backfill on this database."""

    def __init__(self) -> None:
        super().__init__("another backfill is running on this database; wait for it to end")


def _nothing(*_args: object) -> None:
    """Where nobody looks on."""


@dataclass
class Journal:
    """This run's record; also what a bulk job's ``Watch`` is told. ``owner`` holds the leases of
    rows in jobs: it is no process, so that only a backfill takes them over before they run out."""

    conn: sqlite3.Connection
    clock: Clock
    process: str
    owner: str
    jobs: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    """Owners of leases that earlier runs left behind."""
    progress: Callable[[int], None] = _nothing
    at_point: Callable[[str], None] = _nothing

    def start(self, is_dead: Callable[[str], bool]) -> None:
        """Take the record over. Raises Busy, StoreError."""
        with transaction(self.conn):
            known = json.loads(meta.get(self.conn, KEY) or "{}")
            other = known.get("process")
            age = self.clock() - known.get("at", 0.0)
            # Whether a process of another machine name (a container's last life) is gone, nobody
            # can ask; its silence has to do.
            silent = is_dead(other) or not 0 <= age < LEASE if other else True
            if not silent and other != self.process:
                raise Busy
            self.jobs = list(known.get("jobs", ()))
            self.earlier = list(known.get("owners", ()))
            self._write(self.process)

    def settled(self) -> None:
        """The jobs of earlier runs have ended: nobody need wait for their rows any more."""
        with transaction(self.conn):
            for owner in self.earlier:
                deliveries.expire(self.conn, owner)
            self.jobs, self.earlier = [], []
            self._write(self.process)

    def stop(self) -> None:
        """The run is over; what is still under way stays written down."""
        with transaction(self.conn):
            if not self.jobs:
                deliveries.release(self.conn, self.owner)
            self._write(None)

    def opened(self, job_id: str) -> None:
        """See Watch."""
        with transaction(self.conn):
            self.jobs.append(job_id)
            self._write(self.process)

    def beat(self, processed: int) -> None:
        """See Watch: the leases of the job's rows are held on."""
        with transaction(self.conn):
            deliveries.renew(self.conn, self.owner, self.clock() + LEASE)
            self._write(self.process)
        self.progress(processed)

    def ended(self, job_id: str) -> None:
        """See Watch. The acknowledgement of its rows follows at once; a kill in between leaves
        their leases to the next run, which reads the rows before it sends them again."""
        with transaction(self.conn):
            self.jobs.remove(job_id)
            self._write(self.process)

    def point(self, name: str) -> None:
        """See Watch."""
        self.at_point(name)

    def _write(self, process: str | None) -> None:
        owners = [*self.earlier, self.owner]
        record = {
            "process": process,
            "at": self.clock(),
            "owners": owners,
            "jobs": self.jobs,
        }
        meta.put(self.conn, KEY, json.dumps(record))
