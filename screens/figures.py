"""What the pages of figures share: asking off this thread, progress, and what narrows the tickets.

The figures are asked through ``workplace.figures``. A page reads again when the tickets' file was
changed, by whichever process, and when something else is asked for; a newer question takes the
place of one that is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from textual import work
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from screens.base import Failed, Page
from screens.dialogs import Choose
from screens.keys import Keys, key
from screens.safe import safe
from screens.ticket_lists import Listing
from screens.widgets.bar import Piece
from screens.widgets.choices import Choice
from screens.widgets.frame import StatusLine
from services.kpis import words
from services.kpis.board import Board, Cancelled
from services.kpis.desk import Withdrawn
from services.kpis.policy import PolicyError
from services.kpis.selection import EVERYTHING, Filters
from services.workplace import Workplace
from store.database import StoreError

R = TypeVar("R")
PATIENCE_SECONDS = 0.3
"""What takes longer says that it is under way, and how to end it."""
EVERY = "all"
_KINDS = {"department": "departments", "type": "types", "priority": "priorities"}
EMPTY = (
    "No tickets yet.\n\n"
    "They come with the first pull from Salesforce (the sandbox has one), which the terminal makes "
    "by itself; steerco tickets pull makes it now.\n\n"
    "From two exports: steerco tickets load --tickets T.csv --history H.csv"
)
HEIGHTS = [(0, "-short"), (34, "-tall")]


class FigurePage(Page):
    """A page that shows figures. Subclasses give ``question`` and ``read_figures``."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[Keys] = [
        key("d", "narrow('department')", "department", "Only some departments",
            id="figures.department", group="filter"),
        key("t", "narrow('type')", "type", "Only some types", id="figures.type", group="filter"),
        key("P", "narrow('priority')", "priority", "Only some priorities",
            id="figures.priority", group="filter"),
        key("r", "read_again", "refresh", "Read everything again", id="figures.refresh",
            show=False),
    ]  # fmt: skip

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self.filters = EVERYTHING
        self._shown_question: object = None
        self._patience: Timer | None = None
        self._told = False
        self._said_before: tuple[Piece, ...] = ()
        self._said_meanwhile: tuple[Piece, ...] = ()

    # -- asking --------------------------------------------------------------------------------

    async def ask(self, name: str, function: Callable[[Board], R]) -> R:
        """What a function finds out from the figures. Raises Failed with one sentence, and
        Withdrawn where something else was asked meanwhile."""
        try:
            result = await self.workplace.figures.ask(f"{id(self)} {name}", function)
        except Cancelled as error:
            raise Withdrawn from error
        except (StoreError, PolicyError) as error:
            self._end_with_the_page()
            raise Failed(str(error)) from error
        self._end_with_the_page()
        return result

    def question(self) -> object:
        """What is asked for now; comparable. While it and the tickets stay the same, nothing is
        read."""
        return self.filters

    async def read_figures(self) -> None:
        """Read what the page shows and show it. Raises Failed, Withdrawn."""

    async def refresh_from_store(self) -> None:
        question = self.question()
        try:
            wanted = (question, await self.ask("stamp", Board.stamp))
            if wanted == self._shown_question:
                return
            self._begin_progress()
            await self.read_figures()
            self._shown_question = wanted
        except Withdrawn:
            return
        except Failed as error:
            self._shown_question = None
            self.show_trouble(str(error))
        finally:
            self._end_progress()
        self.refresh_bindings()

    def show_trouble(self, sentence: str) -> None:
        """The figures can't be had."""
        self.trouble(sentence)

    def show_instead(self, text: str) -> None:
        """Say why there is nothing, in the place of everything; empty: there is something."""
        instead = self.query_one("#instead", Static)
        self.set_class(bool(text), "-empty")
        instead.display = bool(text)
        instead.update(safe(text))
        if text:
            self.set_focus(None)
            self.note()
            self.say("")
        elif self.focused is None:
            self.first_focus().focus()

    def first_focus(self) -> Widget:
        """What has the focus where nothing else has."""
        raise NotImplementedError

    def read_again(self) -> None:
        """Something else is asked for: withdraw what is under way, and read."""
        self._shown_question = None
        self._withdraw()
        self.store_changed()

    def action_read_again(self) -> None:
        """Read everything again."""
        self.read_again()
        self.say(f"read again {self.workplace.now():%H:%M:%S}")

    def end_reading(self) -> bool:
        """End what is under way, where its progress is told; False where nothing is."""
        if not self._told:
            return False
        self._withdraw()
        self.say("Stopped. What is shown is from before; r reads again.")
        self._told = False
        return True

    def _withdraw(self) -> None:
        for name in ("figures", "more"):
            self.workplace.figures.withdraw(f"{id(self)} {name}")

    def _begin_progress(self) -> None:
        self._end_progress()
        self._patience = self.set_timer(PATIENCE_SECONDS, self._tell_progress)

    def _tell_progress(self) -> None:
        self._told = True
        line = self.query_one(StatusLine)
        self._said_before = line.said
        self.say("Counting …  esc stops it", "$key")
        self._said_meanwhile = line.said

    def _end_progress(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        if self._told:
            self._told = False
            if not self.gone:
                line = self.query_one(StatusLine)
                if line.said is self._said_meanwhile:
                    line.said = self._said_before

    # -- what narrows the tickets --------------------------------------------------------------

    @work(group="dialog")
    async def action_narrow(self, kind: str) -> None:
        """Choose a value: one more is added, one that is chosen goes."""
        try:
            found = await self.ask("choices", Board.choices)
        except (Failed, Withdrawn) as error:
            self.say(str(error))
            return
        group = _KINDS[kind]
        there: Sequence[str] = getattr(found, group)
        picked: tuple[str, ...] = getattr(self.filters, group)
        choices = [Choice(EVERY, f"All {group}", "" if picked else "✓")]
        choices += [
            Choice(f"={each}", named(kind, each), "✓" if each in picked else "") for each in there
        ]
        title = f"{kind.capitalize()}: Enter adds one, or takes it away"
        current = f"={picked[-1]}" if picked else EVERY
        answer = await self.app.push_screen_wait(Choose(title, choices, current=current))
        if answer is None:
            return
        value = answer[1:]
        if answer == EVERY:
            chosen: tuple[str, ...] = ()
        elif value in picked:
            chosen = tuple(each for each in picked if each != value)
        else:
            chosen = (*picked, value)
        self.use_filters(replace(self.filters, **{group: chosen}))

    def use_filters(self, filters: Filters) -> None:
        """Narrow to these."""
        self.filters = filters
        self.read_again()

    # -- drilling down -------------------------------------------------------------------------

    def drill(self, listing: Listing[Any]) -> None:
        """Show a list of tickets above this page."""
        from screens.tickets import TicketsPage

        self.app.push_screen(TicketsPage(self.workplace, self.PAGE, listing))


def named(kind: str, value: str) -> str:
    """A value of a filter; none is called so."""
    return words.department(value) if kind == "department" else value or f"(no {kind})"


def filters_kept(filters: Filters) -> dict[str, object]:
    """Filters for the next start."""
    return {each: list(getattr(filters, each)) for each in _KINDS.values()}


def filters_of(kept: Mapping[str, object]) -> Filters:
    """Filters that were kept; what is no text is left out."""
    found: dict[str, tuple[str, ...]] = {}
    for each in _KINDS.values():
        values = kept.get(each)
        if isinstance(values, list):
            found[each] = tuple(value for value in values if isinstance(value, str))[:100]
    return Filters(**found)
