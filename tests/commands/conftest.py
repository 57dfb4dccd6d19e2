"""Running commands: in this process for breadth, as a real process where that is the point."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.config import VARIABLES
from tui.commands import run

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """What a command did: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON; it has to be nothing else."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence on standard error; there has to be exactly one line."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


Steerco = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of its own and no configuration at all."""
    for name in (*VARIABLES, "COLUMNS", "NO_COLOR", "_STEERCO_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STEERCO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STEERCO_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("STEERCO_OPERATOR", "Ana Ruiz")
    return tmp_path / "home"


@pytest.fixture
def steerco(home: Path, capsys: pytest.CaptureFixture[str]) -> Steerco:
    """Runs one command line in this process."""

    def go(*argv: str) -> Ran:
        capsys.readouterr()
        code = run(argv)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return go


@pytest.fixture
def process(home: Path) -> Steerco:
    """Runs one command line as a process of its own, as a shell would."""

    def go(*argv: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "tui.main", *argv],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return go


@pytest.fixture
def database(home: Path) -> Callable[[], sqlite3.Connection]:
    """Opens the sandbox's database as another program would."""

    def opened() -> sqlite3.Connection:
        conn = sqlite3.connect(home / "sandbox.db", isolation_level=None)
        conn.create_function("fold", 1, lambda text: text and text.casefold())
        return conn

    return opened
