"""What a backfill would do: read from everywhere, written nowhere."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from math import ceil

from services.migration import missing, sides, umbrellas
from services.migration.backfill import BULK_ABOVE
from services.migration.parity import differences_of
from services.migration.sides import Sides
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_bulk import ROWS_A_JOB
from services.sync.targets.sf_writes import GROUP
from store import deliveries, fields
from store.deliveries import FIRESTORE, SALESFORCE
from store.projects import Project

_CONNECTING, _JOB, _PAGE = 4, 12, 2_000
"""Calls to log in and look round; of one job, with some looks at it; rows of a query's page."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would happen: ``create``, ``update`` and ``unchanged`` count rows in Salesforce, calls
    are estimates."""

    umbrellas: tuple[umbrellas.Plan, ...]
    create: int
    update: int
    unchanged: int
    bulk: bool
    calls: dict[str, int]


def rehearse(
    conn: sqlite3.Connection,
    firestore: FirestoreTarget,
    salesforce: SalesforceTarget,
    bulk_above: int = BULK_ABOVE,
) -> Rehearsal:
    """Look at everything and change nothing, not even here. Raises TargetDown."""
    plans = umbrellas.plan(umbrellas.entries_of(conn), umbrellas.buried_of(conn))
    found = sides.read_all(conn, firestore, salesforce)
    links = {child: plan.project_id for plan in plans for child in plan.link}
    found.local = {i: _linked(p, links.get(i)) for i, p in found.local.items()}
    made = [plan.project_id for plan in plans if plan.create]
    here = [*found.local, *(each for each in made if each not in found.local)]
    new = [each for each in here if each not in found.salesforce]
    known = [each for each in here if each in found.salesforce]
    update = [each for each in known if each in made or _differs(found, each)]
    bulk = len(new) > bulk_above
    parents = sum(p.values["parent_id"] is not None for p in found.local.values())
    waiting = deliveries.counts(conn)[FIRESTORE]["pending"] + len(made) + len(links)
    waiting = max(waiting, len(missing.never_sent(conn)))
    return Rehearsal(
        tuple(plans),
        len(new),
        len(update),
        len(known) - len(update),
        bulk,
        {
            FIRESTORE: 1
            + 2 * ceil(waiting / firestore.batch)
            + 3 * ceil(len(here) / firestore.batch),
            SALESFORCE: _salesforce_calls(len(new), len(update), min(parents, len(here)), bulk)
            + ceil(len(here) / _PAGE),
        },
    )


def _salesforce_calls(new: int, update: int, links: int, bulk: bool) -> int:
    reads = ceil(new / GROUP) + ceil(update / GROUP) + ceil(links / GROUP)
    if bulk:
        writes = _JOB * (ceil(new / ROWS_A_JOB) + ceil(links / ROWS_A_JOB)) + ceil(update / GROUP)
    else:
        writes = reads
    return _CONNECTING + 1 + reads + writes


def _linked(project: Project, parent: str | None) -> Project:
    if parent is None:
        return project
    return replace(project, values=project.values | {"parent_id": parent})


def _differs(found: Sides, project_id: str) -> bool:
    """Whether the row is not what it would be after the backfill, documents left aside."""
    alone = Sides(
        {project_id: found.local[project_id]},
        {},
        {project_id: found.salesforce[project_id]},
        directory=found.directory,
        mapped=found.mapped,
    )
    pushed = {f.path for f in fields.FIELDS if f.sf is not None} | {"record_type"}
    return any(each.field in pushed for each in differences_of(alone, project_id))
