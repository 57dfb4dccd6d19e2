"""One operator of the simulation: a database in memory, an engine, a clock that is wrong."""

from __future__ import annotations

import functools
import itertools
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from services import outbox, overview
from services.context import Context
from services.sync.engine import Engine
from services.sync.status import Gate, RowSync
from services.sync.targets.firestore import FirestoreTarget
from store import deliveries, projects
from store.canon import Values
from store.database import connect, open_database, transaction
from store.deliveries import SALESFORCE
from tests import tally
from tests.sync.simulation.cloud import Cloud, CloudLine
from tests.sync.simulation.org import Organisation, OrganisationLine

OFF = Gate(open=False, reason="ITSC_SF_SYNC_ENABLED is off")


class Crash(BaseException):
    """The process dies here: nothing behind this line happens, nothing is tidied up."""


@functools.cache
def _template() -> sqlite3.Connection:
    return open_database(Path(":memory:"))


def new_database() -> sqlite3.Connection:
    """An empty database in memory. What makes a commit durable is tested with real files."""
    conn = connect(Path(":memory:"))
    _template().backup(conn)
    return conn


class Operator:
    """``now`` is the true time; this one's clock is ``offset`` seconds off."""

    def __init__(
        self, name: str, now: Callable[[], float], offset: float, cloud: Cloud, org: Organisation
    ) -> None:
        self.name = name
        self.offset = offset
        numbers = itertools.count(1)
        self.ctx = Context(name, lambda: now() + self.offset, lambda: f"{name}-{next(numbers):06d}")
        self.conn = new_database()
        self.cloud = CloudLine(cloud=cloud, phase=lambda: self.phase)
        self.org = OrganisationLine(org=org, clock=self.ctx.clock, phase=lambda: self.phase)
        self.phase = "idle"
        self.crash_in: int | None = None
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.salesforce_on = True
        self.dead: set[int] = set()
        """Operations that were refused for good and tried again."""
        self.engine = self._new_engine()

    def _new_engine(self) -> Engine:
        gates = dict(overview.OPEN_GATES)
        if not self.salesforce_on:
            gates[SALESFORCE] = OFF
        self.org.anew()
        return Engine(
            self.conn,
            self.ctx,
            {"firestore": FirestoreTarget(self.cloud), "salesforce": self.org},
            configured=gates,
            rng=random.Random(self.name),
            point=self._point,
        )

    def _point(self, name: str) -> None:
        self.phase = name.partition(":")[2]
        surprise = self.meanwhile.pop(name, None)
        if surprise is not None:
            surprise()
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in <= 0:
                self.crash_in = None
                tally.hit("crash", name)
                raise Crash(name)

    def runs(self, turn: Callable[[Engine], object]) -> bool:
        """Let the engine do something; False where it died of it."""
        self.phase = "idle"
        try:
            turn(self.engine)
        except Crash:
            self.restart(seen=True)
            return False
        finally:
            self.phase = "idle"
        return True

    def restart(self, *, seen: bool) -> None:
        """A new process. ``seen``: on the same machine, where the dead owner's leases are seen to
        be nobody's; else they have to run out."""
        if self.conn.in_transaction:
            self.conn.execute("ROLLBACK")
        if seen:
            with transaction(self.conn):
                deliveries.expire(self.conn, self.engine.owner)
        self.engine = self._new_engine()

    def retry_all(self) -> None:
        """Try again what was refused for good, too."""
        rows = self.conn.execute("SELECT seq FROM deliveries WHERE state = 'failed'")
        self.dead |= {row[0] for row in rows}
        outbox.retry_all(self.conn)

    def switch(self, on: bool) -> None:
        """Turn Salesforce off or on; a setting is read at the start."""
        self.salesforce_on = on
        self.engine.release()
        self.engine = self._new_engine()

    @property
    def projects(self) -> list[str]:
        """What this operator sees, in a fixed order."""
        return [row[0] for row in self.conn.execute("SELECT project_id FROM projects ORDER BY 1")]

    def here(self, project_id: str) -> Values | None:
        found = projects.get(self.conn, project_id)
        return found.values if found else None

    def shown(self) -> dict[str, RowSync]:
        """What the Sync column says of every project."""
        return overview.row_sync(self.conn, None, overview.gates(self.conn, self.engine.configured))
