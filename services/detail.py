"""One project as the detail screen shows it: sections with rows, votes, family, history.

``load`` reads everything in one go on a reading connection; what it gives is a value that two
loads of the same facts make equal, so a screen repaints only what differs.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services import history, overview, times
from services.history import HistoryLine
from services.overview import Gates, TargetHealth
from services.people import Directory
from services.sync.status import RowSync
from services.unmatched import directory
from store import drafts, fields, projects, users, views
from store.canon import Value
from store.drafts import Draft
from store.fields import FIELDS, Field, Kind, Section
from store.projects import Project

UNRESOLVED = "no Salesforce user yet"
EMPTY = "—"


@dataclass(frozen=True, slots=True)
class Row:
    """One field: ``shown`` is its value in words, ``mark`` what has to be said about it.

    ``path`` is the field's; rows that only the program writes have one of their own
    (``project_id``, ``sf_id``, ``created``, ``updated``).
    """

    path: str
    label: str
    kind: Kind
    value: Value
    shown: str
    editable: bool = True
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One section in page order."""

    section: Section
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything the detail screen shows of a project that exists. ``history`` are the newest of
    its ``changes`` in number."""

    project: Project
    blocks: tuple[Block, ...]
    votes: tuple[tuple[str, int], ...]
    parent: tuple[str, str] | None
    children: tuple[tuple[str, str], ...]
    drafts: tuple[Draft, ...]
    history: tuple[HistoryLine, ...]
    changes: int
    sync: RowSync
    healths: Mapping[str, TargetHealth]

    @property
    def project_id(self) -> str:
        """The project's id."""
        return self.project.project_id

    @property
    def total(self) -> int | None:
        """The total score."""
        total = self.project.values.get("total_score")
        return total if isinstance(total, int) else None

    def row(self, path: str) -> Row | None:
        """The row of a field."""
        for block in self.blocks:
            for row in block.rows:
                if row.path == path:
                    return row
        return None


@dataclass(frozen=True, slots=True)
class Gone:
    """A project that was deleted, or never was (``deleted_at`` None)."""

    project_id: str
    name: str
    deleted_at: str | None = None
    deleted_by: str | None = None
    drafts: tuple[Draft, ...] = ()


def load(
    conn: sqlite3.Connection,
    project_id: str,
    me: str,
    zone: dt.tzinfo,
    configured: Gates,
    newest: int = history.STEP,
) -> Detail | Gone:
    """The project as it stands, with its ``newest`` changes; Gone where there is none."""
    project = projects.get(conn, project_id)
    if project is None:
        return _gone(conn, project_id)
    gates = overview.gates(conn, configured)
    parent_id = project.values.get("parent_id")
    parent = None
    if isinstance(parent_id, str):
        parent = (parent_id, overview.feature_name(conn, parent_id))
    children = tuple(projects.children_of(conn, project_id))
    return Detail(
        project,
        blocks_of(project, directory(conn), zone, parent),
        tuple(sorted(project.scores.items(), key=lambda vote: vote[0].casefold())),
        parent,
        children,
        tuple(drafts.of_project(conn, project_id)),
        history.read(conn, project_id, me, newest),
        history.count(conn, project_id),
        overview.row_sync(conn, [project_id], gates)[project_id],
        overview.health(conn, configured),
    )


def roadmap_ids(conn: sqlite3.Connection, today: dt.date) -> list[str]:
    """All project ids in the roadmap's own order."""
    query = projects.Query(today, views.VIEWS[0])
    return [str(row[0]) for row in projects.find_columns(conn, query, ())]


def order_since(
    conn: sqlite3.Connection, today: dt.date, version: int
) -> tuple[int, list[str] | None]:
    """The roadmap's version and, where it is another one than ``version``, its order: thousands
    of rows need not be sorted again for a change of a delivery."""
    present = overview.roadmap_version(conn)
    return present, None if present == version else roadmap_ids(conn, today)


def neighbour(ids: Sequence[str], project_id: str | None, step: int) -> str | None:
    """The project before (-1) or after (+1) in an order; None at its end. From a project that is
    not in it (or from none), the first or the last."""
    if not ids:
        return None
    if project_id not in ids:
        return ids[0] if step > 0 else ids[-1]
    there = ids.index(project_id) + step
    return ids[there] if 0 <= there < len(ids) else None


def possible_parents(
    conn: sqlite3.Connection, project_id: str, today: dt.date
) -> list[tuple[str, str]]:
    """``(project_id, feature_name)`` of the projects that may be this one's parent, in roadmap
    order: never itself, nor one below it."""
    below = {
        row[0]
        for row in conn.execute(
            "WITH RECURSIVE below(id) AS (SELECT ?1 UNION SELECT project_id FROM projects "
            "JOIN below ON parent_id = below.id) SELECT id FROM below",
            (project_id,),
        )
    }
    query = projects.Query(today, views.VIEWS[0])
    rows = projects.find_columns(conn, query, ["feature_name"])
    return [(str(row[0]), str(row[1])) for row in rows if row[0] not in below]


def suggestions(conn: sqlite3.Connection, path: str) -> list[str]:
    """What a free text field may hold: the directory's active users for a person, then the values
    in use, most used first."""
    field = fields.BY_PATH.get(path)
    if field is None or field.kind not in (Kind.TEXT, Kind.PERSON):
        return []
    if path == "feature_name":
        return []
    known = projects.distinct(conn, path)
    if field.kind is Kind.PERSON:
        known += [user.name for user in users.everyone(conn) if user.active]
    return list(dict.fromkeys(known))


def blocks_of(
    project: Project,
    known: Directory,
    zone: dt.tzinfo = dt.UTC,
    parent: tuple[str, str] | None = None,
) -> tuple[Block, ...]:
    """The seven sections in page order with their rows."""
    blocks = []
    for section in Section:
        rows = [_row(field, project, known, parent) for field in FIELDS if field.section is section]
        if section is Section.SYSTEM:
            rows = [*_system_rows(project, zone), *rows]
        blocks.append(Block(section, tuple(rows)))
    return tuple(blocks)


def blank_blocks() -> tuple[Block, ...]:
    """The sections with empty rows: what a page is laid out on before a project is read."""
    return blocks_of(Project("", 0, {}, None, "", "", "", ""), Directory())


def shown_value(path: str, value: Value) -> str:
    """A field's value as the page shows it."""
    if value is None:
        return EMPTY
    field = fields.BY_PATH.get(path)
    if field is not None and field.kind is Kind.PERCENT:
        return f"{value} %"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def typed_value(path: str, value: Value) -> str:
    """A field's value as an editor opens on it."""
    return "" if value is None else str(value)


def _gone(conn: sqlite3.Connection, project_id: str) -> Gone:
    row = conn.execute(
        "SELECT deleted_at, deleted_by FROM tombstones WHERE project_id = ?", (project_id,)
    ).fetchone()
    if row is None:
        return Gone(project_id, project_id)
    name = overview.feature_name(conn, project_id)
    return Gone(project_id, name, row[0], row[1], tuple(drafts.of_project(conn, project_id)))


def _row(
    field: Field,
    project: Project,
    known: Directory,
    parent: tuple[str, str] | None,
) -> Row:
    value = project.values.get(field.path)
    shown, mark = shown_value(field.path, value), ""
    if field.kind is Kind.PERSON and isinstance(value, str) and known.resolve(value) is None:
        mark = UNRESOLVED
    elif field.kind is Kind.PARENT and parent is not None:
        shown = parent[1]
    return Row(field.path, field.label, field.kind, value, shown, field.editable, mark)


def _system_rows(project: Project, zone: dt.tzinfo) -> list[Row]:
    def fact(path: str, label: str, value: str | None, mark: str = "") -> Row:
        return Row(path, label, Kind.TEXT, value, value or EMPTY, editable=False, mark=mark)

    return [
        fact("project_id", "Project Id", project.project_id),
        fact("sf_id", "Salesforce Id", project.sf_id, "" if project.sf_id else "not there yet"),
        fact("created_at", "Created", _when(project.created_at, zone), f"by {project.created_by}"),
        fact("updated_at", "Updated", _when(project.updated_at, zone), f"by {project.updated_by}"),
    ]


def _when(at: str, zone: dt.tzinfo) -> str | None:
    return times.moment(at, zone) if at else None
