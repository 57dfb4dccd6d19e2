"""What is known of each remote system: identity, pause, outage, budget. Shared by every process.

Every function that writes must run inside ``transaction``.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TargetState:
    """``paused_by`` is a person (or ``steerco`` for a different organisation): nothing moves until
    somebody resumes. ``down_since`` is an outage: probes go on by themselves."""

    target: str
    identity: str | None = None
    paused_by: str | None = None
    paused_at: str | None = None
    pause_reason: str | None = None
    down_since: float | None = None
    down_code: str | None = None
    down_reason: str | None = None
    probe_at: float | None = None
    probes: int = 0
    last_ok_at: str | None = None
    last_drain_at: str | None = None
    last_reconcile_at: str | None = None
    api_used: int | None = None
    api_limit: int | None = None
    clock_offset: float | None = None


_COLUMNS = tuple(TargetState.__slots__)


def get(conn: sqlite3.Connection, target: str) -> TargetState:
    """What is known; an empty state for a target nobody has reached yet."""
    row = conn.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM targets WHERE target = ?", (target,)
    ).fetchone()
    return TargetState(*row) if row else TargetState(target)


def clock_offset(conn: sqlite3.Connection) -> float:
    """Seconds to add to this machine's clock to get Salesforce's, as last measured."""
    row = conn.execute("SELECT clock_offset FROM targets WHERE target = 'salesforce'").fetchone()
    return row[0] if row and row[0] is not None else 0.0


def put(conn: sqlite3.Connection, target: str, **changes: object) -> None:
    """Set the given columns of a target's state."""
    unknown = set(changes) - set(_COLUMNS)
    if unknown:
        raise ValueError(f"no such target state: {', '.join(sorted(unknown))}")
    conn.execute("INSERT OR IGNORE INTO targets (target) VALUES (?)", (target,))
    if changes:
        sets = ", ".join(f"{name} = ?" for name in changes)
        conn.execute(f"UPDATE targets SET {sets} WHERE target = ?", (*changes.values(), target))
