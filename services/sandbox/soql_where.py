"""Conditions of a query as SQL.

SOQL knows two truth values: ``Status__c != 'x'`` is true of a record without a status, and so is
``NOT Status__c = 'x'``. SQL has a third; every negation here is therefore made of a comparison
that can't be null. Text is compared without regard to letter case.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.sandbox.errors import ApiError
from services.sandbox.ids import canonical
from services.sandbox.incoming import stamp
from services.sandbox.schema import IDS, NUMBERS, TEXTS, SfType
from services.sandbox.soql_ast import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    DateRange,
    Literal,
    Membership,
    Name,
    Not,
    Operand,
    Query,
    Text,
)
from services.sandbox.soql_dates import span_of
from services.sandbox.soql_parse import malformed
from services.sandbox.soql_scope import Column, Scope

MAX_DEPTH = 50
Subquery = Callable[["Where", Query], str]


@dataclass(slots=True)
class Where:
    """Turns conditions into SQL and collects the values for its marks.

    ``subquery`` gives the SQL of a query whose only column is compared; ``grouped`` allows
    aggregates, as HAVING does.
    """

    scope: Scope
    subquery: Subquery
    grouped: bool = False
    values: list[Any] = field(default_factory=list)

    def sql(self, condition: Condition, wanted: bool = True, depth: int = 0) -> str:
        """The SQL that is true where the condition is ``wanted``. Raises ApiError."""
        if depth > MAX_DEPTH:
            raise malformed("the condition is nested too deeply")
        match condition:
            case AllOf(terms) | AnyOf(terms):
                both = isinstance(condition, AllOf) == wanted
                glue = " AND " if both else " OR "
                return _balanced([self.sql(term, wanted, depth + 1) for term in terms], glue)
            case Not(term):
                return self.sql(term, not wanted, depth + 1)
            case Comparison(operand, operator, value):
                column = self._column(operand)
                if operator == "!=":
                    operator, wanted = "=", not wanted
                return _truth(self._compare(operand, column, operator, value), wanted)
            case Membership(operand, absent, members):
                column = self._column(operand)
                return _truth(self._member(operand, column, members), wanted != absent)

    def _column(self, operand: Operand) -> Column:
        column = self.scope.column(operand)
        if column.aggregate and not self.grouped:
            raise malformed("Grouped field should not be aggregated in WHERE")
        if not column.spec.filterable:
            raise self.scope.wrong(
                _place(operand), f"field '{column.spec.name}' can not be filtered in a query call"
            )
        return column

    def _compare(self, operand: Operand, column: Column, operator: str, value: Literal) -> str:
        kind = column.spec.type
        if operator == "LIKE":
            return self._like(operand, column, value)
        if value is None:
            if operator != "=":
                raise self._operator(operand, column, operator)
            return f"{column.sql} IS NULL"
        if isinstance(value, DateRange):
            return self._in_range(operand, column, operator, value)
        plain = self._plain(operand, column, value)
        if kind in TEXTS and not column.spec.case_sensitive:
            return self._text(column, operator, plain)
        if operator != "=" and kind is SfType.BOOLEAN:
            raise self._operator(operand, column, operator)
        self.values.append(plain)
        return f"{column.sql} {operator} ?"

    def _text(self, column: Column, operator: str, value: str) -> str:
        if operator == "=" and value.isascii():
            self.values.append(value)
            return f"{column.sql} = ? COLLATE NOCASE"
        self.values.append(value.casefold())
        return f"fold({column.sql}) {operator} ?"

    def _like(self, operand: Operand, column: Column, value: Literal) -> str:
        if column.spec.type not in TEXTS or not isinstance(value, Text):
            raise self._operator(operand, column, "LIKE")
        if value.pattern.isascii():
            self.values.append(value.pattern)
            return f"{column.sql} LIKE ? ESCAPE '\\'"
        self.values.append(value.pattern.casefold())
        return f"fold({column.sql}) LIKE ? ESCAPE '\\'"

    def _in_range(self, operand: Operand, column: Column, operator: str, value: DateRange) -> str:
        if column.spec.type not in (SfType.DATE, SfType.DATETIME):
            raise self._mistyped(operand, column)
        first, after = span_of(value, self.scope.today)
        bounds = [d.isoformat() for d in (first, after)]
        if column.spec.type is SfType.DATETIME:
            bounds = [f"{day}T00:00:00.000+0000" for day in bounds]
        low, high = bounds
        if operator == "=":
            self.values += [low, high]
            return f"({column.sql} >= ? AND {column.sql} < ?)"
        sign, bound = {
            "<": ("<", low),
            ">=": (">=", low),
            ">": (">=", high),
            "<=": ("<", high),
        }[operator]
        self.values.append(bound)
        return f"{column.sql} {sign} ?"

    def _member(
        self, operand: Operand, column: Column, members: tuple[Literal, ...] | Query
    ) -> str:
        if isinstance(members, Query):
            if column.spec.type not in IDS:
                raise self.scope.wrong(
                    _place(operand),
                    f"The field '{column.spec.name}' can't be compared with a subquery",
                    "MALFORMED_QUERY",
                )
            return f"{column.sql} IN ({self.subquery(self, members)})"
        if any(isinstance(member, DateRange) for member in members):
            raise self._mistyped(operand, column)
        plain = [self._plain(operand, column, m) for m in members if m is not None]
        fold = column.spec.type in TEXTS and not column.spec.case_sensitive
        subject = column.sql
        if fold:
            ascii_only = all(value.isascii() for value in plain)
            subject = f"{column.sql} COLLATE NOCASE" if ascii_only else f"fold({column.sql})"
            plain = plain if ascii_only else [value.casefold() for value in plain]
        self.values.append(json.dumps(plain))
        found = f"{subject} IN (SELECT value FROM json_each(?))"
        return f"({found} OR {column.sql} IS NULL)" if None in members else found

    def _plain(self, operand: Operand, column: Column, value: Literal) -> Any:
        """A literal as the column stores it. Raises ApiError where the types don't agree."""
        kind = column.spec.type
        if kind in IDS and isinstance(value, Text):
            known = canonical(value.value) if value.value else ""
            if known is None:
                raise ApiError(
                    400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.value}"
                )
            return known
        if kind in TEXTS and isinstance(value, Text):
            return value.value
        if kind is SfType.BOOLEAN and isinstance(value, bool):
            return int(value)
        if kind in NUMBERS and isinstance(value, float):
            return value
        if kind is SfType.DATETIME and isinstance(value, dt.datetime):
            return _exact(value)
        if kind is SfType.DATE and isinstance(value, dt.date) and type(value) is dt.date:
            return value.isoformat()
        raise self._mistyped(operand, column)

    def _mistyped(self, operand: Operand, column: Column) -> ApiError:
        kind = column.spec.type
        if kind in TEXTS | IDS:
            wants = "string and should be enclosed in quotes"
        else:
            named = {SfType.DATETIME: "dateTime", SfType.PERCENT: "double"}.get(kind, str(kind))
            wants = f"{named} and should not be enclosed in quotes"
        return self.scope.wrong(
            _place(operand),
            f"value of filter criterion for field '{column.spec.name}' must be of type {wants}",
        )

    def _operator(self, operand: Operand, column: Column, operator: str) -> ApiError:
        return self.scope.wrong(
            _place(operand),
            f"invalid operator '{operator}' on {column.spec.type} field '{column.spec.name}'",
            "INVALID_QUERY_FILTER_OPERATOR",
        )


def _balanced(terms: Sequence[str], glue: str) -> str:
    """Terms joined in halves: SQLite allows a depth of 1,000, and a chain is as deep as long."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_balanced(terms[:half], glue)}{glue}{_balanced(terms[half:], glue)})"


def _truth(sql: str, wanted: bool) -> str:
    return sql if wanted else f"NOT IFNULL({sql}, 0)"


def _place(operand: Operand) -> Name:
    return operand if isinstance(operand, Name) else operand.argument or operand.name


def _exact(moment: dt.datetime) -> str:
    """A point in time in the stored form, to the millisecond so that order is kept."""
    try:
        text = stamp(moment.timestamp())
    except (OverflowError, ValueError):  # its zone takes it out of the range of dates
        raise malformed(f"Invalid date: {moment.isoformat()}") from None
    return text.replace(".000", f".{moment.microsecond // 1000:03d}")
