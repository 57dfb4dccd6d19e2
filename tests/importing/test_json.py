"""Firestore dumps in their usual shapes, and documents that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.importing.ids import id_for_name
from services.importing.plan import ImportPlan, ImportRefused
from tests.importing.books import brief, only, plan_of

DOCUMENT: dict[str, Any] = {
    "project_id": "feedback-v1",
    "feature_name": "🧩 Feedback Platform",
    "status": "In Proof",
    "priority": "🔶 P2",
    "department": "Sales",
    "launch_target": "2026-12-15",
    "flags": {"alignment": True, "retention_focus": False},
    "brief": {"punchline": "Plumbing", "what_it_does": "one\r\ntwo"},
    "intake": {"dev_readiness": 1, "dev_t_shirt": "XL"},
    "scores": {"Ana": 4, "Dr. Ben": 5},
    "total_score": 9,
    "created_by": "ana@example.com",
    "created_at": "2025-02-03T04:05:06.789123Z",
    "updated_by": "ben@example.com",
    "updated_at": "2025-02-04T00:00:00Z",
    "sf_id": "a0B000000000001",
}
VALUES = {
    "feature_name": "🧩 Feedback Platform",
    "status": "In QA",
    "priority": "P2",
    "department": "Sales",
    "launch_target": "2026-12-15",
    "flags.alignment": True,
    "flags.retention_focus": False,
    "brief.punchline": "Plumbing",
    "brief.what_it_does": "one\ntwo",
    "intake.dev_readiness": 1,
    "intake.dev_t_shirt": "XL",
    "scores.Ana": 4,
    "scores.Dr. Ben": 5,
    "total_score": 9,
    "imported_created_by": "ana@example.com",
    "imported_updated_by": "ben@example.com",
}


def dump(tmp_path: Path, whole: Any, name: str = "dump.json") -> ImportPlan:
    path = tmp_path / name
    path.write_text(whole if isinstance(whole, str) else json.dumps(whole))
    return plan_of(path)


def rest(value: Any) -> dict[str, Any]:
    """A value in Firestore's REST form."""
    match value:
        case None:
            return {"nullValue": None}
        case bool():
            return {"booleanValue": value}
        case int():
            return {"integerValue": str(value)}
        case float():
            return {"doubleValue": value}
        case dict():
            return {"mapValue": {"fields": {k: rest(v) for k, v in value.items()}}}
    return {"timestampValue" if str(value).startswith("2025-") else "stringValue": value}


def rest_document(document: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    path = f"projects/p/databases/(default)/documents/itsc_projects/{name or 'x'}"
    return {"name": path, "fields": {k: rest(v) for k, v in document.items()}}


@pytest.mark.parametrize(
    "whole",
    [
        [DOCUMENT],
        DOCUMENT,
        {"feedback-v1": DOCUMENT},
        {"feedback-v1": {k: v for k, v in DOCUMENT.items() if k != "project_id"}},
        {"documents": [rest_document(DOCUMENT, "feedback-v1")]},
        [rest_document(DOCUMENT, "feedback-v1")],
        {"feedback-v1": rest_document(DOCUMENT, "feedback-v1")},
        {"documents": [DOCUMENT]},
    ],
)
def test_every_shape_of_a_dump_gives_the_same_project(tmp_path: Path, whole: Any) -> None:
    plan = dump(tmp_path, whole)
    found = only(plan)
    assert found.project_id == "feedback-v1"
    assert found.values == VALUES
    assert found.created_by == "ana@example.com"
    assert found.created_at == "2025-02-03T04:05:06.789Z"
    assert (found.sheet, found.row) == ("dump.json", 1)
    assert plan.warnings == ()


def test_json_is_known_by_its_content(tmp_path: Path) -> None:
    assert only(dump(tmp_path, [DOCUMENT], "dump.csv")).project_id == "feedback-v1"


def test_a_document_without_the_status_that_others_have_is_unknown(tmp_path: Path) -> None:
    bare = {"feature_name": "Bare"}
    plan = dump(tmp_path, [DOCUMENT, bare])
    assert plan.rows[1].values == {
        "feature_name": "Bare",
        "status": "Unknown",
        "priority": "Not yet Prioritized",
    }
    assert brief(plan.warnings) == [(2, "priority", ""), (2, "status", "")]
    assert only(dump(tmp_path, [bare])).values == {"feature_name": "Bare"}


def test_a_document_without_an_id_gets_one_from_its_name(tmp_path: Path) -> None:
    assert only(dump(tmp_path, [{"feature_name": "Bare"}])).project_id == id_for_name("Bare")


def test_authors_of_our_own_documents_are_not_taken_for_the_workbooks(tmp_path: Path) -> None:
    found = only(dump(tmp_path, [DOCUMENT | {"stamps": {}, "applied": {}}]))
    assert "imported_created_by" not in found.values
    found = only(dump(tmp_path, [DOCUMENT | {"imported_created_by": None}]))
    assert found.values["imported_created_by"] is None


def test_a_deleted_document_is_not_imported(tmp_path: Path) -> None:
    plan = dump(tmp_path, [DOCUMENT | {"deleted": True}, {"feature_name": "Live"}])
    assert [row.row for row in plan.rows] == [2]
    assert brief(plan.warnings) == [(1, "deleted", "feedback-v1")]


def test_an_unknown_field_is_ignored_with_one_warning(tmp_path: Path) -> None:
    documents = [{"feature_name": n, "colour": 1, "brief": {"tone": "x"}} for n in "ab"]
    plan = dump(tmp_path, documents)
    assert len(plan.rows) == 2
    assert brief(plan.warnings) == [(1, "brief.tone", ""), (1, "colour", "")]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"department": ["a"]}, "department"),
        ({"department": {"a": 1}}, "department"),
        ({"department": True}, "department"),
        ({"feature_name": None}, "feature_name"),
        ({"status": 5}, "status"),
        ({"flags": {"alignment": "perhaps"}}, "flags.alignment"),
        ({"flags": ["alignment"]}, "flags.alignment"),
        ({"scores": [4, 5]}, "total_score"),
        ({"scores": {"Ana": 4.5}}, "scores.Ana"),
        ({"scores": {"Ana": True}}, "scores.Ana"),
        ({"intake": {"dev_readiness": 101}}, "intake.dev_readiness"),
        ({"intake": {"dev_readiness": 1e999}}, "intake.dev_readiness"),
        ({"project_id": "not an id"}, "project_id"),
        ({"created_at": "soon"}, "created_at"),
        ({"parent_id": "nobody"}, "parent_id"),
        ({"brief.punchline": "again"}, "brief.punchline"),
    ],
)
def test_a_wrong_type_or_value_leaves_its_document_out(
    tmp_path: Path, change: dict[str, Any], column: str
) -> None:
    whole = json.dumps([DOCUMENT | change, {"feature_name": "Good"}]).replace("Infinity", "1e999")
    plan = dump(tmp_path, whole)
    assert [row.row for row in plan.rows] == [2]
    assert [(note.row, note.column) for note in plan.errors] == [(1, column)]


@pytest.mark.parametrize("document", [5, None, "text", ["list"], True])
def test_what_is_no_document_is_an_error_of_its_row(tmp_path: Path, document: Any) -> None:
    plan = dump(tmp_path, [document, DOCUMENT])
    assert [row.row for row in plan.rows] == [2]
    assert [note.row for note in plan.errors] == [1]


def test_an_id_inside_that_is_not_the_documents_own_is_an_error(tmp_path: Path) -> None:
    plan = dump(tmp_path, {"other": DOCUMENT})
    assert brief(plan.errors) == [(1, "project_id", "feedback-v1")]


@pytest.mark.parametrize(
    ("stored", "value"), [(1, 1), (1.0, 1), (80.0, 80), (0.8, 80), ("80%", 80)]
)
def test_a_stored_readiness_is_percent_and_only_a_fraction_is_one(
    tmp_path: Path, stored: Any, value: int
) -> None:
    found = only(dump(tmp_path, [{"feature_name": "A", "intake": {"dev_readiness": stored}}]))
    assert found.values["intake.dev_readiness"] == value


def test_times_of_the_node_client_are_read(tmp_path: Path) -> None:
    document = {"feature_name": "A", "created_at": {"_seconds": 1738555506, "_nanoseconds": 0}}
    assert only(dump(tmp_path, [document])).created_at == "2025-02-03T04:05:06.000Z"


@pytest.mark.parametrize(
    "typed",
    [{"geoPointValue": {}}, {"integerValue": "x"}, {"mapValue": 5}, {}, 5, {"a": 1, "b": 2}],
)
def test_a_rest_value_that_is_none_is_an_error_of_its_row(tmp_path: Path, typed: Any) -> None:
    document = rest_document({"feature_name": "A"})
    document["fields"]["department"] = typed
    plan = dump(tmp_path, {"documents": [document]})
    assert [note.column for note in plan.errors] == ["department"]


def test_a_dump_that_says_there_is_more_is_pointed_out(tmp_path: Path) -> None:
    plan = dump(tmp_path, {"documents": [DOCUMENT], "nextPageToken": "abc"})
    assert [note.column for note in plan.warnings] == ["nextPageToken"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[{]", "is not sound JSON"),
        ('[{"feature_name": "a", "feature_name": "b"}]', "stands twice"),
        ('[{"feature_name": NaN}]', "NaN is no JSON value"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1}', "holds no projects"),
        ('[{"name": "a"}]', "has a feature_name"),
        ('{"a": [' + "9" * 5000 + "]}", "is not sound JSON"),
    ],
)
def test_what_is_no_dump_is_refused_with_a_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImportRefused, match=sentence) as refused:
        dump(tmp_path, text)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("text", ["[]", "{}"])
def test_an_empty_dump_is_an_empty_plan(tmp_path: Path, text: str) -> None:
    assert dump(tmp_path, text) == ImportPlan((), (), ())
