"""Logins: JWT bearer, client credentials, SOAP; and whose token a request carries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

from services.sandbox.process import SandboxProcess
from services.sync.targets.sf_transport import open_session
from tests.sandbox.conftest import Org

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A private key's PEM, and the file of its public key."""
    key = rsa.generate_private_key(65537, 2048)
    path = tmp_path_factory.mktemp("keys") / "public.pem"
    path.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private_pem(key), path


@pytest.fixture(scope="module")
def signed(keys: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    """A server that knows the public key."""
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "org.sqlite", jwt_public_key=keys[1])
    yield Org(process, *process.wait_ready())
    process.stop()


def user_of(sf: Salesforce) -> str:
    return str(sf.restful("")["identity"].rsplit("/", 1)[1])


def test_jwt_login_through_simple_salesforce(signed: Org, keys: tuple[str, Path]) -> None:
    sf = Salesforce(
        username="ana@example.com",
        consumer_key=signed.client_id,
        privatekey=keys[0],
        session=open_session(signed.url),
    )
    assert sf.sf_instance == signed.url.removeprefix("http://")
    assert user_of(sf) == signed.id_of("ana")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"sub": "nobody@example.com"}, "invalid_grant"),
        ({"sub": "olga@example.com"}, "invalid_grant"),
        ({"aud": "https://example.com"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": 10**12}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"iss": "somebody"}, "invalid_client_id"),
    ],
)
def test_jwt_with_a_wrong_claim_is_refused(
    signed: Org, keys: tuple[str, Path], changes: dict[str, Any], error: str
) -> None:
    claims = {
        "iss": signed.client_id,
        "sub": "ana@example.com",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    good = jwt.encode(claims, keys[0], algorithm="RS256")
    bad = jwt.encode(claims | changes, keys[0], algorithm="RS256")
    assert login(signed, good).status_code == 200
    answer = login(signed, bad)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_jwt_signed_with_another_key_is_refused(signed: Org) -> None:
    other = private_pem(rsa.generate_private_key(65537, 2048))
    claims = {
        "iss": signed.client_id,
        "sub": "ana@example.com",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    for assertion in (
        jwt.encode(claims, other, algorithm="RS256"),
        jwt.encode(claims, "a secret that is long enough for it", algorithm="HS256"),
        "x.y.z",
    ):
        answer = login(signed, assertion)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_jwt_needs_a_registered_key(org: Any, keys: tuple[str, Path]) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="no certificate"):
        Salesforce(
            username="ana@example.com",
            consumer_key=org.client_id,
            privatekey=keys[0],
            session=open_session(org.url),
        )


def login(org: Org, assertion: str) -> Any:
    form = {"grant_type": GRANT, "assertion": assertion}
    return org.http.post(f"{org.url}/services/oauth2/token", data=form, timeout=10)


def test_client_credentials_log_in_the_integration_user(org: Any) -> None:
    sf = Salesforce(
        consumer_key=org.client_id,
        consumer_secret=org.secret,
        domain="acme.my",
        session=open_session(org.url),
    )
    assert user_of(sf) == org.soql("SELECT Id FROM User WHERE LastName = 'Integration'")[0]["Id"]
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(
            consumer_key=org.client_id,
            consumer_secret="wrong",
            domain="acme.my",
            session=open_session(org.url),
        )


def test_soap_login_of_a_person(org: Any) -> None:
    sf = Salesforce(
        username="ben@example.com",
        password=org.secret,
        security_token="andtoken",
        session=open_session(org.url),
    )
    assert user_of(sf) == org.id_of("ben")
    made = sf.Ticket__c.create({"Title__c": "Ben's"})["id"]
    row = org.read(made, "CreatedById", "OwnerId", "LastModifiedById")
    assert set(row.values()) == {org.id_of("ben")}


@pytest.mark.parametrize(
    ("user", "password"), [("ben", "wrong"), ("olga", None), ("<&>", None), ("nobody", None)]
)
def test_soap_login_is_refused_as_salesforce_does(
    org: Any, user: str, password: str | None
) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        Salesforce(
            username=f"{user}@example.com",
            password=password or org.secret,
            security_token="",
            session=open_session(org.url),
        )


def test_soap_with_anything_else_is_a_fault(org: Any) -> None:
    for body, code in (("<x/>", "INVALID_OPERATION"), ("<", "INVALID_XML")):
        answer = org.http.post(f"{org.url}/services/Soap/u/59.0", data=body, timeout=10)
        assert answer.status_code == 500
        assert f"<sf:exceptionCode>{code}<" in answer.text


def test_unknown_grants_are_refused(org: Any) -> None:
    answer = org.http.post(
        f"{org.url}/services/oauth2/token", data={"grant_type": "magic"}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_user_info_tells_who_it_is(org: Any) -> None:
    headers = {"Authorization": f"Bearer {org.token_of('ana')}"}
    info = org.http.get(f"{org.url}/services/oauth2/userinfo", headers=headers, timeout=10).json()
    assert (info["user_id"], info["name"]) == (org.id_of("ana"), "Ana Ruiz")
    assert info["organization_id"] == org.organization


@pytest.mark.parametrize("change", ["", "Bearer ", "x", "Basic abc", "Bearer 00Dx!y"])
def test_a_request_without_a_good_token_is_401(org: Any, change: str) -> None:
    answer = org.call("GET", "limits", headers={"Authorization": change})
    assert answer.status_code == 401
    assert answer.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_a_token_is_good_for_its_own_user_alone(org: Any) -> None:
    forged = org.token_of("ana").replace("ana@", "ben@")
    answer = org.call("GET", "limits", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 401


def test_a_deactivated_user_is_out(org: Any) -> None:
    token = org.token_of("hugo")
    headers = {"Authorization": f"Bearer {token}"}
    assert org.call("GET", "limits", headers=headers).status_code == 200
    org.call("PATCH", f"sobjects/User/{org.id_of('hugo')}", {"IsActive": False})
    assert org.call("GET", "limits", headers=headers).status_code == 401


def test_expired_tokens_stay_out_until_the_next_login(org: Any) -> None:
    org.fault("expire,count=1")
    assert org.call("GET", "limits").status_code == 401
    assert org.call("GET", "limits").status_code == 401
    sf = Salesforce(
        consumer_key=org.client_id,
        consumer_secret=org.secret,
        domain="acme.my",
        session=open_session(org.url),
    )
    sf.limits()
    org.token = sf.session_id
    assert org.call("GET", "limits").status_code == 200


def test_only_this_machines_names_are_served(org: Any) -> None:
    answer = org.call("GET", "limits", headers={"Host": "evil.example.com"})
    assert answer.status_code == 421


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_faults_are_nobodys_who_calls_this_machine_by_another_name(org: Any, method: str) -> None:
    org.fault("latency:0")
    address, headers = f"{org.url}/__sandbox/faults", {"Host": "evil.example"}
    answer = org.http.request(method, address, json={"fault": "401"}, headers=headers, timeout=10)
    assert answer.status_code == 421
    assert [each["fault"] for each in org.http.get(address, timeout=10).json()] == ["latency:0"]
