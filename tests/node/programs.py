"""Other people's programs that run on Node: Salesforce's converter, and jsforce.

``make test`` installs them into ``.node`` where npm is. Where Node or they are missing, a test that
needs them is skipped with what is missing; in CI (environment variable CI) it fails instead where
there is a Node to run them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PLACE = HERE.parents[1] / ".node"
"""Where npm has put the packages; the programs are started from here."""


def needs(package: str) -> None:
    """Skip or fail the running test where a package can't be run."""
    reason = missing(package, PLACE, shutil.which)
    if reason is not None:
        (pytest.fail if must_run(os.environ, shutil.which) else pytest.skip)(reason)


def missing(package: str, place: Path, which: Callable[[str], str | None]) -> str | None:
    """What is missing to run a package, and how to get it; None where nothing is."""
    if which("node") is None:
        return f"{package} needs Node (20 or newer) and npm, and there is no node command"
    if not (place / "node_modules" / package / "package.json").is_file():
        return f"{package} is not installed in {place.name} (make {place.name}/.ready installs it)"
    return None


def must_run(env: Mapping[str, str], which: Callable[[str], str | None]) -> bool:
    """Whether a missing package is a failure: in CI, on a machine that has Node."""
    return bool(env.get("CI")) and which("node") is not None


def run(program: str, *arguments: str) -> Any:
    """Run one of the programs here; gives the JSON that it prints. Fails where it does."""
    done = subprocess.run(
        [str(shutil.which("node")), str(HERE / program), *arguments],
        cwd=PLACE,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
