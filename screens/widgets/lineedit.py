"""A line of text to edit, safe whatever the text holds, judged as one types."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Input

from screens.safe import line


class LineEdit(Input):
    """An Input without blinking that never sends a control character to the terminal."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,
        compact: bool = False,
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=line(placeholder),
            id=id,
            compact=compact,
            classes=classes,
            select_on_focus=False,
        )
        self.cursor_blink = False

    @property
    def _value(self) -> Text:
        # Character for character as long as the value, so that the cursor stays where it is.
        return Text(line(self.value), no_wrap=True, overflow="ignore", end="")
