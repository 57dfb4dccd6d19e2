"""A line of the project page that can have the focus: a label, a value, a word about it."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from screens.safe import fit

GUTTER = 2
LABEL = 20


def hanging(first: Content, label: str, value: Content, width: int) -> Content:
    """``first`` and a label, then the value in the room that is left, its further lines under its
    first one. ``label`` must be safe to show; it is padded, and cut where it is longer."""
    head = Content.assemble(first, (fit(label, LABEL), "$quiet"))
    room = max(8, width - head.cell_length)
    lines = value.wrap(room) or [Content("")]
    indent = Content(" " * head.cell_length)
    return Content("\n").join([head + lines[0], *(indent + each for each in lines[1:])])


class PageLine(Widget, can_focus=True):
    """What every focusable line has in common; the mark at its left never depends on colour."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.add_class("part")

    def label(self) -> str:
        """What the line is called; safe to show."""
        return ""

    def value(self) -> Content:
        """What it says; safe to show."""
        return Content("")

    def copied(self) -> str:
        """What ``y`` copies: the value itself, unchanged."""
        return ""

    def repaint(self) -> None:
        """The line says something else: its height may differ."""
        self.refresh(layout=True)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        if any(each.display and each.styles.overlay == "none" for each in self.children):
            return super().get_content_height(container, viewport, width)
        return self._painted(width).plain.count("\n") + 1

    def render(self) -> Content:
        return self._painted(self.content_size.width)

    def _painted(self, width: int) -> Content:
        first = Content.styled("▸ ", "$key") if self.has_focus_within else Content("  ")
        return hanging(first, self.label(), self.value(), width)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
