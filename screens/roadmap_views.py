"""The line of saved views with their counts, and the filter line below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static

from screens.keys import Keys, key
from screens.safe import line, safe
from screens.widgets.bar import Bar, Piece
from screens.widgets.lineedit import LineEdit
from services.filtering import CHIPS
from store.views import VIEWS

_SHORT = {
    "all": "All",
    "p1-active": "P1 Active",
    "p2-pipeline": "P2 Pipeline",
    "not-yet-prioritized": "Not Yet",
    "needs-attention": "Attention",
    "upcoming-90d": "Upcoming",
}
_LONG = {view.key: view.label for view in VIEWS} | {"all": "All"}


class ViewLine(Bar):
    """The six saved views; a click shows one."""

    current: reactive[str] = reactive("all", init=False)
    counts: reactive[Mapping[str, int]] = reactive({}, init=False)
    matching: reactive[int | None] = reactive(None, init=False)
    sorted_by: reactive[str] = reactive("", init=False)

    def left(self, width: int) -> Sequence[Piece]:
        room = width - sum(cell_len(piece.text) for piece in self.right(width))
        for labels, gap in ((_LONG, " │ "), (_SHORT, " │ "), (_SHORT, "  ")):
            pieces = self._pieces_for(labels, gap)
            if sum(cell_len(piece.text) for piece in pieces) <= room:
                break
        return pieces

    def right(self, width: int) -> Sequence[Piece]:
        return [Piece(f" by {self.sorted_by} ", "$key", "screen.sort")] if self.sorted_by else []

    def _pieces_for(self, labels: Mapping[str, str], gap: str) -> list[Piece]:
        pieces = [Piece(" ")]
        for place, view in enumerate(VIEWS):
            if place:
                pieces.append(Piece(gap, "$faint"))
            here = view.key == self.current
            press = f"screen.view({view.key!r})"
            trouble = view.key == "needs-attention" and self.counts.get(view.key)
            pieces.append(Piece(labels[view.key], "bold underline" if here else "$quiet", press))
            count = str(self.counts.get(view.key, ""))
            if here and self.matching is not None:
                count = f"{self.matching} of {count}"
            style = "bold $warn" if trouble else ("bold" if here else "$quiet")
            pieces.append(Piece(f" {count}", style, press))
        return pieces


class FilterLine(Horizontal):
    """What is searched for, while it is typed and as long as it narrows the table."""

    BINDING_GROUP_TITLE = "While filtering"
    BINDINGS: ClassVar[Keys] = [
        key("enter,down", "done", "keep it", "To the table", id="filter.done", priority=True),
        key("escape", "clear", "clear", "Clear the filter", id="filter.clear"),
    ]

    class Changed(Message):
        """Another text is filtered by."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """Back to the table; ``cleared`` where the filter is gone."""

        def __init__(self, cleared: bool) -> None:
            super().__init__()
            self.cleared = cleared

    def compose(self) -> ComposeResult:
        yield Static(" /", id="filter-sign")
        yield LineEdit(placeholder=f"text, or {' '.join(f'{c}:' for c in CHIPS)}", compact=True)
        yield Static("", id="filter-note", markup=False)

    @property
    def text(self) -> str:
        """What is filtered by."""
        return self.query_one(LineEdit).value

    def put(self, text: str) -> None:
        """Filter by this text, without telling."""
        edit = self.query_one(LineEdit)
        with edit.prevent(Input.Changed):
            edit.value = text
            edit.cursor_position = len(text)
        self.display = bool(text)

    def open(self) -> None:
        """Show the line and type into it."""
        self.display = True
        self.query_one(LineEdit).focus()

    def note(self, text: str, *, wrong: bool = False) -> None:
        """Say at the right how many match, or what was not understood."""
        static = self.query_one("#filter-note", Static)
        static.update(safe(line(text)))
        static.set_class(wrong, "-wrong")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def action_done(self) -> None:
        """Back to the table."""
        self.display = bool(self.text.strip())
        self.post_message(self.Done(cleared=False))

    def action_clear(self) -> None:
        """Back to the table, everything shown again."""
        self.put("")
        self.post_message(self.Done(cleared=True))
