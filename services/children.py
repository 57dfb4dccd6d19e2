"""Processes that this program starts of itself: its own modules, on its own interpreter."""

from __future__ import annotations

import os
from pathlib import Path

import services


def environment() -> dict[str, str]:
    """The environment, with the place this package was loaded from in front of the path: the
    child finds it from any directory, in a checkout as in an installation."""
    home = str(Path(services.__file__ or "").resolve().parent.parent)
    paths = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
