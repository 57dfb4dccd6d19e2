"""Organisations differ: other field names, picklists of their own, a package half deployed."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.itsc_sf_sync import field_map
from services.sandbox import describe
from services.sandbox.ticket import RECORD_TYPES, ticket_object
from services.sf_package import build
from services.sf_package.lead import LEAD_FIELDS
from services.sf_package.organisation import Organisation
from services.sf_package.picklists import CannotExtend, extend
from services.sf_package.preflight import lacking, lacking_leads
from store.fields import PRIORITIES, STATUSES
from tests.package.files import SF, values_of
from tests.package.wsdl import problems

ROOT = SF.parent
OWN = """<?xml version="1.0" encoding="UTF-8"?>
<CustomField xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>Status__c</fullName>
    <label>Status</label>
    <type>Picklist</type>
    <valueSet>
        <restricted>true</restricted>
        <valueSetDefinition>
            <sorted>false</sorted>
            <value>
                <fullName>New &amp; shiny</fullName>
                <color>#FF0000</color>
                <default>true</default>
                <label>Neu</label>
            </value>
            <value>
                <fullName>N/A</fullName>
                <default>false</default>
                <isActive>false</isActive>
                <label>none</label>
            </value>
        </valueSetDefinition>
    </valueSet>
</CustomField>
"""


def values(text: str) -> tuple[str, ...]:
    from xml.etree import ElementTree

    return values_of(ElementTree.fromstring(text))


def test_missing_values_come_after_the_organisations_own_and_nothing_else_changes() -> None:
    extended = extend(OWN, STATUSES)
    assert problems(extended) == []
    missing = tuple(value for value in STATUSES if value != "N/A")
    assert values(extended) == ("New & shiny", "N/A", *missing)
    start, end = OWN.split("        </valueSetDefinition>")
    assert extended.startswith(start.rstrip())
    assert extended.endswith(end)
    assert extended.count("<default>true</default>") == 1


def test_extending_twice_adds_nothing() -> None:
    once = extend(OWN, STATUSES)
    assert extend(once, STATUSES) == once


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_values_are_added_to_a_global_value_set_too(newline: str) -> None:
    text = newline.join(
        [
            '<GlobalValueSet xmlns="http://soap.sforce.com/2006/04/metadata">',
            "    <customValue>",
            "        <fullName>P1</fullName>",
            "        <default>false</default>",
            "        <label>P1</label>",
            "    </customValue>",
            "    <masterLabel>Priority</masterLabel>",
            "    <sorted>false</sorted>",
            "</GlobalValueSet>",
            "",
        ]
    )
    extended = extend(text, PRIORITIES)
    assert problems(extended) == []
    for value in PRIORITIES:
        assert extended.count(f"<fullName>{value}</fullName>") == 1


def test_a_field_on_a_global_value_set_says_which_file_to_extend() -> None:
    text = OWN[: OWN.index("        <valueSetDef")] + (
        "        <valueSetName>Ticket_Status</valueSetName>\n    </valueSet>\n</CustomField>\n"
    )
    with pytest.raises(CannotExtend, match="GlobalValueSet:Ticket_Status"):
        extend(text, STATUSES)
    with pytest.raises(CannotExtend, match="no picklist values"):
        extend("<CustomField/>", STATUSES)


def test_the_script_extends_a_file_in_place_and_refuses_what_it_can_t(tmp_path: Path) -> None:
    path = tmp_path / "Status__c.field-meta.xml"
    path.write_text(OWN)
    assert script("extend_picklists.py", "status", str(path)).returncode == 0
    assert values(path.read_text()) == values(extend(OWN, STATUSES))
    for refused in (str(tmp_path / "none.xml"), str(tmp_path)):
        done = script("extend_picklists.py", "status", refused)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1


def test_the_optional_package_is_no_part_of_a_plain_deployment() -> None:
    project = json.loads((SF / "sfdx-project.json").read_text())
    assert [each["path"] for each in project["packageDirectories"]] == ["force-app"]
    assert sorted(path.name for path in (SF / "optional").rglob("*.xml")) == [
        "Priority__c.field-meta.xml",
        "Status__c.field-meta.xml",
    ]


def test_other_names_of_existing_fields_reach_every_file_and_the_default_ones_none() -> None:
    names = field_map(
        {
            "feature_name": "Subject__c",
            "status": "State__c",
            "priority": "Rank__c",
            "department": "Dept__c",
            "brief.what_it_does": "Details__c",
        }
    )
    made = build.files(Organisation(names))
    everything = "\n".join(made) + "\n".join(made.values())
    for gone in ("Title__c", "Status__c", "Priority__c", "Department__c", "Description__c"):
        assert gone not in everything
    for api in ("Subject__c", "State__c", "Rank__c", "Dept__c", "Details__c"):
        assert api in everything
    for name, text in made.items():
        assert not name.endswith(".xml") or problems(text) == [], name


def test_a_title_in_the_name_field_is_a_standard_field_everywhere() -> None:
    made = build.files(Organisation(field_map({"feature_name": "Name"}), text_name=True))
    (layout,) = (text for name, text in made.items() if "layout-meta" in name)
    assert layout.count("<field>Name</field>") == 1
    views = [text for name, text in made.items() if "listView-meta" in name]
    assert all(text.count("<columns>NAME</columns>") == 1 for text in views)
    granted = [text for name, text in made.items() if "permissionset-meta" in name]
    assert all("Ticket__c.Name<" not in text for text in granted)


def test_a_text_name_is_required_on_the_layout_and_a_number_is_read_only() -> None:
    for text_name, behavior in ((True, "Required"), (False, "Readonly")):
        made = build.files(Organisation(text_name=text_name))
        (layout,) = (text for name, text in made.items() if "layout-meta" in name)
        lines = [line.strip() for line in layout.splitlines()]
        at = lines.index("<field>Name</field>")
        assert lines[at - 1] == f"<behavior>{behavior}</behavior>"


def test_a_title_that_may_be_blank_has_field_level_security() -> None:
    for required in (True, False):
        made = build.files(Organisation(title_required=required))
        granted = [text for name, text in made.items() if "permissionset-meta" in name]
        assert all(("Ticket__c.Title__c" in text) != required for text in granted)


def test_the_script_writes_a_package_elsewhere_and_leaves_other_files_alone(tmp_path: Path) -> None:
    other = tmp_path / "force-app" / "main" / "default" / "classes" / "A.cls-meta.xml"
    other.parent.mkdir(parents=True)
    other.write_text("theirs")
    done = script(
        *("make_package.py", "--output", str(tmp_path), "--name", "feature_name=Subject__c")
    )
    assert done.returncode == 0, done.stderr
    assert other.read_text() == "theirs"
    assert (
        "Subject__c"
        in (
            tmp_path
            / "force-app/main/default/objects/Ticket__c/listViews/SI_P1_Active.listView-meta.xml"
        ).read_text()
    )


@pytest.mark.parametrize("name", ["sort_order=X__c", "status", "status=a b", "nothing=X__c"])
def test_the_script_refuses_wrong_names_in_one_sentence(tmp_path: Path, name: str) -> None:
    done = script("make_package.py", "--output", str(tmp_path), "--name", name)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def script(name: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *argv],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def ready() -> dict[str, Any]:
    """What an organisation with everything says of Ticket__c."""
    types = [{"developerName": spec.developer_name, "available": True} for spec in RECORD_TYPES]
    described = [describe.describe_field(spec) for spec in ticket_object().fields]
    return copy.deepcopy({"fields": described, "recordTypeInfos": types})


def field(ready: dict[str, Any], name: str) -> dict[str, Any]:
    described: list[dict[str, Any]] = ready["fields"]
    (found,) = (each for each in described if each["name"] == name)
    return found


def test_an_organisation_with_everything_lacks_nothing(ready: dict[str, Any]) -> None:
    assert lacking(ready, Organisation()) == ()


def test_missing_fields_are_one_sentence_that_names_them(ready: dict[str, Any]) -> None:
    gone = {"Punchline__c", "DataOS_Project_Id__c"}
    ready["fields"] = [each for each in ready["fields"] if each["name"] not in gone]
    (said,) = lacking(ready, Organisation())
    assert said == (
        "2 fields of Ticket__c are missing or hidden from this user: DataOS_Project_Id__c,"
        " Punchline__c"
    )


def test_a_record_type_that_is_missing_or_not_granted_is_said(ready: dict[str, Any]) -> None:
    for info in ready["recordTypeInfos"]:
        info["available"] = info["developerName"] != "Strategic_Initiative"
    not_granted = lacking(ready, Organisation())
    ready["recordTypeInfos"] = ready["recordTypeInfos"][:1]
    assert lacking(ready, Organisation()) == not_granted
    assert not_granted == ("the record type Strategic_Initiative is missing or not granted",)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("Punchline__c", {"length": 255}, "holds 255 characters, and should hold 500"),
        ("Punchline__c", {"type": "string"}, "is a string, and the package has a textarea"),
        ("IT_Lead__c", {"updateable": False}, "can't be written by this user"),
        ("DataOS_Project_Id__c", {"unique": False}, "is no unique external id"),
        ("DataOS_Project_Id__c", {"externalId": False}, "is no unique external id"),
        ("Description__c", {"length": 1000}, "holds 1000 characters, and What It Does may have"),
        ("Title__c", {"updateable": False}, "can't be written by this user"),
        ("Status__c", {"picklistValues": []}, "has no value Yet to Start, In Design"),
        (
            "Priority__c",
            {
                "picklistValues": [
                    {"value": value, "active": value != "Not yet Prioritized"}
                    for value in PRIORITIES
                ]
            },
            "has no value Not yet Prioritized",
        ),
        ("Dev_T_Shirt__c", {"picklistValues": [{"value": "S", "active": True}]}, "XS, M, L, XL"),
    ],
)
def test_what_differs_is_said_with_the_field(
    ready: dict[str, Any], name: str, change: dict[str, Any], said: str
) -> None:
    field(ready, name).update(change)
    (sentence,) = lacking(ready, Organisation())
    assert sentence.startswith(f"Ticket__c.{name} ")
    assert said in sentence


def test_a_name_that_the_organisation_has_not_is_a_matter_of_configuration(
    ready: dict[str, Any],
) -> None:
    (said,) = lacking(ready, Organisation(field_map({"feature_name": "Subject__c"})))
    assert "has no Subject__c: say in the configuration" in said


def test_what_leads_lack_is_said_alike() -> None:
    types = {"Text": "string", "Number": "double", "Lookup": "reference", "DateTime": "datetime"}
    described = [
        {
            "name": each.api,
            "type": types.get(each.type, "picklist"),
            "length": each.length or 0,
            "updateable": each.api != "Owner_Assigned_At__c",
            "picklistValues": [{"value": v, "active": True} for v in each.values],
        }
        for each in LEAD_FIELDS[1:]
    ]
    assert lacking_leads({"fields": described}, LEAD_FIELDS) == (
        "1 field of Lead is missing or hidden from this user: First_Response_At__c",
        "Lead.Owner_Assigned_At__c can't be written by this user",
    )
