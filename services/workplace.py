"""Everything a screen needs to work with, put together once by the shell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.config import Settings
from services.context import Context
from services.desk import Desk
from services.kpis.desk import FigureDesk
from services.overview import OPEN_GATES, Gates
from services.precedence import Precedence


def _nothing() -> None:
    """Where no engine runs in this process (tests of a screen), waking it does nothing."""


@dataclass
class Workplace:
    """``wake`` tells the engine that something was committed; ``gates`` is what the configuration
    says of each target (a pause by a person is in the database); ``sandbox`` is True while nothing
    is configured; ``zone`` is the organisation's, in which today is a date; ``settings`` say where
    the tickets are and which policy counts them, and ``figures`` is the way to them; ``precedence``
    is what the engine gives way to."""

    path: Path
    desk: Desk
    ctx: Context
    gates: Gates = field(default_factory=lambda: OPEN_GATES)
    sandbox: bool = True
    zone: dt.tzinfo = dt.UTC
    wake: Callable[[], None] = _nothing
    settings: Settings = field(default_factory=Settings)
    precedence: Precedence = field(default_factory=Precedence)

    def __post_init__(self) -> None:
        self.figures = FigureDesk(self.settings, self.path.parent, self._clock)

    def _clock(self) -> float:
        return self.ctx.clock()

    def now(self) -> dt.datetime:
        """The present moment in the organisation's zone."""
        return dt.datetime.fromtimestamp(self.ctx.clock(), self.zone)

    def today(self) -> dt.date:
        """The organisation's date."""
        return self.now().date()

    def today_utc(self) -> dt.date:
        """The date in UTC: months and periods of figures are UTC's."""
        return dt.datetime.fromtimestamp(self.ctx.clock(), dt.UTC).date()
