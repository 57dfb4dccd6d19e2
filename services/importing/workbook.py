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

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import CellCoordinatesException, InvalidFileException
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
_STRING_TAG, _INLINE_TAG, _TEXT_TAG, _RUN_TAG = (
    f"{{{SHEET_MAIN_NS}}}{name}" for name in ("si", "is", "t", "r")
)


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
            return [_read_sheet(reader, each) for each in choose(list(reader.sheets))]
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

    sheets: dict[str, str]
    """The part of each sheet, by the sheet's name."""

    def read(self) -> None:
        self.read_manifest()
        self.read_strings()
        self.read_workbook()
        apply_stylesheet(self.archive, self.wb)
        found: Any = self.parser.find_sheets()
        self.sheets = {
            sheet.name: relation.target
            for sheet, relation in found
            if relation.Type.endswith("/worksheet") and relation.target in self.valid_files
        }

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
    """The text of a string node: its own, or that of its runs; phonetic hints are left out."""
    texts = [child if child.tag == _TEXT_TAG else child.find(_TEXT_TAG) for child in _parts(node)]
    return _unescaped("".join(text.text or "" for text in texts if text is not None))


def _parts(node: Element) -> list[Element]:
    return [child for child in node if child.tag in (_TEXT_TAG, _RUN_TAG)]


def _unescaped(text: str) -> str:
    """Text with ``_x000D_`` and the like (ECMA-376, ST_Xstring) undone."""
    return str(unescape(text)) if "_x" in text else text


class _Cells(WorkSheetParser):
    """The cells of a sheet; a formula without a stored result is marked by type ``f``.

    Inline strings are read here: openpyxl's own way takes most of the time of a large sheet.
    """

    def parse_cell(self, element: Element) -> dict[str, Any]:
        kind = element.get("t", "n")
        text = element.find(_INLINE_TAG) if kind == "inlineStr" else None
        if text is not None:
            element.remove(text)
        cell: dict[str, Any] = super().parse_cell(element)
        if text is not None:
            cell["value"] = _string(text)
        elif cell["value"] is None:
            # A formula whose result is empty text has type str; one never calculated has none.
            if kind == "n" and element.find(FORMULA_TAG) is not None:
                cell["data_type"] = "f"
        elif kind == "str":
            cell["value"] = _unescaped(cell["value"])
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


def _read_sheet(package: _Package, name: str) -> Sheet:
    workbook: Any = package.wb
    rows: list[tuple[int, Row]] = []
    merged: list[str] = []
    with package.archive.open(package.sheets[name]) as source:
        parser = _Cells(
            source,
            package.shared_strings,
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
    return Sheet(name, rows, _spans(merged))


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
