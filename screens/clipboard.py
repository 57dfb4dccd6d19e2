"""Copying to the clipboard: the terminal's own way, and the desktop's where there is one.

OSC 52 reaches the clipboard over SSH too, but some terminals ignore it in silence (those made
with VTE: https://github.com/Textualize/textual/discussions/5839); so the text also goes to the
first clipboard program that is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping

from textual.app import App

LARGEST = 1_000_000


def program(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """The command that puts its input on this desktop's clipboard; None where there is none."""
    found: list[list[str]] = [["pbcopy"], ["clip.exe"]]
    if environ.get("DISPLAY"):
        found = [["xclip", "-selection", "clipboard"], ["xsel", "-ib"], *found]
    if environ.get("WAYLAND_DISPLAY"):
        found = [["wl-copy"], *found]
    for command in found:
        if shutil.which(command[0], path=environ.get("PATH")):
            return command
    return None


async def copy(app: App[object], text: str) -> str:
    """Copy a text; gives the sentence that says so."""
    if len(text) > LARGEST:
        return "Too long to copy; export it instead (x)."
    app.copy_to_clipboard(text)
    command = program()
    if command is not None:
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(_feed(command, text), timeout=2.0)
    first = text.split("\n", 1)[0]
    return f"copied “{first[:40]}{'…' if first != text or len(first) > 40 else ''}”"


async def _feed(command: list[str], text: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(text.encode("utf-8", "replace"))
