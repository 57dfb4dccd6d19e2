"""getUpdated and getDeleted: ids that changed or went within a span of time.

The seconds of the span's ends are ignored, as Salesforce's documentation says.
"""

from __future__ import annotations

import re

from services.sandbox.errors import ApiError
from services.sandbox.incoming import read_datetime, seconds_of, stamp
from services.sandbox.org import Org
from services.sandbox.schema import SObject
from services.sandbox.storage import quote
from services.sandbox.wire import Answer, Call

UPDATED_DAYS, DELETED_DAYS = 30, 15
_MINUTE, _DAY = 60, 86_400
# A plus sign that was not escaped in the address has become a space.
_LOST_PLUS = re.compile(r" (\d{2}:?\d{2})$")


def updated(org: Org, call: Call, obj: SObject) -> Answer:
    """Records created or changed from ``start`` to ``end``, by SystemModstamp."""
    start, end, covered = _span(org, call, UPDATED_DAYS)
    live = " AND IsDeleted = 0" if obj.has("IsDeleted") else ""
    rows = org.store.connection().execute(
        f"SELECT Id FROM {quote(obj.name)} WHERE SystemModstamp >= ? AND SystemModstamp < ?{live}"
        " ORDER BY SystemModstamp, Id",
        (start, end),
    )
    return Answer(200, {"ids": [row[0] for row in rows], "latestDateCovered": covered})


def deleted(org: Org, call: Call, obj: SObject) -> Answer:
    """Records deleted from ``start`` to ``end``, those purged since included."""
    start, end, covered = _span(org, call, DELETED_DAYS)
    rows = org.store.connection().execute(
        "SELECT id, at FROM removals WHERE object = ? AND at >= ? AND at < ? ORDER BY at, id",
        (obj.name, start, end),
    )
    return Answer(
        200,
        {
            "deletedRecords": [{"deletedDate": at, "id": i} for i, at in rows],
            "earliestDateAvailable": stamp(org.now() - DELETED_DAYS * _DAY),
            "latestDateCovered": covered,
        },
    )


def _span(org: Org, call: Call, days: int) -> tuple[str, str, str]:
    """Start, end and how far the answer reaches. Raises ApiError."""
    start, end = (_moment(call, name) for name in ("start", "end"))
    now = org.now() // _MINUTE * _MINUTE
    if seconds_of(start) < now - days * _DAY:
        raise _bad_date(f"startDate cannot be more than {days} days ago")
    if seconds_of(end) - seconds_of(start) <= _MINUTE:
        raise _bad_date("endDate must be more than one minute after startDate")
    return start, end, min(end, stamp(now))


def _moment(call: Call, name: str) -> str:
    text = _LOST_PLUS.sub(r"+\1", call.query.get(name, ""))
    moment = read_datetime(text)
    if moment is None:
        raise ApiError(400, "INVALID_FIELD", f"{name} is no date and time: {text}")
    return stamp(seconds_of(moment) // _MINUTE * _MINUTE)


def _bad_date(message: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", message)
