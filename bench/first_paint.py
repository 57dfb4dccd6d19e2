"""Process start to first paint, in a real terminal, against a minimal Textual app.

Both run as a process of their own on a pseudo-terminal; the clock stops when the first text of the
screen has come out.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping
from fcntl import ioctl
from pathlib import Path

from bench.measure import Result, at_most, installed
from services import itsc_roadmap
from services.context import Context
from store.database import open_database, transaction

ROUNDS = 7
MINIMAL = (
    "from textual.app import App\n"
    "from textual.widgets import DataTable, Label\n"
    "class Minimal(App):\n"
    "    def compose(self):\n"
    "        yield Label('Roadmap')\n"
    "        yield DataTable()\n"
    "Minimal().run()\n"
)


def run() -> Iterator[Result]:
    """With 50 sample projects in the sandbox, and with 10,000."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        few, many = home / "few", home / "many"
        _time_to_text([sys.executable, "-m", "tui.main"], home_of(few))  # makes the samples
        fill(many / "sandbox.db", 10_000)
        for what, where, goal in (("50 projects", few, 1.5), ("10,000 projects", many, 2.0)):
            pairs = [
                (
                    _time_to_text([sys.executable, "-m", "tui.main"], home_of(where)),
                    _time_to_text([sys.executable, "-c", MINIMAL], installed()),
                )
                for _ in range(ROUNDS)
            ]
            ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
            yield at_most(
                f"start to first paint, {what}",
                f"{ours * 1e3:.0f} ms",
                f"minimal Textual app {theirs * 1e3:.0f} ms",
                statistics.median(a / b for a, b in pairs),
                goal,
            )


def home_of(path: Path) -> Mapping[str, str]:
    """The environment of a terminal with nothing configured and its files at ``path``."""
    real = ("SF_", "GOOGLE", "FIRESTORE")
    kept = {k: v for k, v in installed().items() if not k.startswith(real)}
    return {**kept, "STEERCO_HOME": str(path), "STEERCO_CONFIG": str(path / "none.toml")}


def _time_to_text(command: list[str], environment: Mapping[str, str]) -> float:
    """Seconds until the word Roadmap is on the screen; the process is killed then."""
    start = time.perf_counter()
    pid, screen = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**environment, "TERM": "xterm-256color"})
    ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
    seen = b""
    try:
        while b"Roadmap" not in seen:
            if not select.select([screen], [], [], 30)[0]:
                raise TimeoutError(f"nothing was painted by {command}")
            seen += os.read(screen, 65536)
        return time.perf_counter() - start
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(screen)


def fill(path: Path, count: int) -> None:
    """A database with so many invented projects, all of them still to deliver."""
    conn = open_database(path)
    ctx = Context("bench")
    with transaction(conn):
        for number in range(count):
            values = {
                "feature_name": f"Project {number}",
                "priority": ("P1", "P2", "TBD", "Not yet Prioritized")[number % 4],
                "department": f"Team {number % 40}",
                "sort_order": number % 1000,
                "brief.what_it_does": "What it does, in a sentence or two. " * 4,
            }
            itsc_roadmap.create_project(conn, ctx, values)
    conn.close()
