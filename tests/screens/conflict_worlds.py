"""Conflicts for the screens: a field, a long text, whole records both ways, one that is closed."""

from __future__ import annotations

import dataclasses
import sqlite3

from services import conflicts as decisions
from services import itsc_roadmap
from store import bases, conflicts, projects
from store.canon import Value
from store.clock import to_iso
from store.conflicts import Conflict
from store.database import transaction
from store.deliveries import FIRESTORE, SALESFORCE
from tests.screens.worlds import HOSTILE, NOW, by, deliver, edit, refuse

BASE = (
    "Customers write their comments into five tools. Nobody reads all of them, and what is read "
    "is read twice.\nOne inbox for every comment, with an owner for each."
)
MINE = BASE.replace("five tools", "eight tools").replace("an owner", "an owner and a date")
THEIRS = BASE.replace("five tools", "five tools and two spreadsheets").replace(
    "Nobody reads", "Hardly anybody reads"
)
FIELD, TEXT, OURS, GONE, ODD = (f"{letter * 20}" for letter in "abcde")


def conflict(
    id: str, number: int, path: str, base: Value, mine: Value, theirs: Value, winner: str, ago: int
) -> Conflict:
    return Conflict(
        id=id,
        project_id=f"project-{number:05d}",
        path=path,
        target=SALESFORCE,
        base=base,
        mine=mine,
        theirs=theirs,
        winner=winner,
        mine_at=to_iso(NOW - ago - 120),
        theirs_at=to_iso(NOW - ago - (60 if winner == "theirs" else 180)),
        mine_by="ana",
        theirs_by="Mia Chen",
        seq=None,
        state="open",
        at=to_iso(NOW - ago),
    )


def field(conn: sqlite3.Connection) -> None:
    """One field, theirs in force."""
    edit(conn, 9, {"status": "Paused"}, ago=920)
    edit(conn, 9, {"status": "Completed"}, by="Mia Chen", ago=860, origin="salesforce")
    with transaction(conn):
        conflicts.add(
            conn, conflict(FIELD, 9, "status", "In QA", "Paused", "Completed", "theirs", 800)
        )


def text(conn: sqlite3.Connection) -> None:
    """A long text, mine in force."""
    edit(conn, 1, {"brief.why_it_matters": MINE}, ago=720)
    with transaction(conn):
        conflicts.add(
            conn, conflict(TEXT, 1, "brief.why_it_matters", BASE, MINE, THEIRS, "mine", 600)
        )


def deleted_here(conn: sqlite3.Connection) -> None:
    """Deleted here, edited there."""
    itsc_roadmap.delete_project(conn, by("ana", 520), "project-00006")
    deliver(conn, FIRESTORE, "project-00006")
    why = "deleted here, but Department, Punchline was edited there since"
    refuse(conn, SALESFORCE, "project-00006", "conflict", ("conflict", "DELETED", why))
    with transaction(conn):
        made = conflict(OURS, 6, "*", None, "deleted", "edited", "nobody", 400)
        record: dict[str, Value] = {
            "feature_name": conn.execute(
                "SELECT snapshot ->> '$.values.feature_name' FROM tombstones"
            ).fetchone()[0],
            "department": "Sales / Events",
            "brief.punchline": "Every sponsor sees what he paid for.",
        }
        conflicts.add(conn, dataclasses.replace(made, why=why, record=record, version="v"))


def deleted_there(conn: sqlite3.Connection) -> None:
    """Edited here, deleted there."""
    project = projects.get(conn, "project-00004")
    assert project is not None
    with transaction(conn):
        base = bases.get(conn, "project-00004", SALESFORCE)
        assert base is not None
        bases.put(conn, [dataclasses.replace(base, values=dict(project.values))])
    edit(conn, 4, {"status": "Paused", "department": "Grants / Data"}, ago=320)
    deliver(conn, FIRESTORE, "project-00004")
    why = "edited here, but deleted in Salesforce by Mia Chen"
    refuse(conn, SALESFORCE, "project-00004", "conflict", ("conflict", "DELETED", why))
    with transaction(conn):
        made = conflict(GONE, 4, "*", None, "edited", "deleted", "nobody", 200)
        conflicts.add(conn, dataclasses.replace(made, why=why))


def closed(conn: sqlite3.Connection) -> None:
    """One that was decided for mine, by somebody else."""
    field(conn)
    decisions.resolve(conn, by("ben", 300), FIELD, "mine")


def every(conn: sqlite3.Connection) -> None:
    """Four open ones, the newest a deletion there."""
    for fill in (field, text, deleted_here, deleted_there):
        fill(conn)


def hostile(conn: sqlite3.Connection) -> None:
    """Markup, escapes and text that turns around on every side."""
    edit(conn, 0, dict(HOSTILE), by="[/eve]", ago=300)
    bad = "\x1b]0;pwn\x07[/x] [b]\u202eabc\x00 "
    made = conflict(ODD, 0, "brief.punchline", bad, bad + "[red]mine", bad * 400, "mine", 100)
    with transaction(conn):
        conflicts.add(conn, dataclasses.replace(made, mine_by="[/eve]\x1b", theirs_by="\u202e[b]"))
