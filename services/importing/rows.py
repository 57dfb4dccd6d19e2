"""One record of a file settled: canonical values, or the reasons why it is left out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from services.importing import columns, values
from services.importing.grid import Cell, Fault, Raw, Record, shown, text_of
from services.importing.ids import id_for_name
from services.importing.plan import Note
from store import canon, fields
from store.canon import Values


@dataclass(slots=True)
class Draft:
    """A record on its way to a row; with any error it is left out of the plan.

    ``project_id`` and ``name`` are None where the record gives no usable ones; ``parent`` is the
    Parent cell in canonical text (``has_parent``: the file has that column); ``id_is_made``: the
    id was made from the name; ``double``: an earlier row of the file has the same id.
    """

    record: Record
    project_id: str | None = None
    name: str | None = None
    parent: str | None = None
    created_by: str | None = None
    created_at: str | None = None
    id_is_made: bool = False
    double: bool = False
    values: Values = field(default_factory=dict)
    errors: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)

    @property
    def has_parent(self) -> bool:
        """Whether the record speaks of a parent at all."""
        return columns.PARENT in self.record.cells

    def refuse(self, path: str, message: str) -> None:
        """Leave the record out, because of this cell."""
        self.errors.append(self._note(path, message))

    def warn(self, path: str, message: str) -> None:
        """Say something about a cell that was read all the same."""
        self.warnings.append(self._note(path, message))

    def _note(self, path: str, message: str) -> Note:
        cell = self.record.cells.get(path, Cell(fields.label_of(path), None))
        return Note(self.record.sheet, self.record.row, cell.title, shown(cell.raw), message)


def settle(record: Record, zone: dt.tzinfo) -> Draft:
    """Read every cell of a project's record."""
    draft = Draft(record)
    for path, cell in record.cells.items():
        if path not in (columns.TOTAL, columns.PARENT):
            _read_cell(draft, path, cell.raw, zone)
    _read_parent(draft)
    draft.project_id = _pop_text(draft, columns.PROJECT_ID)
    draft.created_by = _pop_text(draft, columns.AUTHOR)
    draft.created_at = _pop_text(draft, columns.CREATED_AT)
    _read_name(draft)
    _settle_scores(draft)
    return draft


def settle_nomination(record: Record, zone: dt.tzinfo) -> Draft:
    """Read a row of the nomination matrix; its Feature names the project."""
    draft = Draft(record)
    for path, cell in record.cells.items():
        if path != columns.TOTAL:
            _read_cell(draft, path, cell.raw, zone)
    _read_name(draft)
    draft.values.pop(columns.FEATURE, None)
    _settle_scores(draft)
    return draft


def _read_cell(draft: Draft, path: str, raw: Raw, zone: dt.tzinfo) -> None:
    try:
        value, warning = values.read(path, raw, exact=draft.record.exact, zone=zone)
    except canon.Refusal as refusal:
        draft.refuse(path, _sentence(refusal))
        return
    draft.values[path] = value
    if warning:
        draft.warn(path, warning)


def _sentence(refusal: canon.Refusal) -> str:
    if refusal.value in ("", None):
        return refusal.allowed
    return f"{canon.shown(refusal.value)} is not allowed; {refusal.allowed}"


def _pop_text(draft: Draft, path: str) -> str | None:
    value = draft.values.pop(path, None)
    return value if isinstance(value, str) else None


def _read_parent(draft: Draft) -> None:
    cell = draft.record.cells.get(columns.PARENT)
    if cell is None:
        return
    if isinstance(cell.raw, Fault):
        draft.refuse(columns.PARENT, f"{canon.shown(cell.raw.text)}: {cell.raw.message}")
        return
    draft.parent = canon.clean_text(text_of(cell.raw))


def _read_name(draft: Draft) -> None:
    name = draft.values.get(columns.FEATURE)
    if columns.FEATURE not in draft.record.cells:
        draft.refuse(columns.FEATURE, "it can't be empty")
    if not isinstance(name, str):
        return
    draft.name = name
    given = draft.record.cells.get(columns.PROJECT_ID)
    if given is None or canon.clean_text(text_of(given.raw)) is None:
        draft.project_id, draft.id_is_made = id_for_name(name), True


def _settle_scores(draft: Draft) -> None:
    """Check the number of voters, and put the total of the votes beside them.

    Where nobody voted the file's own total stands; where somebody did it is recomputed.
    """
    try:
        canon.check_voters(draft.values)
    except canon.Refusal as refusal:
        first = next(path for path in draft.values if fields.is_score(path))
        draft.refuse(first, f"{refusal.allowed} can score a project, and here are more")
    if columns.TOTAL not in draft.record.cells:
        return
    _read_cell(draft, columns.TOTAL, draft.record.cells[columns.TOTAL].raw, dt.UTC)
    if columns.TOTAL not in draft.values:
        return
    stated = draft.values[columns.TOTAL]
    total = canon.total_of(draft.values)
    if stated is not None and stated != total:
        draft.warn(columns.TOTAL, f"the scores add up to {total}; that is what is kept")
    draft.values[columns.TOTAL] = total
