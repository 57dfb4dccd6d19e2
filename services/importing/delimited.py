"""CSV text as a sheet: delimiter found by the titles it gives, formula marks taken off again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from services.importing import columns
from services.importing.grid import Fault, Raw, Row, Sheet
from services.importing.plan import ImportRefused
from store import canon

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

DELIMITERS = (",", ";", "\t")
_SPREADSHEET_ERRORS = frozenset(
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"]
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def guard(text: str) -> str:
    """Text for a CSV cell that no spreadsheet takes for a formula: ``=1`` is written ``'=1``.

    One apostrophe goes before every text that starts with ``= + - @``, a tab or a carriage return,
    and also before one that starts with apostrophes and then such a character. So each text has one
    form of its own, and ``unguard`` takes off exactly what ``guard`` put on.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """The inverse of ``guard``."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def read_delimited(text: str, name: str) -> Sheet:
    """The sheet in this text, its rows counted as a spreadsheet counts them.

    Only a file with the titles of our own export has its cells taken as exact: there the formula
    marks come off, and nothing counts as a spreadsheet's error. Raises ImportRefused where the
    quotes don't match.
    """
    delimiter = max(DELIMITERS, key=lambda each: _titles_found(text, each))
    rows: list[tuple[int, Row]] = []
    exact = False
    reader = _reader(text, delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            if number <= columns.HEADER_ROWS and not exact:
                exact = columns.is_exact(cell for cell in cells if cell.strip())
            row = {at: _raw(cell, exact) for at, cell in enumerate(cells) if cell != ""}
            if row:
                rows.append((number, row))
    except csv.Error as error:
        raise ImportRefused(
            f"{canon.shown(name)} is not sound CSV: {error} (line {reader.line_num})."
        ) from error
    return Sheet(name, rows)


def _raw(cell: str, exact: bool) -> Raw:
    if exact:
        return unguard(cell)
    if cell.strip() in _SPREADSHEET_ERRORS:
        return Fault(cell.strip(), "the spreadsheet had an error here")
    return cell


def _reader(text: str, delimiter: str) -> CsvReader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _titles_found(text: str, delimiter: str) -> int:
    """How many known titles the best of the first rows has with this delimiter."""
    return max(map(_known, _first_rows(text, delimiter)), default=0)


def _first_rows(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from islice(_reader(text, delimiter), columns.HEADER_ROWS)
    except csv.Error:
        return


def _known(cells: list[str]) -> int:
    return sum(columns.path_of(cell) is not None for cell in cells)
