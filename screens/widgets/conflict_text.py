"""What a conflict looks like: base, mine and theirs beside each other, what differs marked in the
text; below each other where the terminal is narrow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import zip_longest

from textual.content import Content

from screens.safe import line, lines, safe
from services import explain, times
from services.conflictview import GONE, Event, Sides, Told, field_words, side_words
from services.difference import whole_diff
from store.canon import Value
from store.conflicts import OPEN
from store.fields import label_of

WIDE = 110
GAP = 3
LONGEST = 40_000
"""A text longer than this is shown up to here; copying gives the whole."""
_TITLES = {"base": "Base", "mine": "Mine", "theirs": "Theirs"}
_KEYS = {"mine": "m", "theirs": "t"}


def title(told: Told, at: int, number: int) -> Content:
    """Which conflict this is, and where it stands among those listed."""
    found = told.conflict
    state = ("open", "$warn") if found.state == OPEN else ("resolved", "$good")
    return Content.assemble(
        (f"{line(told.name)}: {field_words(found)}", "bold"),
        "   ",
        state,
        (f"   {at} of {number}" if at else "", "$quiet"),
    )


def body(told: Told, width: int, now: float, zone: dt.tzinfo) -> Content:
    """The whole conflict for a width in cells; 0 is as long as the lines are."""
    found = told.conflict
    decision = [safe(told.in_force), *(_effect(told, side) for side in told.effects)]
    sides = _wide(told, width, now, zone) if width >= WIDE else _narrow(told, width, now, zone)
    parts = [*sides, Content(""), *decision]
    if told.gone is not None:
        # What a choice does is more than what the fields say: it comes first.
        why = [safe(f"{found.why[:1].upper()}{found.why[1:]}.")] if found.why else []
        parts = [*why, *decision, Content(""), *sides]
    parts += [Content(""), Content.styled("What happened", "bold")]
    parts += [_event(event, now, zone) for event in told.story]
    return Content("\n").join(parts)


def _wide(told: Told, width: int, now: float, zone: dt.tzinfo) -> list[Content]:
    room = (width - 2 * GAP) // 3
    found = [_columns([_heading(told, side, now, zone) for side in _TITLES], room)]
    found.append(Content.styled(("─" * room + " " * GAP) * 2 + "─" * room, "$faint"))
    for at, row in enumerate(told.rows or (None,)):
        if row is not None and told.gone is not None:
            found += [Content("")] if at else []
            found.append(Content.styled(label_of(row.path), "$quiet"))
        found.append(_columns(_cells(told, row), room))
    return found


def _narrow(told: Told, width: int, now: float, zone: dt.tzinfo) -> list[Content]:
    found: list[Content] = []
    if told.gone is None:
        for side, cell in zip(_TITLES, _cells(told, told.rows[0]), strict=True):
            found += [_heading(told, side, now, zone), _indented(cell, width)]
        return found
    for side in ("mine", "theirs"):
        gone = Content("  ") + _whole(GONE) if told.gone == side else Content("")
        found.append(_heading(told, side, now, zone) + gone)
    for row in told.rows:
        base, mine, theirs = _cells(told, row)
        found += [Content(""), Content.styled(label_of(row.path), "$quiet")]
        found.append(_indented(base, width, "−"))
        found.append(_indented(theirs if told.gone == "mine" else mine, width, "+"))
    return found


def _indented(cell: Content, width: int, sign: str = " ") -> Content:
    """Two columns in, the wrapped lines too; unwrapped for a width of 0."""
    first, *more = cell.wrap(width - 2) if width > 2 else cell.split("\n", allow_blank=True)
    lead = Content.styled(f"{sign} ", "$quiet")
    return Content("\n").join([lead + first, *(Content("  ") + each for each in more)])


def _heading(told: Told, side: str, now: float, zone: dt.tzinfo) -> Content:
    found = told.conflict
    name = Content.styled(_TITLES[side], "bold")
    if side == "base":
        return Content.assemble(name, ("  what both had before", "$quiet"))
    at = found.mine_at if side == "mine" else found.theirs_at
    said = f"  {line(side_words(found, side))}, {times.since(at, now, zone)}"
    force = "  in force" if told.force == side else ""
    return Content.assemble(name, (said, "$quiet"), (force, "$good"))


def _cells(told: Told, row: Sides | None) -> list[Content]:
    """The three sides of one row; of a whole record without one only what became of it."""
    if row is None:
        found = told.conflict
        return [Content.styled("—", "$quiet"), _whole(found.mine), _whole(found.theirs)]
    base = _shown(row.path, row.base)
    cells = [_base(row, base)]
    for side, value in (("mine", row.mine), ("theirs", row.theirs)):
        if told.gone == side:
            cells.append(_whole(GONE))
        elif value == row.base:
            cells.append(Content.assemble((base or "empty", "$quiet"), ("  as before", "$quiet")))
        else:
            cells.append(_marked(base, _shown(row.path, value)))
    return cells


def _whole(value: Value) -> Content:
    gone = value == GONE
    return Content.styled(f"✗ {value}" if gone else str(value), "$bad bold" if gone else "")


def _shown(path: str, value: Value) -> str:
    """A value as text, its line breaks kept; empty for none."""
    if value is None:
        return ""
    return lines(value if isinstance(value, str) else explain.value_words(path, value))[:LONGEST]


def _base(row: Sides, base: str) -> Content:
    """The common text; what only one side still has is marked as going."""
    if not base:
        return Content.styled("empty", "$quiet")
    mine, theirs = _shown(row.path, row.mine), _shown(row.path, row.theirs)
    gone = set()
    for other in (mine, theirs):
        if other != GONE:
            gone |= _places(base, other)
    return _struck(base, gone)


def _places(base: str, other: str) -> set[int]:
    """Which characters of ``base`` the other text has no more."""
    found, at = set(), 0
    for tag, text in whole_diff(base, other):
        if tag == "new":
            continue
        if tag == "gone":
            found |= set(range(at, at + len(text)))
        at += len(text)
    return found


def _struck(base: str, gone: set[int]) -> Content:
    if len(gone) == len(base):
        return Content(base)  # nothing of it is left on a side: marks would say nothing
    content = Content(base)
    start = None
    for at in range(len(base) + 1):
        inside = at in gone
        if inside and start is None:
            start = at
        elif not inside and start is not None:
            content = content.stylize("$bad underline", start, at)
            start = None
    return content


def _marked(base: str, text: str) -> Content:
    """A side's text with what is new in it standing out; where words only went, that is said."""
    if not text:
        return Content.styled("empty", "$good bold")
    pieces = whole_diff(base, text)
    content = Content("").join(
        [_new(each) if tag == "new" else Content(each) for tag, each in pieces if tag != "gone"]
    )
    if not any(tag == "new" for tag, _ in pieces):
        content = content + Content.styled("  (words taken out)", "$quiet")
    return content


def _new(text: str) -> Content:
    """What came, the blanks around it left plain."""
    inner = text.strip()
    start = text.index(inner) if inner else 0
    return Content(text).stylize("$good bold underline", start, start + len(inner))


def _columns(cells: Sequence[Content], room: int) -> Content:
    """Cells beside each other, each wrapped to its room."""
    wrapped = [cell.wrap(room) for cell in cells]
    blank = Content("")
    rows = []
    for parts in zip_longest(*wrapped, fillvalue=blank):
        padded = [part.pad_right(max(0, room + GAP - part.cell_length)) for part in parts[:-1]]
        rows.append(Content("").join([*padded, parts[-1]]))
    return Content("\n").join(rows)


def _effect(told: Told, side: str) -> Content:
    return Content.assemble(
        (_KEYS[side], "bold $key"),
        (f" {side}: ", "bold"),
        line(told.effects[side]),
        ".",
    )


def _event(event: Event, now: float, zone: dt.tzinfo) -> Content:
    return Content.assemble(
        (f"  {times.since(event.at, now, zone):<13}", "$quiet"), line(event.words)
    )
