"""An engine as the configuration wants it: for the terminal, the worker and a one-shot run."""

from __future__ import annotations

import sqlite3

from services import connections
from services.config import Settings
from services.connections import Connections
from services.context import Context
from services.sync.engine import Engine, Pace
from services.sync.inbound import Rhythm


def make_engine(
    conn: sqlite3.Connection, ctx: Context, opened: Connections, settings: Settings
) -> Engine:
    """The engine over the opened targets. Belongs to the calling thread, as they do."""
    rhythm = Rhythm(
        follow=settings.follow_seconds,
        follow_idle=max(Rhythm.follow_idle, settings.follow_seconds),
        reconcile=settings.reconcile_seconds,
        delay=settings.debounce_seconds,
        carry=settings.carry_seconds,
    )
    pace = Pace(rhythm, settings.salesforce_share)
    return Engine(conn, ctx, opened.targets, connections.gates(settings), pace=pace)
