"""The server as a process: start, end, its parent's death, its file."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from services.sandbox.process import SandboxFailed, SandboxProcess
from services.sandbox.server import listen
from tests.sandbox.conftest import Org

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys
from services.sandbox.process import SandboxProcess
process = SandboxProcess()
process.start(sys.argv[1], sleep=float(sys.argv[2]))
print(process.wait_ready()[0], process._child.pid, flush=True)
sys.stdin.read()
"""


def dies_with_its_parent(path: Path, sleep: float, before: Callable[[str, int], object]) -> None:
    """Kill a server's parent after ``before`` (url, the server's process): it goes, silently."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path), str(sleep)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert parent.stdout is not None
    url, pid = parent.stdout.readline().decode().split()
    before(url, int(pid))
    os.kill(parent.pid, signal.SIGKILL)
    _, errors = parent.communicate()
    assert gone(url)
    assert errors == b""


def gone(url: str) -> bool:
    """Whether nothing listens there any more, within five seconds."""
    port = int(url.rsplit(":", 1)[1])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.02)
    return False


def test_data_survives_a_restart_and_so_does_the_token(tmp_path: Path) -> None:
    tokens, ids = set(), set()
    for _ in range(2):
        process = SandboxProcess()
        process.start(tmp_path / "org.sqlite")
        url, token = process.wait_ready()
        org = Org(process, url, token)
        tokens.add((token, org.organization))
        if not ids:
            ids.add(org.ticket(Title__c="kept"))
        (row,) = org.soql("SELECT Id FROM Ticket__c WHERE Title__c = 'kept'")
        ids.add(row["Id"])
        process.stop()
        assert gone(url)
    assert len(tokens) == len(ids) == 1


def test_two_servers_share_a_file(tmp_path: Path) -> None:
    processes = [SandboxProcess(), SandboxProcess()]
    for process in processes:
        process.start(tmp_path / "org.sqlite")
    orgs = [Org(process, *process.wait_ready()) for process in processes]
    failures: list[Exception] = []

    def fill(org: Org, mark: int) -> None:
        try:
            for n in range(5):
                rows = [
                    {
                        "attributes": {"type": "Ticket__c"},
                        "DataOS_Project_Id__c": f"p-{m}",
                        "Title__c": f"{mark}-{n}",
                    }
                    for m in range(40)
                ]
                path = "composite/sobjects/Ticket__c/DataOS_Project_Id__c"
                results = org.call("PATCH", path, {"records": rows}).json()
                assert all(r["success"] for r in results)
        except (AssertionError, requests.RequestException) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=fill, args=pair) for pair in zip(orgs, (0, 1), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = [org.soql("SELECT COUNT(Id) n FROM Ticket__c") for org in orgs]
    for process in processes:
        process.stop()
    assert failures == []
    assert counted == [[{"n": 40}], [{"n": 40}]]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_the_server_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    def answers(url: str, _pid: int) -> None:
        assert requests.get(f"{url}/services/data", timeout=10).ok

    dies_with_its_parent(tmp_path / "org.sqlite", 60.0, answers)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_alone_ends_cleanly_on_a_signal(tmp_path: Path, number: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "services.sandbox", "--db", str(tmp_path / "org.sqlite")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    url = json.loads(child.stdout.readline())["url"]
    assert requests.get(f"{url}/services/data", timeout=10).ok
    child.send_signal(number)
    output, errors = child.communicate(timeout=10)
    assert (child.returncode, output, errors) == (0, b"", b"")


def test_it_starts_in_any_directory_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # A file that shadows a library must not be picked up from where the user stands.
    (tmp_path / "starlette.py").write_text("raise SystemExit('shadowed')\n")
    monkeypatch.chdir(tmp_path)
    process = SandboxProcess()
    process.start("org.sqlite")
    url, token = process.wait_ready()
    Org(process, url, token).call("GET", "limits")
    process.stop()
    assert (tmp_path / "org.sqlite").exists()
    assert capfd.readouterr() == ("", "")


def test_its_file_is_its_owners_alone(server: Any) -> None:
    command = server.process._child.args
    path = command[command.index("--db") + 1]
    if os.name == "posix":
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_a_failure_to_start_is_told_in_a_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database " * 1000)
    for path, faults, words in (
        (damaged, [], "file is not a database"),
        (tmp_path / "nowhere" / "org.sqlite", [], "No such file"),
        (tmp_path / "org.sqlite", ["nonsense"], "is no fault"),
    ):
        process = SandboxProcess()
        process.start(path, faults=faults)
        with pytest.raises(SandboxFailed, match=words):
            process.wait_ready()
        process.stop()


def test_waiting_is_bounded(tmp_path: Path) -> None:
    process = SandboxProcess()
    process.start(tmp_path / "org.sqlite")
    with pytest.raises(SandboxFailed, match="did not answer within"):
        process.wait_ready(timeout=0.001)
    with pytest.raises(SandboxFailed, match="not started"):
        SandboxProcess().wait_ready()
    SandboxProcess().stop()


def test_answers_are_not_held_back_by_nagles_algorithm() -> None:
    # asyncio turns it off only for a socket that names its protocol.
    with listen(0) as sock:
        assert sock.proto == socket.IPPROTO_TCP
