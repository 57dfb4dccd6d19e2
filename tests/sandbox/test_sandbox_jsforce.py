"""jsforce, another REST client, is content with the sandbox: every answer has the form it wants.

Its scenarios run once in ``tests/node/jsforce.mjs``; each test here looks at what came of one, and
at the organisation itself.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import programs

PREFIX = "js"


@pytest.fixture(scope="module")
def results(server: Any) -> dict[str, Any]:
    """What every scenario gave."""
    programs.needs("jsforce")
    where = {
        "url": server.url,
        "token": server.token,
        "secret": server.secret,
        "client_id": server.client_id,
        "prefix": PREFIX,
    }
    found = dict(programs.run("jsforce.mjs", json.dumps(where)))
    assert {name: each for name, each in found.items() if "threw" in each} == {}
    return found


def codes(row: dict[str, Any]) -> list[str]:
    return [error["statusCode"] for error in row["errors"]]


def test_upsert_creates_once_and_updates_afterwards(results: dict[str, Any], org: Any) -> None:
    made, again, row = (results["upsert"][name] for name in ("made", "again", "row"))
    assert (made["success"], made["created"]) == (True, True)
    assert (again["id"], again["created"]) == (made["id"], False)
    assert (row["Title__c"], row["attributes"]["type"]) == ("Zwei 🧩", "Ticket__c")
    assert org.read(made["id"], "Title__c") == {"Title__c": "Zwei 🧩"}


def test_a_refused_record_is_an_error_with_its_code(results: dict[str, Any]) -> None:
    refused = results["upsert_refused"]
    assert refused["name"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert refused["message"] == "Status: bad value for restricted picklist field: Nowhere"


def test_collections_answer_row_by_row_in_order(results: dict[str, Any], org: Any) -> None:
    found = results["collections"]
    assert [row["success"] for row in found["made"]] == [True, False, True]
    assert codes(found["made"][1]) == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert [row["created"] for row in found["upserted"]] == [False, True]
    assert [row["success"] for row in found["updated"]] == [True, True]
    assert [row and row["Title__c"] for row in found["retrieved"]] == ["changed", "changed", None]
    assert [row["success"] for row in found["destroyed"]] == [True, True]
    gone = "', '".join(row["id"] for row in found["destroyed"])
    bin_ = org.soql(f"SELECT IsDeleted FROM Ticket__c WHERE Id IN ('{gone}')", everything=True)
    assert bin_ == [{"IsDeleted": True}] * 2


def test_all_or_none_leaves_none(results: dict[str, Any]) -> None:
    found = results["all_or_none"]
    assert codes(found["made"][0]) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert codes(found["made"][1]) == ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert found["left"] == 0


def test_it_sends_long_lists_in_collections_of_200(results: dict[str, Any]) -> None:
    assert results["more_than_a_collection_holds"] == {"made": 450, "refused": []}


def test_queries_page_count_and_group(results: dict[str, Any]) -> None:
    found = results["query"]
    first = found["first"]
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    assert first["records"][0]["Owner"]["Name"] == "Steerco Integration"
    assert (found["second"], found["whole"], found["counted"]) == (200, 450, 450)
    (group,) = found["grouped"]
    assert (group["Status__c"], group["n"]) == ("In Design", 450)


def test_its_query_builder_finds_sorts_and_includes_children(results: dict[str, Any]) -> None:
    rows = results["find"]
    assert [row["Title__c"] for row in rows] == ["m48", "m47"]
    assert [row["Histories"]["records"][0]["Field"] for row in rows] == ["created", "created"]


def test_a_bad_query_is_refused_in_words(results: dict[str, Any]) -> None:
    found = results["malformed_query"]
    assert found["code"] == "INVALID_FIELD"
    assert "No such column 'Nope__c' on entity 'Ticket__c'" in found["message"]


def test_bulk_2_loads_and_queries(results: dict[str, Any]) -> None:
    loaded = results["bulk2"]["results"]
    assert len(loaded["successfulResults"]) == 2
    assert {row["sf__Created"] for row in loaded["successfulResults"]} == {"true"}
    (refused,) = loaded["failedResults"]
    assert refused["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    assert refused["DataOS_Project_Id__c"] == f"{PREFIX}-b2"
    assert loaded["unprocessedRecords"] == []
    rows = results["bulk2"]["rows"]
    assert [row["Title__c"] for row in rows] == ["b1", "b3"]
    assert {len(row["Id"]) for row in rows} == {18}


def test_describe_tells_types_values_and_keys(results: dict[str, Any]) -> None:
    found = results["describe"]
    assert found["status"]["type"] == "picklist"
    assert "Yet to Start" in [each["value"] for each in found["status"]["picklistValues"]]
    assert (found["key"]["externalId"], found["key"]["idLookup"]) == (True, True)
    assert {"Ticket__c", "Ticket__History", "User", "RecordType"} <= set(found["objects"])


def test_replication_calls_and_the_recycle_bin(results: dict[str, Any]) -> None:
    found = results["replication"]
    assert found["updated"] == [True, False], "what is kept, what is deleted"
    assert found["id"] in found["deleted"]
    (row,) = found["bin"]["records"]
    assert row["IsDeleted"] is True


def test_limits_are_told_by_call_and_by_header(results: dict[str, Any]) -> None:
    found = results["limits"]
    assert found["daily"]["Max"] == found["header"]["limit"] == 100_000
    assert found["daily"]["Remaining"] == 100_000 - found["header"]["used"]


def test_composite_hands_an_id_on(results: dict[str, Any]) -> None:
    made, read = results["composite"]["compositeResponse"]
    assert (made["httpStatusCode"], read["httpStatusCode"]) == (201, 200)
    assert read["body"]["Title__c"] == "x1"


def test_it_logs_in_by_soap_and_by_client_credentials(results: dict[str, Any], org: Any) -> None:
    assert results["soap_login"] == {"id": org.id_of("ana"), "records": 1}
    integration = results["identity"]["user_id"]
    assert results["client_credentials"] == {"id": integration, "records": 1}
    assert results["identity"]["organization_id"] == org.organization
