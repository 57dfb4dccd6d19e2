"""Which columns fit a width, and how wide each is: a pure function, tried first at 80 cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a grid.

    It is at least ``minimum`` and, where there is room, ``preferred`` cells wide (those that grow
    come first); what is left after that is shared by ``grow``. Where even the minimums do not
    fit, the columns with a ``drop`` number go, the lowest first; one without it never does.
    """

    key: str
    label: str
    minimum: int
    preferred: int = 0
    grow: int = 0
    drop: int | None = None
    right: bool = False


def fit_columns(columns: Sequence[Column], width: int, gap: int) -> dict[str, int]:
    """The width of each column that fits, in the columns' order; together at most ``width`` cells
    with ``gap`` between two (the last column that never drops may be cut)."""
    shown = list(columns)
    while shown and _total([c.minimum for c in shown], gap) > width:
        droppable = [c for c in shown if c.drop is not None]
        if not droppable:
            break
        shown.remove(min(droppable, key=lambda c: c.drop or 0))
    widths = {c.key: c.minimum for c in shown}
    room = width - _total(widths.values(), gap)
    for flexible in (True, False):
        wishes = [
            (c.key, max(0, c.preferred - c.minimum)) for c in shown if bool(c.grow) is flexible
        ]
        room = _share(widths, wishes, room)
    growing = [c for c in shown if c.grow]
    whole = sum(c.grow for c in growing)
    for place, column in enumerate(growing):
        extra = room if place == len(growing) - 1 else room * column.grow // whole
        widths[column.key] += max(0, extra)
        room -= max(0, extra)
        whole -= column.grow
    return widths


def _share(widths: dict[str, int], wishes: list[tuple[str, int]], room: int) -> int:
    """Give each column the same part of what it wishes for; gives the room that is left."""
    wished = sum(wish for _, wish in wishes)
    if wished <= 0 or room <= 0:
        return room
    given = min(room, wished)
    left = given
    for key, wish in wishes:
        part = min(left, given * wish // wished)
        widths[key] += part
        left -= part
    for key, wish in wishes:  # what the division left over
        if left and wish:
            widths[key] += 1
            left -= 1
    return room - given


def _total(widths: Iterable[int], gap: int) -> int:
    found = list(widths)
    return sum(found) + gap * max(0, len(found) - 1)
