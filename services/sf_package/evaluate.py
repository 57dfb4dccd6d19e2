"""Salesforce formulas, as far as this package uses them: parsed once, evaluated on records.

What is not known here is refused when it is parsed, never guessed. A blank text is the empty text
to text functions; a comparison with a blank number is never true; IF, CASE, AND and OR look only
at what they need.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

Record: TypeAlias = Mapping[str, Any]
Formula: TypeAlias = Callable[[Record], Any]
"""A formula on the values of a record, by API name."""

_TOKEN = re.compile(
    r'\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|([A-Za-z][\w.]*)|(<>|<=|>=|[=<>(),]))'
)


class BadFormula(ValueError):
    """A text that is no formula, or that uses what is not known here."""


def compile_formula(text: str) -> Formula:
    """The formula of a text. Raises BadFormula, which says at which token."""
    tokens = _tokens(text)
    formula, rest = _comparison(tokens, 0)
    if rest != len(tokens):
        raise BadFormula(f"unexpected {tokens[rest]!r} after the end of the formula")
    return formula


def _tokens(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if not found:
            raise BadFormula(f"no formula can be read at {text[at : at + 20]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


def _comparison(tokens: Sequence[str], at: int) -> tuple[Formula, int]:
    left, at = _operand(tokens, at)
    if at < len(tokens) and tokens[at] in _COMPARE:
        compare = _COMPARE[tokens[at]]
        right, at = _operand(tokens, at + 1)
        return (lambda record, left=left: compare(left(record), right(record))), at
    return left, at


def _operand(tokens: Sequence[str], at: int) -> tuple[Formula, int]:
    if at >= len(tokens):
        raise BadFormula("the formula ends too early")
    token = tokens[at]
    if token == "(":
        inner, at = _comparison(tokens, at + 1)
        return inner, _expect(tokens, at, ")")
    if token[0] == '"':
        constant = re.sub(r"\\(.)", r"\1", token[1:-1])
        return (lambda record: constant), at + 1
    if token[0].isdigit():
        number = float(token)
        return (lambda record: number), at + 1
    if token.upper() == "NULL":
        return (lambda record: None), at + 1
    if not token[0].isalpha():
        raise BadFormula(f"unexpected {token!r}")
    if at + 1 < len(tokens) and tokens[at + 1] == "(":
        return _call(token.upper(), tokens, at + 2)
    return (lambda record: record.get(token)), at + 1


def _call(name: str, tokens: Sequence[str], at: int) -> tuple[Formula, int]:
    given: list[Formula] = []
    while tokens[at : at + 1] != [")"]:
        if given:
            at = _expect(tokens, at, ",")
        argument, at = _comparison(tokens, at)
        given.append(argument)
    if name in _LAZY:
        return _LAZY[name](given), at + 1
    if name not in _FUNCTIONS:
        raise BadFormula(f"the function {name} is not known here")
    function = _FUNCTIONS[name]
    return (lambda record: function(*(argument(record) for argument in given))), at + 1


def _expect(tokens: Sequence[str], at: int, wanted: str) -> int:
    if tokens[at : at + 1] != [wanted]:
        raise BadFormula(f"{wanted!r} is missing before {' '.join(tokens[at : at + 3])!r}")
    return at + 1


def _equal(left: Any, right: Any) -> bool:
    return (
        (left or None) == (right or None)
        if left in ("", None) or right in ("", None)
        else (left == right)
    )


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: left is not None and right is not None and compare(left, right)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": _equal,
    "<>": lambda left, right: not _equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    ">": _ordered(lambda left, right: left > right),
    "<=": _ordered(lambda left, right: left <= right),
    ">=": _ordered(lambda left, right: left >= right),
}


def _if(given: Sequence[Formula]) -> Formula:
    test, yes, no = given
    return lambda record: yes(record) if test(record) else no(record)


def _case(given: Sequence[Formula]) -> Formula:
    value, *pairs, other = given

    def chosen(record: Record) -> Any:
        wanted = value(record)
        for match, result in zip(pairs[::2], pairs[1::2], strict=True):
            if match(record) == wanted:
                return result(record)
        return other(record)

    return chosen


_LAZY: dict[str, Callable[[Sequence[Formula]], Formula]] = {
    "IF": _if,
    "CASE": _case,
    "AND": lambda given: lambda record: all(each(record) for each in given),
    "OR": lambda given: lambda record: any(each(record) for each in given),
}


def _mid(text: str | None, start: float, count: float) -> str:
    return (text or "")[int(start) - 1 : int(start) - 1 + int(count)]


def _right(text: str | None, count: float) -> str:
    return (text or "")[-int(count) :]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "NOT": lambda value: not value,
    "ISBLANK": lambda value: value in (None, ""),
    "LEN": lambda text: float(len(text or "")),
    "LEFT": lambda text, count: (text or "")[: int(count)],
    "MID": _mid,
    "RIGHT": _right,
    "CONTAINS": lambda text, part: (part or "") in (text or ""),
    "VALUE": float,
    "MOD": lambda number, by: number % by,
    "DATE": lambda year, month, day: dt.date(int(year), int(month), int(day)),
    "REGEX": lambda text, pattern: _pattern(pattern).fullmatch(text or "") is not None,
}
