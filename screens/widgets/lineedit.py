"""A line of text to edit, safe whatever the text holds, judged as one types."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Input

from screens.safe import line, spelled


class LineEdit(Input, inherit_bindings=False):
    """An Input without blinking that never sends a control character to the terminal.

    Enter belongs to whatever it stands in, which says in the key line what it does.
    """

    DEFAULT_CSS = """
    LineEdit {
        background: $panel;
        color: $foreground;
        border: none;
        height: 1;
        padding: 0 1;

        &.-textual-compact { padding: 0 1; }
        &:focus { border: none; background-tint: $foreground 0%; }
        & > .input--cursor { background: $foreground; color: $background; text-style: none; }
        & > .input--placeholder { color: $quiet; }
        & > .input--suggestion { color: $quiet; }
        & > .input--selection { background: $accent 40%; color: $foreground; }
        &.-wrong { color: $bad; }
        &:nocolor > .input--cursor {
            background: $panel;
            color: $foreground;
            text-style: reverse;
        }
        &:nocolor > .input--selection { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        each for each in Input.BINDINGS if isinstance(each, Binding) and each.key != "enter"
    ]

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,
        compact: bool = False,
        classes: str | None = None,
        selected: bool = False,
    ) -> None:
        """``selected``: the value is a proposal; what is typed first takes its place."""
        super().__init__(
            value,
            placeholder=line(placeholder),
            id=id,
            compact=compact,
            classes=classes,
            select_on_focus=selected,
        )
        self.cursor_blink = False

    @property
    def _value(self) -> Text:
        # Character for character as long as the value, so that the cursor stays where it is.
        return Text(spelled(self.value), no_wrap=True, overflow="ignore", end="")
