"""Versions, describe, limits, getUpdated and getDeleted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from simple_salesforce.exceptions import SalesforceMalformedRequest

MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def test_versions_need_no_login_and_name_their_season(org: Any) -> None:
    versions = org.http.get(f"{org.url}/services/data", timeout=10).json()
    by_number = {v["version"]: v["label"] for v in versions}
    assert by_number["59.0"] == "Winter '24"
    assert by_number["60.0"] == "Spring '24"
    assert by_number["58.0"] == "Summer '23"
    assert versions[0]["url"] == f"/services/data/v{versions[0]['version']}"
    answer = org.call("GET", "limits", version="99.0")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_resources_lead_to_the_identity(org: Any) -> None:
    resources = org.call("GET", "").json()
    assert resources["sobjects"] == "/services/data/v59.0/sobjects"
    who = org.http.get(
        resources["identity"], headers={"Authorization": f"Bearer {org.token}"}, timeout=10
    )
    assert who.json()["organization_id"] == org.organization


def test_describe_tells_types_lengths_and_values(org: Any) -> None:
    described = org.client().Ticket__c.describe()
    assert (described["name"], described["keyPrefix"]) == ("Ticket__c", "a0B")
    fields = {f["name"]: f for f in described["fields"]}
    key = fields["DataOS_Project_Id__c"]
    assert (key["externalId"], key["unique"], key["length"]) == (True, True, 32)
    launch = fields["Launch_Target__c"]
    assert (launch["calculated"], launch["createable"], launch["type"]) == (True, False, "date")
    assert fields["Punchline__c"]["length"] == 500
    assert fields["Punchline__c"]["filterable"] is False
    assert fields["OwnerId"]["referenceTo"] == ["User", "Group"]
    effort = [v["value"] for v in fields["Level_of_Effort__c"]["picklistValues"]]
    assert effort == ["High", "Medium", "Low"]
    types = {t["developerName"] for t in described["recordTypeInfos"]}
    assert {"Strategic_Initiative", "Development", "Master"} <= types
    children = {c["relationshipName"] for c in described["childRelationships"]}
    assert children == {"Histories", "Child_Initiatives__r"}


def test_describe_tells_which_fields_a_record_always_has(org: Any) -> None:
    described = {f["name"]: f for f in org.client().Ticket__c.describe()["fields"]}
    never_null = {name for name, field in described.items() if not field["nillable"]}
    standard = {"Id", "OwnerId", "IsDeleted", "Name", "CreatedDate", "CreatedById"}
    standard |= {"LastModifiedDate", "LastModifiedById", "SystemModstamp"}
    assert {name for name in never_null if not name.endswith("__c")} == standard
    assert all(described[name]["defaultedOnCreate"] for name in standard)
    boxes = {name for name, field in described.items() if field["type"] == "boolean"}
    assert never_null == standard | boxes | {"Title__c"}


def test_global_describe_lists_the_objects(org: Any) -> None:
    listed = org.client().describe()
    assert {o["name"] for o in listed["sobjects"]} == {
        "Ticket__c",
        "Ticket__History",
        "User",
        "Group",
        "RecordType",
        "Organization",
    }
    basic = org.client().Ticket__c.metadata()
    assert basic["objectDescribe"]["label"] == "Ticket"


def test_organization_says_that_it_is_a_sandbox(org: Any) -> None:
    assert org.client().is_sandbox() is True
    assert org.soql("SELECT Id FROM Organization") == [{"Id": org.organization}]


def test_people_include_an_inactive_one_and_two_of_one_name(org: Any) -> None:
    users = org.soql("SELECT Name, Email, IsActive FROM User")
    assert {"Name": "Dev Patel", "Email": "dev@example.com", "IsActive": True} in users
    assert [u["IsActive"] for u in users].count(False) == 1
    assert len([u for u in users if u["Name"] == "Kim Lee"]) == 2
    assert len(users) == 24


def test_every_answer_tells_the_usage_and_it_counts(org: Any) -> None:
    def used(path: str) -> int:
        answer = org.call("GET", path)
        usage, limit = answer.headers["Sforce-Limit-Info"].removeprefix("api-usage=").split("/")
        assert int(limit) == 100_000
        return int(usage)

    first = used("limits")
    assert used("sobjects/Ticket__c/describe") == first + 1
    assert used("nothing") == first + 2
    daily = org.client().limits()["DailyApiRequests"]
    assert daily == {"Max": 100_000, "Remaining": 100_000 - first - 3}


def test_get_updated_gives_what_changed_and_leaves_deleted_out(org: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    made, gone = org.initiative(), org.initiative()
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    sf = org.client()
    updated = sf.Ticket__c.updated(now - MINUTE, now + 2 * MINUTE)
    assert made in updated["ids"]
    assert gone not in updated["ids"]
    assert updated["latestDateCovered"].endswith(":00.000+0000")
    deleted = sf.Ticket__c.deleted(now - MINUTE, now + 2 * MINUTE)
    assert [d["id"] for d in deleted["deletedRecords"]] == [gone]
    assert deleted["deletedRecords"][0]["deletedDate"].endswith(".000+0000")
    later = sf.Ticket__c.updated(now + 2 * MINUTE, now + 4 * MINUTE)
    assert later["ids"] == []


def test_get_updated_takes_a_path_without_slash(org: Any) -> None:
    start = (dt.datetime.now(dt.UTC) - DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    end = (dt.datetime.now(dt.UTC) + DAY).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    answer = org.call("GET", f"sobjects/Ticket__c/updated?start={start}&end={end}")
    assert answer.status_code == 200


@pytest.mark.parametrize(("start", "end"), [(-31 * DAY, DAY), (0 * DAY, 0 * DAY), (DAY, -DAY)])
def test_spans_that_salesforce_refuses(org: Any, start: dt.timedelta, end: dt.timedelta) -> None:
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        org.client().Ticket__c.updated(now + start, now + end)
    assert refused.value.content[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_naive_times_are_refused_as_they_are_written(org: Any) -> None:
    naive = dt.datetime(2026, 1, 1)
    with pytest.raises(SalesforceMalformedRequest):
        org.client().Ticket__c.updated(naive, naive)


def test_methods_that_a_resource_has_not_are_405(org: Any) -> None:
    for method, path in (
        ("POST", "query"),
        ("DELETE", "sobjects/Ticket__c"),
        ("PUT", "composite/sobjects"),
        ("POST", "sobjects/Ticket__c/describe"),
    ):
        answer = org.call(method, path, {})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
