"""Where things are kept: STEERCO_HOME for data, STEERCO_CONFIG for the configuration file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from platformdirs import PlatformDirs

APP = "steerco"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The data directory: STEERCO_HOME, or the platform's. It need not exist yet."""
    named = environ.get("STEERCO_HOME")
    return _written(named) if named else _platform().user_data_path


def config_file(environ: Mapping[str, str] = os.environ) -> Path:
    """The configuration file: STEERCO_CONFIG, or config.toml in the platform's directory. It need
    not exist."""
    named = environ.get("STEERCO_CONFIG")
    return _written(named) if named else _platform().user_config_path / "config.toml"


def _written(path: str) -> Path:
    """A path as a person writes it, absolute."""
    return Path(os.path.abspath(os.path.expanduser(path)))


def _platform() -> PlatformDirs:
    # Late: 25 ms, and not needed where both are named.
    from platformdirs import PlatformDirs

    return PlatformDirs(APP, appauthor=False)
