"""An error on a thread that nobody waits for: into the log, and a sentence on the screen.

Python would print its traceback across the screen (a cloud library's thread does so when a call is
refused, for example).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tui import crash


@contextlib.contextmanager
def caught(directory: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, such an error goes into the crash log of ``directory``, and ``tell`` gets a sentence
    of it, on the thread that failed."""
    before = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        error = failed.exc_value
        if error is None or isinstance(error, SystemExit):
            return
        log = crash.write_log(directory, error, dt.datetime.now(dt.UTC))
        with contextlib.suppress(Exception):  # the app is gone: the log has it
            tell(crash.stray(error, log))

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
