"""simple-salesforce in every call it has: each is made here, or it is of LEFT_OUT, and then the
sandbox refuses it in Salesforce's own form."""

from __future__ import annotations

import csv
import datetime as dt
import inspect
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simple_salesforce import Salesforce
from simple_salesforce.api import SFType
from simple_salesforce.bulk import SFBulkType
from simple_salesforce.bulk2 import SFBulk2Type
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from tests.sandbox.conftest import unique

KEY = "DataOS_Project_Id__c"
HERE = {
    Salesforce: "describe is_sandbox limits query query_all query_all_iter query_more quick_search"
    " restful oauth2 search set_password parse_api_usage parse_result_to_json",
    SFType: "create delete deleted describe describe_layout get get_by_custom_id metadata"
    " parse_result_to_json update updated upsert",
    SFBulkType: "delete hard_delete insert query query_all submit_dml update upsert worker",
    SFBulk2Type: "delete download get_all_ingest_records get_failed_records get_successful_records"
    " get_unprocessed_records hard_delete insert query query_all update upsert",
}
LEFT_OUT = {
    Salesforce: "apexecute checkDeployStatus deploy toolingexecute",
    SFType: "get_base64 update_base64 upload_base64",
}
"""Apex, the Tooling and the Metadata API, and fields that hold files: this org has none of them."""


def calls_of(client: type) -> set[str]:
    return {
        name
        for name, _ in inspect.getmembers(client, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("client", HERE)
def test_every_call_of_the_library_is_made_or_named(client: type) -> None:
    made, left_out = HERE[client].split(), LEFT_OUT.get(client, "").split()
    assert calls_of(client) == {*made, *left_out}
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in (*made, *left_out) if f".{name}(" not in source] == []


@pytest.fixture
def sf(org: Any) -> Salesforce:
    client: Salesforce = org.client()
    return client


def record(org: Any, name: str, **values: Any) -> dict[str, Any]:
    kind = org.id_of("Strategic_Initiative")
    return {"RecordTypeId": kind, "Title__c": name, KEY: unique(), **values}


def test_rows(sf: Salesforce, org: Any) -> None:
    tickets = sf.Ticket__c
    body = record(org, "A row")
    key = body[KEY]
    made = tickets.create(body)
    assert made["success"]
    assert tickets.update(made["id"], {"Title__c": "Changed"}) == 204
    assert tickets.get(made["id"])["Title__c"] == "Changed"
    assert tickets.get_by_custom_id(KEY, key)["Id"] == made["id"]
    assert tickets.upsert(f"{KEY}/{key}", {"Title__c": "Again"}) == 200
    fresh = record(org, "New")
    address = f"{KEY}/{fresh.pop(KEY)}"
    raw = tickets.upsert(address, fresh, raw_response=True)
    assert (raw.status_code, raw.json()["created"]) == (201, True)
    assert tickets.delete(made["id"]) == 204
    start, end = (dt.datetime.now(dt.UTC) + dt.timedelta(minutes=m) for m in (-5, 5))
    assert made["id"] in [row["id"] for row in tickets.deleted(start, end)["deletedRecords"]]
    assert made["id"] not in tickets.updated(start, end)["ids"]


def test_descriptions(sf: Salesforce, org: Any) -> None:
    assert "Ticket__c" in [each["name"] for each in sf.describe()["sobjects"]]
    assert sf.Ticket__c.metadata()["objectDescribe"]["keyPrefix"] == "a0B"
    assert sf.Ticket__c.describe()["custom"] is True
    answer = org.call("GET", "limits")
    assert sf.parse_result_to_json(answer) == answer.json()
    assert sf.Ticket__c.parse_result_to_json(answer) == answer.json()
    usage = Salesforce.parse_api_usage("api-usage=18/5000")
    assert (usage["api-usage"].used, usage["api-usage"].total) == (18, 5000)


def test_the_layout_is_the_packages(sf: Salesforce, org: Any) -> None:
    layout = sf.Ticket__c.describe_layout(org.id_of("Strategic_Initiative"))
    headings = [section["heading"] for section in layout["detailLayoutSections"]]
    assert headings == [
        *("Initiative Details", "Strategic Context", "Goal Alignment", "Brief", "Intake"),
        *("Hierarchy", "System"),
    ]
    details = layout["detailLayoutSections"][0]
    first = details["layoutRows"][0]["layoutItems"]
    assert [item["layoutComponents"][0]["value"] for item in first] == ["Title__c", "IT_Lead__c"]
    assert (first[0]["required"], first[1]["required"]) == (True, False)
    shown = {
        component["value"]: item["editableForUpdate"]
        for section in layout["detailLayoutSections"]
        for row in section["layoutRows"]
        for item in row["layoutItems"]
        for component in item["layoutComponents"]
    }
    assert shown["Status__c"] is True
    assert shown["Launch_Target__c"] is shown["Total_Score__c"] is False
    (children, _) = layout["relatedLists"]
    assert (children["name"], children["field"]) == ("Child_Initiatives__r", "Parent_Initiative__c")
    for record_type in (org.id_of("Development"), "012000000000000AAA", "nonsense"):
        with pytest.raises(SalesforceResourceNotFound):
            sf.Ticket__c.describe_layout(record_type)


def test_queries(sf: Salesforce, org: Any) -> None:
    mark = unique()
    rows = [record(org, f"q{n}", Department__c=mark) for n in range(3)]
    sf.bulk.Ticket__c.insert(rows)
    soql = f"SELECT Title__c FROM Ticket__c WHERE Department__c = '{mark}' ORDER BY Title__c"
    assert sf.query(soql)["totalSize"] == 3
    assert [row["Title__c"] for row in sf.query_all(soql)["records"]] == ["q0", "q1", "q2"]
    assert [row["Title__c"] for row in sf.query_all_iter(soql)] == ["q0", "q1", "q2"]
    assert sf.query(f"SELECT COUNT() FROM Ticket__c WHERE Department__c = '{mark}'") == {
        "totalSize": 3,
        "done": True,
        "records": [],
    }
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_QUERY_LOCATOR"):
        sf.query_more("01g000000000000AAA-2000")
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.is_sandbox() is True
    assert set(sf.restful("limits")) == set(sf.limits())
    assert sf.oauth2("userinfo")["organization_id"] == org.organization


def test_searches(sf: Salesforce, org: Any) -> None:
    made = org.initiative(Title__c="Grüße an Zanzibar", Punchline__c="Fixing the plumbing")
    org.initiative(Title__c="Zanzibar alone", Status__c="Paused")
    gone = org.initiative(Title__c="Zanzibar plumbing, deleted")
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    found = sf.quick_search("zanzi PLUMB")
    assert [row["Id"] for row in found["searchRecords"]] == [made]
    assert found["searchRecords"][0]["attributes"]["type"] == "Ticket__c"
    paused = sf.search(
        "FIND {Zanzibar} IN ALL FIELDS RETURNING Ticket__c(Id, Title__c, Owner.Name"
        " WHERE Status__c IN ('Paused') ORDER BY Title__c LIMIT 5), User(Name) LIMIT 10"
    )
    assert [row["Title__c"] for row in paused["searchRecords"]] == ["Zanzibar alone"]
    assert paused["searchRecords"][0]["Owner"]["Name"] == "Steerco Integration"
    people = sf.search("FIND {Ruiz} IN NAME FIELDS RETURNING User(Username)")
    assert [row["Username"] for row in people["searchRecords"]] == ["ana@example.com"]
    assert sf.search("FIND {anzibar} RETURNING Ticket__c") == {"searchRecords": []}


@pytest.mark.parametrize(
    "search",
    [
        *("", "FIND", "FIND {x}", "FIND {Zanzibar} RETURNING Nope__c", "FIND {} RETURNING User"),
        *("FIND {Zanzibar} RETURNING Ticket__c(Nope__c)", "FIND {Zanzibar} RETURNING User(Id"),
        *("FIND {Zanzibar} RETURNING User(Id) User(Id)", "FIND {Zanzibar} IN NO FIELDS"),
        "FIND {Zanzibar} RETURNING Ticket__c(COUNT(Id))",
    ],
)
def test_a_search_that_is_none_is_refused(sf: Salesforce, org: Any, search: str) -> None:
    org.initiative(Title__c="Zanzibar again")
    with pytest.raises(SalesforceMalformedRequest, match=r"MALFORMED|INVALID_FIELD"):
        sf.search(search)


def test_a_password_is_set_and_logs_in(sf: Salesforce, org: Any) -> None:
    user = org.id_of("gita")
    form = {
        "grant_type": "password",
        "client_id": org.client_id,
        "client_secret": org.secret,
        "username": "gita@example.com",
        "password": "correct horse",
    }
    login = f"{org.url}/services/oauth2/token"
    assert org.http.post(login, data=form, timeout=10).status_code == 400
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_NEW_PASSWORD"):
        sf.set_password(user, "short")
    assert sf.set_password(user, "correct horse") is None
    assert org.http.post(login, data=form, timeout=10).status_code == 200
    assert org.http.post(login, data=form | {"password": org.secret}, timeout=10).status_code == 400
    with pytest.raises(SalesforceResourceNotFound):
        sf.set_password("005000000000000AAA", "correct horse")


def test_bulk_1_inserts_updates_upserts_and_deletes(sf: Salesforce, org: Any) -> None:
    bulk = sf.bulk.Ticket__c
    rows = [record(org, f"b{n}") for n in range(450)]
    rows[7]["Status__c"] = "Nowhere"
    made = bulk.insert(rows, batch_size=250)
    assert [row["success"] for row in made].count(True) == 449
    (error,) = made[7]["errors"]
    assert error["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert (made[7]["id"], made[7]["created"], made[0]["created"]) == (None, False, True)
    ids = [row["id"] for row in made if row["success"]]
    changed = bulk.update([{"Id": each, "Title__c": "changed"} for each in ids[:2]])
    assert [(row["success"], row["created"]) for row in changed] == [(True, False)] * 2
    upserted = bulk.upsert([rows[0] | {"Title__c": "up"}, record(org, "new")], KEY)
    assert [row["created"] for row in upserted] == [False, True]
    again = sf.bulk.submit_dml("Ticket__c", "upsert", [rows[1]], KEY, include_detailed_results=True)
    assert (again[0]["success"], again[0]["Title__c"]) == (True, "b1")
    direct = bulk.submit_dml("update", [{"Id": ids[3], "Title__c": "dml"}])
    assert direct[0]["success"]
    assert bulk.delete([{"Id": ids[0]}])[0]["success"]
    assert bulk.hard_delete([{"Id": ids[0]}, {"Id": ids[1]}])[1]["success"]
    everything = f"SELECT Id, IsDeleted FROM Ticket__c WHERE Id IN ('{ids[1]}', '{ids[2]}')"
    (row,) = bulk.query_all(everything)
    assert row["Id"] == ids[2], "what was purged is not in the recycle bin"
    (row,) = bulk.query(f"SELECT Id, Title__c FROM Ticket__c WHERE Id = '{ids[2]}'")
    assert (row["Id"], row["Title__c"]) == (ids[2], "b2")
    assert row["attributes"]["type"] == "Ticket__c"


def test_bulk_2(sf: Salesforce, org: Any, tmp_path: Path) -> None:
    bulk, mark = sf.bulk2.Ticket__c, unique()
    rows = [record(org, f"c{n}", Department__c=mark) for n in range(3)]
    rows[1]["Status__c"] = "Nowhere"
    rows[0]["Status__c"] = rows[2]["Status__c"] = "Paused"
    (job,) = bulk.insert(records=rows, wait=0)
    assert (job["numberRecordsTotal"], job["numberRecordsFailed"]) == (3, 1)
    job_id = job["job_id"]
    made = list(csv.DictReader(io.StringIO(bulk.get_successful_records(job_id))))
    (failed,) = csv.DictReader(io.StringIO(bulk.get_failed_records(job_id)))
    assert [row["Title__c"] for row in made] == ["c0", "c2"]
    assert failed["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert list(csv.DictReader(io.StringIO(bulk.get_unprocessed_records(job_id)))) == []
    everything = bulk.get_all_ingest_records(job_id)
    assert sorted(map(len, everything.values())) == [0, 1, 2]
    first, second = (row["sf__Id"] for row in made)
    (job,) = bulk.update(records=[{"Id": first, "Title__c": "changed"}], wait=0)
    assert job["numberRecordsFailed"] == 0
    (job,) = bulk.upsert(records=[rows[2] | {"Title__c": "up"}], external_id_field=KEY, wait=0)
    assert job["numberRecordsFailed"] == 0
    soql = f"SELECT Title__c FROM Ticket__c WHERE Department__c = '{mark}' ORDER BY Title__c"
    pages = list(bulk.query(soql, max_records=1, wait=0))
    assert [page.split() for page in pages] == [['"Title__c"', f'"{t}"'] for t in ("changed", "up")]
    (page,) = bulk.download(soql, str(tmp_path), wait=0)
    assert Path(page["file"]).read_text().split() == ['"Title__c"', '"changed"', '"up"']
    (job,) = bulk.delete(records=[{"Id": first}], wait=0)
    (job,) = bulk.hard_delete(records=[{"Id": second}], wait=0)
    assert job["numberRecordsFailed"] == 0
    assert [page.split() for page in bulk.query(soql, wait=0)] == [['"Title__c"']]
    assert [page.split()[1:] for page in bulk.query_all(soql, wait=0)] == [['"changed"']]


def test_bulk_1_tells_of_jobs_and_batches_that_fail(sf: Salesforce, org: Any) -> None:
    bulk = sf.bulk.Ticket__c
    with pytest.raises(SalesforceGeneralError, match="No such column 'Nope__c'"):
        list(bulk.query("SELECT Nope__c FROM Ticket__c"))
    failed = bulk.insert([{"Nope__c": 1}], bypass_results=True)
    job = bulk._get_job(failed[1]["job_id"])
    assert (job["state"], job["numberBatchesFailed"]) == ("Closed", 1)
    (batch,) = org.http.get(
        f"{org.url}/services/async/59.0/job/{job['id']}/batch",
        headers={"X-SFDC-Session": org.token},
        timeout=10,
    ).json()["batchInfo"]
    assert batch["stateMessage"].startswith("InvalidBatch : No such column 'Nope__c'")
    assert list(bulk.worker({"jobId": job["id"], "id": batch["id"]}, "insert")) == [[]]
    with pytest.raises(SalesforceMalformedRequest, match="InvalidJobState"):
        bulk._add_batch(job["id"], [record(org, "late")], "insert")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("job", {"operation": "insert", "object": "Nope", "contentType": "JSON"}, "INVALIDENTITY"),
        ("job", {"operation": "merge", "object": "Ticket__c", "contentType": "JSON"}, "INVALIDJOB"),
        ("job", {"operation": "insert", "object": "Ticket__c", "contentType": "XML"}, "InvalidJob"),
        ("job", [], "JSON_PARSER_ERROR"),
        ("job/750000000000000AAA", {"state": "Closed"}, "InvalidJob"),
        ("job/750000000000000AAA/batch", [], "InvalidJob"),
        ("jobs", {}, "InvalidUrl"),
    ],
)
def test_bulk_1_refuses_in_its_own_form(org: Any, path: str, body: Any, code: str) -> None:
    url = f"{org.url}/services/async/59.0/{path}"
    headers = {"X-SFDC-Session": org.token}
    answer = org.http.post(url, json=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["exceptionCode"]) == (400, code)
    assert answer.json()["exceptionMessage"]
    stranger = org.http.post(url, json=body, headers={"X-SFDC-Session": "x"}, timeout=10)
    assert (stranger.status_code, stranger.json()["exceptionCode"]) == (400, "InvalidSessionId")
    assert org.http.get(f"{org.url}/services/async/", timeout=10).status_code == 404


@pytest.mark.parametrize(
    "call",
    [
        lambda sf, path: sf.apexecute("Steerco/projects"),
        lambda sf, path: sf.toolingexecute("query/?q=SELECT+Id+FROM+ApexClass"),
        lambda sf, path: sf.Ticket__c.get_base64("a0B000000000000AAA"),
        lambda sf, path: sf.Ticket__c.upload_base64(path),
        lambda sf, path: sf.Ticket__c.update_base64("a0B000000000000AAA", path),
    ],
)
def test_what_the_org_has_not_is_said_in_salesforces_form(
    sf: Salesforce, tmp_path: Path, call: Callable[[Salesforce, str], Any]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    with pytest.raises((SalesforceResourceNotFound, SalesforceMalformedRequest)) as refused:
        call(sf, str(path))
    assert refused.value.content[0]["errorCode"] in ("NOT_FOUND", "INVALID_FIELD")


def test_there_is_no_metadata_api(sf: Salesforce, tmp_path: Path, org: Any) -> None:
    (tmp_path / "package.zip").write_bytes(b"PK")
    with pytest.raises(Exception, match="INVALID_OPERATION"):
        sf.deploy(str(tmp_path / "package.zip"), True)
    with pytest.raises(Exception, match="INVALID_OPERATION"):
        sf.checkDeployStatus("0Af000000000000AAA")
