"""The program's own log: JSON lines in the data directory, rotated. Commands write none unless
something unexpected happens; what was delivered, when and how is in the database instead.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = "steerco.log"
LARGEST, KEPT = 1_000_000, 3


@lru_cache(1)
def log(home: Path) -> Any:
    """A structlog logger on ``steerco.log`` in this directory: ``log(home).error("event", key=…)``.

    Each line has ``at`` (UTC), ``level`` and ``event``. Loaded late: it costs 180 ms.
    """
    import logging
    from logging.handlers import RotatingFileHandler

    import structlog

    target = logging.getLogger("steerco")
    target.propagate = False
    target.setLevel(logging.INFO)

    class Quiet(RotatingFileHandler):
        """A line that can't be written (a full disk) is lost: nothing else may come of it, least
        of all a traceback across the screen."""

        def handleError(self, record: logging.LogRecord) -> None:
            pass

    handler = Quiet(home / FILE, maxBytes=LARGEST, backupCount=KEPT, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    target.handlers = [handler]
    return structlog.wrap_logger(
        target,
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
