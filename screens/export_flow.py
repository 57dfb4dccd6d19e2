"""Asking where a view is to be written, and saying that it was not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from screens.base import Page
from screens.dialogs import Choose, Confirm, EditLine
from screens.safe import line
from screens.widgets.choices import Choice
from services.exporting import Format


async def ask_where(
    page: Page, title: str, name: str, formats: Mapping[Format, str]
) -> tuple[Format, Path] | None:
    """Choose a format (each with a note) and a file; an existing one is overwritten only after
    asking. ``name`` is proposed, without its ending. None where it was given up."""
    choices = [Choice(kind, kind.upper(), note=note) for kind, note in formats.items()]
    kind = await page.app.push_screen_wait(Choose(title, choices))
    if kind is None:
        return None
    proposed = str(Path.cwd() / f"{name}.{kind}")
    typed = await page.app.push_screen_wait(EditLine("Write to", proposed, judge=can_hold))
    if typed is None:
        return None
    path = Path(typed.strip()).expanduser()
    if path.exists():
        size = f"{path.stat().st_size:,} bytes"
        lost = [f"{line(str(path))} exists ({size}); what it holds now is lost."]
        if not await page.app.push_screen_wait(
            Confirm("Overwrite the file?", lost, yes="Overwrite")
        ):
            page.say("Not exported.")
            return None
    return next(each for each in formats if each == kind), path


def not_written(page: Page, path: Path, error: Exception) -> None:
    """Say why there is no file."""
    why = error.strerror if isinstance(error, OSError) else str(error)
    page.trouble(f"Not exported: {line(str(path))}: {why}")


def can_hold(text: str) -> str | None:
    """What is wrong with a text as the name of a file to write; None where nothing is."""
    if not text.strip():
        return "write a file name"
    if "\x00" in text:
        return "a file name can't hold that"
    path = Path(text.strip()).expanduser()
    try:
        if path.is_dir():
            return "that is a directory; add a file name"
        if not path.parent.is_dir():
            return f"there is no directory {line(str(path.parent))}"
    except OSError as error:
        return str(error.strerror)
    return None
