"""The queries that tickets are pulled with, as text. Pure.

Pages are cut by key, not by offset: what moves while they are read comes again at the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.kpis.policy import TICKET_COLUMNS, Policy
from store.fields import SOBJECT

HISTORY = f"{SOBJECT.removesuffix('__c')}__History"
PAGE = 10_000
FIXED = ("Id", "Name", "CreatedDate", "CreatedById", "SystemModstamp", "IsDeleted")
HISTORY_COLUMNS = (
    "Id",
    "ParentId",
    "CreatedById",
    "CreatedBy.Name",
    "CreatedDate",
    "Field",
    "OldValue",
    "NewValue",
)
RESPONSES: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "email": (
        "EmailMessage",
        ("Id", "RelatedToId", "MessageDate", "CreatedById", "SystemModstamp"),
        f"Incoming = false AND RelatedTo.Type = '{SOBJECT}'",
    ),
    "task": (
        "Task",
        ("Id", "WhatId", "CompletedDateTime", "OwnerId", "SystemModstamp"),
        f"IsClosed = true AND What.Type = '{SOBJECT}'",
    ),
}
"""First responses of other objects: what they are called, id, ticket, moment, responder, stamp (in
this order), and which of them count."""


def ticket_columns(policy: Policy, described: Collection[Mapping[str, Any]]) -> tuple[str, ...]:
    """What a ticket is read with: the fixed columns, those of the policy's names that the object
    has, and the names of the people that lookups lead to."""
    fields = {str(f["name"]).casefold(): f for f in described}
    relations = {
        str(f["relationshipName"]).casefold(): f for f in described if f.get("relationshipName")
    }
    found = list(FIXED)
    for what in TICKET_COLUMNS:
        for name in policy.columns[what]:
            relation, _, rest = name.partition(".")
            if rest and relation.casefold() in relations:
                found.append(name)
            elif name.casefold() in fields:
                field = fields[name.casefold()]
                found.append(str(field["name"]))
                if field.get("type") == "reference" and field.get("relationshipName"):
                    found.append(f"{field['relationshipName']}.Name")
    return tuple(dict.fromkeys(found))


def moved(
    obj: str,
    columns: Sequence[str],
    stamp: str,
    since: dt.datetime | None,
    after: tuple[str, str] | None,
    where: str = "",
) -> str:
    """A page of the rows whose ``stamp`` is not before ``since`` (None: all), oldest first; the
    next one begins ``after`` the last one's stamp and Id."""
    conditions = [where] if where else []
    if after is not None:
        moment, last = after
        conditions.append(f"({stamp} > {moment} OR ({stamp} = {moment} AND Id > '{last}'))")
    elif since is not None:
        conditions.append(f"{stamp} >= {instant(since)}")
    narrowed = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(columns)} FROM {obj}{narrowed} ORDER BY {stamp}, Id LIMIT {PAGE}"


def ids(after: str | None) -> str:
    """A page of the Ids of everything that is there."""
    later = f" WHERE Id > '{after}'" if after else ""
    return f"SELECT Id FROM {SOBJECT}{later} ORDER BY Id LIMIT {PAGE}"


def instant(moment: dt.datetime) -> str:
    """A moment as a literal, cut to whole seconds."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
