"""Text from anywhere, made safe to show.

Salesforce, workbooks and other operators may write anything: markup, terminal escapes, text that
turns the reading direction around. Nothing of that is interpreted, and no control character
reaches the terminal: each is replaced by one visible character, so that lengths stay as they are.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, split_graphemes
from textual.content import Content

WIDEST, LONGEST = 2_000, 40_000
"""Characters of one line, and of a text, that are ever shown."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_MARKS: dict[int, str] = (
    {code: chr(0x2400 + code) for code in range(0x20)}  # ␀ … ␟, Unicode's control pictures
    | dict.fromkeys(range(128, 160), _REPLACEMENT)
    | {ord(ch): _REPLACEMENT for ch in _BIDI}
    | dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)  # half a character can't be written
    | {0x7F: "\N{SYMBOL FOR DELETE}", 0x2028: "⏎", 0x2029: "⏎", 0xFEFF: _REPLACEMENT}
)
_ONE_LINE = _MARKS | {0x0A: "⏎", 0x09: " "}
_LINES = {code: mark for code, mark in _MARKS.items() if code != 0x0A} | {0x09: " "}


def line(text: str) -> str:
    """The text as one line without control characters, cut where no screen is that wide."""
    if len(text) > WIDEST:
        text = f"{text[: WIDEST - 1]}…"
    return spelled(text)


def spelled(text: str) -> str:
    """The same with every character, one for one: for editors, which count them."""
    return text if text.isprintable() else text.translate(_ONE_LINE)


def lines(text: str) -> str:
    """The text with its line breaks and no other control character. One that is longer than any
    field of ours may be is cut, and says by how much: laying it out would hold the terminal up."""
    if len(text) > LONGEST:
        more = f"\n… {len(text) - LONGEST:,} characters more; an export has them"
        return lines(text[:LONGEST]) + more
    return text if text.isprintable() else text.replace("\r\n", "\n").translate(_LINES)


def safe(text: object) -> Content:
    """What a widget may show of any value: plain content, its line breaks kept."""
    return Content("" if text is None else lines(str(text)))


@lru_cache(8192)
def fit(text: str, width: int, *, right: bool = False) -> str:
    """One line of exactly ``width`` cells: cut with … between graphemes, or padded.

    ``text`` comes from ``line``. Wide characters, emoji and combining marks count as the cells
    they take in a terminal.
    """
    if width <= 0:
        return ""
    used = cell_len(text)
    if used > width:
        text, used = _cut(text, width)
    pad = " " * (width - used)
    return pad + text if right else text + pad


def cut(text: str, width: int) -> str:
    """One line of at most ``width`` cells, cut with … where it is longer."""
    return text if cell_len(text) <= width else _cut(text, width)[0]


def _cut(text: str, width: int) -> tuple[str, int]:
    if width <= 0:
        return "", 0
    end, used = 0, 0
    for _, stop, cells in split_graphemes(text)[0]:
        if used + cells > width - 1:
            break
        end, used = stop, used + cells
    return text[:end] + "…", used + 1
