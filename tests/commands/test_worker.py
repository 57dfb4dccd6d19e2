"""The worker as a service manager sees it: it works, and ends cleanly when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = (sys.executable, "-m", "tui.main")


def environment(home: Path) -> dict[str, str]:
    ours = ("STEERCO_", "SF_", "ITSC_", "FIRESTORE_", "GOOGLE_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**kept, "STEERCO_HOME": str(home), "STEERCO_CONFIG": str(home / "none.toml")}


def steerco(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *argv], env=environment(home), capture_output=True, text=True, check=False
    )


def synced(home: Path, project_id: str) -> bool:
    ran = steerco(home, "projects", "show", project_id, "--json")
    sides = json.loads(ran.stdout)["sync"].values()
    return all(side["state"] == "synced" for side in sides)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_delivers_what_another_process_edits_and_ends_cleanly_on_a_signal(
    tmp_path: Path, number: signal.Signals
) -> None:
    worker = subprocess.Popen(
        [*PROGRAM, "worker"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert worker.stdout is not None
        assert "working on" in worker.stdout.readline()
        steerco(tmp_path, "projects", "add", "feature_name=A", "--id", "a")
        for _ in range(300):
            if synced(tmp_path, "a"):
                break
            time.sleep(0.1)
        assert synced(tmp_path, "a")
        worker.send_signal(number)
        _, complaints = worker.communicate(timeout=60)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0
    assert complaints == ""
    events = [json.loads(line) for line in (tmp_path / "steerco.log").read_text().splitlines()]
    assert [each["event"] for each in events] == ["worker_started", "worker_stopped"]
