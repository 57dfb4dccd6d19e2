"""Everything a screen needs to work with, put together once by the shell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.context import Context
from services.desk import Desk
from services.overview import OPEN_GATES, Gates


def _nothing() -> None:
    """Where no engine runs in this process (tests of a screen), waking it does nothing."""


@dataclass
class Workplace:
    """``wake`` tells the engine that something was committed; ``gates`` is what the configuration
    says of each target (a pause by a person is in the database); ``sandbox`` is True while nothing
    is configured; ``zone`` is the organisation's, in which today is a date."""

    path: Path
    desk: Desk
    ctx: Context
    gates: Gates = field(default_factory=lambda: OPEN_GATES)
    sandbox: bool = True
    zone: dt.tzinfo = dt.UTC
    wake: Callable[[], None] = _nothing

    def now(self) -> dt.datetime:
        """The present moment in the organisation's zone."""
        return dt.datetime.fromtimestamp(self.ctx.clock(), self.zone)

    def today(self) -> dt.date:
        """The organisation's date."""
        return self.now().date()
