"""How far each remote system was read: high-water marks, last whole readings, what vanished.

A mark commits in the transaction that applies (or parks) the rows it passes. Every function that
writes must run inside ``transaction``.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from dataclasses import dataclass

from store import meta
from store.clock import from_iso


@dataclass(frozen=True, slots=True)
class Vanished:
    """Records that were all gone at once, more than is believed without a person's word."""

    ids: tuple[str, ...]
    known: int


def mark(conn: sqlite3.Connection, target: str) -> dt.datetime | None:
    """Everything that moved before this moment was applied or parked; None: never read."""
    text = meta.get(conn, f"mark:{target}")
    return from_iso(text) if text else None


def advance(conn: sqlite3.Connection, target: str, moment: dt.datetime) -> None:
    """Move the mark; it never goes back."""
    before = mark(conn, target)
    if before is None or moment > before:
        meta.put(conn, f"mark:{target}", moment.astimezone(dt.UTC).isoformat())


def read_whole_at(conn: sqlite3.Connection, target: str) -> float | None:
    """When the target was last read from end to end (epoch seconds)."""
    text = meta.get(conn, f"whole:{target}")
    return float(text) if text else None


def was_read_whole(conn: sqlite3.Connection, target: str, now: float) -> None:
    """The target was read from end to end."""
    meta.put(conn, f"whole:{target}", repr(now))


def vanished(conn: sqlite3.Connection, target: str) -> Vanished | None:
    """What waits for a person's word before it counts as deleted."""
    text = meta.get(conn, f"vanished:{target}")
    if not text:
        return None
    kept = json.loads(text)
    return Vanished(tuple(kept["ids"]), kept["known"])


def note_vanished(conn: sqlite3.Connection, target: str, found: Vanished | None) -> None:
    """Keep (or with None forget) what is gone all at once."""
    if found is None:
        meta.drop(conn, f"vanished:{target}")
    else:
        text = json.dumps({"ids": list(found.ids), "known": found.known})
        meta.put(conn, f"vanished:{target}", text)


def refusal(conn: sqlite3.Connection, target: str) -> str | None:
    """Why the target does not let itself be read, though it takes what is sent; a sentence."""
    return meta.get(conn, f"refusal:{target}")


def note_refusal(conn: sqlite3.Connection, target: str, sentence: str | None) -> None:
    """Keep (or with None forget) why the target does not let itself be read."""
    if sentence is None:
        meta.drop(conn, f"refusal:{target}")
    else:
        meta.put(conn, f"refusal:{target}", sentence)


def forget(conn: sqlite3.Connection, target: str) -> None:
    """The target is another system from now on: nothing of it was read."""
    for kind in ("mark", "whole", "vanished", "refusal"):
        meta.drop(conn, f"{kind}:{target}")
