"""The editor that lies over a cell: a filterable list for picklists, a line for everything else.

What is typed is judged as it is typed. The editor stays open until the edit is durable, so that
nothing typed is lost where it can't be saved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from screens.base import checked
from screens.dates import relative, spelled
from screens.keys import Keys, key
from screens.safe import safe
from screens.widgets.choices import Choice, Choices
from screens.widgets.lineedit import LineEdit
from store.canon import Value, launch_date
from store.fields import Field, Kind

BLANK = ""
_HINTS = {
    Kind.LAUNCH_TARGET: "YYYY-MM-DD, ?, TBD, N/A or blank",
    Kind.PERSON: "a name or an email",
}


@dataclass(frozen=True, slots=True)
class Editing:
    """What an editor was opened on: one field of one project, or of all selected ones."""

    field: Field
    ids: tuple[str, ...]
    value: Value
    today: dt.date
    known: Sequence[str] = ()

    @property
    def many(self) -> bool:
        """Whether one edit goes to several projects."""
        return len(self.ids) > 1


class CellEditor(Vertical):
    """Posts ``Accepted`` with the typed text (empty: blank) or ``GivenUp``; lies ``at`` a place."""

    BINDING_GROUP_TITLE = "In a cell"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "accept", "save", "Save the cell", id="cell.save"),
        key("escape", "give_up", "leave it", "Leave the cell untouched", id="cell.cancel"),
    ]

    class Accepted(Message):
        """Save this."""

        def __init__(self, editor: CellEditor, text: str) -> None:
            super().__init__()
            self.editor = editor
            self.text = text

    class GivenUp(Message):
        """Leave it."""

    def __init__(self, editing: Editing, cell: Region, screen: Size) -> None:
        super().__init__(id="cell-editor")
        self.editing = editing
        self._judge: Callable[[str], str | None] = checked(editing.field.path)
        self._saving = False
        self._list = self._make_list()
        self.at = Offset()
        self.place(cell, screen)

    def _make_list(self) -> Choices | None:
        field = self.editing.field
        if field.kind is not Kind.PICKLIST:
            return None
        choices = [Choice(each, each) for each in field.choices]
        if not field.required:
            choices.append(Choice(BLANK, "—", note="blank"))
        held = self.editing.value
        return Choices(choices, current=str(held) if held is not None else BLANK, rows=9)

    def place(self, cell: Region, screen: Size) -> None:
        """Over the cell; a list or a sentence goes below it, or above where there is no room."""
        listed = self._list is not None
        width = max(cell.width + 2, 30 if listed else 36)
        if listed:
            widest = max(len(each) for each in self.editing.field.choices)
            width = max(width, widest + 6)
        width = min(width, screen.width - 2)
        height = (2 + min(9, len(self.editing.field.choices) + 1)) if listed else 3
        x = max(0, min(cell.x - 1, screen.width - width))
        above = cell.y + height > screen.height - 2
        y = max(0, cell.y - height + 1) if above else cell.y
        self.styles.width = width
        self.at = Offset(x, y)
        self.set_class(above, "-above")

    def compose(self) -> ComposeResult:
        caption = Static(safe(self._caption()), id="cell-caption")
        if self._list is not None:
            if self.editing.many:
                yield caption
            yield self._list
            yield Static("", id="cell-note", markup=False)
            return
        held = self.editing.value
        edit = LineEdit(
            "" if held is None else str(held),
            placeholder=_HINTS.get(self.editing.field.kind, "blank"),
            compact=True,
        )
        if self.editing.known:
            edit.suggester = SuggestFromList(self.editing.known, case_sensitive=False)
        note = Static("", id="cell-note", markup=False)
        if self.has_class("-above"):
            yield note
            yield edit
        else:
            yield edit
            yield note
        if self.editing.many:
            yield caption

    def _caption(self) -> str:
        return f"{self.editing.field.label} of {len(self.editing.ids)} projects"

    def on_mount(self) -> None:
        if self._list is None:
            edit = self.query_one(LineEdit)
            edit.focus()
            edit.cursor_position = len(edit.value)
            self._say(edit.value)
        else:
            self.query_one("#cell-note").display = False

    def refuse(self, sentence: str) -> None:
        """The edit could not be saved: say why, and keep what was typed."""
        self._saving = False
        self._show(sentence, wrong=True)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say(event.value)

    @on(Choices.Taken)
    def _taken(self, event: Choices.Taken) -> None:
        event.stop()
        self._accept(event.value)

    @on(Choices.GivenUp)
    def _list_given_up(self, event: Choices.GivenUp) -> None:
        event.stop()
        self.action_give_up()

    def action_accept(self) -> None:
        """Save, where nothing is wrong."""
        if self._list is not None:
            self._list.action_take()
            return
        text = self.query_one(LineEdit).value
        if self._judge(text) is None:
            self._accept(text)
        else:
            self._say(text)

    def action_give_up(self) -> None:
        """Leave the cell as it is."""
        if not self._saving:
            self.post_message(self.GivenUp())

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """A click elsewhere takes the focus: what was not changed is left, the rest stays open."""
        self.call_after_refresh(self._after_blur)

    def _after_blur(self) -> None:
        if not self.is_attached or self.screen is not self.app.screen or self._saving:
            return
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            return
        if self._list is None and self.query_one(LineEdit).value != str(self.editing.value or ""):
            self.query_one(LineEdit).focus()
        else:
            self.action_give_up()

    def _accept(self, text: str) -> None:
        if not self._saving:
            self._saving = True
            self.post_message(self.Accepted(self, text))

    def _say(self, text: str) -> None:
        wrong = self._judge(text)
        if wrong is not None:
            self._show(wrong[:1].upper() + wrong[1:], wrong=True)
            return
        date = launch_date(text.strip()) if self.editing.field.kind is Kind.LAUNCH_TARGET else None
        today = self.editing.today
        self._show(f"{spelled(date)}, {relative(date, today)}" if date else "", wrong=False)

    def _show(self, text: str, *, wrong: bool) -> None:
        note = self.query_one("#cell-note", Static)
        note.update(safe(text))
        note.display = bool(text)
        note.set_class(wrong, "-wrong")
        if self._list is None:
            self.query_one(LineEdit).set_class(wrong, "-wrong")
