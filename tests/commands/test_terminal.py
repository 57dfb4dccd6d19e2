"""Opening the terminal: the store it finds, the samples of its first run, and its end."""

from __future__ import annotations

import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from services import config, connections
from services.background import Background
from services.sandbox.firestore import EmbeddedDocuments
from store.database import connect
from tests.commands.conftest import ROOT, Steerco
from tui.terminal import unknown_commands, workplace

DEADLINE = 40.0


def projects_in(path: Path) -> int:
    conn = connect(path)
    try:
        return int(conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0])
    finally:
        conn.close()


def test_the_first_run_in_the_sandbox_brings_fifty_samples_and_only_that_one(
    steerco: Steerco, home: Path
) -> None:
    assert steerco("projects", "list", "--json").json == []
    place = workplace(config.load())
    assert place.path == home / "sandbox.db"
    assert projects_in(place.path) == 50
    project_id = steerco("projects", "list", "--json").json[0]["project_id"]
    steerco("projects", "delete", project_id, "--yes")
    assert projects_in(workplace(config.load()).path) == 49


def test_a_sandbox_that_was_worked_in_and_a_real_database_get_no_samples(
    steerco: Steerco, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steerco("projects", "add", "feature_name=Mine")
    assert projects_in(workplace(config.load()).path) == 1
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    place = workplace(config.load())
    assert place.path == home / "steerco.db"
    assert projects_in(place.path) == 0
    assert not place.sandbox
    assert place.gates["salesforce"].reason == "Salesforce is not configured"


def test_a_home_that_is_a_file_is_said_so_in_one_sentence(process: Steerco, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    ran = process("projects", "list", env={"STEERCO_HOME": str(file)})
    assert ran.code == 1
    assert ran.sentence == f"the data directory {file} is a file; set STEERCO_HOME to a directory."
    assert file.read_text() == "mine"


def test_the_sandboxs_documents_and_the_database_are_their_owners_alone(
    steerco: Steerco, home: Path
) -> None:
    steerco("projects", "add", "feature_name=A")
    EmbeddedDocuments(home / connections.SANDBOX_FIRESTORE).identity()
    for name in ("sandbox.db", connections.SANDBOX_FIRESTORE):
        for file in home.glob(f"{name}*"):
            assert file.stat().st_mode & 0o077 == 0, file.name


def test_the_engine_in_the_background_delivers_and_ends(steerco: Steerco, home: Path) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    place = workplace(config.load())
    engine = Background(place, config.load())
    engine.start()
    deadline = time.monotonic() + DEADLINE
    while steerco("outbox", "list", "--json").json and time.monotonic() < deadline:
        place.wake()
        select.select([], [], [], 0.05)
    engine.stop()
    assert steerco("outbox", "list", "--json").json == []
    assert not (home / "steerco.log").exists()


def test_an_engine_that_can_not_start_is_written_down_once(
    steerco: Steerco, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = workplace(config.load())
    engine = Background(place, config.load())

    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("the sandbox did not start: no port")

    monkeypatch.setattr(connections, "connect", broken)
    engine.start()
    log = home / "steerco.log"
    deadline = time.monotonic() + DEADLINE
    while not log.exists() and time.monotonic() < deadline:
        select.select([], [], [], 0.02)
    for _ in range(3):
        place.wake()
        select.select([], [], [], 0.05)
    engine.stop()
    (line,) = log.read_text().splitlines()
    assert '"level": "error"' in line
    assert "no port" in line


class Screen:
    """A real terminal of 100x30 around a real process."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tui.main"],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def read_until(self, wanted: bytes) -> bool:
        deadline = time.monotonic() + DEADLINE
        while wanted not in self.seen and time.monotonic() < deadline:
            ready, _, _ = select.select([self.master], [], [], 0.5)
            if ready:
                try:
                    self.seen += os.read(self.master, 65536)
                except OSError:
                    break
        return wanted in self.seen

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> int:
        """Read what comes until it ends; gives the exit code."""
        self.read_until(b"\0never\0")
        os.close(self.master)
        return self.process.wait(timeout=20)


def test_steerco_alone_opens_the_terminal_with_the_samples_and_leaves_on_ctrl_q(home: Path) -> None:
    screen = Screen()
    try:
        assert screen.read_until(b"SANDBOX"), screen.seen[-2000:]
        assert screen.read_until(b"Feedback Platform"), screen.seen[-2000:]
        screen.press(b"\x11")
        assert screen.end() == 0
    finally:
        screen.process.kill()
    assert b"Traceback" not in screen.seen
    assert projects_in(home / "sandbox.db") == 50


def test_every_command_of_every_page_can_have_another_key() -> None:
    assert unknown_commands({"app.quit": "f10", "roadmap.new": "f2", "grid.down": "f3"}) == []


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"STEERCO_THEME": "neon"}, b"theme"),
        ({"STEERCO_KEYMAP": '{"app.quitt": "f10"}'}, b"app.quitt"),
        ({"SF_CLIENT_ID": "x"}, b"SF_USERNAME"),
        ({"STEERCO_HOME": "/dev/null/x"}, b"STEERCO_HOME"),
    ],
)
def test_what_keeps_the_terminal_from_opening_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], says: bytes
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    screen = Screen()
    try:
        assert screen.end() == 1
    finally:
        screen.process.kill()
    assert says in screen.seen
    assert len(screen.seen.strip().splitlines()) == 1
