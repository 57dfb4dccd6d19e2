"""One record by its id and by an external id, through simple-salesforce and plain HTTP."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import pytest
from simple_salesforce import format_external_id
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)


def test_created_record_comes_back_as_salesforce_gives_it(org: Any, project_id: str) -> None:
    sf = org.client()
    made = sf.Ticket__c.create(
        {
            "RecordTypeId": org.id_of("Strategic_Initiative"),
            "DataOS_Project_Id__c": project_id,
            "Title__c": " \t🧩 Feedback Platform (v1)\n",
            "Description__c": "one\r\ntwo\rthree",
            "Department__c": "   ",
            "Punchline__c": "",
            "Strategic_Value__c": "\u00a0non-breaking\u00a0",
            "Dev_Readiness__c": 80,
            "Sort_Order__c": 2.4,
            "Launch_Target_Raw__c": "2026-02-28",
        }
    )
    assert made["success"] is True
    assert made["errors"] == []
    assert len(made["id"]) == 18
    assert made["id"].startswith("a0B")
    row = sf.Ticket__c.get(made["id"])
    assert row["attributes"] == {
        "type": "Ticket__c",
        "url": f"/services/data/v59.0/sobjects/Ticket__c/{made['id']}",
    }
    expected = {
        "Title__c": "🧩 Feedback Platform (v1)",
        "Description__c": "one\ntwo\nthree",
        "Department__c": None,
        "Punchline__c": None,
        "Strategic_Value__c": "\u00a0non-breaking\u00a0",
        "Dev_Readiness__c": 80.0,
        "Sort_Order__c": 2.0,
        "Launch_Target__c": "2026-02-28",
        "Alignment__c": False,
        "IsDeleted": False,
        "Status__c": "Yet to Start",
        "Priority__c": "Not yet Prioritized",
        "OwnerId": org.soql("SELECT Id FROM User WHERE LastName = 'Integration'")[0]["Id"],
    }
    assert {name: row[name] for name in expected} == expected
    assert row["Name"].startswith("T-")
    assert row["CreatedDate"] == row["SystemModstamp"] == row["LastModifiedDate"]
    assert row["CreatedDate"].endswith(".000+0000")


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        ("2028-02-29", "2028-02-29"),
        ("2099-12-31", "2099-12-31"),
        ("?", None),
        ("TBD", None),
        ("N/A", None),
        (None, None),
    ],
)
def test_launch_date_is_the_formula_of_the_raw_text(org: Any, raw: str, date: str) -> None:
    made = org.initiative(Launch_Target_Raw__c=raw)
    assert org.read(made, "Launch_Target__c") == {"Launch_Target__c": date}


def test_create_answers_201_with_a_location(org: Any) -> None:
    answer = org.call("POST", "sobjects/Ticket__c/", {"Title__c": "x"})
    assert answer.status_code == 201
    assert answer.json() == {"id": answer.json()["id"], "success": True, "errors": []}
    assert answer.headers["Location"].endswith(f"/sobjects/Ticket__c/{answer.json()['id']}")


def test_update_answers_204_and_moves_the_times_even_where_nothing_changed(org: Any) -> None:
    made = org.initiative(Title__c="same")
    org.fault("clock:60")
    assert org.client("ben").Ticket__c.update(made, {"Title__c": "same"}) == 204
    row = org.read(made, "CreatedDate", "LastModifiedDate", "SystemModstamp", "LastModifiedById")
    assert row["LastModifiedDate"] == row["SystemModstamp"] > row["CreatedDate"]
    assert row["LastModifiedById"] == org.id_of("ben")


def test_fields_parameter_selects_and_takes_any_letter_case(org: Any) -> None:
    made = org.initiative(Title__c="x")
    assert org.read(made, "title__C", "id") == {"Title__c": "x", "Id": made}
    answer = org.call("GET", f"sobjects/Ticket__c/{made}", params={"fields": "Nope__c"})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "No such column 'Nope__c' on sobject of type Ticket__c",
            "errorCode": "INVALID_FIELD",
        }
    ]


def test_fifteen_character_id_finds_the_record(org: Any) -> None:
    made = org.initiative()
    assert org.read(made[:15], "Id") == {"Id": made}
    assert org.call("PATCH", f"sobjects/Ticket__c/{made[:15]}", {}).status_code == 204


def test_deleted_record_is_gone_for_every_call(org: Any) -> None:
    made = org.initiative()
    sf = org.client()
    assert sf.Ticket__c.delete(made) == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        answer = org.call(method, f"sobjects/Ticket__c/{made}", body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert org.soql(f"SELECT Id FROM Ticket__c WHERE Id = '{made}'") == []
    kept = org.soql(f"SELECT Id, IsDeleted FROM Ticket__c WHERE Id = '{made}'", everything=True)
    assert kept == [{"Id": made, "IsDeleted": True}]


def test_deleted_records_external_id_may_be_used_again(org: Any, project_id: str) -> None:
    first = org.initiative(DataOS_Project_Id__c=project_id)
    org.call("DELETE", f"sobjects/Ticket__c/{first}")
    second = org.initiative(DataOS_Project_Id__c=project_id)
    assert second != first
    found = org.client().Ticket__c.get(format_external_id("DataOS_Project_Id__c", project_id))
    assert found["Id"] == second


def test_unknown_record_is_404_with_the_code_of_its_call(org: Any) -> None:
    nobody = "a0B000000000001EAA"
    answer = org.call("GET", f"sobjects/Ticket__c/{nobody}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    for method in ("PATCH", "DELETE"):
        answer = org.call(method, f"sobjects/Ticket__c/{nobody}", {})
        found = (answer.status_code, answer.json()[0]["errorCode"])
        assert found == (404, "INVALID_CROSS_REFERENCE_KEY")
    for path in ("sobjects/Ticket__c/xyz", "sobjects/Nothing__c", "nothing"):
        answer = org.call("GET", path)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_upsert_creates_then_updates(org: Any, project_id: str) -> None:
    sf = org.client()
    key = format_external_id("DataOS_Project_Id__c", project_id)
    body = {"Title__c": "x", "RecordTypeId": org.id_of("Strategic_Initiative")}
    made = sf.Ticket__c.upsert(key, body, raw_response=True)
    assert made.status_code == 201
    assert made.json()["created"] is True
    changed = sf.Ticket__c.upsert(key, {"Title__c": "y"}, raw_response=True)
    assert changed.status_code == 200
    assert changed.json() == {
        "id": made.json()["id"],
        "success": True,
        "errors": [],
        "created": False,
    }
    found = org.soql(f"SELECT Title__c FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'")
    assert found == [{"Title__c": "y"}]


def test_old_api_versions_answer_an_upsert_that_updates_with_204(org: Any, project_id: str) -> None:
    path = f"sobjects/Ticket__c/DataOS_Project_Id__c/{project_id}"
    made = org.call("PATCH", path, {"Title__c": "x"}, version="45.0")
    assert made.status_code == 201
    assert "created" not in made.json()
    changed = org.call("PATCH", path, {"Title__c": "y"}, version="45.0")
    assert (changed.status_code, changed.content) == (204, b"")
    assert org.call("PATCH", path, {"Title__c": "y"}, version="46.0").status_code == 200


def test_update_only_upsert_never_creates(org: Any, project_id: str) -> None:
    path = f"sobjects/Ticket__c/DataOS_Project_Id__c/{project_id}?updateOnly=true"
    answer = org.call("PATCH", path, {"Title__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    made = org.initiative(DataOS_Project_Id__c=project_id)
    assert org.call("PATCH", path, {"Title__c": "x"}).json()["id"] == made


@pytest.mark.parametrize("field", ["DataOS_Project_Id__c", "Id"])
def test_upsert_refuses_the_key_in_the_body(org: Any, project_id: str, field: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        org.client().Ticket__c.upsert(
            f"DataOS_Project_Id__c/{project_id}", {field: "a0B000000000001EAA", "Title__c": "x"}
        )
    assert refused.value.content == [
        {
            "message": f"The {field} field should not be specified in the sobject data.",
            "errorCode": "INVALID_FIELD",
        }
    ]


def test_key_with_a_slash_works_escaped_and_bare(org: Any) -> None:
    sf = org.client()
    made = sf.Ticket__c.upsert(
        format_external_id("DataOS_Project_Id__c", "a/b c+d"), {"Title__c": "x"}, raw_response=True
    ).json()["id"]
    for text in ("a%2Fb%20c%2Bd", "a/b%20c+d"):
        found = org.call("GET", f"sobjects/Ticket__c/DataOS_Project_Id__c/{text}")
        assert found.json()["Id"] == made
    # simple-salesforce writes a space as a plus here, and a plus in a path is a plus.
    with pytest.raises(SalesforceResourceNotFound):
        sf.Ticket__c.get_by_custom_id("DataOS_Project_Id__c", "a/b c+d")


def test_missing_key_value_is_405_and_a_field_that_is_no_key_404(org: Any) -> None:
    answer = org.call("PATCH", "sobjects/Ticket__c/DataOS_Project_Id__c/", {"Title__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    answer = org.call("PATCH", "sobjects/Ticket__c/Title__c/x", {"Department__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_several_matches_are_300_with_their_addresses(org: Any, project_id: str) -> None:
    org.fault("duplicates")
    first = org.initiative(DataOS_Project_Id__c=project_id)
    second = org.initiative(DataOS_Project_Id__c=project_id)
    key = format_external_id("DataOS_Project_Id__c", project_id)
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        org.client().Ticket__c.upsert(key, {"Title__c": "x"})
    home = "/services/data/v59.0/sobjects/Ticket__c"
    assert several.value.content == [f"{home}/{first}", f"{home}/{second}"]
    with pytest.raises(SalesforceMoreThanOneRecord):
        org.client().Ticket__c.get(key)


def test_external_id_finds_and_deletes_the_record(org: Any, project_id: str) -> None:
    made = org.initiative(DataOS_Project_Id__c=project_id)
    path = f"sobjects/Ticket__c/DataOS_Project_Id__c/{project_id}"
    assert org.call("GET", path).json()["Id"] == made
    assert org.call("DELETE", path).status_code == 204
    assert org.call("GET", path).status_code == 404


def test_external_id_is_case_sensitive(org: Any, project_id: str) -> None:
    lower = org.initiative(DataOS_Project_Id__c=f"{project_id}-a")
    upper = org.initiative(DataOS_Project_Id__c=f"{project_id}-A")
    assert lower != upper


def test_unmodified_since_guards_an_update_by_id_to_the_second(org: Any) -> None:
    made = org.initiative(Title__c="before")
    read = org.call("GET", f"sobjects/Ticket__c/{made}").headers["Last-Modified"]
    sf = org.client()
    guard = {"If-Unmodified-Since": read}
    assert sf.Ticket__c.update(made, {"Title__c": "same second"}, headers=guard) == 204
    org.fault("clock:5")
    org.client("ana").Ticket__c.update(made, {"Title__c": "a person's"})
    with pytest.raises(SalesforceGeneralError) as refused:
        sf.Ticket__c.update(made, {"Title__c": "mine"}, headers=guard)
    assert refused.value.status == 412
    assert org.read(made, "Title__c") == {"Title__c": "a person's"}


def test_bad_guard_is_400_and_no_guard_where_none_is_documented(org: Any, project_id: str) -> None:
    made = org.initiative(DataOS_Project_Id__c=project_id)
    bad = org.call(
        "PATCH", f"sobjects/Ticket__c/{made}", {}, headers={"If-Unmodified-Since": "yesterday"}
    )
    assert bad.status_code == 400
    old = {"If-Unmodified-Since": formatdate(0, usegmt=True)}
    by_key = f"sobjects/Ticket__c/DataOS_Project_Id__c/{project_id}"
    assert org.call("PATCH", by_key, {"Title__c": "x"}, headers=old).status_code == 200
    assert org.call("DELETE", f"sobjects/Ticket__c/{made}", headers=old).status_code == 204


def test_reading_with_modified_since(org: Any) -> None:
    made = org.initiative()
    answer = org.call("GET", f"sobjects/Ticket__c/{made}")
    at = answer.headers["Last-Modified"]
    same = org.call("GET", f"sobjects/Ticket__c/{made}", headers={"If-Modified-Since": at})
    assert (same.status_code, same.content) == (304, b"")
    before = formatdate(parsedate_to_datetime(at).timestamp() - 1, usegmt=True)
    newer = org.call("GET", f"sobjects/Ticket__c/{made}", headers={"If-Modified-Since": before})
    assert newer.status_code == 200
    stale = org.call("GET", f"sobjects/Ticket__c/{made}", headers={"If-Unmodified-Since": before})
    assert stale.status_code == 412


def test_deleting_a_parent_clears_its_children_as_the_system(org: Any) -> None:
    parent = org.initiative()
    child = org.initiative(Parent_Initiative__c=parent)
    org.fault("clock:30")
    org.call("DELETE", f"sobjects/Ticket__c/{parent}", user="ana")
    row = org.read(child, "Parent_Initiative__c", "LastModifiedDate", "SystemModstamp")
    assert row["Parent_Initiative__c"] is None
    assert row["SystemModstamp"] > row["LastModifiedDate"]


def test_chunked_bodies_are_read(org: Any) -> None:
    answer = org.call(
        "POST",
        "sobjects/Ticket__c",
        data=iter([b'{"Title__c":', b' "in pieces"}']),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b"{", "application/json", 400, "JSON_PARSER_ERROR"),
        (b"[]", "application/json", 400, "JSON_PARSER_ERROR"),
        (b'{"Dev_Readiness__c": NaN}', "application/json", 400, "JSON_PARSER_ERROR"),
        (b"\xff\xfe", "application/json", 400, "JSON_PARSER_ERROR"),
        (b"Title__c=x", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_bad_bodies_are_refused(org: Any, body: bytes, media: str, status: int, code: str) -> None:
    answer = org.call("POST", "sobjects/Ticket__c", data=body, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


def test_users_can_be_changed_but_never_deleted(org: Any) -> None:
    body = {"Username": "new@example.com", "LastName": "New", "Email": "new@example.com"}
    made = org.call("POST", "sobjects/User", body | {"Alias": "new", "FirstName": "Nia"})
    assert made.status_code == 201
    person = made.json()["id"]
    assert org.call("PATCH", f"sobjects/User/{person}", {"LastName": "Newer"}).status_code == 204
    assert org.soql(f"SELECT Name FROM User WHERE Id = '{person}'") == [{"Name": "Nia Newer"}]
    refused = org.call("DELETE", f"sobjects/User/{person}")
    assert refused.status_code == 400
    again = org.call("POST", "sobjects/User", body | {"Alias": "new2"})
    assert again.json()[0]["errorCode"] == "DUPLICATE_VALUE"


@pytest.mark.parametrize("path", ["sobjects", "sobjects/Ticket__c/describe"])
def test_descriptions_that_did_not_change_are_not_sent_again(org: Any, path: str) -> None:
    whole = org.call("GET", path)
    assert whole.status_code == 200
    changed = whole.headers["Last-Modified"]
    before = formatdate(parsedate_to_datetime(changed).timestamp() - 1, usegmt=True)
    again = org.call("GET", path, headers={"If-Modified-Since": changed})
    assert (again.status_code, again.content) == (304, b"")
    assert org.call("GET", path, headers={"If-Modified-Since": before}).status_code == 200
    stale = org.call("GET", path, headers={"If-Unmodified-Since": before})
    assert (stale.status_code, stale.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")
    odd = {"If-Modified-Since": "yesterday"}
    assert org.call("GET", path, headers=odd).status_code == 200
