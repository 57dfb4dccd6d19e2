"""Files that are not what they say, or not sound: one sentence, no traceback, no waiting."""

from __future__ import annotations

import io
import os
import random
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from services.importing.plan import ExistingLookup, ImportPlan, ImportRefused
from services.importing.reader import read_file
from tests.importing.books import MATRIX_TITLES, PLAN_TITLES, PROJECT, book, only, plan_of

SHEET = "xl/worksheets/sheet1.xml"
XML = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def _sound() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        matrix = [{"Feature": "Search", "Intake Document": None, "Ana": 4, "Total": 4}]
        return book(Path(folder), [PROJECT], matrix).read_bytes()


SOUND = _sound()
SOUND_PARTS = parts_of(SOUND)


def read(data: bytes, name: str = "plan.xlsx") -> ImportPlan:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_file(path, existing=ExistingLookup())


def sentence(data: bytes, name: str = "plan.xlsx") -> str:
    """The one sentence that refuses this file, without a warning on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImportRefused) as refused:
            read(data, name)
    text = str(refused.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def with_sheet(xml: str) -> bytes:
    return packed({**SOUND_PARTS, SHEET: XML.format(xml).encode()})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\x00" * 64, "neither a workbook"),
        (b"\x81\x8d\x8f\x90", "neither a workbook"),
        (b"PK\x03\x04", "damaged or no Excel workbook"),
        (SOUND[:-40], "damaged or no Excel workbook"),
        (SOUND[: len(SOUND) // 2], "damaged or no Excel workbook"),
        (packed({"hello.txt": b"x"}), "damaged or no Excel workbook"),
        (packed({**SOUND_PARTS, "xl/workbook.bin": b""}), "binary workbook"),
        (packed({"content.xml": b"", "mimetype": b"x"}), "OpenDocument"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 64, "old Excel format"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected with a password",
        ),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "no column “Feature”"),
        (b"<html><body>Sign in</body></html>", "no column “Feature”"),
    ],
    # Named: a packed file holds the time it was packed at, and ids must be alike in every process.
    ids=[
        *("empty", "zeros", "bytes", "a zip's first word", "a workbook's beginning"),
        *("half a workbook", "another zip", "a binary workbook", "an OpenDocument"),
        *("the old format", "with a password", "a PDF", "a page"),
    ],
)
def test_what_is_no_file_of_ours_gets_one_sentence(data: bytes, words: str) -> None:
    assert words in sentence(data)


@pytest.mark.parametrize("place", ["missing.xlsx", "", "a\x00b"])
def test_a_path_that_is_no_file_gets_one_sentence(tmp_path: Path, place: str) -> None:
    with pytest.raises(ImportRefused):
        plan_of(tmp_path / place)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(ImportRefused, match="is not a file"):
        plan_of(tmp_path / "pipe.csv")


def test_an_encrypted_part_gets_one_sentence() -> None:
    data = bytearray(SOUND)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    assert "damaged" in sentence(bytes(data))


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from services.importing import workbook

    padding = random.Random(1).randbytes(64 * 1024)
    bomb = packed({**SOUND_PARTS, "xl/media/a.png": padding})
    assert only(read(bomb)).row == 2
    monkeypatch.setattr(workbook, "UNPACKED_MAX", 64 * 1024)
    assert "unpacks to far too much" in sentence(bomb)


def test_a_small_part_that_swells_is_refused() -> None:
    assert "unpacks" in sentence(packed({**SOUND_PARTS, SHEET: b" " * (9 * 1024 * 1024)}))


def test_entities_do_not_multiply() -> None:
    levels = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    xml = f'<!DOCTYPE x [<!ENTITY e0 "aaaaaaaaaa">{levels}]>' + XML.format(
        '<sheetData><row r="1"><c t="inlineStr"><is><t>&e9;</t></is></c></row></sheetData>'
    )
    for part in (SHEET, "xl/workbook.xml", "[Content_Types].xml"):
        sentence(packed({**SOUND_PARTS, part: xml.encode()}))


@pytest.mark.parametrize(
    "xml",
    [
        '<sheetData><row r="999999999999"><c r="A1"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="0"><c r="A1"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="1.5"><c r="A1"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="ZZZZZ1"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="1"><v>1</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="A1" t="s"><v>99</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="A1" t="d"><v>never</v></c></row></sheetData>',
        '<sheetData><row r="1"><c r="A1"><v>text</v></c></row></sheetData>',
        f'<sheetData><row r="1">{"<c/>" * 16385}</row></sheetData>',
        '<sheetData/><mergeCells><mergeCell ref="nowhere"/></mergeCells>',
        '<sheetData/><mergeCells><mergeCell ref="A:B"/></mergeCells>',
        "<sheetData><row",
    ],
)
def test_cells_that_no_sheet_can_have_get_one_sentence(xml: str) -> None:
    assert "damaged" in sentence(with_sheet(xml))


def test_a_huge_dimension_with_few_rows_is_read_at_once() -> None:
    cells = (
        '<dimension ref="A1:XFD1048576"/><sheetData>'
        '<row r="2"><c r="B2" t="inlineStr"><is><t>Feature</t></is></c></row>'
        '<row r="1048576"><c r="B1048576" t="inlineStr"><is><t>Last</t></is></c>'
        '<c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row></sheetData>'
    )
    plan = read(with_sheet(cells))
    assert [(row.row, row.values) for row in plan.rows] == [(1048576, {"feature_name": "Last"})]
    assert [note.column for note in plan.warnings if note.sheet == "ITSC Plan"] == ["column 16384"]


def test_a_number_that_is_no_date_is_an_error_of_its_row_and_prints_nothing(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    import datetime as dt

    path = book(tmp_path, [PROJECT | {"Launch Target": dt.date(2026, 1, 1)}])
    parts = parts_of(path.read_bytes())
    serial = b"<v>46023</v>"
    assert serial in parts[SHEET]
    parts[SHEET] = parts[SHEET].replace(serial, b"<v>99999999</v>")
    path.write_bytes(packed(parts))
    recwarn.clear()
    plan = plan_of(path)
    assert [note.column for note in plan.errors] == ["Launch Target"]
    assert list(recwarn) == []


@pytest.mark.parametrize("part", ["docProps/core.xml", "docProps/app.xml", "xl/theme/theme1.xml"])
def test_damage_where_no_value_stands_harms_nothing(part: str) -> None:
    assert part in SOUND_PARTS
    assert only(read(packed({**SOUND_PARTS, part: b"<not xml"}))).values["status"] == "In Design"


RELAXED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def refused_or_read(data: bytes, name: str) -> None:
    try:
        found: object = read(data, name)
    except ImportRefused as refused:
        found = str(refused)
    if isinstance(found, str):
        assert found.endswith(".")
        assert "\n" not in found
    else:
        assert isinstance(found, ImportPlan)


@RELAXED
@given(
    st.binary(max_size=400),
    st.sampled_from(["a.xlsx", "a.csv", "a.json"]),
    st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"[", b"{", b"Feature,Status\n"]),
)
def test_garbage_is_refused_and_nothing_else(data: bytes, name: str, head: bytes) -> None:
    refused_or_read(head + data, name)


@RELAXED
@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=8))
def test_a_workbook_with_damaged_bytes_is_refused_or_read(at: int, damage: bytes) -> None:
    refused_or_read(SOUND[:at] + damage + SOUND[at + len(damage) :], "a.xlsx")


@RELAXED
@given(
    st.sampled_from(sorted(SOUND_PARTS)),
    st.integers(0, 5000),
    st.integers(0, 40),
    st.sampled_from(
        [b"", b"9", b"<", b'"', b"&", b"A", b"-1", b"</row>", b"<row>", b"\xff", b"1e9"]
    ),
)
def test_a_workbook_with_damaged_parts_is_refused_or_read(
    part: str, at: int, length: int, damage: bytes
) -> None:
    sound = SOUND_PARTS[part]
    at %= len(sound)
    harmed = sound[:at] + damage + sound[at + length :]
    refused_or_read(packed({**SOUND_PARTS, part: harmed}, zipfile.ZIP_STORED), "a.xlsx")


@pytest.mark.parametrize("part", sorted(SOUND_PARTS))
@pytest.mark.parametrize("change", [None, lambda _: b"", lambda data: data[: len(data) // 2]])
def test_a_workbook_without_one_of_its_parts_is_refused_or_read(
    part: str, change: Callable[[bytes], bytes] | None
) -> None:
    parts = dict(SOUND_PARTS)
    if change is None:
        del parts[part]
    else:
        parts[part] = change(parts[part])
    refused_or_read(packed(parts), "a.xlsx")


def test_two_thousand_rows_cost_no_more_than_openpyxls_own_reading(tmp_path: Path) -> None:
    workbook = Workbook(write_only=True)
    plan, matrix = workbook.create_sheet("ITSC Plan"), workbook.create_sheet("Sheet2")
    plan.append(PLAN_TITLES)
    matrix.append(MATRIX_TITLES)
    for n in range(2000):
        row = ["⭐ P1", f"🧩 F{n}", "Sales / Ops", "In Proof", "🔴 High", "Ana", "Ben", "TBD"]
        plan.append([*row, "Cross-Functional", "v", "Yes", None, "x", None, "1", *["text"] * 6])
        matrix.append([f"🧩 F{n}", "A", "B", "CMS", "XL", 0.5, None, *[3] * 6, 18, "ok"])
    path = tmp_path / "big.xlsx"
    workbook.save(path)
    began = time.process_time()
    found = plan_of(path)
    ours = time.process_time() - began
    assert len(found.rows) == 2000
    assert found.errors == ()
    assert found.rows[-1].values["total_score"] == 18
    began = time.process_time()
    for sheet in load_workbook(path, read_only=True, data_only=True):
        assert sum(1 for _ in sheet.iter_rows(values_only=True)) == 2001
    # Measured at 0.9 to 1.1; what this guards against is a second pass or a quadratic step.
    assert ours < 3 * (time.process_time() - began)
