"""What differs between two texts, word by word."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import TypeAlias

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_DIFF_WORDS = 1_500
_CONTEXT = 24

Piece: TypeAlias = tuple[str, str]
"""A run of a difference: ``same``, ``gone`` or ``new``, and its text."""


@lru_cache(512)
def short_diff(old: str | None, new: str | None) -> tuple[Piece, ...]:
    """What differs between two texts, word by word, with a little of what stayed around it."""
    pieces = whole_diff(old, new)
    return tuple(_shortened(list(pieces))) if old and new else pieces


@lru_cache(512)
def whole_diff(old: str | None, new: str | None) -> tuple[Piece, ...]:
    """Both texts as one row of runs, word by word: what stayed, what went, what came.

    Texts that share too little, or are too long to compare within a frame, are given whole.
    """
    before, after = old or "", new or ""
    if not before or not after:
        return tuple(p for p in (("gone", before), ("new", after)) if p[1])
    a, b = _WORD.findall(before), _WORD.findall(after)
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    middle_a, middle_b = a[start : len(a) - end], b[start : len(b) - end]
    pieces: list[Piece] = [("same", "".join(a[:start]))]
    if max(len(middle_a), len(middle_b)) > _DIFF_WORDS:
        pieces += [("gone", "".join(middle_a)), ("new", "".join(middle_b))]
    else:
        matcher = difflib.SequenceMatcher(None, middle_a, middle_b, autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            if tag == "equal":
                pieces.append(("same", "".join(middle_a[i:j])))
                continue
            pieces += [("gone", "".join(middle_a[i:j])), ("new", "".join(middle_b[k:m]))]
    pieces.append(("same", "".join(a[len(a) - end :])))
    return tuple(piece for piece in pieces if piece[1])


def _shortened(pieces: list[Piece]) -> list[Piece]:
    """Cut what stayed the same to a few words next to each change."""
    last = len(pieces) - 1
    short: list[Piece] = []
    for index, (tag, text) in enumerate(pieces):
        if tag != "same" or len(text) <= _CONTEXT * 2:
            short.append((tag, text))
        elif index == 0:
            short.append((tag, "…" + _ending(text)))
        elif index == last:
            short.append((tag, _beginning(text) + "…"))
        else:
            short.append((tag, f"{_beginning(text)}…{_ending(text)}"))
    return short


def _beginning(text: str) -> str:
    """A few whole words from the start."""
    head, space, _ = text[:_CONTEXT].rpartition(" ")
    return head + space if head else text[:_CONTEXT]


def _ending(text: str) -> str:
    """A few whole words from the end."""
    _, space, tail = text[-_CONTEXT:].partition(" ")
    return space + tail if tail else text[-_CONTEXT:]
