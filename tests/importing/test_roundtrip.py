"""What an import takes back from an export, and what does not change a plan."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.exporting import Format, export
from services.importing.plan import ExistingLookup, ImportPlan
from services.importing.reader import read_file
from store import fields
from store.canon import Values
from tests.importing.books import MATRIX_TITLES, PLAN_TITLES, book
from tests.importing.projects import projects

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def exported(rows: list[dict[str, Any]], format: Format) -> bytes:
    out = io.StringIO(newline="")
    export(rows, format, out)
    return out.getvalue().encode()


def imported(data: bytes, name: str) -> ImportPlan:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_file(path, existing=ExistingLookup())


def cast(values: Values) -> Values:
    """Without the votes that nobody gave, which a CSV has as empty cells."""
    return {p: v for p, v in values.items() if v is not None or not fields.is_score(p)}


@pytest.mark.parametrize("format", ["csv", "json"])
@RELAXED
@given(found=projects())
def test_an_export_comes_back_as_it_was(format: Format, found: dict[str, Values]) -> None:
    rows = [{"project_id": key} | values for key, values in found.items()]
    plan = imported(exported(rows, format), f"view.{format}")
    assert plan.errors == ()
    assert plan.warnings == ()
    assert {row.project_id: cast(row.values) for row in plan.rows} == found
    assert [row.on_create for row in plan.rows] == [{}] * len(found)


@pytest.mark.parametrize("format", ["csv", "json"])
def test_authors_and_what_a_project_carries_besides_come_back_or_stay_out(format: Format) -> None:
    row = {
        "project_id": "a",
        "feature_name": "A",
        "imported_created_by": None,
        "created_by": "ana",
        "created_at": "2026-11-21T05:22:45.123Z",
        "updated_by": "ben",
        "updated_at": "2026-11-21T05:22:45.123Z",
        "sync": {"firestore": {"state": "synced"}},
    }
    plan = imported(exported([row], format), f"view.{format}")
    [found] = plan.rows
    assert (found.created_by, found.created_at) == ("ana", "2026-11-21T05:22:45.123Z")
    assert set(found.values) <= {"feature_name", "imported_created_by", "imported_updated_by"}
    assert found.values["imported_created_by"] is None
    assert plan.warnings == ()


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "Priority": st.sampled_from(["⭐ P1", "P2", None, "?"]),
    "Feature": st.sampled_from(["Search", "🧩 Portal", "Badge", None]),
    "Status": st.sampled_from(["In QA", "In Proof", "?", None, "Done"]),
    "Alignment": st.sampled_from(["Yes", None, "maybe"]),
    "Launch Target": st.sampled_from(["2026-12-15", "?", None]),
    "Dev Readiness": st.sampled_from([0.5, 80, None]),
    "Ana": st.sampled_from([1, 5, None, 9]),
    "Ben": st.sampled_from([2, None]),
    "Total": st.sampled_from([7, None]),
}
PLAN_CELLS = [title for title in CELLS if title in PLAN_TITLES]
MATRIX_CELLS = ["Feature", "Dev Readiness"]
VOTES = ["Intake Document", "Ana", "Ben", "Total"]


def rows_of(titles: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({t: CELLS.get(t, st.none()) for t in titles})
    return st.lists(row, min_size=1, max_size=4)


def in_words(plan: ImportPlan) -> Any:
    """A plan without the way its titles are written and the row that its titles stand in."""
    notes = [
        sorted((n.sheet, n.row, n.column.casefold(), n.value, n.message) for n in notes)
        for notes in (plan.errors, plan.warnings)
    ]
    return plan.rows, notes


@RELAXED
@given(
    rows=rows_of(PLAN_CELLS),
    matrix=rows_of([*MATRIX_CELLS, *VOTES]),
    order=st.permutations(PLAN_CELLS),
    where=st.permutations([*MATRIX_CELLS, "votes"]),
    write=st.sampled_from([str.upper, str.lower, lambda t: f" {t}\u00a0", str.swapcase]),
)
def test_neither_the_order_nor_the_case_of_columns_changes_a_plan(
    rows: list[dict[str, Any]],
    matrix: list[dict[str, Any]],
    order: list[str],
    where: list[str],
    write: Any,
) -> None:
    def plan(titles: list[str], matrix_titles: list[str], written: Any) -> ImportPlan:
        def named(title: str) -> str:
            return title if title in ("Ana", "Ben") else written(title)

        with tempfile.TemporaryDirectory() as folder:
            path = book(
                Path(folder),
                [{named(t): row[t] for t in titles} for row in rows],
                [{named(t): row[t] for t in matrix_titles} for row in matrix],
            )
            return read_file(path, existing=ExistingLookup())

    moved = [t for each in where for t in (VOTES if each == "votes" else [each])]
    plain = plan(PLAN_CELLS, [*MATRIX_CELLS, *VOTES], str)
    assert in_words(plan(order, moved, write)) == in_words(plain)
    assert set(MATRIX_CELLS) < set(MATRIX_TITLES)
