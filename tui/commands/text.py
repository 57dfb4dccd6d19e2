"""Plain text for a terminal or a pipe: nothing in a value can act on the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_CONTROLS = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escapes
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # line ends, reading direction
    "\ud800-\udfff"  # halves of characters can't be written
)
_UNSAFE = re.compile(f"[{_CONTROLS}]")
_UNSAFE_IN_JSON = re.compile(f"[{_CONTROLS}]".replace("\x00-\x1f", ""))


def spelled(text: object, *, keep_lines: bool = False) -> str:
    """The text with each control character spelled out (``\\x1b``); line ends too, unless kept."""

    def one(match: re.Match[str]) -> str:
        ch = match[0]
        if ch == "\n" and keep_lines:
            return ch
        return {"\n": "\\n", "\t": " "}.get(ch) or _escape(ch)

    return _UNSAFE.sub(one, str(text))


def spelled_json(text: str) -> str:
    """JSON with the same characters as JSON's own escapes; still the same values. They can stand
    in strings only."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(ch: str) -> str:
    return f"\\x{ord(ch):02x}" if ord(ch) < 0x100 else f"\\u{ord(ch):04x}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``drop`` above 0: left out where room is short, the highest first;
    ``least`` is how narrow its cells may be cut, None for never."""

    title: str
    drop: int = 0
    least: int | None = None
    right: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """The lines of a table, its header first, in ``width`` cells (None: as wide as it gets).

    Wide characters, emoji and combining marks count as the cells a terminal gives them.
    """
    cells = [[spelled(cell) for cell in row] for row in rows]
    kept = list(range(len(columns)))
    widths = [
        max([_width(columns[i].title), *(_width(row[i]) for row in cells)])
        for i in range(len(columns))
    ]
    if width is not None:
        kept, widths = _fitted(columns, widths, width)
    lines = [_line(columns, kept, widths, [column.title for column in columns])]
    return lines + [_line(columns, kept, widths, row) for row in cells]


def _fitted(columns: Sequence[Column], widths: list[int], room: int) -> tuple[list[int], list[int]]:
    kept = list(range(len(columns)))
    floor = [
        w if (c.least is None) else min(w, c.least) for c, w in zip(columns, widths, strict=True)
    ]

    def least_total() -> int:
        return sum(floor[i] for i in kept) + 2 * (len(kept) - 1)

    for i in sorted(kept, key=lambda i: -columns[i].drop):
        if least_total() <= room or not columns[i].drop:
            break
        kept.remove(i)
    over = sum(widths[i] for i in kept) + 2 * (len(kept) - 1) - room
    fitted = list(widths)
    # The widest gives first, so that short columns stay whole.
    while over > 0:
        widest = max(kept, key=lambda i: fitted[i] - floor[i])
        if fitted[widest] == floor[widest]:
            break
        fitted[widest] -= 1
        over -= 1
    return kept, fitted


def _line(
    columns: Sequence[Column], kept: Sequence[int], widths: Sequence[int], row: Sequence[str]
) -> str:
    return "  ".join(_cell(row[i], widths[i], columns[i].right) for i in kept).rstrip()


def _cell(text: str, width: int, right: bool) -> str:
    text = _cut(text, width)
    pad = " " * (width - _width(text))
    return pad + text if right else text + pad


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    from rich.cells import split_graphemes

    end = used = 0
    for _start, stop, cells in split_graphemes(text)[0]:
        if used + cells > width - 1:
            break
        end, used = stop, used + cells
    return text[:end] + "…"


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
