"""What the roadmap's keys do to the store: functions that run on the desk's threads."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from services import itsc_roadmap
from services.context import Context
from services.counting import counted
from services.exporting import Format, export
from services.files import write_whole
from services.itsc_roadmap import Edit
from store import deliveries, projects
from store.database import transaction
from store.projects import Query

NAMED = 8
"""So many projects a question names; the others it counts."""


def edit(
    conn: sqlite3.Connection,
    ctx: Context,
    ids: Sequence[str],
    path: str,
    value: object,
    opened_on: object,
) -> list[Edit]:
    """One field of one project, or of all selected ones, by one edit.

    Raises Refusal, NotFound.
    """
    if len(ids) > 1:
        return itsc_roadmap.update_many(conn, ctx, ids, {path: value})
    replaced = {path: opened_on}
    return [itsc_roadmap.update_project(conn, ctx, ids[0], {path: value}, replaced=replaced)]  # type: ignore[arg-type]


def delete(conn: sqlite3.Connection, ctx: Context, ids: Sequence[str]) -> None:
    """All of them or none, undone together. Raises NotFound."""
    trace = ctx.new_id()
    with transaction(conn):
        for each in ids:
            itsc_roadmap.delete_project(conn, ctx, each, trace_id=trace)


def what_goes(conn: sqlite3.Connection, ids: Sequence[str]) -> list[str]:
    """What deleting these projects takes away, one line each: names, unlinked children, edits
    that have not arrived yet."""
    found = projects.get_many(conn, ids)
    present = [found[each] for each in ids if each in found]
    lines = [f"• {project.name}" for project in present[:NAMED]]
    if len(present) > NAMED:
        lines.append(f"• and {len(present) - NAMED} more")
    orphans = [
        name
        for project in present
        for child, name in projects.children_of(conn, project.project_id)
        if child not in found
    ]
    if orphans:
        names = ", ".join(orphans[:NAMED]) + (" …" if len(orphans) > NAMED else "")
        verb = "stays and is" if len(orphans) == 1 else "stay and are"
        lines += ["", f"{counted(len(orphans), 'child', 'children')} {verb} unlinked: {names}"]
    waiting = {
        delivery.seq
        for project in present
        for delivery in deliveries.open_of_project(conn, project.project_id)
    }
    if waiting:
        number = counted(len(waiting), "edit has", "edits have")
        lines += ["", f"{number} not arrived everywhere yet; nobody will miss that any more."]
    lines += ["", "They go from Firestore and Salesforce too. u brings them back as new records."]
    if len(present) == 1:
        lines[-1] = "It goes from Firestore and Salesforce too. u brings it back as a new record."
    return lines


def move_past(
    conn: sqlite3.Connection, ctx: Context, project_id: str, neighbour: str
) -> list[Edit] | None:
    """Move a project to the other side of its neighbour in the table; what the view hides between
    the two is passed over. None where they are in different priority bands.

    Raises NotFound, BandFull.
    """
    with transaction(conn):
        project = itsc_roadmap.get_project(conn, project_id)
        other = itsc_roadmap.get_project(conn, neighbour)
        band = project.values["priority"]
        if other.values["priority"] != band:
            return None
        rows = conn.execute(
            f"SELECT project_id FROM projects WHERE priority = ? ORDER BY {projects.ORDER}",
            (band,),
        )
        order = [row[0] for row in rows]
        step = order.index(neighbour) - order.index(project_id)
        return itsc_roadmap.move_project(conn, ctx, project_id, step)


def is_among(conn: sqlite3.Connection, query: Query, project_id: str) -> bool:
    """Whether a project is one of those that a question gives."""
    return any(row[0] == project_id for row in projects.find_columns(conn, query, ()))


def rows_to_export(conn: sqlite3.Connection, query: Query) -> list[Mapping[str, object]]:
    """Every field of the view's projects, in its order, for ``exporting.export``."""
    return [
        {"project_id": each.project_id, **each.values}
        for each in itsc_roadmap.list_projects(conn, query)
    ]


def write_file(rows: Sequence[Mapping[str, object]], kind: Format, path: Path) -> None:
    """Write the rows to a file, whole or not at all. Raises OSError."""
    text = io.StringIO(newline="")
    export(rows, kind, text)
    write_whole(path, text.getvalue())
