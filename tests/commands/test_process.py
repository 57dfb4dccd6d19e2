"""Real processes: what only a process can show."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from store.version import __version__
from tests.commands.conftest import ROOT, Steerco

PYTHON = [sys.executable, "-m", "tui.main"]


def test_version_is_answered_without_importing_anything_of_ours_but_the_version(home: Path) -> None:
    code = (
        "import sys; sys.argv = ['steerco', '--version']; before = set(sys.modules)\n"
        "from tui.main import main\n"
        "main(); print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"steerco {__version__}\n"
    imported = set(done.stderr.split()) - {"__future__"}
    assert imported == {"tui", "tui.main", "store", "store.version"}


def test_version_and_help_need_no_home_and_no_sound_configuration(process: Steerco) -> None:
    broken = {"STEERCO_HOME": "/dev/null/x", "FIRESTORE_EMULATOR_HOST": ""}
    assert process("--version", env=broken).out == f"steerco {__version__}\n"
    assert "Usage: steerco" in process("--help", env=broken).out
    assert process("projects", "add", "--help", env=broken).code == 0


def test_without_a_terminal_the_terminal_says_so(process: Steerco) -> None:
    done = process()
    assert done.code == 1
    assert "steerco --help" in done.sentence


@pytest.mark.parametrize("projects", [0, 5])
def test_a_reader_that_leaves_early_gets_no_complaint(steerco: Steerco, projects: int) -> None:
    for number in range(projects):  # five of them are more than a pipe holds
        steerco("projects", "add", f"feature_name={number}", "brief.what_it_does=" + "x" * 30_000)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    listing = subprocess.Popen(
        [*PYTHON, "projects", "list", "--json"],
        cwd=ROOT,
        env=buffered,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert listing.stdout is not None
    if projects:
        assert listing.stdout.read(1) == b"["
    listing.stdout.close()
    _, errors = listing.communicate(timeout=60)
    assert (listing.returncode, errors) == (1, b"")


def test_a_terminal_that_knows_no_emoji_gets_them_spelled_out(process: Steerco) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = process("projects", "add", "feature_name=🧩 Ü", "--id", "a", env=ascii_only)
    assert done.code == 0, done.err
    assert "\\U0001f9e9" in done.out
    listed = process("projects", "list", "--json", env=ascii_only)
    assert listed.json[0]["feature_name"] == "🧩 Ü"


def test_the_sandbox_says_where_it_listens_and_ends_quietly_on_a_signal(home: Path) -> None:
    server = subprocess.Popen(
        [*PYTHON, "sandbox", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{ready['url']}/services/data/", timeout=10) as answer:
        assert answer.status == 200
    server.send_signal(signal.SIGINT)
    _, errors = server.communicate(timeout=20)
    assert server.returncode in (0, 130)
    assert errors == ""


def test_an_interrupted_sync_ends_quietly_and_gives_its_work_back(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
        steerco("projects", "add", "feature_name=A")
        syncing = subprocess.Popen(
            [*PYTHON, "sync"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Whoever runs the tests in the background has this signal ignored, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        asked, _ = silent.accept()
        syncing.send_signal(signal.SIGINT)
        with asked:
            out, errors = syncing.communicate(timeout=30)
    assert (syncing.returncode, out, errors) == (130, "", "")
    (entry,) = steerco("outbox", "list", "--json").json
    assert entry["deliveries"]["firestore"]["state"] == "pending"


def test_a_fault_that_is_no_fault_is_wrong_usage_of_the_sandbox(process: Steerco) -> None:
    done = process("sandbox", "--fault", "earthquake")
    assert done.code in (1, 2)
    assert "earthquake" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_comes_without_opening_anything(process: Steerco, shell: str) -> None:
    done = process(env={"_STEERCO_COMPLETE": f"source_{shell}"})
    assert done.code == 0
    assert "_STEERCO_COMPLETE" in done.out
    assert not os.path.exists(os.environ["STEERCO_HOME"])


def test_completion_knows_commands_views_and_fields(process: Steerco) -> None:
    def completed(words: str) -> str:
        count = str(len(words.split(" ")) - 1)
        return process(
            env={"_STEERCO_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
        ).out

    assert "outbox" in completed("steerco o").split()
    assert "needs-attention" in completed("steerco projects list --view ").split()
    assert "brief.punchline=" in completed("steerco projects set x brief.p").split()
