"""A file of any kind read into an import plan. What a file is, is told by its content."""

from __future__ import annotations

import codecs
import datetime as dt
from pathlib import Path

from services.importing.assemble import assemble
from services.importing.delimited import read_delimited
from services.importing.documents import read_json
from services.importing.grid import Record
from services.importing.plan import ExistingLookup, ImportPlan, ImportRefused, Note
from services.importing.tables import (
    NOMINATION_SHEET,
    PLAN_SHEET,
    nomination_records,
    plan_records,
)
from store import canon

FILE_MAX = 128 * 1024 * 1024
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_TABLES = (".csv", ".tsv", ".txt")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_file(path: Path, *, existing: ExistingLookup, zone: dt.tzinfo = dt.UTC) -> ImportPlan:
    """The plan of a workbook, a CSV or a JSON dump; nothing is written anywhere.

    ``existing`` knows the projects that are here already (for parents); ``zone`` is the
    organisation's, for launch targets given as moments. Raises ImportRefused for a file that can't
    be read as a whole; faults of single rows are in the plan.
    """
    data = _bytes_of(path)
    if data.startswith(_ZIP):
        return _from_workbook(data, path.name, existing, zone)
    if data.startswith(_OLE):
        raise ImportRefused(_ole_sentence(data, path.name))
    text, notes = _decode(data, path.name)
    records, more = _from_text(text, path)
    return assemble(records, [], existing=existing, zone=zone, notes=[*notes, *more])


def _bytes_of(path: Path) -> bytes:
    name = canon.shown(path.name)
    try:
        if path.exists() and not path.is_file():
            raise ImportRefused(f"{name} is not a file.")
        if path.stat().st_size > FILE_MAX:
            raise ImportRefused(f"{name} is larger than {FILE_MAX // 1024 // 1024} MiB.")
        data = path.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{name} can't be opened: {error.strerror or error}.") from error
    except ValueError as error:
        raise ImportRefused(f"{name} is not the name of a file.") from error
    if not data.strip():
        raise ImportRefused(f"{name} is empty.")
    return data


def _ole_sentence(data: bytes, name: str) -> str:
    if _ENCRYPTED in data:
        return f"{canon.shown(name)} is protected with a password; save it without one."
    return f"{canon.shown(name)} is in the old Excel format; save it as .xlsx."


def _from_workbook(data: bytes, name: str, existing: ExistingLookup, zone: dt.tzinfo) -> ImportPlan:
    from services.importing.workbook import read_workbook

    plan, *others = read_workbook(data, name, lambda names: _choose(names, name))
    records, header, notes = plan_records(plan)
    nominations: list[Record] = []
    for sheet in others:
        nominations, more = nomination_records(sheet, header)
        notes += more
    return assemble(records, nominations, existing=existing, zone=zone, notes=notes)


def _from_text(text: str, path: Path) -> tuple[list[Record], list[Note]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(text, path.name)
        except ImportRefused:
            # The first title of a table may start with a bracket.
            if path.suffix.lower() not in _TABLES:
                raise
    records, _, notes = plan_records(read_delimited(text, path.name))
    return records, notes


def _choose(names: list[str], file: str) -> list[str]:
    """The sheet of projects, and the nomination matrix where there is one."""

    def called(wanted: str) -> list[str]:
        return [each for each in names if " ".join(each.split()).casefold() == wanted.casefold()]

    plan = called(PLAN_SHEET) or (names if len(names) == 1 else [])
    if not plan:
        has = ", ".join(canon.shown(each) for each in names) or "none"
        raise ImportRefused(
            f"{canon.shown(file)} has no sheet “{PLAN_SHEET}”; its sheets are: {has}."
        )
    return [plan[0], *(each for each in called(NOMINATION_SHEET)[:1] if each != plan[0])]


def _decode(data: bytes, name: str) -> tuple[str, list[Note]]:
    """Text in UTF-8 or UTF-16, with or without a mark; else Windows' western code, with a note."""
    try:
        return _printable(data.decode(_encoding(data)), name), []
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise ImportRefused(_unreadable(name)) from error
    message = "this file is not UTF-8; it was read as Windows-1252, so check names with accents"
    return _printable(text, name), [Note(name, 0, "", "", message)]


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    head = data[:512]
    # Latin letters in UTF-16 have a zero byte beside each; text in UTF-8 has none at all.
    if head[1::2].count(0) > len(head) // 4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) // 4:
        return "utf-16-be"
    return "utf-8"


def _printable(text: str, name: str) -> str:
    if "\x00" in text:
        raise ImportRefused(_unreadable(name))
    return text


def _unreadable(name: str) -> str:
    return f"{canon.shown(name)} is neither a workbook (.xlsx) nor CSV or JSON text."
