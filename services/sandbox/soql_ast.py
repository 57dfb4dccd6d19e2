"""The parts of a SOQL query."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Name:
    """A field path or an object's name, with where it stands (1-based) in the query."""

    text: str
    row: int
    column: int

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.text.split("."))


@dataclass(frozen=True, slots=True)
class DateRange:
    """A relative date such as TODAY or LAST_N_DAYS:3, with where it stands."""

    word: Name
    count: int | None


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string: what it says, and the same as a LIKE pattern with \\ for escape."""

    value: str
    pattern: str


Literal: TypeAlias = Text | float | bool | dt.date | dt.datetime | DateRange | None


@dataclass(frozen=True, slots=True)
class CallOf:
    """A function of a field; ``argument`` is None in ``COUNT()``."""

    name: Name
    argument: Name | None


Operand: TypeAlias = Name | CallOf


@dataclass(frozen=True, slots=True)
class Item:
    """One thing selected, by a name of its own where the query gives one."""

    what: Operand
    alias: str | None


@dataclass(frozen=True, slots=True)
class Child:
    """A subquery in the select list; its source is a child relationship."""

    query: Query


@dataclass(frozen=True, slots=True)
class AllOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Condition


@dataclass(frozen=True, slots=True)
class Comparison:
    """``operator`` is one of = != < <= > >= LIKE."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """IN, or NOT IN where ``absent``; of values or of the only column of a query."""

    operand: Operand
    absent: bool
    members: tuple[Literal, ...] | Query


Condition: TypeAlias = AllOf | AnyOf | Not | Comparison | Membership


@dataclass(frozen=True, slots=True)
class Sorting:
    operand: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    select: tuple[Item | Child, ...]
    source: Name
    alias: str | None = None
    where: Condition | None = None
    group: tuple[Operand, ...] = ()
    having: Condition | None = None
    order: tuple[Sorting, ...] = ()
    limit: int | None = None
    offset: int | None = None
