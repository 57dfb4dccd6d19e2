"""The committee's workbook: found by its titles, joined, ordered, and reported row by row."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.xml.constants import SHARED_STRINGS

from services.importing.ids import id_for_name
from services.importing.plan import ImportRefused
from tests.importing.books import (
    MATRIX_TITLES,
    PLAN_TITLES,
    PROJECT,
    book,
    brief,
    fill,
    only,
    plan_of,
)

OTHER = PROJECT | {"Feature": "Other"}


def test_a_full_row_fills_every_field(tmp_path: Path) -> None:
    row = dict(
        zip(
            PLAN_TITLES,
            [
                "⭐ P1",
                "🧩 Feedback Platform (v1)",
                "Product / Events",
                "In Proof",
                "🔴 High",
                "Ines Costa",
                "Dev Patel",
                dt.datetime(2026, 12, 15),
                "Cross-Functional",
                "Lead quality ↑",
                "Yes",
                None,
                "x",
                "✔",
                False,
                "What",
                "Why",
                "Impact",
                "Punch",
                "a@example.com",
                "b@example.com",
            ],
            strict=True,
        )
    )
    name = row["Feature"]
    matrix = dict(
        zip(
            MATRIX_TITLES,
            [
                *(name, "Sub", "Spon", "CMS", "XS", 0.5, "https://x.example/1"),
                *(1, 3, 5, 5, 4, None, 18, "Merge?"),
            ],
            strict=True,
        )
    )
    found = only(plan_of(book(tmp_path, [row], [matrix])))
    assert found.project_id == id_for_name(str(name))
    assert (found.sheet, found.row, found.parent) == ("ITSC Plan", 2, None)
    assert found.on_create == {"sort_order": 1}
    assert found.values == {
        "priority": "P1",
        "feature_name": "🧩 Feedback Platform (v1)",
        "department": "Product / Events",
        "status": "In QA",
        "level_of_effort": "High",
        "product_owner": "Ines Costa",
        "it_lead": "Dev Patel",
        "launch_target": "2026-12-15",
        "strategic_group": "Cross-Functional",
        "strategic_value": "Lead quality ↑",
        "flags.alignment": True,
        "flags.high_impact_work": False,
        "flags.retention_focus": True,
        "flags.thought_leadership": True,
        "flags.ai_ways_of_working": False,
        "brief.what_it_does": "What",
        "brief.why_it_matters": "Why",
        "brief.business_impact": "Impact",
        "brief.punchline": "Punch",
        "imported_created_by": "a@example.com",
        "imported_updated_by": "b@example.com",
        "intake.submitted_by": "Sub",
        "intake.executive_sponsor": "Spon",
        "intake.primary_system": "CMS",
        "intake.dev_t_shirt": "XS",
        "intake.dev_readiness": 50,
        "intake.intake_document_url": "https://x.example/1",
        "intake.reviewer_comments": "Merge?",
        "scores.Ana": 1,
        "scores.Ben": 3,
        "scores.Chloe": 5,
        "scores.Dev": 5,
        "scores.Eva": 4,
        "scores.Farid": None,
        "total_score": 18,
    }


def test_only_the_columns_of_the_file_are_in_the_values(tmp_path: Path) -> None:
    found = only(plan_of(book(tmp_path, [PROJECT | {"Department": None, "Alignment": None}])))
    assert found.values == {
        "priority": "P1",
        "feature_name": "Search",
        "status": "In Design",
        "department": None,
        "flags.alignment": False,
    }


def test_titles_are_found_under_other_rows_and_whatever_their_case_and_space(
    tmp_path: Path,
) -> None:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "itsc  plan "
    sheet["A1"] = "IT Steering Committee"
    sheet["A2"] = "Feature"
    titles = ["\u00a0FEATURE ", "dev\nreadiness", "Loe\u00a0", "launch  target", "project id"]
    for column, title in enumerate(titles, start=2):
        sheet.cell(9, column, title)
        sheet.cell(11, column, ["Search", 0.5, "High", "TBD", "search-1"][column - 2])
    workbook.create_sheet("Notes")["A1"] = "Feature"
    workbook.save(tmp_path / "a.xlsx")
    found = only(plan_of(tmp_path / "a.xlsx"))
    assert (found.project_id, found.row) == ("search-1", 11)
    assert found.values == {
        "feature_name": "Search",
        "intake.dev_readiness": 50,
        "level_of_effort": "High",
        "launch_target": "TBD",
    }


def test_titles_below_the_tenth_row_are_not_looked_for(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active["B11"] = "Feature"
    workbook.active["B12"] = "Search"
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(ImportRefused, match="no column “Feature” in its first 10 rows"):
        plan_of(tmp_path / "a.xlsx")


def test_a_workbook_without_the_sheet_says_which_sheets_it_has(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active.title = "Plan 2025"
    workbook.create_sheet("{red} Other")
    workbook.save(tmp_path / "a.xlsx")
    with pytest.raises(ImportRefused, match=r"“Plan 2025”, “\{red\} Other”"):
        plan_of(tmp_path / "a.xlsx")


def test_a_single_sheet_is_taken_whatever_its_name(tmp_path: Path) -> None:
    workbook = Workbook()
    fill(workbook.active, list(PROJECT), [list(PROJECT.values())])
    workbook.save(tmp_path / "a.xlsx")
    assert only(plan_of(tmp_path / "a.xlsx")).sheet == "Sheet"


def test_an_unknown_column_is_ignored_with_one_warning(tmp_path: Path) -> None:
    rows = [PROJECT | {"Budget": 5}, PROJECT | {"Feature": "Other", "Budget": "#"}]
    plan = plan_of(book(tmp_path, rows))
    assert len(plan.rows) == 2
    assert brief(plan.warnings) == [(1, "Budget", "")]


def test_cells_under_no_title_are_ignored_with_one_warning(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT, OTHER])
    workbook = load_workbook(path)
    workbook.active["F2"] = "stray"
    workbook.active["F3"] = "stray too"
    workbook.save(path)
    plan = plan_of(path)
    assert len(plan.rows) == 2
    assert brief(plan.warnings) == [(2, "column 6", "stray")]


def test_two_columns_for_one_field_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="two columns for “Level of Effort”"):
        plan_of(book(tmp_path, [PROJECT | {"LOE": "High", "Level of Effort": "Low"}]))


def test_blank_rows_are_skipped_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT, {}, {"Feature": " ", "Status": "\u00a0"}, OTHER])
    plan = plan_of(path)
    assert [row.row for row in plan.rows] == [2, 5]
    assert plan.errors == ()


def test_hidden_rows_are_read_like_others(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT, PROJECT | {"Feature": "Hidden"}])
    workbook = load_workbook(path)
    workbook.active.row_dimensions[3].hidden = True
    workbook.save(path)
    assert [row.values["feature_name"] for row in plan_of(path).rows] == ["Search", "Hidden"]


def test_a_row_with_an_error_is_left_out_and_named_and_the_rest_stays(tmp_path: Path) -> None:
    rows = [
        PROJECT,
        PROJECT | {"Feature": "Bad", "Status": "Done", "Priority": "P9"},
        PROJECT | {"Feature": None},
        PROJECT | {"Feature": "Good"},
    ]
    plan = plan_of(book(tmp_path, rows))
    assert [row.values["feature_name"] for row in plan.rows] == ["Search", "Good"]
    assert brief(plan.errors) == [(3, "Priority", "P9"), (3, "Status", "Done"), (4, "Feature", "")]
    assert {note.sheet for note in plan.errors} == {"ITSC Plan"}
    assert "Yet to Start" in plan.errors[1].message


def test_a_second_row_of_the_same_feature_is_an_error(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT, PROJECT, PROJECT | {"Feature": "search"}]))
    assert [row.row for row in plan.rows] == [2, 4]
    assert brief(plan.errors) == [(3, "Feature", "Search")]
    assert "row 2 has the same Feature" in plan.errors[0].message


def test_rows_of_one_name_may_have_different_ids_but_no_id_comes_twice(tmp_path: Path) -> None:
    ids = ["a", "b", "a", None]
    plan = plan_of(book(tmp_path, [PROJECT | {"Project Id": each} for each in ids]))
    assert [row.project_id for row in plan.rows] == ["a", "b", id_for_name("Search")]
    assert brief(plan.errors) == [(4, "Project Id", "a")]


def test_row_order_gives_the_sort_order_of_new_projects_within_a_band(tmp_path: Path) -> None:
    names = [("A", "P1"), ("B", "P2"), ("C", "P1"), ("D", "P9"), ("E", None), ("F", "P2")]
    rows = [PROJECT | {"Feature": name, "Priority": band} for name, band in names]
    plan = plan_of(book(tmp_path, rows))
    places = {str(row.values["feature_name"]): row.on_create["sort_order"] for row in plan.rows}
    assert places == {"A": 1, "B": 1, "C": 2, "E": 1, "F": 2}


def test_a_row_with_an_error_keeps_its_place_in_the_order(tmp_path: Path) -> None:
    rows = [PROJECT | {"Status": "Done"}, PROJECT | {"Feature": "Next"}]
    assert only_good(plan_of(book(tmp_path, rows))).on_create == {"sort_order": 2}


def only_good(plan: Any) -> Any:
    [row] = plan.rows
    return row


def test_no_sort_order_exceeds_what_the_field_holds(tmp_path: Path) -> None:
    rows = [PROJECT | {"Feature": f"F{n}"} for n in range(1001)]
    plan = plan_of(book(tmp_path, rows))
    assert [row.on_create["sort_order"] for row in plan.rows[997:]] == [998, 999, 999, 999]


def test_a_sort_order_in_the_sheet_stands(tmp_path: Path) -> None:
    found = only(plan_of(book(tmp_path, [PROJECT | {"Sort Order": 7}])))
    assert found.values["sort_order"] == 7
    assert found.on_create == {}


def test_a_merged_cell_counts_for_all_its_rows(tmp_path: Path) -> None:
    rows = [PROJECT | {"Feature": name, "Priority": "P2"} for name in "ABCD"]
    path = book(tmp_path, rows)
    workbook = load_workbook(path)
    workbook.active.merge_cells("A2:A4")
    workbook.save(path)
    plan = plan_of(path)
    assert [row.values["priority"] for row in plan.rows] == ["P2"] * 4
    assert brief(plan.warnings) == [(2, "Priority", "")]
    assert "down to 4" in plan.warnings[0].message


def test_a_title_merged_downwards_is_no_value(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Priority": None}])
    workbook = load_workbook(path)
    workbook.active.merge_cells("A1:A2")
    workbook.save(path)
    plan = plan_of(path)
    assert only(plan).values["priority"] == "Not yet Prioritized"
    assert brief(plan.warnings) == [(2, "Priority", "")]


@pytest.mark.parametrize(
    "text",
    [
        "=Formula",
        "[P1] Bracketed [/red] Name",
        "🧩 Feedback Platform",
        "❤️\u200d🩹 Health",
        "تقويم الفعاليات",
        "a\u00a0b",
        "\u00a0edge\u00a0",
        "'quoted'",
        '"double"',
        "<b>&amp;</b>",
        "_x000D_",
        "-1+1",
    ],
)
def test_text_is_taken_as_it_stands(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.xlsx"
    workbook = Workbook()
    fill(workbook.active, ["Feature", "Status", "Punchline"], [["X", "In QA", f"> {text} <"]])
    cell = workbook.active["A2"]
    cell.value = text.replace("_x000D_", "_x005F_x000D_")
    cell.data_type = "s"
    workbook.active["C2"].value = cell.value
    workbook.active["C2"].data_type = "s"
    workbook.save(path)
    found = only(plan_of(path))
    assert found.values["feature_name"] == text
    assert found.values["brief.punchline"] == text


def test_an_escaped_carriage_return_is_a_line_break_and_no_junk(tmp_path: Path) -> None:
    found = only(plan_of(book(tmp_path, [PROJECT | {"Punchline": "one_x000D_\ntwo"}])))
    assert found.values["brief.punchline"] == "one\ntwo"


def test_numbers_in_text_columns_are_their_text(tmp_path: Path) -> None:
    row = PROJECT | {"Feature": 2026.0, "Department": 7, "Strategic Value": 2.5}
    found = only(plan_of(book(tmp_path, [row])))
    assert found.values["feature_name"] == "2026"
    assert found.values["department"] == "7"
    assert found.values["strategic_value"] == "2.5"


def test_an_error_cell_leaves_its_row_out(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Department": "x"}, PROJECT | {"Feature": "Good"}])
    workbook = load_workbook(path)
    workbook.active["D2"] = "#REF!"
    assert workbook.active["D2"].data_type == "e"
    workbook.save(path)
    plan = plan_of(path)
    assert [row.row for row in plan.rows] == [3]
    assert brief(plan.errors) == [(2, "Department", "#REF!")]


def test_a_formula_that_was_never_calculated_is_no_blank(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Department": "x"}])
    workbook = load_workbook(path)
    workbook.active["D2"] = "=A1&B1"
    workbook.save(path)
    plan = plan_of(path)
    assert plan.rows == ()
    assert brief(plan.errors) == [(2, "Department", "")]
    assert "save the file in Excel" in plan.errors[0].message


def test_a_formulas_stored_result_is_its_value(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Department": "x"}])
    workbook = load_workbook(path)
    workbook.active["D2"] = "=A1&B1"
    workbook.save(path)
    rewrite(
        path,
        "xl/worksheets/sheet1.xml",
        '<c r="D2"><f>A1&amp;B1</f><v></v></c>',
        '<c r="D2" t="str"><f>A1&amp;B1</f><v>Sales</v></c>',
    )
    assert only(plan_of(path)).values["department"] == "Sales"


def rewrite(path: Path, part: str, old: str, new: str) -> None:
    """Replace text inside one part of a workbook; a part that is not there is empty."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts.get(part, b"").decode()
    assert old in text
    parts[part] = text.replace(old, new).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


def test_dates_of_a_1904_workbook_are_right(tmp_path: Path) -> None:
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    workbook = Workbook()
    workbook.epoch = CALENDAR_MAC_1904
    fill(workbook.active, ["Feature", "Launch Target"], [["Search", dt.date(2026, 12, 15)]])
    workbook.save(tmp_path / "a.xlsx")
    assert only(plan_of(tmp_path / "a.xlsx")).values["launch_target"] == "2026-12-15"


def test_a_formula_whose_result_is_empty_text_is_blank(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Department": "x"}])
    workbook = load_workbook(path)
    workbook.active["D2"] = "=A1&B1"
    workbook.save(path)
    rewrite(path, "xl/worksheets/sheet1.xml", '<c r="D2"><f>', '<c r="D2" t="str"><f>')
    assert only(plan_of(path)).values["department"] is None


def test_shared_strings_are_read_with_their_runs_and_without_hints(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT | {"Department": "x"}])
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si>'
        '<r><t xml:space="preserve">Sales </t></r><r><rPr><b/></rPr><t>_x005F_x000D_</t></r>'
        '<rPh sb="0" eb="1"><t>hint</t></rPh></si></sst>'
    )
    rewrite(path, "xl/sharedStrings.xml", "", strings)
    rewrite(
        path,
        "[Content_Types].xml",
        "</Types>",
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{SHARED_STRINGS}"/></Types>',
    )
    rewrite(
        path,
        "xl/worksheets/sheet1.xml",
        '<c r="D2" t="inlineStr"><is><t>x</t></is></c>',
        '<c r="D2" t="s"><v>0</v></c>',
    )
    assert only(plan_of(path)).values["department"] == "Sales _x000D_"


def test_a_name_that_exists_under_another_id_is_pointed_out(tmp_path: Path) -> None:
    path = book(tmp_path, [PROJECT])
    assert brief(plan_of(path, ("old", "Search", None)).warnings) == [(2, "Feature", "Search")]
    assert plan_of(path, (id_for_name("Search"), "Search", None)).warnings == ()
