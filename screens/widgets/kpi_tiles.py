"""The tiles: each figure with its change, its percentile, its course and the tickets behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from screens.keys import Keys, key
from screens.safe import cut, fit
from services.kpis import words
from services.kpis.answers import Tile

HEIGHT = 4
Piece = tuple[str, str]
_SHORT = {
    "throughput": "Throughput/dev",
    "first_response": "Response",
    "assignment": "Assignment",
    "releases": "Reliability",
}
"""Where the whole label does not fit."""


class TileRow(Widget, can_focus=True):
    """Figures side by side, with a cursor."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "On the tiles"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "open", "tickets", "The tickets behind this figure", id="tiles.open"),
        key("left,h", "move(-1)", "left", "The figure before", id="tiles.left", show=False),
        key("right,l", "move(1)", "right", "The next figure", id="tiles.right", show=False),
        key("down,j", "leave", "down", "To what is below", id="tiles.down", show=False),
    ]

    class Opened(Message):
        """The tickets of a tile are wanted."""

        def __init__(self, tile: Tile) -> None:
            super().__init__()
            self.tile = tile

    class Moved(Message):
        """The cursor is on another tile, or the focus came or went."""

    class Left(Message):
        """The cursor went down, out of the tiles."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._tiles: Sequence[Tile] = ()
        self._at = 0

    @property
    def tile(self) -> Tile | None:
        """The tile under the cursor."""
        return self._tiles[self._at] if self._tiles else None

    def show(self, tiles: Sequence[Tile]) -> None:
        """Show these figures; the cursor stays where it is."""
        self._tiles = tiles
        self._at = min(self._at, max(0, len(tiles) - 1))
        self.refresh()

    def action_open(self) -> None:
        """The tickets behind the figure."""
        if self.tile is not None:
            self.post_message(self.Opened(self.tile))

    def action_move(self, step: int) -> None:
        """To another figure."""
        at = max(0, min(len(self._tiles) - 1, self._at + step))
        if at != self._at:
            self._at = at
            self.refresh()
            self.post_message(self.Moved())

    def action_leave(self) -> None:
        """To what is below."""
        self.post_message(self.Left())

    def on_focus(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    def on_blur(self) -> None:
        self.refresh()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        for at, (start, width) in enumerate(self._places()):
            if start <= event.x < start + width:
                again = at == self._at and event.chain == 2
                self._at = at
                self.refresh()
                self.post_message(self.Moved())
                if again:
                    self.action_open()

    def _places(self) -> list[tuple[int, int]]:
        """Where each tile begins and how wide it is; one cell between two, and at both edges."""
        count = max(1, len(self._tiles))
        room = self.size.width - count - 1
        widths = [room // count + (at < room % count) for at in range(count)]
        return [(1 + sum(widths[:at]) + at, width) for at, width in enumerate(widths)]

    def render(self) -> Content:
        if not self._tiles:
            return Content("")
        rows: list[list[Piece]] = [[] for _ in range(HEIGHT)]
        for at, (tile, (_, width)) in enumerate(zip(self._tiles, self._places(), strict=True)):
            here = self.has_focus and at == self._at
            ground = "on $mark" if here else "on $surface"
            for row, pieces in zip(rows, lines_of(tile, width, here=here), strict=True):
                row.append((" ", ""))
                row += [(text, f"{style} {ground}".strip()) for text, style in pieces]
        return Content("\n").join(Content.assemble(*row) for row in rows)


def lines_of(tile: Tile, width: int, *, here: bool) -> list[list[Piece]]:
    """A tile's four lines, each exactly ``width`` cells wide."""
    inner = max(0, width - 2)
    figure = words.with_unit(tile.figure.value, tile.measure.unit)
    change, tone = words.change(tile), _tone(tile)
    timed = tile.measure.unit != "%"  # a share has no percentiles
    beside = [
        f"p85 {words.number(tile.p85)}" if timed and tile.p85 is not None else "",
        f"mean {words.number(tile.mean)}" if timed and tile.mean is not None else "",
    ]
    wide = inner >= 30
    people = f"{tile.people:,} devs" if tile.people else ""
    course = words.spark([each.value for each in tile.spark])
    counted = f"n {tile.figure.n:,}" + (f" · {people}" if people and wide else "")
    if cell_len(course) + 1 + cell_len(counted) > inner:
        course = course[-max(0, inner - 1 - cell_len(counted)) :]
    mark = "▸ " if here else " "
    none = tile.figure.value is None
    label = tile.measure.label
    if cell_len(label) > inner:
        label = _SHORT.get(tile.measure.key, label)
    heading = [(fit(mark + label, width), "bold $key" if here else "bold")]
    first = (figure, "$quiet" if none else "bold")
    if wide:
        second = _spread([first], [(change, tone)], inner)
        third = [("  ".join(each for each in beside if each), "$quiet")]
    else:
        second = _spread([first], [(beside[0] or people, "$quiet")], inner)
        third = [(change, tone)]
    if none:
        third = [("no ticket in this period" if wide else "", "$quiet")]
    return [
        heading,
        _padded(second, width),
        _padded(third, width),
        _padded(_spread([(course, "$p2")], [(counted, "$quiet")], inner), width),
    ]


def _tone(tile: Tile) -> str:
    if words.change(tile).startswith("=") or tile.better is None:
        return "$quiet"
    return "$good" if tile.better else "$warn"


def _spread(left: list[Piece], right: list[Piece], width: int) -> list[Piece]:
    """Pieces at both ends; the right one is left out where both do not fit."""
    used = sum(cell_len(text) for text, _ in left)
    more = sum(cell_len(text) for text, _ in right)
    if used + more + 1 > width:
        return left
    return [*left, (" " * (width - used - more), ""), *right]


def _padded(pieces: list[Piece], width: int) -> list[Piece]:
    """One cell in front, cut and filled up to ``width``."""
    room = width - 1
    found: list[Piece] = [(" " * min(1, width), "")]
    for text, style in pieces:
        part = cut(text, room)
        room -= cell_len(part)
        found.append((part, style))
    return [*found, (" " * max(0, room), "")]
