"""What a write of ours overwrote unseen: found in the field history, kept as a conflict. Pure.

Between reading a record and writing it lies a moment that Salesforce's collections can't guard. An
edit that a person made just then is gone from the record, but not from the history of a tracked
field: there it stands as a value that nobody here ever saw, directly before one of ours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.sync.targets.sf_history import HistoryRow
from store.canon import Value


@dataclass(frozen=True, slots=True)
class Overwritten:
    """One value that was lost: what stood before it, what we wrote over it, and when each."""

    record_id: str
    path: str
    before: Value
    theirs: Value
    mine: Value
    theirs_at: dt.datetime
    mine_at: dt.datetime


def overwritten(
    rows: Sequence[HistoryRow], was_seen: Callable[[str, str, Value], bool]
) -> Iterable[Overwritten]:
    """The lost values in a history, oldest first. ``was_seen(record_id, path, value)`` tells
    whether this side ever knew of the value. Long texts have no values in a history."""
    last: dict[tuple[str, str], HistoryRow] = {}
    for row in rows:
        before = last.get((row.record_id, row.path))
        last[row.record_id, row.path] = row
        if before is None or before.by_us or not row.by_us or row.old != before.new:
            continue
        if before.new is None and before.old is None:
            continue  # a long text
        if before.new == row.new or was_seen(row.record_id, row.path, before.new):
            continue
        yield Overwritten(
            row.record_id, row.path, before.old, before.new, row.new, before.at, row.at
        )
