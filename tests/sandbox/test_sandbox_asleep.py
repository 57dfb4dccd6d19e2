"""A server that nobody asks gives its memory back, and nobody notices."""

from __future__ import annotations

import random
import select
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from services.sandbox import __main__
from services.sandbox.process import SandboxProcess
from tests.sandbox.conftest import Org
from tests.sandbox.test_sandbox_process import dies_with_its_parent, gone

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="needs /proc: what a process has become"
)
PATIENCE = 0.5


@pytest.fixture
def process(tmp_path: Path) -> Iterator[SandboxProcess]:
    process = SandboxProcess()
    process.start(tmp_path / "org.sqlite", sleep=PATIENCE)
    process.wait_ready()
    yield process
    process.stop()


def number(process: SandboxProcess) -> int:
    assert process._child is not None
    return process._child.pid


def sleeps(pid: int) -> bool:
    return b"asleep.py" in Path(f"/proc/{pid}/cmdline").read_bytes()


def await_sleep(pid: int) -> None:
    deadline = time.monotonic() + 15
    while not sleeps(pid):
        assert time.monotonic() < deadline, "it is still awake"
        time.sleep(0.05)


def held(pid: int) -> int:
    """Kilobytes that it holds in memory."""
    return int(status(pid, "VmRSS"))


def listens(pid: int, how: signal.Signals) -> bool:
    """Whether it has a handler for a signal."""
    return bool(int(status(pid, "SigCgt"), 16) >> (how - 1) & 1)


def status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))


def test_it_falls_asleep_and_wakes_with_what_it_knew(process: SandboxProcess) -> None:
    pid, ready = number(process), dict(process.ready)
    org = Org(process, ready["url"], ready["token"])
    ticket = org.ticket(Title__c="kept")
    for _ in range(2):
        awake = held(pid)
        await_sleep(pid)
        assert held(pid) < awake / 2
        (row,) = org.soql("SELECT Id FROM Ticket__c WHERE Title__c = 'kept'")
        assert row["Id"] == ticket
        assert not sleeps(pid)
    assert number(process) == pid
    child = process._child
    assert child is not None
    # It says where it listens once: nobody reads on, and the pipe would be full some day.
    assert select.select([child.stdout], [], [], 0)[0] == []


def test_whoever_comes_while_it_wakes_waits_in_the_queue(process: SandboxProcess) -> None:
    await_sleep(number(process))
    answers: list[int] = []

    def ask() -> None:
        answers.append(
            requests.get(f"{process.ready['url']}/services/data", timeout=20).status_code
        )

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == [200] * 20


def test_a_connection_that_was_kept_is_renewed(process: SandboxProcess) -> None:
    dice = random.Random(4)
    with requests.Session() as session:
        for _ in range(6):
            answer = session.get(f"{process.ready['url']}/services/data", timeout=20)
            assert answer.status_code == 200
            time.sleep(dice.choice([0, 0.2, PATIENCE + 0.7]))


def test_a_slow_answer_is_not_slept_through(tmp_path: Path) -> None:
    process = SandboxProcess()
    process.start(tmp_path / "org.sqlite", latency_ms=int(PATIENCE * 5000), sleep=PATIENCE)
    start = time.monotonic()
    assert Org(process, *process.wait_ready()).call("GET", "limits").status_code == 200
    assert time.monotonic() - start > PATIENCE * 5
    process.stop()


def test_one_with_faults_stays_awake_to_count_them(tmp_path: Path) -> None:
    process = SandboxProcess()
    process.start(tmp_path / "org.sqlite", faults=["429,count=1"], sleep=PATIENCE)
    process.wait_ready()
    time.sleep(PATIENCE + 1)
    assert not sleeps(number(process))
    process.stop()


def test_it_is_stopped_in_its_sleep(process: SandboxProcess) -> None:
    await_sleep(number(process))
    child = process._child
    assert child is not None
    process.stop()
    assert child.returncode == 0  # it ended by itself and was not killed
    assert gone(process.ready["url"])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_its_sleep_cleanly(process: SandboxProcess, how: signal.Signals) -> None:
    await_sleep(number(process))
    child = process._child
    assert child is not None
    # The last that it listens to; Python itself listens to SIGINT from its start.
    while not listens(child.pid, signal.SIGTERM):
        time.sleep(0.01)
    child.send_signal(how)
    assert child.wait(10) == 0


def test_it_dies_in_its_sleep_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    dies_with_its_parent(tmp_path / "org.sqlite", PATIENCE, lambda _url, pid: await_sleep(pid))


def test_alone_it_does_not_sleep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        __main__.main(["--db", str(tmp_path / "org.sqlite"), "--sleep", "1"])
    assert end.value.code == 2
    assert "--sleep needs --parent-pipe" in capsys.readouterr().err
