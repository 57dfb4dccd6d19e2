"""Time as an argument. UTC everywhere; text form ISO 8601 with milliseconds and Z."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Seconds since the epoch, as ``time.time``."""

system_clock: Clock = time.time


def to_iso(moment: dt.datetime | float) -> str:
    """``2026-11-21T05:22:45.123Z`` for an aware datetime or epoch seconds."""
    if isinstance(moment, (int, float)):
        moment = dt.datetime.fromtimestamp(moment, dt.UTC)
    else:
        moment = moment.astimezone(dt.UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"  # in place of +00:00


def from_iso(text: str) -> dt.datetime:
    """An aware UTC datetime; takes Salesforce's ``+0000`` too. Raises ValueError."""
    if text.endswith("+0000"):
        text = text[:-5] + "+00:00"
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC)
