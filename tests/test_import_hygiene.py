"""What is loaded when: nothing heavy on the way to the first paint, nothing of the terminal or the
cloud for a command that needs neither. Seen in a fresh process, through ``sys.modules``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLOUD = (
    "google.cloud",
    "google.auth",
    "grpc",
    "requests",
    "simple_salesforce",
    "starlette",
    "uvicorn",
    "openpyxl",
    "lark",
    "structlog",
    "duckdb",
    "jsonschema",
    "plotext",
)
SETTINGS = ("pydantic_settings",)
TERMINAL = ("textual", "rich")


def loaded(code: str, tmp_path: Path) -> set[str]:
    """The modules after this code in a fresh process with nothing configured."""
    env = {
        "PATH": os.environ.get("PATH", ""),
        "STEERCO_HOME": str(tmp_path / "home"),
        "STEERCO_CONFIG": str(tmp_path / "config.toml"),
        "TERM": "xterm-256color",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys; print('\\n'.join(sys.modules), file=sys.stderr)",
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())


def of(modules: set[str], libraries: tuple[str, ...]) -> set[str]:
    return {m for m in modules if any(m == each or m.startswith(each + ".") for each in libraries)}


FIRST_PAINT = """
import asyncio
from services import config
from tui.app import SteercoApp
from tui.terminal import workplace
from services.background import Background

async def go():
    settings = config.load()
    place = workplace(settings)
    app = SteercoApp(place, on_ready=None)
    engine = Background(place, settings)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()

asyncio.run(go())
"""


def test_the_first_paint_loads_no_cloud_library_and_no_settings_reader(tmp_path: Path) -> None:
    loaded(FIRST_PAINT, tmp_path)  # the very first run also reads the samples
    modules = loaded(FIRST_PAINT, tmp_path)
    assert "tui.app" in modules
    assert "screens.roadmap" in modules
    assert of(modules, (*CLOUD, *SETTINGS, "pydantic", "typer", "sqlite_utils")) == set()


COMMAND = "from tui.commands import run; assert run({argv!r}) == 0"


@pytest.mark.parametrize(
    "argv",
    [
        ["projects", "list", "--json"],
        ["projects", "add", "feature_name=A", "--json"],
        ["outbox", "list", "--json"],
        ["people", "--json"],
    ],
)
def test_a_plain_command_loads_neither_the_terminal_nor_the_cloud(
    tmp_path: Path, argv: list[str]
) -> None:
    loaded(COMMAND.format(argv=["projects", "list"]), tmp_path)
    modules = loaded(COMMAND.format(argv=argv), tmp_path)
    assert "typer" in modules
    assert of(modules, (*CLOUD, *SETTINGS, *TERMINAL, "asyncio", "platformdirs")) == set()


def test_the_contracts_of_the_import_linter_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_package_of_the_tree_is_named_for_the_wheel() -> None:
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    present = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for room in ("tui", "screens", "services", "store")
        for path in (ROOT / room).rglob("*.py")
    }
    assert set(listed) == present | {"sf", "policies"}
