"""Whether this database is still the client that it says it is.

Each document remembers the newest operation of every client. One that carries our client id with a
number or an id that our log does not have was written by another copy of this database: this one
was restored from a backup, or copied. It goes on as a new client; whatever it has not delivered is
judged against the records as they are, as every write is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from services.context import Context
from services.sync.targets.base import Remote
from store import meta, operations


def is_copy(conn: sqlite3.Connection, client_id: str, remotes: Sequence[Remote]) -> bool:
    """Whether a document knows an operation of ours that our own log does not."""
    told = {
        applied.seq: applied.op
        for remote in remotes
        if (applied := remote.applied.get(client_id)) is not None
    }
    if not told:
        return False
    mine = operations.get_many(conn, told)
    return any(seq not in mine or mine[seq].op_id != op for seq, op in told.items())


def become_new(conn: sqlite3.Connection, ctx: Context) -> str:
    """Go on as a new client; gives its id. Runs inside the caller's transaction."""
    fresh = ctx.new_id()
    meta.put(conn, "client_id", fresh)
    return fresh
