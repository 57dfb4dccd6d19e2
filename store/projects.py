"""The projects that exist, as rows.

A project's fields travel as one flat mapping, path → canonical value, with ``scores.<voter>`` for
each vote. Every function takes the connection; those that write must run inside ``transaction``.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from store import fields, views
from store.canon import Value, Values, total_of
from store.fields import FIELDS, Kind

_COLUMN = {f.path: f.column for f in FIELDS}
_COLUMNS = list(_COLUMN.values())
_PATHS = list(_COLUMN)
_BOOLEANS = {f.path for f in FIELDS if f.kind is Kind.BOOLEAN}
_SELECT = (
    "SELECT project_id, rev, sf_id, created_by, created_at, updated_by, updated_at, scores, "
    "stamps, " + ", ".join(_COLUMNS) + " FROM projects"
)
_SELECT_ONE = _SELECT + " WHERE project_id = ?"
_INSERT = (
    "INSERT INTO projects (project_id, rev, sf_id, created_by, created_at, updated_by, updated_at, "
    "scores, search, stamps, "
    + ", ".join(_COLUMNS)
    + ") VALUES ("
    + ", ".join("?" * (10 + len(_COLUMNS)))
    + ")"
)
_SEARCHED = dict.fromkeys(
    f.path for f in FIELDS if f.kind not in (Kind.BOOLEAN, Kind.INTEGER, Kind.PERCENT, Kind.PARENT)
)
ORDER = (
    "priority_rank, sort_order IS NULL, sort_order, launch_date IS NULL, launch_date, project_id"
)
SORTABLE: dict[str, str] = {
    f.path: {"priority": "priority_rank", "launch_target": "launch_date"}.get(f.path, f.column)
    for f in FIELDS
} | {"updated_at": "updated_at", "project_id": "project_id"}
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
_TEXT_KINDS = (Kind.TEXT, Kind.LONG_TEXT, Kind.PERSON, Kind.URL)


class FieldStamp(NamedTuple):
    """When (corrected UTC, ISO), by whom and by which operation a field got its value."""

    at: str
    by: str
    op_id: str
    origin: str


EVERY = "*"
"""The stamp of every field that has none of its own: the create's."""


@dataclass(frozen=True, slots=True)
class Project:
    """One project as it is stored here. ``values`` holds every field and each vote; ``stamps``
    say when a field got its value, with the create's under ``*``."""

    project_id: str
    rev: int
    values: Values
    sf_id: str | None
    created_by: str
    created_at: str
    updated_by: str
    updated_at: str
    stamps: dict[str, FieldStamp] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The feature name."""
        return str(self.values["feature_name"])

    def stamp(self, path: str) -> FieldStamp | None:
        """The stamp of a field."""
        return self.stamps.get(path) or self.stamps.get(EVERY)

    @property
    def scores(self) -> dict[str, int]:
        """The votes by voter."""
        return {
            fields.voter_of(p): v
            for p, v in self.values.items()
            if fields.is_score(p) and isinstance(v, int)
        }


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a search: text anywhere (``path`` None) or inside one field."""

    text: str
    path: str | None = None
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which projects, in which order. ``today`` is the organisation's date."""

    today: dt.date
    view: views.View = views.VIEWS[0]
    terms: tuple[Term, ...] = ()
    sort: str | None = None
    descending: bool = False
    limit: int | None = None


def get(conn: sqlite3.Connection, project_id: str) -> Project | None:
    """The project, or None where there is none (or it was deleted)."""
    row = conn.execute(_SELECT_ONE, (project_id,)).fetchone()
    return _project(row) if row else None


def get_many(conn: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Project]:
    """Those of the projects that exist, by id."""
    rows = conn.execute(
        _SELECT + " WHERE project_id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    return {row["project_id"]: _project(row) for row in rows}


def find(conn: sqlite3.Connection, query: Query) -> list[Project]:
    """The projects of a view that match the search, in the view's or the asked-for order."""
    condition, parameters = _condition(query)
    sql = f"{_SELECT} WHERE {condition} ORDER BY {_order(query)}{_limit(query)}"
    return [_project(row) for row in conn.execute(sql, parameters)]


def find_columns(
    conn: sqlite3.Connection, query: Query, paths: Sequence[str]
) -> list[tuple[object, ...]]:
    """``(project_id, *paths)`` of the same projects, for tables of thousands of rows. A path may
    also be ``launch_date``, ``sf_id`` or ``updated_at``."""
    condition, parameters = _condition(query)
    columns = ", ".join(
        ["project_id", *(fields.BY_PATH[p].column if p in fields.BY_PATH else p for p in paths)]
    )
    order = f"ORDER BY {_order(query)}{_limit(query)}"
    sql = f"SELECT {columns} FROM projects WHERE {condition} {order}"
    return [tuple(row) for row in conn.execute(sql, parameters)]


def count_views(conn: sqlite3.Connection, today: dt.date) -> dict[str, int]:
    """How many projects each saved view holds, by the view's key."""
    parts, parameters = [], []
    for view in views.VIEWS:
        condition, values = views.where(view, today)
        parts.append(f"COALESCE(SUM({condition}), 0)")
        parameters += values
    row = conn.execute("SELECT " + ", ".join(parts) + " FROM projects", parameters).fetchone()
    return {view.key: row[i] for i, view in enumerate(views.VIEWS)}


def children_of(conn: sqlite3.Connection, project_id: str) -> list[tuple[str, str]]:
    """``(project_id, feature_name)`` of the projects whose parent this is, in roadmap order."""
    sql = f"SELECT project_id, feature_name FROM projects WHERE parent_id = ? ORDER BY {ORDER}"
    return [(row[0], row[1]) for row in conn.execute(sql, (project_id,))]


def ancestors_of(conn: sqlite3.Connection, project_id: str) -> list[str]:
    """The chain of parents above a project, nearest first; ends at a repeat."""
    chain: list[str] = []
    current: str | None = project_id
    while current is not None:
        row = conn.execute(
            "SELECT parent_id FROM projects WHERE project_id = ?", (current,)
        ).fetchone()
        current = row[0] if row else None
        if current is None or current in chain:
            break
        chain.append(current)
    return chain


def distinct(conn: sqlite3.Connection, path: str) -> list[str]:
    """The values that a text field holds today, most used first: suggestions while typing."""
    column = fields.BY_PATH[path].column
    sql = (
        f"SELECT {column} FROM projects WHERE {column} IS NOT NULL "
        f"GROUP BY {column} ORDER BY COUNT(*) DESC, {column}"
    )
    return [row[0] for row in conn.execute(sql)]


def ids_by_name(conn: sqlite3.Connection, name: str) -> list[str]:
    """The ids of the projects with exactly this feature name."""
    rows = conn.execute("SELECT project_id FROM projects WHERE feature_name = ?", (name,))
    return [row[0] for row in rows]


def exists(conn: sqlite3.Connection, project_id: str) -> bool:
    """Whether the project exists (a deleted one does not)."""
    found = conn.execute("SELECT 1 FROM projects WHERE project_id = ?", (project_id,)).fetchone()
    return found is not None


def insert(conn: sqlite3.Connection, project: Project) -> None:
    """Add a project. The total is recomputed."""
    values = with_total(project.values)
    conn.execute(
        _INSERT,
        (
            project.project_id,
            project.rev,
            project.sf_id,
            project.created_by,
            project.created_at,
            project.updated_by,
            project.updated_at,
            _scores_json(values),
            _search_text(project.project_id, values),
            to_json(project.stamps),
            *_cells(values, (f.path for f in FIELDS)),
        ),
    )


def update(
    conn: sqlite3.Connection,
    project: Project,
    changes: Values,
    operator: str,
    at: str,
    stamps: Mapping[str, FieldStamp],
) -> Project:
    """Write changed fields over ``project``, which must be the row as it stands now; the revision
    goes up by one and the total is recomputed. Gives the project as it is afterwards."""
    stamped = {**project.stamps, **stamps}
    values = {**project.values, **changes}
    paths = [p for p in changes if p in _COLUMN]
    voted = len(paths) < len(changes)
    if voted:
        values = {p: v for p, v in values.items() if v is not None or p in _COLUMN}
        if not any(map(fields.is_score, values)) and "total_score" not in changes:
            values["total_score"] = None  # it was the sum of votes that are all withdrawn
    if voted or "total_score" in changes:
        values["total_score"] = total_of(values)
        if "total_score" not in paths:
            paths.append("total_score")
    sets = [_COLUMN[p] + " = ?" for p in paths]
    cells = _cells(values, paths)
    if voted:
        sets.append("scores = ?")
        cells.append(_scores_json(values))
    if not _SEARCHED.keys().isdisjoint(paths):
        sets.append("search = ?")
        cells.append(_search_text(project.project_id, values))
    conn.execute(
        f"UPDATE projects SET {', '.join(sets)}, rev = rev + 1, stamps = ?, updated_by = ?, "
        "updated_at = ? WHERE project_id = ?",
        (*cells, to_json(stamped), operator, at, project.project_id),
    )
    return Project(
        project.project_id,
        project.rev + 1,
        values,
        project.sf_id,
        project.created_by,
        project.created_at,
        operator,
        at,
        stamped,
    )


def set_stamps(conn: sqlite3.Connection, project_id: str, stamps: Mapping[str, FieldStamp]) -> None:
    """Date the fields anew; no revision, since no field changed."""
    conn.execute(
        "UPDATE projects SET stamps = ? WHERE project_id = ?", (to_json(stamps), project_id)
    )


def set_sf_ids(conn: sqlite3.Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """Keep the Salesforce ids, ``(project_id, sf_id)``; no revision, since no field changed."""
    conn.executemany(
        "UPDATE projects SET sf_id = ?2 WHERE project_id = ?1 AND sf_id IS NOT ?2", list(pairs)
    )


def bury(conn: sqlite3.Connection, project: Project, operator: str, at: str) -> None:
    """Move a project to the tombstones: from here on no query shows it."""
    conn.execute("DELETE FROM projects WHERE project_id = ?", (project.project_id,))
    conn.execute(
        "INSERT OR REPLACE INTO tombstones VALUES (?, ?, ?, ?)",
        (project.project_id, at, operator, to_json(asdict(project))),
    )


def exhume(conn: sqlite3.Connection, project_id: str) -> Project | None:
    """A deleted project as it was, its tombstone taken away; None where there is none."""
    row = conn.execute(
        "DELETE FROM tombstones WHERE project_id = ? RETURNING snapshot", (project_id,)
    ).fetchone()
    return from_snapshot(row[0]) if row else None


def buried(conn: sqlite3.Connection, project_id: str) -> Project | None:
    """A deleted project as it was; None where there is no tombstone of it."""
    row = conn.execute(
        "SELECT snapshot FROM tombstones WHERE project_id = ?", (project_id,)
    ).fetchone()
    return from_snapshot(row[0]) if row else None


def stamps_of(
    conn: sqlite3.Connection, project_id: str, project: Project | None
) -> Callable[[str], FieldStamp | None]:
    """The stamp of each field of a project, or of what it was when it was deleted."""

    def stamp(path: str) -> FieldStamp | None:
        known = project if project is not None else buried(conn, project_id)
        return known.stamp(path) if known is not None else None

    return stamp


def buried_id(conn: sqlite3.Connection, project_id: str) -> str | None:
    """The Salesforce id of a deleted project, if it had one."""
    was = buried(conn, project_id)
    return was.sf_id if was is not None else None


def is_buried(conn: sqlite3.Connection, project_id: str) -> bool:
    """Whether the id belonged to a project that was deleted: it is never used again."""
    found = conn.execute("SELECT 1 FROM tombstones WHERE project_id = ?", (project_id,)).fetchone()
    return found is not None


def from_snapshot(text: str) -> Project:
    """A project as a tombstone keeps it."""
    kept = json.loads(text)
    kept["stamps"] = {p: FieldStamp(*stamp) for p, stamp in kept["stamps"].items()}
    return Project(**kept)


def with_total(values: Mapping[str, Value]) -> Values:
    """The values with every field present and the total recomputed from the votes."""
    full: Values = {**fields.DEFAULTS, **values}
    full["total_score"] = total_of(full)
    return full


def to_json(value: object) -> str:
    """Compact JSON with the text as it is."""
    return _encode(value)


def _project(row: sqlite3.Row) -> Project:
    values: Values = dict(zip(_PATHS, row[9:], strict=True))
    for path in _BOOLEANS:
        values[path] = values[path] == 1
    if row[7] != "{}":
        for voter, score in json.loads(row[7]).items():
            values[fields.SCORES_PREFIX + voter] = score
    stamps = {p: FieldStamp._make(stamp) for p, stamp in _decode(row[8])[0].items()}
    return Project(row[0], row[1], values, row[2], row[3], row[4], row[5], row[6], stamps)


def _cells(values: Values, paths: Iterable[str]) -> list[object]:
    return [int(values[p]) if p in _BOOLEANS else values[p] for p in paths]  # type: ignore[arg-type]


def _scores_json(values: Values) -> str:
    return to_json({fields.voter_of(p): v for p, v in values.items() if fields.is_score(p)})


def _search_text(project_id: str, values: Values) -> str:
    texts = [project_id, *[str(text) for p in _SEARCHED if (text := values.get(p))]]
    return "\n".join(texts).casefold()


def _condition(query: Query) -> tuple[str, list[str]]:
    sql, parameters = views.where(query.view, query.today)
    parts = [f"({sql})"]
    for term in query.terms:
        negation = "NOT " if term.negate else ""
        if term.path is None:
            parts.append(f"{negation}instr(search, ?) > 0")
        else:
            column = fields.BY_PATH[term.path].column
            parts.append(f"{negation}instr(COALESCE(fold({column}), ''), ?) > 0")
        parameters.append(term.text.casefold())
    return " AND ".join(parts), parameters


def _limit(query: Query) -> str:
    return "" if query.limit is None else f" LIMIT {int(query.limit)}"


def _order(query: Query) -> str:
    if query.sort is None:
        return ORDER
    column = SORTABLE[query.sort]
    field = fields.BY_PATH.get(query.sort)
    by = f"fold({column})" if field and field.kind in _TEXT_KINDS else column
    way = " DESC" if query.descending else ""
    return f"{column} IS NULL, {by}{way}, {ORDER}"
