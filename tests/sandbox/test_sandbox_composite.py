"""Composite requests: references between subrequests, headers of their own, all or none."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

BASE = "/services/data/v59.0"


def run(org: Any, requests: list[dict[str, Any]], *, all_or_none: bool = False) -> Any:
    body = {"allOrNone": all_or_none, "compositeRequest": requests}
    answer = org.client().restful("composite", method="POST", json=body)
    return answer["compositeResponse"]


def create(reference: str, **fields: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "url": f"{BASE}/sobjects/Ticket__c",
        "referenceId": reference,
        "body": {"Title__c": reference} | fields,
    }


def test_later_requests_use_what_earlier_ones_answered(org: Any) -> None:
    results = run(
        org,
        [
            create("made"),
            {
                "method": "GET",
                "url": f"{BASE}/sobjects/Ticket__c/@{{made.id}}?fields=Title__c",
                "referenceId": "read",
            },
            {
                "method": "GET",
                "url": f"{BASE}/query?q=SELECT+Id+FROM+Ticket__c+WHERE+Id='@{{made.id}}'",
                "referenceId": "found",
            },
            {
                "method": "PATCH",
                "url": f"{BASE}/sobjects/Ticket__c/@{{found.records[0].Id}}",
                "referenceId": "changed",
                "body": {"Department__c": "of @{read.Title__c}"},
            },
        ],
    )
    assert [r["httpStatusCode"] for r in results] == [201, 200, 200, 204]
    assert [r["referenceId"] for r in results] == ["made", "read", "found", "changed"]
    made = results[0]["body"]["id"]
    assert org.read(made, "Department__c") == {"Department__c": "of made"}


def test_a_subrequest_carries_its_own_condition(org: Any) -> None:
    made = org.initiative(Title__c="kept")
    results = run(
        org,
        [
            {
                "method": "PATCH",
                "url": f"{BASE}/sobjects/Ticket__c/{made}",
                "referenceId": "guarded",
                "httpHeaders": {"If-Unmodified-Since": formatdate(0, usegmt=True)},
                "body": {"Title__c": "lost"},
            },
            create("other"),
        ],
    )
    assert [r["httpStatusCode"] for r in results] == [412, 201]
    assert org.read(made, "Title__c") == {"Title__c": "kept"}


def test_all_or_none_undoes_every_subrequest(org: Any, project_id: str) -> None:
    results = run(
        org,
        [create("good", DataOS_Project_Id__c=project_id), create("bad", Status__c="nope")],
        all_or_none=True,
    )
    assert [r["httpStatusCode"] for r in results] == [400, 400]
    assert results[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert results[0]["httpHeaders"] == {}  # no Location of a record that is not there
    assert results[1]["body"][0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    found = f"SELECT Id FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"
    assert org.soql(found) == []


def test_without_all_or_none_the_good_ones_stay(org: Any, project_id: str) -> None:
    requests = [create("good", DataOS_Project_Id__c=project_id), create("bad", Status__c="nope")]
    assert [r["httpStatusCode"] for r in run(org, requests)] == [201, 400]
    found = f"SELECT Id FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"
    assert len(org.soql(found)) == 1


def test_collections_within_composite(org: Any, project_id: str) -> None:
    records = [
        {"attributes": {"type": "Ticket__c"}, "DataOS_Project_Id__c": project_id, "Title__c": "x"}
    ]
    results = run(
        org,
        [
            {
                "method": "PATCH",
                "url": f"{BASE}/composite/sobjects/Ticket__c/DataOS_Project_Id__c",
                "referenceId": "rows",
                "body": {"records": records},
            }
        ],
    )
    assert results[0]["body"][0]["created"] is True


def test_missing_references_and_bad_forms_are_refused(org: Any) -> None:
    results = run(org, [create("a", Department__c="@{nobody.id}")])
    assert results[0]["httpStatusCode"] == 400
    assert results[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    for requests in (
        [],
        [create("twice"), create("twice")],
        [create(f"r{n}") for n in range(26)],
        [{"method": "POST"}],
    ):
        answer = org.call("POST", "composite", {"compositeRequest": requests})
        assert answer.status_code == 400
