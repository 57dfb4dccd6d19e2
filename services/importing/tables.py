"""Sheets turned into records: the header found, the cells under it named."""

from __future__ import annotations

from services.importing import columns
from services.importing.columns import Header
from services.importing.grid import Cell, Record, Sheet, is_blank, spread
from services.importing.plan import ImportRefused, Note
from store import canon

PLAN_SHEET, NOMINATION_SHEET = "ITSC Plan", "Sheet2"


def plan_records(sheet: Sheet) -> tuple[list[Record], Header, list[Note]]:
    """A sheet of projects: its records, its header and the warnings on its columns.

    Raises ImportRefused where no Feature column is found.
    """
    header = columns.find_header(sheet)
    if header is None:
        raise ImportRefused(
            f"{canon.shown(sheet.name)} has no column “Feature” in its first "
            f"{columns.HEADER_ROWS} rows, so it can't be read as a list of projects."
        )
    notes = [*header.notes, *columns.blank_title_notes(sheet, header)]
    return _records(sheet, header, notes), header, notes


def nomination_records(sheet: Sheet, plan: Header) -> tuple[list[Record], list[Note]]:
    """The nomination matrix: of its columns those that belong to it and that the plan has not."""
    if not sheet.rows:
        return [], []
    header = columns.find_header(sheet)
    if header is None:
        message = "this sheet has no column “Feature” in its first rows and was not read"
        return [], [Note(sheet.name, 0, "", "", message)]
    kept: dict[int, tuple[str, str]] = {}
    notes = [*header.notes, *columns.blank_title_notes(sheet, header)]
    for at, (path, title) in header.columns.items():
        if path == columns.FEATURE:
            kept[at] = (path, title)
        elif not columns.is_nomination(path):
            message = "this column was not read: it does not belong to the nomination matrix"
            notes.append(Note(sheet.name, header.row, title, "", message))
        elif path in plan.paths:
            message = "this column was not read: the sheet of projects has it too"
            notes.append(Note(sheet.name, header.row, title, "", message))
        else:
            kept[at] = (path, title)
    header = Header(header.row, kept, header.exact)
    return _records(sheet, header, notes), notes


def _records(sheet: Sheet, header: Header, notes: list[Note]) -> list[Record]:
    """The rows under the header that hold anything in a column that is read."""
    spans = [
        span for span in sheet.spans if span.first > header.row and span.column in header.columns
    ]
    body = [
        (number, row)
        for number, row in sheet.rows
        if number > header.row and any(not is_blank(row.get(at)) for at in header.columns)
    ]
    spread(body, spans)
    for span in spans:
        message = f"a merged cell: its value is taken for the rows down to {span.last}"
        notes.append(Note(sheet.name, span.first, header.columns[span.column][1], "", message))
    return [
        Record(
            sheet.name,
            number,
            {path: Cell(title, row.get(at)) for at, (path, title) in header.columns.items()},
            header.exact,
        )
        for number, row in body
    ]
