"""One line of text made of pieces, some of which can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from screens.safe import cut


@dataclass(frozen=True, slots=True)
class Piece:
    """``style`` is a Textual style (``$quiet``, ``bold $bad``); ``press`` the action of a click.
    ``brief`` takes the place of ``text`` where that does not fit. Both must be safe to show (see
    ``screens.safe``)."""

    text: str
    style: str = ""
    press: str | None = None
    brief: str = ""


class Bar(Widget):
    """A line that is one widget, however many pieces it has: cheap to paint and to click."""

    ALLOW_SELECT = False

    def left(self, width: int) -> Sequence[Piece]:
        """The pieces from the left edge on; ``width`` is the whole line's."""
        return ()

    def right(self, width: int) -> Sequence[Piece]:
        """The pieces that end at the right edge; they win where both do not fit."""
        return ()

    def render(self) -> Content:
        width = self.size.width
        right = self.right(width)
        room = width - _cells(right)
        left: list[Piece] = []
        for piece in self.left(width):
            if not piece.text:
                continue
            fits = not piece.brief or cell_len(piece.text) <= room
            text = cut(piece.text if fits else piece.brief, room)
            if not text:
                break
            left.append(Piece(text, piece.style, piece.press))
            room -= cell_len(text)
        self._pieces = [*left, Piece(" " * max(0, room)), *right]
        return Content.assemble(*((piece.text, piece.style) for piece in self._pieces))

    async def on_click(self, event: events.Click) -> None:
        at = 0
        for piece in getattr(self, "_pieces", ()):
            at += cell_len(piece.text)
            if event.x < at:
                if piece.press is not None:
                    event.stop()
                    await self.run_action(piece.press)
                return


def _cells(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)
