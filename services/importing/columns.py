"""Which column of a sheet is which field.

Titles are matched whatever their case, order and white space (non-breaking spaces and line breaks
included). A field answers to the workbook's title, to its label and to its path. A sheet whose
titles are all paths as they stand in the table of fields, ``project_id`` among them, is one of our
own exports: its cells are exact and no rule of interpretation applies to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.importing.grid import Raw, Row, Sheet, is_blank, text_of
from services.importing.plan import ImportRefused, Note
from store import canon, fields

HEADER_ROWS = 10
"""The titles stand within this many first rows."""

PROJECT_ID, PARENT, TOTAL, FEATURE = "project_id", "parent_id", "total_score", "feature_name"
AUTHOR, CREATED_AT = "created_by", "created_at"
SYSTEM = frozenset(
    {"updated_by", "updated_at", "sf_id", "sf", "stamps", "applied", "owes", "carried"}
    | {"sync", "rev", "launch_date", "deleted", "deleted_by", "deleted_at"}
)
"""What documents and exports hold besides, and what no import takes over."""

_WORKBOOK = {
    "Feature": FEATURE,
    "LOE": "level_of_effort",
    "Created By": "imported_created_by",
    "Updated By": "imported_updated_by",
    "Project Id": PROJECT_ID,
    "Parent": PARENT,
    "Intake Document": "intake.intake_document_url",
    "Total": TOTAL,
}
_URL, _COMMENTS = "intake.intake_document_url", "intake.reviewer_comments"
_SCORE_LABEL = "score of "


def tidy(text: str) -> str:
    """A title with every run of white space as one space."""
    return " ".join(text.split())


def _key(title: str) -> str:
    return tidy(title.replace("\ufeff", "")).casefold()


_PATHS = {*fields.BY_PATH, PROJECT_ID, AUTHOR, CREATED_AT}
_NAMES = (
    {_key(f.label): f.path for f in fields.FIELDS}
    | {_key(title): path for title, path in _WORKBOOK.items()}
    | {path: path for path in _PATHS | SYSTEM}
)


def path_of(title: str) -> str | None:
    """The path that a title names, ``scores.<voter>`` included; None where it names none."""
    text = canon.clean_text(title) or ""
    if fields.is_score(text):
        return text
    key = _key(text)
    if key.startswith(_SCORE_LABEL):
        return fields.SCORES_PREFIX + tidy(text)[len(_SCORE_LABEL) :]
    return _NAMES.get(key)


def is_nomination(path: str) -> bool:
    """Whether a field comes from the nomination matrix."""
    return path.startswith("intake.") or path == TOTAL or fields.is_score(path)


@dataclass(frozen=True, slots=True)
class Header:
    """The titles of a sheet: ``columns`` is position → (path, title as written)."""

    row: int
    columns: dict[int, tuple[str, str]]
    exact: bool
    notes: list[Note] = field(default_factory=list)

    @property
    def paths(self) -> set[str]:
        """The fields that the sheet has."""
        return {path for path, _ in self.columns.values()}


def find_header(sheet: Sheet) -> Header | None:
    """The header among the first ten rows: the row that names Feature and most other fields.

    None where no row names Feature. Raises ImportRefused where a field has two columns.
    """
    best: tuple[int, int, Row] | None = None
    for number, row in sheet.rows:
        if number > HEADER_ROWS:
            break
        known = [path_of(text_of(raw) or "") for raw in row.values()]
        count = sum(path is not None for path in known)
        if FEATURE in known and (best is None or count > best[0]):
            best = (count, number, row)
    if best is None:
        return None
    return _read(sheet.name, best[1], best[2])


def _read(sheet: str, number: int, row: Row) -> Header:
    titles = {at: text_of(raw) or "" for at, raw in sorted(row.items()) if not is_blank(raw)}
    known = {at: path for at, title in titles.items() if (path := path_of(title)) is not None}
    exact = is_exact(titles.values())
    notes: list[Note] = []
    for at in _voter_positions(known, titles):
        known[at] = fields.SCORES_PREFIX + tidy(titles[at])
    columns: dict[int, tuple[str, str]] = {}
    for at, title in titles.items():
        path = known.get(at)
        reason = "there is no such field" if path is None else _bad_voter(path)
        if path is None or reason:
            notes.append(
                Note(sheet, number, tidy(title), "", f"this column was not read: {reason}")
            )
        elif path not in SYSTEM:
            columns[at] = (path, tidy(title))
    _refuse_doubles(sheet, columns.values())
    return Header(number, columns, exact, notes)


def is_exact(titles: Iterable[str]) -> bool:
    """Whether these are the titles of our own export: paths, to the letter."""
    given = list(titles)
    return PROJECT_ID in given and all(
        title in _PATHS or title in SYSTEM or fields.is_score(title) for title in given
    )


def _voter_positions(known: dict[int, str], titles: dict[int, str]) -> list[int]:
    """Every unnamed column between Intake Document and Total (or else Reviewer Comments)."""
    places = {path: at for at, path in known.items()}
    start, end = places.get(_URL), places.get(TOTAL, places.get(_COMMENTS))
    if start is None or end is None:
        return []
    low, high = sorted((start, end))
    return [at for at in titles if low < at < high and at not in known]


def _bad_voter(path: str) -> str:
    if not fields.is_score(path):
        return ""
    try:
        canon.check(path, None)
    except canon.Refusal as refusal:
        return refusal.allowed
    return ""


def _refuse_doubles(sheet: str, columns: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for path, title in columns:
        if path in seen:
            raise ImportRefused(
                f"{canon.shown(sheet)} has two columns for {canon.shown(fields.label_of(path))}: "
                f"{canon.shown(seen[path])} and {canon.shown(title)}; keep one of them."
            )
        seen[path] = title


def blank_title_notes(sheet: Sheet, header: Header) -> list[Note]:
    """A warning where cells stand under a column that has no title, once a column."""
    titled = {at for number, row in sheet.rows if number == header.row for at in row}
    stray: dict[int, tuple[int, Raw]] = {}
    for number, row in sheet.rows:
        if number > header.row:
            for at, raw in row.items():
                if at not in titled and not is_blank(raw):
                    stray.setdefault(at, (number, raw))
    return [
        Note(sheet.name, number, f"column {at + 1}", text_of(raw) or "", _NO_TITLE)
        for at, (number, raw) in sorted(stray.items())
    ]


_NO_TITLE = "this column has no title and was not read"
