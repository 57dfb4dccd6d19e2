"""Trouble on demand: what each fault does, and when it strikes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceRefusedRequest

from services.sandbox import rows, seed
from services.sandbox.faults import KINDS, SELECTORS, Faults, manual, parse_spec
from services.sandbox.org import Org
from services.sandbox.standard import schema
from services.sandbox.storage import Store
from services.sandbox.wire import Call, Effects
from services.sync.targets.sf_transport import adapter_of

DATA = "/services/data/v59.0/sobjects"


def struck(faults: Faults, times: int, method: str = "GET", path: str = DATA) -> list[bool]:
    return [faults.effects(method, path).answer is not None for _ in range(times)]


def test_selectors_decide_when_a_fault_strikes() -> None:
    assert struck(Faults(["401,count=2"]), 4) == [True, True, False, False]
    assert struck(Faults(["401,every=3"]), 6) == [False, False, True, False, False, True]
    assert struck(Faults(["401,every=2,count=1"]), 4) == [False, True, False, False]
    assert struck(Faults(["401,method=patch"]), 1) == [False]
    assert struck(Faults(["401,method=patch"]), 1, "PATCH") == [True]
    assert struck(Faults(["401,path=composite"]), 1) == [False]
    assert struck(Faults(["401,path=sobjects"]), 1) == [True]
    assert struck(Faults(["401"]), 1, path="/services/oauth2/token") == [False]
    assert struck(Faults(["401,path=oauth2"]), 1, path="/services/oauth2/token") == [True]


def test_probability_repeats_with_its_seed() -> None:
    first = struck(Faults(["503,p=0.5,seed=7"]), 200)
    assert first == struck(Faults(["503,p=0.5,seed=7"]), 200)
    assert first != struck(Faults(["503,p=0.5,seed=8"]), 200)
    assert 60 < sum(first) < 140


@pytest.mark.parametrize(
    "text",
    [
        *("", "nonsense", "latency", "latency:soon", "latency:inf", "401,count=x", "401,color=red"),
        *("bare", "bare:0", "bare:1000", "row", "late:", "latency:-5", "late:-1", "503:4"),
        *("503,p=2", "503,p=-0.1", "503,p=x", "503,count=-1", "503,every=0", "503,seed=x"),
    ],
)
def test_a_fault_that_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"fault|needs a value") as refused:
        parse_spec(text)
    assert not re.search(r"convert|literal|float|int\b", str(refused.value))


def test_every_kind_and_selector_is_in_the_manual_with_what_it_does() -> None:
    lines = manual()
    assert len(lines) == len(KINDS) + len(SELECTORS)
    for kind, (value, meaning) in KINDS.items():
        (line,) = (each for each in lines if re.match(rf"{kind}[ :\[]", each))
        assert line.endswith(f" {meaning}")
        assert value.strip("[]") in line
        parse_spec(kind + (f":{'7' if value != 'STATUS' else '502'}" if value else ""))


@pytest.mark.parametrize("command", [["tui.main", "sandbox"], ["services.sandbox"]])
def test_the_help_of_both_commands_holds_the_manual(command: list[str]) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", *command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    for line in manual():
        assert f"  {line}\n" in shown


def test_the_control_address_lists_adds_and_clears(org: Any) -> None:
    org.fault("401,count=1")
    org.call("GET", "limits")
    home = f"{org.url}/__sandbox/faults"
    listed = org.http.get(home, timeout=10).json()
    assert listed == [{"fault": "401,count=1", "matched": 1, "acted": 1}]
    for body in ({"fault": "nonsense"}, {}, []):
        assert org.http.post(home, json=body, timeout=10).status_code == 400
    assert org.http.post(home, data="401", timeout=10).status_code == 415
    assert org.http.delete(home, timeout=10).status_code == 204
    assert org.http.get(home, timeout=10).json() == []


@pytest.mark.parametrize(
    ("fault", "status", "code", "after"),
    [
        ("401", 401, "INVALID_SESSION_ID", None),
        ("403", 403, "REQUEST_LIMIT_EXCEEDED", None),
        ("429", 429, "REQUEST_LIMIT_EXCEEDED", None),
        ("429:7", 429, "REQUEST_LIMIT_EXCEEDED", "7"),
        ("500", 500, "UNKNOWN_EXCEPTION", None),
        ("503", 503, "SERVER_UNAVAILABLE", None),
    ],
)
def test_answers_in_salesforces_form(
    org: Any, fault: str, status: int, code: str, after: str | None
) -> None:
    org.fault(f"{fault},count=1")
    answer = org.call("GET", "limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    assert answer.headers.get("Retry-After") == after
    assert org.call("GET", "limits").status_code == 200


def test_a_proxys_answer_has_no_json(org: Any) -> None:
    org.fault("bare:503")
    answer = org.call("GET", "limits")
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (503, "text/html")


def test_simple_salesforce_sees_the_errors_it_knows(org: Any) -> None:
    sf = org.client()
    org.fault("401,count=1")
    with pytest.raises(SalesforceExpiredSession):
        sf.limits()
    org.fault("403,count=1")
    with pytest.raises(SalesforceRefusedRequest):
        sf.limits()


def test_cut_before_applies_nothing(org: Any, project_id: str) -> None:
    org.fault("cut-before,method=POST,count=1")
    with pytest.raises(requests.ConnectionError):
        org.initiative(DataOS_Project_Id__c=project_id)
    assert found(org, project_id) == 0
    org.initiative(DataOS_Project_Id__c=project_id)


def test_cut_after_applies_and_loses_the_answer(org: Any, project_id: str) -> None:
    org.id_of("Strategic_Initiative")
    org.fault("cut-after,method=POST,count=1")
    with pytest.raises(requests.ConnectionError):
        org.initiative(DataOS_Project_Id__c=project_id)
    assert found(org, project_id) == 1


def test_cut_in_the_body_loses_half_the_answer(org: Any, project_id: str) -> None:
    org.id_of("Strategic_Initiative")
    org.fault("cut-body,method=POST,count=1")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        org.initiative(DataOS_Project_Id__c=project_id)
    assert found(org, project_id) == 1


def found(org: Any, project_id: str) -> int:
    query = f"SELECT Id FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"
    return len(org.soql(query))


@pytest.mark.parametrize("fault", ["latency", "lag"])
def test_a_request_whose_client_gave_up_is_carried_out(
    org: Any, project_id: str, fault: str
) -> None:
    body = {"DataOS_Project_Id__c": project_id, "Title__c": "x"}
    org.fault(f"{fault}:300,method=POST,count=1")
    with pytest.raises(requests.Timeout):
        org.client(timeout=0.1).Ticket__c.create(body)
    # At once where the answer lagged, after the rest of the latency where the request did.
    assert found(org, project_id) == (fault == "lag")
    deadline = time.monotonic() + 5
    while not found(org, project_id) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found(org, project_id) == 1


def test_row_faults_carry_any_code(org: Any) -> None:
    org.fault("row:DUPLICATE_VALUE,count=1")
    answer = org.call("POST", "sobjects/Ticket__c", {"Title__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")
    org.fault("lock,count=1")
    answer = org.call("POST", "sobjects/Ticket__c", {"Title__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")
    assert org.call("POST", "sobjects/Ticket__c", {"Title__c": "x"}).status_code == 201


def test_late_rows_are_hidden_from_soql_alone_until_their_time(org: Any, project_id: str) -> None:
    old = org.initiative(Title__c="old")
    gone = org.initiative(Title__c="gone")
    org.fault("late:60")
    new = org.initiative(DataOS_Project_Id__c=project_id)
    org.call("PATCH", f"sobjects/Ticket__c/{old}", {"Title__c": "newer"})
    org.call("PATCH", f"sobjects/Ticket__c/{old}", {"Title__c": "newest"})
    org.call("DELETE", f"sobjects/Ticket__c/{gone}")
    query = f"SELECT Title__c FROM Ticket__c WHERE Id IN ('{old}', '{gone}', '{new}')"
    assert {r["Title__c"] for r in org.soql(query)} == {"old", "gone"}
    assert org.read(old, "Title__c") == {"Title__c": "newest"}
    org.calm()
    org.fault("clock:61")
    assert {r["Title__c"] for r in org.soql(query)} == {"newest", "An initiative"}


def test_a_clock_that_is_off_shows_in_dates_and_stamps(org: Any) -> None:
    org.fault("clock:-3600")
    sf = org.client()
    made = sf.Ticket__c.create({"Title__c": "x"})["id"]
    offset = adapter_of(sf.session).clock_offset
    assert offset is not None
    assert abs(offset + 3600) < 3
    created = org.read(made, "CreatedDate")["CreatedDate"]
    assert abs(seconds(created) - (time.time() - 3600)) < 10


def seconds(text: str) -> float:
    from services.sandbox.incoming import seconds_of

    return seconds_of(text)


def test_answers_are_dated(org: Any) -> None:
    answer = org.call("GET", "limits")
    assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()) < 5


def test_the_daily_limit_is_kept(tmp_path: Any) -> None:
    from services.sandbox.process import SandboxProcess
    from tests.sandbox.conftest import Org

    process = SandboxProcess()
    process.start(tmp_path / "org.sqlite", api_limit=3)
    try:
        org = Org(process, *process.wait_ready())
        answers = [org.call("GET", "limits") for _ in range(4)]
    finally:
        process.stop()
    assert [a.status_code for a in answers] == [200, 200, 200, 403]
    assert answers[2].headers["Sforce-Limit-Info"] == "api-usage=3/3"
    assert answers[3].json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]


def test_late_rows_that_are_due_are_let_go_of(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    store = Store(tmp_path / "org.sqlite")
    seed.fill(store, lambda: now[0])
    org = Org(store, Faults(), lambda: now[0])
    db = store.connection()
    (user,) = db.execute("SELECT Id FROM User LIMIT 1").fetchone()
    body = b'{"Title__c": "late"}'
    for wait in (0.0, 2.0, 10.0):
        now[0] += wait
        call = Call("POST", (), {}, {}, body, "59.0", user, effects=Effects(late=5.0))
        assert rows.create(org, call, schema()["ticket__c"]).status == 201
    (held,) = db.execute('SELECT COUNT(*) FROM "Ticket__c__late"').fetchone()
    assert held == 1
    store.close()
