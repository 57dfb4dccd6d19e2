"""Salesforce's own record of field changes, in the model's terms. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from services.itsc_sf_sync import OWNER, PARENT_LOOKUP
from services.people import Directory
from services.sync.targets.sf_errors import Asked, CallFailed, unreadable
from store.canon import Value, settle
from store.clock import from_iso
from store.fields import BY_PATH, Kind

CREATED = "created"
_OWNER_IN_HISTORY = OWNER.removesuffix("Id")
"""The history calls a standard lookup by its relation."""
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_READING = Asked(writing=False)


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of one field by Salesforce's own record of it; ``at`` has whole seconds.

    ``old`` and ``new`` are canonical: a user's full name, a parent's project id. Salesforce keeps
    no values of long texts (both None). The row's creation has the path ``created`` and no values.
    """

    record_id: str
    path: str
    old: Value
    new: Value
    by_us: bool
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What raw history rows are read with; ``parents`` leads from row Id to project id."""

    mapped: Mapping[str, str]
    directory: Directory
    parents: Mapping[str, str]
    user_id: str | None


def parent_ids(raw: Iterable[Mapping[str, Any]]) -> list[str]:
    """The Ids of the parents that raw rows name."""
    return [
        value
        for row in raw
        if row.get("Field") == PARENT_LOOKUP
        for value in (row.get("OldValue"), row.get("NewValue"))
        if _is_id(value)
    ]


def in_our_terms(raw: Iterable[Mapping[str, Any]], terms: Terms) -> list[HistoryRow]:
    """The rows of our fields, oldest first. Raises CallFailed for a row without a time."""
    paths = {api: path for path, api in terms.mapped.items()}
    paths |= {_OWNER_IN_HISTORY: paths[OWNER], CREATED: CREATED}
    rows = [
        told
        for row in raw
        if (path := paths.get(str(row.get("Field")))) is not None
        and (told := _told(row, path, terms)) is not None
    ]
    return sorted(rows, key=lambda row: row.at)


def shows(
    rows: Sequence[HistoryRow], values: Mapping[str, Value], *, whole: bool
) -> dt.datetime | Literal[False] | None:
    """When a send was applied, by the history since; a person is compared by full name.

    ``whole``: the send was of the whole record, and so may have made it.
    A time: our user made the record then, or gave a field the value that was sent. False: a sent
    field is tracked, as some row of it proves, and none of its rows is ours. None: nothing that
    was sent is seen to be tracked (long texts never tell: their values are not kept).
    """
    tracked = False
    for row in rows:
        if whole and row.path == CREATED and row.by_us:
            return row.at
        if row.path not in values or BY_PATH[row.path].kind is Kind.LONG_TEXT:
            continue
        if row.by_us and row.new == values[row.path]:
            return row.at
        tracked = True
    return False if tracked else None


def _told(row: Mapping[str, Any], path: str, terms: Terms) -> HistoryRow | None:
    """One row; None for the half of a lookup's two rows that has the names."""
    old, new = row.get("OldValue"), row.get("NewValue")
    kind = BY_PATH[path].kind if path != CREATED else None
    if kind in (Kind.PERSON, Kind.PARENT):
        told = [value for value in (old, new) if value is not None]
        if not told or not all(_is_id(value) for value in told):
            return None
        name_of = terms.directory.name_of if kind is Kind.PERSON else terms.parents.get
        # An Id that nobody can name is still another value than ours.
        old, new = (value and (name_of(value) or value) for value in (old, new))
    return HistoryRow(
        record_id=str(row.get("ParentId")),
        path=path,
        old=settle(path, old),
        new=settle(path, new),
        by_us=terms.user_id is not None and row.get("CreatedById") == terms.user_id,
        at=_when(row),
    )


def _when(row: Mapping[str, Any]) -> dt.datetime:
    try:
        return from_iso(row["CreatedDate"])
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        raise CallFailed(unreadable(_READING, dict(row))) from failure


def _is_id(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _RECORD_ID.fullmatch(value) is not None
