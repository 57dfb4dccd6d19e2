"""The tickets behind a figure, above the page that showed it; leaving goes back there."""

from __future__ import annotations

import datetime as dt
from pathlib import PurePath
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from screens.figures import FigurePage
from screens.keys import Keys, key
from screens.safe import line
from screens.ticket_lists import Listing
from screens.widgets.ticket_table import TicketTable
from services.workplace import Workplace


class TicketsPage(FigurePage):
    """One list of tickets. Its rows are as many as the n of the figure."""

    BINDING_GROUP_TITLE = "These tickets"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["kpi.tcss", "filter_line.tcss"]
    BINDINGS: ClassVar[Keys] = [
        key("escape,q,backspace", "back", "back", "Clear the search, or back to the figure",
            id="drill.back"),
    ]  # fmt: skip

    def __init__(self, workplace: Workplace, page: str, listing: Listing[Any]) -> None:
        """``page`` is the one it was opened from."""
        super().__init__(workplace)
        self.PAGE = page
        self._listing = listing
        self._whole: int | None = None

    def compose_content(self) -> ComposeResult:
        yield Static("", id="drill-title", markup=False)
        yield TicketTable(self._listing, id="drill")

    def on_mount(self) -> None:
        self._say_title()
        self.query_one(TicketTable).grid.focus()

    def question(self) -> object:
        table = self.query_one(TicketTable)
        return (table.text, table.sort)

    async def read_figures(self) -> None:
        now = dt.datetime.fromtimestamp(self.workplace.ctx.clock(), dt.UTC)
        self._listing = self._listing.at_moment(now)
        table = self.query_one(TicketTable)
        table.show(await self.ask("figures", table.question(self._listing)))

    @on(TicketTable.Counted)
    def _counted(self, event: TicketTable.Counted) -> None:
        event.stop()
        if not event.table.text:
            self._whole = event.shown
        self._say_title(event.shown)

    def _say_title(self, shown: int | None = None) -> None:
        n = "" if self._whole is None else f"n {self._whole:,}"
        if shown is not None and shown != self._whole:
            n = f"{shown:,} of {n}"
        parts = [(f" {line(self._listing.title)}", "bold")]
        if self._listing.about:
            parts.append((f"   {line(self._listing.about)}", "$quiet"))
        parts.append((f"   {n}", "bold $key"))
        self.query_one("#drill-title", Static).update(Content.assemble(*parts))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "narrow":  # the figure says what is counted
            return False
        return not self.query_one(TicketTable).typing or action in ("palette", "help")

    def action_back(self) -> None:
        """End reading, clear the search, or go back."""
        if not self.end_reading() and not self.query_one(TicketTable).clear():
            self.dismiss()
