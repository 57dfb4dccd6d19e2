"""From settled records to the plan: one row a project, matched, ordered and complete."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

from services.importing import columns, parents
from services.importing.grid import Record
from services.importing.plan import ExistingLookup, ImportPlan, ImportRow, Note
from services.importing.rows import Draft, settle, settle_nomination
from store.canon import Values
from store.fields import BY_PATH, DEFAULTS

_SORT_ORDER_MAX = BY_PATH["sort_order"].high or 0


def assemble(
    records: Sequence[Record],
    nominations: Sequence[Record],
    *,
    existing: ExistingLookup,
    zone: dt.tzinfo,
    notes: Iterable[Note] = (),
) -> ImportPlan:
    """The plan of a file's projects and its nomination matrix.

    ``notes`` are warnings that were found before, on titles and the like.
    """
    drafts = [settle(record, zone) for record in records]
    _refuse_doubles(drafts)
    seconds = [settle_nomination(record, zone) for record in nominations]
    _join(drafts, seconds)
    places = _places(drafts)
    parents.resolve(drafts, existing)
    for draft in drafts:
        _warn_of_namesakes(draft, existing)
    rows = [
        _row(draft, draft.project_id, places)
        for draft in drafts
        if draft.project_id is not None and not draft.errors
    ]
    everything = [*drafts, *seconds]
    return ImportPlan(
        rows=tuple(rows),
        errors=_sorted(note for draft in everything for note in draft.errors),
        warnings=_sorted([*notes, *(note for draft in everything for note in draft.warnings)]),
    )


def _sorted(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda n: (n.sheet, n.row, n.column.casefold(), n.message)))


def _refuse_doubles(drafts: Sequence[Draft]) -> None:
    first: dict[str, Draft] = {}
    for draft in drafts:
        if draft.project_id is None:
            continue
        earlier = first.setdefault(draft.project_id, draft)
        if earlier is draft:
            continue
        draft.double = True
        path = columns.FEATURE if draft.id_is_made else columns.PROJECT_ID
        what = "Feature" if draft.id_is_made and earlier.name == draft.name else "project id"
        draft.refuse(path, f"row {earlier.record.row} has the same {what}")


def _join(drafts: Sequence[Draft], nominations: Sequence[Draft]) -> None:
    """Give each project the values of its row in the nomination matrix, by exact name.

    A row of the matrix with an error is left out by itself: the project's own row stays.
    """
    named: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.name is not None:
            named.setdefault(draft.name, []).append(draft)
    taken: dict[str, int] = {}
    for nomination in nominations:
        name = nomination.name
        if name is None:
            continue
        projects = [draft for draft in named.get(name, ()) if not draft.double]
        if name in taken:
            nomination.refuse(columns.FEATURE, f"row {taken[name]} has the same Feature")
            continue
        taken[name] = nomination.record.row
        if not projects:
            nomination.warn(columns.FEATURE, "no project of this name; the row was not used")
        elif len(projects) > 1:
            nomination.refuse(columns.FEATURE, "more than one project has this name")
        elif not nomination.errors:
            projects[0].values.update(nomination.values)


def _places(drafts: Sequence[Draft]) -> dict[int, int]:
    """Each row's place in its priority band, in file order, from 1; rows by number.

    A row that is left out keeps its place, so that a later import of the mended file puts it there.
    """
    counts: Counter[str] = Counter()
    places: dict[int, int] = {}
    for draft in drafts:
        if "priority" in draft.record.cells and "priority" not in draft.values:
            continue
        band = str(draft.values.get("priority", DEFAULTS["priority"]))
        counts[band] += 1
        places[draft.record.row] = min(counts[band], _SORT_ORDER_MAX)
    return places


def _warn_of_namesakes(draft: Draft, existing: ExistingLookup) -> None:
    if draft.errors or draft.project_id is None or draft.name is None:
        return
    others = existing.named(draft.name)
    if others and draft.project_id not in existing:
        draft.warn(columns.FEATURE, f"{', '.join(others)} has the same name; this is another one")


def _row(draft: Draft, project_id: str, places: dict[int, int]) -> ImportRow:
    on_create: Values = {}
    if "sort_order" not in draft.values:
        on_create["sort_order"] = places[draft.record.row]
    return ImportRow(
        project_id=project_id,
        values=draft.values,
        parent=draft.parent,
        sheet=draft.record.sheet,
        row=draft.record.row,
        on_create=on_create,
        created_by=draft.created_by,
        created_at=draft.created_at,
    )
