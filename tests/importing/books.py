"""Workbooks and plans made for a test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from services.importing.plan import ExistingLookup, ImportPlan, ImportRow, Note
from services.importing.reader import read_file

PLAN_TITLES = [
    *("Priority", "Feature", "Department", "Status", "LOE", "Product Owner", "IT Lead"),
    *("Launch Target", "Strategic Group", "Strategic Value", "Alignment", "High Impact Work"),
    *("Retention Focus", "Thought Leadership", "AI Ways of Working", "What It Does"),
    *("Why It Matters", "Business Impact", "Punchline", "Created By", "Updated By"),
]
MATRIX_TITLES = [
    *("Feature", "Submitted By", "Executive Sponsor", "Primary System", "Dev T-Shirt"),
    *("Dev Readiness", "Intake Document", "Ana", "Ben", "Chloe", "Dev", "Eva", "Farid"),
    *("Total", "Reviewer Comments"),
]
PROJECT = {"Priority": "P1", "Feature": "Search", "Status": "In Design"}


def fill(sheet: Worksheet, titles: Sequence[Any], rows: Iterable[Sequence[Any]]) -> None:
    """Titles and rows from the first row on; a text that starts with = is written as text."""
    for at, cells in enumerate((titles, *rows), start=1):
        for column, value in enumerate(cells, start=1):
            if value is not None:
                cell = sheet.cell(at, column, value)
                if isinstance(value, str) and value.startswith("="):
                    cell.data_type = "s"


def book(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    matrix: Iterable[Mapping[str, Any]] | None = None,
    *,
    titles: Sequence[str] | None = None,
    matrix_titles: Sequence[str] | None = None,
) -> Path:
    """A workbook with these rows by title; columns are those of the first row unless given."""
    workbook = Workbook()
    plan = workbook.active
    plan.title = "ITSC Plan"
    _table(plan, list(rows), titles)
    if matrix is not None:
        _table(workbook.create_sheet("Sheet2"), list(matrix), matrix_titles)
    target = path / "plan.xlsx" if path.is_dir() else path
    workbook.save(target)
    return target


def _table(sheet: Worksheet, rows: list[Mapping[str, Any]], titles: Sequence[str] | None) -> None:
    names = list(titles or (rows[0] if rows else ["Feature"]))
    fill(sheet, names, [[row.get(name) for name in names] for row in rows])


def plan_of(path: Path, *existing: tuple[str, str, str | None]) -> ImportPlan:
    """The plan of a file, beside these existing projects (id, name, parent)."""
    return read_file(path, existing=ExistingLookup(existing))


def only(plan: ImportPlan) -> ImportRow:
    """The plan's one row, and no error."""
    assert plan.errors == ()
    [row] = plan.rows
    return row


def brief(notes: Iterable[Note]) -> list[tuple[int, str, str]]:
    """Notes as (row, column, value)."""
    return [(note.row, note.column, note.value) for note in notes]
