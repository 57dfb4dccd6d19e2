"""The JSON form of a project agrees with the table of fields, and judges as all else does."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from services.exporting import nested
from store import canon, fields, projects
from store.fields import FIELDS, Field, Kind
from store.models import Project

MINIMAL = {"project_id": "a", "feature_name": "A"}
JSON_TYPES = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "integer",
    Kind.PERCENT: "integer",
}


def schema_of(field: Field) -> dict[str, Any]:
    schema = Project.model_json_schema()
    group, dot, name = field.path.partition(".")
    if not dot:
        found: dict[str, Any] = schema["properties"][field.path]
        return found
    part: dict[str, Any] = schema["$defs"][group.capitalize()]["properties"][name]
    return part


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_the_schema_says_of_each_field_what_the_table_says(field: Field) -> None:
    schema = schema_of(field)
    types = {schema.get("type"), *(each.get("type") for each in schema.get("anyOf", []))}
    assert JSON_TYPES.get(field.kind, "string") in types
    assert ("null" in types) == (not field.required and field.kind is not Kind.BOOLEAN)
    assert schema["title"] == field.label
    assert schema.get("maxLength") == field.length
    assert (schema.get("minimum"), schema.get("maximum")) == (field.low, field.high)
    choices = tuple(each for each in schema.get("enum", ()) if each is not None)
    assert choices == field.choices


def test_the_model_has_every_field_and_nothing_that_the_table_does_not_know() -> None:
    values = Project(**MINIMAL).to_values()  # type: ignore[arg-type]
    assert values.keys() == fields.BY_PATH.keys()
    assert values | {"feature_name": None} == fields.DEFAULTS


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", "Done"),
        ("launch_target", "2026-02-30"),
        ("sort_order", 1000),
        ("brief.punchline", "x" * 501),
        ("intake.intake_document_url", "ftp://x"),
        ("parent_id", "not an id"),
    ],
)
def test_the_model_refuses_what_every_other_way_in_refuses(path: str, value: object) -> None:
    with pytest.raises(canon.Refusal) as refusal:
        canon.check(path, value)
    group, dot, name = path.partition(".")
    data = MINIMAL | ({group: {name: value}} if dot else {path: value})
    with pytest.raises(ValidationError) as error:
        Project.model_validate(data)
    assert str(refusal.value) in str(error.value)


@pytest.mark.parametrize("scores", [{"Ana": 6}, {"": 3}, {f"V{n}": 1 for n in range(7)}])
def test_votes_are_judged_too(scores: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Project.model_validate(MINIMAL | {"scores": scores})


def test_what_is_read_is_canonical() -> None:
    read = Project.model_validate(
        MINIMAL
        | {"department": " a\r\nb ".replace("\r\n", " "), "intake": {"dev_readiness": "80%"}}
    )
    assert read.department == "a b"
    assert read.intake.dev_readiness == 80


STORED = projects.Project(
    project_id="a",
    rev=3,
    values=projects.with_total(
        {"feature_name": "A", "status": "Whatever Salesforce says", "scores.J. Doe": 4}
    ),
    sf_id="a0X",
    created_by="Ana",
    created_at="2026-11-21T00:00:00.000Z",
    updated_by="Ben",
    updated_at="2026-11-21T00:00:01.000Z",
)


def test_a_stored_project_is_shown_unjudged_and_whole() -> None:
    shown = Project.from_stored(STORED)
    assert shown.status == "Whatever Salesforce says"
    assert shown.to_values() == STORED.values
    dumped = shown.model_dump(mode="json")
    assert dumped["scores"] == {"J. Doe": 4}
    assert dumped["total_score"] == 4
    assert dumped["sf_id"] == "a0X"


def test_what_is_printed_can_be_read_again() -> None:
    project = Project.model_validate(
        MINIMAL
        | {"launch_target": "2027-01-31", "scores": {"Ana": 3}, "flags": {"alignment": True}}
    )
    dumped = project.model_dump(mode="json")
    assert dumped["launch_date"] == "2027-01-31"
    assert Project.model_validate(dumped) == project


def test_commands_and_exports_print_the_same_nesting() -> None:
    flat = {"project_id": "a", **STORED.values}
    exported = nested(flat)
    printed = Project.from_stored(STORED).model_dump(mode="json")
    assert exported.items() <= printed.items()
