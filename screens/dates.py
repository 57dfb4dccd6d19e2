"""Dates as people say them: relative where it helps, and whether it is late."""

from __future__ import annotations

import datetime as dt

from store.canon import Value, launch_date
from store.fields import CLOSED_STATUSES

NEAR_DAYS = 99
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def relative(date: dt.date, today: dt.date) -> str:
    """``today``, ``in 24 d``, ``9 d ago``."""
    days = (date - today).days
    if days == 0:
        return "today"
    return f"in {days} d" if days > 0 else f"{-days} d ago"


def is_late(target: Value, status: Value, today: dt.date) -> bool:
    """Whether a launch target has passed and the project is still open."""
    date = launch_date(str(target)) if target is not None else None
    return date is not None and date < today and status not in CLOSED_STATUSES


def launch(target: Value, status: Value, today: dt.date, *, wide: bool = False) -> str:
    """A launch target for the table: ``in 24 d``, ``9 d late``, ``2027-06-09``, ``TBD``, or —.

    ``wide`` adds the date to what is relative.
    """
    if target is None:
        return "—"
    date = launch_date(str(target))
    if date is None:
        return str(target)
    days = (date - today).days
    if is_late(target, status, today):
        said = f"{-days} d late"
    elif status in CLOSED_STATUSES or abs(days) > NEAR_DAYS:
        return date.isoformat()
    else:
        said = relative(date, today)
    return f"{date.isoformat()}  {said}" if wide else said


def spelled(date: dt.date) -> str:
    """``Tue 15 Dec 2026``, in English whatever the machine's language."""
    return f"{_DAYS[date.weekday()]} {date.day} {_MONTHS[date.month - 1]} {date.year}"
