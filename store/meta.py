"""Facts about this database: whose it is, what was read when. Writers run in ``transaction``."""

from __future__ import annotations

import json
import sqlite3


def get(conn: sqlite3.Connection, key: str) -> str | None:
    """The value kept under a key."""
    row = conn.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def put(conn: sqlite3.Connection, key: str, value: str) -> None:
    """Keep a value under a key."""
    conn.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def client_id(conn: sqlite3.Connection, fresh: str) -> str:
    """This database's identity as a client; ``fresh`` becomes it where there is none yet."""
    known = get(conn, "client_id")
    if known is None:
        put(conn, "client_id", fresh)
        return fresh
    return known


def drop(conn: sqlite3.Connection, key: str) -> None:
    """Forget what is kept under a key."""
    conn.execute("DELETE FROM meta WHERE key = ?", (key,))


def succeed(conn: sqlite3.Connection, fresh: str, common: int | None = None) -> None:
    """Go on as a new client. What the former one had in its log up to here (up to ``common``) may
    have been delivered by it since: its id stays known, up to that operation's number."""
    known = get(conn, "client_id")
    if known is not None:
        newest = conn.execute("SELECT COALESCE(MAX(seq), 0) FROM operations").fetchone()[0]
        common = newest if common is None else common
        put(conn, "former_clients", json.dumps({**former(conn), known: common}))
    put(conn, "client_id", fresh)


def former(conn: sqlite3.Connection) -> dict[str, int]:
    """The clients that this database was before, each with the newest operation that it had in
    common with them."""
    return json.loads(get(conn, "former_clients") or "{}")  # type: ignore[no-any-return]
