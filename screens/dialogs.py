"""Dialogs: confirm, choose, edit a line, read a text.

Each is a modal screen; a worker awaits its answer: ``await app.push_screen_wait(Confirm(…))``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from screens.keys import Keys, key
from screens.safe import safe
from screens.widgets.choices import Choice, Choices
from screens.widgets.frame import KeyLine
from screens.widgets.lineedit import LineEdit


class Confirm(ModalScreen[bool]):
    """Asks before something is lost. ``lost`` are the lines that name what goes; the safe answer
    has the focus."""

    BINDING_GROUP_TITLE = "This question"
    BINDINGS: ClassVar[Keys] = [
        key("y", "answer(True)", "yes", "Do it", id="confirm.yes"),
        key("n,escape", "answer(False)", "no", "Leave everything as it is", id="confirm.no"),
        key(
            "left,right", "swap", "other answer", "The other answer", id="confirm.swap", show=False
        ),
    ]

    def __init__(
        self, title: str, lost: Sequence[str] = (), *, yes: str = "Yes", no: str = "No"
    ) -> None:
        super().__init__()
        self._title, self._lost, self._yes, self._no = title, lost, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -danger"):
            yield Static(safe(self._title), classes="dialog--title")
            if self._lost:
                with VerticalScroll(classes="dialog--body", can_focus=False):
                    yield Static(safe("\n".join(self._lost)))
            with Horizontal(classes="dialog--buttons"):
                yield Button(safe(self._no), id="no", compact=True)
                yield Button(safe(self._yes), id="yes", variant="error", compact=True)
            yield KeyLine(classes="dialog--keys")

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Give the answer."""
        self.dismiss(answer)

    def action_swap(self) -> None:
        """Move to the other button."""
        self.focus_next()


class Choose(ModalScreen[str | None]):
    """One of several, from a filterable list; None where nothing was chosen."""

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        current: str | None = None,
        prompt: str = "type to filter",
        rows: int = 14,
    ) -> None:
        super().__init__()
        self._title = title
        self._list = Choices(choices, current=current, prompt=prompt, rows=rows)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -list"):
            yield Static(safe(self._title), classes="dialog--title")
            yield self._list
            yield KeyLine(classes="dialog--keys")

    @on(Choices.Taken)
    def _taken(self, event: Choices.Taken) -> None:
        self.dismiss(event.value)

    @on(Choices.GivenUp)
    def _given_up(self) -> None:
        self.dismiss(None)


class EditLine(ModalScreen[str | None]):
    """One line of text, proposed and judged as one types. ``judge`` gives the sentence that says
    what is wrong, or None; Enter does nothing while something is. None where it was left."""

    AUTO_FOCUS: ClassVar[str | None] = "LineEdit"
    BINDING_GROUP_TITLE = "This line"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "accept", "save", "Save the line", id="line.save"),
        key("escape", "give_up", "cancel", "Leave it as it was", id="line.cancel"),
    ]

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        judge: Callable[[str], str | None] = lambda _text: None,
        placeholder: str = "",
    ) -> None:
        super().__init__()
        self._title, self._value, self._judge = title, value, judge
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(safe(self._title), classes="dialog--title")
            yield LineEdit(self._value, placeholder=self._placeholder, compact=True, selected=True)
            yield Static("", id="wrong", markup=False)
            yield KeyLine(classes="dialog--keys")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(self._judge(event.value))

    def action_accept(self) -> None:
        """Save, where nothing is wrong."""
        value = self.query_one(LineEdit).value
        wrong = self._judge(value)
        if wrong is None:
            self.dismiss(value)
        else:
            self._show(wrong)

    def action_give_up(self) -> None:
        """Leave it as it was."""
        self.dismiss(None)

    def _show(self, wrong: str | None) -> None:
        self.query_one("#wrong", Static).update(safe(wrong or ""))
        self.query_one(LineEdit).set_class(wrong is not None, "-wrong")


class ShowText(ModalScreen[None]):
    """A text to read, scrolled by keys. ``parts`` are shown below each other, already safe."""

    BINDING_GROUP_TITLE = "This text"
    BINDINGS: ClassVar[Keys] = [
        key("escape,q,enter", "close", "close", "Back to where I was", id="text.close"),
        key("y", "copy", "copy", "Copy the whole text", id="text.copy"),
        key("down,j", "scroll(1)", "down", "One line down", id="text.down", show=False),
        key("up,k", "scroll(-1)", "up", "One line up", id="text.up", show=False),
        key("pagedown,space", "scroll(10)", "more", "A page down", id="text.pagedown"),
        key("pageup", "scroll(-10)", "page up", "A page up", id="text.pageup", show=False),
        key("home,g", "scroll(-99999)", "top", "To the top", id="text.home", show=False),
        key("end,G", "scroll(99999)", "end", "To the end", id="text.end", show=False),
    ]

    def __init__(self, title: str, text: str | Content, *, wide: bool = False) -> None:
        """``wide`` takes the whole width of the terminal."""
        super().__init__()
        self._title = title
        self._text = safe(text) if isinstance(text, str) else text
        self._wide = wide

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -text" + (" -wide" if self._wide else "")):
            yield Static(safe(self._title), classes="dialog--title")
            with VerticalScroll(classes="dialog--body", can_focus=False):
                yield Static(self._text)
            yield KeyLine(classes="dialog--keys")

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(VerticalScroll).styles.max_height = max(3, event.size.height * 92 // 100 - 7)

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the text."""
        self.app.copy_to_clipboard(self._text.plain)
        self.app.notify("Copied.", markup=False)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def choices_of(values: Iterable[str]) -> list[Choice]:
    """Choices that are called what they are."""
    return [Choice(value, value) for value in values]
