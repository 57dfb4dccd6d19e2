"""The roadmap's rows: what is read for them, and what each cell says. No widgets in here."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from screens.dates import is_late, launch
from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Part
from services import overview
from services.overview import Gates
from services.sync.status import RowSync, column
from store import projects
from store.canon import Value
from store.fields import ATTENTION_STATUSES, CLOSED_STATUSES
from store.projects import Query

NAME, LAUNCH, SYNC = "feature_name", "launch_target", "sync"
COLUMNS: tuple[Column, ...] = (
    Column("priority", "Pri", 7),
    Column("feature_name", "Feature", 24, 40, grow=3),
    Column("department", "Department", 14, 26, grow=2, drop=4),
    Column("status", "Status", 14),
    Column("level_of_effort", "LOE", 6, drop=2),
    Column("product_owner", "Product Owner", 13, 18, grow=1, drop=1),
    Column("it_lead", "IT Lead", 10, 18, grow=1, drop=3),
    Column("launch_target", "Launch", 10, 20),
    Column(SYNC, "Sync", 7),
)
MORE: tuple[Column, ...] = (
    Column("strategic_group", "Group", 12, 24, grow=1, drop=0),
    Column("strategic_value", "Value", 12, 24, grow=1, drop=0),
    Column("total_score", "Score", 5, drop=0, right=True),
    Column("sort_order", "Order", 5, drop=0, right=True),
    Column("intake.dev_readiness", "Ready", 5, drop=0, right=True),
    Column("intake.dev_t_shirt", "Size", 4, drop=0),
    Column("intake.primary_system", "System", 10, drop=0),
    Column("intake.executive_sponsor", "Sponsor", 10, 18, grow=1, drop=0),
)
"""Columns that are shown where somebody asks for them."""
PATHS = tuple(c.key for c in (*COLUMNS, *MORE) if c.key != SYNC)
FIRST_ROWS = 120
FIRST_SYNC = 60

Row = tuple[Value, ...]
_AT = {path: place for place, path in enumerate(PATHS)}
_PRIORITIES = {"P1": "bold p1", "P2": "p2"}
_SHORT_PRIORITY = {"Not yet Prioritized": "Not yet"}
SYNC_SIGNS = (
    ("F  S", "Firestore, Salesforce"),
    ("✓", "it has everything"),
    ("…", "an edit is on its way"),
    ("2", "two edits wait"),
    ("↻3", "the third try failed; it is tried again by itself"),
    ("⚠", "deleted on one side, edited on the other: decide on the Sync screen"),
    ("✗", "it was refused and needs you: see the Sync screen"),
    ("‥", "another operator's edit has not reached it yet; carried if he does not"),
    ("–", "off, paused, or not there yet"),
)
_TONES = {
    "synced": "good",
    "pending": "p2",
    "in_flight": "p2",
    "retrying": "warn",
    "conflict": "bold bad",
    "failed": "bold bad",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the store. ``rows`` is None where nothing of the roadmap changed since
    ``version``; ``sync`` covers the rows that were asked for."""

    version: tuple[object, ...]
    sync: Mapping[str, RowSync]
    rows: Mapping[str, Row] | None = None
    counts: Mapping[str, int] | None = None


def look(
    conn: sqlite3.Connection,
    query: Query,
    gates: Gates,
    *,
    seen: tuple[object, ...] | None,
    on_show: Sequence[str],
) -> Look:
    """The roadmap as it is now, in one reading transaction.

    The rows are read only where ``seen`` (the version of the last look) is over. The sync state is
    that of the rows ``on_show``, or of the first ones where none of them is left.
    """
    conn.execute("BEGIN")
    try:
        version = (overview.roadmap_version(conn), query)
        rows: dict[str, Row] | None = None
        counts: dict[str, int] | None = None
        wanted = list(on_show)
        if version != seen:
            found = projects.find_columns(conn, query, PATHS)
            rows = {str(each[0]): each[1:] for each in found}  # type: ignore[misc]
            counts = projects.count_views(conn, query.today)
            wanted = [each for each in wanted if each in rows] or list(rows)[:FIRST_ROWS]
        sync = overview.row_sync(conn, wanted, overview.gates(conn, gates))
        return Look(version, sync, rows, counts)
    finally:
        conn.execute("COMMIT")


def first_look(conn: sqlite3.Connection, query: Query, gates: Gates) -> Look:
    """What the first paint shows, whatever the number of projects: the first rows only, and the
    views' counts only where counting is quick. The next look brings the rest."""
    found = projects.find_columns(conn, replace(query, limit=FIRST_ROWS), PATHS)
    rows: dict[str, Row] = {str(each[0]): each[1:] for each in found}  # type: ignore[misc]
    few = len(found) < FIRST_ROWS
    counts = projects.count_views(conn, query.today) if few else None
    sync = overview.row_sync(conn, list(rows)[:FIRST_SYNC], overview.gates(conn, gates))
    return Look((), sync, rows, counts)


def read_sync(conn: sqlite3.Connection, ids: Sequence[str], gates: Gates) -> dict[str, RowSync]:
    """The sync state of these rows alone, for those that were scrolled into sight."""
    return overview.row_sync(conn, ids, overview.gates(conn, gates))


def columns_for(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of these names in their order; feature, status and sync are always among them.
    No names: the usual ones. Raises ValueError with one sentence for a name that is none."""
    known = {column.key: column for column in (*COLUMNS, *MORE)}
    unknown = [name for name in names if name not in known]
    if unknown:
        there_are = ", ".join(known)
        raise ValueError(f"columns: there is no column {unknown[0]!r}; there are {there_are}")
    if not names:
        return COLUMNS
    asked = list(dict.fromkeys(names))
    first = [] if NAME in asked else [NAME]
    last = [each for each in ("status", SYNC) if each not in asked]
    return tuple(known[each] for each in (*first, *asked, *last))


def value(row: Row, path: str) -> Value:
    """A field of a row."""
    return row[_AT[path]]


def cell(row: Row, path: str, width: int, today: dt.date) -> Cell:
    """What a cell of the table says, for every column but the sync column."""
    held = row[_AT[path]]
    status = row[_AT["status"]]
    match path:
        case "priority":
            text = str(held)
            return Cell(_SHORT_PRIORITY.get(text, text), _PRIORITIES.get(text, "quiet"))
        case "feature_name":
            return Cell(str(held), "quiet" if status in CLOSED_STATUSES else "")
        case "status":
            tone = "warn" if status in ATTENTION_STATUSES else ""
            return Cell(str(held), "quiet" if status in CLOSED_STATUSES else tone)
        case "launch_target":
            late = is_late(held, status, today)
            text = launch(held, status, today, wide=width >= 20)
            dated = held is not None and status not in CLOSED_STATUSES
            return Cell(text, "bold bad" if late else ("" if dated else "quiet"))
        case _:
            return Cell("—", "faint") if held is None else Cell(str(held), "quiet")


def sync_cell(sync: RowSync | None, width: int) -> Cell:
    """The sync column of a row, each target in the colour of its state; a dot while it is read."""
    if sync is None:
        return Cell("·", "faint")
    text = column(sync)
    first, _, second = text.partition(" ")
    rest = " " * max(0, width - cell_len(text))
    return Cell(
        text,
        parts=(
            Part(f"{first} ", _TONES.get(sync.firestore.state, "quiet")),
            Part(second + rest, _TONES.get(sync.salesforce.state, "quiet")),
        ),
    )
