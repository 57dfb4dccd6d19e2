"""Where I was: page, view, filter, sort, cursor and theme, found again at the next start.

A small JSON file beside the database. Losing it costs nothing, so a damaged one is ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "session.json"
LARGEST = 100_000


def load(directory: Path) -> dict[str, Any]:
    """What was kept; empty where nothing was, or where the file can't be read as such."""
    try:
        raw = (directory / FILE).read_bytes()
        found = json.loads(raw) if len(raw) <= LARGEST else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def save(directory: Path, kept: Mapping[str, Any]) -> None:
    """Keep it, whole or not at all; a directory that can't be written is no reason to fail."""
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=directory, prefix=f".{FILE}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, ensure_ascii=True, indent=1)
            os.replace(name, directory / FILE)
        except BaseException:
            os.unlink(name)
            raise


def word(kept: Mapping[str, Any], name: str) -> str:
    """What was kept under a name, where it is text; empty where it is anything else."""
    found = kept.get(name)
    return found if isinstance(found, str) else ""


def part(kept: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of what was kept that is itself a mapping; empty where it is anything else."""
    found = kept.get(name)
    return dict(found) if isinstance(found, dict) else {}
