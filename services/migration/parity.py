"""Parity: every record and every field of the three sides, compared in canonical form. Pure.

A person is compared by the user he is: the text here, whoever Salesforce shows. A name without a
user is not in Salesforce by rule; it is noted and fails nothing. Votes are the committee's own and
compared with Firestore alone; their total is compared on all sides. The launch date is Salesforce's
formula, compared with the date that the raw text means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.migration.sides import Row, Sides
from services.migration.umbrellas import words_of
from services.sync.targets.base import Remote
from store import canon, fields
from store.canon import Value
from store.fields import LAUNCH_DATE_FIELD, PERSON_PATHS, RECORD_TYPE
from store.projects import Project

EQUAL, DIFFERENT, MISSING = "equal", "different", "missing"
SPOT_CHECKS = (
    "Custom Communication",
    "Health Dashboard",
    "Feedback Platform v1",
    "Feedback Platform v2",
    "GTZenda Process Optimization",
    "GTZenda Full Autonomy",
    "GTZenda Grants Data API Integration",
)
"""The records of V2, section 14, step 5, by the words of their names."""

UNREADABLE = "(not readable as this field)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field on the three sides; None also where a side has no such field."""

    project_id: str
    field: str
    local: Value
    firestore: Value
    salesforce: Value


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that is not on every side. ``project_id`` is None for a Strategic Initiative that
    was made in Salesforce and has no DataOS id."""

    project_id: str | None
    name: str | None
    missing_in: tuple[str, ...]
    sf_id: str | None = None


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """One of the emoji-heavy records: ``ok`` where it is on all sides and equal in every field."""

    name: str
    project_id: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A name that is no Salesforce user, and so stays out of Salesforce."""

    project_id: str
    field: str
    name: str


@dataclass(frozen=True, slots=True)
class Parity:
    """The report. ``projects`` counts the records by DataOS id over all sides."""

    verdict: str
    projects: int
    records: dict[str, int]
    differences: tuple[Difference, ...]
    missing: tuple[Missing, ...]
    spot_checks: tuple[SpotCheck, ...]
    unresolved: tuple[Unresolved, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The report's file."""
        return {
            "verdict": self.verdict,
            "projects": self.projects,
            "records": self.records,
            "differences": [
                {name: getattr(each, name) for name in Difference.__slots__}
                for each in self.differences
            ],
            "missing": [
                {
                    "project_id": each.project_id,
                    "name": each.name,
                    "missing_in": list(each.missing_in),
                    "sf_id": each.sf_id,
                }
                for each in self.missing
            ],
            "spot_checks": [
                {"name": each.name, "project_id": each.project_id, "ok": each.ok}
                for each in self.spot_checks
            ],
            "unresolved_people": [
                {"project_id": each.project_id, "field": each.field, "name": each.name}
                for each in self.unresolved
            ],
        }


def compare(sides: Sides) -> Parity:
    """The report on what was read."""
    ids = sorted({*sides.local, *sides.firestore, *sides.salesforce})
    missing = [m for m in (_missing(sides, each) for each in ids) if m is not None]
    missing += [
        Missing(None, _name_of(None, None, row), ("local", "firestore"), row.sf_id)
        for row in sides.strays
    ]
    differences = [d for each in ids for d in differences_of(sides, each)]
    unresolved = [u for p in sides.local.values() for u in _unresolved(sides, p)]
    bad = {d.project_id for d in differences} | {m.project_id for m in missing}
    return Parity(
        MISSING if missing else DIFFERENT if differences else EQUAL,
        len(ids),
        {
            "local": len(sides.local),
            "firestore": len(sides.firestore),
            "salesforce": len(sides.salesforce) + len(sides.strays),
        },
        tuple(differences),
        tuple(missing),
        tuple(_spot_checks(sides, ids, bad)),
        tuple(unresolved),
    )


def differences_of(sides: Sides, project_id: str) -> Iterator[Difference]:
    """The fields of one record that are not the same on the sides that have it."""
    local = sides.local.get(project_id)
    document = sides.firestore.get(project_id)
    row = sides.salesforce.get(project_id)
    if row is not None:
        kind = (row.raw.get("RecordType") or {}).get("DeveloperName")
        if kind != RECORD_TYPE:
            yield Difference(project_id, "record_type", RECORD_TYPE, None, kind)
        if project_id in sides.doubles:
            yield Difference(project_id, "project_id", project_id, None, "more than one row")
    yield from _ids(project_id, local, document, row)
    for path in _paths(local, document):
        held = [_local(local, path), _document(document, path), _row(sides, local, row, path)]
        known = [cell for cell in held if cell is not _NOT_COMPARED]
        if any(cell != known[0] for cell in known[1:]):
            shown = [None if cell is _NOT_COMPARED else cell for cell in held]
            yield Difference(project_id, path, *shown)
    if row is not None and LAUNCH_DATE_FIELD in row.raw:
        yield from _launch_date(project_id, local, document, row)


class _NotCompared:
    """A side that does not speak of a field."""


_NOT_COMPARED: Any = _NotCompared()


def _missing(sides: Sides, project_id: str) -> Missing | None:
    where: dict[str, Mapping[str, object]] = {
        "local": sides.local,
        "firestore": sides.firestore,
        "salesforce": sides.salesforce,
    }
    absent = tuple(name for name, side in where.items() if project_id not in side)
    if not absent:
        return None
    local, document = sides.local.get(project_id), sides.firestore.get(project_id)
    row = sides.salesforce.get(project_id)
    return Missing(project_id, _name_of(local, document, row), absent, row.sf_id if row else None)


def _name_of(local: Project | None, document: Remote | None, row: Row | None) -> str | None:
    for values in (
        local.values if local else {},
        document.values if document else {},
        row.values if row else {},
    ):
        if values.get("feature_name"):
            return str(values["feature_name"])
    return None


def _paths(local: Project | None, document: Remote | None) -> list[str]:
    votes = {
        path
        for values in (local.values if local else {}, document.values if document else {})
        for path in values
        if fields.is_score(path)
    }
    return [*fields.BY_PATH, *sorted(votes)]


def _local(project: Project | None, path: str) -> Any:
    return _NOT_COMPARED if project is None else project.values.get(path)


def _document(document: Remote | None, path: str) -> Any:
    if document is None:
        return _NOT_COMPARED
    if path not in document.values and not fields.is_score(path):
        return UNREADABLE
    return document.values.get(path)


def _row(sides: Sides, local: Project | None, row: Row | None, path: str) -> Any:
    if row is None or path not in sides.mapped:
        return _NOT_COMPARED
    if path in row.values:
        return row.values[path]
    mine = local.values.get(path) if local else None
    raw = row.raw.get(sides.mapped[path])
    if path in PERSON_PATHS:
        # A name that is a user's has to be there; anything else can't be judged.
        if isinstance(mine, str) and sides.directory.resolve(mine) is not None:
            return None if raw is None else sides.directory.name_of(raw) or raw
        return _NOT_COMPARED
    return raw


def _ids(
    project_id: str, local: Project | None, document: Remote | None, row: Row | None
) -> Iterator[Difference]:
    if row is None:
        return
    mine = local.sf_id if local else None
    shared = document.sf.id if document and document.sf else None
    if (local is not None and mine != row.sf_id) or (document is not None and shared != row.sf_id):
        yield Difference(project_id, "sf_id", mine, shared, row.sf_id)


def _launch_date(
    project_id: str, local: Project | None, document: Remote | None, row: Row
) -> Iterator[Difference]:
    def meant(text: Any) -> str | None:
        date = canon.launch_date(text) if isinstance(text, str) else None
        return date.isoformat() if date else None

    here = meant(local.values.get("launch_target")) if local else None
    there = meant(document.values.get("launch_target")) if document else None
    formula = row.raw.get(LAUNCH_DATE_FIELD)
    if formula != meant(row.values.get("launch_target")):
        yield Difference(project_id, "launch_date", here, there, formula)


def _unresolved(sides: Sides, project: Project) -> Iterator[Unresolved]:
    for path in PERSON_PATHS:
        name = project.values.get(path)
        if isinstance(name, str) and sides.directory.resolve(name) is None:
            yield Unresolved(project.project_id, path, name)


def _spot_checks(sides: Sides, ids: list[str], bad: set[str | None]) -> Iterator[SpotCheck]:
    wanted = {words_of(name): place for place, name in enumerate(SPOT_CHECKS)}
    found = []
    for project_id in ids:
        name = _name_of(
            sides.local.get(project_id),
            sides.firestore.get(project_id),
            sides.salesforce.get(project_id),
        )
        if name is not None and words_of(name) in wanted:
            check = SpotCheck(name, project_id, project_id not in bad)
            found.append((wanted[words_of(name)], project_id, check))
    yield from (check for _, _, check in sorted(found, key=lambda e: e[:2]))
