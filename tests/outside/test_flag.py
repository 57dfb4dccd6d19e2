"""Salesforce held by the flag or by a person, another organisation, half a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emulator import Emulator
from tests.outside.bench import Bench
from tests.outside.conftest import Strict, strict_world
from tests.outside.strict_org import StrictOrg
from tests.outside.strict_server import StrictServer

OFF = {"ITSC_SF_SYNC_ENABLED": "false"}
CLOSED = "Salesforce sync is off (ITSC_SF_SYNC_ENABLED)"


def test_switched_off_holds_and_switched_on_drains_in_one_write(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    bench.set("a", "department=One")
    bench.set("a", "department=Two")
    report = bench.done("sync", "--json", **OFF).json
    assert report["salesforce"] == {
        **dict.fromkeys(("done", "pending", "retrying", "failed", "conflicts"), 0),
        "held": 3,
    }
    assert report["firestore"]["done"] == 3
    assert report["calls"]["salesforce"] == 0
    assert strict.server.calls == []
    assert CLOSED in bench.done("sync", **OFF).out
    side = bench.done("projects", "show", "a", "--json", **OFF).json["sync"]["salesforce"]
    assert (side["state"], side["pending"], side["last_error"]) == ("held", 3, CLOSED)
    assert set(strict.documents()["a"]["owes"]) >= {"department", "feature_name"}

    assert bench.sync()["salesforce"]["done"] == 3
    assert strict.server.count("write") == 1
    strict.agrees("a", department="Two")
    assert not strict.documents()["a"]["owes"]


def test_outside_the_sandbox_it_is_off_unless_somebody_says_on(strict: Strict) -> None:
    bench = Bench(strict.bench.home, dict(strict.bench.env))
    del bench.env["ITSC_SF_SYNC_ENABLED"]
    bench.add("a", "feature_name=A")
    assert bench.sync()["salesforce"]["held"] == 1
    assert strict.server.calls == []


def test_paused_by_a_person_is_held_and_says_by_whom(strict: Strict) -> None:
    bench = strict.bench
    bench.done("outbox", "pause", "--target", "salesforce")
    bench.add("a", "feature_name=A")
    assert bench.sync()["salesforce"]["held"] == 1
    assert "paused by Otto Outside" in bench.done("sync").out
    bench.done("outbox", "resume", "--target", "salesforce")
    bench.sync()
    strict.agrees("a")


def test_another_organisation_gets_nothing_until_somebody_decides(
    strict: Strict, tmp_path: Path, firestore_emulator: Emulator
) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    bench.sync()
    bench.set("a", "department=Mine")
    other = StrictServer(StrictOrg(org_id="00D5g00000OtHerEAM"))
    try:
        env = {"SF_INSTANCE_URL": other.url, "SF_ACCESS_TOKEN": other.token}
        ran = bench.run("sync", "--json", **env)
        assert ran.code == 1
        assert "00D5g00000OtHerEAM" in ran.sentence
        assert "nothing is sent" in ran.sentence
        assert other.count("write") == 0
        assert ran.json["firestore"]["done"] == 1
    finally:
        other.stop()
    report = bench.sync()
    assert report["salesforce"]["done"] == 1, "our own organisation goes on by itself"
    strict.agrees("a", department="Mine")


def test_one_side_alone_may_be_configured(tmp_path: Path, firestore_emulator: Emulator) -> None:
    with strict_world(tmp_path, firestore_emulator) as world:
        whole = dict(world.bench.env)
        world.bench.add("a", "feature_name=A")
        world.bench.env = {k: v for k, v in whole.items() if not k.startswith(("SF_", "ITSC_"))}
        report = world.bench.sync()
        assert (report["firestore"]["done"], report["salesforce"]["held"]) == (1, 1)
        world.bench.set("a", "department=D")
        world.bench.env = {k: v for k, v in whole.items() if k.startswith(("SF_", "ITSC_"))}
        report = world.bench.sync()
        assert (report["firestore"]["held"], report["salesforce"]["done"]) == (1, 2)
        world.bench.env = whole
        world.bench.sync()
        world.agrees("a", department="D")


REFUSED = {
    "an empty emulator": ({"FIRESTORE_EMULATOR_HOST": ""}, "FIRESTORE_EMULATOR_HOST"),
    "an emulator elsewhere": ({"FIRESTORE_EMULATOR_HOST": "10.1.2.3:8080"}, "not this machine"),
    "an emulator by name": ({"FIRESTORE_EMULATOR_HOST": "db.example:80"}, "not this machine"),
    "an emulator without port": ({"FIRESTORE_EMULATOR_HOST": "localhost"}, "host:port"),
    "http to another machine": ({"SF_INSTANCE_URL": "http://sf.example"}, "loopback"),
    "a look-alike": ({"SF_INSTANCE_URL": "http://127.0.0.1.sf.example"}, "loopback"),
    "another scheme": ({"SF_INSTANCE_URL": "ftp://127.0.0.1"}, "https://HOST"),
    "no token": ({"SF_ACCESS_TOKEN": None}, "SF_ACCESS_TOKEN"),
    "no address": ({"SF_INSTANCE_URL": None}, "SF_INSTANCE_URL"),
    "a token of two lines": ({"SF_ACCESS_TOKEN": "00Dx!secret\r\nX-Evil: 1"}, "SF_ACCESS_TOKEN"),
    "half a JWT login": (
        {"SF_ACCESS_TOKEN": None, "SF_INSTANCE_URL": None, "SF_CLIENT_ID": "3MVG"},
        "SF_USERNAME, SF_PRIVATE_KEY_FILE",
    ),
    "a flag that is none": ({"ITSC_SF_SYNC_ENABLED": "maybe"}, "true or false"),
    "a zone that is none": ({"STEERCO_ZONE": "Mars/Olympus"}, "Mars/Olympus"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_configuration_that_must_not_be_used_is_one_sentence(alone: Bench, name: str) -> None:
    changes, words = REFUSED[name]
    for key, value in changes.items():
        if value is None:
            del alone.env[key]
        else:
            alone.env[key] = value
    sentence = alone.refused("sync", "--json")
    assert words in sentence
    assert "secret" not in sentence


def test_a_wrong_token_is_told_and_firestore_goes_on(strict: Strict) -> None:
    strict.bench.add("a", "feature_name=A")
    ran = strict.bench.run("sync", "--json", SF_ACCESS_TOKEN="00D!wrong-secret")
    assert ran.code == 1
    assert "access token was refused" in ran.sentence
    assert "wrong-secret" not in ran.err
    assert ran.json["firestore"]["done"] == 1
    for path in strict.bench.home.rglob("*"):
        assert not path.is_file() or b"wrong-secret" not in path.read_bytes(), path


def test_proxies_of_the_environment_are_not_used(strict: Strict) -> None:
    names = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
    proxies = dict.fromkeys((*names, *map(str.upper, names)), "http://127.0.0.1:9")
    strict.bench.add("a", "feature_name=A")
    strict.bench.done("sync", **proxies)
    strict.agrees("a")
