"""steerco outbox, people, sync and doctor against the embedded sandbox, and with nobody there."""

from __future__ import annotations

import json
import re
import socket
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from services.sandbox.process import SandboxProcess
from tests.commands.conftest import Steerco

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SIDE = {"state", "attempts", "next_attempt_at", "last_error"}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, home: object) -> None:
    """Both targets configured on a loopback port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
    monkeypatch.setenv("SF_INSTANCE_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("SF_ACCESS_TOKEN", "t0ps3cret")


def test_list_has_exactly_the_agreed_shape(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    steerco("projects", "set", "a", "status=Paused", "brief.punchline=x")
    newest, oldest = steerco("outbox", "list", "--json").json
    assert set(newest) == {
        "seq", "op_id", "trace_id", "project_id", "operator", "at", "op", "fields", "deliveries",
    }  # fmt: skip
    assert (newest["project_id"], newest["op"], oldest["op"]) == ("a", "update", "create")
    assert newest["fields"] == ["status", "brief.punchline"]
    assert UTC.fullmatch(newest["at"])
    assert set(newest["deliveries"]) == {"firestore", "salesforce"}
    assert all(set(side) == SIDE for side in newest["deliveries"].values())
    assert newest["deliveries"]["firestore"] == {
        "state": "pending", "attempts": 0, "next_attempt_at": None, "last_error": None,
    }  # fmt: skip


def test_a_switched_off_salesforce_is_held_with_the_reason_and_nothing_is_lost(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "false")
    made = steerco("projects", "add", "feature_name=A", "--id", "a", "--json").json
    assert made["sync"]["firestore"]["state"] == "pending"
    assert made["sync"]["salesforce"]["state"] == "held"
    (entry,) = steerco("outbox", "list", "--json").json
    held = entry["deliveries"]["salesforce"]
    assert held["state"] == "held"
    assert held["last_error"] == "Salesforce sync is off (ITSC_SF_SYNC_ENABLED)"

    done = steerco("sync", "--json")
    assert done.code == 0, "what is held does not count"
    assert done.json["salesforce"]["held"] == 1
    assert done.json["firestore"]["done"] == 1

    monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "true")
    on = steerco("sync", "--json")
    assert on.code == 0
    assert on.json["salesforce"]["done"] == 1
    assert steerco("outbox", "list", "--json").json == []


def test_sync_has_exactly_the_agreed_shape_and_brings_the_sides_together(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=🧩 A", "scores.Ana=4", "--id", "a")
    done = steerco("sync", "--json")
    assert done.code == 0, done.err
    side = {"done": 1, "pending": 0, "retrying": 0, "failed": 0, "held": 0, "conflicts": 0}
    report = done.json
    calls = report.pop("calls")
    assert report == {
        "firestore": side,
        "salesforce": side,
        "pulled": {"applied": 0, "conflicts": 0, "deleted": 0},
    }
    assert calls["firestore"] > 0
    assert calls["salesforce"] > 0
    project = steerco("projects", "show", "a", "--json").json
    assert project["sync"]["firestore"]["state"] == "synced"
    assert project["sync"]["salesforce"]["state"] == "synced"
    assert UTC.fullmatch(project["sync"]["salesforce"]["acked_at"])
    assert re.fullmatch(r"[A-Za-z0-9]{18}", project["sf_id"])
    again = steerco("sync", "--json").json
    assert again["firestore"]["done"] == again["salesforce"]["done"] == 0


def test_one_target_can_be_synced_alone(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    done = steerco("sync", "--target", "firestore", "--json")
    assert done.json["firestore"]["done"] == 1
    assert done.json["salesforce"]["pending"] == 1
    assert done.code == 1, "something is pending still"


def test_targets_that_are_away_are_one_sentence_each_and_the_edit_stays(
    steerco: Steerco, nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "true")
    steerco("projects", "add", "feature_name=A", "--id", "a")
    done = steerco("sync", "--json")
    assert done.code == 1
    assert done.json["firestore"]["pending"] == done.json["salesforce"]["pending"] == 1
    firestore, salesforce = done.err.splitlines()
    assert "saved here, not yet in Firestore" in firestore
    assert "saved here, not yet in Salesforce" in salesforce
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["firestore"]["attempts"] == 0, "an outage is not the row's fault"
    assert entry["deliveries"]["salesforce"]["state"] == "pending", "away is not held"


def test_real_connections_never_see_the_sandbox_s_projects(
    steerco: Steerco, nobody: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert steerco("projects", "add", "feature_name=Real", "--id", "real").code == 0
    for name in ("FIRESTORE_EMULATOR_HOST", "SF_INSTANCE_URL", "SF_ACCESS_TOKEN"):
        monkeypatch.delenv(name)
    assert steerco("projects", "list", "--json").json == []


def test_pause_holds_and_resume_lets_go(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    paused = steerco("outbox", "pause", "--target", "salesforce", "--json").json
    assert paused["salesforce"] == {"state": "paused", "reason": "paused by Ana Ruiz"}
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["salesforce"]["state"] == "held"
    assert entry["deliveries"]["firestore"]["state"] == "pending"
    steerco("outbox", "pause")
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["firestore"]["state"] == "held"
    steerco("outbox", "resume")
    (entry,) = steerco("outbox", "list", "--json").json
    assert {side["state"] for side in entry["deliveries"].values()} == {"pending"}


def failed(database: Callable[[], sqlite3.Connection], seq: int = 1) -> None:
    with database() as conn:
        conn.execute(
            "UPDATE open_deliveries SET state = 'failed', attempts = 12, last_error = ?, "
            "next_at = 1764000000.5 WHERE seq = ? AND target = 'salesforce'",
            ("no [/x]\x1b[31m", seq),
        )


def test_a_failed_entry_says_why_and_can_be_tried_again(
    steerco: Steerco, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    failed(database)
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["salesforce"] == {
        "state": "failed",
        "attempts": 12,
        "next_attempt_at": "2025-11-24T16:00:00.500Z",
        "last_error": "no [/x]\x1b[31m",
    }
    for argv in (["list"], ["show", "1"]):
        text = steerco("outbox", *argv).out
        assert "\x1b" not in text
        assert "no [/x]\\x1b[31m" in text
    assert steerco("outbox", "retry", "1", "--json").json == {"retried": 1}
    failed(database)
    assert steerco("outbox", "retry", "--json").json == {"retried": 1}
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["salesforce"]["state"] == "pending"


def test_a_discarded_edit_is_taken_back_and_stays_in_the_history(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    steerco("sync")
    steerco("projects", "set", "a", "status=Paused")
    (entry,) = steerco("outbox", "list", "--json").json
    done = steerco("outbox", "discard", str(entry["seq"]), "--json")
    assert done.code == 0
    assert done.json["back"] == {"status": "Yet to Start"}
    project = steerco("projects", "show", "a", "--json").json
    assert project["status"] == "Yet to Start"
    assert any(h["seq"] == entry["seq"] for h in project["history"])
    states = {
        e["seq"]: e["deliveries"]["salesforce"]["state"]
        for e in steerco("outbox", "list", "--all", "--json").json
    }
    assert states[entry["seq"]] == "discarded"
    assert "is over" in steerco("outbox", "discard", str(entry["seq"])).sentence


def test_show_has_the_changes_and_each_attempt(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    steerco("sync")
    shown = steerco("outbox", "show", "1", "--json").json
    assert shown["changes"]["feature_name"] == {"old": None, "new": "A"}
    assert {each["target"] for each in shown["attempts"]} == {"firestore", "salesforce"}
    assert all(each["outcome"] == "ok" for each in shown["attempts"])
    by_trace = steerco("outbox", "show", shown["trace_id"], "--json").json
    assert by_trace["seq"] == 1


def test_people_lists_the_names_that_are_no_user(
    steerco: Steerco, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco(
        "projects", "add", "feature_name=A", "it_lead=Eva Lund", "product_owner=Xi Wu", "--id=a"
    )
    steerco("projects", "add", "feature_name=B", "intake.submitted_by=xi wu", "it_lead=Xi Wu",
            "--id=b")  # fmt: skip
    assert "not been read yet" in steerco("people").out
    with database() as conn:
        conn.execute("INSERT INTO users VALUES ('005', 'EVA LUND', 'eva@x.example', 1)")
    assert steerco("people", "--json").json == [
        {"name": "Xi Wu", "fields": ["product_owner", "it_lead"], "projects": ["a", "b"]},
        {"name": "xi wu", "fields": ["intake.submitted_by"], "projects": ["b"]},
    ]
    assert "Xi Wu" in steerco("people").out


def test_doctor_finds_a_fresh_sandbox_in_good_health(steerco: Steerco) -> None:
    done = steerco("doctor", "--json")
    assert done.code == 0, done.out
    assert done.json["ok"] is True
    assert [each["check"] for each in done.json["checks"]] == [
        "config", "home", "database", "firestore", "salesforce", "package", "clock",
    ]  # fmt: skip


def test_doctor_says_what_to_do_and_shows_no_secret(steerco: Steerco, nobody: None) -> None:
    steerco("projects", "list")
    done = steerco("doctor", "--json")
    assert done.code == 1
    assert "firestore, salesforce" in done.sentence
    wrong = [each for each in done.json["checks"] if not each["ok"]]
    assert [each["check"] for each in wrong] == ["firestore", "salesforce"]
    assert all(each["detail"] and each["advice"] for each in wrong)
    human = steerco("doctor")
    assert human.code == 1
    assert "t0ps3cret" not in done.out + done.err + human.out + human.err


@pytest.mark.parametrize(
    ("spoil", "check", "says"),
    [
        (b"no database" * 500, "database", "damaged"),
        (None, "config", "SF_INSTANCE_URL"),
    ],
)
def test_doctor_goes_on_where_other_commands_refuse(
    steerco: Steerco,
    home: object,
    monkeypatch: pytest.MonkeyPatch,
    spoil: bytes | None,
    check: str,
    says: str,
) -> None:
    steerco("projects", "list")
    if spoil is None:
        monkeypatch.setenv("SF_ACCESS_TOKEN", "x")
    else:
        from services import locations

        (locations.home() / "sandbox.db").write_bytes(spoil)
    done = steerco("doctor", "--json")
    assert done.code == 1
    found = {each["check"]: each for each in done.json["checks"]}
    assert found[check]["ok"] is False
    assert says in found[check]["detail"]
    assert found[check]["advice"]


def test_doctor_and_sync_against_an_organisation_that_is_configured(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = SandboxProcess()
    server.start(tmp_path / "org.db")
    try:
        url, token = server.wait_ready()
        monkeypatch.setenv("SF_INSTANCE_URL", url)
        monkeypatch.setenv("SF_ACCESS_TOKEN", token)
        monkeypatch.setenv("SF_TITLE_FIELD", "Subject__c")
        found = {each["check"]: each for each in steerco("doctor", "--json").json["checks"]}
        assert found["firestore"]["detail"] == "Firestore is not configured"
        assert found["salesforce"]["ok"] is False
        assert "Subject__c" in found["salesforce"]["detail"], "a field the organisation has not"
        assert found["package"]["ok"] is False
        assert "Ticket__c has no Subject__c" in found["package"]["detail"]

        monkeypatch.delenv("SF_TITLE_FIELD")
        healthy = steerco("doctor", "--json")
        assert healthy.code == 0
        found = {each["check"]: each for each in healthy.json["checks"]}
        assert "ITSC_SF_SYNC_ENABLED" in found["salesforce"]["detail"], "off, and said so"

        steerco("projects", "add", "feature_name=A", "--id", "a")
        monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "on")
        done = steerco("sync", "--json")
        assert done.code == 0, done.err
        assert (done.json["salesforce"]["done"], done.json["firestore"]["held"]) == (1, 1)
        assert token not in healthy.out + done.out + done.err
    finally:
        server.stop()


def test_the_sandbox_keeps_its_own_field_names(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_TITLE_FIELD", "Subject__c")
    steerco("projects", "add", "feature_name=A")
    assert steerco("sync").code == 0


def test_doctor_notices_another_organisation(
    steerco: Steerco, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("projects", "add", "feature_name=A")
    steerco("sync")
    with database() as conn:
        conn.execute("UPDATE targets SET identity = '00Dother' WHERE target = 'salesforce'")
    found = {each["check"]: each for each in steerco("doctor", "--json").json["checks"]}
    assert found["salesforce"]["ok"] is False
    assert "00Dother" in found["salesforce"]["detail"]
    assert found["firestore"]["ok"] is True


def rows_of(url: str, token: str) -> dict[str, tuple[str, str, str | None]]:
    """What an organisation holds, asked for over HTTP: title, status and parent by project id."""
    soql = (
        "SELECT DataOS_Project_Id__c, Title__c, Status__c, Parent_Initiative__r."
        "DataOS_Project_Id__c FROM Ticket__c WHERE DataOS_Project_Id__c != null"
    )
    request = urllib.request.Request(
        f"{url}/services/data/v59.0/query/?q={urllib.parse.quote_plus(soql)}",
        headers={"Authorization": f"Bearer {token}"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=20) as answer:
        records = json.load(answer)["records"]
    return {
        r["DataOS_Project_Id__c"]: (
            r["Title__c"],
            r["Status__c"],
            (r["Parent_Initiative__r"] or {}).get("DataOS_Project_Id__c"),
        )
        for r in records
    }


def test_another_organisation_pauses_until_a_person_adopts_it(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    servers = [SandboxProcess(), SandboxProcess()]
    monkeypatch.setenv("ITSC_SF_SYNC_ENABLED", "true")

    def use(number: int) -> None:
        url, token = servers[number].wait_ready()
        monkeypatch.setenv("SF_INSTANCE_URL", url)
        monkeypatch.setenv("SF_ACCESS_TOKEN", token)

    for number, server in enumerate(servers):
        server.start(tmp_path / f"org-{number}.db")
    try:
        use(0)
        steerco("projects", "add", "feature_name=Parent", "--id", "p")
        steerco("projects", "add", "feature_name=Child", "parent_id=p", "--id", "c")
        assert steerco("sync").code == 0
        first = steerco("projects", "show", "c", "--json").json["sf_id"]

        use(1)
        steerco("projects", "set", "c", "status=Paused")
        refused = steerco("sync", "--json")
        assert refused.code == 1
        assert "--adopt" in refused.sentence
        assert refused.json["salesforce"]["done"] == 0
        (entry,) = [
            e
            for e in steerco("outbox", "list", "--json").json
            if e["deliveries"]["salesforce"]["state"] not in ("none", "done")
        ]
        assert "belongs to" in entry["deliveries"]["salesforce"]["last_error"]
        steerco("outbox", "resume")
        assert steerco("sync", "--json").json["salesforce"]["done"] == 0, "resume alone is not it"

        assert steerco("outbox", "resume", "--adopt").code == 2
        assert steerco("outbox", "resume", "--target", "salesforce", "--adopt").code == 0
        done = steerco("sync", "--json")
        assert done.code == 0, done.err
        assert done.json["salesforce"]["done"] > 0
        child = steerco("projects", "show", "c", "--json").json
        assert child["sync"]["salesforce"]["state"] == "synced"
        assert child["sf_id"] != first
        assert child["status"] == "Paused"
        org = rows_of(*servers[1].wait_ready())
        assert org == {"p": ("Parent", "Yet to Start", None), "c": ("Child", "Paused", "p")}
        again = steerco("outbox", "resume", "--target", "salesforce", "--adopt")
        assert (again.code, again.out) == (1, "")
    finally:
        for server in servers:
            server.stop()
