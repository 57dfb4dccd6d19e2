"""CSV in the encodings and with the delimiters that spreadsheets write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importing.delimited import guard, unguard
from services.importing.plan import ImportRefused
from tests.importing.books import brief, only, plan_of

TEXT = 'Feature;Status;Priority\n"Café; ""Zoë""";In QA;⭐ P1\n'


def written(tmp_path: Path, data: bytes | str, name: str = "plan.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_ends_are_found(
    tmp_path: Path, encoding: str, delimiter: str, newline: str
) -> None:
    text = f'Feature{delimiter}Status{newline}"Caf\u00e9, ""Zo\u00eb"""{delimiter}In QA{newline}'
    plan = plan_of(written(tmp_path, text.encode(encoding)))
    found = only(plan)
    assert found.values == {"feature_name": 'Café, "Zoë"', "status": "In QA"}
    assert (found.sheet, found.row, plan.warnings) == ("plan.csv", 2, ())


def test_windows_text_is_read_with_a_warning(tmp_path: Path) -> None:
    plan = plan_of(written(tmp_path, "Feature,Status\nCafé,In QA\n".encode("cp1252")))
    assert only(plan).values["feature_name"] == "Café"
    assert brief(plan.warnings) == [(0, "", "")]
    assert "Windows-1252" in plan.warnings[0].message


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    found = only(plan_of(written(tmp_path, TEXT, "plan.json")))
    assert found.values["feature_name"] == 'Café; "Zoë"'
    assert found.values["priority"] == "P1"


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    text = 'sep=,\nTitle\n\nFeature,Punchline\nA,"one\ntwo"\n\nB,\nC,x,,\n'
    plan = plan_of(written(tmp_path, text))
    assert [(row.row, row.values["feature_name"]) for row in plan.rows] == [
        (5, "A"),
        (7, "B"),
        (8, "C"),
    ]
    assert plan.rows[0].values["brief.punchline"] == "one\ntwo"


def test_one_sheet_holds_the_matrix_too(tmp_path: Path) -> None:
    text = "Feature,Dev Readiness,Intake Document,Ana,Ben,Total,Reviewer Comments\nA,0.8,,4,,5,ok\n"
    plan = plan_of(written(tmp_path, text))
    assert only(plan).values == {
        "feature_name": "A",
        "intake.dev_readiness": 80,
        "intake.intake_document_url": None,
        "scores.Ana": 4,
        "scores.Ben": None,
        "total_score": 4,
        "intake.reviewer_comments": "ok",
    }
    assert brief(plan.warnings) == [(2, "Total", "5")]


def test_a_spreadsheets_error_is_an_error(tmp_path: Path) -> None:
    plan = plan_of(written(tmp_path, "Feature,Department\nA,#N/A\nB,ok\n"))
    assert [row.row for row in plan.rows] == [3]
    assert brief(plan.errors) == [(2, "Department", "#N/A")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('Feature,Status\n"open,In QA\n', "is not sound CSV"),
        ('Feature,Status\n"a"b,In QA\n', "is not sound CSV"),
        ("Name,Status\nA,In QA\n", "no column “Feature”"),
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("\ufeff", "no column “Feature”"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence) as refused:
        plan_of(written(tmp_path, text))
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_an_apostrophe_in_a_foreign_file_is_content(tmp_path: Path) -> None:
    found = only(plan_of(written(tmp_path, "Feature\n'=1\n")))
    assert found.values["feature_name"] == "'=1"


def test_paths_as_titles_without_an_id_make_no_export_of_ours(tmp_path: Path) -> None:
    found = only(plan_of(written(tmp_path, "feature_name,status\n'=1,In Proof\n")))
    assert found.values == {"feature_name": "'=1", "status": "In QA"}


def test_our_own_export_gets_its_formula_marks_off_and_keeps_its_errors(tmp_path: Path) -> None:
    text = "project_id,feature_name,intake.dev_readiness\na,'=1,1\nb,''=1,2\nc,'s,3\nd,#N/A,4\n"
    plan = plan_of(written(tmp_path, text))
    assert plan.errors == ()
    assert [row.values["feature_name"] for row in plan.rows] == ["=1", "'=1", "'s", "#N/A"]
    assert [row.values["intake.dev_readiness"] for row in plan.rows] == [1, 2, 3, 4]


@given(st.text(st.sampled_from("'=+-@\t\ra"), max_size=6))
def test_the_formula_mark_is_put_on_and_taken_off_without_loss(text: str) -> None:
    assert unguard(guard(text)) == text
    assert guard(text)[:1] not in ("=", "+", "-", "@", "\t", "\r") or guard(text) == ""


@given(st.text(st.sampled_from("'=+-@\t\ra"), max_size=6), st.text("'=a", max_size=6))
def test_no_two_texts_share_a_guarded_form(one: str, other: str) -> None:
    assert (guard(one) == guard(other)) == (one == other)
