"""The scoring matrix: a line for each voter, keys 1 to 5, the running total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.base import checked
from screens.keys import Keys, key
from screens.safe import cut, line
from screens.widgets.away import put_away
from screens.widgets.lineedit import LineEdit
from screens.widgets.project_line import LABEL, PageLine
from screens.widgets.project_row import LineEditor
from screens.widgets.typeahead import take_key
from services.counting import counted
from store.fields import SCORE_MAX, SCORE_MIN, SCORES_PREFIX, VOTERS_MAX


class VoteLine(PageLine):
    """One voter and the score; a voter who was only named so far has none."""

    BINDING_GROUP_TITLE = "On a vote"
    BINDINGS: ClassVar[Keys] = [
        *(
            key(str(n), f"score({n})", "score", f"Score {n}", id=f"vote.{n}", group="score")
            for n in range(SCORE_MIN, SCORE_MAX + 1)
        ),
        key("delete,x", "remove", "remove", "Take the voter's score away", id="vote.remove"),
    ]

    class Scored(Message):
        """The voter's score is to be this; None takes it away."""

        def __init__(self, voter: str, score: int | None) -> None:
            super().__init__()
            self.voter, self.score = voter, score

    def __init__(self, voter: str, score: int | None) -> None:
        super().__init__(classes="vote")
        self.voter, self.score = voter, score

    def label(self) -> str:
        return f"{cut(line(self.voter), LABEL - 1)} "

    def value(self) -> Content:
        if self.score is None:
            return Content.styled("press 1 to 5", "$warn")
        dots = "●" * self.score, "$key"
        rest = "○" * (SCORE_MAX - self.score), "$faint"
        return Content.assemble(f"{self.score}  ", dots, rest)

    def copied(self) -> str:
        return f"{self.voter}: {self.score or ''}"

    def update_score(self, score: int | None) -> None:
        """The score as it stands now."""
        if score != self.score:
            self.score = score
            self.repaint()

    def action_score(self, score: int) -> None:
        """Set the score."""
        self.post_message(self.Scored(self.voter, score))

    def action_remove(self) -> None:
        """Take the score away."""
        self.post_message(self.Scored(self.voter, None))


class AddVoter(PageLine):
    """The line that names another voter."""

    BINDING_GROUP_TITLE = "Below the votes"
    BINDINGS: ClassVar[Keys] = [
        key("enter,e", "name", "add voter", "Name another voter", id="vote.add"),
    ]
    full = False

    class Named(Message):
        """A voter was named."""

        def __init__(self, voter: str) -> None:
            super().__init__()
            self.voter = voter

    def label(self) -> str:
        return "Another voter"

    def value(self) -> Content:
        said = f"six have voted: the matrix is full ({VOTERS_MAX})" if self.full else "e names one"
        return Content.styled(said, "$faint")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A full matrix takes nobody else; its line says so."""
        return None if self.full else not self._is_open

    async def on_key(self, event: events.Key) -> None:
        await take_key(self, event, ("name",), self._write if self._is_open else None)

    def _write(self, text: str) -> None:
        for edit in self.query(LineEdit):
            if edit.parent is not None and edit.parent.display:
                edit.insert_text_at_cursor(text)

    async def action_name(self) -> None:
        """Open a line for the name."""
        if not self.full and not self._is_open:
            await self.mount(LineEditor("", judge_name, hint="the voter's name"))

    @on(LineEditor.Done)
    def _done(self, event: LineEditor.Done) -> None:
        event.stop()
        self.close_editor()
        if event.text:
            self.post_message(self.Named(event.text))

    @on(LineEditor.Dropped)
    def _dropped(self, event: LineEditor.Dropped) -> None:
        event.stop()
        self.close_editor()

    @property
    def _is_open(self) -> bool:
        return any(each.display for each in self.children)

    def close_editor(self) -> None:
        """Back to the line itself."""
        self.focus()
        for each in self.children:
            put_away(each)
        self.repaint()


class Votes(Vertical):
    """All votes of a project with their total."""

    def compose(self) -> ComposeResult:
        yield AddVoter(classes="vote-add")
        yield Static("", classes="vote-total", markup=False)

    async def show(self, votes: Sequence[tuple[str, int]], total: int | None) -> None:
        """The votes as they stand; a line that stays keeps its focus."""
        found = {each.voter: each for each in self.query(VoteLine)}
        wanted = dict(votes)
        named = [v for v, each in found.items() if each.score is None and v not in wanted]
        for voter, each in found.items():
            if voter in wanted:
                each.update_score(wanted[voter])
            elif each.score is not None:
                await self._take_away(each)
        fresh = [VoteLine(voter, score) for voter, score in votes if voter not in found]
        if fresh:
            await self.mount(*fresh)
            self.sort_children(key=_place)
        self._say_total(len(votes) + len(named), total)

    async def name_voter(self, voter: str) -> None:
        """A line for somebody who has not voted yet; it has the focus."""
        for each in self.query(VoteLine):
            if each.voter == voter:
                each.focus()
                return
        fresh = VoteLine(voter, None)
        await self.mount(fresh)
        self.sort_children(key=_place)
        fresh.focus()

    async def forget_named(self) -> None:
        """Take away those who were only named: another project is shown."""
        for each in self.query(VoteLine):
            if each.score is None:
                await each.remove()

    async def _take_away(self, gone: VoteLine) -> None:
        focused = gone.has_focus
        await gone.remove()
        if focused:
            self.query_one(AddVoter).focus()

    def _say_total(self, voters: int, total: int | None) -> None:
        add = self.query_one(AddVoter)
        if add.full != (voters >= VOTERS_MAX):
            add.full = voters >= VOTERS_MAX
            add.repaint()
        said = "no votes yet" if total is None else f"{total}"
        if voters and total is not None:
            said = f"{total}  of {voters * SCORE_MAX} by {counted(voters, 'voter')}"
        text = Content.assemble(("  Total".ljust(LABEL + 2), "$quiet"), (said, "bold"))
        self.query_one(".vote-total", Static).update(text)


def judge_name(text: str) -> str | None:
    """What is wrong with a voter's name; None where nothing is."""
    return checked(SCORES_PREFIX + text)("") if text else None


def _place(each: Widget) -> tuple[int, str]:
    """Voters by name, then the line for another one, then the total."""
    if isinstance(each, VoteLine):
        return 0, each.voter.casefold()
    return (1 if isinstance(each, AddVoter) else 2), ""
