"""The part of SOQL that a careful client needs; everything else is MALFORMED_QUERY.

``SELECT names FROM object [WHERE conditions] [ORDER BY names] [LIMIT n]``, or ``COUNT()`` for the
names; a condition is ``name op literal`` or ``name IN (literal, …)``, and several are joined by AND
or by OR, never by both without parentheses. Strings know only Salesforce's own escapes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tests.outside.strict_schema import OBJECTS, RELATIONS, Field

Row = Mapping[str, Any]
Lookup = Callable[[str, str], Row | None]

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][\w.]*)"
    r"|(?P<op><=|>=|!=|=|<|>)"
    r"|(?P<mark>[(),]))",
    re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_WORDS = {
    "select",
    "from",
    "where",
    "and",
    "or",
    "in",
    "order",
    "by",
    "limit",
    "asc",
    "desc",
    "nulls",
}


class Refused(Exception):
    """A query that is not answered: error code and words."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


@dataclass(frozen=True)
class Condition:
    """``name op values``; ``in`` and ``not in`` take several values, the others one."""

    name: str
    op: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Joined:
    """Conditions of which all hold, or any."""

    every: bool
    parts: tuple[Where, ...]


Where: TypeAlias = Condition | Joined


@dataclass(frozen=True)
class Query:
    """A query that was understood; without names it counts."""

    names: tuple[str, ...]
    source: str
    where: Where | None
    order: tuple[tuple[str, bool], ...]
    limit: int | None

    def run(self, rows: Iterable[Row], lookup: Lookup) -> list[dict[str, Any]] | int:
        """The records, relationships nested; or how many there are."""
        found = [row for row in rows if self.where is None or self._true(self.where, row, lookup)]
        if not self.names:
            return len(found[: self.limit])
        for name, falling in reversed(self.order):
            found.sort(key=lambda row: _sortable(_at(self.source, name, row, lookup)))
            if falling:
                found.reverse()
        return [self._shown(row, lookup) for row in found[: self.limit]]

    def _true(self, where: Where, row: Row, lookup: Lookup) -> bool:
        if isinstance(where, Condition):
            return self._holds(where, row, lookup)
        parts = (self._true(part, row, lookup) for part in where.parts)
        return all(parts) if where.every else any(parts)

    def _holds(self, condition: Condition, row: Row, lookup: Lookup) -> bool:
        field = field_of(self.source, condition.name)
        held = _comparable(field, _at(self.source, condition.name, row, lookup))
        wanted = [_comparable(field, value) for value in condition.values]
        match condition.op:
            case "=" | "in":
                return held in wanted
            case "!=" | "not in":
                return held not in wanted
        if held is None or wanted[0] is None:
            return False
        ordered = {
            "<": held < wanted[0],
            "<=": held <= wanted[0],
            ">": held > wanted[0],
            ">=": held >= wanted[0],
        }
        return ordered[condition.op]

    def _shown(self, row: Row, lookup: Lookup) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": {"type": self.source}}
        for name in self.names:
            relation, dot, inner = name.partition(".")
            if not dot:
                record[name] = row.get(name)
                continue
            id_field, target = RELATIONS[(self.source, relation)]
            other = lookup(target, row.get(id_field) or "")
            if other is None:
                record.setdefault(relation, None)
            else:
                nested = record.setdefault(relation, {"attributes": {"type": target}})
                nested[inner] = other.get(inner)
        return record


def parse(text: str) -> Query:
    """Raises Refused."""
    tokens = _tokens(text)
    take = _Taker(tokens)
    take.word("select")
    names = take.selected()
    take.word("from")
    source = take.name()
    where = take.where() if take.maybe("where") else None
    order: list[tuple[str, bool]] = []
    if take.maybe("order"):
        take.word("by")
        order.append(take.order())
        while take.mark(","):
            order.append(take.order())
    limit = None
    if take.maybe("limit"):
        limit = int(take.literal())
    take.end()
    if source not in OBJECTS:
        raise Refused("INVALID_TYPE", f"sObject type '{source}' is not supported.")
    if len(set(map(str.lower, names))) != len(names):
        raise Refused("INVALID_FIELD", "duplicate field selected")
    conditions = _conditions(where)
    for name in [*names, *(c.name for c in conditions), *(n for n, _ in order)]:
        field_of(source, name)
    for condition in conditions:
        _check_literals(source, condition)
    return Query(tuple(names), source, where, tuple(order), limit)


def _conditions(where: Where | None) -> list[Condition]:
    if where is None or isinstance(where, Condition):
        return [where] if where else []
    return [condition for part in where.parts for condition in _conditions(part)]


def field_of(source: str, name: str) -> Field:
    """The field that a name means. Raises Refused."""
    relation, dot, inner = name.partition(".")
    if dot:
        found = RELATIONS.get((source, relation))
        if found is None:
            raise Refused("INVALID_FIELD", f"Didn't understand relationship '{relation}'")
        return field_of(found[1], inner)
    if name not in OBJECTS[source]:
        words = f"No such column '{name}' on entity '{source}'."
        raise Refused("INVALID_FIELD", words)
    return OBJECTS[source][name]


def _check_literals(source: str, condition: Condition) -> None:
    kind = field_of(source, condition.name).type
    if kind in ("long", "any"):
        raise Refused("INVALID_FIELD", f"{condition.name} can not be filtered in a query call")
    fits = {
        "datetime": (dt.datetime,),
        "date": (dt.date,),
        "boolean": (bool,),
        "number": (int, float),
        "percent": (int, float),
    }.get(kind, (str,))
    for value in condition.values:
        if value is not None and not isinstance(value, fits):
            words = f"filter criteria must be of type {kind} and not be enclosed in quotes"
            raise Refused("INVALID_FIELD", f"{condition.name}: {words}")


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Refused("MALFORMED_QUERY", f"unexpected token at {text[at : at + 20]!r}")
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


class _Taker:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._at = 0

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _fail(self) -> Refused:
        return Refused("MALFORMED_QUERY", f"unexpected token: {self._tokens[self._at - 1][1]!r}")

    def maybe(self, word: str) -> bool:
        kind, text = self._tokens[self._at]
        found = kind == "name" and text.lower() == word
        self._at += found
        return found

    def mark(self, sign: str) -> bool:
        found = self._tokens[self._at] == ("mark", sign)
        self._at += found
        return found

    def word(self, word: str) -> None:
        if not self.maybe(word):
            self._at += 1
            raise self._fail()

    def name(self) -> str:
        kind, text = self._next()
        if kind != "name" or text.lower() in _WORDS:
            raise self._fail()
        return text

    def selected(self) -> list[str]:
        """The names; none for ``COUNT()``."""
        names = [self.name()]
        if names[0].lower() == "count" and self.mark("("):
            if not self.mark(")"):
                raise self._fail()
            return []
        while self.mark(","):
            names.append(self.name())
        return names

    def where(self) -> Where:
        parts = [self._term()]
        glue = next((word for word in ("and", "or") if self.maybe(word)), None)
        if glue is None:
            return parts[0]
        parts.append(self._term())
        while self.maybe(glue):
            parts.append(self._term())
        return Joined(glue == "and", tuple(parts))

    def _term(self) -> Where:
        if not self.mark("("):
            return self.condition()
        inside = self.where()
        if not self.mark(")"):
            raise self._fail()
        return inside

    def order(self) -> tuple[str, bool]:
        name = self.name()
        falling = self.maybe("desc")
        if not falling:
            self.maybe("asc")
        return name, falling

    def condition(self) -> Condition:
        name = self.name()
        negated = self.maybe("not")
        if self.maybe("in"):
            if not self.mark("("):
                raise self._fail()
            values = [self.literal()]
            while self.mark(","):
                values.append(self.literal())
            if not self.mark(")"):
                raise self._fail()
            return Condition(name, "not in" if negated else "in", tuple(values))
        kind, op = self._next()
        if kind != "op" or negated:
            raise self._fail()
        return Condition(name, op, (self.literal(),))

    def literal(self) -> Any:
        kind, text = self._next()
        match kind:
            case "string":
                return _unescaped(text[1:-1])
            case "moment":
                return dt.datetime.fromisoformat(text)
            case "date":
                return dt.date.fromisoformat(text)
            case "number":
                return float(text) if "." in text else int(text)
            case "name" if text.lower() in ("true", "false"):
                return text.lower() == "true"
            case "name" if text.lower() == "null":
                return None
        raise self._fail()

    def end(self) -> None:
        if self._next()[0] != "end":
            raise self._fail()


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise Refused("MALFORMED_QUERY", f"illegal string escape {match[0]!r}")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", one, text, flags=re.DOTALL)


def _at(source: str, name: str, row: Row, lookup: Lookup) -> Any:
    relation, dot, inner = name.partition(".")
    if not dot:
        return row.get(name)
    id_field, target = RELATIONS[(source, relation)]
    other = lookup(target, row.get(id_field) or "")
    return None if other is None else other.get(inner)


def _comparable(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.type == "datetime" and isinstance(value, str):
        return dt.datetime.fromisoformat(value)
    if field.type in ("id", "reference"):
        return str(value)[:15]
    if isinstance(value, str) and field.folded:
        return value.casefold()
    return value


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, "" if value is None else value)
