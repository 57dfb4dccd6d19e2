"""A sheet as it was read, before anything is made of it: numbered rows of sparse cells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

VALUE_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that holds no value: an error of the spreadsheet, or something of the wrong type."""

    text: str
    message: str


Raw: TypeAlias = (
    str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | Fault | None
)
Row: TypeAlias = dict[int, Raw]
"""Column (counted from 0) → what the cell holds; empty cells are left out."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of one column that are one merged cell, first and last included."""

    column: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a sheet that hold anything, each with its number (from 1), in order."""

    name: str
    rows: list[tuple[int, Row]]
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a record: the column's title as written in the file, and what it holds."""

    title: str
    raw: Raw


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the file, by field path. ``exact``: it was written by our own export."""

    sheet: str
    row: int
    cells: dict[str, Cell]
    exact: bool = False


def text_of(raw: Raw) -> str | None:
    """A cell as the text that a spreadsheet shows for it, untrimmed: 2026.0 is ``2026``."""
    if raw is None or isinstance(raw, str):
        return raw
    if isinstance(raw, Fault):
        return raw.text
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, float):
        # A spreadsheet keeps and shows 15 significant digits.
        return format(raw, ".15g")
    if isinstance(raw, dt.datetime):
        midnight = raw.time() == dt.time() and raw.tzinfo is None
        return raw.date().isoformat() if midnight else raw.isoformat(sep=" ")
    return str(raw)


def shown(raw: Raw) -> str:
    """A cell's text for the report, cut."""
    text = text_of(raw) or ""
    return text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 1] + "…"


def is_blank(raw: Raw) -> bool:
    """Whether a cell holds nothing but white space of any kind."""
    return raw is None or (isinstance(raw, str) and not raw.strip())


def spread(rows: Iterable[tuple[int, Row]], spans: list[Span]) -> None:
    """Give each row under a merged cell the value of that cell, in place.

    A merged cell is one cell that stands beside several rows (a priority band, mostly); the file
    stores its value in the first of them only.
    """
    by_number = dict(rows)
    numbers = sorted(by_number)
    for span in spans:
        value = by_number.get(span.first, {}).get(span.column)
        if value is None:
            continue
        for number in _between(numbers, span.first + 1, span.last):
            by_number[number].setdefault(span.column, value)


def _between(numbers: list[int], first: int, last: int) -> list[int]:
    from bisect import bisect_left, bisect_right

    return numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]
