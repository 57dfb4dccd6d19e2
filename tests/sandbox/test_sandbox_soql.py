"""SOQL: what the grammar takes and refuses, what conditions mean, and how answers look."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.sandbox.errors import ApiError
from services.sandbox.soql_ast import DateRange, Name
from services.sandbox.soql_dates import span_of
from services.sandbox.soql_parse import parse

TODAY = dt.date(2026, 11, 18)  # a Wednesday


def test_every_clause_is_taken() -> None:
    query = parse(
        "select Id, t.Owner.Name, (SELECT Field FROM Histories LIMIT 1) FROM Ticket__c t"
        " WHERE (a = 'x' OR b != 2.5) AND NOT c IN ('y', null) AND d >= 2026-01-01T00:00:00Z"
        " AND e NOT IN (SELECT ParentId FROM Ticket__History) AND f LIKE 'z%'"
        " ORDER BY Id DESC NULLS LAST, Name LIMIT 5 OFFSET 3"
    )
    assert (query.limit, query.offset, query.alias) == (5, 3, "t")
    assert [s.descending for s in query.order] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT",
        "SELECT Id",
        "SELECT FROM Ticket__c",
        "SELECT Id FROM Ticket__c WHERE",
        "SELECT Id FROM Ticket__c WHERE a = 1 AND b = 2 OR c = 3",
        "SELECT Id FROM Ticket__c WHERE a = 1 OR b = 2 AND c = 3",
        "SELECT Id FROM Ticket__c WHERE a = 'x",
        'SELECT Id FROM Ticket__c WHERE a = "x"',
        "SELECT Id FROM Ticket__c WHERE a == 1",
        "SELECT Id FROM Ticket__c WHERE a = 'x\\q'",
        "SELECT Id FROM Ticket__c WHERE a IN ()",
        "SELECT Id FROM Ticket__c WHERE a = 2026-02-30",
        "SELECT Id FROM Ticket__c WHERE a = 2026-01-01T25:00:00Z",
        "SELECT Id FROM Ticket__c WHERE a",
        "SELECT Id FROM Ticket__c LIMIT -1",
        "SELECT Id FROM Ticket__c LIMIT x",
        "SELECT Id FROM Ticket__c ORDER Id",
        "SELECT Id, FROM Ticket__c",
        "SELECT * FROM Ticket__c",
        "SELECT Id FROM Ticket__c; DELETE",
        "SELECT Id FROM Ticket__c ALL ROWS",
        "SELECT TYPEOF Owner WHEN User THEN Id END FROM Ticket__c",
        "UPDATE Ticket__c SET a = 1",
        "SELECT Id FROM Ticket__c WHERE " + "(" * 3000 + "a = 1" + ")" * 3000 + " AND",
        "SELECT Id FROM Ticket__c WHERE " + "NOT " * 3000 + "a = 1",
    ],
)
def test_what_is_no_soql_is_malformed(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse(text)
    assert (refused.value.status, refused.value.fault.code) == (400, "MALFORMED_QUERY")


def test_the_refusal_points_at_the_place() -> None:
    with pytest.raises(ApiError) as refused:
        parse("SELECT Id\nFROM Ticket__c WHER a = 1")
    assert refused.value.fault.message == (
        "\nFROM Ticket__c WHER a = 1\n                    ^\n"
        "ERROR at Row:2:Column:21\nunexpected token: 'a'"
    )


@pytest.mark.parametrize(
    ("word", "count", "first", "after"),
    [
        ("TODAY", None, "2026-11-18", "2026-11-19"),
        ("YESTERDAY", None, "2026-11-17", "2026-11-18"),
        ("TOMORROW", None, "2026-11-19", "2026-11-20"),
        ("THIS_WEEK", None, "2026-11-15", "2026-11-22"),
        ("LAST_WEEK", None, "2026-11-08", "2026-11-15"),
        ("THIS_MONTH", None, "2026-11-01", "2026-12-01"),
        ("NEXT_MONTH", None, "2026-12-01", "2027-01-01"),
        ("LAST_QUARTER", None, "2026-07-01", "2026-10-01"),
        ("NEXT_YEAR", None, "2027-01-01", "2028-01-01"),
        ("THIS_FISCAL_YEAR", None, "2026-01-01", "2027-01-01"),
        ("NEXT_90_DAYS", None, "2026-11-19", "2027-02-17"),
        ("NEXT_N_DAYS", 90, "2026-11-19", "2027-02-17"),
        ("NEXT_N_DAYS", 1, "2026-11-19", "2026-11-20"),
        ("LAST_N_DAYS", 7, "2026-11-11", "2026-11-19"),
        ("LAST_N_DAYS", 0, "2026-11-18", "2026-11-19"),
        ("N_DAYS_AGO", 3, "2026-11-15", "2026-11-16"),
        ("LAST_N_MONTHS", 2, "2026-09-01", "2026-11-01"),
        ("LAST_N_WEEKS", 2, "2026-11-01", "2026-11-15"),
    ],
)
def test_relative_dates(word: str, count: int | None, first: str, after: str) -> None:
    span = span_of(DateRange(Name(word, 1, 1), count), TODAY)
    assert [day.isoformat() for day in span] == [first, after]


@pytest.mark.parametrize(
    ("word", "count"),
    [("SOMEDAY", None), ("TODAY", 3), ("LAST_N_DAYS", None), ("LAST_N_DAYS", 10**9)],
)
def test_words_that_are_no_dates_are_malformed(word: str, count: int | None) -> None:
    with pytest.raises(ApiError, match="MALFORMED_QUERY"):
        span_of(DateRange(Name(word, 1, 1), count), TODAY)


# What follows runs against the server, on these records.


@pytest.fixture(scope="module")
def filled(server: Any) -> Any:
    today = dt.datetime.now(dt.UTC).date()

    def day(shift: int) -> str:
        return (today + dt.timedelta(days=shift)).isoformat()

    parent = server.initiative(Title__c="Parent", Department__c="Éva's team", Priority__c="P2")
    server.initiative(
        Title__c="Alpha",
        Status__c="In QA",
        Priority__c="P1",
        Launch_Target_Raw__c=day(0),
        Parent_Initiative__c=parent,
        Dev_Readiness__c=10,
        Alignment__c=True,
        OwnerId=server.id_of("ana"),
        IT_Lead__c=server.id_of("dev"),
    )
    server.initiative(
        Title__c="beta 100%",
        Status__c="Paused",
        Launch_Target_Raw__c=day(1),
        Dev_Readiness__c=20,
        Department__c="a_b",
    )
    server.initiative(
        Title__c="Gamma 'quoted' \\ back",
        Status__c="In QA",
        Launch_Target_Raw__c=day(91),
        Dev_Readiness__c=30,
        Department__c="aXb",
    )
    server.initiative(Title__c="delta", Status__c="N/A", Launch_Target_Raw__c="TBD")
    return server


ALL = {"Parent", "Alpha", "beta 100%", "Gamma 'quoted' \\ back", "delta"}
GAMMA = "Gamma 'quoted' \\ back"


@pytest.mark.parametrize(
    ("where", "titles"),
    [
        ("Title__c = 'ALPHA'", {"Alpha"}),
        ("Title__c != 'alpha'", ALL - {"Alpha"}),
        ("Department__c = 'ÉVA\\'S TEAM'", {"Parent"}),
        ("Department__c != 'éva\\'s team'", ALL - {"Parent"}),
        ("Department__c != 'x'", ALL),
        ("NOT Department__c = 'a_b'", ALL - {"beta 100%"}),
        ("Department__c = null", {"Alpha", "delta"}),
        ("Department__c != null", {"Parent", "beta 100%", GAMMA}),
        ("Department__c NOT IN ('a_b')", ALL - {"beta 100%"}),
        ("Department__c IN ('A_B', null)", {"Alpha", "delta", "beta 100%"}),
        ("Department__c IN ('ÉVA\\'S TEAM', 'x')", {"Parent"}),
        ("Department__c LIKE 'a_b'", {"beta 100%", GAMMA}),
        ("Department__c LIKE 'a\\_b'", {"beta 100%"}),
        ("NOT Department__c LIKE 'a%'", {"Parent", "Alpha", "delta"}),
        ("Department__c LIKE 'É%'", {"Parent"}),
        ("Department__c LIKE 'éV_%team'", {"Parent"}),
        ("Title__c LIKE '%100\\%'", {"beta 100%"}),
        ("Title__c LIKE '%\\\\ b%'", {GAMMA}),
        ("Title__c = 'gamma \\'quoted\\' \\\\ back'", {GAMMA}),
        ("Title__c = '\\u0041lpha'", {"Alpha"}),
        ("Title__c > 'c'", {"Parent", GAMMA, "delta"}),
        ("Dev_Readiness__c > 10", {"beta 100%", GAMMA}),
        ("Dev_Readiness__c <= 20.0", {"Alpha", "beta 100%"}),
        ("Dev_Readiness__c <> 10", ALL - {"Alpha"}),
        ("Dev_Readiness__c IN (10, 30)", {"Alpha", GAMMA}),
        ("Alignment__c = true", {"Alpha"}),
        ("Alignment__c = FALSE", ALL - {"Alpha"}),
        ("Launch_Target__c = TODAY", {"Alpha"}),
        ("Launch_Target__c < TODAY", set()),
        ("Launch_Target__c <= TODAY", {"Alpha"}),
        ("Launch_Target__c > TODAY", {"beta 100%", GAMMA}),
        ("Launch_Target__c = NEXT_N_DAYS:90", {"beta 100%"}),
        ("Launch_Target__c != NEXT_N_DAYS:90", ALL - {"beta 100%"}),
        (
            "Launch_Target__c >= TODAY AND Launch_Target__c <= NEXT_N_DAYS:91",
            ALL - {"Parent", "delta"},
        ),
        ("Launch_Target__c = null", {"Parent", "delta"}),
        ("CreatedDate = TODAY OR CreatedDate = YESTERDAY", ALL),
        ("CreatedDate > 2026-01-01T00:00:00.000+0200", ALL),
        ("CreatedDate < 2020-01-01T00:00:00Z", set()),
        ("CALENDAR_YEAR(CreatedDate) >= 2026", ALL),
        ("Owner.Name = 'ana ruiz'", {"Alpha"}),
        ("Owner.Type = 'User'", ALL),
        ("IT_Lead__r.Email = 'dev@example.com'", {"Alpha"}),
        ("IT_Lead__r.Name != 'Dev Patel'", ALL - {"Alpha"}),
        ("Parent_Initiative__r.Title__c = 'Parent'", {"Alpha"}),
        ("RecordType.DeveloperName = 'Strategic_Initiative'", ALL),
        (
            "(Status__c = 'In QA' OR Status__c = 'Paused') AND Dev_Readiness__c > 10",
            {"beta 100%", GAMMA},
        ),
        ("NOT (Status__c = 'In QA' OR Status__c = 'Paused')", {"Parent", "delta"}),
        ("NOT (Department__c = 'a_b' AND Status__c = 'Paused')", ALL - {"beta 100%"}),
        (
            "Id IN (SELECT Parent_Initiative__c FROM Ticket__c WHERE Status__c = 'In QA')",
            {"Parent"},
        ),
        ("Id NOT IN (SELECT Parent_Initiative__c FROM Ticket__c)", ALL - {"Parent"}),
        ("IT_Lead__c IN (SELECT Id FROM User WHERE FirstName = 'Dev')", {"Alpha"}),
    ],
)
def test_conditions(filled: Any, where: str, titles: set[str]) -> None:
    found = filled.soql(f"SELECT Title__c FROM Ticket__c WHERE {where}")
    assert {r["Title__c"] for r in found} == titles


@pytest.mark.parametrize(
    ("order", "titles"),
    [
        ("Title__c", ["Alpha", "beta 100%", "delta", GAMMA, "Parent"]),
        ("Title__c DESC", ["Parent", GAMMA, "delta", "beta 100%", "Alpha"]),
        ("Dev_Readiness__c, Title__c", ["delta", "Parent", "Alpha", "beta 100%", GAMMA]),
        ("Dev_Readiness__c NULLS LAST, Title__c", ["Alpha", "beta 100%", GAMMA, "delta", "Parent"]),
        (
            "Dev_Readiness__c DESC NULLS LAST, Title__c",
            [GAMMA, "beta 100%", "Alpha", "delta", "Parent"],
        ),
        (
            "Priority__c, Launch_Target__c NULLS LAST, Title__c",
            ["Alpha", "Parent", "beta 100%", GAMMA, "delta"],
        ),
        ("Owner.Name, Title__c", ["Alpha", "beta 100%", "delta", GAMMA, "Parent"]),
    ],
)
def test_order(filled: Any, order: str, titles: list[str]) -> None:
    found = filled.soql(f"SELECT Title__c FROM Ticket__c ORDER BY {order}")
    assert [r["Title__c"] for r in found] == titles


def test_limit_and_offset(filled: Any) -> None:
    query = "SELECT Title__c FROM Ticket__c ORDER BY Title__c LIMIT 2 OFFSET 1"
    assert [r["Title__c"] for r in filled.soql(query)] == ["beta 100%", "delta"]
    assert filled.soql("SELECT Id FROM Ticket__c LIMIT 0") == []
    assert len(filled.soql("SELECT Id FROM Ticket__c OFFSET 2")) == 3


def test_parents_nest_with_their_attributes_and_null_where_there_is_none(filled: Any) -> None:
    query = (
        "SELECT Title__c, Owner.Name, Parent_Initiative__r.Owner.Name,"
        " Parent_Initiative__r.Title__c FROM Ticket__c"
        " WHERE Title__c IN ('Alpha', 'delta') ORDER BY Title__c"
    )
    answer = filled.client().query(query)
    alpha, delta = json.loads(json.dumps(answer["records"]))
    parent = filled.soql("SELECT Id, OwnerId FROM Ticket__c WHERE Title__c = 'Parent'")[0]
    home = "/services/data/v59.0/sobjects"
    assert alpha["Owner"] == {
        "attributes": {"type": "User", "url": f"{home}/User/{filled.id_of('ana')}"},
        "Name": "Ana Ruiz",
    }
    assert alpha["Parent_Initiative__r"] == {
        "attributes": {"type": "Ticket__c", "url": f"{home}/Ticket__c/{parent['Id']}"},
        "Owner": {
            "attributes": {"type": "User", "url": f"{home}/User/{parent['OwnerId']}"},
            "Name": "Steerco Integration",
        },
        "Title__c": "Parent",
    }
    assert delta["Parent_Initiative__r"] is None


def test_children_of_each_parent_with_a_limit_of_their_own(filled: Any) -> None:
    found = filled.soql(
        "SELECT Title__c, (SELECT Title__c FROM Child_Initiatives__r),"
        " (SELECT Id FROM Histories LIMIT 1) FROM Ticket__c ORDER BY Title__c"
    )
    children = {r["Title__c"]: r["Child_Initiatives__r"] for r in found}
    assert children["Parent"] == {
        "totalSize": 1,
        "done": True,
        "records": [{"Title__c": "Alpha"}],
    }
    assert children["Alpha"] is None
    assert all(r["Histories"]["totalSize"] == 1 for r in found)


def test_count_and_aggregates(filled: Any) -> None:
    sf = filled.client()
    counted = sf.query("SELECT COUNT() FROM Ticket__c WHERE Status__c = 'In QA'")
    assert (counted["totalSize"], counted["records"]) == (2, [])
    assert sf.query("SELECT count() FROM Ticket__c LIMIT 3")["totalSize"] == 3
    assert filled.soql(
        "SELECT Status__c, COUNT(Id) n, AVG(Dev_Readiness__c), MAX(Title__c) last FROM Ticket__c"
        " GROUP BY Status__c HAVING COUNT(Id) > 1 ORDER BY Status__c"
    ) == [{"Status__c": "In QA", "n": 2, "expr0": 20.0, "last": GAMMA}]
    assert filled.soql(
        "SELECT COUNT(Department__c), COUNT_DISTINCT(Status__c), SUM(Dev_Readiness__c),"
        " MIN(Dev_Readiness__c) FROM Ticket__c"
    ) == [{"expr0": 3, "expr1": 4, "expr2": 60.0, "expr3": 10.0}]
    years = filled.soql(
        "SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) n FROM Ticket__c"
        " GROUP BY CALENDAR_YEAR(CreatedDate)"
    )
    assert sum(r["n"] for r in years) == 5
    owners = filled.soql("SELECT Owner.Name, COUNT(Id) n FROM Ticket__c GROUP BY Owner.Name")
    assert {(r["Name"], r["n"]) for r in owners} == {("Ana Ruiz", 1), ("Steerco Integration", 4)}


def test_fields_of_all_kinds(filled: Any) -> None:
    row = filled.soql("SELECT FIELDS(ALL) FROM Ticket__c LIMIT 200")[0]
    assert {"Id", "Title__c", "Launch_Target__c", "OwnerId"} <= set(row)
    assert "Title__c" not in filled.soql("SELECT FIELDS(STANDARD) FROM Ticket__c")[0]
    refused = filled.call("GET", "query", params={"q": "SELECT FIELDS(ALL) FROM Ticket__c"})
    assert refused.json()[0]["errorCode"] == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("SELECT Nope FROM Ticket__c", "INVALID_FIELD", "No such column 'Nope' on entity"),
        ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
        ("SELECT Id FROM Name", "INVALID_TYPE", "not supported"),
        ("SELECT Nope__r.Id FROM Ticket__c", "INVALID_FIELD", "understand relationship 'Nope__r'"),
        ("SELECT IT_Lead__c.Name FROM Ticket__c", "INVALID_FIELD", "understand relationship"),
        ("SELECT (SELECT Id FROM Nopes) FROM Ticket__c", "INVALID_TYPE", "relationship 'Nopes'"),
        ("SELECT Id, id FROM Ticket__c", "MALFORMED_QUERY", "duplicate field selected: id"),
        ("SELECT Id x FROM Ticket__c", "MALFORMED_QUERY", "aliasing"),
        ("SELECT Id FROM Ticket__c WHERE Title__c = 5", "INVALID_FIELD", "of type string and"),
        ("SELECT Id FROM Ticket__c WHERE Sort_Order__c = '5'", "INVALID_FIELD", "of type double"),
        (
            "SELECT Id FROM Ticket__c WHERE Alignment__c = 'true'",
            "INVALID_FIELD",
            "of type boolean",
        ),
        (
            "SELECT Id FROM Ticket__c WHERE CreatedDate = 2026-01-01",
            "INVALID_FIELD",
            "of type dateTime",
        ),
        (
            "SELECT Id FROM Ticket__c WHERE CreatedDate > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "dateTime",
        ),
        (
            "SELECT Id FROM Ticket__c WHERE Launch_Target__c = 2026-01-01T00:00:00Z",
            "INVALID_FIELD",
            "of type date and",
        ),
        ("SELECT Id FROM Ticket__c WHERE Title__c = TODAY", "INVALID_FIELD", "of type string"),
        (
            "SELECT Id FROM Ticket__c WHERE Description__c = 'x'",
            "INVALID_FIELD",
            "can not be filtered",
        ),
        (
            "SELECT Id FROM Ticket__c WHERE Id = 'xyz'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: xyz",
        ),
        ("SELECT Id FROM Ticket__c WHERE Id LIKE 'a0B%'", "INVALID_QUERY_FILTER_OPERATOR", "LIKE"),
        (
            "SELECT Id FROM Ticket__c WHERE Alignment__c > true",
            "INVALID_QUERY_FILTER_OPERATOR",
            "'>'",
        ),
        ("SELECT Id FROM Ticket__c WHERE Title__c > null", "INVALID_QUERY_FILTER_OPERATOR", "'>'"),
        ("SELECT Id FROM Ticket__c WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "aggregated"),
        (
            "SELECT Id FROM Ticket__c WHERE Id IN (SELECT Title__c FROM Ticket__c)",
            "MALFORMED_QUERY",
            "exactly one id",
        ),
        (
            "SELECT Id FROM Ticket__c ORDER BY Description__c",
            "MALFORMED_QUERY",
            "can not be sorted",
        ),
        (
            "SELECT Description__c FROM Ticket__c GROUP BY Description__c",
            "MALFORMED_QUERY",
            "grouped",
        ),
        ("SELECT Title__c, COUNT(Id) FROM Ticket__c", "MALFORMED_QUERY", "must be grouped"),
        ("SELECT Id FROM Ticket__c GROUP BY Title__c", "MALFORMED_QUERY", "must be grouped"),
        ("SELECT SUM(Title__c) FROM Ticket__c", "MALFORMED_QUERY", "aggregate operator SUM"),
        ("SELECT NOPE(Id) FROM Ticket__c", "MALFORMED_QUERY", "unexpected token: 'NOPE'"),
        ("SELECT Id FROM Ticket__c OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("", "MALFORMED_QUERY", "query string"),
    ],
)
def test_refused_queries_have_salesforces_codes(
    filled: Any, query: str, code: str, words: str
) -> None:
    answer = filled.call("GET", "query", params={"q": query})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert words in answer.json()[0]["message"]


@pytest.fixture(scope="module")
def many(filled: Any) -> Iterator[Any]:
    """450 tickets of one department."""
    ids = []
    for part in range(3):
        rows = [
            {"attributes": {"type": "Ticket__c"}, "Title__c": f"{n:03d}", "Department__c": "many"}
            for n in range(part * 150, part * 150 + 150)
        ]
        made = filled.call("POST", "composite/sobjects", {"records": rows}).json()
        ids += [r["id"] for r in made]
    yield filled
    for part in range(0, 450, 150):
        filled.call("DELETE", f"composite/sobjects?ids={','.join(ids[part : part + 150])}")


def test_pages_hold_a_batch_each_and_lead_to_the_next(many: Any) -> None:
    query = (
        "SELECT Title__c, Owner.Name, (SELECT Id FROM Histories) FROM Ticket__c"
        " WHERE Department__c = 'many' ORDER BY Title__c"
    )
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = many.call("GET", "query", params={"q": query}, headers=small).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    sf = many.client()
    second = sf.query_more(first["nextRecordsUrl"], True, headers=small)
    assert (second["totalSize"], second["done"], len(second["records"])) == (450, False, 200)
    last = sf.query_more(second["nextRecordsUrl"].rsplit("/", 1)[1], headers=small)
    assert (last["done"], len(last["records"])) == (True, 50)
    titles = [r["Title__c"] for p in (first, second, last) for r in p["records"]]
    assert titles == [f"{n:03d}" for n in range(450)]
    assert {r["Owner"]["Name"] for r in last["records"]} == {"Steerco Integration"}
    assert {r["Histories"]["totalSize"] for r in last["records"]} == {1}
    whole = sf.query_all(query)
    assert [r["Title__c"] for r in whole["records"]] == titles


def test_a_page_shows_what_its_records_hold_when_it_is_fetched(many: Any) -> None:
    query = "SELECT Id, Title__c FROM Ticket__c WHERE Department__c = 'many' ORDER BY Title__c"
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = many.call("GET", "query", params={"q": query}, headers=small).json()
    path = first["nextRecordsUrl"].split("/v59.0/")[1]
    before = many.call("GET", path, headers=small).json()["records"]
    many.call("PATCH", f"sobjects/Ticket__c/{before[0]['Id']}", {"Size__c": "M"})
    many.call("PATCH", f"sobjects/Ticket__c/{before[1]['Id']}", {"Title__c": "201 changed"})
    many.call("DELETE", f"sobjects/Ticket__c/{before[2]['Id']}")
    after = many.call("GET", path, headers=small).json()["records"]
    assert [r["Title__c"] for r in after[:3]] == ["200", "201 changed", "203"]


def test_a_locator_is_its_users_own(many: Any) -> None:
    query = "SELECT Id FROM Ticket__c WHERE Department__c = 'many'"
    small = {"Sforce-Query-Options": "batchSize=200"}
    first = many.call("GET", "query", params={"q": query}, headers=small).json()
    path = first["nextRecordsUrl"].split("/v59.0/")[1]
    for user, locator in (("ana", path), (None, "query/01g000000000001AAA-200")):
        answer = many.call("GET", locator, user=user)
        found = (answer.status_code, answer.json()[0]["errorCode"])
        assert found == (400, "INVALID_QUERY_LOCATOR")


def test_aggregates_have_one_page(many: Any) -> None:
    query = "SELECT Title__c, COUNT(Id) FROM Ticket__c GROUP BY Title__c"
    small = {"Sforce-Query-Options": "batchSize=200"}
    answer = many.call("GET", "query", params={"q": query}, headers=small)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")


def test_long_conditions_are_no_trouble_and_deep_ones_are_malformed(filled: Any) -> None:
    long = " OR ".join(f"Sort_Order__c = {n}" for n in range(600))
    answer = filled.call("GET", "query", params={"q": f"SELECT Id FROM User WHERE {long}"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    query = f"SELECT Id FROM Ticket__c WHERE {long}"
    assert filled.call("GET", "query", params={"q": query}).status_code == 200
    query = "SELECT Id FROM Ticket__c WHERE " + "(" * 2000 + "Title__c = 'x'" + ")" * 2000
    assert filled.call("GET", "query", params={"q": query}).status_code in (200, 400)
    query = "SELECT Id FROM Ticket__c WHERE " + "(Title__c = 'x' AND (Id = null OR " * 300
    query += "Id = null" + "))" * 300
    answer = filled.call("GET", "query", params={"q": query})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")


def test_an_address_longer_than_salesforce_takes_is_refused(filled: Any) -> None:
    answer = filled.call("GET", "query", params={"q": "x" * 20_000})
    assert answer.status_code == 414


def test_paths_work_with_and_without_a_trailing_slash(filled: Any) -> None:
    query = {"q": "SELECT Id FROM User LIMIT 1"}
    for path in ("query", "query/", "queryAll", "queryAll/", "QUERYALL"):
        assert filled.call("GET", path, params=query).status_code == 200
