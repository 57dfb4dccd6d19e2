"""Whether a read is older than what this side knows. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from services.sync.case import LATE, SECOND, Case
from services.sync.merge import equals
from services.sync.targets.fs_layout import moment_of
from store import fields
from store.bases import Base
from store.clock import from_iso
from store.deliveries import SALESFORCE

_CLOCK_STEP = dt.timedelta(minutes=2)
"""An acknowledgement further ahead than this was written before the clock was set back."""


def read_is_stale(case: Case) -> bool:
    """Whether the read shows the record as it was before our own last acknowledged write, or
    before another process judged it anew.

    Taking that for somebody's edit would undo what came since. The record's version is older than
    the base's; or it is the one from before the write although its values are not what the write
    left; or it is somebody else's of within the seconds of the write and does not show what was
    written; or the row is missing altogether.
    """
    base, remote = case.base, case.remote
    if base is None:
        return False
    if not base.present:
        # Somebody may bring back what is gone; within seconds it is the row as it was before.
        there = remote.exists and not remote.deleted
        return there and case.claim.target == SALESFORCE and _is_recent(case, base)
    if remote.exists and _is_older(remote.token, base.token) and not _is_long_past(case, base):
        # Of a row that was made just now the base knows no version, only when the answer came: a
        # row that holds what is common is as good as any, however old it says it is.
        return case.claim.target != SALESFORCE or any(
            not equals(value, base.values.get(p, fields.DEFAULTS.get(p)))
            for p, value in remote.values.items()
        )
    if case.claim.target != SALESFORCE or remote.deleted:
        return False
    if not _is_recent(case, base):
        return False
    if not remote.exists:
        return True
    if base.token is not None and remote.token == base.token:
        return _differs(case, base, remote.values)
    # Somebody else's version that our write may have come after, if it does not show what we wrote.
    moment, acked = moment_of(remote.token or ""), from_iso(base.acked_at)
    if moment is None or moment > acked + case.offset + SECOND:
        return False
    return _differs(case, base, case.delivered(acked - LATE) & remote.values.keys())


def _differs(case: Case, base: Base, paths: Iterable[str]) -> bool:
    """Whether the record holds something else in these fields than what is common, or than what a
    send of unknown outcome may have left there."""
    sent, values = case.claim.sent.values if case.claim.sent else {}, case.remote.values
    return any(
        not equals(values[path], base.values.get(path, fields.DEFAULTS.get(path)))
        and not (path in sent and sent[path] == values[path])
        for path in paths
    )


def _is_recent(case: Case, base: Base) -> bool:
    """Whether what is common was acknowledged so short ago that a read may not show it yet."""
    return -_CLOCK_STEP <= case.now - from_iso(base.acked_at) < LATE


def _is_long_past(case: Case, base: Base) -> bool:
    """Whether every read of Salesforce shows the common version by now: one that does not is of
    another row, or of an organisation that was set back."""
    version = moment_of(base.token or "")
    if case.claim.target != SALESFORCE or version is None:
        return False
    return case.now + case.offset - version > _CLOCK_STEP


def _is_older(token: str | None, than: str | None) -> bool:
    """Whether a record's version comes before another; False where that can't be told."""
    if token is None or than is None or token == than:
        return False
    mine, other = moment_of(token), moment_of(than)
    return mine is not None and other is not None and mine < other
