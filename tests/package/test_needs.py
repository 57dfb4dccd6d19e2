"""What the schema can't see: what a field's type asks for, the limits of texts, and references.

A reference resolves when it leads to something in the package, to something every organisation
has, or to one of the five existing fields that the package stands beside.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.package.files import (
    LEAD,
    MAIN,
    SF,
    TICKET,
    each,
    field_files,
    metadata_files,
    one,
    parsed,
    texts,
    values_of,
)

EXISTING = {"Title__c", "Status__c", "Priority__c", "Department__c", "Description__c"}
SYSTEM = {"Name", "OwnerId", "RecordTypeId", "CreatedById", "LastModifiedById"}
NEEDS: dict[str, set[str]] = {
    "Text": {"length"},
    "LongTextArea": {"length", "visibleLines"},
    "Picklist": {"valueSet"},
    "Checkbox": {"defaultValue"},
    "Number": {"precision", "scale"},
    "Percent": {"precision", "scale"},
    "Lookup": {"referenceTo", "relationshipName"},
    "Url": set(),
    "Date": set(),
    "DateTime": set(),
}
SIZES = set().union(*NEEDS.values()) | {"formula"}
TICKET_FIELDS = set(field_files(TICKET)) | EXISTING
LEAD_FIELDS = set(field_files(LEAD))
ROOTS = {
    "field": "CustomField",
    "recordType": "RecordType",
    "listView": "ListView",
    "validationRule": "ValidationRule",
    "layout": "Layout",
    "permissionset": "PermissionSet",
    "reportType": "ReportType",
    "report": "Report",
    "dashboard": "Dashboard",
    "reportFolder": "ReportFolder",
    "dashboardFolder": "DashboardFolder",
}


@pytest.mark.parametrize("home", [TICKET, LEAD], ids=["Ticket__c", "Lead"])
def test_a_field_has_what_its_type_asks_for_and_nothing_of_another_type(home: Path) -> None:
    for api, field in field_files(home).items():
        present = {name for name in SIZES if each(field, name)}
        kind = one(field, "type")
        allowed = NEEDS[kind] | ({"formula"} if api == "Launch_Target__c" else set())
        assert NEEDS[kind] <= present, api
        assert present <= allowed, api
        if kind == "Text":
            assert 1 <= int(one(field, "length")) <= 255, api
        if kind == "LongTextArea":
            assert 256 <= int(one(field, "length")) <= 131_072, api
        if kind == "Picklist":
            values = values_of(field)
            assert 0 < len(values) == len(set(values)), api
            assert max(map(len, values)) <= 255
        if kind in ("Number", "Percent"):
            assert int(one(field, "scale")) <= int(one(field, "precision")) <= 18


@pytest.mark.parametrize("home", [TICKET, LEAD], ids=["Ticket__c", "Lead"])
def test_every_field_explains_itself_within_the_limits(home: Path) -> None:
    for api, field in field_files(home).items():
        assert 10 < len(one(field, "inlineHelpText")) <= 510, api
        assert len(one(field, "label")) <= 40, api
        assert len(one(field, "description")) <= 1000, api
        assert re.fullmatch(r"[A-Za-z](?:_?[A-Za-z0-9])*__c", api), api
        assert len(api.removesuffix("__c")) <= 40, api


def test_a_file_is_named_after_what_it_holds() -> None:
    for path in metadata_files():
        stem, suffix = path.name.removesuffix("-meta.xml").rsplit(".", 1)
        root = parsed(path)
        assert root.tag.rpartition("}")[2] == ROOTS[suffix], path
        if each(root, "fullName"):
            assert one(root, "fullName") == stem, path


def test_no_two_fields_of_an_object_share_a_relationship_or_a_label() -> None:
    for home in (TICKET, LEAD):
        fields = field_files(home).values()
        names = [one(field, "relationshipName") for field in fields]
        assert [name for name, n in Counter(filter(None, names)).items() if n > 1] == []
        labels = Counter(one(field, "label") for field in fields)
        assert max(labels.values()) == 1


def test_the_key_of_the_join_is_unique_external_and_case_sensitive() -> None:
    key = field_files(TICKET)["DataOS_Project_Id__c"]
    assert [one(key, name) for name in ("externalId", "unique", "caseSensitive")] == ["true"] * 3
    others = [f for api, f in field_files(TICKET).items() if api != "DataOS_Project_Id__c"]
    assert [one(f, "fullName") for f in others if one(f, "externalId") == "true"] == []


def test_the_record_type_chooses_among_values_that_its_fields_have() -> None:
    root = parsed(TICKET / "recordTypes" / "Strategic_Initiative.recordType-meta.xml")
    for node in each(root, "picklistValues"):
        api = one(node, "picklist")
        values = [unquote(text) for text in texts(node, "values", "fullName")]
        home = TICKET if api not in EXISTING else SF / "optional/main/default/objects/Ticket__c"
        assert tuple(values) == values_of(field_files(home)[api]), api
        assert texts(node, "values", "default").count("true") <= 1
        for raw in texts(node, "values", "fullName"):
            assert re.fullmatch(r"[A-Za-z0-9 ._-]+(%[0-9A-F]{2}[A-Za-z0-9 ._-]*)*", raw), raw


def test_rules_and_filters_point_at_fields_that_are_there() -> None:
    for path in (TICKET / "validationRules").iterdir():
        root = parsed(path)
        assert one(root, "errorDisplayField") in field_files(TICKET)
        named = set(re.findall(r"\b\w+__c\b", one(root, "errorConditionFormula")))
        assert named <= set(field_files(TICKET))
        assert len(one(root, "errorMessage")) <= 255
    formula = one(field_files(TICKET)["Launch_Target__c"], "formula")
    assert set(re.findall(r"\b\w+__c\b", formula)) == {"Launch_Target_Raw__c"}


def test_the_layout_has_the_seven_sections_with_their_fields_in_order() -> None:
    (path,) = (MAIN / "layouts").iterdir()
    assert path.name == "Ticket__c-Strategic Initiative Layout.layout-meta.xml"
    root = parsed(path)
    sections = {
        one(section, "label"): texts(section, "layoutColumns", "layoutItems", "field")
        for section in each(root, "layoutSections")
    }
    assert sections == {
        "Initiative Details": [
            *("Title__c", "RecordTypeId", "Status__c", "Priority__c", "Sort_Order__c", "OwnerId"),
            *("IT_Lead__c", "Launch_Target_Raw__c", "Launch_Target__c", "Department__c"),
            "Strategic_Group__c",
        ],
        "Strategic Context": [
            *("Strategic_Value__c", "Level_of_Effort__c", "Dev_T_Shirt__c", "Dev_Readiness__c"),
            *("Total_Score__c", "Primary_System__c"),
        ],
        "Goal Alignment": [
            *("Alignment__c", "High_Impact_Work__c", "Retention_Focus__c"),
            *("Thought_Leadership__c", "AI_Ways_of_Working__c"),
        ],
        "Brief": ["Description__c", "Why_It_Matters__c", "Business_Impact__c", "Punchline__c"],
        "Intake": [
            *("Submitted_By__c", "Executive_Sponsor__c", "Intake_Document_URL__c"),
            "Reviewer_Comments__c",
        ],
        "Hierarchy": ["Parent_Initiative__c"],
        "System": [
            *("DataOS_Project_Id__c", "Imported_Created_By__c", "Imported_Updated_By__c", "Name"),
            *("CreatedById", "LastModifiedById"),
        ],
    }
    assert list(sections) == [
        *("Initiative Details", "Strategic Context", "Goal Alignment", "Brief", "Intake"),
        *("Hierarchy", "System"),
    ]
    shown = [field for names in sections.values() for field in names]
    assert len(shown) == len(set(shown))
    assert set(shown) == TICKET_FIELDS | SYSTEM
    for section in each(root, "layoutSections"):
        columns = {"OneColumn": 1, "TwoColumnsTopToBottom": 2}[one(section, "style")]
        assert len(each(section, "layoutColumns")) == columns
    for item in each(root, "layoutSections", "layoutColumns", "layoutItems"):
        if one(item, "field") in ("Launch_Target__c", "DataOS_Project_Id__c", "Total_Score__c"):
            assert one(item, "behavior") == "Readonly"


def test_the_layout_lists_child_initiatives_through_the_self_lookup() -> None:
    (path,) = (MAIN / "layouts").iterdir()
    children, history = each(parsed(path), "relatedLists")
    assert one(children, "relatedList") == "Ticket__c.Parent_Initiative__c"
    assert set(texts(children, "fields")) <= TICKET_FIELDS
    assert one(children, "sortField") in TICKET_FIELDS
    parent = field_files(TICKET)["Parent_Initiative__c"]
    assert one(parent, "relationshipLabel") == "Child Initiatives"
    assert one(history, "relatedList") == "RelatedEntityHistoryList"


COMPONENTS = {"Ticket__c": TICKET_FIELDS, "Lead": LEAD_FIELDS}
PLAIN = {
    "Ticket__c": {"Name", "RecordType", "Owner", "CreatedDate", "LastModifiedDate"},
    "Lead": {"Name", "Company", "LeadSource", "Status", "Owner", "CreatedDate"},
}


def columns_of(report_type: str) -> set[str]:
    root = parsed(MAIN / "reportTypes" / f"{report_type}.reportType-meta.xml")
    return {
        f"{one(node, 'table')}${one(node, 'field')}" for node in each(root, "sections", "columns")
    }


def test_report_types_offer_every_field_that_there_is() -> None:
    for name, base in (
        ("Strategic_Initiatives", "Ticket__c"),
        ("Lead_Response_and_Routing", "Lead"),
    ):
        root = parsed(MAIN / "reportTypes" / f"{name}.reportType-meta.xml")
        assert one(root, "baseObject") == base
        assert one(root, "deployed") == "true"
        wanted = {f"{base}${field}" for field in COMPONENTS[base] | PLAIN[base]}
        assert columns_of(name) == wanted
        assert len(each(root, "sections", "columns")) == len(wanted)


@pytest.mark.parametrize("path", sorted((MAIN / "reports/Steerco").iterdir()), ids=lambda p: p.stem)
def test_a_report_uses_what_its_type_offers(path: Path) -> None:
    root = parsed(path)
    offered = columns_of(one(root, "reportType").removesuffix("__c"))
    made = set(texts(root, "buckets", "developerName")) | set(
        texts(root, "aggregates", "developerName")
    )
    groups = texts(root, "groupingsDown", "field") + texts(root, "groupingsAcross", "field")
    columns = texts(root, "columns", "field")
    used = columns + groups + texts(root, "filter", "criteriaItems", "column")
    used += texts(root, "buckets", "sourceColumnName") + texts(root, "sortColumn")
    used += texts(root, "timeFrameFilter", "dateColumn")
    assert set(used) - offered - made == set()
    assert set(groups) & set(columns) == set(), "refused: grouped by and shown at once"
    assert len(columns) == len(set(columns))
    assert 0 < len(one(root, "description")) <= 255
    assert len(one(root, "name")) <= 40
    assert len(each(root, "groupingsDown")) <= 3
    assert (one(root, "format") == "Matrix") == bool(each(root, "groupingsAcross"))
    assert one(root, "sortColumn") in {"", *columns}
    filters = list(
        zip(
            texts(root, "filter", "criteriaItems", "column"),
            texts(root, "filter", "criteriaItems", "value"),
            strict=True,
        )
    )
    about_initiatives = one(root, "reportType") == "Strategic_Initiatives__c"
    only = ("Ticket__c$RecordType", "Ticket__c.Strategic_Initiative")
    assert (only in filters) == about_initiatives
    assert one(root, "scope") == "organization"


def test_the_reports_that_were_asked_for_are_there() -> None:
    asked = {
        "Initiatives_by_Status_and_Priority": {"Ticket__c$Status__c", "Ticket__c$Priority__c"},
        "Launches_by_Quarter": {"Ticket__c$Launch_Target__c"},
        "Lead_TTFR": {"Lead$Owner"},
        "Assignment_Latency": {"Lead$CreatedDate"},
        "SLA_Breach": {"BucketField_SLA"},
        "Template_Usage": {"Lead$Template_Recommended__c", "Lead$Template_Applied__c"},
        "All_Strategic_Initiatives": {"Ticket__c$Priority__c"},
    }
    found = {}
    for path in (MAIN / "reports/Steerco").iterdir():
        root = parsed(path)
        down, across = (
            texts(root, "groupingsDown", "field"),
            texts(root, "groupingsAcross", "field"),
        )
        found[path.name.split(".")[0]] = {*down, *across}
    assert found == asked
    quarters = parsed(MAIN / "reports/Steerco/Launches_by_Quarter.report-meta.xml")
    assert one(quarters, "groupingsDown", "dateGranularity") == "Quarter"


def test_an_answer_in_the_sixtieth_minute_keeps_the_sla_and_a_later_one_breaks_it() -> None:
    root = parsed(MAIN / "reports/Steerco/SLA_Breach.report-meta.xml")
    within, late = each(root, "buckets", "values")
    # A range is above its lower and up to its upper bound.
    assert (one(within, "value"), one(within, "sourceValues", "to")) == ("Within SLA", "60")
    assert (one(late, "value"), one(late, "sourceValues", "from")) == ("Breached", "60")
    assert one(root, "aggregates", "datatype") == "percent"


@pytest.mark.parametrize(
    ("name", "tiles"),
    [
        ("Steering_Committee", ["Initiatives_by_Status_and_Priority", "Launches_by_Quarter"]),
        (
            "TTFR_and_Routing",
            ["Lead_TTFR", "Assignment_Latency", "SLA_Breach", "Template_Usage"],
        ),
    ],
)
def test_a_dashboard_shows_reports_that_are_there_side_by_side(name: str, tiles: list[str]) -> None:
    root = parsed(MAIN / f"dashboards/Steerco/{name}.dashboard-meta.xml")
    placed = each(root, "dashboardGridLayout", "dashboardGridComponents")
    assert [one(node, "dashboardComponent", "report") for node in placed] == [
        f"Steerco/{tile}" for tile in tiles
    ]
    cells: Counter[tuple[int, int]] = Counter()
    for node in placed:
        assert (
            MAIN / "reports" / f"{one(node, 'dashboardComponent', 'report')}.report-meta.xml"
        ).is_file()
        assert one(node, "dashboardComponent", "sortBy")
        assert one(node, "dashboardComponent", "chartAxisRange") == "Auto"
        left, top = int(one(node, "columnIndex")), int(one(node, "rowIndex"))
        for x in range(left, left + int(one(node, "colSpan"))):
            cells.update((x, y) for y in range(top, top + int(one(node, "rowSpan"))))
            assert x < 12
    assert max(cells.values()) == 1
    assert one(root, "dashboardType") == "LoggedInUser"
    assert each(root, "runningUser") == []


@pytest.mark.parametrize("kind", ["report", "dashboard"])
def test_folders_are_there_and_closed_to_portals(kind: str) -> None:
    (folder,) = (path for path in (MAIN / f"{kind}s").iterdir() if path.is_dir())
    root = parsed(MAIN / f"{kind}s" / f"{folder.name}.{kind}Folder-meta.xml")
    assert one(root, "accessType") == "PublicInternal"
