"""Memory of the idle terminal, against a minimal Textual app, each a process on its own terminal.

Both are left alone for the same time after their first paint. What is compared is the memory that
a process (with its children, if any) holds for itself and its share of what it has in common with
others (PSS); Linux only.
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

from bench.first_paint import MINIMAL, home_of
from bench.measure import Result, at_most, installed

ROUNDS, IDLE = 5, 40.0
OURS = [sys.executable, "-m", "tui.main"]


def run() -> Iterator[Result]:
    """With 50 sample projects and the sandbox, everything delivered."""
    with tempfile.TemporaryDirectory() as directory:
        home = home_of(Path(directory))
        _idle(OURS, home)  # makes the samples and brings them to both sides
        pairs = [
            (_idle(OURS, home), _idle([sys.executable, "-c", MINIMAL], installed()))
            for _ in range(ROUNDS)
        ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    peer = f"minimal Textual app {theirs / 1024:.0f} MB"
    yield at_most("memory, idle, 50 projects, sandbox", f"{ours / 1024:.0f} MB", peer, ratio, 2.5)


def _idle(command: list[str], environment: Mapping[str, str]) -> int:
    """Kilobytes that the program holds some seconds after its first paint; it is killed then."""
    pid, screen = pty.fork()
    if pid == 0:
        os.execvpe(command[0], command, {**environment, "TERM": "xterm-256color"})
    ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
    seen, end = b"", time.monotonic() + 60
    painted = False
    try:
        while (left := end - time.monotonic()) > 0:
            if select.select([screen], [], [], left)[0]:
                seen = seen[-4096:] + os.read(screen, 65536)
            if not painted and b"Roadmap" in seen:
                painted, end = True, time.monotonic() + IDLE
        if not painted:
            raise TimeoutError(f"nothing was painted by {command}")
        return sum(_pss(each) for each in _family(pid))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(screen)


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _family(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found
