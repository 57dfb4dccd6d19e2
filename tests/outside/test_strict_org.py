"""The strict organisation itself: what it takes, what it refuses, how it answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from tests.outside.bench import Side
from tests.outside.strict_org import INITIATIVE, StrictOrg
from tests.outside.strict_schema import KEY, full_id
from tests.outside.strict_server import StrictServer

UPSERT = f"composite/sobjects/Ticket__c/{KEY}"


@pytest.fixture
def server() -> Iterator[StrictServer]:
    """A strict organisation."""
    server = StrictServer(StrictOrg())
    yield server
    server.stop()


@pytest.fixture
def side(server: StrictServer) -> Side:
    """Its address and a token."""
    return Side(server.url, server.token, server.human_token)


def collection(*records: dict[str, Any]) -> dict[str, Any]:
    kind = {"attributes": {"type": "Ticket__c"}}
    return {"allOrNone": False, "records": [kind | record for record in records]}


def made(side: Side, **values: Any) -> dict[str, Any]:
    """What became of one new row."""
    record = {KEY: "a", "Title__c": "A", "RecordTypeId": INITIATIVE, **values}
    return dict(side.call("PATCH", UPSERT, collection(record))[0])


def refused(side: Side, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Status and code of a request that is refused as a whole."""
    with pytest.raises(urllib.error.HTTPError) as error:
        side.call(method, path, body)
    with error.value as answer:
        return answer.code, json.loads(answer.read())[0]["errorCode"]


def test_ids_have_the_right_check_letters() -> None:
    assert full_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert full_id("001A0000006Vm9rIAC") == "001A0000006Vm9rIAC"


def test_a_row_is_made_once_and_then_changed(side: Side, server: StrictServer) -> None:
    first, second = made(side), made(side, Title__c="B")
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"]
    assert len(first["id"]) == 18
    row = side.rows("Title__c", "SystemModstamp", "Sort_Order__c")["a"]
    assert row["Title__c"] == "B"
    assert row["SystemModstamp"].endswith(".000+0000")
    assert [new for _, new, _ in server.org.changes("a", "Title__c")] == ["B"]


def test_values_take_the_form_that_salesforce_gives_them(side: Side) -> None:
    made(side, Title__c="  A\u00a0 ", Description__c="x\r\ny  ", Sort_Order__c=80, Department__c="")
    row = side.rows("Title__c", "Description__c", "Sort_Order__c", "Department__c")["a"]
    assert (row["Title__c"], row["Description__c"]) == ("A\u00a0", "x\ny")
    assert (row["Sort_Order__c"], row["Department__c"]) == (80.0, None)
    assert isinstance(row["Sort_Order__c"], float)


BAD = {
    "STRING_TOO_LONG": {"Title__c": "🧩" * 128},
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": {"Status__c": "Done"},
    "INVALID_FIELD_FOR_INSERT_UPDATE": {"Launch_Target__c": "2026-01-01"},
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": {"Launch_Target_Raw__c": "2026-02-30"},
    "MALFORMED_ID": {"IT_Lead__c": "Ana Ruiz"},
    "INVALID_CROSS_REFERENCE_KEY": {"IT_Lead__c": full_id("005000000000000")},
    "REQUIRED_FIELD_MISSING": {"Title__c": " "},
    "NUMBER_OUTSIDE_VALID_RANGE": {"Sort_Order__c": 1000},
    "INVALID_FIELD": {"Parent_Initiative__r": {KEY: "nobody"}},
}


@pytest.mark.parametrize("code", BAD)
def test_a_bad_value_fails_its_row_alone(side: Side, code: str) -> None:
    good = {KEY: "b", "Title__c": "B"}
    bad = {KEY: "a", "Title__c": "A", **BAD[code]}
    results = side.call("PATCH", UPSERT, collection(bad, good))
    assert [result["success"] for result in results] == [False, True]
    assert code in [each["statusCode"] for each in results[0]["errors"]]
    assert set(side.rows()) == {"b"}


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("PATCH", UPSERT, collection({KEY: "a", "Nope__c": 1}), (400, "INVALID_FIELD")),
        ("PATCH", UPSERT, collection({KEY: "a", "Sort_Order__c": "1"}), (400, "JSON_PARSER_ERROR")),
        ("PATCH", UPSERT, collection({KEY: "a", "id": "x"}), (400, "INVALID_FIELD")),
        ("PATCH", "composite/sobjects", collection({"Title__c": "A"}), (400, "INVALID_FIELD")),
        ("PATCH", UPSERT, {"records": []}, (400, "INVALID_ARGUMENT")),
        ("GET", "query/?q=SELECT+Id+FROM+Nope__c", None, (400, "INVALID_TYPE")),
        ("GET", "query/?q=SELECT+Nope__c+FROM+Ticket__c", None, (400, "INVALID_FIELD")),
        ("GET", "query/?q=SELECT+Id+FROM+User+WHERE", None, (400, "MALFORMED_QUERY")),
        ("GET", "sobjects/Nope__c/1", None, (404, "NOT_FOUND")),
    ],
)
def test_a_bad_request_is_refused_as_a_whole(
    side: Side, method: str, path: str, body: Any, answer: tuple[int, str]
) -> None:
    assert refused(side, method, path, body) == answer


def test_a_key_that_comes_twice_fails_each_row_of_it(side: Side) -> None:
    twice = collection({KEY: "a", "Title__c": "A"}, {KEY: "a", "Title__c": "B"})
    codes = [each["errors"][0]["statusCode"] for each in side.call("PATCH", UPSERT, twice)]
    assert codes == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"]


def test_a_deleted_row_is_not_changed_and_not_found(side: Side) -> None:
    row_id = made(side)["id"]
    assert side.call("DELETE", f"composite/sobjects?ids={row_id}&allOrNone=false")[0]["success"]
    [result] = side.call("PATCH", "composite/sobjects", collection({"id": row_id, "Title__c": "B"}))
    assert result["errors"][0]["statusCode"] == "ENTITY_IS_DELETED"
    assert side.rows() == {}
    soql = f"SELECT Id, IsDeleted FROM Ticket__c WHERE Id = '{row_id}'"
    [gone] = side.call("GET", f"queryAll/?q={urllib.parse.quote_plus(soql)}")["records"]
    assert gone["IsDeleted"] is True


def test_a_query_knows_quotes_dates_and_pages(server: StrictServer, side: Side) -> None:
    for number in range(5):
        made(side, **{KEY: f"p{number}", "Title__c": 'it\'s \\ "x"'})
    server.page = 2
    literal = 'it\\\'s \\\\ \\"x\\"'
    soql = (
        f"SELECT Id FROM Ticket__c WHERE Title__c = '{literal}' "
        "AND SystemModstamp >= 2020-01-01T00:00:00Z ORDER BY SystemModstamp, Id"
    )
    page = side.call("GET", f"query/?q={urllib.parse.quote_plus(soql)}")
    assert (page["totalSize"], len(page["records"]), page["done"]) == (5, 2, False)
    assert len(side.rows()) == 5


def test_a_guard_refuses_what_changed_since(side: Side, server: StrictServer) -> None:
    import urllib.request

    row_id = made(side)["id"]
    server.org.skew = 5.0
    server.org.person_edits("a", Title__c="A person's")
    request = urllib.request.Request(
        f"{side.url}/services/data/v59.0/sobjects/Ticket__c/{row_id}",
        method="PATCH",
        data=b'{"Title__c": "Ours"}',
        headers={
            "Authorization": f"Bearer {side.token}",
            "If-Unmodified-Since": "Wed, 01 Jan 2020 00:00:00 GMT",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10)
    error.value.close()
    assert error.value.code == 412
    assert side.rows("Title__c")["a"]["Title__c"] == "A person's"


def test_a_token_that_was_revoked_opens_nothing(side: Side, server: StrictServer) -> None:
    server.revoke()
    assert refused(side, "GET", "limits") == (401, "INVALID_SESSION_ID")
