from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import quote_plus

import pytest

from services.itsc_sf_sync import FIELD_MAP
from services.sync.targets.base import Action, ErrorClass, Problem, Ref, TargetDown, Write
from services.sync.targets.salesforce import HistoryRow, SalesforceTarget
from store.fields import DEFAULTS
from tests.salesforce.sf_scripted import (
    ANA,
    SILENT,
    US,
    Reply,
    Request,
    ScriptedOrg,
    error,
    records,
    reply,
)

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def row(
    project_id: str | None, record_id: str = "a00000000000001AAA", **more: Any
) -> dict[str, Any]:
    return {
        "attributes": {"type": "Ticket__c"},
        "Id": record_id,
        "DataOS_Project_Id__c": project_id,
        "SystemModstamp": "2026-03-01T12:00:05.000+0000",
        "LastModifiedDate": "2026-03-01T12:00:00.000+0000",
        "LastModifiedById": ANA,
        "Title__c": "A",
    } | more


def test_a_row_is_read_with_its_stamps_and_values(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(records(row("p-1", IT_Lead__c=ANA, Dev_Readiness__c=80.0)))
    found = target.read([Ref("p-1", local={"it_lead": "ana@example.com"}), Ref("p-2")])
    first = found["p-1"]
    assert first.exists
    assert not first.deleted
    assert first.values == {
        "feature_name": "A",
        "it_lead": "ana@example.com",
        "intake.dev_readiness": 80,
    }
    assert first.token == "2026-03-01T12:00:05.000+0000"
    assert first.remote_id == "a00000000000001AAA"
    assert first.modified_at == NOON
    assert (first.modified_by, first.modified_by_us) == ("Ana López", False)
    assert not found["p-2"].exists
    assert len(org.requests) == 1


def test_the_query_asks_for_every_mapped_field_by_external_id(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(records())
    target.read([Ref("p-1")])
    soql = org.requests[0].soql
    for api in [*FIELD_MAP.values(), "Parent_Initiative__r.DataOS_Project_Id__c", "SystemModstamp"]:
        assert f" {api}," in soql or f" {api} " in soql, api
    assert soql.endswith("FROM Ticket__c WHERE DataOS_Project_Id__c IN ('p-1')")
    assert "Launch_Target__c" not in soql


def test_our_own_change_is_told_as_ours(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(records(row("p", LastModifiedById=US)))
    assert target.read([Ref("p")])["p"].modified_by_us


def test_ids_are_quoted_and_come_in_groups_that_fit_an_address(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    ids = ["o'hara\\", 'dou"ble', *(f"{number:032d}" for number in range(450))]
    org.play(*[records() for _ in range(10)])
    found = target.read([Ref(one) for one in ids])
    assert len(found) == 452
    assert len(org.requests) == 3
    assert "'o\\'hara\\\\'" in org.requests[0].soql
    for request in org.requests:
        assert len(org.url + request.target) < 16_000
        assert request.soql.count(",'") < 200


def test_long_ids_are_cut_into_more_queries_and_none_is_lost(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    ids = [f"{'é' * 40}{number}" for number in range(200)]
    org.play(*[records() for _ in range(10)])
    target.read([Ref(one) for one in ids])
    assert len(org.requests) > 2
    assert all(len(org.url + request.target) < 16_000 for request in org.requests)
    asked = "".join(request.soql for request in org.requests)
    assert all(f"'{one}'" in asked for one in ids)
    assert len(quote_plus(asked)) > 32_000


def test_nothing_asked_costs_nothing(org: ScriptedOrg, target: SalesforceTarget) -> None:
    assert target.read([]) == {}
    assert org.all_requests == []


def test_every_page_is_read(org: ScriptedOrg, target: SalesforceTarget) -> None:
    more = "/services/data/v59.0/query/01g-1"
    org.play(
        reply(200, {"done": False, "nextRecordsUrl": more, "records": [row("a")]}),
        reply(200, {"done": True, "records": [row("b", "a00000000000002AAA")]}),
    )
    found = target.read([Ref("a"), Ref("b")])
    assert (found["a"].exists, found["b"].exists) == (True, True)
    assert org.requests[1].path == more


def test_a_reading_of_more_pages_than_calls_are_left_stops_without_another_call(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    more = "/services/data/v59.0/query/01g-1"
    page = {"done": False, "nextRecordsUrl": more, "records": [row("a")]}
    org.play(reply(200, page), reply(200, page))
    target.connect()
    target.ration(2, Problem(ErrorClass.PAUSE, "SHARE_USED_UP", "used up", "used up"))
    with pytest.raises(TargetDown, match="used up"):
        target.read([Ref("a"), Ref("b")])
    assert len(org.requests) == 2
    with pytest.raises(TargetDown, match="used up"):
        target.write([Write("a", Action.UPDATE, {"status": "Paused"}, remote_id="a0x")])
    assert len(org.requests) == 2
    target.ration(None, Problem(ErrorClass.PAUSE, "", "", ""))
    org.play(records(row("a")))
    assert target.read([Ref("a")])["a"].exists


def test_a_known_row_that_is_gone_is_looked_for_by_id_in_the_recycle_bin(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        records(row("here", "a00000000000001AAA")),
        records(row("binned", "a00000000000002AAA", IsDeleted=True)),
    )
    found = target.read(
        [
            Ref("here", "a00000000000001AAA"),
            Ref("binned", "a00000000000002AAA"),
            Ref("hidden", "a00000000000003AAA"),
            Ref("never"),
        ]
    )
    assert org.requests[1].path.rstrip("/").endswith("/queryAll")
    assert org.requests[1].soql.endswith("IN ('a00000000000002AAA','a00000000000003AAA')")
    assert (found["here"].exists, found["here"].deleted) == (True, False)
    assert (found["binned"].exists, found["binned"].deleted) == (True, True)
    assert found["binned"].deleted_at == NOON
    assert (found["hidden"].exists, found["hidden"].deleted) == (False, False)
    assert (found["never"].exists, found["never"].deleted) == (False, False)


def test_a_row_whose_external_id_was_emptied_is_still_ours_and_one_renamed_is_not(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        records(),
        records(
            row(None, "a00000000000001AAA", IsDeleted=False),
            row("other", "a00000000000002AAA", IsDeleted=False),
        ),
    )
    found = target.read([Ref("a", "a00000000000001AAA"), Ref("b", "a00000000000002AAA")])
    assert found["a"].exists
    assert not found["b"].exists


def test_of_two_rows_that_claim_a_project_the_known_one_is_read(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        records(
            row("p", "a00000000000001AAA", Title__c="copy"),
            row("p", "a00000000000002AAA", Title__c="ours"),
        )
    )
    found = target.read([Ref("p", "a00000000000002AAA")])
    assert found["p"].values["feature_name"] == "ours"


def test_an_id_in_another_case_is_another_project(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(records(row("P-1")))
    assert not target.read([Ref("p-1")])["p-1"].exists


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, "<html>"),
        reply(200, "null"),
        reply(200, "7"),
        reply(200, []),
        reply(200, {"done": True}),
        reply(200, {"done": True, "records": [1]}),
        reply(200, {"done": False, "records": [row("p")]}),
        reply(200, {"done": False, "records": [], "nextRecordsUrl": "/services/data/loop"}),
        records(row("p", LastModifiedDate="yesterday")),
        records(row("p", SystemModstamp=5)),
        reply(200, {"records": []}, cut=90),
        SILENT,
        Reply(after="close"),
        reply(502, "bad gateway"),
        error(500, "UNKNOWN_EXCEPTION"),
    ],
)
def test_a_read_that_fails_as_a_whole_is_to_be_tried_again(
    org: ScriptedOrg, hasty: SalesforceTarget, answer: Reply
) -> None:
    org.play(answer)
    with pytest.raises(TargetDown) as down:
        hasty.read([Ref("p")])
    assert down.value.problem.cls is ErrorClass.TRANSIENT


def test_a_hidden_field_closes_the_target_and_is_named(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(error(400, "INVALID_FIELD", "No such column 'Punchline__c' on entity 'Ticket__c'."))
    with pytest.raises(TargetDown, match="Punchline__c") as down:
        target.read([Ref("p")])
    assert down.value.problem.cls is ErrorClass.PAUSE


def history_row(field: str, old: Any, new: Any, **more: Any) -> dict[str, Any]:
    return {
        "Id": "017000000000001AAA",
        "ParentId": "a00000000000001AAA",
        "CreatedById": ANA,
        "CreatedDate": "2026-03-01T12:00:00.000+0000",
        "Field": field,
        "OldValue": old,
        "NewValue": new,
    } | more


def test_history_is_told_in_the_models_terms(org: ScriptedOrg, target: SalesforceTarget) -> None:
    parent, unknown = "a00000000000009AAA", "005000000000099AAA"
    org.play(
        records(
            history_row("Status__c", "Paused", "In QA", CreatedById=US),
            history_row("Dev_Readiness__c", None, 80.0),
            history_row("Why_It_Matters__c", None, None),
            history_row("Owner", "Integration User", "Ana López"),
            history_row("Owner", US, ANA),
            history_row("IT_Lead__c", None, unknown),
            history_row("Parent_Initiative__c", None, "The Parent"),
            history_row("Parent_Initiative__c", None, parent),
            history_row("created", None, None),
            history_row("Something_Else__c", 1, 2),
        ),
        records({"Id": parent, "DataOS_Project_Id__c": "p-parent"}),
    )
    rows = target.history(["a00000000000001AAA"], NOON)
    assert rows is not None
    assert [(r.path, r.old, r.new, r.by_us) for r in rows] == [
        ("status", "Paused", "In QA", True),
        ("intake.dev_readiness", None, 80, False),
        ("brief.why_it_matters", None, None, False),
        ("product_owner", "Integration User", "Ana López", False),
        ("it_lead", None, unknown, False),
        ("parent_id", None, "p-parent", False),
        ("created", None, None, False),
    ]
    assert rows[0] == HistoryRow("a00000000000001AAA", "status", "Paused", "In QA", True, NOON)
    assert "CreatedDate >= 2026-03-01T12:00:00Z" in org.requests[0].soql
    assert "ParentId IN ('a00000000000001AAA')" in org.requests[0].soql


@pytest.mark.parametrize("code", ["INVALID_TYPE", "NOT_FOUND", "INSUFFICIENT_ACCESS"])
def test_an_organisation_without_history_says_none(
    org: ScriptedOrg, target: SalesforceTarget, code: str
) -> None:
    org.play(error(400, code, "sObject type 'Ticket__History' is not supported"))
    assert target.history(["a00000000000001AAA"], NOON) is None


def test_history_that_can_not_be_had_now_is_not_no_history(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    def refuse(_: Request) -> Reply:
        return error(503, "SERVER_UNAVAILABLE")

    org.play(refuse)
    with pytest.raises(TargetDown):
        target.history(["a00000000000001AAA"], NOON)


@pytest.mark.parametrize(
    ("rows", "values", "applied"),
    [
        ([], {"status": "In QA"}, None),
        ([("Status__c", "Paused", "In QA", US)], {"status": "In QA"}, True),
        ([("Status__c", "Paused", "Completed", US)], {"status": "In QA"}, False),
        ([("Status__c", "Paused", "In QA", ANA)], {"status": "In QA"}, False),
        ([("Priority__c", "P1", "P2", ANA)], {"status": "In QA"}, None),
        ([("Punchline__c", None, None, US)], {"brief.punchline": "x"}, None),
        ([("IT_Lead__c", None, ANA, US)], {"it_lead": "ana@example.com"}, True),
        ([("IT_Lead__c", None, ANA, US)], {"it_lead": "Nobody Known"}, None),
        ([("Total_Score__c", 1.0, 4.0, US)], {"scores.Ana": 4, "total_score": 4}, True),
        ([("created", None, None, US)], {"status": "In QA"}, None),
        ([("created", None, None, US)], dict(DEFAULTS), True),
        ([("created", None, None, ANA)], dict(DEFAULTS), None),
    ],
)
def test_history_tells_whether_a_send_arrived(
    org: ScriptedOrg,
    target: SalesforceTarget,
    rows: list[tuple[str, Any, Any, str]],
    values: dict[str, Any],
    applied: bool | None,
) -> None:
    org.play(records(*[history_row(f, old, new, CreatedById=by) for f, old, new, by in rows]))
    told = target.applied_at("a00000000000001AAA", values, NOON)
    assert (told if told is None else bool(told)) is applied


def test_an_organisation_without_history_can_not_tell(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(error(400, "INVALID_TYPE"))
    assert target.applied_at("a00000000000001AAA", {"status": "In QA"}, NOON) is None
