"""``itsc_to_sf.csv``: the whole roadmap as rows for a load into Salesforce (V2 text, section 14).

Columns are Salesforce API names, umbrellas come first, children name their parent by its DataOS id,
so that no Salesforce id has to be copied. It is a file for the Bulk API, not for a spreadsheet: a
text that begins like a formula stays as it is, since a quote before it would arrive in Salesforce.
An empty cell says nothing, which for a new row is the same as null.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

from services.itsc_sf_sync import PARENT_LOOKUP, PARENT_RELATION, Resolve, to_salesforce
from services.migration.umbrellas import Entry, plan
from services.sync.targets.sf_bulk import cells_of
from store import fields
from store.canon import Value, Values, total_of
from store.fields import EXTERNAL_ID_FIELD
from store.projects import with_total

RECORD_TYPE_COLUMN, RECORD_TYPE_NAME = "RecordType.Name", "Strategic Initiative"
"""A record type is named in a load by its label; its developer name is no key there."""
PARENT_COLUMN = f"{PARENT_RELATION}.{EXTERNAL_ID_FIELD}"


@dataclass(frozen=True, slots=True)
class Written:
    """How many umbrellas and other projects there are rows of, and the names that are no user's."""

    umbrellas: int
    projects: int
    unresolved: tuple[str, ...]


def columns(mapped: Mapping[str, str]) -> list[str]:
    """The header."""
    named = [PARENT_COLUMN if api == PARENT_LOOKUP else api for api in mapped.values()]
    return [EXTERNAL_ID_FIELD, RECORD_TYPE_COLUMN, *named]


def write(
    out: TextIO,
    projects: Mapping[str, Values],
    mapped: Mapping[str, str],
    resolve: Resolve,
    buried: Iterable[str] = (),
) -> Written:
    """Write a row for each project (canonical values by id) and for each umbrella that is missing.

    Raises Refusal for a number field that holds no number.
    """
    rows, parents = _with_umbrellas(projects, buried)
    header = columns(mapped)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(header)
    unresolved: dict[str, None] = {}
    for project_id, values in rows.items():
        full = with_total(values)
        body, skipped = to_salesforce(_known(full), total_of(full), resolve, mapped)
        unresolved |= {str(full[path]): None for path in skipped if full[path] is not None}
        cells = cells_of({name: cell for name, cell in body.items() if cell is not None})
        cells |= {EXTERNAL_ID_FIELD: project_id, RECORD_TYPE_COLUMN: RECORD_TYPE_NAME}
        table.writerow([cells.get(name, "") for name in header])
    made = sum(project_id in parents for project_id in rows)
    return Written(made, len(rows) - made, tuple(unresolved))


def _with_umbrellas(
    projects: Mapping[str, Values], buried: Iterable[str]
) -> tuple[dict[str, Values], set[str]]:
    """Every row in the file's order, parents before children, and the ids of the umbrellas."""
    entries = [
        Entry(i, str(v["feature_name"]), str(v["priority"]), _text(v.get("parent_id")))
        for i, v in projects.items()
    ]
    plans = plan(entries, buried)
    parents = {p.project_id for p in plans if p.create or p.project_id in projects}
    made: dict[str, Values] = {
        p.project_id: {
            **fields.DEFAULTS,
            "feature_name": p.umbrella.name,
            "priority": p.priority,
        }
        for p in plans
        if p.create
    }
    links: dict[str, str] = {child: p.project_id for p in plans for child in p.link}
    everything = made | {
        i: dict(v) | ({"parent_id": links[i]} if i in links else {}) for i, v in projects.items()
    }
    order = sorted(everything, key=lambda i: (_depth(everything, i), i not in parents))
    return {i: everything[i] for i in order}, parents


def _depth(rows: Mapping[str, Values], project_id: str) -> int:
    seen: list[str] = []
    here: str | None = project_id
    while here is not None and here in rows and here not in seen:
        seen.append(here)
        here = _text(rows[here].get("parent_id"))
    return len(seen)


def _known(values: Mapping[str, Value]) -> Values:
    return {path: value for path, value in values.items() if path in fields.BY_PATH}


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None
