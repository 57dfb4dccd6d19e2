"""A CSV export as a relation: its header, its rows, and where in the file the bad ones are."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from services.kpis.facts import literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST_LINE = 64 << 20
_FIRST, _END = "TIMESTAMP '1000-01-01'", "TIMESTAMP '10000-01-01'"
"""Between them a year has four digits."""
_SAID = {
    "MISSING COLUMNS": "it has fewer values than the header has names",
    "TOO MANY COLUMNS": "it has more values than the header has names",
    "UNQUOTED VALUE": "a quote is opened and never closed, or text follows a closing one",
    "INVALID ENCODING": "it is not UTF-8 text",
    "LINE SIZE OVER MAXIMUM": "it is longer than any row may be",
}


class LoadError(ValueError):
    """A file that can't be loaded; one sentence. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out. ``line`` counts from 1, the header's included."""

    file: str
    line: int
    message: str


def moment(column: str) -> str:
    """A column's text as a UTC timestamp; NULL for what is no date.

    DuckDB's TIMESTAMP ignores an offset, its TIMESTAMPTZ takes 50 times as long, and both take
    words such as ``epoch`` and years that no month is written of (``20226-03-01``).
    """
    plain = f"({column} LIKE '%Z' OR {column} LIKE '%+0000' OR length({column}) <= 19)"
    found = (
        f"CASE WHEN {plain} THEN TRY_CAST({column} AS TIMESTAMP) "
        f"ELSE TRY_CAST({column} AS TIMESTAMPTZ)::TIMESTAMP END"
    )
    return (
        f"CASE WHEN {column} >= '0' AND {column} < ':' AND ({found}) >= {_FIRST} "
        f"AND ({found}) < {_END} THEN {found} END"
    )


class Export:
    """One file of one object. ``needed`` are the columns without which it is no such export.

    Raises LoadError: no such file, no text, a header that lacks a column or has one twice.
    """

    def __init__(self, path: Path, what: str, needed: Sequence[str]) -> None:
        self.path = path
        self._ids = [name for name in needed if name in ("Id", "ParentId")]
        self._rejects = f"rejects_of_{what}"
        try:
            with _bytes(path) as raw:
                first = raw.readline(LONGEST_LINE).decode("utf-8-sig")
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LoadError(f"{path} can't be read: {reason}") from error
        except UnicodeError as error:
            raise LoadError(f"{path} is not UTF-8 text") from error
        self._delimiter = max(",;\t", key=first.count)
        if "\r" in first.rstrip("\r\n"):
            raise LoadError(
                f"{path} ends its lines with a carriage return alone; save it with LF or CRLF"
            )
        self.header = [n.strip() for n in next(csv.reader([first], delimiter=self._delimiter), [])]
        known = {name.casefold(): name for name in self.header}
        lacking = [name for name in needed if name.casefold() not in known]
        if lacking:
            raise LoadError(
                f"{path} is no export of {what}: its first line lacks {', '.join(lacking)}"
            )
        if len(known) < len(self.header) or "" in known:
            raise LoadError(f"{path} has a column without a name, or two of the same name")
        self._known = known

    def column(self, name: str) -> str:
        """A column by its name, letter case aside, as SQL; NULL where the file has none."""
        found = self._known.get(name.casefold())
        return "NULL" if found is None else quoted(found)

    def relation(self) -> str:
        """The rows as SQL, all columns text and an empty value NULL. What is no row of the
        header's shape is set aside and found by ``bad_rows``."""
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.header)
        return (
            f"read_csv({literal(str(self.path))}, header = true, auto_detect = false, "
            f"delim = {literal(self._delimiter)}, quote = '\"', escape = '\"', "
            f"columns = {{{columns}}}, ignore_errors = true, store_rejects = true, "
            f"rejects_table = {literal(self._rejects)}, "
            f"rejects_scan = {literal(self._rejects + '_scans')}, max_line_size = {LONGEST_LINE}, "
            f"compression = {literal('gzip' if self.path.suffix == '.gz' else 'none')})"
        )

    def rejected(self, conn: DuckDBPyConnection) -> dict[int, str]:
        """What was set aside when the rows were read: the row's number in the file (the header is
        the first) and what is wrong with it."""
        found = conn.execute(f"SELECT line, min(error_type) FROM {self._rejects} GROUP BY line")
        return {int(line): _SAID.get(kind, kind.lower()) for line, kind in found.fetchall()}

    def bad_rows(
        self, conn: DuckDBPyConnection, rejected: Mapping[int, str], missing: int
    ) -> list[BadRow]:
        """Where the bad rows are: those that were ``rejected``, and the ``missing`` ones that have
        no value in a column that they need, or no date. The file is read once more for it."""
        no_dates: set[str] = set()
        if missing:
            created = self.column("CreatedDate")
            found = conn.execute(
                f"SELECT DISTINCT {created} FROM {self.relation()} "
                f"WHERE {created} IS NOT NULL AND {moment(created)} IS NULL"
            )
            no_dates = {row[0] for row in found.fetchall()}
        names = [name.casefold() for name in self.header]
        needed = [(name, names.index(name.casefold())) for name in self._ids]
        created_at = names.index("createddate")

        def fault(number: int, row: Sequence[str]) -> str | None:
            if number in rejected or number == 1 or len(row) != len(names):
                return rejected.get(number)
            lacks = [name for name, place in needed if not row[place]]
            if lacks:
                return f"it has no {' and no '.join(lacks)}"
            if not row[created_at]:
                return "it has no CreatedDate"
            wrong = row[created_at] in no_dates
            return f"CreatedDate {row[created_at][:40]!r} is no date" if wrong else None

        told = ((line, fault(number, row)) for number, line, row in self._rows())
        return [BadRow(str(self.path), line, message) for line, message in told if message]

    def _rows(self) -> Iterator[tuple[int, int, list[str]]]:
        """Every row with its number and the line that it begins on."""
        csv.field_size_limit(LONGEST_LINE)
        with (
            _bytes(self.path) as raw,
            io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline="") as lines,
        ):
            reader = csv.reader(lines, delimiter=self._delimiter)
            line = 1
            for number, row in enumerate(reader, 1):
                yield number, line, row
                line = reader.line_num + 1


def _bytes(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
