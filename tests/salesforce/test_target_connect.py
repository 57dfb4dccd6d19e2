from __future__ import annotations

import pytest

from services.sync.targets.base import ErrorClass, Ref, TargetDown
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.sync.targets.sf_soql import USERS as USERS_QUERY
from tests.salesforce.sf_scripted import (
    ANA,
    ORG_ID,
    US,
    USERS,
    ScriptedOrg,
    error,
    records,
    reply,
)


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def asked(org: ScriptedOrg) -> list[str]:
    return [request.soql or request.path for request in org.all_requests]


def test_connecting_asks_four_questions_once(org: ScriptedOrg, target: SalesforceTarget) -> None:
    assert target.connect() == ORG_ID
    assert target.connect() == ORG_ID
    assert len(org.all_requests) == 4
    assert target.usage().calls == 4
    assert target.integration_user == US
    assert target.directory.resolve("ana@example.com") == ANA


def test_every_call_carries_the_token_and_our_name(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    target.connect()
    for request in org.all_requests:
        assert request.headers["authorization"] == "Bearer 00D!token"
        assert request.headers["sforce-call-options"] == "client=steerco"


def test_the_directory_is_read_again_after_an_hour(org: ScriptedOrg) -> None:
    clock = Clock()
    target = SalesforceTarget(SalesforceConnection(org.url, "t"), clock=clock)
    target.connect()
    clock.now += 3599
    target.connect()
    assert len(org.all_requests) == 4
    org.connecting["FROM User"] = records({"Id": ANA, "Name": "Ana New", "IsActive": True})
    clock.now += 1
    target.connect()
    assert asked(org)[4:] == [USERS_QUERY]
    assert target.directory.name_of(ANA) == "Ana New"


def test_a_clock_set_back_does_not_freeze_the_directory(org: ScriptedOrg) -> None:
    clock = Clock()
    target = SalesforceTarget(SalesforceConnection(org.url, "t"), clock=clock)
    target.connect()
    clock.now -= 86_400
    target.connect()
    assert len(org.all_requests) == 5


@pytest.mark.parametrize("code", ["INVALID_TYPE", "NOT_FOUND"])
def test_where_an_organisation_does_not_say_its_id_its_host_is_its_identity(
    org: ScriptedOrg, target: SalesforceTarget, code: str
) -> None:
    org.connecting["FROM Organization"] = error(400, code)
    assert target.connect() == "127.0.0.1"


def test_a_missing_record_type_closes_the_target_and_says_what_to_do(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.connecting["FROM RecordType"] = records()
    with pytest.raises(TargetDown, match="no record type Strategic_Initiative") as down:
        target.connect()
    assert down.value.problem.cls is ErrorClass.PAUSE
    org.connecting["FROM RecordType"] = records({"Id": "012000000000009AAA"})
    assert target.connect() == ORG_ID


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_token_without_the_identity_scope_is_enough(
    org: ScriptedOrg, target: SalesforceTarget, status: int
) -> None:
    org.connecting["/services/oauth2/userinfo"] = reply(status, "Bad_OAuth_Token")
    assert target.connect() == ORG_ID
    assert target.integration_user is None


def test_an_organisation_that_hides_its_users_has_an_empty_directory(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.connecting["FROM User"] = error(400, "INVALID_TYPE", "sObject type 'User' is not supported")
    assert target.connect() == ORG_ID
    assert target.directory.users == ()


def test_users_come_in_pages(org: ScriptedOrg, target: SalesforceTarget) -> None:
    address = "/services/data/v59.0/query/01g-2000"
    org.connecting["FROM User"] = reply(
        200, {"done": False, "nextRecordsUrl": address, "records": USERS[:2]}
    )
    org.connecting[address] = reply(200, {"done": True, "records": USERS[2:]})
    target.connect()
    assert len(target.directory.users) == 3


def test_a_refused_token_closes_the_target_at_once(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.connecting["FROM Organization"] = error(401, "INVALID_SESSION_ID", "Session expired")
    with pytest.raises(TargetDown, match="the access token was refused") as down:
        target.connect()
    assert (down.value.problem.cls, down.value.problem.code) == (
        ErrorClass.PAUSE,
        "INVALID_SESSION_ID",
    )
    assert len(org.all_requests) == 1


def test_a_server_that_is_not_there_closes_the_target(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.close()
    with pytest.raises(TargetDown, match=r"not reachable \(connection refused\)") as down:
        target.read([Ref("p")])
    assert down.value.problem.cls is ErrorClass.PAUSE


def test_a_sign_in_page_in_the_way_is_not_salesforce(
    org: ScriptedOrg, target: SalesforceTarget
) -> None:
    org.connecting["FROM Organization"] = reply(302, "", Location="https://login.example.com/")
    with pytest.raises(TargetDown, match="other than Salesforce answered") as down:
        target.connect()
    assert down.value.problem.cls is ErrorClass.PAUSE
    assert len(org.all_requests) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"access_token": "t"}, "instance's address"),
        ({"instance_url": "https://a.b"}, "Salesforce needs"),
        ({"instance_url": "https://a.b", "access_token": "SECRET\n"}, "characters"),
        ({"instance_url": "https://a.b", "access_token": "t", "api_version": "v59"}, "version"),
        ({"client_id": "c", "username": "u"}, "private key"),
    ],
)
def test_a_connection_that_can_not_work_is_refused_with_one_sentence(
    given: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        SalesforceConnection(**given)  # type: ignore[arg-type]
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://example.com", "ftp://127.0.0.1", "nonsense"])
def test_plain_http_is_for_this_machine_alone(address: str) -> None:
    target = SalesforceTarget(SalesforceConnection(address, "t"))
    with pytest.raises(TargetDown) as down:
        target.connect()
    assert down.value.problem.cls is ErrorClass.PAUSE


def test_secrets_are_not_shown() -> None:
    shown = repr(
        SalesforceConnection(
            "https://a.b", "TOKEN", client_id="CLIENT", username="u", private_key="KEY"
        )
    )
    assert not [secret for secret in ("TOKEN", "CLIENT", "KEY") if secret in shown]


def test_usage_and_clock_come_from_every_answer(org: ScriptedOrg) -> None:
    clock = Clock(1_795_237_200.0)
    target = SalesforceTarget(SalesforceConnection(org.url, "t"), clock=clock)
    assert target.usage().limit is None
    assert target.clock_offset() is None
    target.connect()
    org.play(
        error(500, "UNKNOWN_EXCEPTION"),
        reply(
            403,
            [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
            Sforce_Limit_Info="api-usage=15000/15000",
            Date="Sat, 21 Nov 2026 06:00:00 GMT",
        ),
    )
    with pytest.raises(TargetDown) as down:
        target.read([Ref("p")])
    assert down.value.problem.cls is ErrorClass.TRANSIENT
    with pytest.raises(TargetDown, match="daily API limit is used up"):
        target.read([Ref("p")])
    usage = target.usage()
    assert (usage.used, usage.limit, usage.calls) == (15000, 15000, 6)
    offset = target.clock_offset()
    assert offset is not None
    assert 3600 <= offset <= 3601


def test_closing_and_connecting_again_works(org: ScriptedOrg, target: SalesforceTarget) -> None:
    target.connect()
    target.close()
    org.play(records())
    assert not target.read([Ref("p")])["p"].exists
