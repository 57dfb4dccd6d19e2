"""Dialogs of the project page."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from screens.keys import Keys, key
from screens.safe import safe
from screens.widgets.frame import KeyLine

SAVE, DROP, STAY = "save", "drop", "stay"


class LeaveText(ModalScreen[str]):
    """Asked on closing a text that holds something unsaved: save it, drop it, or go on."""

    BINDING_GROUP_TITLE = "This question"
    BINDINGS: ClassVar[Keys] = [
        key("s", "answer('save')", "save", "Save what you wrote", id="leave.save"),
        key("d", "answer('drop')", "drop", "Drop what you wrote", id="leave.drop"),
        key("escape", "answer('stay')", "go on", "Go on writing", id="leave.stay"),
        key("left", "other(-1)", "left", "The other answer", id="leave.left", show=False),
        key("right", "other(1)", "right", "The other answer", id="leave.right", show=False),
    ]

    def __init__(self, label: str, wrong: str | None) -> None:
        super().__init__()
        self._label, self._wrong = label, wrong

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(safe(f"{self._label} is not saved"), classes="dialog--title")
            said = self._wrong or "Save what you wrote, drop it, or go on writing?"
            yield Static(safe(said), classes="dialog--body")
            with Horizontal(classes="dialog--buttons"):
                yield Button("Go on", id=STAY, compact=True)
                yield Button("Drop", id=DROP, compact=True)
                yield Button("Save", id=SAVE, compact=True, disabled=self._wrong is not None)
            yield KeyLine(classes="dialog--keys")

    def on_mount(self) -> None:
        self.query_one(f"#{STAY if self._wrong else SAVE}").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is wrong can't be saved."""
        if action == "answer" and parameters == (SAVE,) and self._wrong:
            return None
        return True

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id or STAY)

    def action_answer(self, answer: str) -> None:
        """Give the answer."""
        self.dismiss(answer)

    def action_other(self, step: int) -> None:
        """Move to another button."""
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()
