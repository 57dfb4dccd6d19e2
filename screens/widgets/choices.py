"""A filterable list: type to narrow it, arrows to move, Enter to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from screens.keys import Keys, key
from screens.safe import line
from screens.widgets.lineedit import LineEdit


@dataclass(frozen=True, slots=True)
class Choice:
    """``value`` is what is taken, ``hint`` stands at the right (a key, a count)."""

    value: str
    label: str
    hint: str = ""
    note: str = ""


class Choices(Vertical):
    """The list with its filter line. Posts ``Taken`` and ``GivenUp``."""

    BINDING_GROUP_TITLE = "In a list"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "take", "choose", "Take the marked line", id="choices.take"),
        key("escape", "give_up", "cancel", "Leave everything as it was", id="choices.cancel"),
        key("up,ctrl+k", "move(-1)", "up", "One line up", id="choices.up", show=False),
        key("down,ctrl+j", "move(1)", "down", "One line down", id="choices.down", show=False),
        key("pageup", "move(-8)", "page up", "A page up", id="choices.pageup", show=False),
        key("pagedown", "move(8)", "page down", "A page down", id="choices.pagedown", show=False),
    ]

    class Taken(Message):
        """A choice was made."""

        def __init__(self, choices: Choices, value: str) -> None:
            super().__init__()
            self.choices = choices
            self.value = value

    class GivenUp(Message):
        """Nothing was chosen."""

    def __init__(
        self,
        choices: Sequence[Choice],
        *,
        current: str | None = None,
        prompt: str = "type to filter",
        rows: int = 10,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._choices = list(choices)
        self._current = current
        self._prompt = prompt
        self._rows = rows
        self._shown: list[Choice] = []

    def compose(self) -> ComposeResult:
        yield LineEdit(placeholder=self._prompt, compact=True)
        yield OptionList(compact=True, markup=False)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.can_focus = False
        options.styles.max_height = self._rows
        self._show("")
        self.query_one(LineEdit).focus()

    def on_resize(self, _event: events.Resize) -> None:
        self._show(self.query_one(LineEdit).value, keep=True)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take(event.option_index)

    def action_take(self) -> None:
        """Take the marked line."""
        marked = self.query_one(OptionList).highlighted
        if marked is not None:
            self._take(marked)

    def action_give_up(self) -> None:
        """Take nothing."""
        self.post_message(self.GivenUp())

    def action_move(self, step: int) -> None:
        """Move the mark."""
        options = self.query_one(OptionList)
        if self._shown:
            at = options.highlighted or 0
            options.highlighted = max(0, min(len(self._shown) - 1, at + step))

    def _take(self, index: int) -> None:
        self.post_message(self.Taken(self, self._shown[index].value))

    def _show(self, wanted: str, *, keep: bool = False) -> None:
        options = self.query_one(OptionList)
        marked = options.highlighted if keep else None
        self._shown = ranked(self._choices, wanted)
        width = max(10, options.size.width - 3)
        options.clear_options()
        options.add_options([Option(_prompt(each, width)) for each in self._shown])
        at = next((i for i, c in enumerate(self._shown) if c.value == self._current), 0)
        if self._shown:
            options.highlighted = marked if marked is not None else (0 if wanted else at)


def ranked(choices: Sequence[Choice], wanted: str) -> list[Choice]:
    """The choices that match, best first: from the start of the label, from the start of a word,
    anywhere, and last its letters in their order. With nothing typed, all in their own order."""
    needle = wanted.strip().casefold()
    if not needle:
        return list(choices)
    scored = [(rank, at, each) for at, each in enumerate(choices) if (rank := _rank(each, needle))]
    return [each for _, _, each in sorted(scored, key=lambda item: item[:2])]


def _rank(choice: Choice, needle: str) -> int:
    label = choice.label.casefold()
    if label.startswith(needle):
        return 1
    if f" {needle}" in label:
        return 2
    if needle in label:
        return 3
    if all(word in f"{label} {choice.note.casefold()}" for word in needle.split()):
        return 4
    letters = iter(label)
    return 5 if all(letter in letters for letter in needle.replace(" ", "")) else 0


def _prompt(choice: Choice, width: int) -> Content:
    from rich.cells import cell_len

    from screens.safe import cut

    hint = line(choice.hint)
    room = width - (cell_len(hint) + 2 if hint else 0)
    label = cut(line(choice.label), room)
    room -= cell_len(label)
    note = cut(f"  {line(choice.note)}", room) if choice.note and room > 8 else ""
    pad = " " * (room - cell_len(note) + 2) if hint else ""
    return Content.assemble(label, (note, "$quiet"), pad, (hint, "$key"))
