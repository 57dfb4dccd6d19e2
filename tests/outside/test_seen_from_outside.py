"""What a reader of Salesforce relies on, of the sandbox as of the strict organisation: who follows
changes by SystemModstamp, by getUpdated and getDeleted, by the history and by the recycle bin must
find on either server what a person did there."""

from __future__ import annotations

import datetime as dt
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.outside import bench as outside
from tests.outside.bench import DIRECT, Side, strike
from tests.outside.strict_org import StrictOrg
from tests.outside.strict_schema import KEY
from tests.outside.strict_server import StrictServer


@dataclass
class Reader:
    """A Salesforce, and what can be done to it besides the API: rows past the recycle bin, writes
    that show up late (``late(True)``) and are there at last (``late(False)``)."""

    side: Side
    purge: Callable[[str], None]
    late: Callable[[bool], None]

    def soql(self, query: str, *, everything: bool = False) -> list[dict[str, Any]]:
        """The records of a query without their attributes."""
        resource = "queryAll" if everything else "query"
        page = self.side.call("GET", f"{resource}/?q={urllib.parse.quote_plus(query)}")
        return [{k: v for k, v in row.items() if k != "attributes"} for row in page["records"]]

    def made(self, name: str, **values: Any) -> str:
        """The Id of a new initiative."""
        (kind,) = self.soql("SELECT Id FROM RecordType WHERE DeveloperName='Strategic_Initiative'")
        record = {"RecordTypeId": kind["Id"], KEY: name, "Title__c": name, **values}
        body = {
            "allOrNone": False,
            "records": [{"attributes": {"type": "Ticket__c"}, **record}],
        }
        (result,) = self.side.call("PATCH", f"composite/sobjects/Ticket__c/{KEY}", body)
        assert result["success"], result
        return str(result["id"])

    def one(self, row_id: str, fields: str) -> dict[str, Any]:
        """Fields of a row."""
        (row,) = self.soql(f"SELECT {fields} FROM Ticket__c WHERE Id = '{row_id}'")
        return row

    def span(self, resource: str, start: dt.timedelta, end: dt.timedelta) -> Any:
        """getUpdated or getDeleted from one distance of now to another."""
        now = dt.datetime.now(dt.UTC)
        times = {"start": (now + start).isoformat(), "end": (now + end).isoformat()}
        return self.side.call("GET", f"sobjects/Ticket__c/{resource}/?" + _encoded(times))

    def status(self, method: str, path: str, **headers: str) -> int:
        """The status of a request with headers of its own."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{self.side.url}/services/data/v59.0/{path}",
            method=method,
            data=b'{"Title__c": "late"}' if method == "PATCH" else None,
            headers={
                "Authorization": f"Bearer {self.side.token}",
                "Content-Type": "application/json",
                **given,
            },
        )
        try:
            with DIRECT.open(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


def _encoded(values: dict[str, str]) -> str:
    return urllib.parse.urlencode(values)


@pytest.fixture(scope="module")
def strict_reader() -> Iterator[Reader]:
    server = StrictServer(StrictOrg())
    side = Side(server.url, server.token, server.human_token)

    def late(on: bool) -> None:
        server.org.late = 3600.0 if on else 0.0

    yield Reader(side, server.org.purge, late)
    server.stop()


@pytest.fixture(scope="module")
def sandbox_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with outside.sandbox(tmp_path_factory.mktemp("org") / "org.db") as side:

        def late(on: bool) -> None:
            strike(side, *(["late:3600"] if on else ["clock:3601"]))

        yield Reader(side, lambda row_id: _hard_delete(side, row_id), late)


def _hard_delete(side: Side, row_id: str) -> None:
    job = side.call("POST", "jobs/ingest", {"object": "Ticket__c", "operation": "hardDelete"})
    request = urllib.request.Request(
        f"{side.url}/services/data/v59.0/jobs/ingest/{job['id']}/batches",
        method="PUT",
        data=f"Id\n{row_id}\n".encode(),
        headers={"Authorization": f"Bearer {side.token}", "Content-Type": "text/csv"},
    )
    DIRECT.open(request, timeout=20).close()
    side.call("PATCH", f"jobs/ingest/{job['id']}", {"state": "UploadComplete"})
    done = side.call("GET", f"jobs/ingest/{job['id']}")
    assert (done["state"], done["numberRecordsFailed"]) == ("JobComplete", 0)


@pytest.fixture(params=["strict_reader", "sandbox_reader"])
def reader(request: pytest.FixtureRequest) -> Reader:
    found: Reader = request.getfixturevalue(request.param)
    return found


MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def test_changes_come_in_the_order_of_their_stamp_and_id(reader: Reader) -> None:
    made = [reader.made(f"order-{n}") for n in range(5)]
    stamp = reader.one(made[0], "SystemModstamp")["SystemModstamp"].replace(".000+0000", "Z")
    ids = ", ".join(f"'{each}'" for each in made)
    query = f"SELECT Id, SystemModstamp FROM Ticket__c WHERE Id IN ({ids})"
    rows = reader.soql(f"{query} AND SystemModstamp >= {stamp} ORDER BY SystemModstamp, Id")
    assert [row["Id"] for row in rows] == made, "the watermark's own second is included"
    later = [row for row in rows if row["SystemModstamp"] > rows[0]["SystemModstamp"]]
    assert reader.soql(f"{query} AND SystemModstamp > {stamp} ORDER BY SystemModstamp, Id") == later


def test_a_query_can_go_on_behind_a_stamp_and_an_id(reader: Reader) -> None:
    first, second = reader.made("key-1"), reader.made("key-2")
    stamp = reader.one(second, "SystemModstamp")["SystemModstamp"].replace(".000+0000", "Z")
    after = f"(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{first}'))"
    rows = reader.soql(
        f"SELECT Id FROM Ticket__c WHERE {after} AND Id IN ('{first}', '{second}') ORDER BY Id"
    )
    assert [row["Id"] for row in rows] == [second]


def test_a_persons_edit_carries_her_name_and_a_whole_second(reader: Reader) -> None:
    row_id = reader.made("edited", Status__c="In Design")
    ours = reader.one(row_id, "LastModifiedById")["LastModifiedById"]
    reader.side.person_edits(row_id, Status__c="Paused")
    row = reader.one(row_id, "Status__c, LastModifiedById, LastModifiedDate, SystemModstamp")
    assert row["Status__c"] == "Paused"
    assert row["LastModifiedById"] != ours
    assert row["LastModifiedDate"].endswith(".000+0000")
    assert row["SystemModstamp"] >= row["LastModifiedDate"]
    changed = reader.soql(
        "SELECT Field, OldValue, NewValue, CreatedById, CreatedDate FROM Ticket__History"
        f" WHERE ParentId = '{row_id}' AND Field = 'Status__c'"
    )
    assert [(each["OldValue"], each["NewValue"]) for each in changed] == [("In Design", "Paused")]
    assert changed[0]["CreatedById"] == row["LastModifiedById"]
    assert changed[0]["CreatedDate"] == row["LastModifiedDate"]


def test_the_recycle_bin_shows_to_query_all_alone(reader: Reader) -> None:
    row_id = reader.made("binned")
    reader.side.person_deletes(row_id)
    query = f"SELECT Id, IsDeleted FROM Ticket__c WHERE Id = '{row_id}'"
    assert reader.soql(query) == []
    assert reader.soql(query, everything=True) == [{"Id": row_id, "IsDeleted": True}]
    assert reader.status("GET", f"sobjects/Ticket__c/{row_id}") == 404


def test_a_deleted_parent_frees_its_children_without_a_persons_edit(reader: Reader) -> None:
    parent = reader.made("parent")
    child = reader.made("child", Parent_Initiative__c=parent)
    before = reader.one(child, "LastModifiedById")
    reader.side.person_deletes(parent)
    row = reader.one(child, "Parent_Initiative__c, LastModifiedById")
    assert row == {"Parent_Initiative__c": None, **before}


def test_deletions_and_changes_are_told_by_id(reader: Reader) -> None:
    kept, gone, purged = (reader.made(name) for name in ("told-1", "told-2", "told-3"))
    reader.side.person_deletes(gone)
    reader.side.person_deletes(purged)
    reader.purge(purged)
    deleted = reader.span("deleted", -HOUR, 2 * MINUTE)
    ids = {row["id"] for row in deleted["deletedRecords"]}
    assert {gone, purged} <= ids
    assert kept not in ids
    fortnight = dt.datetime.now(dt.UTC) - dt.timedelta(days=14)
    assert dt.datetime.fromisoformat(deleted["earliestDateAvailable"]) < fortnight
    updated = reader.span("updated", -HOUR, 2 * MINUTE)
    assert kept in updated["ids"]
    assert gone not in updated["ids"]
    for resource in ("deleted", "updated"):
        with pytest.raises(urllib.error.HTTPError) as error:
            reader.span(resource, -31 * 24 * HOUR, MINUTE)
        with error.value as answer:
            assert json.loads(answer.read())[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_a_row_past_the_recycle_bin_shows_to_nobody(reader: Reader) -> None:
    row_id = reader.made("purged")
    reader.purge(row_id)
    assert reader.soql(f"SELECT Id FROM Ticket__c WHERE Id = '{row_id}'", everything=True) == []
    history = f"SELECT Id FROM Ticket__History WHERE ParentId = '{row_id}'"
    assert reader.soql(history, everything=True) == []
    assert reader.status("GET", f"sobjects/Ticket__c/{row_id}") == 404


def test_a_late_write_is_there_by_id_before_a_query_shows_it(reader: Reader) -> None:
    row_id = reader.made("late", Status__c="In Design")
    query = f"SELECT Status__c FROM Ticket__c WHERE Id = '{row_id}'"
    history = f"SELECT Id FROM Ticket__History WHERE ParentId = '{row_id}' AND Field = 'Status__c'"
    reader.late(True)
    reader.side.person_edits(row_id, Status__c="Paused")
    shown = reader.soql(query)
    assert shown in ([], [{"Status__c": "In Design"}])
    assert reader.soql(history) == []
    assert reader.side.call("GET", f"sobjects/Ticket__c/{row_id}")["Status__c"] == "Paused"
    reader.late(False)
    assert reader.soql(query) == [{"Status__c": "Paused"}]
    assert len(reader.soql(history)) == 1


def test_guards_judge_by_whole_seconds(reader: Reader) -> None:
    row_id = reader.made("guarded")
    changed = reader.one(row_id, "SystemModstamp")["SystemModstamp"]
    moment = dt.datetime.fromisoformat(changed)
    path = f"sobjects/Ticket__c/{row_id}"
    same, before = _http(moment), _http(moment - dt.timedelta(seconds=1))
    assert reader.status("GET", path, If_Modified_Since=same) == 304
    assert reader.status("GET", path, If_Modified_Since=before) == 200
    assert reader.status("PATCH", path, If_Unmodified_Since=before) == 412
    assert reader.one(row_id, "Title__c") == {"Title__c": "guarded"}
    assert reader.status("PATCH", path, If_Unmodified_Since=same) == 204
    assert reader.one(row_id, "Title__c") == {"Title__c": "late"}


def _http(moment: dt.datetime) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", moment.utctimetuple())
