"""The JWT bearer login against a server that checks it to the letter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator import Emulator
from tests.outside.conftest import Strict, strict_world

CLIENT, USER = "3MVG9.outside", "robot@strict.example"


def pem(path: Path, key: rsa.RSAPrivateKey) -> Path:
    """The key's file."""
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(text)
    return path


@pytest.fixture
def strict(tmp_path: Path, firestore_emulator: Emulator) -> Iterator[Strict]:
    """A world whose operator logs in with a key of his own."""
    key = rsa.generate_private_key(65537, 2048)
    with strict_world(tmp_path, firestore_emulator) as world:
        server, env = world.server, world.bench.env
        server.client_id, server.username = CLIENT, USER
        server.public_key = key.public_key()
        del env["SF_INSTANCE_URL"], env["SF_ACCESS_TOKEN"]
        env |= {
            "SF_CLIENT_ID": CLIENT,
            "SF_USERNAME": USER,
            "SF_PRIVATE_KEY_FILE": str(pem(tmp_path / "key.pem", key)),
            "SF_LOGIN_URL": server.url,
        }
        yield world


def test_a_login_once_and_again_when_the_token_runs_out_in_the_middle(strict: Strict) -> None:
    bench, server = strict.bench, strict.server
    bench.add("a", "feature_name=A")
    bench.sync()
    [claims] = server.assertions
    assert claims == {"iss": CLIENT, "sub": USER, "aud": server.url, "exp": claims["exp"]}
    assert 0 < claims["exp"] - time.time() <= 300
    assert [call.kind for call in server.calls].count("login") == 1

    bench.set("a", "department=Mine")
    server.forget()
    server.inject(on="query", asking=" IN ", then=server.revoke)  # the read before the write
    bench.sync()
    kinds = [call.kind for call in server.calls]
    assert kinds[kinds.index("update") :] == ["update", "login", "update"]
    strict.side.token = server.token
    strict.agrees("a", department="Mine")
    assert len(strict.org.changes("a", "Department__c")) == 1


def test_a_token_that_never_holds_ends_after_one_new_login(strict: Strict) -> None:
    bench, server = strict.bench, strict.server
    bench.add("a", "feature_name=A")
    server.inject(on="query", times=None, first=server.revoke)
    ran = bench.run("sync", "--json")
    assert ran.code == 1
    assert "access token was refused" in ran.sentence
    assert [call.kind for call in server.calls] == ["login", "query", "login", "query"]
    server.forget()
    bench.sync()


@pytest.mark.parametrize("skew", [3600.0, -3600.0])
def test_a_clock_that_is_off_by_an_hour_does_not_keep_the_login_out(
    strict: Strict, skew: float
) -> None:
    strict.org.skew = skew
    strict.bench.add("a", "feature_name=A")
    strict.bench.sync()
    assert strict.org.row("a") is not None
    assert abs(strict.server.assertions[-1]["exp"] - time.time() - skew) < 300


def test_a_login_that_is_refused_is_one_sentence_without_secrets(
    strict: Strict, tmp_path: Path
) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    stranger = pem(tmp_path / "other.pem", rsa.generate_private_key(65537, 2048))
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")
    for env, words in (
        ({"SF_PRIVATE_KEY_FILE": str(stranger)}, "invalid_grant"),
        ({"SF_PRIVATE_KEY_FILE": str(garbage)}, "no RSA key"),
        ({"SF_CLIENT_ID": "3MVG9.other"}, "invalid_client_id"),
    ):
        ran = bench.run("sync", "--target", "salesforce", **env)
        assert ran.code == 1
        assert words in ran.err
        assert "hunter2" not in ran.err
    sentence = bench.refused("sync", SF_PRIVATE_KEY_FILE=str(tmp_path / "nowhere.pem"))
    assert "SF_PRIVATE_KEY_FILE" in sentence
    assert strict.org.row("a") is None
    bench.sync()
