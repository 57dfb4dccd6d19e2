"""What the tests of the screens share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same screen on every machine: colours, no clipboard program, files in their own place."""
    for name in ("NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY", "TEXTUAL_THEME", "TEXTUAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory for the database."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory
