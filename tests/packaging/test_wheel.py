"""The wheel carries everything: installed elsewhere, it is the same program as the checkout.

The wheel is built from a copy of the tree and installed without its dependencies into a fresh
environment, which borrows those that are installed here. (``pip install .`` with everything is the
same wheel; it differs by the download alone.)
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from store.version import __version__

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("tui", "screens", "services", "store", "sf", "policies")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the tree as it is now."""
    source = tmp_path_factory.mktemp("source")
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(out), str(source))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, away from the checkout; gives its bin directory."""
    place = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(place, with_pip=False, symlinks=True)
    python = place / "bin" / "python"
    pip("--python", str(python), "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = (place / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    return place / "bin"


def pip(*argv: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *argv],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run(installed: Path, home: Path, *argv: str, env: Mapping[str, str] | None = None) -> str:
    """Runs a program of the environment from a directory that is not the checkout."""
    clean = {"PATH": os.environ.get("PATH", ""), "STEERCO_HOME": str(home / "data")}
    clean["STEERCO_CONFIG"] = str(home / "config.toml")
    done = subprocess.run(
        [installed / argv[0], *argv[1:]],
        cwd=home,
        env={**clean, **(env or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_rooms_and_the_salesforce_package_and_nothing_else(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == wanted


def test_its_commands_work_from_anywhere(installed: Path, tmp_path: Path) -> None:
    assert run(installed, tmp_path, "steerco", "--version") == f"steerco {__version__}\n"
    run(installed, tmp_path, "steerco", "projects", "add", "feature_name=🧩 A", "--id", "a")
    (project,) = json.loads(run(installed, tmp_path, "steerco", "projects", "list", "--json"))
    assert project["feature_name"] == "🧩 A"


def test_the_sandbox_and_the_sync_to_it_need_nothing_of_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    run(installed, tmp_path, "steerco", "projects", "add", "feature_name=A", "--id", "a")
    report = json.loads(run(installed, tmp_path, "steerco", "sync", "--json"))
    assert report["firestore"]["done"] == report["salesforce"]["done"] == 1


TERMINAL = """
import asyncio, importlib, json, pkgutil, sys
import screens, services, store, tui
for room in (tui, screens, services, store):
    for found in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)

from services import config
from tui.app import SteercoApp
from tui.terminal import workplace

async def go():
    place = workplace(config.load())
    app = SteercoApp(place)
    async with app.run_test(size=(120, 40)) as pilot:
        for key in ("5", "4", "3", "question_mark", "escape"):
            await pilot.press(key)
            await pilot.pause()
        assert app.return_code is None

asyncio.run(go())
rooms = ("tui", "screens", "services", "store")
files = [m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] in rooms]
print(json.dumps(sorted(set(filter(None, files)))))
"""


def test_the_terminal_opens_every_page_and_no_module_of_the_checkout_is_loaded(
    installed: Path, tmp_path: Path
) -> None:
    env = {"TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
    files = json.loads(run(installed, tmp_path, "python", "-c", TERMINAL, env=env))
    assert len(files) > 100
    assert [each for each in files if not each.startswith(str(installed.parent))] == []
    assert json.loads(run(installed, tmp_path, "steerco", "projects", "list", "--json"))
