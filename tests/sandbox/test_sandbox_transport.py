"""The transport under simple-salesforce: where requests go, how long they wait, what it notes."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce

from services.sync.targets.sf_transport import (
    SalesforceAdapter,
    adapter_of,
    check_instance,
    open_session,
)


def test_loopback_instances_are_reached_by_plain_http(org: Any) -> None:
    session = open_session(org.url)
    sf = Salesforce(session_id=org.token, instance_url=org.url, session=session)
    usage = sf.limits()["DailyApiRequests"]
    adapter = adapter_of(session)
    assert (adapter.limit, adapter.calls) == (usage["Max"], 1)
    assert adapter.used == usage["Max"] - usage["Remaining"]
    # SFType keeps its own counters; the adapter sees its calls all the same.
    sf.Ticket__c.describe()
    assert (adapter.used, adapter.calls) == (usage["Max"] - usage["Remaining"] + 1, 2)


def test_a_loopback_session_reaches_nothing_else(org: Any) -> None:
    session = open_session(org.url)
    answer = session.get("https://login.salesforce.com/services/data")
    assert answer.ok
    assert answer.url.startswith(org.url)


def test_every_request_has_a_timeout(org: Any) -> None:
    org.fault("latency:2000")
    sf = org.client(timeout=0.05)
    with pytest.raises(requests.Timeout):
        sf.Ticket__c.create({"Title__c": "x"})


def test_a_callers_own_timeout_stands(org: Any) -> None:
    org.fault("latency:200")
    assert org.client(timeout=0.05).limits(timeout=5)


def test_the_clock_offset_narrows_with_each_answer() -> None:
    now = 1_000_000.0
    adapter = SalesforceAdapter(check_instance("http://127.0.0.1:1"), 1.0, lambda: now)
    assert adapter.clock_offset is None
    dates = ("Mon, 12 Jan 1970 13:46:40 GMT", "Mon, 12 Jan 1970 13:46:41 GMT")
    # The server is 0.7 s ahead: the same second at 1,000,000.2, the next one at 1,000,000.4.
    adapter._note({"Date": dates[0]}, now + 0.2, now + 0.2)
    assert adapter.clock_offset == 0.0  # by this answer alone the clock may be right
    adapter._note({"Date": dates[1]}, now + 0.4, now + 0.4)
    assert adapter.clock_offset == pytest.approx(0.7)
    adapter._note({"Date": "nonsense"}, now, now)
    assert adapter.clock_offset == pytest.approx(0.7)
    # A clock that was set: only the newest answer counts.
    adapter._note({"Date": dates[0]}, now + 3600, now + 3600)
    assert adapter.clock_offset == pytest.approx(-3599.5)


@pytest.mark.parametrize(
    "address",
    ["http://example.com", "ftp://127.0.0.1", "127.0.0.1", "", "https://a:b@example.com"],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"plain http|no instance address") as refused:
        open_session(address)
    assert "a:b" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:8080", "127.9.9.9"])
def test_every_name_of_this_machine_is_taken(host: str) -> None:
    assert check_instance(f"http://{host}").scheme == "http"


def test_a_real_instance_is_never_asked_in_plain_text() -> None:
    with pytest.raises(requests.exceptions.InvalidSchema, match="https is needed"):
        open_session("https://acme.my.salesforce.com").get("http://acme.my.salesforce.com/")


def test_the_environment_has_no_say() -> None:
    session = open_session("https://acme.my.salesforce.com")
    assert session.trust_env is False
    with pytest.raises(TypeError):
        adapter_of(requests.Session())
