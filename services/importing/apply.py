"""An import plan carried out: rows compared with what is here, and only what differs is written.

Rows are written in groups, one transaction each, so that an import that was cut off has whole
rows only; running it again does the rest, because rows that are as the file says write nothing.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from services import itsc_roadmap
from services.context import Context
from services.importing.plan import ExistingLookup, ImportPlan, ImportRow, Note
from store import fields, projects
from store.canon import Refusal, Values, shown
from store.database import transaction
from store.projects import Project

GROUP = 500
"""Rows a transaction: others who write wait a fraction of a second at most."""
PARENT, TOTAL = "parent_id", "total_score"


@dataclass
class Imported:
    """What an import did, or (``dry_run``) would do; ``errors`` hold the plan's and those of rows
    that the store refused."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)


def existing_projects(conn: sqlite3.Connection) -> ExistingLookup:
    """What is here already, for ``read_file``."""
    rows = conn.execute("SELECT project_id, feature_name, parent_id FROM projects")
    return ExistingLookup((row[0], row[1], row[2]) for row in rows)


def apply_plan(
    conn: sqlite3.Connection,
    ctx: Context,
    plan: ImportPlan,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Write what the plan says and the store does not hold yet.

    ``progress(done, all)`` is called after each group of rows. A row that the store refuses (its
    id was a deleted project's) becomes an error of the report; the others are written. Raises
    StoreError.
    """
    result = Imported(errors=list(plan.errors), warnings=list(plan.warnings))
    ordered = parents_first(plan.rows, existing_projects(conn))
    trace = ctx.new_id()
    refused: set[str] = set()
    done = 0
    for group in _groups(ordered):
        if dry_run:
            _write(conn, ctx, group, result, refused, trace, dry_run=True)
        else:
            with transaction(conn):
                _write(conn, ctx, group, result, refused, trace, dry_run=False)
        done += len(group)
        if progress is not None:
            progress(done, len(ordered))
    return result


def parents_first(rows: Sequence[ImportRow], existing: ExistingLookup) -> list[ImportRow]:
    """The rows by their depth under the topmost project as it will be after the import, else in
    file order. A parent so written before its children, none of them ever closes a cycle on the
    way."""
    wanted = {row.project_id: row.values[PARENT] for row in rows if PARENT in row.values}

    def parent_of(project_id: str) -> str | None:
        if project_id in wanted:
            parent = wanted[project_id]
            return parent if isinstance(parent, str) else None
        return existing.parent_of(project_id)

    depths: dict[str, int] = {}

    def depth_of(project_id: str) -> int:
        chain: list[str] = []
        here: str | None = project_id
        while here is not None and here not in depths and here not in chain:
            chain.append(here)
            here = parent_of(here)
        depth = depths.get(here, -1) if here is not None else -1
        for each in reversed(chain):
            depth += 1
            depths[each] = depth
        return depths[project_id]

    return sorted(rows, key=lambda row: depth_of(row.project_id))


def _groups(rows: Sequence[ImportRow]) -> Iterator[Sequence[ImportRow]]:
    for start in range(0, len(rows), GROUP):
        yield rows[start : start + GROUP]


def _write(
    conn: sqlite3.Connection,
    ctx: Context,
    rows: Sequence[ImportRow],
    result: Imported,
    refused: set[str],
    trace: str,
    *,
    dry_run: bool,
) -> None:
    here = projects.get_many(conn, [row.project_id for row in rows])
    for row in rows:
        project = here.get(row.project_id)
        try:
            if project is None:
                _refuse_early(conn, row, refused)
                if not dry_run:
                    _create(conn, ctx, row, trace)
                result.created += 1
                continue
            changes = changes_of(row, project)
            if not changes:
                result.unchanged += 1
                continue
            if not dry_run:
                itsc_roadmap.update_project(
                    conn, ctx, row.project_id, changes, origin="import", trace_id=trace
                )
            result.updated += 1
        except Refusal as refusal:
            refused.add(row.project_id)
            result.errors.append(_note(row, refusal))


def changes_of(row: ImportRow, project: Project) -> Values:
    """What the row changes of the project as it is here.

    A total is the sum of the votes wherever there are votes; it is never imported over them.
    """
    changes = {p: v for p, v in row.values.items() if project.values.get(p) != v}
    if TOTAL in changes and (project.scores or _has_votes(row.values)):
        del changes[TOTAL]
    return changes


def _has_votes(values: Values) -> bool:
    return any(fields.is_score(path) and value is not None for path, value in values.items())


def _create(conn: sqlite3.Connection, ctx: Context, row: ImportRow, trace: str) -> None:
    values = {p: v for p, v in row.values.items() if v is not None}
    created = None
    if row.created_by is not None and row.created_at is not None:
        created = (row.created_by, row.created_at)
    itsc_roadmap.create_project(
        conn,
        ctx,
        {**row.on_create, **values},
        project_id=row.project_id,
        origin="import",
        trace_id=trace,
        created=created,
    )


def _refuse_early(conn: sqlite3.Connection, row: ImportRow, refused: set[str]) -> None:
    """What ``create_project`` would refuse, also where nothing is to be written."""
    if projects.is_buried(conn, row.project_id):
        raise Refusal("project_id", row.project_id, "it was a project that has been deleted")
    parent = row.values.get(PARENT)
    if parent is not None and str(parent) in refused:
        raise Refusal(PARENT, parent, "that row is left out of this import")


def _note(row: ImportRow, refusal: Refusal) -> Note:
    value = "" if refusal.value is None else str(refusal.value)
    column = "Project Id" if refusal.path == "project_id" else fields.label_of(refusal.path)
    if refusal.path == PARENT and row.parent is not None:
        value = row.parent
    return Note(row.sheet, row.row, column, value[:200], f"{shown(value)}: {refusal.allowed}")


def add_samples(conn: sqlite3.Connection, ctx: Context, today: dt.date) -> int:
    """Put the fifty sample projects into a database in which nothing was ever done; gives how many
    came in (0 in any other database)."""
    from services.importing.samples import sample_projects

    if conn.execute("SELECT 1 FROM operations LIMIT 1").fetchone():
        return 0
    rows = tuple(
        ImportRow(project_id, values, None, "samples", number)
        for number, (project_id, values) in enumerate(sample_projects(today), start=1)
    )
    return apply_plan(conn, ctx, ImportPlan(rows, (), ())).created
