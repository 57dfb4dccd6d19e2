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


def said(code: str, tmp_path: Path) -> str:
    """What this code writes to its standard error in a fresh process with nothing configured."""
    env = {
        "PATH": os.environ.get("PATH", ""),
        "STEERCO_HOME": str(tmp_path / "home"),
        "STEERCO_CONFIG": str(tmp_path / "config.toml"),
        "TERM": "xterm-256color",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stderr


def loaded(code: str, tmp_path: Path) -> set[str]:
    """The modules after this code in a fresh process with nothing configured."""
    tail = "import sys; print('\\n'.join(sys.modules), file=sys.stderr)"
    return set(said(f"{code}\n{tail}", tmp_path).split())


def of(modules: set[str], libraries: tuple[str, ...]) -> set[str]:
    return {m for m in modules if any(m == each or m.startswith(each + ".") for each in libraries)}


# The terminal as it is opened, but for the driver: Textual's own of its tests, without a screen.
OPENED = """
import sys
from functools import partialmethod

for stream in (sys.stdin, sys.stdout):
    stream.isatty = lambda: True
{before}
import tui.main
from textual.app import App
from services.background import Background

App.run = partialmethod(App.run, headless=True, size=(120, 40))

def painted(background):
    {painted}
    from textual._context import active_app
    active_app.get().exit()

Background.start = painted
sys.argv = ["steerco"]
tui.main.main()
"""
MODULES = OPENED.format(before="", painted="print(*sys.modules, sep=chr(10), file=sys.__stderr__)")
SHOWN = {
    "tui": {"app", "crash", "keymap", "main", "session", "stray", "terminal", "theme"},
    "screens": {
        *("base", "dates", "keys", "safe", "timeline", "widgets"),
        *("widgets.bar", "widgets.columns", "widgets.frame", "widgets.grid"),
        *("roadmap", "roadmap_held", "roadmap_keys", "roadmap_rows", "roadmap_state"),
        "roadmap_views",
    },
    "services": {
        *("background", "config", "connections", "context", "counting", "desk", "filtering"),
        *(
            "locations",
            "itsc_roadmap",
            "ordering",
            "overview",
            "precedence",
            "privacy",
            "workplace",
        ),
        *("importing", "importing.ids", "kpis", "kpis.desk", "sync", "sync.status"),
    },
    "store": {
        *("canon", "clock", "database", "fields", "meta", "projects", "version", "views"),
        *("candidates", "conflicts", "deliveries", "delivery_reads", "marks", "operations"),
        *("owes", "targets"),
    },
}
"""All of ours that the first paint waits for. What a picture of the roadmap does not need is loaded
later; what it does need is added here, with a look at the benchmark."""


def test_the_first_paint_loads_no_library_that_it_does_not_show(tmp_path: Path) -> None:
    said(MODULES, tmp_path)  # the very first run also reads the samples
    modules = loaded(MODULES, tmp_path)
    assert "tui.app" in modules
    assert "screens.roadmap" in modules
    late = (*CLOUD, *SETTINGS, "pydantic", "typer", "sqlite_utils", "_hashlib", "openssl")
    assert of(modules, late) == set()


def test_the_first_paint_loads_no_module_of_ours_that_it_does_not_show(tmp_path: Path) -> None:
    said(MODULES, tmp_path)
    at_paint = set(said(MODULES, tmp_path).split())
    known = {room: {room, *(f"{room}.{each}" for each in names)} for room, names in SHOWN.items()}
    for room, names in known.items():
        assert of(at_paint, (room,)) == names


def test_garbage_is_looked_for_after_the_first_paint_and_not_before(tmp_path: Path) -> None:
    tell = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 0, file=sys.__stderr__)"
    mounted = f"""
import services.desk
class Told(services.desk.Desk):
    def start(self):
        {tell}
        super().start()
services.desk.Desk = Told
"""
    told = said(OPENED.format(before=mounted, painted=tell), tmp_path)
    assert told.splitlines() == ["False False", "True True"]


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
