"""What reading a file gives: rows to import, and everything a person has to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from store.canon import Values


class ImportRefused(Exception):
    """The file as a whole can't be read; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Note:
    """One error or warning of the report.

    ``row`` is counted from 1 as the sheet counts; 0 speaks of the file as a whole. ``column`` is
    the header as written in the file, ``value`` the cell's text (cut after 200 characters).
    """

    sheet: str
    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One project to create or update.

    ``values`` holds canonical values for exactly the columns that the file has, so that an import
    never erases what the file doesn't speak of; where the file has a Parent column it holds
    ``parent_id``, resolved. ``parent`` is that cell as it was written. ``on_create`` holds values
    for a project that does not exist yet (its place in the file's order, where the file has no
    Sort Order); an existing project keeps its own. ``created_by`` and ``created_at`` (UTC ISO) are
    those of a Firestore document or of an export, None elsewhere.
    """

    project_id: str
    values: Values
    parent: str | None
    sheet: str
    row: int
    on_create: Values = field(default_factory=dict)
    created_by: str | None = None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """The rows without an error, in file order, and the report of all the others."""

    rows: tuple[ImportRow, ...]
    errors: tuple[Note, ...]
    warnings: tuple[Note, ...]


class ExistingLookup:
    """The projects that exist already, for parents named by id or by feature name."""

    def __init__(self, projects: Iterable[tuple[str, str, str | None]] = ()) -> None:
        """``projects``: (project_id, feature_name, parent_id) of each one that is not deleted."""
        self._parents: dict[str, str | None] = {}
        self._named: dict[str, list[str]] = {}
        for project_id, name, parent_id in projects:
            self._parents[project_id] = parent_id
            self._named.setdefault(name, []).append(project_id)

    def __contains__(self, project_id: str) -> bool:
        return project_id in self._parents

    def named(self, name: str) -> list[str]:
        """All projects with exactly this feature name."""
        return list(self._named.get(name, ()))

    def ids_of(self, name_or_id: str) -> list[str]:
        """The project with exactly this id, or else all with exactly this feature name."""
        if name_or_id in self._parents:
            return [name_or_id]
        return self.named(name_or_id)

    def parent_of(self, project_id: str) -> str | None:
        """The parent that an existing project has now."""
        return self._parents.get(project_id)
