"""Bulk API 2.0: ingest and query through simple-salesforce, and the jobs in between."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

HEADER = "DataOS_Project_Id__c,Title__c,RecordType.Name\n"


def ingest(org: Any, operation: str, text: str, **more: Any) -> str:
    """The id of a job with these rows, upload complete."""
    body = {"object": "Ticket__c", "operation": operation, "contentType": "CSV"} | more
    job = org.call("POST", "jobs/ingest", body).json()
    assert job["state"] == "Open"
    put = org.http.put(
        f"{org.url}/{job['contentUrl']}",
        data=text.encode(),
        headers={"Authorization": f"Bearer {org.token}", "Content-Type": "text/csv"},
        timeout=10,
    )
    assert put.status_code == 201
    path = f"jobs/ingest/{job['id']}"
    assert org.call("PATCH", path, {"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    return path


def results(org: Any, path: str, what: str) -> list[dict[str, str]]:
    answer = org.call("GET", f"{path}/{what}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_upsert_and_query_through_simple_salesforce(org: Any) -> None:
    sf = org.client()
    records = [
        {
            "DataOS_Project_Id__c": f"bulk-{n}",
            "Title__c": f'🧩 "{n}", with\na line',
            "RecordType.Name": "Strategic Initiative",
            "Dev_Readiness__c": str(n % 101),
            "Alignment__c": "true" if n % 2 else "false",
        }
        for n in range(450)
    ]
    done = sf.bulk2.Ticket__c.upsert(
        records=records, external_id_field="DataOS_Project_Id__c", wait=0.01
    )
    assert (done[0]["numberRecordsProcessed"], done[0]["numberRecordsFailed"]) == (450, 0)
    pages = list(
        sf.bulk2.Ticket__c.query(
            "SELECT Title__c, Alignment__c, Dev_Readiness__c, Owner.Name, Launch_Target__c"
            " FROM Ticket__c WHERE DataOS_Project_Id__c LIKE 'bulk-%'"
            " ORDER BY DataOS_Project_Id__c",
            max_records=200,
            wait=0.01,
        )
    )
    rows = [row for page in pages for row in csv.DictReader(io.StringIO(page, newline=""))]
    assert [len(list(csv.DictReader(io.StringIO(p, newline="")))) for p in pages] == [200, 200, 50]
    assert rows[1] == {
        "Title__c": '🧩 "1", with\na line',
        "Alignment__c": "true",
        "Dev_Readiness__c": "1.0",
        "Owner.Name": "Steerco Integration",
        "Launch_Target__c": "",
    }


def test_rows_fail_one_by_one_and_say_why(org: Any) -> None:
    path = ingest(
        org,
        "upsert",
        "DataOS_Project_Id__c,Title__c,Dev_Readiness__c,Status__c,Parent_Initiative__r."
        "DataOS_Project_Id__c\n"
        "b1,good,80,,\n"
        "b2,bad number,much,,\n"
        "b3,bad status,,In Proof,\n"
        "b4,no parent,,,nobody\n"
        "b5,twice,,,\n"
        "b5,twice,,,\n",
        externalIdFieldName="DataOS_Project_Id__c",
    )
    info = org.call("GET", path).json()
    assert (info["state"], info["numberRecordsProcessed"]) == ("JobComplete", 6)
    assert info["numberRecordsFailed"] == 5
    (good,) = results(org, path, "successfulResults")
    assert (good["sf__Created"], good["Title__c"]) == ("true", "good")
    assert org.read(good["sf__Id"], "Dev_Readiness__c") == {"Dev_Readiness__c": 80.0}
    assert [r["sf__Error"] for r in results(org, path, "failedResults")] == [
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Dev Readiness: value not of required type: much"
        ":Dev_Readiness__c --",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:Status: bad value for restricted picklist field:"
        " In Proof:Status__c --",
        "INVALID_FIELD:Foreign key external ID: nobody not found for field DataOS_Project_Id__c in"
        " entity Ticket__c: --",
        *["DUPLICATE_VALUE:Duplicate external id specified: b5:DataOS_Project_Id__c --"] * 2,
    ]
    assert results(org, path, "unprocessedrecords") == []


def test_empty_cells_say_nothing_and_a_sign_says_null(org: Any) -> None:
    made = org.initiative(Title__c="kept", Department__c="gone", Dev_Readiness__c=5)
    text = f"Id,Title__c,Department__c,Dev_Readiness__c\n{made},,#N/A,6\n"
    path = ingest(org, "update", text)
    assert org.call("GET", path).json()["numberRecordsFailed"] == 0
    assert org.read(made, "Title__c", "Department__c", "Dev_Readiness__c") == {
        "Title__c": "kept",
        "Department__c": None,
        "Dev_Readiness__c": 6.0,
    }


def test_a_job_goes_on_from_look_to_look(org: Any) -> None:
    text = "Title__c\n" + "".join(f"row {n}\n" for n in range(2500))
    path = ingest(org, "insert", text)
    first = org.call("GET", path).json()
    assert (first["state"], first["numberRecordsProcessed"]) == ("InProgress", 2000)
    second = org.call("GET", path).json()
    assert (second["state"], second["numberRecordsProcessed"]) == ("JobComplete", 2500)
    counted = org.soql(
        "SELECT COUNT_DISTINCT(Title__c) n FROM Ticket__c WHERE Title__c LIKE 'row %'"
    )
    assert counted == [{"n": 2500}]


def test_an_aborted_job_leaves_its_rows_unprocessed(org: Any) -> None:
    path = ingest(org, "insert", "Title__c\na\nb\n")
    assert org.call("PATCH", path, {"state": "Aborted"}).json()["state"] == "Aborted"
    assert org.call("GET", path).json()["numberRecordsProcessed"] == 0
    assert [r["Title__c"] for r in results(org, path, "unprocessedRecords")] == ["a", "b"]
    assert org.call("DELETE", path).status_code == 204
    assert org.call("GET", path).status_code == 404


def test_delete_fills_the_recycle_bin_and_hard_delete_goes_past_it(org: Any) -> None:
    soft, hard = org.initiative(), org.initiative()
    org.call("GET", ingest(org, "delete", f"Id\n{soft}\n"))
    org.call("GET", ingest(org, "hardDelete", f"Id\n{hard}\n"))
    ids = f"('{soft}', '{hard}')"
    query = f"SELECT Id FROM Ticket__c WHERE Id IN {ids}"
    assert org.soql(query) == []
    assert org.soql(query, everything=True) == [{"Id": soft}]
    org.call("GET", ingest(org, "hardDelete", f"Id\n{soft}\n"))
    assert org.soql(query, everything=True) == []
    answer = org.call("DELETE", f"sobjects/Ticket__c/{hard}")
    assert answer.json()[0]["errorCode"] == "INVALID_CROSS_REFERENCE_KEY"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Nope__c\nx\n", "Field name not found : Nope__c"),
        ("", "no header"),
        ("Title__c,Size__c\nx\n", "Row 2 has 1 fields"),
    ],
)
def test_bad_data_fails_the_job(org: Any, text: str, words: str) -> None:
    info = org.call("GET", ingest(org, "insert", text)).json()
    assert info["state"] == "Failed"
    assert words in info["errorMessage"]


@pytest.mark.parametrize(
    "body",
    [
        {"object": "Nope__c", "operation": "insert"},
        {"object": "Ticket__c", "operation": "destroy"},
        {"object": "Ticket__c", "operation": "upsert", "externalIdFieldName": "Title__c"},
        {"object": "Ticket__c", "operation": "insert", "columnDelimiter": "STAR"},
    ],
)
def test_bad_jobs_are_refused(org: Any, body: dict[str, str]) -> None:
    assert org.call("POST", "jobs/ingest", body).status_code == 400


@pytest.mark.parametrize(
    "query", ["SELECT COUNT(Id) FROM Ticket__c", "SELECT Nope FROM Ticket__c", "nonsense"]
)
def test_bad_query_jobs_are_refused(org: Any, query: str) -> None:
    answer = org.call("POST", "jobs/query", {"operation": "query", "query": query})
    assert answer.status_code == 400


def test_other_delimiters_and_line_endings(org: Any) -> None:
    path = ingest(
        org,
        "insert",
        "Title__c\tDepartment__c\r\na,b\tc\r\n",
        columnDelimiter="TAB",
        lineEnding="CRLF",
    )
    org.call("GET", path)
    answer = org.call("GET", f"{path}/successfulResults").content
    assert answer.startswith(b'"sf__Id"\t"sf__Created"\t"Title__c"\t"Department__c"\r\n')
    assert org.soql("SELECT Title__c FROM Ticket__c WHERE Department__c = 'c'") == [
        {"Title__c": "a,b"}
    ]
