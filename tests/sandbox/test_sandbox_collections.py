"""sObject Collections: results in order, failed rows in an answer of 200, all or none."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "composite/sobjects/Ticket__c/DataOS_Project_Id__c"


def row(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Ticket__c"}} | fields


def initiative(org: Any, project_id: str, **fields: Any) -> dict[str, Any]:
    known = {
        "RecordTypeId": org.id_of("Strategic_Initiative"),
        "DataOS_Project_Id__c": project_id,
        "Title__c": project_id,
    }
    return row(**(known | fields))


def send(org: Any, method: str, path: str, rows: list[Any], **more: Any) -> list[dict[str, Any]]:
    answer = org.call(method, path, {"records": rows} | more)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [None if r["success"] else r["errors"][0]["statusCode"] for r in results]


def test_upsert_of_200_rows_answers_each_in_order(org: Any, project_id: str) -> None:
    rows = [initiative(org, f"{project_id}-{n}") for n in range(200)]
    sf = org.client()
    made = sf.restful(PATH, method="PATCH", json={"allOrNone": False, "records": rows})
    assert [r["created"] for r in made] == [True] * 200
    again = sf.restful(PATH, method="PATCH", json={"allOrNone": False, "records": rows[::-1]})
    assert [r["id"] for r in again] == [r["id"] for r in made][::-1]
    assert [r["created"] for r in again] == [False] * 200


def test_failed_rows_stand_in_an_answer_of_200(org: Any, project_id: str) -> None:
    results = send(
        org,
        "PATCH",
        PATH,
        [
            initiative(org, f"{project_id}-a"),
            initiative(org, f"{project_id}-b", Status__c="In Proof"),
            initiative(org, f"{project_id}-c"),
        ],
    )
    assert [r["success"] for r in results] == [True, False, True]
    assert results[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                "message": "Status: bad value for restricted picklist field: In Proof",
                "fields": ["Status__c"],
            }
        ],
    }
    assert len(org.soql(f"SELECT Id FROM Ticket__c WHERE Title__c LIKE '{project_id}-%'")) == 2


def test_all_or_none_undoes_the_rows_that_were_good(org: Any, project_id: str) -> None:
    results = send(
        org,
        "POST",
        "composite/sobjects",
        [initiative(org, f"{project_id}-a"), initiative(org, f"{project_id}-b", Title__c=None)],
        allOrNone=True,
    )
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    found = f"SELECT Id FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}-a'"
    assert org.soql(found) == []


def test_the_same_key_twice_fails_every_row_that_has_it(org: Any, project_id: str) -> None:
    results = send(
        org,
        "PATCH",
        PATH,
        [
            initiative(org, f"{project_id}-x"),
            initiative(org, f"{project_id}-y"),
            initiative(org, f"{project_id}-x", Title__c="second"),
        ],
    )
    assert codes(results) == ["DUPLICATE_VALUE", None, "DUPLICATE_VALUE"]
    assert results[0]["errors"][0]["message"] == f"Duplicate external id specified: {project_id}-x"


def test_parent_by_external_id_finds_only_rows_from_before_the_request(
    org: Any, project_id: str
) -> None:
    parent, child = f"{project_id}-parent", f"{project_id}-child"
    link = {"Parent_Initiative__r": {"DataOS_Project_Id__c": parent}}
    rows = [initiative(org, parent), initiative(org, child, **link)]
    results = send(org, "PATCH", PATH, rows)
    assert codes(results) == [None, "INVALID_FIELD"]
    assert results[1]["errors"][0]["message"] == (
        f"Foreign key external ID: {parent} not found for field DataOS_Project_Id__c in entity"
        " Ticket__c"
    )
    assert codes(send(org, "PATCH", PATH, rows)) == [None, None]
    found = org.soql(
        "SELECT Parent_Initiative__r.DataOS_Project_Id__c FROM Ticket__c"
        f" WHERE DataOS_Project_Id__c = '{child}'"
    )
    assert found == [{"Parent_Initiative__r": {"DataOS_Project_Id__c": parent}}]


def test_reference_may_name_its_type_and_other_key_fields(org: Any, project_id: str) -> None:
    parent = org.initiative(DataOS_Project_Id__c=f"{project_id}-parent")
    named = {"attributes": {"type": "Ticket__c"}, "DataOS_Project_Id__c": f"{project_id}-parent"}
    made = org.initiative(
        Parent_Initiative__r=named,
        IT_Lead__r={"Username": "dev@example.com"},
    )
    assert org.read(made, "Parent_Initiative__c", "IT_Lead__c") == {
        "Parent_Initiative__c": parent,
        "IT_Lead__c": org.id_of("dev"),
    }


@pytest.mark.parametrize(
    "reference",
    [
        {"Title__c": "x"},
        {"Nope__c": "x"},
        {},
        {"DataOS_Project_Id__c": "x", "Name": "y"},
    ],
)
def test_reference_by_anything_but_one_key_is_refused(org: Any, reference: dict[str, str]) -> None:
    body = {"Title__c": "x", "Parent_Initiative__r": reference}
    answer = org.call("POST", "sobjects/Ticket__c", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_update_goes_by_id_and_revives_nothing(org: Any) -> None:
    live, gone = org.initiative(), org.initiative()
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    results = send(
        org,
        "PATCH",
        "composite/sobjects",
        [
            row(id=live, Title__c="new"),
            row(Id=gone, Title__c="new"),
            row(id="a0B000000000001EAA", Title__c="new"),
            row(id="xyz", Title__c="new"),
            row(Title__c="new"),
        ],
    )
    assert codes(results) == [
        None,
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
    ]
    assert results[0] == {"id": live, "success": True, "errors": []}
    assert org.read(live, "Title__c") == {"Title__c": "new"}


def test_the_same_id_twice_in_an_update_fails_both(org: Any) -> None:
    made = org.initiative(Title__c="kept")
    rows = [row(id=made, Title__c="a"), row(id=made[:15], Title__c="b")]
    results = send(org, "PATCH", "composite/sobjects", rows)
    assert codes(results) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]
    assert org.read(made, "Title__c") == {"Title__c": "kept"}


def test_delete_takes_ids_and_answers_each(org: Any) -> None:
    first, second = org.initiative(), org.initiative()
    ids = f"{first},a0B000000000001EAA,xyz,{second}"
    answer = org.call("DELETE", f"composite/sobjects?ids={ids}&allOrNone=false")
    assert answer.status_code == 200
    assert codes(answer.json()) == [None, "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", None]
    again = org.call("DELETE", f"composite/sobjects?ids={first}")
    assert codes(again.json()) == ["ENTITY_IS_DELETED"]


def test_delete_of_all_or_none(org: Any) -> None:
    made = org.initiative()
    path = f"composite/sobjects?ids={made},a0B000000000001EAA&allOrNone=true"
    results = org.call("DELETE", path).json()
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_CROSS_REFERENCE_KEY"]
    assert org.read(made, "Id") == {"Id": made}


def test_retrieve_gives_records_in_order_and_null_for_the_missing(org: Any) -> None:
    first, second = org.initiative(Title__c="1"), org.initiative(Title__c="2")
    gone = org.initiative()
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    ids = [second, "a0B000000000001EAA", gone, first]
    got = org.call("GET", f"composite/sobjects/Ticket__c?ids={','.join(ids)}&fields=Title__c")
    posted = org.call("POST", "composite/sobjects/Ticket__c", {"ids": ids, "fields": ["Title__c"]})
    assert got.json() == posted.json()
    assert [r and r["Title__c"] for r in got.json()] == ["2", None, None, "1"]


def test_a_locked_row_fails_alone(org: Any, project_id: str) -> None:
    org.fault("lock,every=3")
    rows = [initiative(org, f"{project_id}-{n}") for n in range(7)]
    results = send(org, "PATCH", PATH, rows)
    locked = "UNABLE_TO_LOCK_ROW"
    assert codes(results) == [None, None, locked, None, None, locked, None]


def test_several_matches_fail_the_row(org: Any, project_id: str) -> None:
    org.fault("duplicates")
    org.initiative(DataOS_Project_Id__c=project_id)
    org.initiative(DataOS_Project_Id__c=project_id)
    results = send(org, "PATCH", PATH, [initiative(org, project_id)])
    assert codes(results) == ["DUPLICATE_EXTERNAL_ID"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": []}, "INVALID_INPUT"),
        ({}, "INVALID_INPUT"),
        ({"records": [{"Title__c": "x"}]}, "INVALID_INPUT"),
        ({"records": [row(Title__c="x")] * 201}, "EXCEEDED_ID_LIMIT"),
        ({"records": [{"attributes": {"type": "Nope__c"}}]}, "INVALID_TYPE"),
        ({"records": [row(Nope__c="x")]}, "INVALID_FIELD"),
        ({"records": [row(Dev_Readiness__c="80")]}, "JSON_PARSER_ERROR"),
        ({"records": [row(Title__c="x")], "allOrNone": "no"}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_malformed_request_is_refused_as_a_whole(
    org: Any, body: dict[str, Any], code: str
) -> None:
    answer = org.call("POST", "composite/sobjects", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_too_many_ids_are_refused(org: Any) -> None:
    ids = ",".join(["a0B000000000001EAA"] * 201)
    answer = org.call("DELETE", f"composite/sobjects?ids={ids}")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
