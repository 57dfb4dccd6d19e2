"""The directory of Salesforce users, as last pulled. Writers run in ``transaction``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """One Salesforce user."""

    user_id: str
    name: str
    email: str | None
    active: bool


def replace(conn: sqlite3.Connection, users: Iterable[User]) -> None:
    """Put a freshly pulled directory in the place of the old one."""
    conn.execute("DELETE FROM users")
    conn.executemany(
        "INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?)",
        [(u.user_id, u.name, u.email, int(u.active)) for u in users],
    )


def everyone(conn: sqlite3.Connection) -> list[User]:
    """All users, by name."""
    rows = conn.execute("SELECT user_id, name, email, active FROM users ORDER BY name, user_id")
    return [User(row[0], row[1], row[2], bool(row[3])) for row in rows]
