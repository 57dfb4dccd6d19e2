"""The small form for a new project: the name is required, everything else may come later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from screens.base import checked
from screens.keys import Keys, key
from screens.safe import safe
from screens.widgets.frame import KeyLine
from screens.widgets.lineedit import LineEdit
from store.fields import BY_PATH, DEFAULTS, Kind

PATHS = (
    "feature_name",
    "priority",
    "status",
    "department",
    "launch_target",
    "product_owner",
    "it_lead",
)
_HINTS = {"feature_name": "required", "launch_target": "YYYY-MM-DD, ?, TBD or N/A"}


class Pick(Widget, can_focus=True):
    """One of a few values: arrows go through them, a letter jumps, a click goes on."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "On a choice"
    BINDINGS: ClassVar[Keys] = [
        key("right,space", "step(1)", "next value", "The next value", id="pick.next"),
        key("left", "step(-1)", "value before", "The value before", id="pick.before", show=False),
    ]
    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another value."""

    def __init__(self, choices: Sequence[str], value: str, *, id: str) -> None:
        super().__init__(id=id)
        self._choices = list(choices)
        self.set_reactive(Pick.value, value if value in self._choices else self._choices[0])

    def render(self) -> Content:
        place = self._choices.index(self.value) + 1
        return Content.assemble(
            ("‹ ", "$key"),
            self.value,
            (" ›", "$key"),
            (f"  {place}/{len(self._choices)}", "$quiet"),
        )

    def action_step(self, step: int) -> None:
        """Another value."""
        at = self._choices.index(self.value) + step
        self.value = self._choices[at % len(self._choices)]

    def on_click(self) -> None:
        self.focus()
        self.action_step(1)

    def on_key(self, event: events.Key) -> None:
        letter = (event.character or "").casefold()
        if not letter.isalnum():
            return
        at = self._choices.index(self.value)
        order = [*self._choices[at + 1 :], *self._choices[: at + 1]]
        for each in order:
            if each.casefold().startswith(letter):
                self.value = each
                event.stop()
                return


class NewProject(ModalScreen["dict[str, str] | None"]):
    """Gives the typed texts by path, or None."""

    BINDING_GROUP_TITLE = "A new project"
    BINDINGS: ClassVar[Keys] = [
        key("enter,ctrl+s", "accept", "create", "Create the project", id="new.create"),
        key("escape", "give_up", "cancel", "No new project", id="new.cancel"),
        key("down,tab", "app.focus_next", "next field", "The next field", id="new.next"),
        key("up,shift+tab", "app.focus_previous", "before", "Back", id="new.before", show=False),
    ]

    def __init__(
        self,
        start: Mapping[str, str],
        known: Callable[[str], Sequence[str]],
        *,
        wrong: str = "",
    ) -> None:
        """``start`` holds what the fields begin with, ``known(path)`` the values to suggest."""
        super().__init__()
        self._start, self._known, self._first_wrong = dict(start), known, wrong
        self._asked = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -form"):
            yield Static("New project", classes="dialog--title")
            for path in PATHS:
                field = BY_PATH[path]
                with Horizontal(classes="form--row"):
                    yield Label(field.label, classes="form--label")
                    yield self._editor(path)
            yield Static(safe(self._first_wrong), id="wrong", markup=False)
            yield KeyLine(classes="dialog--keys")

    def _editor(self, path: str) -> Widget:
        field, start = BY_PATH[path], self._start.get(path)
        if field.kind is Kind.PICKLIST:
            return Pick(field.choices, start or str(DEFAULTS[path]), id=_id(path))
        edit = LineEdit(start or "", placeholder=_HINTS.get(path, ""), id=_id(path), compact=True)
        known = self._known(path)
        if known:
            edit.suggester = SuggestFromList(known, case_sensitive=False)
        return edit

    def on_mount(self) -> None:
        self.query_one(f"#{_id('feature_name')}").focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self._asked = False
        self._say(self._first_problem() if self.query_one("#wrong", Static).content else None)

    def action_accept(self) -> None:
        """Create it, where every field may be saved."""
        problem = self._first_problem()
        if problem is None:
            self.dismiss(self._values())
        else:
            self._say(problem)
            self.query_one(f"#{_id(problem[0])}").focus()

    def action_give_up(self) -> None:
        """Away without a trace; what was typed goes only at the second Esc."""
        typed = any(edit.value.strip() for edit in self.query(LineEdit))
        if typed and not self._asked:
            self._asked = True
            self.query_one("#wrong", Static).update("Esc once more forgets what was typed.")
        else:
            self.dismiss(None)

    def _values(self) -> dict[str, str]:
        found = {}
        for path in PATHS:
            widget = self.query_one(f"#{_id(path)}")
            if isinstance(widget, (LineEdit, Pick)):
                found[path] = widget.value
        return found

    def _first_problem(self) -> tuple[str, str] | None:
        for path, text in self._values().items():
            sentence = checked(path)(text)
            if sentence is not None:
                return path, sentence
        return None

    def _say(self, problem: tuple[str, str] | None) -> None:
        text = f"{BY_PATH[problem[0]].label}: {problem[1]}" if problem else ""
        self.query_one("#wrong", Static).update(safe(text))
        for path in PATHS:
            wrong = problem is not None and problem[0] == path
            self.query_one(f"#{_id(path)}").set_class(wrong, "-wrong")


def _id(path: str) -> str:
    return f"new-{path.replace('.', '-').replace('_', '-')}"
