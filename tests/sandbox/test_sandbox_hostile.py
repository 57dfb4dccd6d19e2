"""Hostile input: whatever is sent gets an answer in Salesforce's form, and the server goes on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandbox.conftest import unique

TICKET = '{"attributes":{"type":"Ticket__c"},'
BODIES = {
    "nothing": b"",
    "half": b"{",
    "no object": b'"x"',
    "no text": b"\xff\xfe",
    "no number": b'{"Sort_Order__c":NaN}',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "huge number": b'{"records":[' + TICKET.encode() + b'"Sort_Order__c":' + b"9" * 5000 + b"}]}",
    "endless number": b'{"records":[' + TICKET.encode() + b'"Sort_Order__c":1e400}]}',
    "object for text": b'{"records":[' + TICKET.encode() + b'"Title__c":{"a":1}}]}',
    "number for id": b'{"records":[' + TICKET.encode() + b'"Id":5}]}',
    "empty reference": b'{"records":[' + TICKET.encode() + b'"Parent_Initiative__r":{}}]}',
    "odd attributes": b'{"records":[{"attributes":[1],"Title__c":"a"}]}',
    "owner by id": b'{"Title__c":"a","Owner":{"Id":"005000000000000AAA"}}',
    "nul": b'{"Title__c":"a\\u0000b"}',
    "odd state": b'{"state":{"a":1}}',
    "odd job": b'{"object":{},"operation":[],"columnDelimiter":{}}',
    "odd delimiter": b'{"operation":"query","query":"SELECT Id FROM User","lineEnding":["LF"]}',
    "odd headers": b'{"compositeRequest":[{"method":"GET","url":"/services/data/v59.0/limits",'
    b'"referenceId":"a","httpHeaders":[1]}]}',
    "odd address": b'{"compositeRequest":[{"method":"GET","url":"//[","referenceId":"a"}]}',
}
PLACES = (
    ("POST", "sobjects/Ticket__c"),
    ("PATCH", "sobjects/Ticket__c/DataOS_Project_Id__c/x"),
    ("PATCH", "sobjects/Ticket__c/a0B000000000000AAA"),
    ("POST", "composite"),
    ("POST", "composite/sobjects"),
    ("PATCH", "composite/sobjects/Ticket__c/DataOS_Project_Id__c"),
    ("POST", "composite/sobjects/Ticket__c"),
    ("POST", "jobs/ingest"),
    ("POST", "jobs/query"),
)


def send(org: Any, method: str, path: str, **more: Any) -> Any:
    """An answer on the one connection of this module, which nothing may break."""
    headers = {"Authorization": f"Bearer {org.token}", "Content-Type": "application/json"}
    headers |= more.pop("headers", {})
    url = f"{org.url}/services/data/v59.0/{path}"
    return org.http.request(method, url, headers=headers, timeout=20, **more)


@pytest.mark.parametrize("body", BODIES)
def test_a_body_that_is_none_is_refused_in_words(org: Any, body: str) -> None:
    for method, path in PLACES:
        answer = send(org, method, path, data=BODIES[body])
        assert answer.status_code < 500, (method, path, answer.text)
        shown = json.dumps(answer.json())
        assert answer.status_code == 200 or '"errorCode"' in shown or '"success": true' in shown


REFUSALS = ("MALFORMED_QUERY", "NUMBER_OUTSIDE_VALID_RANGE", "INVALID_FIELD")
QUERIES = (
    "SELECT Id FROM User LIMIT 99999999999999999999999999",
    "SELECT Id FROM User LIMIT -1",
    "SELECT Id FROM User LIMIT 1 OFFSET 99999999999999999999",
    "SELECT Id FROM User WHERE CreatedDate > 9999-12-31T23:59:59-14:00",
    "SELECT Id FROM User WHERE CreatedDate > 0001-01-01T00:00:00+14:00",
    "SELECT Id FROM User WHERE CreatedDate > 0000-00-00T00:00:00Z",
    "SELECT Id FROM User WHERE CreatedDate = NEXT_N_QUARTERS:" + "9" * 5000,
    "SELECT Id FROM User WHERE CreatedDate = LAST_N_YEARS:99999",
    "SELECT Id FROM User WHERE " + "(" * 1500 + "Id = null" + ")" * 1499,
    "SELECT Id FROM User WHERE " + "NOT " * 1500 + "Name = 'a'",
    "SELECT " + "Parent_Initiative__r." * 9 + "Id FROM Ticket__c",
    "SELECT Id FROM User; DROP TABLE User",
    "SELECT Id FROM User WHERE Name = 'a' -- x",
    "SELECT Id FROM User WHERE Name = '\\ud800",
)


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
def test_a_query_that_is_none_is_malformed(org: Any, query: str) -> None:
    for answer in (
        send(org, "GET", "query", params={"q": query}),
        send(org, "POST", "jobs/query", json={"operation": "query", "query": query}),
    ):
        assert answer.status_code == 400, answer.text
        (error,) = answer.json()
        assert error["errorCode"] in REFUSALS


TABLES = (
    b"",
    b"\x00",
    b"Title__c\n\x00",
    b'Title__c\n"unclosed',
    b"Title__c\n" + b"x" * 200_000,
    b"Nope__c\nx\n",
    b"Sort_Order__c,Title__c\nnan,x\ninf,y\n1e400,z\n",
    b"Owner:.Id,Title__c\n1,2\n",
    b"Owner:Nope.Id,Title__c\n1,2\n",
    b".,x\n1,2\n",
    b"\xff\xfe\n",
    b"Id\nx\n",
)


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
@pytest.mark.parametrize("operation", ["insert", "upsert", "update", "delete", "hardDelete"])
def test_a_table_that_is_none_fails_its_job_or_its_rows(
    org: Any, table: bytes, operation: str
) -> None:
    body = {"object": "Ticket__c", "operation": operation}
    job = send(
        org, "POST", "jobs/ingest", json=body | {"externalIdFieldName": "DataOS_Project_Id__c"}
    ).json()["id"]
    csv = {"Content-Type": "text/csv"}
    assert send(org, "PUT", f"jobs/ingest/{job}/batches", data=table, headers=csv).ok
    assert send(org, "PATCH", f"jobs/ingest/{job}", json={"state": "UploadComplete"}).ok
    info = send(org, "GET", f"jobs/ingest/{job}").json()
    rows = info["numberRecordsProcessed"]
    assert info["state"] == "Failed" or info["numberRecordsFailed"] == rows, info
    for results in ("successfulResults", "failedResults", "unprocessedrecords"):
        assert send(org, "GET", f"jobs/ingest/{job}/{results}").status_code == 200


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("sobjects/Ticket__c/DataOS_Project_Id__c/%00%ff", "NOT_FOUND"),
        ("sobjects/Ticket__c/%00", "NOT_FOUND"),
        ("query/01gx-" + "9" * 30, "INVALID_QUERY_LOCATOR"),
        ("sobjects/Ticket__c/updated?start=x&end=y", "INVALID_FIELD"),
        (
            "sobjects/Ticket__c/updated?start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59-12:00",
            "INVALID_FIELD",
        ),
        (
            "sobjects/Ticket__c/deleted?start=0001-01-01T00:00:00Z&end=0001-01-02T00:00:00Z",
            "INVALID_REPLICATION_DATE",
        ),
        ("jobs/ingest/%00/successfulResults", "NOT_FOUND"),
        ("composite/sobjects/Ticket__c?ids=%00&fields=Id", "MALFORMED_ID"),
        ("nope", "NOT_FOUND"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_in_words(org: Any, path: str, code: str) -> None:
    answer = send(org, "GET", path)
    assert answer.json()[0]["errorCode"] == code


@pytest.mark.parametrize(
    "header",
    [
        {"Authorization": "Bearer 00D!token-for:\xff.1.x".encode("latin1")},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": "Basic /////w=="},
    ],
)
def test_a_strange_session_is_none(org: Any, header: dict[str, Any]) -> None:
    answer = send(org, "GET", "limits", headers=header)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_a_body_that_is_too_large_is_not_read_to_its_end(org: Any) -> None:
    answer = send(org, "POST", "sobjects/Ticket__c", data=b" " * 51_000_000)
    assert answer.status_code == 413
    assert send(org, "GET", "limits").status_code == 200


def test_entities_of_a_login_are_not_unfolded(org: Any) -> None:
    levels = '<!ENTITY e0 "lol">'
    for n in range(8):
        levels += f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">'
    body = f"<!DOCTYPE x [{levels}]><login><username>&e8;</username></login>"
    answer = org.http.post(f"{org.url}/services/Soap/u/59.0", data=body, timeout=20)
    assert "INVALID_XML" in answer.text


def test_two_clients_at_once_lose_and_double_nothing(org: Any) -> None:
    """Both upsert the same projects and edit one row of them; every answer is a success."""
    names = [unique() for _ in range(40)]
    kind = org.id_of("Strategic_Initiative")
    client = org.token_of("ana")

    def write(number: int) -> list[int]:
        token = [org.token, client][number % 2]
        headers = {"Authorization": f"Bearer {token}"}
        base = f"{org.url}/services/data/v59.0/sobjects/Ticket__c/DataOS_Project_Id__c"
        import requests

        with requests.Session() as http:
            http.trust_env = False
            return [
                http.patch(
                    f"{base}/{name}",
                    json={"Title__c": f"by {number}", "RecordTypeId": kind},
                    headers=headers,
                    timeout=30,
                ).status_code
                for name in names
            ]

    with ThreadPoolExecutor(4) as pool:
        answers = [code for codes in pool.map(write, range(4)) for code in codes]
    assert sorted(set(answers)) == [200, 201]
    assert answers.count(201) == len(names)
    keys = "', '".join(names)
    found = org.soql(
        f"SELECT Id, (SELECT Field FROM Histories) FROM Ticket__c"
        f" WHERE DataOS_Project_Id__c IN ('{keys}')"
    )
    assert len(found) == len(names)
    for row in found:
        fields = [each["Field"] for each in row["Histories"]["records"]]
        assert fields.count("created") == 1
        assert fields.count("Title__c") == 3
