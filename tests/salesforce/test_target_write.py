from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.sync.targets.base import Action, ErrorClass, Outcome, TargetDown, Write
from services.sync.targets.salesforce import SalesforceTarget
from tests.salesforce.sf_scripted import (
    ANA,
    CLOSED,
    RECORD_TYPE_ID,
    RESET,
    SILENT,
    Reply,
    Request,
    ScriptedOrg,
    error,
    records,
    reply,
    row_error,
    row_ok,
)

DATE = "Sun, 01 Mar 2026 12:00:00 GMT"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
TOKEN = "2026-03-01T11:59:58.000+0000"
UPSERT_PATH = "/services/data/v59.0/composite/sobjects/Ticket__c/DataOS_Project_Id__c"
BY_ID_PATH = "/services/data/v59.0/composite/sobjects"


def an_id(number: int) -> str:
    return f"a0{number:013d}AAA"


def create(project_id: str, **values: Any) -> Write:
    return Write(project_id, Action.CREATE, {"feature_name": project_id} | values)


def update(number: int, contested: bool = False, **values: Any) -> Write:
    return Write(
        f"p-{number}",
        Action.UPDATE,
        values or {"status": "Paused"},
        token=TOKEN if contested else None,
        remote_id=an_id(number),
        contested=contested,
    )


def link(project_id: str, parent: str | None, remote_id: str | None = None) -> Write:
    return Write(project_id, Action.LINK, {"parent_id": parent}, remote_id=remote_id)


def delete(number: int) -> Write:
    return Write(f"p-{number}", Action.DELETE, remote_id=an_id(number))


def classes(outcomes: list[Outcome]) -> list[ErrorClass | None]:
    return [outcome.problem.cls if outcome.problem else None for outcome in outcomes]


def test_creates_go_in_one_upsert_by_external_id(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_ok(an_id(1), True), row_ok(an_id(2), True)], Date=DATE))
    first = replace(
        create(
            "p-1",
            **{
                "priority": "P1",
                "sort_order": 3,
                "flags.alignment": True,
                "it_lead": "ana@example.com",
                "intake.executive_sponsor": "Nobody Known",
                "product_owner": None,
                "parent_id": "p-2",
                "scores.Ana": 4,
            },
        ),
        total_score=4,
    )
    outcomes = target.write([first, create("p-2")])
    request = org.requests[0]
    assert (request.method, request.path) == ("PATCH", UPSERT_PATH)
    assert request.json == {
        "allOrNone": False,
        "records": [
            {
                "attributes": {"type": "Ticket__c"},
                "DataOS_Project_Id__c": "p-1",
                "RecordTypeId": RECORD_TYPE_ID,
                "Title__c": "p-1",
                "Priority__c": "P1",
                "Sort_Order__c": 3,
                "Alignment__c": True,
                "IT_Lead__c": ANA,
                "Total_Score__c": 4,
            },
            {
                "attributes": {"type": "Ticket__c"},
                "DataOS_Project_Id__c": "p-2",
                "RecordTypeId": RECORD_TYPE_ID,
                "Title__c": "p-2",
            },
        ],
    }
    assert [(o.done, o.remote_id, o.token, o.modified_at) for o in outcomes] == [
        (True, an_id(1), None, NOON),
        (True, an_id(2), None, NOON),
    ]
    assert outcomes[0].skipped == ("intake.executive_sponsor", "product_owner")
    assert outcomes[0].request["Title__c"] == "p-1"
    assert outcomes[0].response == row_ok(an_id(1), True)


def test_updates_go_in_one_request_by_id(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(reply(200, [row_ok(an_id(1)), row_ok(an_id(2))], Date=DATE))
    outcomes = target.write([update(1), update(2, parent_id="p-9")])
    request = org.requests[0]
    assert (request.method, request.path) == ("PATCH", BY_ID_PATH)
    assert request.json == {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Ticket__c"}, "id": an_id(1), "Status__c": "Paused"},
            {
                "attributes": {"type": "Ticket__c"},
                "id": an_id(2),
                "Parent_Initiative__r": {
                    "attributes": {"type": "Ticket__c"},
                    "DataOS_Project_Id__c": "p-9",
                },
            },
        ],
    }
    assert [(o.done, o.remote_id) for o in outcomes] == [(True, an_id(1)), (True, an_id(2))]


def test_each_kind_costs_one_request_and_answers_keep_the_callers_order(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        reply(200, [row_ok(an_id(10)), row_error("STRING_TOO_LONG", "long", ["Title__c"])]),
        reply(200, [row_ok(an_id(1)), row_ok(an_id(2)), row_ok(an_id(10))]),
        reply(200, [row_ok(an_id(3))]),
    )
    outcomes = target.write(
        [
            delete(3),
            update(1),
            create("new"),
            link("p-2", None, an_id(2)),
            create("bad"),
            link("new", "p-1"),
        ]
    )
    assert [o.done for o in outcomes] == [True, True, True, True, False, True]
    assert [request.method for request in org.requests] == ["PATCH", "PATCH", "DELETE"]
    linked = org.requests[1].json["records"]
    assert linked[1]["Parent_Initiative__c"] is None
    assert (linked[2]["id"], outcomes[5].remote_id) == (an_id(10), an_id(10))
    problem = outcomes[4].problem
    assert problem is not None
    assert (problem.cls, problem.fields) == (ErrorClass.PERMANENT, ("feature_name",))
    assert problem.sentence == "Salesforce refused the value of Feature: long"


def test_a_restored_project_takes_the_new_rows_id(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_ok(an_id(9), True)]), reply(200, [row_ok(an_id(9))]))
    restored = Write("p-1", Action.RESTORE, {"feature_name": "A"}, remote_id=an_id(1))
    outcomes = target.write([restored, link("p-1", "p-2", an_id(1))])
    assert "id" not in org.requests[0].json["records"][0]
    assert org.requests[1].json["records"][0]["id"] == an_id(9)
    assert [o.remote_id for o in outcomes] == [an_id(9), an_id(9)]


def test_a_link_waits_for_its_own_row(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(reply(200, [row_error("STRING_TOO_LONG")]))
    outcomes = target.write([create("new"), link("new", "p-1")])
    assert classes(outcomes) == [ErrorClass.PERMANENT, ErrorClass.STALE]
    assert len(org.requests) == 1


def test_a_write_without_a_known_id_never_makes_a_row(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        records({"Id": an_id(1), "DataOS_Project_Id__c": "p-1"}),
        reply(200, [row_ok(an_id(1))]),
    )
    outcomes = target.write([link("p-1", "p-2"), link("gone", "p-2")])
    assert org.requests[0].soql == (
        "SELECT Id, DataOS_Project_Id__c FROM Ticket__c "
        "WHERE DataOS_Project_Id__c IN ('p-1','gone')"
    )
    assert [request.path for request in org.requests[1:]] == [BY_ID_PATH]
    assert [record["id"] for record in org.requests[1].json["records"]] == [an_id(1)]
    assert classes(outcomes) == [None, ErrorClass.STALE]


def test_deletes_go_in_one_request_and_what_is_gone_is_deleted(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        reply(
            200,
            [
                row_ok(an_id(1)),
                row_error("ENTITY_IS_DELETED"),
                row_error("INVALID_CROSS_REFERENCE_KEY"),
                row_error("DELETE_FAILED", "it is the parent of others"),
            ],
        )
    )
    outcomes = target.write([delete(number) for number in (1, 2, 3, 4)])
    request = org.requests[0]
    assert (request.method, request.path) == ("DELETE", BY_ID_PATH)
    assert request.query == {
        "ids": ",".join(an_id(number) for number in (1, 2, 3, 4)),
        "allOrNone": "false",
    }
    assert [o.done for o in outcomes] == [True, True, True, False]


def test_a_contested_write_goes_alone_guarded_by_the_time_it_was_read(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(204, Date=DATE), reply(412, [{"errorCode": "PRECONDITION", "message": "x"}]))
    outcomes = target.write([update(1, contested=True), update(2, contested=True)])
    first = org.requests[0]
    assert (first.method, first.path) == (
        "PATCH",
        f"/services/data/v59.0/sobjects/Ticket__c/{an_id(1)}",
    )
    assert first.headers["if-unmodified-since"] == "Sun, 01 Mar 2026 11:59:58 GMT"
    assert first.json == {"Status__c": "Paused"}
    assert (outcomes[0].done, outcomes[0].modified_at) == (True, NOON)
    assert classes(outcomes) == [None, ErrorClass.STALE]


def test_a_contested_write_without_a_time_is_not_sent(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    outcomes = target.write([replace(update(1, contested=True), token=None)])
    assert classes(outcomes) == [ErrorClass.STALE]
    assert org.requests == []


def test_a_write_of_unresolved_people_alone_is_done_without_a_request(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    outcomes = target.write([update(1, it_lead="Nobody Known", product_owner=None)])
    assert outcomes == [
        Outcome(done=True, remote_id=an_id(1), skipped=("it_lead", "product_owner"))
    ]
    assert org.requests == []


def test_a_number_that_is_none_stays_here_and_hurts_no_other_row(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_ok(an_id(2))]))
    outcomes = target.write([update(1, sort_order="soon"), update(2)])
    assert classes(outcomes) == [ErrorClass.PERMANENT, None]
    assert outcomes[0].problem is not None
    assert outcomes[0].problem.fields == ("sort_order",)


def test_a_project_that_comes_twice_is_sent_in_two_requests_in_order(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        reply(200, [row_ok(an_id(1)), row_ok(an_id(2))]),
        reply(200, [row_ok(an_id(1))]),
    )
    outcomes = target.write([update(1), update(2), update(1, status="In QA")])
    assert [o.done for o in outcomes] == [True, True, True]
    assert [r["Status__c"] for r in org.requests[1].json["records"]] == ["In QA"]


def test_a_later_write_of_a_project_does_not_overtake_one_that_failed(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_error("UNABLE_TO_LOCK_ROW")]))
    outcomes = target.write([update(1), update(1, status="In QA")])
    assert classes(outcomes) == [ErrorClass.TRANSIENT, ErrorClass.STALE]
    assert len(org.requests) == 1


def test_no_request_holds_more_than_200_rows(org: ScriptedOrg, target: SalesforceTarget) -> None:
    def take_all(request: Request) -> Reply:
        return reply(200, [row_ok(record["id"]) for record in request.json["records"]])

    org.play(take_all, take_all)
    outcomes = target.write([update(number) for number in range(201)])
    assert all(outcome.done for outcome in outcomes)
    assert [len(r.json["records"]) for r in org.requests] == [200, 1]


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, [row_ok(an_id(1))]),
        reply(200, [row_ok(an_id(1)), row_ok(an_id(2)), row_ok(an_id(3))]),
        reply(200, [row_ok(an_id(2)), row_ok(an_id(1))]),
        reply(200, []),
        reply(200, "null"),
        reply(200, "7"),
        reply(200, {"results": []}),
        reply(200, "<html>fine</html>"),
        reply(200, '[{"id":'),
        reply(204),
        reply(200, [{"ok": 1}, "x"]),
        reply(200, [{"success": "yes", "errors": []}, {"success": 1, "id": an_id(2)}]),
        reply(200, [row_error("X") | {"success": "false"}] * 2),
        reply(200, [row_ok(an_id(1)), row_ok(an_id(2))], cut=150),
        reply(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]),
        reply(502, "Bad gateway"),
        reply(503, ""),
        reply(504, ""),
        CLOSED,
        RESET,
        SILENT,
    ],
)
def test_an_answer_that_is_lost_or_can_not_be_read_leaves_every_row_unknown(
    org: ScriptedOrg, hasty: SalesforceTarget, answer: Reply
) -> None:
    org.play(answer)
    outcomes = hasty.write([update(1), update(2)])
    assert classes(outcomes) == [ErrorClass.UNKNOWN, ErrorClass.UNKNOWN]
    assert not [o for o in outcomes if o.done]
    assert len(org.requests) == 1


@pytest.mark.parametrize("answer", [CLOSED, RESET, SILENT, reply(502, ""), reply(204, cut=10)])
def test_a_guarded_write_whose_answer_is_lost_is_unknown(
    org: ScriptedOrg, hasty: SalesforceTarget, answer: Reply
) -> None:
    org.play(answer)
    assert classes(hasty.write([update(1, contested=True)])) == [ErrorClass.UNKNOWN]


def test_an_upsert_that_says_done_without_an_id_is_unknown(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [{"success": True, "errors": []}]))
    assert classes(target.write([create("p")])) == [ErrorClass.UNKNOWN]


def test_rows_that_fail_leave_the_others_done(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(
        reply(
            200,
            [
                row_ok(an_id(1)),
                row_error("UNABLE_TO_LOCK_ROW"),
                row_error("FIELD_CUSTOM_VALIDATION_EXCEPTION", "0 to 100", ["Dev_Readiness__c"]),
                row_error("ENTITY_IS_DELETED"),
                row_error("SERVER_UNAVAILABLE"),
            ],
        )
    )
    assert classes(target.write([update(number) for number in range(1, 6)])) == [
        None,
        ErrorClass.TRANSIENT,
        ErrorClass.PERMANENT,
        ErrorClass.STALE,
        ErrorClass.TRANSIENT,
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(403, "REQUEST_LIMIT_EXCEEDED"), "REQUEST_LIMIT_EXCEEDED"),
        (error(401, "INVALID_SESSION_ID"), "INVALID_SESSION_ID"),
        (error(503, "SERVER_UNAVAILABLE"), "SERVER_UNAVAILABLE"),
        (reply(429, ""), "HTTP_429"),
        (reply(200, [row_error("SERVER_UNAVAILABLE")] * 2), "SERVER_UNAVAILABLE"),
    ],
)
def test_a_closed_target_is_said_as_such_when_nothing_was_applied(
    org: ScriptedOrg, target: SalesforceTarget, answer: Reply, code: str
) -> None:
    org.play(answer)
    with pytest.raises(TargetDown) as down:
        target.write([update(1), update(2)])
    assert (down.value.problem.cls, down.value.problem.code) == (ErrorClass.PAUSE, code)
    assert len(org.requests) == 1


def test_a_server_that_is_unavailable_for_all_rows_is_asked_nothing_more(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_error("SERVER_UNAVAILABLE")]))
    with pytest.raises(TargetDown):
        target.write([update(1), delete(2)])
    assert len(org.requests) == 1


def test_a_write_is_not_led_elsewhere(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(reply(307, "", Location=f"{org.url}/services/data/v59.0/elsewhere"))
    with pytest.raises(TargetDown, match="other than Salesforce answered"):
        target.write([update(1)])
    assert len(org.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"), [("30", 30.0), ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0)]
)
def test_a_wait_that_salesforce_asks_for_is_passed_on(
    org: ScriptedOrg, target: SalesforceTarget, header: str, seconds: float
) -> None:
    org.play(reply(429, "", Retry_After=header, Date=DATE))
    with pytest.raises(TargetDown) as down:
        target.write([update(1)])
    assert down.value.problem.retry_after == seconds


def test_a_target_that_closes_halfway_keeps_what_was_done(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(reply(200, [row_ok(an_id(9), True)]), error(403, "REQUEST_LIMIT_EXCEEDED"))
    outcomes = target.write([delete(3), update(1), create("new"), update(2, contested=True)])
    assert classes(outcomes) == [ErrorClass.PAUSE, ErrorClass.PAUSE, None, ErrorClass.PAUSE]
    assert len(org.requests) == 2


def test_a_server_that_goes_away_between_two_requests_charges_the_rest_nothing(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    def last_answer(_: Request) -> Reply:
        org.stop_listening()
        return replace(reply(200, [row_ok(an_id(9), True)], Connection="close"), after="close")

    org.play(last_answer)
    outcomes = target.write([create("new"), update(1)])
    assert classes(outcomes) == [None, ErrorClass.PAUSE]
    assert outcomes[1].problem is not None
    assert outcomes[1].problem.code == "CONNECTION_REFUSED"


def test_after_a_timeout_nothing_more_is_sent(org: ScriptedOrg, hasty: SalesforceTarget) -> None:
    org.play(SILENT)
    outcomes = hasty.write([update(1), delete(3), update(2, contested=True)])
    assert classes(outcomes) == [ErrorClass.UNKNOWN, ErrorClass.PAUSE, ErrorClass.PAUSE]
    assert outcomes[1].problem is not None
    assert "Not sent" in outcomes[1].problem.sentence
    assert len(org.requests) == 1


def test_after_a_lost_connection_the_other_kinds_still_get_their_chance(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(RESET, reply(200, [row_ok(an_id(3))]))
    outcomes = target.write([update(1), delete(3)])
    assert classes(outcomes) == [ErrorClass.UNKNOWN, None]


def test_a_field_this_user_may_not_write_fails_only_the_rows_that_hold_it(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(
        error(400, "INVALID_FIELD", "No such column 'Sort_Order__c' on sobject of type Ticket__c"),
        reply(200, [row_ok(an_id(2)), row_ok(an_id(4))]),
    )
    outcomes = target.write(
        [update(1, sort_order=1), update(2), update(3, sort_order=None), update(4)]
    )
    assert classes(outcomes) == [ErrorClass.PERMANENT, None, ErrorClass.PERMANENT, None]
    assert outcomes[0].problem is not None
    assert "Sort Order" in outcomes[0].problem.sentence


def refuse_if(bad: set[str]) -> Any:
    """A Salesforce that refuses a whole request for one row in it and does not say which."""

    def answer(request: Request) -> Reply:
        sent = [record["id"] for record in request.json["records"]]
        if bad & set(sent):
            return error(400, "JSON_PARSER_ERROR", "Cannot deserialize")
        return reply(200, [row_ok(one) for one in sent])

    return answer


def test_one_row_that_spoils_a_request_keeps_no_other_from_arriving(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(*[refuse_if({an_id(77)})] * 40)
    outcomes = target.write([update(number) for number in range(200)])
    assert [place for place, outcome in enumerate(outcomes) if not outcome.done] == [77]
    assert classes([outcomes[77]]) == [ErrorClass.PERMANENT]
    assert len(org.requests) <= 17


def test_a_request_that_no_split_mends_does_not_eat_the_budget(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.play(*[refuse_if({an_id(number) for number in range(200)})] * 400)
    outcomes = target.write([update(number) for number in range(200)])
    assert len(org.requests) <= 17
    assert ErrorClass.PERMANENT in classes(outcomes)
    assert set(classes(outcomes)) == {ErrorClass.PERMANENT, ErrorClass.PAUSE}


def test_a_failed_search_for_ids_sends_nothing(org: ScriptedOrg, target: SalesforceTarget) -> None:
    org.play(error(503, "SERVER_UNAVAILABLE"))
    with pytest.raises(TargetDown):
        target.write([link("p", "q"), update(1)])
    assert len(org.requests) == 1


def test_nothing_to_write_costs_nothing(org: ScriptedOrg, target: SalesforceTarget) -> None:
    assert target.write([]) == []
    assert org.requests == []


def test_a_first_sync_of_50_rows_takes_few_calls(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    from services.sync.targets.base import Ref

    def take(request: Request) -> Reply:
        return reply(200, [row_ok(an_id(n), True) for n in range(len(request.json["records"]))])

    org.play(records(), take, take)
    ids = [f"p-{number}" for number in range(50)]
    target.read([Ref(one) for one in ids])
    target.write([create(one) for one in ids])
    target.write([link(one, "p-0", an_id(place)) for place, one in enumerate(ids[:12])])
    assert target.usage().calls == 7
