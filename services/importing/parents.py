"""Who is whose parent: names resolved, and no row whose parent would be missing or a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from services.importing.columns import PARENT
from services.importing.plan import ExistingLookup
from services.importing.rows import Draft


def resolve(drafts: Sequence[Draft], existing: ExistingLookup) -> None:
    """Put ``parent_id`` into each draft that speaks of a parent, or an error.

    The Parent cell holds a project id or an exact feature name, of this file or else of an
    existing project. A row that is left out takes along the rows that need it as a parent, unless
    that project exists already; then what exists counts, in cycles too. So both rules are applied
    until nothing more falls out.
    """
    names: dict[str, list[str]] = {}
    by_id: dict[str, Draft] = {}
    for draft in drafts:
        if draft.project_id is not None:
            by_id.setdefault(draft.project_id, draft)
            if draft.name is not None:
                names.setdefault(draft.name, []).append(draft.project_id)
    for draft in drafts:
        if draft.has_parent:
            _resolve_one(draft, by_id, names, existing)
    while _leave_out_orphans(drafts, by_id, existing) or _leave_out_cycles(by_id, existing):
        pass


def _resolve_one(
    draft: Draft, by_id: dict[str, Draft], names: dict[str, list[str]], existing: ExistingLookup
) -> None:
    if draft.parent is None:
        draft.values[PARENT] = None
        return
    found = [draft.parent] if draft.parent in by_id else names.get(draft.parent)
    found = found or existing.ids_of(draft.parent)
    if not found:
        draft.refuse(PARENT, "no project of this id or name is in the file or here")
    elif len(found) > 1:
        draft.refuse(PARENT, "more than one project has this name; give its project id")
    elif found[0] == draft.project_id:
        draft.refuse(PARENT, "a project can't be its own parent")
    else:
        draft.values[PARENT] = found[0]


def _leave_out_orphans(
    drafts: Sequence[Draft], by_id: dict[str, Draft], existing: ExistingLookup
) -> bool:
    """Rows whose parent is a row that is left out and exists nowhere else; theirs in turn."""
    children: dict[str, list[Draft]] = {}
    for draft in drafts:
        parent_id = draft.values.get(PARENT)
        if not draft.errors and isinstance(parent_id, str):
            children.setdefault(parent_id, []).append(draft)
    missing = [key for key, draft in by_id.items() if draft.errors and key not in existing]
    any_left_out = False
    while missing:
        parent_id = missing.pop()
        row = by_id[parent_id].record.row
        for child in children.pop(parent_id, ()):
            child.refuse(PARENT, f"its parent, row {row}, is left out of this import")
            any_left_out = True
            if child.project_id is not None and child.project_id not in existing:
                missing.append(child.project_id)
    return any_left_out


def _leave_out_cycles(by_id: dict[str, Draft], existing: ExistingLookup) -> bool:
    """Rows that would become their own ancestors, as parents would stand after the import."""

    def parent_of(project_id: str) -> str | None:
        draft = by_id.get(project_id)
        if draft is None or draft.errors or PARENT not in draft.values:
            return existing.parent_of(project_id)
        parent_id = draft.values[PARENT]
        return parent_id if isinstance(parent_id, str) else None

    settled: set[str] = set()
    cyclic: list[str] = []
    for start in by_id:
        path: dict[str, int] = {}
        here: str | None = start
        while here is not None and here not in settled and here not in path:
            path[here] = len(path)
            here = parent_of(here)
        if here is not None and here in path:
            cyclic += list(path)[path[here] :]
        settled.update(path)
    found = [
        draft
        for key in cyclic
        if (draft := by_id.get(key)) and draft.has_parent and not draft.errors
    ]
    for draft in found:
        draft.refuse(PARENT, "this would make the project its own ancestor")
    return bool(found)
