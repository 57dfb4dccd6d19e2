"""What the names of a query mean: fields, parents, functions; and the joins they need."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.sandbox import storage
from services.sandbox.errors import ApiError
from services.sandbox.records import column
from services.sandbox.schema import IDS, NUMBERS, FieldSpec, SfType, SObject
from services.sandbox.soql_ast import CallOf, Name, Operand
from services.sandbox.soql_parse import malformed, pointed
from services.sandbox.standard import find_object, target_of

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
MAX_LEVELS = 5


@dataclass(frozen=True, slots=True)
class DateFunction:
    """A function of a date: its SQL and the type it gives."""

    sql: str
    type: SfType
    takes: frozenset[SfType]


_WHEN = frozenset({SfType.DATE, SfType.DATETIME})
_PART = "CAST(substr({0}, {1}, {2}) AS INTEGER)"
DATE_FUNCTIONS: Mapping[str, DateFunction] = {
    "CALENDAR_YEAR": DateFunction(_PART.format("{0}", 1, 4), SfType.DOUBLE, _WHEN),
    "CALENDAR_MONTH": DateFunction(_PART.format("{0}", 6, 2), SfType.DOUBLE, _WHEN),
    "DAY_IN_MONTH": DateFunction(_PART.format("{0}", 9, 2), SfType.DOUBLE, _WHEN),
    "HOUR_IN_DAY": DateFunction(
        _PART.format("{0}", 12, 2), SfType.DOUBLE, frozenset({SfType.DATETIME})
    ),
    "DAY_ONLY": DateFunction("substr({0}, 1, 10)", SfType.DATE, frozenset({SfType.DATETIME})),
}


@dataclass(frozen=True, slots=True)
class Node:
    """An object in the query: the source itself, or a parent that a path leads to.

    ``path`` holds the relation names that lead there, as the schema writes them.
    """

    obj: SObject
    alias: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """An operand's SQL and type. ``whole`` marks numbers that are counts: integers in JSON."""

    sql: str
    spec: FieldSpec
    node: Node | None = None
    aggregate: bool = False
    whole: bool = False


@dataclass(slots=True)
class Scope:
    """The names of one query or subquery. ``label`` keeps the aliases of subqueries apart."""

    text: str
    db: sqlite3.Connection
    now: float
    obj: SObject
    alias: str | None = None
    label: str = "t"
    nodes: dict[tuple[str, ...], Node] = field(default_factory=dict)
    joins: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nodes[()] = Node(self.obj, self.label)

    @property
    def root(self) -> Node:
        return self.nodes[()]

    @property
    def today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.now, dt.UTC).date()

    def from_sql(self) -> str:
        """The FROM clause, with every join that resolving has asked for."""
        table = storage.source(self.db, self.obj, self.now)
        return " ".join([f"{table} AS {self.label}", *self.joins])

    def column(self, operand: Operand) -> Column:
        """The meaning of an operand. Raises ApiError."""
        if isinstance(operand, Name):
            return self.field(operand)
        name = operand.name.text.upper()
        if name in AGGREGATES:
            return self._aggregate(name, operand)
        function = DATE_FUNCTIONS.get(name)
        if function is None or operand.argument is None:
            raise self.bad_token(operand.name)
        inner = self.field(operand.argument)
        if inner.spec.type not in function.takes:
            raise self.wrong(operand.argument, f"{inner.spec.name} is of no type that {name} takes")
        spec = FieldSpec(name, name, function.type)
        whole = function.type is SfType.DOUBLE
        return Column(function.sql.format(inner.sql), spec, whole=whole)

    def field(self, name: Name) -> Column:
        """The field that a path leads to. Raises ApiError."""
        parts = list(name.parts)
        if len(parts) > 1 and parts[0].lower() in self._own_names():
            parts.pop(0)
        node = self.root
        if len(parts) > MAX_LEVELS + 1:
            raise self.wrong(name, f"more than {MAX_LEVELS} levels of relationships")
        for part in parts[:-1]:
            node = self._parent(node, part, name)
        spec = node.obj.find(parts[-1])
        if spec is None:
            raise self.wrong(
                name,
                f"No such column '{parts[-1]}' on entity '{node.obj.name}'. If you are attempting"
                " to use a custom field, be sure to append the '__c' after the custom field name."
                " Please reference your WSDL or the describe call for the appropriate names.",
            )
        return Column(column(spec, node.alias), spec, node)

    def wrong(self, name: Name, message: str, code: str = "INVALID_FIELD") -> ApiError:
        """A refusal that points at a name."""
        return ApiError(400, code, pointed(self.text, name.row, name.column, message))

    def bad_token(self, name: Name) -> ApiError:
        """The refusal of a word that means nothing here."""
        message = f"unexpected token: '{name.text}'"
        return malformed(pointed(self.text, name.row, name.column, message))

    def _own_names(self) -> set[str]:
        names = {self.obj.name.lower()}
        return names | {self.alias.lower()} if self.alias else names

    def _aggregate(self, name: str, call: CallOf) -> Column:
        if call.argument is None:
            if name != "COUNT":
                raise self.bad_token(call.name)
            return Column("COUNT(*)", _number("expr"), aggregate=True, whole=True)
        inner = self.field(call.argument)
        if not inner.spec.filterable or (name in ("SUM", "AVG") and inner.spec.type not in NUMBERS):
            raise malformed(
                pointed(
                    self.text,
                    call.argument.row,
                    call.argument.column,
                    f"field {inner.spec.name} does not support aggregate operator {name}",
                )
            )
        if name in ("COUNT", "COUNT_DISTINCT"):
            distinct = "DISTINCT " if name == "COUNT_DISTINCT" else ""
            sql = f"COUNT({distinct}{inner.sql})"
            return Column(sql, _number(name), aggregate=True, whole=True)
        if name in ("MIN", "MAX") and inner.spec.type in IDS | {SfType.BOOLEAN}:
            raise self.bad_token(call.name)
        return Column(f"{name}({inner.sql})", inner.spec, aggregate=True)

    def _parent(self, node: Node, relation: str, name: Name) -> Node:
        spec = node.obj.by_relation.get(relation.lower())
        if spec is None:
            raise self.wrong(
                name,
                f"Didn't understand relationship '{relation}' in field path. If you are attempting"
                " to use a custom relationship, be sure to append the '__r' after the custom"
                " relationship name. Please reference your WSDL or the describe call for the"
                " appropriate names.",
            )
        path = (*node.path, spec.relation or "")
        if path not in self.nodes:
            parent = Node(target_of(spec), f"{self.label}{len(self.nodes)}", path)
            self.nodes[path] = parent
            table = storage.source(self.db, parent.obj, self.now)
            key = column(spec, node.alias)
            self.joins.append(f"LEFT JOIN {table} AS {parent.alias} ON {parent.alias}.Id = {key}")
        return self.nodes[path]


def source_object(text: str, name: Name) -> SObject:
    """The object after FROM. Raises ApiError INVALID_TYPE."""
    obj = find_object(name.text)
    if obj is None:
        raise ApiError(
            400,
            "INVALID_TYPE",
            pointed(
                text,
                name.row,
                name.column,
                f"sObject type '{name.text}' is not supported. If you are attempting to use a"
                " custom object, be sure to append the '__c' after the entity name. Please"
                " reference your WSDL or the describe call for the appropriate names.",
            ),
        )
    return obj


def _number(name: str) -> FieldSpec:
    return FieldSpec(name, name, SfType.DOUBLE)
