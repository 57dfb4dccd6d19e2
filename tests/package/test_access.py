"""Permission sets: every field is seen by who needs it, and nobody may do more than he must."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from tests.package.files import LEAD, MAIN, TICKET, each, field_files, one, parsed, texts

EXISTING = {"Status__c", "Priority__c", "Department__c", "Description__c"}
FIELDS = {f"Ticket__c.{api}" for api in {*field_files(TICKET), *EXISTING}} | {
    f"Lead.{api}" for api in field_files(LEAD)
}
SETS = ("Steerco_Operator", "Steerco_Integration")


def permission_set(name: str) -> ElementTree.Element:
    return parsed(MAIN / "permissionsets" / f"{name}.permissionset-meta.xml")


def editable(name: str) -> set[str]:
    nodes = each(permission_set(name), "fieldPermissions")
    return {one(node, "field") for node in nodes if one(node, "editable") == "true"}


def powers(name: str, entity: str) -> set[str]:
    (node,) = (
        node
        for node in each(permission_set(name), "objectPermissions")
        if one(node, "object") == entity
    )
    return {child.tag.rpartition("}")[2] for child in node if child.text == "true"}


def test_there_are_two_permission_sets() -> None:
    names = {path.name.split(".")[0] for path in (MAIN / "permissionsets").iterdir()}
    assert names == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_every_field_is_readable_and_named_once(name: str) -> None:
    nodes = each(permission_set(name), "fieldPermissions")
    named = [one(node, "field") for node in nodes]
    assert len(named) == len(set(named))
    assert set(named) == FIELDS
    assert {one(node, "readable") for node in nodes} == {"true"}


@pytest.mark.parametrize("name", SETS)
def test_required_and_standard_fields_are_not_mentioned(name: str) -> None:
    named = {
        field.partition(".")[2]
        for field in texts(permission_set(name), "fieldPermissions", "field")
    }
    assert named.isdisjoint({"Title__c", "Name", "OwnerId", "RecordTypeId"}), "refused in a deploy"


def test_the_integration_user_writes_every_field_but_the_formula() -> None:
    assert FIELDS - editable("Steerco_Integration") == {"Ticket__c.Launch_Target__c"}


def test_operators_do_not_write_what_the_roadmap_alone_writes() -> None:
    closed = {
        *("Ticket__c.Launch_Target__c", "Ticket__c.DataOS_Project_Id__c"),
        *("Ticket__c.Total_Score__c", "Ticket__c.Imported_Created_By__c"),
        "Ticket__c.Imported_Updated_By__c",
        *(f"Lead.{api}" for api in field_files(LEAD)),
    }
    assert FIELDS - editable("Steerco_Operator") == closed


def test_each_may_do_to_records_what_it_must_and_no_more() -> None:
    assert powers("Steerco_Operator", "Ticket__c") == {"allowCreate", "allowEdit", "allowRead"}
    assert powers("Steerco_Integration", "Ticket__c") == {
        *("allowCreate", "allowDelete", "allowEdit", "allowRead"),
        *("modifyAllRecords", "viewAllRecords"),
    }
    assert powers("Steerco_Integration", "Lead") == {"allowEdit", "allowRead", "viewAllRecords"}
    objects = [texts(permission_set(name), "objectPermissions", "object") for name in SETS]
    assert objects == [["Ticket__c"], ["Lead", "Ticket__c"]]


def test_the_only_system_permissions_are_the_api_and_handing_leads_on() -> None:
    assert texts(permission_set("Steerco_Operator"), "userPermissions", "name") == []
    granted = texts(permission_set("Steerco_Integration"), "userPermissions", "name")
    assert granted == ["ApiEnabled", "TransferAnyLead"]


@pytest.mark.parametrize("name", SETS)
def test_both_may_use_the_record_type(name: str) -> None:
    (visible,) = each(permission_set(name), "recordTypeVisibilities")
    assert one(visible, "recordType") == "Ticket__c.Strategic_Initiative"
    assert one(visible, "visible") == "true"
    assert each(visible, "default") == [], "a profile's matter"
    assert len(one(permission_set(name), "description")) <= 255
