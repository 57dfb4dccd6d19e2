"""SOQL text to its parts."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from lark import (
    Lark,
    Token,
    Transformer,
    UnexpectedCharacters,
    UnexpectedInput,
    UnexpectedToken,
)
from lark.exceptions import VisitError

from services.sandbox.errors import ApiError
from services.sandbox.soql_ast import (
    AllOf,
    AnyOf,
    CallOf,
    Child,
    Comparison,
    Condition,
    DateRange,
    Item,
    Literal,
    Membership,
    Name,
    Not,
    Query,
    Sorting,
    Text,
)

MAX_LENGTH = 100_000
MAX_DIGITS = 9
"""Of a limit, an offset and the number in a relative date."""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_PIECE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)|[^\\]+", re.S)
T = TypeVar("T")


def parse(text: str) -> Query:
    """The parts of a query. Raises ApiError MALFORMED_QUERY."""
    if len(text) > MAX_LENGTH:
        raise malformed(f"SOQL statements cannot be longer than {MAX_LENGTH} characters")
    try:
        tree = _parser().parse(text)
    except UnexpectedToken as bad:
        raise _unexpected(text, bad, str(bad.token) or "<EOF>") from None
    except UnexpectedCharacters as bad:
        raise _unexpected(text, bad, text[bad.pos_in_stream or 0]) from None
    try:
        query: Query = _Build().transform(tree)
    except VisitError as bad:
        if isinstance(bad.orig_exc, RecursionError):
            raise malformed("the query is nested too deeply") from None
        raise bad.orig_exc from None
    except RecursionError:
        raise malformed("the query is nested too deeply") from None
    return query


def malformed(message: str) -> ApiError:
    """The refusal of a query that can't be understood."""
    return ApiError(400, "MALFORMED_QUERY", message)


def pointed(text: str, row: int, column: int, message: str) -> str:
    """A message under the line it is about, as Salesforce writes it."""
    lines = text.splitlines() or [""]
    line = lines[min(max(row, 1), len(lines)) - 1]
    start = max(0, column - 40)
    return (
        f"\n{line[start : column + 40]}\n{' ' * (column - 1 - start)}^\n"
        f"ERROR at Row:{row}:Column:{column}\n{message}"
    )


def unquoted(literal: str) -> Text:
    """A quoted string taken out of its quotes. Raises ApiError for an escape SOQL has not."""
    value, pattern = "", ""
    for found in _PIECE.finditer(literal[1:-1]):
        piece = found[0]
        plain = piece
        if piece[0] == "\\":
            code = piece[1:]
            if code in ("%", "_"):
                value, pattern = value + code, pattern + piece
                continue
            if len(code) == 5:
                plain = chr(int(code[1:], 16))
            elif code.lower() in _ESCAPES:
                plain = _ESCAPES[code.lower()]
            else:
                raise malformed(f"Invalid string literal {literal}. Illegal character sequence")
        value, pattern = value + plain, pattern + plain.replace("\\", "\\\\")
    return Text(_joined(value), _joined(pattern))


def _joined(text: str) -> str:
    """Surrogate pairs, written as two escapes, as the one character they are."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unexpected(text: str, bad: UnexpectedInput, what: str) -> ApiError:
    row, column = bad.line, bad.column
    if row < 1 or what == "<EOF>":
        row, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    return malformed(pointed(text, row, column, f"unexpected token: '{what}'"))


@cache
def _parser() -> Lark:
    grammar = files("services.sandbox").joinpath("soql.lark").read_text("utf-8")
    return Lark(grammar, start="query", parser="lalr", maybe_placeholders=False)


class _Build(Transformer[Token, Any]):
    """The syntax tree to dataclasses; each method has the name of a grammar rule."""

    def PATH(self, token: Token) -> Name:
        return Name(str(token), token.line or 1, token.column or 1)

    def alias(self, parts: list[Any]) -> str:
        return _only(parts, Name).text

    def field(self, parts: list[Any]) -> Item:
        return Item(parts[0], _first(parts[1:], str))

    def call(self, parts: list[Any]) -> Item:
        return Item(_call(parts), _first(parts[1:], str))

    def child(self, parts: list[Any]) -> Child:
        return Child(_only(parts, Query))

    def select_list(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def path_operand(self, parts: list[Any]) -> Name:
        return _only(parts, Name)

    def call_operand(self, parts: list[Any]) -> CallOf:
        return _call(parts)

    def value(self, parts: list[Any]) -> Any:
        return _Value(_literal(parts[0]))

    def members(self, parts: list[Any]) -> Any:
        query = _first(parts, Query)
        return query or tuple(part.value for part in parts)

    def comparison(self, parts: list[Any]) -> Comparison:
        operand, operator, value = parts
        sign = {"<>": "!="}.get(str(operator), str(operator).upper())
        return Comparison(operand, sign, value.value)

    def membership(self, parts: list[Any]) -> Membership:
        return Membership(parts[0], False, parts[-1])

    def absence(self, parts: list[Any]) -> Membership:
        return Membership(parts[0], True, parts[-1])

    def negation(self, parts: list[Any]) -> Not:
        return Not(parts[-1])

    def all_of(self, parts: list[Any]) -> AllOf:
        return AllOf(tuple(p for p in parts if not isinstance(p, Token)))

    def any_of(self, parts: list[Any]) -> AnyOf:
        return AnyOf(tuple(p for p in parts if not isinstance(p, Token)))

    def where(self, parts: list[Any]) -> tuple[str, Condition]:
        return "where", parts[-1]

    def having(self, parts: list[Any]) -> tuple[str, Condition]:
        return "having", parts[-1]

    def group(self, parts: list[Any]) -> tuple[str, Any]:
        operands = tuple(p for p in parts if isinstance(p, (Name, CallOf)))
        having = _first(parts, tuple)
        return "group", (operands, having[1] if having else None)

    def sorting(self, parts: list[Any]) -> Sorting:
        words = [str(p).upper() for p in parts if isinstance(p, Token)]
        return Sorting(parts[0], "DESC" in words, "LAST" in words)

    def order(self, parts: list[Any]) -> tuple[str, tuple[Sorting, ...]]:
        return "order", tuple(p for p in parts if isinstance(p, Sorting))

    def limit(self, parts: list[Any]) -> tuple[str, int]:
        return "limit", _count(parts[-1])

    def offset(self, parts: list[Any]) -> tuple[str, int]:
        return "offset", _count(parts[-1])

    def query(self, parts: list[Any]) -> Query:
        _, selected, _, source, *rest = parts
        clauses: dict[str, Any] = dict(p for p in rest if isinstance(p, tuple))
        group, having = clauses.pop("group", ((), None))
        return Query(
            select=selected if isinstance(selected, tuple) else (selected,),
            source=source,
            alias=_first(rest, str),
            group=group,
            having=having,
            **clauses,
        )


class _Value:
    """Keeps a literal, which may be None or a string, apart from the other parts of a rule."""

    def __init__(self, value: Literal) -> None:
        self.value = value


def _call(parts: list[Any]) -> CallOf:
    names = [p for p in parts if isinstance(p, Name)]
    return CallOf(names[0], names[1] if len(names) > 1 else None)


def _literal(token: Any) -> Literal:
    text = str(token)
    try:
        match token.type:
            case "STRING":
                return unquoted(text)
            case "NUMBER":
                return float(text)
            case "DATE":
                return dt.date.fromisoformat(text)
            case "DATETIME":
                return dt.datetime.fromisoformat(text.upper())
    except ValueError:
        raise malformed(f"Invalid date or number: {text}") from None
    word = text.upper()
    if word in ("TRUE", "FALSE"):
        return word == "TRUE"
    if word == "NULL":
        return None
    name, _, count = word.partition(":")
    if len(count) > MAX_DIGITS:
        raise malformed(f"unexpected token: '{text[:40]}'")
    place = Name(name, token.line or 1, token.column or 1)
    return DateRange(place, int(count) if count else None)


def _count(token: Token) -> int:
    if not str(token).isdigit() or len(token) > MAX_DIGITS:
        raise malformed(f"unexpected token: '{token[:40]}'")
    return int(token)


def _first(parts: list[Any], kind: type[T]) -> T | None:
    return next((p for p in parts if isinstance(p, kind) and not isinstance(p, Token)), None)


def _only(parts: list[Any], kind: type[T]) -> T:
    found = _first(parts, kind)
    if found is None:
        raise TypeError(f"the grammar gave no {kind.__name__}")
    return found
