"""What every page of the terminal is: a title line, the tabs, its content, a status line, keys.

A page reads and writes through the desk, off the interface thread. When anything was committed,
by this process or another, the app tells every page that is on show; ``refresh_from_store`` then
brings it up to date. It runs once at a time, and once more if something happened meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Concatenate, ParamSpec, Protocol, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.reactive import Reactive
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from screens.widgets.bar import Piece
from screens.widgets.frame import KeyLine, StatusLine, Tab, TabLine, TitleLine
from services import overview
from services.itsc_roadmap import NotFound
from services.ordering import BandFull
from services.overview import TargetHealth
from services.workplace import Workplace
from store.canon import Refusal, Value
from store.database import StoreError, explain
from store.fields import label_of

P = ParamSpec("P")
R = TypeVar("R")
TICK_SECONDS = 10.0
SHOWN = 0.05
"""Seconds after which what a write changed is on the screen: three frames."""
NOT_SAVED = "Nothing was saved: "


class Shell(Protocol):
    """What a page may ask of the app it lives in."""

    tabs: Sequence[Tab]

    def open_project(self, project_id: str) -> None:
        """Switch to the project screen and show this project there."""

    def go(self, name: str) -> None:
        """Switch to a page by its name."""


class Failed(Exception):
    """A read or a write did not happen; the text is the sentence that says so."""


class Page(Screen[None]):
    """A page of the terminal. Subclasses give ``PAGE`` (their name), ``compose_content`` and
    ``refresh_from_store``, and bindings made with ``screens.keys.key``."""

    PAGE = ""
    # Textual's own paints the whole screen again with every move of the focus.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, workplace: Workplace) -> None:
        super().__init__()
        self.workplace = workplace
        self._running_refresh = False
        self._wanted_refresh = False
        self._stale = False
        self._ticking: Timer | None = None
        self._today = workplace.today()

    @property
    def busy(self) -> bool:
        """Whether an editor is open: keys that would leave the page wait until it is closed."""
        return False

    @property
    def gone(self) -> bool:
        """Whether the page, or the whole app, is being taken down or is so already."""
        return not (self.app.is_running and self.display)

    @property
    def shell(self) -> Shell:
        """The app, as far as a page knows it."""
        return cast(Shell, self.app)

    def compose(self) -> ComposeResult:
        yield TitleLine(sandbox=self.workplace.sandbox)
        yield TabLine(self.shell.tabs, self.PAGE)
        yield from self.compose_content()
        yield StatusLine(id="status")
        yield KeyLine(id="keys")

    def compose_content(self) -> ComposeResult:
        """The page's own widgets, between the tabs and the status line."""
        yield from ()

    async def refresh_from_store(self) -> None:
        """Read what the page shows again and repaint what differs: never the cursor, the scroll
        position or an open editor. Runs on the interface thread; reads through ``read``."""

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        """What the help explains besides keys: a heading with ``(sign, meaning)`` lines."""
        return ()

    def commands(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        """Commands of the palette besides the keys: ``(name, what it does, what to call)``."""
        return ()

    def kept(self) -> Mapping[str, object]:
        """What the next start should find again on this page."""
        return {}

    def restore(self, kept: Mapping[str, object]) -> None:
        """Take up what ``kept`` gave the last time; anything in it may be missing or wrong."""

    def use_columns(self, names: Sequence[str]) -> None:
        """Show these columns, on a page that has a table to choose them for. Before it is shown.
        Raises ValueError for a name that is none."""

    def open_conflicts(self, project_id: str | None = None, shown: str | None = None) -> None:
        """Show the conflicts of a project (or all) above this page, beginning with ``shown``."""
        from screens.conflict import ConflictPage

        self.app.push_screen(ConflictPage(self.workplace, self.PAGE, project_id, shown))

    # -- reading and writing ---------------------------------------------------------------------

    async def read(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], R],
        *args: P.args,
        **kw: P.kwargs,
    ) -> R:
        """What a function of the lower layers reads. Raises Failed with one sentence."""
        try:
            result = await self.workplace.desk.read(function, *args, **kw)
        except (StoreError, sqlite3.Error) as error:
            self._end_with_the_page()
            raise Failed(str(explain(error))) from error
        self._end_with_the_page()
        return result

    async def write(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], R],
        *args: P.args,
        **kw: P.kwargs,
    ) -> R:
        """What a command gave; durable when this returns, and the engine knows of it.

        Raises Failed with a sentence that says what happened to the data.
        """
        try:
            with self.workplace.precedence.saving():
                result = await self.workplace.desk.write(function, *args, **kw)
        except (StoreError, sqlite3.Error, Refusal, NotFound, BandFull, ValueError) as error:
            raise Failed(NOT_SAVED + in_words(error)) from error
        # The app's timer: this page may be left before it is due.
        self.app.set_timer(SHOWN, self._saved_on_show)
        if self.gone and self.app.is_running:
            self.saved()
        self._end_with_the_page()
        return result

    def _saved_on_show(self) -> None:
        """The frame that says "saved" is out: now it is the engine's turn."""
        self.workplace.precedence.leave()
        self.workplace.wake()

    def _end_with_the_page(self) -> None:
        """Whoever waited here while the page or the app was closed has nothing left to show it
        on: Textual takes a page's widgets away before it cancels the page's work."""
        if self.gone:
            raise asyncio.CancelledError

    def saved(self, what: str = "") -> None:
        """Say that the last write is durable; only ever after ``write`` returned."""
        time = self.workplace.now().strftime("%H:%M:%S")
        self.say(f"saved {time}" + (f"  {what}" if what else ""), "$good")

    def _compositor_refresh(self) -> None:
        # Textual makes a frame while the app is still starting and then throws it away: it costs
        # a tenth of the way to the first paint. What it would have shown stays marked as dirty.
        if not self.app._batch_count:
            super()._compositor_refresh()

    # -- saying ----------------------------------------------------------------------------------

    def say(self, text: str, style: str = "$quiet", brief: str = "") -> None:
        """One sentence in the status line; in that of the page on show, where this one is gone.
        ``brief`` is said where the whole does not fit."""
        page = self.app.screen if self.gone and self.app.is_running else self
        for found in page.query(StatusLine):
            found.say(text, style, brief)

    def note(self, *pieces: Piece) -> None:
        """The status line's right side: what needs attention."""
        self.query_one(StatusLine).notes = pieces

    def trouble(self, text: str) -> None:
        """Something went wrong: in the status line, and as a toast that can't be missed."""
        self.say(text, "bold $bad")
        self.toast(text, severity="error")

    def toast(self, text: str, *, severity: str = "information") -> None:
        """A toast. Whatever the text holds, no markup is interpreted."""
        from screens.safe import lines

        level = cast(Any, severity)
        self.app.notify(lines(text), severity=level, markup=False)

    # -- keeping up ------------------------------------------------------------------------------

    def store_changed(self) -> None:
        """Something was committed somewhere: bring the page up to date, now or when it shows."""
        if self not in self.app.screen_stack:
            self._stale = True
            return
        self._wanted_refresh = True
        if not self._running_refresh:
            self._running_refresh = True
            # The function, not its coroutine: a worker that never starts would leave it behind.
            work = cast(Any, self._refresh_while_wanted)
            self.run_worker(work, group="refresh", name="refresh")

    async def _refresh_while_wanted(self) -> None:
        try:
            while self._wanted_refresh:
                self._wanted_refresh = False
                try:
                    health, needed = await self.read(_health, self.workplace)
                    self.show_health(health, needed)
                    await self.refresh_from_store()
                except Failed as error:
                    self.trouble(f"This page may be out of date: {error}")
        finally:
            self._running_refresh = False

    def show_health(self, health: Mapping[str, TargetHealth], needed: int) -> None:
        """Put both targets' health into the title and what needs a person into the tabs."""
        self.query_one(TitleLine).health = health
        self.query_one(TabLine).badges = {"sync": needed}

    def on_mount(self) -> None:
        """Textual calls this besides a subclass's own ``on_mount``; once is enough."""
        if self._ticking is None:
            self._ticking = self.set_interval(TICK_SECONDS, self._tick)
            self._tick()
            self.store_changed()

    def on_screen_resume(self, _event: events.ScreenResume) -> None:
        self._tick()
        if self._stale:
            self._stale = False
            self.store_changed()

    def _tick(self) -> None:
        now = self.workplace.now()
        if now.date() != self._today:  # every relative date on the page is another one now
            self._today = now.date()
            self.store_changed()
        zone = now.tzname() or ""
        self.query_one(TitleLine).clock = f"{now:%H:%M} {zone}".strip()


def _health(conn: sqlite3.Connection, workplace: Workplace) -> tuple[dict[str, TargetHealth], int]:
    return overview.health(conn, workplace.gates), overview.needs_person(conn)


def in_words(error: Exception) -> str:
    """A refusal in the words of the screen: the field by its label, not by its path."""
    if isinstance(error, Refusal):
        return refusal_in_words(error)
    return str(error)


def refusal_in_words(error: Refusal) -> str:
    """For example ``Launch Target: write a date as YYYY-MM-DD …``."""
    return f"{label_of(error.path)}: {error.allowed}"


def checked(path: str) -> Callable[[str], str | None]:
    """A line editor's judge for a field: None where the text may be saved, else the sentence."""
    from store.canon import check

    def judge(text: str) -> str | None:
        try:
            check(path, text)
        except Refusal as error:
            return error.allowed
        return None

    return judge


def shown_value(value: Value) -> str:
    """A field's value for people: blank as —, a flag as yes or no."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
