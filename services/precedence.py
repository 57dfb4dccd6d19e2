"""People before machinery: while an edit is on its way to the disk and to the screen, the engine of
the same process begins no transaction.

SQLite has one writer at a time and Python one thread at a time; whoever presses Enter should wait
for neither. The engine gives way for a quarter of a second at most, so that it always gets on.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

LONGEST = 0.25
"""Seconds that one edit may hold the engine up."""
HURRY = 0.0005
"""Seconds after which a thread that computes lets another one on, while somebody saves. A save
crosses threads a dozen times and waits so long each time; painting is better off with Python's own
5 ms."""
USUAL = 0.005


class Precedence:
    """Taken and left by the interface thread, respected by the engine's."""

    def __init__(self) -> None:
        self._until = 0.0
        self._free = threading.Event()

    def take(self) -> None:
        """Somebody saves: hold the engine up until ``leave``, or for a moment."""
        self._free.clear()
        self._until = time.monotonic() + LONGEST

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Around a write: taken, and still taken afterwards, until ``leave``, unless it failed."""
        self.take()
        sys.setswitchinterval(HURRY)
        try:
            yield
        except BaseException:
            self.leave()
            raise
        finally:
            sys.setswitchinterval(USUAL)

    def leave(self) -> None:
        """It is saved and shown."""
        self._until = 0.0
        self._free.set()

    def give_way(self) -> None:
        """Wait while somebody saves."""
        left = self._until - time.monotonic()
        if left > 0:
            self._free.wait(left)
