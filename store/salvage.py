"""Rows out of a damaged database: each table's, as far as pages can be read.

Rows are found by walking each table's tree from its root. Pages that no tree leads to any more
(an inner page or the list of tables is broken) are told by the shape of their rows: a page counts
for a table only where it can be no other's. What was deleted stays out as far as the list of free
pages can be read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from store.pages import INDEX_PAGES, TABLE_PAGES, Cell, Page, Pages, Record, Unreadable

Row: TypeAlias = dict[str, Cell]
_TYPES: dict[str, tuple[type, ...]] = {
    "TEXT": (str,),
    "INTEGER": (int,),
    "INT": (int,),
    "REAL": (int, float),
    "BLOB": (bytes,),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as a record holds it. ``rowid``: it stands for the row's number, and its own cell
    is empty."""

    name: str
    type: str
    required: bool
    rowid: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What the records of a table or an index look like, in their stored order."""

    name: str
    kinds: tuple[int, ...]
    columns: tuple[Column, ...]
    is_table: bool

    def fits(self, record: Record) -> bool:
        """Whether a record may be one of these. A record from before a column was added is
        shorter; SQLite's own bookkeeping columns have no name."""
        if not 0 < len(record.cells) <= len(self.columns):
            return False
        return all(map(_fits, self.columns, record.cells))

    def row(self, record: Record) -> Row:
        """The record by column names; a column it does not have is left out."""
        return {
            column.name: record.rowid if column.rowid else cell
            for column, cell in zip(self.columns, record.cells, strict=False)
        }


@dataclass(slots=True)
class Salvage:
    """What was found of each table, and of each index. ``broken`` counts pages and cells that
    can't be read by table (``?``: nobody knows whose)."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    entries: dict[str, list[Row]] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    version: int = 0

    def lost_some(self, *tables: str) -> bool:
        """Whether rows of one of these tables may be missing."""
        return any(self.broken.get(name) for name in (*tables, "?"))


def salvage(path: Path, usual: sqlite3.Connection) -> Salvage:
    """Everything that can be read of the database at ``path``, which is not changed.

    ``usual`` is a sound, empty database of the present schema: what to look for where the file's
    own schema can't be read. Raises OSError.
    """
    pages = Pages(path)
    found = Salvage(version=pages.version)
    told = _schema(pages)
    shapes = _shapes_of(told, usual)
    roots = {name: root for name, root, _ in told}
    seen: set[int] = set(pages.free())
    seen |= {number for number, _ in pages.tree(1)}
    for shape in shapes:
        root = roots.get(shape.name, 0)
        if root > 1:
            _walk(pages, root, shape, found, seen)
    for number in range(2, pages.count + 1):
        if number not in seen:
            _adopt(pages, number, shapes, found)
    return found


def _walk(pages: Pages, root: int, shape: Shape, found: Salvage, seen: set[int]) -> None:
    for number, page in pages.tree(root):
        if page is None or page.kind not in shape.kinds:
            found.broken[shape.name] = found.broken.get(shape.name, 0) + 1
            if page is None:
                seen.add(number)
            continue
        seen.add(number)
        _take(page, shape, found)


def _take(page: Page, shape: Shape, found: Salvage) -> None:
    fitting = [shape.row(record) for record in page.records if shape.fits(record)]
    bad = page.broken + len(page.records) - len(fitting)
    if bad:
        found.broken[shape.name] = found.broken.get(shape.name, 0) + bad
    (found.rows if shape.is_table else found.entries).setdefault(shape.name, []).extend(fitting)


def _adopt(pages: Pages, number: int, shapes: Sequence[Shape], found: Salvage) -> None:
    """A page that no tree leads to: taken where only one table can be its owner."""
    try:
        page = pages.read(number)
    except Unreadable:
        return
    if not page.records:
        return
    owners = [
        shape for shape in shapes if page.kind in shape.kinds and all(map(shape.fits, page.records))
    ]
    # A shorter record may fit a longer table too; the one that it fills is meant.
    full = [each for each in owners if len(each.columns) == len(page.records[0].cells)]
    owners = full or owners
    if len(owners) == 1:
        _take(page, owners[0], found)
    else:
        found.broken["?"] = found.broken.get("?", 0) + 1


def _schema(pages: Pages) -> list[tuple[str, int, str]]:
    """``(name, root page, SQL)`` of each table and index, as far as the list can be read. An index
    that its table brings along has no SQL."""
    found = []
    for _, page in pages.tree(1):
        for record in page.records if page else ():
            match record.cells:
                case (str(), str(name), str(), int(root), str() | None as sql) if root > 1:
                    found.append((name, root, sql or ""))
    return found


def _shapes_of(told: Iterable[tuple[str, int, str]], usual: sqlite3.Connection) -> list[Shape]:
    """The shapes of the file's own schema, and the present ones of tables that it does not tell."""
    own = sqlite3.connect(":memory:")
    try:
        for _, _, sql in sorted(told, key=lambda each: "INDEX" in each[2][:20].upper()):
            try:
                own.execute(sql)
            except sqlite3.Error:
                continue
        shapes = {shape.name: shape for shape in _shapes(usual)}
        return list((shapes | {shape.name: shape for shape in _shapes(own)}).values())
    finally:
        own.close()


def _shapes(conn: sqlite3.Connection) -> list[Shape]:
    objects = conn.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('table', 'index')"
    ).fetchall()
    tables = {name: _columns(conn, name) for kind, name, _, _ in objects if kind == "table"}
    found = []
    for kind, name, table, sql in objects:
        columns = tables.get(table, {})
        if kind == "index":
            found.append(Shape(name, INDEX_PAGES, _keys(conn, name, columns), False))
        elif "WITHOUT ROWID" in sql.upper():
            found.append(Shape(name, INDEX_PAGES, _keys(conn, name, columns), True))
        else:
            found.append(Shape(name, TABLE_PAGES, tuple(columns.values()), True))
    return found


def _columns(conn: sqlite3.Connection, table: str) -> dict[str, Column]:
    rows = conn.execute("SELECT * FROM pragma_table_xinfo(?)", (table,)).fetchall()
    alone = sum(1 for row in rows if row[5]) == 1
    return {
        row[1]: Column(row[1], row[2].upper(), bool(row[3]), alone and _is_rowid(row))
        for row in rows
        if row[6] == 0
    }


def _is_rowid(row: Sequence[object]) -> bool:
    return bool(row[5]) and str(row[2]).upper() == "INTEGER"


def _keys(
    conn: sqlite3.Connection, index: str, columns: Mapping[str, Column]
) -> tuple[Column, ...]:
    """What an index (or a table without row numbers) stores: its keys first, then the rest."""
    rows = conn.execute("SELECT cid, name FROM pragma_index_xinfo(?)", (index,)).fetchall()
    return tuple(Column("", "INTEGER", True) if cid < 0 else columns[name] for cid, name in rows)


def _fits(column: Column, cell: Cell) -> bool:
    if column.rowid:
        return cell is None
    if cell is None:
        return not column.required
    known = _TYPES.get(column.type)
    return known is None or isinstance(cell, known)
