"""Starting a command: ``steerco --version`` and a list of 50 projects against an idle Python."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Result, at_most, installed, interleaved

ROUNDS = 21
ROOT = Path(__file__).resolve().parents[1]


def run() -> Iterator[Result]:
    """Whole processes, from exec to exit, in turn."""
    with tempfile.TemporaryDirectory() as home:
        env = installed(STEERCO_HOME=home, STEERCO_CONFIG=f"{home}/config.toml")

        def process(*argv: str) -> Callable[[], object]:
            command = [sys.executable, *argv]
            return lambda: subprocess.run(
                command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, check=True
            )

        _fill(env)
        idle = process("-c", "pass")
        cases = (
            ("steerco --version", ["--version"], 4.0),
            ("steerco projects list --json (50)", ["projects", "list", "--json"], 30.0),
        )
        for what, argv, goal in cases:
            action = process("-m", "tui.main", *argv)
            action()
            ours, peer, faster = interleaved(action, idle, ROUNDS)
            yield at_most(what, _ms(ours), f"python -c pass {_ms(peer)}", 1 / faster, goal)


def _fill(env: dict[str, str]) -> None:
    code = (
        "from services import config; from tui.terminal import workplace; workplace(config.load())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms"
