"""Writing a text in the operator's own editor.

The text goes through a file that only the owner can read. It is removed afterwards, but where what
the editor left in it can't be shown here: then it is named.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from textual.app import SuspendNotSupported

from services.privacy import users_mask

WAIT_HINT = "a graphical editor needs its wait option, for example: code --wait"


class NoEditor(Exception):
    """The editor could not be used; the text is one sentence. ``text`` is what the file held when
    the editor failed, where that is not what it was given."""

    def __init__(self, sentence: str, text: str | None = None) -> None:
        self.text = text
        super().__init__(sentence)


class _NotText(NoEditor):
    """What the editor left is kept in its file."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came back: the text, or None where nothing was changed."""

    text: str | None
    sentence: str = ""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The editor with its arguments, from VISUAL or EDITOR. Raises NoEditor."""
    for name in ("VISUAL", "EDITOR"):
        said = environ.get(name, "").strip()
        if not said:
            continue
        try:
            return shlex.split(said)
        except ValueError as error:
            raise NoEditor(f"{name} can't be read as a command ({error}): {said}") from error
    raise NoEditor("no editor is set; export EDITOR, for example EDITOR=nano")


def write_outside(
    text: str,
    command: list[str],
    suspend: Callable[[], AbstractContextManager[None]],
    *,
    name: str = "text",
) -> Written:
    """Let the editor change a text. Raises NoEditor: it can't be started, it failed, what it left
    is no text, or this terminal can't be lent (in a browser, without a screen)."""
    path = _private_file(text, name)
    try:
        try:
            with suspend():
                # What else is saved in there is the user's own.
                ran = subprocess.run([*command, str(path)], check=False, umask=users_mask())
                status = ran.returncode
        except SuspendNotSupported as error:
            raise NoEditor("this terminal can't be lent to an editor; write here") from error
        except OSError as error:
            why = error.strerror or str(error)
            raise NoEditor(f"{command[0]} can't be started: {why}; EDITOR names it") from error
        after = _read_back(path, command[0])
    except _NotText:
        raise
    except BaseException:
        _remove(path)
        raise
    _remove(path)
    changed = after.rstrip("\n") != text.rstrip("\n")
    if status != 0:
        raise NoEditor(f"{command[0]} ended with status {status}", after if changed else None)
    if not changed:
        return Written(None, f"{command[0]} changed nothing ({WAIT_HINT})")
    return Written(after)


def _private_file(text: str, name: str) -> Path:
    """A new file that only the owner can read (mkstemp makes it with mode 0600)."""
    handle, path = tempfile.mkstemp(prefix=f"steerco-{name}-", suffix=".md")
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
    return Path(path)


def _remove(path: Path) -> None:
    # An editor may have removed it, or put something else in its place.
    with contextlib.suppress(OSError):
        path.unlink()


def _read_back(path: Path, editor: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        kept = f"nothing was changed, it is kept in {path}"
        raise _NotText(f"{editor} left text that is not UTF-8; {kept}") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise NoEditor(f"what {editor} left can't be read: {why}; nothing was changed") from error
