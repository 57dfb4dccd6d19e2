"""A small, deterministic world for the screens: fixed moment, counted ids, invented projects."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from services import itsc_roadmap
from services.context import Context
from services.desk import Desk
from services.workplace import Workplace
from store import bases, deliveries, targets
from store.database import open_database, transaction
from store.deliveries import TARGETS
from store.fields import EFFORTS, PRIORITIES, STATUSES, STRATEGIC_GROUPS

NOW = dt.datetime(2026, 11, 21, 14, 2, 5, tzinfo=dt.UTC)
TODAY = NOW.date()
_NAMES = (
    "🧩 Feedback Platform (v1)",
    "⚡ BidSpeed (euna)",
    "📊 Sponsor Portal Automation (Pre-Event)",
    "Lead Scoring Refresh",
    "Event Segmentation (v2)",
    "Grants Data API Integration",
    "Renewal Risk Dashboard",
    "Tell Me When Alerts",
    "Proposal Generator",
    "Personal Document Library",
)
_DEPARTMENTS = (
    "Product / Events / Sales",
    "Grants / Data",
    "Sponsorship / Events",
    "Marketing / Demand Gen",
    "Events",
    None,
)
_PEOPLE = ("Dev Patel", "Eva Lund", None, "Ben Osei", "Mia Chen", "Ana Ruiz")
_LAUNCHES = (24, -9, None, 75, 200, -140, 0, 33, 1, 400)
_SENTINELS = ("?", "TBD", "N/A", None)


def counter(prefix: str = "id") -> Callable[[], str]:
    """Ids that are the same in every run."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers):06d}"


def values_of(number: int, today: dt.date) -> dict[str, object]:
    """The values of the invented project with this number."""
    days = _LAUNCHES[number % 10]
    launch: object = _SENTINELS[number // 10 % 4]
    if days is not None:
        launch = (today + dt.timedelta(days=days)).isoformat()
    name = _NAMES[number % 10]
    return {
        "feature_name": name if number < 10 else f"{name} {number // 10 + 1}",
        "status": STATUSES[(number * 5) % len(STATUSES)],
        "priority": PRIORITIES[number % 7 % 4],
        "department": _DEPARTMENTS[number % 6],
        "level_of_effort": (*EFFORTS, None)[number % 4],
        "product_owner": _PEOPLE[(number + 2) % 6],
        "it_lead": _PEOPLE[number % 6],
        "strategic_group": STRATEGIC_GROUPS[number % 9],
        "launch_target": launch,
        "brief.punchline": f"What number {number} is good for.",
    }


def context(operator: str = "ana") -> Context:
    """An operator at the fixed moment."""
    return Context(operator, clock=NOW.timestamp, new_id=counter())


def fill(conn: sqlite3.Connection, ctx: Context, number: int, today: dt.date = TODAY) -> None:
    """Create ``number`` projects, in one transaction."""
    with transaction(conn):
        for each in range(number):
            itsc_roadmap.create_project(
                conn, ctx, values_of(each, today), project_id=f"project-{each:05d}"
            )


def synced(conn: sqlite3.Connection, at: str = "2026-11-21T13:00:00.000Z") -> None:
    """Everything that is queued has arrived on both sides."""
    ids = [row[0] for row in conn.execute("SELECT project_id FROM projects")]
    with transaction(conn):
        for (seq,) in conn.execute("SELECT seq FROM operations").fetchall():
            for target in TARGETS:
                deliveries.set_state(conn, seq, target, "done")
        for target in TARGETS:
            bases.put(conn, [bases.Base(each, target, True, acked_at=at) for each in ids])
            targets.put(conn, target, last_ok_at=at, last_drain_at=at)


@functools.cache
def _database(projects: int, in_sync: bool) -> bytes:
    """The file of such a world, made once."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "steerco.db"
        conn = open_database(path)
        fill(conn, context("import"), projects)
        if in_sync:
            synced(conn)
        conn.close()
        return path.read_bytes()


def workplace(
    home: Path, projects: int = 50, *, in_sync: bool = True, operator: str = "ana"
) -> Workplace:
    """A database with that many projects, and the place to work with it."""
    path = home / "steerco.db"
    path.write_bytes(_database(projects, in_sync))
    return Workplace(path, Desk(path), context(operator))
