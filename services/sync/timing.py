"""Edits that were stamped before anybody knew how wrong this machine's clock is.

A stamp decides who wins a field. Until Salesforce was reached for the first time it is this
machine's own time; what has not left yet gets the right one as soon as the offset is measured.
"""

from __future__ import annotations

import sqlite3

from store import deliveries, projects
from store.clock import from_iso, to_iso

SMALL = 1.0
"""Seconds that are not worth correcting: the measurement is no better."""


def correct(conn: sqlite3.Connection, offset: float) -> None:
    """Move the stamps of edits that were never sent by ``offset`` seconds. Runs inside
    ``transaction``."""
    if abs(offset) < SMALL:
        return
    unsent = deliveries.never_sent(conn)
    for project in projects.get_many(conn, list(unsent)).values():
        mine = unsent[project.project_id]
        stamps = {
            path: stamp._replace(at=to_iso(from_iso(stamp.at).timestamp() + offset))
            if stamp.op_id in mine
            else stamp
            for path, stamp in project.stamps.items()
        }
        projects.set_stamps(conn, project.project_id, stamps)
