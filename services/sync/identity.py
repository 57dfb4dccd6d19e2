"""Whether this database is still the client that it says it is.

Each document remembers the newest operation of every client. One that carries our client id with a
number or an id that our log does not have was written by another copy of this database: this one
was restored from a backup, or copied. It goes on as a new client, and of nothing that it had still
to deliver does it know whether the other one did.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from services.care.renewal import renew
from services.context import Context
from services.sync.targets.base import Remote
from store import meta, operations


def is_copy(conn: sqlite3.Connection, client_id: str, remotes: Iterable[Remote]) -> bool:
    """Whether a document knows an operation of ours that our own log does not."""
    told = _told(client_id, remotes)
    return len(_common(conn, told)) < len(told)


def become_new(
    conn: sqlite3.Connection, ctx: Context, client_id: str, remotes: Iterable[Remote]
) -> str:
    """Go on as a new client; gives its id. What it had under way is given up, and read before it
    is sent again. Runs inside the caller's transaction.

    Where the two went apart nobody knows: common with the other one is only what a document shows
    of our own log.
    """
    fresh = ctx.new_id()
    meta.succeed(conn, fresh, max(_common(conn, _told(client_id, remotes)), default=0))
    renew(conn)
    return fresh


def _told(client_id: str, remotes: Iterable[Remote]) -> set[tuple[int, str]]:
    """The operations of a client that documents name, by number and id."""
    return {
        (applied.seq, applied.op)
        for remote in remotes
        if (applied := remote.applied.get(client_id)) is not None
    }


def _common(conn: sqlite3.Connection, told: set[tuple[int, str]]) -> list[int]:
    """The numbers of those that our own log has."""
    mine = operations.get_many(conn, {seq for seq, _ in told}) if told else {}
    return [seq for seq, op in told if seq in mine and mine[seq].op_id == op]
