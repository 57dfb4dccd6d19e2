"""The backlog: what is open, by department and by age, and the tickets themselves, oldest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from screens.figures import EMPTY, FigurePage, filters_kept, filters_of
from screens.keys import Keys, key
from screens.ticket_lists import Open, narrowed_to, of_age
from screens.widgets.backlog_bars import AGE_COLUMNS, DEPARTMENT_COLUMNS, BarGrid, Counted
from screens.widgets.bar import Piece
from screens.widgets.figure_line import FigureLine
from screens.widgets.grid import Grid
from screens.widgets.ticket_table import Found, TicketTable
from services.kpis import words
from services.kpis.backlog import Backlog, OpenDepartment, backlog
from services.kpis.board import Board
from services.kpis.selection import EVERYTHING
from services.workplace import Workplace

LONGEST_AGO = 600.0
"""Seconds after which ages are told anew, even where nothing happened."""


class BacklogPage(FigurePage):
    """Screen 2."""

    PAGE = "backlog"
    BINDING_GROUP_TITLE = "Backlog"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["kpi.tcss", "backlog.tcss", "filter_line.tcss"]
    BINDINGS: ClassVar[Keys] = [
        key("enter", "open_bar", "tickets", "The open tickets behind this bar",
            id="backlog.open"),
        key("tab", "other(1)", "next part", "Departments, ages, tickets", id="backlog.next"),
        key("shift+tab", "other(-1)", "part before", "The part before", id="backlog.before",
            show=False),
        key("escape", "back", "back", "End counting, or clear the search or the filters",
            id="backlog.back", show=False),
    ]  # fmt: skip

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self._found: Backlog | None = None
        self._held = 0

    def compose_content(self) -> ComposeResult:
        yield FigureLine(id="figure-line")
        with Vertical(id="figures"):
            with Horizontal(id="bars"):
                yield BarGrid(DEPARTMENT_COLUMNS, id="open-departments")
                yield BarGrid(AGE_COLUMNS, id="open-ages")
            yield TicketTable(Open(self._now_utc), id="open-tickets")
        yield Static("", id="instead", markup=False)

    def on_mount(self) -> None:
        self.query_one("#instead").display = False
        self.query_one(FigureLine).filters = self.filters
        self.query_one(TicketTable).grid.focus()

    @property
    def _now_utc(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.workplace.ctx.clock(), dt.UTC)

    def kept(self) -> Mapping[str, object]:
        return {"filters": filters_kept(self.filters)}

    def restore(self, kept: Mapping[str, object]) -> None:
        filters = kept.get("filters")
        if isinstance(filters, Mapping):
            self.filters = filters_of(filters)

    # -- what is shown -------------------------------------------------------------------------

    def question(self) -> object:
        table = self.query_one(TicketTable)
        return (self.filters, table.text, table.sort, int(self._now_utc.timestamp() // LONGEST_AGO))

    async def read_figures(self) -> None:
        now, filters = self._now_utc, self.filters
        table = self.query_one(TicketTable)
        listing = table.question(Open(now, filters))

        def ask(board: Board) -> tuple[int, Backlog, Found]:
            return board.holdings().tickets, backlog(board, now, filters), listing(board)

        self._held, found, listed = await self.ask("figures", ask)
        self._found = found
        with self.app.batch_update():
            self._show(found)
            if self._held:
                table.show(listed)

    def _show(self, found: Backlog) -> None:
        head = self.query_one(FigureLine)
        head.filters, head.policy = self.filters, found.policy_version
        head.moment = f"{found.total:,} open"
        departments = [
            Counted(
                f"={each.department}",
                words.department(each.department),
                each.open,
                words.number(each.age_median_d),
                words.number(each.age_p85_d),
                words.number(each.age_max_d),
            )
            for each in sorted(found.departments, key=_largest_first)
        ]
        self._departments.show(departments)
        self._ages.show(
            [Counted(str(each.bucket), of_age(each.bucket), each.open) for each in found.ages]
        )
        room = max(4, self.size.height // 3)
        rows = max(len(found.ages), min(len(departments), room))
        self.query_one("#bars").styles.height = rows + 1
        old = sum(each.open for each in found.ages if each.bucket == len(found.ages) - 1)
        self.note(Piece(f"{old:,} open for more than 90 days", "$warn" if old else "$quiet"))
        self.show_instead("" if self._held else EMPTY)

    def first_focus(self) -> Widget:
        return self.query_one(TicketTable).grid

    def show_trouble(self, sentence: str) -> None:
        self._held = 0
        self.show_instead(f"There is no backlog: {sentence}.")

    @property
    def _departments(self) -> BarGrid:
        return self.query_one("#open-departments", BarGrid)

    @property
    def _ages(self) -> BarGrid:
        return self.query_one("#open-ages", BarGrid)

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        yield (
            "Columns",
            [
                ("open", "created, and the last status is not done"),
                ("median p85", "age in days: half of the tickets, 85 of 100, are no older"),
                ("In status", "days in the present status: what stands still"),
                ("Age d", "days since the ticket was created"),
            ],
        )

    def commands(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        yield "All departments, types, priorities", "", lambda: self.use_filters(EVERYTHING)

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self.query_one(TicketTable).typing and action not in ("palette", "help"):
            return False
        match action:
            case "open_bar":
                return self._departments.has_focus or self._ages.has_focus
            case "narrow" | "other":
                return bool(self._held)
            case _:
                return True

    def action_other(self, step: int) -> None:
        """The next part, or the one before."""
        parts = [self._departments, self._ages, self.query_one(TicketTable).grid]
        at = next((place for place, each in enumerate(parts) if each.has_focus), 0)
        parts[(at + step) % len(parts)].focus()

    def action_open_bar(self) -> None:
        """The open tickets behind the bar."""
        if self._found is None:
            return
        at, filters = self._found.at, self.filters
        grid = self._ages if self._ages.has_focus else self._departments
        if grid.row is None:
            return
        if grid is self._ages:
            bucket = int(grid.row)
            about = " · ".join(
                each for each in (of_age(bucket), narrowed_to(None, filters)) if each
            )
            self.drill(Open(at, filters, bucket, about=about))
        else:
            only = replace(filters, departments=(grid.row[1:],))
            self.drill(Open(at, only, about=narrowed_to(None, only)))

    def action_back(self) -> None:
        """End counting, else clear the search, else the filters."""
        if self.end_reading() or self.query_one(TicketTable).clear():
            return
        if self.filters != EVERYTHING:
            self.use_filters(EVERYTHING)

    @on(Grid.Activated, "BarGrid")
    def _bar_activated(self, event: Grid.Activated) -> None:
        event.stop()
        self.action_open_bar()

    @on(TicketTable.Counted)
    def _counted(self, event: TicketTable.Counted) -> None:
        event.stop()


def _largest_first(each: OpenDepartment) -> tuple[int, str]:
    return (-each.open, each.department)
