"""The nomination matrix: voters, totals, and which project a row belongs to."""

from __future__ import annotations

from pathlib import Path

from tests.importing.books import PROJECT, book, brief, only, plan_of

OTHER = PROJECT | {"Feature": "Other"}
VOTED = {"Feature": "Search", "Intake Document": None, "Ana": 4, "Ben": 5, "Total": 9}


def test_the_total_is_recomputed_and_a_differing_one_is_a_warning(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED | {"Total": 12}]))
    assert only(plan).values["total_score"] == 9
    assert brief(plan.warnings) == [(2, "Total", "12")]
    assert plan.warnings[0].sheet == "Sheet2"


def test_a_blank_total_is_filled_without_a_warning(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED | {"Total": None}]))
    assert only(plan).values["total_score"] == 9
    assert plan.warnings == ()


def test_a_total_without_votes_stands(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED | {"Ana": None, "Ben": None, "Total": 12}]))
    found = only(plan)
    assert found.values["total_score"] == 12
    assert found.values["scores.Ana"] is None
    assert plan.warnings == ()


def test_without_a_total_voters_end_at_the_comments(tmp_path: Path) -> None:
    row = {"Feature": "Search", "Intake Document": None, "Ana": 4, "Reviewer Comments": "ok"}
    plan = plan_of(book(tmp_path, [PROJECT], [row | {"Later": 3}]))
    found = only(plan)
    assert found.values["scores.Ana"] == 4
    assert "total_score" not in found.values
    assert brief(plan.warnings) == [(1, "Later", "")]


def test_voters_stand_between_total_and_intake_document_too(tmp_path: Path) -> None:
    row = {"Feature": "Search", "Total": 9, "Ana": 4, "Ben": 5, "Intake Document": None}
    plan = plan_of(book(tmp_path, [PROJECT], [row | {"Later": 1}]))
    assert only(plan).values["scores.Ben"] == 5
    assert brief(plan.warnings) == [(1, "Later", "")]


def test_six_voters_are_fine_and_a_seventh_is_an_error_of_that_row(tmp_path: Path) -> None:
    voters = [f"V{n}" for n in range(1, 8)]
    six = {"Feature": "Search", "Intake Document": None} | dict.fromkeys(voters, 3)
    seven = six | {"Feature": "Other", "Total": 21}
    six |= {"V7": None, "Total": 18}
    path = book(tmp_path, [PROJECT, OTHER], [six, seven])
    plan = plan_of(path)
    assert [row.values.get("total_score") for row in plan.rows] == [18, None]
    assert brief(plan.errors) == [(3, "V1", "3")]
    assert "at most 6 voters" in plan.errors[0].message


def test_a_row_of_the_matrix_needs_a_project_of_exactly_its_name(tmp_path: Path) -> None:
    matrix = [VOTED | {"Feature": "search"}, VOTED | {"Feature": "Search "}]
    plan = plan_of(book(tmp_path, [PROJECT], matrix))
    assert only(plan).values["scores.Ana"] == 4
    assert brief(plan.warnings) == [(2, "Feature", "search")]


def test_a_second_row_of_the_matrix_for_a_project_is_an_error(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED, VOTED | {"Ana": 1}]))
    assert plan.rows[0].values["scores.Ana"] == 4
    assert brief(plan.errors) == [(3, "Feature", "Search")]


def test_a_bad_row_of_the_matrix_leaves_the_projects_own_row_in(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED | {"Ana": 9}]))
    assert plan.rows[0].values == {
        "priority": "P1",
        "feature_name": "Search",
        "status": "In Design",
    }
    assert brief(plan.errors) == [(2, "Ana", "9")]


def test_a_matrix_row_of_a_row_that_is_left_out_is_no_news(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT | {"Status": "Done"}], [VOTED]))
    assert len(plan.errors) == 1
    assert plan.warnings == ()


def test_a_matrix_row_for_two_projects_of_one_name_is_an_error(tmp_path: Path) -> None:
    rows = [PROJECT | {"Project Id": each} for each in "ab"]
    plan = plan_of(book(tmp_path, rows, [VOTED]))
    assert len(plan.rows) == 2
    assert brief(plan.errors) == [(2, "Feature", "Search")]


def test_a_matrix_row_still_joins_the_first_of_two_doubled_rows(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT, PROJECT], [VOTED]))
    assert plan.rows[0].values["scores.Ana"] == 4
    assert brief(plan.errors) == [(3, "Feature", "Search")]


def test_columns_that_are_not_the_matrixs_are_not_read_from_it(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT], [VOTED | {"Department": "Sales"}]))
    assert "department" not in only(plan).values
    assert brief(plan.warnings) == [(1, "Department", "")]


def test_a_column_that_both_sheets_have_is_read_from_the_plan(tmp_path: Path) -> None:
    matrix = [VOTED | {"Dev T-Shirt": "XL"}]
    plan = plan_of(book(tmp_path, [PROJECT | {"Dev T-Shirt": "S"}], matrix))
    assert only(plan).values["intake.dev_t_shirt"] == "S"
    assert brief(plan.warnings) == [(1, "Dev T-Shirt", "")]


def test_an_empty_second_sheet_is_nothing_and_a_strange_one_is_a_warning(tmp_path: Path) -> None:
    assert plan_of(book(tmp_path / "a.xlsx", [PROJECT], [], matrix_titles=[])).warnings == ()
    strange = plan_of(book(tmp_path / "b.xlsx", [PROJECT], [], matrix_titles=["Budget"]))
    assert brief(strange.warnings) == [(0, "", "")]


def test_a_project_without_a_row_in_the_matrix_keeps_what_it_has(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [PROJECT, OTHER], [VOTED]))
    assert set(plan.rows[1].values) == {"priority", "feature_name", "status"}
