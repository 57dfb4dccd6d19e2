"""Everything that each of the three sides holds, read whole, for a comparison."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.itsc_sf_sync import PARENT_RELATION, from_salesforce
from services.people import Directory
from services.sync.targets.base import Ref, Remote, TargetDown
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_errors import Asked, CallFailed
from store import projects
from store.canon import Values
from store.fields import EXTERNAL_ID_FIELD, LAUNCH_DATE_FIELD, RECORD_TYPE, SOBJECT
from store.projects import Project, Query

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One Salesforce row: as it came, and in our terms."""

    raw: Mapping[str, Any]
    values: Values

    @property
    def sf_id(self) -> str:
        """The row's Id."""
        return str(self.raw.get("Id"))


@dataclass
class Sides:
    """Three times the roadmap. ``strays`` are Strategic Initiatives without a DataOS id;
    ``doubles`` ids that more than one row has; ``mapped`` leads from a path to its Salesforce
    field."""

    local: dict[str, Project] = field(default_factory=dict)
    firestore: dict[str, Remote] = field(default_factory=dict)
    salesforce: dict[str, Row] = field(default_factory=dict)
    strays: list[Row] = field(default_factory=list)
    doubles: set[str] = field(default_factory=set)
    directory: Directory = field(default_factory=Directory)
    mapped: Mapping[str, str] = field(default_factory=dict)


def read_all(
    conn: sqlite3.Connection, firestore: FirestoreTarget, salesforce: SalesforceTarget
) -> Sides:
    """Read the three sides, Salesforce last. Writes nothing anywhere. Raises TargetDown."""
    local = {p.project_id: p for p in projects.find(conn, Query(_EPOCH))}
    firestore.connect()
    documents = _documents(firestore, local)
    sides = Sides(local, documents)
    read_salesforce(salesforce, sides)
    return sides


def read_salesforce(target: SalesforceTarget, sides: Sides) -> None:
    """Put Salesforce's rows into ``sides``, in terms of its local projects. Raises TargetDown."""
    client, terms = target.sending()
    sides.directory, sides.mapped = target.directory, terms.mapped
    names = (
        "Id",
        EXTERNAL_ID_FIELD,
        *terms.mapped.values(),
        LAUNCH_DATE_FIELD,
        f"{PARENT_RELATION}.{EXTERNAL_ID_FIELD}",
        "RecordType.DeveloperName",
    )
    soql = (
        f"SELECT {', '.join(names)} FROM {SOBJECT} "
        f"WHERE RecordType.DeveloperName = '{RECORD_TYPE}' OR {EXTERNAL_ID_FIELD} != null"
    )
    try:
        found = client.query(soql)
    except CallFailed as failed:
        raise TargetDown(failed.problem) from failed
    for raw in found:
        project_id = raw.get(EXTERNAL_ID_FIELD)
        mine = sides.local[project_id].values if project_id in sides.local else {}
        values = from_salesforce(raw, mine, target.directory, target.integration_user, terms.mapped)
        row = Row(raw, values)
        if not project_id:
            sides.strays.append(row)
        elif project_id in sides.salesforce:
            sides.doubles.add(project_id)
        else:
            sides.salesforce[project_id] = row


def count_rows(target: SalesforceTarget) -> int:
    """How many Strategic Initiatives with a DataOS id Salesforce counts. Raises TargetDown."""
    client, _ = target.sending()
    soql = (
        f"SELECT COUNT() FROM {SOBJECT} "
        f"WHERE RecordType.DeveloperName = '{RECORD_TYPE}' AND {EXTERNAL_ID_FIELD} != null"
    )
    try:
        data = client.rest("query/", Asked(writing=False), params={"q": soql}).data
    except CallFailed as failed:
        raise TargetDown(failed.problem) from failed
    return int(data["totalSize"])


def _documents(target: FirestoreTarget, local: Mapping[str, Project]) -> dict[str, Remote]:
    """Every document that is not a tombstone."""
    ids = target.everyone()
    found: dict[str, Remote] = {}
    for start in range(0, len(ids), target.batch):
        refs = [
            Ref(each, local={} if each not in local else local[each].values)
            for each in ids[start : start + target.batch]
        ]
        remotes = target.read(refs)
        found |= {i: r for i, r in remotes.items() if r.exists and not r.deleted}
    return found
