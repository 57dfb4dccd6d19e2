"""One table: what it says, the model, the field map, the sandbox and the package all say.

``WANTED`` is written down a second time on purpose, from the committee's specification: what is
generated from the table can't notice a mistake in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.itsc_sf_sync import FIELD_MAP
from services.sandbox import describe
from services.sandbox.schema import FieldSpec
from services.sandbox.ticket import DEFAULT_RECORD_TYPE, RECORD_TYPES, TRACKED, ticket_object
from services.sf_package import build, reading
from services.sf_package.lead import LEAD_FIELDS
from services.sf_package.ticket import TRACKED as PACKAGED_HISTORY
from services.sf_package.ticket import ticket_fields
from store import fields
from store.fields import BY_PATH
from store.models import Project
from tests.package.files import (
    LEAD,
    MAIN,
    SF,
    TICKET,
    each,
    facts,
    field_files,
    one,
    parsed,
    texts,
    values_of,
)

GROUPS = (
    *("Retention & Intelligence", "Demand Gen & Efficiency", "Cross-Functional"),
    *("Operational AI Layer", "Operational Excellence", "Operational Reliability"),
    *("AI & Engagement", "AI & Personalization", "AI & Decision Intelligence"),
)
SYSTEMS = ("Salesforce", "CMS", "Navigator", "GTZenda", "Hubspot", "Other")
STATUSES = (
    *("Yet to Start", "In Design", "In Development", "In QA", "In Progress", "Completed"),
    *("Paused", "Unknown", "N/A"),
)
PRIORITIES = ("P1", "P2", "TBD", "Not yet Prioritized")
USER = {"type": "Lookup", "referenceTo": "User"}
SCORE = {"type": "Number", "precision": "3", "scale": "0"}


def text(length: int, kind: str = "Text") -> dict[str, Any]:
    return {"type": kind, "length": str(length)}


def choice(*values: str) -> dict[str, Any]:
    return {"type": "Picklist", "values": values}


WANTED: dict[str, tuple[str, dict[str, Any]]] = {
    "DataOS_Project_Id__c": (
        "project_id",
        text(32) | {"externalId": "true", "unique": "true"},
    ),
    "Strategic_Group__c": ("strategic_group", choice(*GROUPS)),
    "Strategic_Value__c": ("strategic_value", text(255)),
    "Launch_Target__c": ("launch_date", {"type": "Date"}),
    "Launch_Target_Raw__c": ("launch_target", text(16)),
    "Level_of_Effort__c": ("level_of_effort", choice("High", "Medium", "Low")),
    "Sort_Order__c": ("sort_order", SCORE),
    "Alignment__c": ("flags.alignment", {"type": "Checkbox"}),
    "High_Impact_Work__c": ("flags.high_impact_work", {"type": "Checkbox"}),
    "Retention_Focus__c": ("flags.retention_focus", {"type": "Checkbox"}),
    "Thought_Leadership__c": ("flags.thought_leadership", {"type": "Checkbox"}),
    "AI_Ways_of_Working__c": ("flags.ai_ways_of_working", {"type": "Checkbox"}),
    "Why_It_Matters__c": ("brief.why_it_matters", text(8000, "LongTextArea")),
    "Business_Impact__c": ("brief.business_impact", text(8000, "LongTextArea")),
    "Punchline__c": ("brief.punchline", text(500, "LongTextArea")),
    "Executive_Sponsor__c": ("intake.executive_sponsor", USER),
    "Submitted_By__c": ("intake.submitted_by", USER),
    "IT_Lead__c": ("it_lead", USER),
    "Total_Score__c": ("total_score", SCORE),
    "Primary_System__c": ("intake.primary_system", choice(*SYSTEMS)),
    "Dev_T_Shirt__c": ("intake.dev_t_shirt", choice("XS", "S", "M", "L", "XL")),
    "Dev_Readiness__c": (
        "intake.dev_readiness",
        {"type": "Percent", "precision": "3", "scale": "0"},
    ),
    "Intake_Document_URL__c": ("intake.intake_document_url", {"type": "Url"}),
    "Reviewer_Comments__c": ("intake.reviewer_comments", text(8000, "LongTextArea")),
    "Parent_Initiative__c": ("parent_id", {"type": "Lookup", "referenceTo": "Ticket__c"}),
    "Imported_Created_By__c": ("imported_created_by", text(200)),
    "Imported_Updated_By__c": ("imported_updated_by", text(200)),
}
LEAD_WANTED: dict[str, dict[str, Any]] = {
    "First_Response_At__c": {"type": "DateTime"},
    "First_Response_User__c": USER,
    "First_Response_Source__c": choice("EmailMessage", "Task"),
    "Time_to_First_Response__c": {"type": "Number", "precision": "10", "scale": "2"},
    "Owner_Assigned_At__c": {"type": "DateTime"},
    "Assignment_Latency_Minutes__c": {"type": "Number", "precision": "10", "scale": "2"},
    "Template_Recommended__c": text(80),
    "Template_Applied__c": text(80),
}
EXISTING = {
    "feature_name": ("Title__c", 255),
    "status": ("Status__c", None),
    "priority": ("Priority__c", None),
    "department": ("Department__c", 255),
    "brief.what_it_does": ("Description__c", 32000),
}
EXISTING_TYPES = {
    "Title__c": ("string", False),
    "Status__c": ("picklist", True),
    "Priority__c": ("picklist", True),
    "Department__c": ("string", True),
    "Description__c": ("textarea", True),
}
"""What the sandbox says of the organisation's own fields: type, and whether it may be blank."""
HELD = {"Number": "integer", "Percent": "integer", "Checkbox": "boolean"}
"""What the model holds for a Salesforce type; everything else is a string."""
DESCRIBED = {
    "Text": "string",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "Checkbox": "boolean",
    "Number": "double",
    "Percent": "percent",
    "Url": "url",
    "Lookup": "reference",
    "Date": "date",
}


def test_the_package_is_what_the_table_generates_byte_for_byte(tmp_path: Path) -> None:
    build.write(tmp_path)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in _all(tmp_path)}
    kept = {path.relative_to(SF): path.read_bytes() for path in _all(SF)}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == [], "run: make package"


def _all(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_writing_the_package_again_changes_nothing(tmp_path: Path) -> None:
    assert build.write(tmp_path) != []
    assert build.write(tmp_path) == []


def test_the_package_has_the_fields_of_the_specification() -> None:
    packaged = {api: facts(field) for api, field in field_files(TICKET).items()}
    assert packaged == {api: wanted for api, (_, wanted) in WANTED.items()}
    assert len(packaged) == 27


def test_the_package_has_the_lead_fields_of_the_specification() -> None:
    assert {api: facts(field) for api, field in field_files(LEAD).items()} == LEAD_WANTED
    assert {field.api for field in LEAD_FIELDS} == set(LEAD_WANTED)


def test_the_picklists_of_the_package_are_restricted_and_keep_their_order() -> None:
    for field in [*field_files(TICKET).values(), *field_files(LEAD).values()]:
        if one(field, "type") == "Picklist":
            assert one(field, "valueSet", "restricted") == "true"
            assert one(field, "valueSet", "valueSetDefinition", "sorted") == "false"
            labels = texts(field, "valueSet", "valueSetDefinition", "value", "label")
            assert tuple(labels) == values_of(field)


def test_the_field_map_names_the_fields_of_the_package_and_the_existing_ones() -> None:
    derived = {"project_id", "launch_date"}
    mapped = {path: api for api, (path, _) in WANTED.items() if path not in derived}
    mapped |= {path: api for path, (api, _) in EXISTING.items()}
    assert mapped | {"product_owner": "OwnerId"} == FIELD_MAP


def test_the_model_has_the_lengths_and_choices_of_the_package() -> None:
    schema = Project.model_json_schema()
    for path, wanted in WANTED.values():
        if path == "launch_date":
            continue
        shown = _model_field(schema, path)
        if "length" in wanted:
            assert shown["maxLength"] == int(wanted["length"]), path
        if "values" in wanted:
            assert shown["enum"] == [*wanted["values"], None], path
        if "precision" in wanted:
            assert shown["maximum"] < 10 ** int(wanted["precision"]), path
            assert shown["minimum"] == 0, path
        assert _types(shown) == {HELD.get(wanted["type"], "string")}, path
    for path, (_, length) in EXISTING.items():
        assert _model_field(schema, path).get("maxLength") == length
    assert _model_field(schema, "status")["enum"] == list(STATUSES)
    assert _model_field(schema, "priority")["enum"] == list(PRIORITIES)


def test_each_field_of_the_model_is_judged_by_its_own_row_of_the_table() -> None:
    schema = Project.model_json_schema()
    shown = {path: _model_field(schema, path)["title"] for path in BY_PATH}
    assert shown == {path: field.label for path, field in BY_PATH.items()}
    assert len(set(shown.values())) == len(shown)


def _types(shown: dict[str, Any]) -> set[str]:
    """What the model may hold, null aside."""
    kinds = {kind["type"] for kind in shown.get("anyOf", [shown])}
    return kinds - {"null"}


def _model_field(schema: dict[str, Any], path: str) -> dict[str, Any]:
    group, dot, name = path.partition(".")
    if dot:
        return dict(schema["$defs"][group.capitalize()]["properties"][name])
    return dict(schema["properties"][path])


@pytest.mark.parametrize("api", WANTED)
def test_the_sandbox_has_the_field_as_the_package_has_it(api: str) -> None:
    packaged = field_files(TICKET)[api]
    spec = _spec(api)
    shown = describe.describe_field(spec)
    kind = one(packaged, "type")
    assert shown["name"] == api
    assert shown["label"] == one(packaged, "label")
    assert shown["type"] == DESCRIBED[kind]
    if kind in ("Text", "LongTextArea"):
        assert shown["length"] == int(one(packaged, "length"))
    if kind == "Url":
        assert shown["length"] == 255
    if kind in ("Number", "Percent"):
        size = (int(one(packaged, "precision")), int(one(packaged, "scale")))
        assert (shown["precision"], shown["scale"]) == size
    if kind == "Picklist":
        assert tuple(value["value"] for value in shown["picklistValues"]) == values_of(packaged)
        assert shown["restrictedPicklist"]
    if kind == "Lookup":
        assert shown["referenceTo"] == [one(packaged, "referenceTo")]
    assert shown["externalId"] == (one(packaged, "externalId") == "true")
    assert shown["unique"] == (one(packaged, "unique") == "true")
    assert shown["caseSensitive"] == (one(packaged, "caseSensitive") == "true")
    assert shown["updateable"] == (one(packaged, "formula") == "")
    assert (spec.expression is not None) == (one(packaged, "formula") != "")
    assert spec.tracked == (one(packaged, "trackHistory") == "true")


def _spec(api: str) -> FieldSpec:
    found = ticket_object().find(api)
    assert found is not None, api
    return found


def test_the_parent_lookup_is_filtered_alike_in_the_sandbox_and_the_package() -> None:
    packaged, spec = field_files(TICKET)["Parent_Initiative__c"], _spec("Parent_Initiative__c")
    field = one(packaged, "lookupFilter", "filterItems", "field")
    assert field == "Ticket__c.RecordType.DeveloperName"
    assert one(packaged, "lookupFilter", "filterItems", "value") == spec.only_record_type
    assert one(packaged, "lookupFilter", "isOptional") == "false"
    assert one(packaged, "relationshipName") + "__r" == spec.children
    assert spec.relation == "Parent_Initiative__r"


def test_the_record_type_is_alike_in_the_table_the_sandbox_and_the_package() -> None:
    from urllib.parse import unquote

    root = parsed(TICKET / "recordTypes" / "Strategic_Initiative.recordType-meta.xml")
    (mine,) = (spec for spec in RECORD_TYPES if spec.developer_name == fields.RECORD_TYPE)
    assert one(root, "fullName") == mine.developer_name == "Strategic_Initiative"
    assert one(root, "label") == mine.label == "Strategic Initiative"
    listed = {
        one(node, "picklist"): tuple(map(unquote, texts(node, "values", "fullName")))
        for node in each(root, "picklistValues")
    }
    wanted = {api: kind["values"] for api, (_, kind) in WANTED.items() if "values" in kind}
    assert listed == wanted | {"Status__c": STATUSES, "Priority__c": PRIORITIES}
    assert dict(mine.picklists) == listed
    defaults = {
        one(node, "picklist"): unquote(one(value, "fullName"))
        for node in each(root, "picklistValues")
        for value in each(node, "values")
        if one(value, "default") == "true"
    }
    assert defaults == dict(mine.defaults)
    assert defaults == {"Status__c": "Yet to Start", "Priority__c": "Not yet Prioritized"}
    assert mine.developer_name != DEFAULT_RECORD_TYPE


def test_tracked_fields_are_at_most_twenty_and_none_is_a_formula() -> None:
    packaged = field_files(TICKET)
    tracked = {api for api, field in packaged.items() if one(field, "trackHistory") == "true"}
    assert tracked == PACKAGED_HISTORY
    assert {spec.name for spec in ticket_object().fields if spec.tracked} == tracked | TRACKED
    assert len(tracked | TRACKED) == 20
    assert "Launch_Target_Raw__c" in tracked
    assert [api for api in tracked if one(packaged[api], "formula")] == []


def test_what_was_written_is_read_back_from_the_files() -> None:
    written = {field.api: field for field in ticket_fields()}
    assert {field.api: field for field in reading.packaged_fields()} == written


def test_the_sandbox_describes_help_and_formula_as_the_package_has_them() -> None:
    for api, packaged in field_files(TICKET).items():
        shown = describe.describe_field(_spec(api))
        assert shown["inlineHelpText"] == one(packaged, "inlineHelpText") != ""
        assert shown["calculatedFormula"] == (one(packaged, "formula") or None)


def test_the_existing_fields_are_named_and_never_defined_by_the_package() -> None:
    assert [(path, field.sf) for path, field in BY_PATH.items() if field.configurable] == [
        (path, api) for path, (api, _) in EXISTING.items()
    ]
    defined = {path.name.split(".")[0] for path in (TICKET / "fields").iterdir()}
    assert defined.isdisjoint({api for api, _ in EXISTING.values()})
    assert list(MAIN.rglob("*.object-meta.xml")) == []


def test_the_sandbox_has_the_existing_fields_as_the_specification_has_them() -> None:
    for api, length in EXISTING.values():
        shown = describe.describe_field(_spec(api))
        assert (shown["type"], shown["nillable"]) == EXISTING_TYPES[api]
        assert length is None or shown["length"] == length
