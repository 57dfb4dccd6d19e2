"""What a crash leaves behind: a log for us, one sentence for the person."""

from __future__ import annotations

import contextlib
import datetime as dt
import traceback
from pathlib import Path

from store.version import __version__

FILE = "crash.log"
LARGEST = 1_000_000


def write_log(directory: Path, error: BaseException, now: dt.datetime) -> Path | None:
    """Add the error with its traceback to the log; gives the log, or None where it can't be
    written. Local variables are left out: they may hold what is secret."""
    path = directory / FILE
    text = "".join(traceback.format_exception(error))
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old.log"))
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"\n{now.isoformat()} Steerco {__version__}\n{text}")
        return path
    return None


def sentence(error: BaseException, log: Path | None) -> str:
    """What a person reads after the terminal is his again."""
    from screens.safe import line

    what = line(f"{type(error).__name__}: {error}")[:200]
    where = f" The details are in {log}." if log else ""
    return f"Steerco stopped by a fault of its own ({what}). All that was saved is safe.{where}"


def stray(error: BaseException, log: Path | None) -> str:
    """What a person reads of an error in the background, where the rest goes on."""
    from screens.safe import line

    what = line(f"{type(error).__name__}: {error}")[:200]
    where = f" The details are in {log}." if log else ""
    return f"Something in the background failed ({what}). All that was saved is safe.{where}"
