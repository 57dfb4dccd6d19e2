"""What Salesforce refuses to save: code, status, message and fields of each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from services.sandbox.standard import schema
from store import fields

NOBODY = "005000000000001AAA"


def refusal(org: Any, **body: Any) -> tuple[int, list[dict[str, Any]]]:
    """The answer to an initiative with these values."""
    known = {
        "RecordTypeId": org.id_of("Strategic_Initiative"),
        "Title__c": "An initiative",
    }
    answer = org.call("POST", "sobjects/Ticket__c", known | body)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("body", "message", "code", "named"),
    [
        (
            {"Title__c": "x" * 256},
            f"Title: data value too large: {'x' * 256} (max length=255)",
            "STRING_TOO_LONG",
            ["Title__c"],
        ),
        (
            {"Punchline__c": "🧩" * 251},
            f"Punchline: data value too large: {'🧩' * 251} (max length=500)",
            "STRING_TOO_LONG",
            ["Punchline__c"],
        ),
        (
            {"Status__c": "In Proof"},
            "Status: bad value for restricted picklist field: In Proof",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["Status__c"],
        ),
        (
            {"Status__c": "Closed"},
            "Status: bad value for restricted picklist field: Closed",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["Status__c"],
        ),
        (
            {"Title__c": None},
            "Required fields are missing: [Title__c]",
            "REQUIRED_FIELD_MISSING",
            ["Title__c"],
        ),
        (
            {"Title__c": " \r\n"},
            "Required fields are missing: [Title__c]",
            "REQUIRED_FIELD_MISSING",
            ["Title__c"],
        ),
        (
            {"Sort_Order__c": 1000},
            "Sort Order: value outside of valid range on numeric field: 1000",
            "NUMBER_OUTSIDE_VALID_RANGE",
            ["Sort_Order__c"],
        ),
        (
            {"Alignment__c": None},
            "Alignment: value not of required type: ",
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            ["Alignment__c"],
        ),
        (
            {"Launch_Target__c": "2026-01-01"},
            "Unable to create/update fields: Launch_Target__c. Please check the security settings"
            " of this field and verify that it is read/write for your profile or permission set.",
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            ["Launch_Target__c"],
        ),
        (
            {"IT_Lead__c": "not an id"},
            "IT Lead: id value of incorrect type: not an id",
            "MALFORMED_ID",
            ["IT_Lead__c"],
        ),
        (
            {"IT_Lead__c": NOBODY},
            "invalid cross reference id",
            "INVALID_CROSS_REFERENCE_KEY",
            ["IT_Lead__c"],
        ),
    ],
)
def test_refusals_have_salesforces_words(
    org: Any, body: dict[str, Any], message: str, code: str, named: list[str]
) -> None:
    status, errors = refusal(org, **body)
    assert status == 400
    assert errors == [{"message": message, "errorCode": code, "fields": named}]


@pytest.mark.parametrize(
    "name",
    ["Id", "Name", "CreatedDate", "CreatedById", "LastModifiedDate", "SystemModstamp", "IsDeleted"],
)
def test_system_fields_are_read_only(org: Any, name: str) -> None:
    values = {"IsDeleted": False, "Name": "T-1", "Id": "a0B000000000001EAA"}
    value = values.get(name, NOBODY if name.endswith("Id") else "2026-01-01T00:00:00Z")
    status, errors = refusal(org, **{name: value})
    assert (status, errors[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"Dev_Readiness__c": "80"}, "double from VALUE_STRING value 80"),
        ({"Dev_Readiness__c": True}, "double from VALUE_TRUE"),
        ({"Alignment__c": 1}, "boolean from VALUE_NUMBER_INT"),
        ({"Alignment__c": "true"}, "boolean from VALUE_STRING"),
        ({"Title__c": 5}, "string from VALUE_NUMBER_INT"),
        ({"Title__c": {"a": 1}}, "string from START_OBJECT"),
        ({"IT_Lead__c": ["x"]}, "string from START_ARRAY"),
        ({"Parent_Initiative__r": None}, "Ticket__c from VALUE_NULL"),
    ],
)
def test_values_of_another_json_type_are_refused_by_the_parser(
    org: Any, body: dict[str, Any], kind: str
) -> None:
    status, errors = refusal(org, **body)
    assert status == 400
    assert errors[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert f"Cannot deserialize instance of {kind}" in errors[0]["message"]
    assert "fields" not in errors[0]


def test_unknown_fields_are_refused(org: Any) -> None:
    assert refusal(org, Nope__c=1) == (
        400,
        [
            {
                "message": "No such column 'Nope__c' on sobject of type Ticket__c",
                "errorCode": "INVALID_FIELD",
            }
        ],
    )


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("Launch_Target_Raw__c", ["2026-02-28", "?", "TBD", "N/A", None, " TBD "], []),
        (
            "Launch_Target_Raw__c",
            [],
            ["2026-02-30", "2026-2-3", "1899-12-31", "Q3 2026", "tbd", "2026-13-01"],
        ),
        ("Dev_Readiness__c", [0, 100, 55, None], [-1, 101]),
        ("Total_Score__c", [0, 30, None], [-1]),
    ],
)
def test_validation_rules(org: Any, field: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        org.initiative(**{field: value})
    for value in bad:
        status, errors = refusal(org, **{field: value})
        assert status == 400
        assert errors[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        assert errors[0]["fields"] == [field]


def test_every_broken_rule_is_reported(org: Any) -> None:
    _, errors = refusal(org, Dev_Readiness__c=101, Total_Score__c=-1, Launch_Target_Raw__c="x")
    assert {tuple(e["fields"]) for e in errors} == {
        ("Dev_Readiness__c",),
        ("Total_Score__c",),
        ("Launch_Target_Raw__c",),
    }


def test_an_initiative_cannot_be_its_own_parent(org: Any) -> None:
    made = org.initiative()
    for parent in (made, made[:15]):
        answer = org.call("PATCH", f"sobjects/Ticket__c/{made}", {"Parent_Initiative__c": parent})
        assert answer.status_code == 400
        assert answer.json()[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


def test_a_parent_must_be_a_live_strategic_initiative(org: Any) -> None:
    ticket, gone = org.ticket(), org.initiative()
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    assert refusal(org, Parent_Initiative__c=ticket) == (
        400,
        [
            {
                "message": "Value does not exist or does not match filter criteria.",
                "errorCode": "FIELD_FILTER_VALIDATION_EXCEPTION",
                "fields": ["Parent_Initiative__c"],
            }
        ],
    )
    _, errors = refusal(org, Parent_Initiative__c=gone)
    assert errors[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_people_must_be_active(org: Any) -> None:
    _, errors = refusal(org, IT_Lead__c=org.id_of("olga"))
    assert errors[0]["errorCode"] == "FIELD_FILTER_VALIDATION_EXCEPTION"
    _, errors = refusal(org, OwnerId=org.id_of("olga"))
    assert errors[0]["errorCode"] == "INACTIVE_OWNER_OR_USER"
    queue = org.soql("SELECT Id FROM Group WHERE Type = 'Queue'")[0]["Id"]
    _, errors = refusal(org, IT_Lead__c=queue)
    assert errors[0]["errorCode"] == "MALFORMED_ID"
    assert org.read(org.initiative(OwnerId=queue), "OwnerId") == {"OwnerId": queue}


def test_an_owner_is_never_blank(org: Any) -> None:
    made = org.initiative(OwnerId=org.id_of("ana"))
    answer = org.call("PATCH", f"sobjects/Ticket__c/{made}", {"OwnerId": None})
    assert answer.status_code == 400
    assert answer.json()[0]["fields"] == ["OwnerId"]


def test_external_id_is_unique_among_live_records(org: Any, project_id: str) -> None:
    made = org.initiative(DataOS_Project_Id__c=project_id)
    status, errors = refusal(org, DataOS_Project_Id__c=project_id)
    assert status == 400
    assert errors[0] == {
        "message": "duplicate value found: DataOS_Project_Id__c duplicates value on record with"
        f" id: {made[:15]}",
        "errorCode": "DUPLICATE_VALUE",
        "fields": [],
    }


def test_record_type_must_be_one_of_the_object(org: Any) -> None:
    status, errors = refusal(org, RecordTypeId="012000000000001AAA")
    assert status == 400
    assert errors[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert errors[0]["fields"] == ["RecordTypeId"]


def test_a_record_without_a_type_is_an_ordinary_ticket(org: Any) -> None:
    made = org.ticket()
    found = org.soql(f"SELECT RecordType.DeveloperName FROM Ticket__c WHERE Id = '{made}'")
    assert found == [{"RecordType": {"DeveloperName": "Development"}}]
    assert org.read(made, "Status__c") == {"Status__c": "New"}


def test_defaults_fill_what_was_left_out_and_not_what_was_said_to_be_null(org: Any) -> None:
    made = org.initiative(Priority__c=None)
    assert org.read(made, "Status__c", "Priority__c") == {
        "Status__c": "Yet to Start",
        "Priority__c": None,
    }


def test_a_refused_update_changes_nothing(org: Any) -> None:
    made = org.initiative(Title__c="kept")
    before = org.read(made)
    org.fault("clock:60")
    body = {"Title__c": "lost", "Dev_Readiness__c": 101}
    assert org.call("PATCH", f"sobjects/Ticket__c/{made}", body).status_code == 400
    assert org.read(made) == before


def test_half_a_surrogate_pair_is_replaced(org: Any) -> None:
    body = b'{"Title__c": "x\\ud83e!", "Department__c": "\\ud83e\\udde9"}'
    made = org.call(
        "POST", "sobjects/Ticket__c", data=body, headers={"Content-Type": "application/json"}
    ).json()["id"]
    assert org.read(made, "Title__c", "Department__c") == {
        "Title__c": "x\ufffd!",
        "Department__c": "🧩",
    }


def test_every_project_field_stands_in_the_schema_as_the_table_says() -> None:
    ticket = schema()["ticket__c"]
    for field in fields.FIELDS:
        if field.sf is None:
            continue
        spec = ticket.find(field.sf)
        assert spec is not None, field.sf
        if field.kind in (fields.Kind.TEXT, fields.Kind.LONG_TEXT, fields.Kind.URL):
            assert spec.length == field.length, field.sf
        assert set(field.choices) <= set(spec.values), field.sf
    assert ticket.find(fields.EXTERNAL_ID_FIELD)
