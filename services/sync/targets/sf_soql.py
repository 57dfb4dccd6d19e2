"""The queries that the Salesforce target asks, as text. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote_plus

from services.itsc_sf_sync import PARENT_RELATION
from store.fields import EXTERNAL_ID_FIELD, RECORD_TYPE, SOBJECT

ORGANISATION = "SELECT Id FROM Organization LIMIT 1"
RECORD_TYPE_ID = (
    f"SELECT Id FROM RecordType WHERE SobjectType = '{SOBJECT}' AND DeveloperName = '{RECORD_TYPE}'"
)
USERS = "SELECT Id, Name, Email, IsActive FROM User WHERE UserType = 'Standard'"
"""Without the portal and community users, of whom there may be hundreds of thousands."""

ADDRESS_LIMIT = 16_000
"""Bytes of an address that Salesforce still takes, with a margin (it refuses at 16,384)."""
GROUP = 200
_STAMPS = ("SystemModstamp", "LastModifiedDate", "LastModifiedById")
_HISTORY = "Id, ParentId, CreatedById, CreatedDate, Field, OldValue, NewValue"


def columns(mapped: Mapping[str, str]) -> tuple[str, ...]:
    """What a project's row is read with."""
    parent = f"{PARENT_RELATION}.{EXTERNAL_ID_FIELD}"
    return ("Id", EXTERNAL_ID_FIELD, *_STAMPS, *mapped.values(), parent)


def changed(mapped: Mapping[str, str], record_type_id: str, since: dt.datetime | None) -> str:
    """Every Strategic Initiative, or those that moved since a moment (whole seconds), oldest
    first; for queryAll: a deleted one says so."""
    from simple_salesforce.format import quote_soql_value

    moved = "" if since is None else f" AND SystemModstamp >= {_second(since)}"
    return (
        f"SELECT {', '.join(columns(mapped))}, IsDeleted FROM {SOBJECT} "
        f"WHERE RecordTypeId = {quote_soql_value(record_type_id)}{moved} "
        "ORDER BY SystemModstamp, Id"
    )


def everyone(record_type_id: str) -> str:
    """Id and project id of every Strategic Initiative that is there."""
    from simple_salesforce.format import quote_soql_value

    kind = quote_soql_value(record_type_id)
    return f"SELECT Id, {EXTERNAL_ID_FIELD} FROM {SOBJECT} WHERE RecordTypeId = {kind}"


def by_external_id(
    mapped: Mapping[str, str], ids: Iterable[str], base: int, *, deleted: bool = False
) -> Iterator[str]:
    """The rows of these projects; several queries where one would be too long.

    ``base`` is the length of the address before the query. ``deleted`` is for queryAll: a deleted
    one says so, and each when it was made.
    """
    wanted = ", ".join((*columns(mapped), *(("IsDeleted", "CreatedDate") if deleted else ())))
    select = f"SELECT {wanted} FROM {SOBJECT} WHERE {EXTERNAL_ID_FIELD} IN "
    return _grouped(select, ids, base)


def by_id(mapped: Mapping[str, str], ids: Iterable[str], base: int) -> Iterator[str]:
    """The rows with these Ids, for queryAll: a deleted one says so."""
    select = f"SELECT {', '.join(columns(mapped))}, IsDeleted FROM {SOBJECT} WHERE Id IN "
    return _grouped(select, ids, base)


def ids_of(project_ids: Iterable[str], base: int) -> Iterator[str]:
    """The Ids of these projects' rows and nothing else."""
    select = f"SELECT Id, {EXTERNAL_ID_FIELD} FROM {SOBJECT} WHERE {EXTERNAL_ID_FIELD} IN "
    return _grouped(select, project_ids, base)


def names_of(ids: Iterable[str], base: int) -> Iterator[str]:
    """The project ids behind these Ids."""
    return _grouped(f"SELECT Id, {EXTERNAL_ID_FIELD} FROM {SOBJECT} WHERE Id IN ", ids, base)


def history_of(ids: Iterable[str], since: dt.datetime, base: int) -> Iterator[str]:
    """The field history of these rows from a moment on (whole seconds)."""
    tail = f" AND CreatedDate >= {_second(since)} ORDER BY CreatedDate, Id"
    select = f"SELECT {_HISTORY} FROM {SOBJECT.removesuffix('__c')}__History WHERE ParentId IN "
    return _grouped(select, ids, base, tail)


def _second(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _grouped(select: str, ids: Iterable[str], base: int, tail: str = "") -> Iterator[str]:
    from simple_salesforce.format import quote_soql_value

    room = ADDRESS_LIMIT - base - len(quote_plus(f"{select}(){tail}"))
    group: list[str] = []
    used = 0
    for one in dict.fromkeys(ids):
        literal = quote_soql_value(one)
        length = len(quote_plus(literal + ","))
        if group and (used + length > room or len(group) == GROUP):
            yield _query(select, group, tail)
            group, used = [], 0
        group.append(literal)
        used += length
    if group:
        yield _query(select, group, tail)


def _query(select: str, group: Sequence[str], tail: str) -> str:
    return f"{select}({','.join(group)}){tail}"
