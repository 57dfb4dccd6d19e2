"""A list of tickets of any length: sorted, searched and read window by window, off this thread."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from screens.base import Failed
from screens.dialogs import Choose, ShowText
from screens.export_flow import ask_where, not_written
from screens.figures import FigurePage
from screens.keys import Keys, key
from screens.safe import line, safe
from screens.ticket_lists import Listing
from screens.widgets.choices import Choice
from screens.widgets.filter_line import FilterLine
from screens.widgets.grid import Cell, Grid
from services.counting import counted
from services.exporting import Format, export_table
from services.files import write_whole
from services.kpis.board import Board
from services.kpis.desk import Withdrawn

WINDOW = 200
"""Rows that are read at once, around those on show."""
_FORMATS: dict[Format, str] = {
    "csv": "every column",
    "json": "every column",
    "md": "a Markdown table",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A list as it was read: all ids in order, and the tickets around those on show."""

    listing: Listing[Any]
    ids: list[str]
    around: list[str]
    tickets: Mapping[str, Any]


class TicketTable(Vertical):
    """Shows one ``Listing`` at a time. The page above asks the figures for it."""

    BINDING_GROUP_TITLE = "In a list of tickets"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "tell", "ticket", "Everything known of this ticket", id="tickets.tell"),
        key("slash", "search", "search", "Only tickets with this text", id="tickets.search"),
        key("s", "sort", "sort", "Sort by any column", id="tickets.sort"),
        key("x", "export", "export", "Write this list to a file", id="tickets.export"),
        key("y", "copy", "copy", "Copy the ticket's name", id="tickets.copy", show=False),
    ]

    class Counted(Message):
        """The list has been read: so many rows of ``total`` are shown."""

        def __init__(self, table: TicketTable, shown: int) -> None:
            super().__init__()
            self.table, self.shown = table, shown

    def __init__(self, listing: Listing[Any], *, id: str) -> None:
        super().__init__(id=id)
        self.listing = listing
        self.text = ""
        self.sort = listing.usual
        self._rows: dict[str, Any] = {}
        self._asked: set[str] = set()
        self._grid = Grid(listing.columns, self._cell, cursor="row", id=f"{id}-grid")
        self._filter = FilterLine("", "name, title, person or status")
        self._empty = Static("", classes="quiet", markup=False)
        self._turn = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield self._filter
        yield self._grid
        yield self._empty

    def on_mount(self) -> None:
        self._filter.display = bool(self.text)
        if self.text:
            self._filter.put(self.text)
        self._empty.display = False

    @property
    def page(self) -> FigurePage:
        """The page it is on."""
        page = self.screen
        assert isinstance(page, FigurePage)
        return page

    @property
    def grid(self) -> Grid:
        """The table itself: what has the focus."""
        return self._grid

    @property
    def typing(self) -> bool:
        """Whether the search line has the focus."""
        return self.screen.focused in self._filter.children

    @property
    def here(self) -> Any | None:
        """The ticket under the cursor, once it has been read."""
        return self._rows.get(self._grid.row or "")

    # -- reading -------------------------------------------------------------------------------

    def question(self, listing: Listing[Any]) -> Callable[[Board], Found]:
        """What to ask the figures for this list: one question, so that a page can put it together
        with its own, and paint once."""
        text, (column, descending), anchor = self.text, self.sort, self._grid.anchored_at

        def ask(board: Board) -> Found:
            ids = listing.order(board, text, column, descending)
            around = _around(ids, anchor.top_among(ids))
            return Found(listing, ids, around, listing.those(board, around))

        return ask

    def show(self, found: Found) -> None:
        """Show a list as it was read; the cursor stays on its ticket."""
        self.listing, ids = found.listing, found.ids
        self._rows = dict(found.tickets)
        self._asked = set(found.around)
        if ids == self._grid.rows:
            self._grid.touch()
        else:
            self._grid.set_rows(ids)
        column, descending = self.sort
        self._grid.set_sorted(column, descending=descending)
        self._filter.note(f"{len(ids):,} found" if self.text else "")
        self._empty.display = not ids
        self._empty.update(safe(self._nothing()))
        self.post_message(self.Counted(self, len(ids)))
        self._read_on()

    def _nothing(self) -> str:
        if self.text:
            return f" No ticket matches “{line(self.text)}”. Esc clears the search."
        return " No ticket is behind this figure."

    @on(Grid.Shown)
    def _read_on(self) -> None:
        wanted = [each for each in self._grid.shown_rows if each not in self._asked]
        if wanted:
            self._read_more()

    @work(group="scroll", exclusive=True)
    async def _read_more(self) -> None:
        listing = self.listing
        async with self._turn:
            around = _around(self._grid.rows, self._grid.anchored_at.top)
            missing = [each for each in around if each not in self._asked]
            if not missing:
                return
            try:
                found: Mapping[str, Any] = await self.page.ask(
                    "more", lambda board: listing.those(board, missing)
                )
            except (Failed, Withdrawn):  # the next reading says what is wrong
                return
            if listing is self.listing:
                self._rows |= found
                self._asked |= set(missing)
                self._grid.touch()

    def _cell(self, row: str, column: str, width: int) -> Cell:
        found = self._rows.get(row)
        return (
            Cell("…" if column == "name" else "", "faint")
            if found is None
            else (self.listing.cell(found, column))
        )

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("tell", "copy", "sort", "export", "search"):
            return self._grid.has_focus and (action == "search" or bool(self._grid.rows))
        return True

    @work(group="dialog")
    async def action_tell(self) -> None:
        """Everything known of the ticket."""
        row = self.here
        if row is not None:
            await self.app.push_screen_wait(ShowText(row.name, self.listing.told(row)))

    def action_search(self) -> None:
        """Type into the search line."""
        self._filter.open()

    def clear(self) -> bool:
        """Clear the search; False where there was none."""
        if not self.text:
            return False
        self._filter.action_clear()
        return True

    @work(group="dialog")
    async def action_sort(self) -> None:
        """Choose a column; the same once more turns it round."""
        now, descending = self.sort
        choices = [
            Choice(each.key, each.label, ("▼ turn" if descending else "▲ turn") * (each.key == now))
            for each in self.listing.columns
        ]
        answer = await self.app.push_screen_wait(Choose("Sort by", choices, current=now))
        if answer is not None:
            self._sort_by(answer)

    def _sort_by(self, column: str) -> None:
        now, descending = self.sort
        first = column in ("cycle", "closed", "age", "days_in_status")
        self.sort = (column, not descending if column == now else first)
        self.page.read_again()

    def action_copy(self) -> None:
        """Copy the ticket's name."""
        if self.here is not None:
            self.app.copy_to_clipboard(self.here.name)
            self.page.toast("Copied.")

    @work(group="dialog")
    async def action_export(self) -> None:
        """Write the whole list, as it is searched and sorted."""
        page, listing, ids = self.page, self.listing, list(self._grid.rows)
        chosen = await ask_where(
            page, f"Export {counted(len(ids), 'ticket')} as", listing.file_name, _FORMATS
        )
        if chosen is None:
            return
        format, path = chosen
        page.say("Writing the file …")
        try:
            rows = await page.ask("export", lambda board: listing.those(board, ids))
            records = [listing.record(rows[each]) for each in ids if each in rows]
            await asyncio.to_thread(_write, records, listing.titles, format, path)
        except (Failed, Withdrawn, OSError) as error:
            not_written(page, path, error)
            return
        page.say(f"{counted(len(records), 'ticket')} written to {path}", "$good")

    # -- what happens in the widgets -----------------------------------------------------------

    @on(Grid.HeaderClicked)
    def _header_clicked(self, event: Grid.HeaderClicked) -> None:
        event.stop()
        self._sort_by(event.column)

    @on(Grid.Activated)
    def _activated(self, event: Grid.Activated) -> None:
        event.stop()
        self.action_tell()

    @on(Grid.SelectionChanged)
    @on(Grid.Moved)
    def _moved(self, event: Message) -> None:
        event.stop()

    @on(FilterLine.Changed)
    def _searched(self, event: FilterLine.Changed) -> None:
        event.stop()
        self.text = event.text.strip()
        self.page.read_again()

    @on(FilterLine.Done)
    def _done(self, event: FilterLine.Done) -> None:
        event.stop()
        if event.cleared:
            self.text = ""
            self.page.read_again()
        self._grid.focus()


def _around(ids: Sequence[str], top: int) -> list[str]:
    """The rows that are on show where ``top`` is the first, and some before and after them."""
    first = max(0, top - WINDOW // 2)
    return list(ids[first : first + 2 * WINDOW])


def _write(
    records: Sequence[Mapping[str, Any]], titles: Mapping[str, str], format: Format, path: Path
) -> None:
    text = io.StringIO(newline="")
    export_table(records, titles, format, text)
    write_whole(path, text.getvalue())
