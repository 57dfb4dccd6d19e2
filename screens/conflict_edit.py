"""A third value for a field in conflict: an editor, filled with what is in force."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from screens.keys import Keys, key
from screens.safe import line, safe
from screens.sync_dialogs import MendField
from screens.widgets.frame import KeyLine
from screens.widgets.project_panel import TextEditor
from services.conflictview import Told


class AnotherValue(ModalScreen[str | None]):
    """Neither mine nor theirs; gives the text, or None."""

    CSS_PATH = "sync_dialogs.tcss"
    BINDING_GROUP_TITLE = "While editing"
    BINDINGS: ClassVar[Keys] = [
        key("enter,ctrl+s", "save", "save", "Save this value; it goes to both sides",
            id="value.save"),
        key("escape", "give_up", "cancel", "Leave everything as it is", id="value.cancel"),
    ]  # fmt: skip

    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -text"):
            yield Static(safe(f"Another value: {line(self._told.name)}"), classes="dialog--title")
            yield MendField(self._told.conflict.path, self._told.present)
            yield KeyLine(classes="dialog--keys")

    def on_mount(self) -> None:
        self.query_one(MendField).edit.focus()

    @on(TextEditor.Wish)
    def _wished(self, event: TextEditor.Wish) -> None:
        if event.what == "save":
            self.action_save()
        elif event.what == "leave":
            self.action_give_up()

    def action_save(self) -> None:
        """Give the text, where nothing is wrong with it."""
        field = self.query_one(MendField)
        if field.judge() is None:
            self.dismiss(field.text)

    def action_give_up(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
