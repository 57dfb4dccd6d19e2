"""What the cells of the Sync page's two tables say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from screens.widgets.columns import Column
from screens.widgets.grid import Cell
from services import explain, times
from services.overview import OutboxEntry, TargetHealth
from store.canon import Value
from store.conflicts import WHOLE, Conflict
from store.deliveries import FIRESTORE, SALESFORCE
from store.fields import label_of

# Dropped in this order where there is no room: operator, tries, next try, error. The words below
# the table say everything of the row under the cursor.
OUTBOX = (
    Column("time", "When", 6, 6),
    Column("operator", "By", 6, 10, drop=1),
    Column("project", "Project", 12, 28, grow=2),
    Column("change", "What changed", 12, 34, grow=3),
    Column(FIRESTORE, "Firestore", 12, 13),
    Column(SALESFORCE, "Salesforce", 12, 13),
    Column("tries", "Tries", 5, drop=2, right=True),
    Column("next", "Next try", 8, 8, drop=3, right=True),
    Column("error", "Last error", 20, 26, grow=3, drop=4),
)
CONFLICTS = (
    Column("time", "When", 6, 6),
    Column("project", "Project", 12, 22, grow=1),
    Column("field", "Field", 10, 16),
    Column("base", "Base", 8, 18, grow=1, drop=1),
    Column("mine", "Mine", 10, 18, grow=1),
    Column("theirs", "Theirs", 10, 18, grow=1),
    Column("winner", "In force", 8, 10),
)
STATE_NOTES = (
    ("· pending", "saved here, goes out next"),
    ("… in flight", "on its way just now"),
    ("↻ retrying", "refused for now, tried again by itself"),
    ("✗ failed", "refused for good: on the Sync page e mends it, r retries, D discards"),
    ("⚠ conflict", "deleted on one side, edited on the other: c opens it, a person decides"),
    ("– held", "the target is off, or somebody paused it"),
    ("» superseded", "a later edit took its place"),
)
_TONES = {
    "done": "good",
    "failed": "bold bad",
    "conflict": "bold bad",
    "retrying": "warn",
    "held": "warn",
    "superseded": "quiet",
    "discarded": "quiet",
}


def entry_cell(
    entry: OutboxEntry,
    column: str,
    healths: Mapping[str, TargetHealth],
    now: float,
    zone: dt.tzinfo,
) -> Cell:
    """One cell of the outbox."""
    op = entry.operation
    match column:
        case "time":
            return Cell(times.clock_time(op.at, now, zone), "quiet")
        case "operator":
            return Cell(op.operator, "quiet")
        case "project":
            return Cell(entry.name or op.project_id)
        case "change":
            return Cell(explain.what_changed(op))
        case "tries":
            tried = max((each.attempts for each in entry.deliveries), default=0)
            return Cell(str(tried) if tried else "", "quiet")
        case "next":
            return Cell(explain.next_try(entry, healths, now), "quiet")
        case "error":
            return Cell(explain.error_of(entry), "quiet")
        case _:
            each = explain.speaking(entry, column)
            if each is None:
                return Cell("")
            state = explain.shown_state(each, healths[column])
            return Cell(explain.state_mark(each, healths[column]), _TONES.get(state, ""))


def conflict_cell(found: Conflict, name: str, column: str, now: float, zone: dt.tzinfo) -> Cell:
    """One cell of the conflicts."""
    match column:
        case "time":
            return Cell(times.clock_time(found.at, now, zone), "quiet")
        case "project":
            return Cell(name)
        case "field":
            return Cell(field_of(found))
        case "base":
            return Cell("" if found.path == WHOLE else _side(found, found.base), "quiet")
        case "mine":
            return Cell(_side(found, found.mine), "bold" if found.winner == "mine" else "")
        case "theirs":
            return Cell(_side(found, found.theirs), "bold" if found.winner == "theirs" else "")
        case _:
            waits = found.winner == "nobody"
            return Cell("⚠ waits" if waits else found.winner, "bold bad" if waits else "")


def field_of(found: Conflict) -> str:
    """The field by its label; a delete against an edit concerns the whole project."""
    return "whole project" if found.path == WHOLE else label_of(found.path)


def conflict_text(found: Conflict, now: float, zone: dt.tzinfo) -> str:
    """A conflict with everything that is known of it, as plain text."""
    there = explain.NAMES.get(found.target, found.target)
    force = {
        "mine": f"Mine is in force; {there} is told so.",
        "theirs": "Theirs is in force here.",
        "nobody": "Nothing is in force yet: a person has to decide.",
    }[found.winner]
    noticed = times.ago(found.at, now)
    mine = f"Mine, by {found.mine_by}, {times.moment(found.mine_at, zone)}"
    theirs = f"Theirs, by {found.theirs_by} in {there}, {times.moment(found.theirs_at, zone)}"
    return "\n".join(
        [
            f"{field_of(found)}: changed here and in {there}, noticed {noticed}.",
            force,
            "",
            "Base, what both had before",
            f"  {_whole(found.base)}",
            "",
            mine,
            f"  {_whole(found.mine)}",
            "",
            theirs,
            f"  {_whole(found.theirs)}",
        ]
    )


def _side(found: Conflict, value: Value) -> str:
    return explain.value_words(found.path, value)


def _whole(value: Value) -> str:
    return "empty" if value is None else str(value).replace("\n", "\n  ")
