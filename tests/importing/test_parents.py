"""Parents: by id or by name, in the file or here already, and never one that would be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.importing.plan import ImportPlan
from tests.importing.books import book, brief, plan_of

Family = list[tuple[str, str | None]]


def family(
    tmp_path: Path, rows: Family, *existing: tuple[str, str, str | None], bad: str = ""
) -> ImportPlan:
    """The plan of rows (name, parent cell), each name also its id; ``bad`` has a wrong status."""
    return plan_of(
        book(
            tmp_path,
            [
                {
                    "Project Id": name.lower(),
                    "Feature": name,
                    "Status": "Done" if name in bad else "In QA",
                    "Parent": parent,
                }
                for name, parent in rows
            ],
        ),
        *existing,
    )


def parents(plan: ImportPlan) -> dict[str, object]:
    return {row.project_id: row.values["parent_id"] for row in plan.rows}


def test_a_parent_is_named_by_id_or_by_feature_before_or_after_its_child(tmp_path: Path) -> None:
    plan = family(tmp_path, [("A", "c"), ("B", "C"), ("C", None)])
    assert parents(plan) == {"a": "c", "b": "c", "c": None}
    assert [row.parent for row in plan.rows] == ["c", "C", None]


def test_a_parent_may_be_a_project_that_exists(tmp_path: Path) -> None:
    existing = ("old-1", "Old One", None)
    plan = family(tmp_path, [("A", "old-1"), ("B", "Old One")], existing)
    assert parents(plan) == {"a": "old-1", "b": "old-1"}


def test_the_file_goes_before_what_exists_and_an_id_before_a_name(tmp_path: Path) -> None:
    plan = family(tmp_path, [("A", "B"), ("B", None)], ("other", "B", None))
    assert parents(plan)["a"] == "b"
    rows = [("x", "X", "b"), ("c", "b", None), ("b", "Y", None)]
    named = [{"Project Id": i, "Feature": name, "Parent": parent} for i, name, parent in rows]
    assert parents(plan_of(book(tmp_path, named)))["x"] == "b"
    plan = family(tmp_path, [("X", "y")], ("y", "Why", None), ("z", "y", None))
    assert parents(plan) == {"x": "y"}


@pytest.mark.parametrize("parent", ["nobody", "B ?", "🧩"])
def test_an_unknown_parent_is_an_error(tmp_path: Path, parent: str) -> None:
    plan = family(tmp_path, [("A", parent), ("B", None)])
    assert parents(plan) == {"b": None}
    assert brief(plan.errors) == [(2, "Parent", parent)]


def test_a_name_that_two_projects_have_is_an_error(tmp_path: Path) -> None:
    plan = family(tmp_path, [("A", "Twin")], ("t1", "Twin", None), ("t2", "Twin", None))
    assert plan.rows == ()
    assert "more than one project" in plan.errors[0].message


@pytest.mark.parametrize("parent", ["a", "A"])
def test_no_project_is_its_own_parent(tmp_path: Path, parent: str) -> None:
    plan = family(tmp_path, [("A", parent)])
    assert plan.rows == ()
    assert brief(plan.errors) == [(2, "Parent", parent)]


def test_a_cycle_leaves_out_its_rows_and_those_that_hang_on_it(tmp_path: Path) -> None:
    rows: Family = [("A", "B"), ("B", "C"), ("C", "A"), ("D", "A"), ("E", None)]
    plan = family(tmp_path, rows)
    assert parents(plan) == {"e": None}
    assert [note.row for note in plan.errors] == [2, 3, 4, 5]


def test_a_cycle_through_a_project_that_exists_is_found(tmp_path: Path) -> None:
    plan = family(tmp_path, [("A", "m")], ("m", "Middle", "a"), ("a", "A", None))
    assert plan.rows == ()
    assert "its own ancestor" in plan.errors[0].message


def test_a_new_parent_in_the_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    # Here B is under A; the file turns them round.
    existing = [("a", "A", None), ("b", "B", "a")]
    plan = family(tmp_path, [("A", "B"), ("B", None)], *existing)
    assert parents(plan) == {"a": "b", "b": None}


def test_a_cycle_that_appears_only_because_a_row_is_left_out_is_found(tmp_path: Path) -> None:
    # Row B would free A from its old child; with its bad status it stays as it is here.
    existing = [("a", "A", None), ("b", "B", "a")]
    plan = family(tmp_path, [("A", "B"), ("B", None)], *existing, bad="B")
    assert plan.rows == ()
    assert [note.column for note in plan.errors] == ["Parent", "Status"]


def test_a_child_falls_with_a_parent_that_is_left_out_and_new(tmp_path: Path) -> None:
    rows: Family = [("C", "B"), ("B", "A"), ("A", None), ("D", None)]
    plan = family(tmp_path, rows, bad="A")
    assert parents(plan) == {"d": None}
    assert brief(plan.errors) == [(2, "Parent", "B"), (3, "Parent", "A"), (4, "Status", "Done")]


def test_a_child_stays_with_a_parent_that_is_left_out_but_exists(tmp_path: Path) -> None:
    plan = family(tmp_path, [("B", "A"), ("A", None)], ("a", "A", None), bad="A")
    assert parents(plan) == {"b": "a"}


def test_without_the_column_no_parent_is_spoken_of(tmp_path: Path) -> None:
    plan = plan_of(book(tmp_path, [{"Feature": "A"}]), ("a", "A", "b"))
    assert "parent_id" not in plan.rows[0].values


def test_a_long_chain_and_a_long_cycle_are_settled_quickly(tmp_path: Path) -> None:
    chain: Family = [(f"N{n}", f"n{n + 1}") for n in range(1200)]
    assert len(family(tmp_path, [*chain, ("N1200", None)]).rows) == 1201
    assert len(family(tmp_path, [*chain, ("N1200", "n0")]).errors) == 1201
    assert len(family(tmp_path, [*chain, ("N1200", "nobody")]).errors) == 1201
