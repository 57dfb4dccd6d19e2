"""What the Sync screen reads: both targets, the outbox, the open conflicts; each read in one go."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services import explain, outbox, overview, refusals
from services.outbox import NotPossible
from services.overview import Gates, OutboxEntry, TargetHealth
from store import conflicts, deliveries, projects
from store.canon import Value
from store.conflicts import Conflict

LIMIT = 500


class Which(StrEnum):
    """Which edits the outbox shows."""

    OPEN = "on their way"
    TROUBLE = "in trouble"
    ALL = "of all time"


TROUBLE_STATES = ("failed", "conflict", "retrying")


@dataclass(frozen=True, slots=True)
class SyncView:
    """``total`` counts every edit that ``which`` names, also beyond those listed. ``names`` are
    the feature names of the conflicts' projects."""

    healths: Mapping[str, TargetHealth]
    entries: tuple[OutboxEntry, ...]
    total: int
    conflicts: tuple[Conflict, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mending:
    """A refused edit, opened to be mended: its fields with their present values, and what the
    target said."""

    seq: int
    name: str
    values: tuple[tuple[str, Value], ...]
    words: str


def read(
    conn: sqlite3.Connection, configured: Gates, which: Which = Which.OPEN, limit: int = LIMIT
) -> SyncView:
    """Everything the screen shows, newest edits first."""
    states = TROUBLE_STATES if which is Which.TROUBLE else deliveries.OPEN
    entries = overview.outbox(conn, open_only=which is not Which.ALL, states=states, limit=limit)
    found = tuple(conflicts.find(conn))
    return SyncView(
        overview.health(conn, configured),
        tuple(each for each in entries if each.deliveries),
        len(entries) if len(entries) < limit else _count(conn, which),
        found,
        overview.names_of(conn, {each.project_id for each in found}),
    )


def mending(conn: sqlite3.Connection, seq: int) -> Mending:
    """The fields of an edit that a target refused. Raises NotPossible: nothing of it was refused,
    it was a delete, or its project is gone."""
    found = outbox.inspect(conn, seq)
    op = found.operation
    refused = [each for each in found.deliveries if each.state == "failed"]
    if not refused:
        raise NotPossible("nothing of this edit was refused; r sends what waits again")
    project = projects.get(conn, op.project_id)
    if op.kind == "delete" or project is None:
        raise NotPossible("the project is deleted here: r tries the delete again, D gives it up")
    paths = refusals.failed_paths(op, explain.attempts_of(found.attempts, refused))
    if not paths:
        raise NotPossible("this edit has no field that can be changed; r tries it again")
    values = tuple((path, project.values.get(path)) for path in paths)
    words = ". ".join(dict.fromkeys(explain.reason(each) for each in refused))
    return Mending(seq, found.name, values, words)


def _count(conn: sqlite3.Connection, which: Which) -> int:
    if which is Which.ALL:
        row = conn.execute("SELECT COUNT(DISTINCT seq) FROM deliveries").fetchone()
    else:
        states = TROUBLE_STATES if which is Which.TROUBLE else deliveries.OPEN
        marks = ", ".join("?" * len(states))
        row = conn.execute(
            f"SELECT COUNT(DISTINCT seq) FROM open_deliveries WHERE state IN ({marks})", states
        ).fetchone()
    return int(row[0])
