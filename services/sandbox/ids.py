"""Salesforce record ids: 15 case-sensitive base-62 characters, and the 18-character form.

The first three characters are the object's key prefix. The last three of the long form say which
of the first fifteen are upper case, so that the id survives a system that ignores case.
"""

from __future__ import annotations

import re
from functools import lru_cache

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT = re.compile(r"[0-9A-Za-z]{15}", re.ASCII)
_LONG = re.compile(r"[0-9A-Za-z]{18}", re.ASCII)


def base62(number: int, width: int) -> str:
    """``number`` in base 62, padded with zeros to ``width`` characters."""
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")


def lengthen(short: str) -> str:
    """The 18-character form of a 15-character id."""
    return short + _code(short[:5]) + _code(short[5:10]) + _code(short[10:15])


@lru_cache(4096)
def _code(five: str) -> str:
    """Which of five characters are upper case, as one."""
    return _SUFFIX[sum(1 << i for i, ch in enumerate(five) if "A" <= ch <= "Z")]


def make_id(prefix: str, pod: str, serial: int) -> str:
    """A new 18-character id from the key prefix, the org's three characters and a serial."""
    return lengthen(f"{prefix}{pod}{base62(serial, 9)}")


def canonical(text: str) -> str | None:
    """The 18-character form of an id given in either form; None for what is no id.

    A long id with wrong letter case is put right by its suffix, as Salesforce does.
    """
    if _SHORT.fullmatch(text):
        return lengthen(text)
    if not _LONG.fullmatch(text):
        return None
    if lengthen(text[:15]) == text:
        return text
    restored = ""
    for block, code in enumerate(text[15:].upper()):
        if code not in _SUFFIX:
            return None
        bits = _SUFFIX.index(code)
        for i, ch in enumerate(text[block * 5 : block * 5 + 5]):
            upper = bits >> i & 1
            if upper and not ch.isalpha():
                return None
            restored += ch.upper() if upper else ch.lower()
    return lengthen(restored)
