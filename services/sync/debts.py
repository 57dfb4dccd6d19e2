"""Fields that other operators still owe Salesforce, as a judgement of its rows sees them.

Mine is the document plus this side's own edits. What somebody else owes stands on the document and
not in the row yet: the row's value is no edit then, and nobody here may take it for one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from services.sync.targets.base import Remote
from store import fields, owes
from store.bases import Base
from store.canon import Value
from store.clock import to_iso
from store.deliveries import Owed
from store.projects import Project


def is_owed(path: str) -> bool:
    """Whether Salesforce has a place for this field, so that it can be owed to it."""
    known = fields.BY_PATH.get(path)
    return fields.is_score(path) or (known is not None and known.sf is not None)


NOBODY = "somebody else"


def with_debts(
    conn: sqlite3.Connection,
    owed: Mapping[str, Mapping[str, Owed]],
    local: Mapping[str, Project],
    known: Mapping[str, Base],
    rows: Mapping[str, Remote],
) -> dict[str, dict[str, Owed]]:
    """This side's undelivered fields, and those that the documents say others owe. Where nothing
    is known to be common with a row, its value of such a field is taken to be what was replaced, as
    long as nobody else has edited the row: then it may be his, and time decides."""
    found = {pid: dict(fields) for pid, fields in owed.items()}
    for pid, debts in owes.by_operation(conn, list(rows)).items():
        project, base = local.get(pid), known.get(pid)
        if project is None:
            continue
        for path, op_id in debts.items():
            stamp = project.stamp(path)
            replaced: Value = fields.DEFAULTS.get(path)
            if base is not None:
                replaced = base.values.get(path)
            elif rows[pid].modified_by_us:
                replaced = rows[pid].values.get(path)
            by, at = (stamp.by, stamp.at) if stamp else (NOBODY, to_iso(0.0))
            debt = Owed(replaced, op_id, by, at, None)
            found.setdefault(pid, {}).setdefault(path, debt)
    return found
