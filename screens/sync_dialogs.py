"""Dialogs of the Sync page: mending a refused edit."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from screens.base import checked
from screens.keys import Keys, key
from screens.safe import safe
from screens.widgets.frame import KeyLine
from screens.widgets.lineedit import LineEdit
from screens.widgets.project_panel import TextEditor
from services.detail import typed_value
from services.syncview import Mending
from store.canon import Value
from store.fields import BY_PATH, Kind, label_of


class MendField(Vertical):
    """One field of a refused edit with its present value."""

    def __init__(self, path: str, value: Value) -> None:
        super().__init__(classes="mend")
        self.path = path
        self._value = value

    def compose(self) -> ComposeResult:
        yield Static(safe(label_of(self.path)), classes="mend--label")
        text = "yes" if self._value is True else "no" if self._value is False else None
        text = typed_value(self.path, self._value) if text is None else text
        field = BY_PATH.get(self.path)
        if field is not None and field.kind is Kind.LONG_TEXT:
            yield TextEditor(text)
        else:
            yield LineEdit(text, compact=True)
        yield Static("", classes="mend--says", markup=False)

    @property
    def edit(self) -> Widget:
        """The line or the text area."""
        return self.query("LineEdit, TextEditor").first()

    @property
    def text(self) -> str:
        """What stands there now."""
        edit = self.edit
        return edit.text if isinstance(edit, TextArea) else str(getattr(edit, "value", ""))

    def judge(self) -> str | None:
        """What is wrong with it, shown below the field; None where nothing is."""
        wrong = checked(self.path)(self.text)
        says = self.query_one(".mend--says", Static)
        says.update(safe(wrong or ""))
        says.display = wrong is not None
        return wrong

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        self.judge()


class Mend(ModalScreen[dict[str, str] | None]):
    """The refused fields with the target's words; gives the new texts by path, or None."""

    CSS_PATH = "sync_dialogs.tcss"
    BINDING_GROUP_TITLE = "While mending"
    BINDINGS: ClassVar[Keys] = [
        key("enter,ctrl+s", "send", "send", "Save the new values and send them", id="mend.send"),
        key("escape", "give_up", "cancel", "Leave everything as it is", id="mend.cancel"),
        key("tab", "app.focus_next", "next field", "The next field", id="mend.next"),
    ]

    def __init__(self, mending: Mending) -> None:
        super().__init__()
        self._mending = mending

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -text"):
            yield Static(
                safe(f"Mend and send again: {self._mending.name}"), classes="dialog--title"
            )
            yield Static(safe(self._mending.words), classes="mend--words")
            with VerticalScroll(classes="dialog--body", can_focus=False):
                for path, value in self._mending.values:
                    yield MendField(path, value)
            yield KeyLine(classes="dialog--keys")

    def on_mount(self) -> None:
        self.query(MendField).first().edit.focus()

    @on(TextEditor.Wish)
    def _wished(self, event: TextEditor.Wish) -> None:
        if event.what == "save":
            self.action_send()
        elif event.what == "leave":
            self.action_give_up()

    def action_send(self) -> None:
        """Give the new texts, where nothing is wrong with them."""
        fields = list(self.query(MendField))
        wrong = [each for each in fields if each.judge() is not None]
        if wrong:
            wrong[0].edit.focus()
        else:
            self.dismiss({each.path: each.text for each in fields})

    def action_give_up(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
