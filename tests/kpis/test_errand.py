"""Tickets come in beside the terminal, by processes that end: what they load goes with them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.children import environment
from services.kpis.errand import Order, Report, run
from services.kpis.pull import pulled_at
from services.kpis.thread import TicketThread
from services.sandbox.process import SandboxProcess
from services.sync.calls import Calls
from services.sync.targets.sf_login import SalesforceConnection
from store import targets
from store.clock import system_clock
from store.database import open_database
from store.tickets import TicketFile

Ask = Callable[..., Order]
ROOT = Path(__file__).resolve().parents[2]
IDLE = """
import sys, time
from pathlib import Path
from services.kpis.errand import Order
from services.kpis.thread import TicketThread
file = Path(sys.argv[1])
thread = TicketThread(Order.from_line(sys.stdin.buffer.readline()), print)
thread.start()
end = time.monotonic() + 60
while not file.exists() or thread._child is not None:
    assert time.monotonic() < end
    time.sleep(0.05)
print("duckdb" in sys.modules, thread.is_alive())
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "org.db")
    yield process.wait_ready()
    process.stop()


@pytest.fixture
def order(sandbox: tuple[str, str], file: TicketFile) -> Ask:
    def make(
        *,
        token: str | None = None,
        policy: str | None = None,
        every: float = 300.0,
        share: float = 0.2,
    ) -> Order:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        connection = SalesforceConnection(instance_url=sandbox[0], access_token=token or sandbox[1])
        database = file.path.with_name("steerco.db")
        return Order(connection, str(file.path), policy, True, every, str(database), share)

    return make


def test_an_order_arrives_as_it_was_sent(order: Ask) -> None:
    sent = order(policy="other.json", every=7.5)
    assert Order.from_line(sent.to_line()) == sent


def test_the_process_beside_the_terminal_never_loads_the_engine_of_the_tickets(
    order: Ask, file: TicketFile
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IDLE, str(file.path)],
        input=order().to_line(),
        capture_output=True,
        env=environment(),
        cwd=ROOT,
        timeout=90,
        check=False,
    )
    assert done.stdout.decode() == "False True\n", done.stderr.decode()
    made = {each.name: each.stat().st_mode & 0o077 for each in file.path.parent.iterdir()}
    assert set(made.values()) == {0}, made
    assert pulled_at(file) is not None


def test_a_pull_is_made_when_it_is_due_and_no_earlier(order: Ask, file: TicketFile) -> None:
    ending = threading.Event()
    assert run(order(every=300.0), ending) == Report(300.0)
    first = pulled_at(file)
    soon = run(order(every=300.0), ending)
    assert 200.0 < soon.pause < 300.0
    assert soon.trouble is None
    assert pulled_at(file) == first
    assert run(order(every=0.001), ending).trouble is None
    assert pulled_at(file) != first


def test_a_pull_is_counted_and_waits_where_the_share_is_used_up(
    order: Ask, file: TicketFile
) -> None:
    run(order(), threading.Event())
    conn = open_database(file.path.with_name("steerco.db"))
    made = Calls(conn, system_clock, "me", 0.2).budget().ours
    assert made > 3
    limit = targets.get(conn, "salesforce").api_limit
    assert limit is not None
    report = run(order(every=0.001, share=made / limit), threading.Event())
    assert report.trouble is not None
    assert "share of Salesforce calls is used up" in report.trouble
    assert Calls(conn, system_clock, "me", 0.2).budget().ours == made
    conn.close()


def test_what_keeps_tickets_away_is_said_once_for_each_try(
    order: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kpis.thread.START", 0.01)
    said: list[str] = []
    for wrong in (order(token="00Dwrong!token"), order(policy=str(tmp_path / "none.json"))):
        before = len(said)
        thread = TicketThread(wrong, said.append)
        thread.start()
        end = time.monotonic() + 60
        while len(said) == before and time.monotonic() < end:
            time.sleep(0.02)
        thread.stop()
        assert not thread.is_alive()
    assert len(said) == 2
    assert all(each.startswith("the tickets were not pulled: ") for each in said)
    assert "none.json" in said[1]


def test_stopping_ends_the_process_that_is_under_way(
    order: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kpis.thread.START", 0.01)
    thread = TicketThread(order(), pytest.fail)
    thread.start()
    end = time.monotonic() + 60
    while (child := thread._child) is None:
        assert time.monotonic() < end
        time.sleep(0.001)
    thread.stop()
    assert not thread.is_alive()
    assert child.poll() is not None


def test_a_process_whose_parent_is_gone_brings_no_more_in(order: Ask, file: TicketFile) -> None:
    gone = threading.Event()
    gone.set()
    assert run(order(), gone) == Report(0.0)
    assert not file.path.exists() or pulled_at(file) is None
