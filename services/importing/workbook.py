"""An Excel workbook as sheets, read by openpyxl's own parsers, its limits drawn for hostile files.

openpyxl is imported here at module level: import this module only when a workbook is read.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any
from xml.etree.ElementTree import Element, iterparse

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import FORMULA_TAG, MERGE_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from services.importing.grid import Fault, Raw, Row, Sheet, Span
from services.importing.plan import ImportRefused
from store import canon

UNPACKED_MAX = 256 * 1024 * 1024
"""Bytes that the parts of a workbook may have together; zipfile reads no more than is declared."""
RATIO_MAX, RATIO_FROM = 200, 8 * 1024 * 1024
"""A part over 8 MiB that packs better than 200:1 is no sheet that anybody filled in."""
ROWS_MAX, COLUMNS_MAX = 1_048_576, 16_384

# What the parsers raise on damaged files; which of them is an accident of where the damage is.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    CellCoordinatesException,
    EOFError,
    InvalidFileException,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
_STRING_TAG = f"{{{SHEET_MAIN_NS}}}si"


def read_workbook(data: bytes, name: str, choose: Callable[[list[str]], list[str]]) -> list[Sheet]:
    """Those sheets of a workbook that ``choose`` picks from the names of all, in its order.

    Cached results stand for formulas. Raises ImportRefused for what is no sound workbook.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
            _check_size(archive, name)
            reader = _Package(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            reader.read()
            sheets = [each for each in reader.wb.worksheets if isinstance(each, ReadOnlyWorksheet)]
            found = {sheet.title: sheet for sheet in sheets}
            return [_read_sheet(reader.wb, found[each]) for each in choose(list(found))]
        except _DAMAGE as error:
            raise ImportRefused(
                f"{canon.shown(name)} is damaged or no Excel workbook (.xlsx): it can't be read."
            ) from error


def _check_size(archive: zipfile.ZipFile, name: str) -> None:
    parts = archive.infolist()
    if "xl/workbook.bin" in archive.namelist():
        raise ImportRefused(f"{canon.shown(name)} is a binary workbook; save it as .xlsx.")
    if "content.xml" in archive.namelist():
        raise ImportRefused(f"{canon.shown(name)} is an OpenDocument file; save it as .xlsx.")
    swollen = any(
        part.file_size > RATIO_FROM and part.file_size > RATIO_MAX * max(part.compress_size, 1)
        for part in parts
    )
    if swollen or sum(part.file_size for part in parts) > UNPACKED_MAX:
        raise ImportRefused(f"{canon.shown(name)} unpacks to far too much for a workbook.")


class _Package(ExcelReader):
    """The parts that a reader of values needs, and no others.

    Properties, themes and defined names are left alone: they hold no value, and a workbook made by
    another program often has them in a way that openpyxl refuses.
    """

    def read(self) -> None:
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        self.read_worksheets()

    def read_strings(self) -> None:
        package: Any = self.package
        part = package.find(SHARED_STRINGS)
        if part is None:
            return
        with self.archive.open(part.PartName[1:]) as source:
            for _, node in iterparse(source):
                if node.tag == _STRING_TAG:
                    self.shared_strings.append(_string(node))
                    node.clear()


def _string(node: Element) -> str:
    """The text of a string node, with ``_x000D_`` and the like (ECMA-376, ST_Xstring) undone."""
    text: Any = Text
    return str(unescape(text.from_tree(node).content))


class _Cells(WorkSheetParser):
    """The cells of a sheet; one that can't be taken as a value is marked by type ``e``."""

    def parse_cell(self, element: Element) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if element.get("t") in ("inlineStr", "str") and isinstance(cell["value"], str):
            cell["value"] = unescape(cell["value"])
        if cell["value"] is None and element.find(FORMULA_TAG) is not None:
            cell["data_type"] = "f"
        return cell

    def rows_and_merges(self, source: IO[bytes]) -> Iterator[tuple[int, Row] | str]:
        """Each row as (number, cells), and each merged range as its reference."""
        parse_row: Any = self.parse_row
        for _, element in iterparse(source):
            if element.tag == ROW_TAG:
                if len(element) > COLUMNS_MAX:
                    raise ValueError("more cells than a row holds")
                number, cells = parse_row(element)
                if not 1 <= number <= ROWS_MAX:
                    raise ValueError("no such row in a sheet")
                yield number, _row(cells)
                element.clear()
            elif element.tag == MERGE_TAG:
                yield from (child.get("ref", "") for child in element)


def _row(cells: list[Any]) -> Row:
    return {cell["column"] - 1: raw for cell in cells if (raw := _raw(cell)) is not None}


def _raw(cell: dict[str, Any]) -> Raw:
    match cell["data_type"]:
        case "e":
            return Fault(str(cell["value"] or ""), "the spreadsheet has an error here")
        case "f":
            return Fault("", "this formula has no stored result; open and save the file in Excel")
    value: Raw = cell["value"]
    return value


def _read_sheet(workbook: Any, sheet: Any) -> Sheet:
    """``workbook`` and ``sheet`` are openpyxl's; what is asked of them has no public name."""
    rows: list[tuple[int, Row]] = []
    merged: list[str] = []
    with sheet._get_source() as source:
        parser = _Cells(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=workbook.epoch,
            date_formats=workbook._date_formats,
            timedelta_formats=workbook._timedelta_formats,
        )
        for found in parser.rows_and_merges(source):
            if isinstance(found, str):
                merged.append(found)
            elif found[1]:
                rows.append(found)
    return Sheet(sheet.title, rows, _spans(merged))


def _spans(references: list[str]) -> list[Span]:
    """The first columns of merged ranges with more than one row; sound ranges never overlap."""
    spans: list[Span] = []
    for column, first, _, last in sorted(map(_bounds, references)):
        overlaps = spans and spans[-1].column == column - 1 and spans[-1].last >= first
        if last > first and not overlaps:
            spans.append(Span(column - 1, first, last))
    return spans


def _bounds(reference: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = range_boundaries(reference)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError(f"{reference} is no range of cells")
    return left, top, right, bottom
