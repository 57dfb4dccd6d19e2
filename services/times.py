"""Times as people say them: spans in one unit, relative moments, the clock.

Times are epoch seconds or ISO texts; ``now`` and the zone are arguments.
"""

from __future__ import annotations

import datetime as dt

from store.clock import from_iso


def span(seconds: float) -> str:
    """A length of time in one unit: ``40 s``, ``5 min``, ``3 h``, ``12 d``."""
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{int(seconds + 0.5)} s"
    if seconds < 90 * 60:
        return f"{int(seconds / 60 + 0.5)} min"
    if seconds < 36 * 3600:
        return f"{int(seconds / 3600 + 0.5)} h"
    return f"{int(seconds / 86400 + 0.5)} d"


def ago(at: str | float | None, now: float) -> str:
    """``40 s ago``; ``just now`` below five seconds (and for a clock that ran ahead)."""
    if at is None:
        return "never"
    passed = now - (at if isinstance(at, (int, float)) else from_iso(at).timestamp())
    return "just now" if passed < 5 else f"{span(passed)} ago"


def until(at: float | None, now: float) -> str:
    """``in 40 s``; ``now`` for what is due."""
    return "now" if at is None or at - now < 0.5 else f"in {span(at - now)}"


def moment(at: str | float, zone: dt.tzinfo) -> str:
    """The absolute time: ``2026-11-21 14:02:11 UTC``."""
    when = _local(at, zone)
    return f"{when:%Y-%m-%d %H:%M:%S} {when.tzname()}"


def clock_time(at: str | float, now: float, zone: dt.tzinfo) -> str:
    """``14:02`` for today, ``Nov 20`` for this year, else ``2025-11``: six columns at most."""
    when, today = _local(at, zone), _local(now, zone)
    if when.date() == today.date():
        return f"{when:%H:%M}"
    return f"{when:%b %d}" if when.year == today.year else f"{when:%Y-%m}"


def since(at: str | float, now: float, zone: dt.tzinfo) -> str:
    """``13:41`` for today, ``Nov 20 13:41`` before that."""
    when, today = _local(at, zone), _local(now, zone)
    return f"{when:%H:%M}" if when.date() == today.date() else f"{when:%b %d %H:%M}"


def _local(at: str | float, zone: dt.tzinfo) -> dt.datetime:
    if isinstance(at, (int, float)):
        return dt.datetime.fromtimestamp(at, zone)
    return from_iso(at).astimezone(zone)
