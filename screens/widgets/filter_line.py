"""The filter line: what is searched for, shown as long as it narrows the table."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from screens.keys import Keys, key
from screens.safe import line, safe
from screens.widgets.lineedit import LineEdit


class FilterLine(Horizontal):
    """What is searched for, while it is typed and as long as it narrows the table."""

    BINDING_GROUP_TITLE = "While filtering"
    BINDINGS: ClassVar[Keys] = [
        key("enter,down", "done", "keep it", "To the table", id="filter.done"),
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

    def __init__(self, text: str, placeholder: str = "text") -> None:
        super().__init__(id="filter")
        self._edit = LineEdit(text, placeholder=placeholder, compact=True)
        self._note = Static("", id="filter-note", markup=False)

    def compose(self) -> ComposeResult:
        yield Static(" /", id="filter-sign")
        yield self._edit
        yield self._note

    @property
    def text(self) -> str:
        """What is filtered by."""
        return self._edit.value

    def put(self, text: str) -> None:
        """Filter by this text, without telling."""
        with self._edit.prevent(Input.Changed):
            self._edit.value = text
            self._edit.cursor_position = len(text)
        self.display = bool(text)

    def open(self) -> None:
        """Show the line and type into it."""
        self.display = True
        self.call_after_refresh(self._edit.focus)

    def note(self, text: str, *, wrong: bool = False) -> None:
        """Say at the right how many match, or what was not understood."""
        self._note.update(safe(line(text)))
        self._note.set_class(wrong, "-wrong")

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
