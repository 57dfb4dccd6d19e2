"""One field of the project page, edited in its own place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from screens.base import checked
from screens.dialogs import choices_of
from screens.keys import Keys, key
from screens.safe import line, safe
from screens.widgets.away import put_away
from screens.widgets.choices import Choice, Choices
from screens.widgets.lineedit import LineEdit
from screens.widgets.project_line import PageLine
from screens.widgets.typeahead import take_key
from services import detail
from services.detail import Row
from store.canon import Value
from store.fields import BY_PATH, Kind

NOTHING, LIST_ROWS = "", 8
Judge = Callable[[str], str | None]


class LineEditor(Vertical):
    """A line of text in the place of a value, judged as one types.

    Posts ``Done`` with a text that passed, and ``Dropped``.
    """

    BINDING_GROUP_TITLE = "While editing a field"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "accept", "save", "Save the field", id="field.save"),
        key("escape", "drop", "cancel", "Leave the field as it was", id="field.cancel"),
    ]

    class Done(Message):
        """The line is to be saved."""

        def __init__(self, editor: LineEditor, text: str) -> None:
            super().__init__()
            self.editor, self.text = editor, text

    class Dropped(Message):
        """The line was left as it was."""

    def __init__(self, text: str, judge: Judge, *, hint: str = "") -> None:
        super().__init__(classes="line-editor")
        self.opened_on = text
        self._judge = judge
        self._hint = hint

    def compose(self) -> ComposeResult:
        yield LineEdit(self.opened_on, compact=True)
        yield Static("", classes="line-editor--says", markup=False)

    def on_mount(self) -> None:
        self.complain(None)
        self.query_one(LineEdit).focus(scroll_visible=False)
        self.call_after_refresh(self.scroll_visible, animate=False)

    def suggest(self, values: Sequence[str]) -> None:
        """Offer completions in grey behind the cursor."""
        fine = [value for value in values if line(value) == value]
        self.query_one(LineEdit).suggester = SuggestFromList(fine, case_sensitive=False)

    @property
    def text(self) -> str:
        """What stands in the line now."""
        return self.query_one(LineEdit).value

    @property
    def changed(self) -> bool:
        """Whether something was typed that is not what the line was opened on."""
        return self.text != self.opened_on

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.complain(self._judge(event.value))

    def action_accept(self) -> None:
        """Ask for the line to be saved, where nothing is wrong with it."""
        wrong = self._judge(self.text)
        if wrong is None:
            self.post_message(self.Done(self, self.text))
        else:
            self.complain(wrong)

    def action_drop(self) -> None:
        """Leave the field as it was."""
        self.post_message(self.Dropped())

    def complain(self, wrong: str | None) -> None:
        """Say what is wrong with the line; None where nothing is."""
        says = self.query_one(".line-editor--says", Static)
        says.update(safe(wrong or self._hint))
        says.display = bool(wrong or self._hint)
        self.set_class(wrong is not None, "-wrong")


class FieldRow(PageLine):
    """One field: its label and value; an editor takes the value's place."""

    BINDING_GROUP_TITLE = "On a field"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "open", "open", "Edit the field, or follow the parent", id="field.open",
            show=False),
        key("e", "edit", "edit", "Edit the field in its place", id="field.edit"),
        key("space", "turn", "yes/no", "Turn the flag on or off", id="field.turn"),
    ]  # fmt: skip

    class Follow(Message):
        """The project named in the row is to be opened."""

        def __init__(self, project_id: str) -> None:
            super().__init__()
            self.project_id = project_id

    class Editing(Message):
        """An editor was opened (or is wanted: the parent's is a dialog)."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    class Changed(Message):
        """The field is to hold this value in the place of the one its editor was opened on."""

        def __init__(self, row: FieldRow, value: Value, opened_on: Value) -> None:
            super().__init__()
            self.row, self.value, self.opened_on = row, value, opened_on

    def __init__(self, row: Row) -> None:
        super().__init__(classes="field")
        self._row = row
        self._note: tuple[str, str] = ("", "")
        self._opened_on: Value = None

    @property
    def row(self) -> Row:
        """The field as it stands."""
        return self._row

    @property
    def path(self) -> str:
        """The field's path."""
        return self._row.path

    @property
    def editor(self) -> LineEditor | None:
        """The line that is being edited, if it is."""
        return next((each for each in self.query(LineEditor) if each.display), None)

    @property
    def is_open(self) -> bool:
        """Whether an editor stands in the value's place."""
        return any(each.display for each in self.children)

    def update_row(self, row: Row, note: tuple[str, str] = ("", "")) -> None:
        """Show the field as it stands now, with a note and its tone; an open editor stays."""
        if (row, note) != (self._row, self._note):
            self._row, self._note = row, note
            self.repaint()

    # -- what it says --------------------------------------------------------------------------

    def label(self) -> str:
        return self._row.label

    def value(self) -> Content:
        if self._row.kind is Kind.BOOLEAN:
            on = bool(self._row.value)
            return Content.styled("✓ yes" if on else "· no", "$good" if on else "$faint")
        style = "$faint" if self._row.value is None else ""
        said = Content.styled(line(self._row.shown), style)
        note, tone = self._note
        if self._row.mark:
            note, tone = (
                self._row.mark,
                "$warn" if self._row.mark == detail.UNRESOLVED else "$quiet",
            )
        return Content.assemble(said, "  ", (line(note), tone)) if note else said

    def copied(self) -> str:
        return detail.typed_value(self.path, self._row.value)

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A flag is turned, other fields are edited; what the program writes is only read."""
        if self.is_open and action in ("open", "edit", "turn"):
            return False
        flag = self._row.kind is Kind.BOOLEAN
        if action == "turn":
            return flag
        if action == "edit":
            return False if flag else (True if self._row.editable else None)
        return True

    async def on_key(self, event: events.Key) -> None:
        await take_key(self, event, ("open", "edit"), self._write if self.is_open else None)

    def _write(self, text: str) -> None:
        for edit in self.query(LineEdit):
            if edit.parent is not None and edit.parent.display:
                edit.insert_text_at_cursor(text)

    async def action_open(self) -> None:
        """Turn a flag, follow the parent, edit anything else."""
        if self._row.kind is Kind.BOOLEAN:
            self.action_turn()
        elif self._row.kind is Kind.PARENT and isinstance(self._row.value, str):
            self.post_message(self.Follow(self._row.value))
        else:
            await self.action_edit()

    def action_turn(self) -> None:
        """Turn the flag."""
        self.post_message(self.Changed(self, not self._row.value, self._row.value))

    async def action_edit(self) -> None:
        """Open the editor that the field's kind asks for."""
        if not self._row.editable or self.is_open:
            return
        self._opened_on = self._row.value
        if self._row.kind is Kind.PARENT:
            self.post_message(self.Editing(self))
            return
        if self._row.kind is Kind.PICKLIST:
            await self.mount(self._choices())
        else:
            text = detail.typed_value(self.path, self._row.value)
            await self.mount(LineEditor(text, checked(self.path), hint=hint_of(self.path)))
        self.post_message(self.Editing(self))
        self.refresh(layout=True)

    def _choices(self) -> Choices:
        field = BY_PATH[self.path]
        offered = choices_of(field.choices)
        if not field.required:
            offered.append(Choice(NOTHING, detail.EMPTY, note="nothing chosen"))
        present = self._row.value
        current = present if isinstance(present, str) else NOTHING
        choices = Choices(offered, current=current, rows=min(len(offered), LIST_ROWS))
        choices.add_class("in-place")
        return choices

    @on(Choices.Taken)
    def _taken(self, event: Choices.Taken) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value or None, self._opened_on))

    @on(LineEditor.Done)
    def _done(self, event: LineEditor.Done) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.text, self._opened_on))

    @on(LineEditor.Dropped)
    @on(Choices.GivenUp)
    def _dropped(self, event: Message) -> None:
        event.stop()
        self.close_editor()

    def close_editor(self) -> None:
        """Put the value back in its place."""
        self.focus()
        for each in self.children:
            put_away(each)
        self.repaint()


def hint_of(path: str) -> str:
    """What an editor says about its field while nothing is wrong."""
    field = BY_PATH[path]
    match field.kind:
        case Kind.LAUNCH_TARGET:
            return "YYYY-MM-DD, or ?, TBD, N/A, or blank"
        case Kind.PERCENT | Kind.INTEGER:
            return f"a whole number from {field.low} to {field.high}, or blank"
        case Kind.URL:
            return "an http:// or https:// address, or blank"
        case Kind.PERSON:
            return "a full name or an email address, or blank"
        case _:
            return ""
