from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.sync.targets.base import Action, ErrorClass, Ref, TargetDown, Write
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from tests.salesforce.sf_scripted import (
    ORG_ID,
    US,
    Reply,
    Request,
    ScriptedOrg,
    error,
    records,
    reply,
    row_ok,
)

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = 1_795_237_200.0  # 2026-11-21T05:00:00Z
AT_NOW = "Sat, 21 Nov 2026 05:00:00 GMT"
TOKEN_PATH = "/services/oauth2/token"


def pem(key: Any) -> str:
    return str(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


def claims_of(request: Request, audience: str) -> dict[str, Any]:
    form = parse_qs(request.raw_body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    return dict(
        jwt.decode(
            form["assertion"][0],
            KEY.public_key(),
            algorithms=["RS256"],
            audience=audience,
            options={"verify_exp": False},
        )
    )


def token_answer(org: ScriptedOrg, token: str = "00D!one", **more: Any) -> Reply:
    return reply(
        200,
        {
            "access_token": token,
            "instance_url": org.url,
            "id": f"https://login.salesforce.com/id/{ORG_ID}/{US}",
        }
        | more,
        Date=AT_NOW,
    )


@pytest.fixture
def jwt_target(org: ScriptedOrg) -> Callable[..., SalesforceTarget]:
    def make(
        key: str | None = None,
        clock: Callable[[], float] = lambda: NOW,
        timeout: float = 20.0,
    ) -> SalesforceTarget:
        return SalesforceTarget(
            SalesforceConnection(
                client_id="client",
                username="sync@example.com",
                private_key=key or pem(KEY),
                login_url=org.url + "/",
                timeout=timeout,
            ),
            clock=clock,
        )

    return make


Made = Callable[..., SalesforceTarget]


def test_a_login_is_a_signed_assertion_for_the_login_address(
    org: ScriptedOrg, jwt_target: Made
) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    assert target.connect() == ORG_ID
    assert claims_of(org.all_requests[0], org.url) == {
        "iss": "client",
        "sub": "sync@example.com",
        "aud": org.url,
        "exp": int(NOW) + 180,
    }
    assert target.integration_user == US
    paths = [request.path for request in org.all_requests]
    assert paths.count(TOKEN_PATH) == 1
    assert "/services/oauth2/userinfo" not in paths
    assert org.all_requests[1].headers["authorization"] == "Bearer 00D!one"


def test_the_key_may_be_a_file(org: ScriptedOrg, jwt_target: Made, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(pem(KEY))
    org.connecting[TOKEN_PATH] = token_answer(org)
    assert jwt_target(str(path)).connect() == ORG_ID


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("/nowhere/key.pem", "file can't be read"),
        ("-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----", "no RSA key"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "no RSA key"),
    ],
    ids=["no such file", "not a key", "an elliptic curve's key"],
)
def test_a_key_that_can_not_sign_is_said_in_one_sentence(
    org: ScriptedOrg, jwt_target: Made, key: str, words: str
) -> None:
    with pytest.raises(TargetDown, match=words) as down:
        jwt_target(key).connect()
    assert down.value.problem.cls is ErrorClass.PAUSE
    assert "SECRET" not in str(down.value.problem)
    assert org.all_requests == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            reply(
                400,
                {
                    "error": "invalid_grant",
                    "error_description": "user hasn't approved this consumer",
                },
                Date=AT_NOW,
            ),
            r"refused the login \(invalid_grant\): user hasn't approved this consumer",
        ),
        (reply(500, "<html>"), "HTTP 500"),
        (reply(200, "<html>"), "can't be read"),
        (reply(200, {"access_token": "t"}), "can't be read"),
        (reply(200, []), "can't be read"),
        (reply(200, {"access_token": "t\n", "instance_url": "https://a.b"}), "can't be read"),
        (reply(200, {"access_token": "t", "instance_url": "http://example.com"}), "this machine"),
        (Reply(after="close"), "broke"),
        (Reply(after="hang"), "did not answer in time"),
    ],
)
def test_a_login_that_fails_closes_the_target_however_it_fails(
    org: ScriptedOrg, jwt_target: Made, answer: Reply, words: str
) -> None:
    org.connecting[TOKEN_PATH] = answer
    patience = 0.5 if answer.after == "hang" else 20.0
    with pytest.raises(TargetDown, match=words) as down:
        jwt_target(timeout=patience).connect()
    assert down.value.problem.cls is ErrorClass.PAUSE


@pytest.mark.parametrize("wrong_by", [-3600.0, 3600.0])
def test_a_clock_that_is_an_hour_off_can_log_in(
    org: ScriptedOrg, jwt_target: Made, wrong_by: float
) -> None:
    def by_the_servers_clock(request: Request) -> Reply:
        expires = claims_of(request, org.url)["exp"]
        if not NOW < expires <= NOW + 300:
            body = {"error": "invalid_grant", "error_description": "expired authorization code"}
            return reply(400, body, Date=AT_NOW)
        return token_answer(org)

    org.connecting[TOKEN_PATH] = by_the_servers_clock
    assert jwt_target(clock=lambda: NOW + wrong_by).connect() == ORG_ID
    assert [r.path for r in org.all_requests].count(TOKEN_PATH) == 2


def test_a_refused_login_is_not_repeated_where_the_clock_is_right(
    org: ScriptedOrg, jwt_target: Made
) -> None:
    org.connecting[TOKEN_PATH] = reply(400, {"error": "invalid_grant"}, Date=AT_NOW)
    with pytest.raises(TargetDown):
        jwt_target().connect()
    assert len(org.all_requests) == 1


def contested() -> Write:
    return Write(
        "p-1",
        Action.UPDATE,
        {"status": "Paused"},
        token="2026-03-01T11:59:58.000+0000",
        remote_id="a00000000000001AAA",
        contested=True,
    )


def test_a_session_that_ran_out_is_renewed_once_and_the_request_sent_whole(
    org: ScriptedOrg, jwt_target: Made
) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    target.connect()
    org.connecting[TOKEN_PATH] = token_answer(org, "00D!two")
    org.play(error(401, "INVALID_SESSION_ID", "Session expired or invalid"), reply(204))
    assert target.write([contested()])[0].done
    first, second = org.requests
    assert first.headers["authorization"] == "Bearer 00D!one"
    assert second.headers["authorization"] == "Bearer 00D!two"
    assert second.headers["if-unmodified-since"] == first.headers["if-unmodified-since"]
    assert (second.method, second.path, second.json) == (first.method, first.path, first.json)


def test_collections_and_queries_are_renewed_too(org: ScriptedOrg, jwt_target: Made) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    target.connect()
    refused = error(401, "INVALID_SESSION_ID")
    org.play(refused, records(), refused, reply(200, [row_ok("a00000000000001AAA")]))
    assert not target.read([Ref("p")])["p"].exists
    assert target.write([Write("p", Action.CREATE, {"feature_name": "A"})])[0].done
    assert org.requests[2].json == org.requests[3].json


def test_a_second_refusal_closes_the_target(org: ScriptedOrg, jwt_target: Made) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    target.connect()
    org.play(*[error(401, "INVALID_SESSION_ID")] * 5)
    with pytest.raises(TargetDown, match="the access token was refused") as down:
        target.write([contested()])
    assert down.value.problem.cls is ErrorClass.PAUSE
    assert len(org.requests) == 2


def test_a_user_without_api_access_is_not_logged_in_again(
    org: ScriptedOrg, jwt_target: Made
) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    target.connect()
    words = "This session is not valid for use with the REST API"
    org.play(error(401, "INVALID_SESSION_ID", words))
    with pytest.raises(TargetDown):
        target.write([contested()])
    assert [r.path for r in org.all_requests].count(TOKEN_PATH) == 1


def test_a_login_that_fails_in_mid_write_sends_nothing_more(
    org: ScriptedOrg, jwt_target: Made
) -> None:
    org.connecting[TOKEN_PATH] = token_answer(org)
    target = jwt_target()
    target.connect()
    org.connecting[TOKEN_PATH] = reply(400, {"error": "invalid_grant"}, Date=AT_NOW)
    org.play(error(401, "INVALID_SESSION_ID"))
    with pytest.raises(TargetDown, match="refused the login"):
        target.write([contested(), Write("p-2", Action.DELETE, remote_id="a00000000000002AAA")])
    assert len(org.requests) == 1
