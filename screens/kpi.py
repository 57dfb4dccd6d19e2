"""The KPIs: tiles, trends, department rollup, ticket query; each figure opens its tickets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Static

from screens.dialogs import Choose, EditLine
from screens.figures import EMPTY, FigurePage, filters_kept, filters_of
from screens.keys import Keys, key
from screens.ticket_lists import Behind, narrowed_to
from screens.widgets.bar import Piece
from screens.widgets.choices import Choice
from screens.widgets.figure_line import FigureLine
from screens.widgets.grid import Grid
from screens.widgets.kpi_chart import Chart
from screens.widgets.kpi_departments import DepartmentGrid
from screens.widgets.kpi_tiles import TileRow
from screens.widgets.kpi_trends import Trends
from screens.widgets.pane_line import PaneLine
from screens.widgets.ticket_table import Found, TicketTable
from services.kpis import periods, words
from services.kpis.answers import Overview
from services.kpis.board import Board
from services.kpis.measures import FURTHER_TILES, TILES
from services.kpis.selection import EVERYTHING, Period, Selection
from services.workplace import Workplace

PANES = {"trends": "Trends", "departments": "Departments", "tickets": "Tickets"}
OTHER = "other"
_ONE_DAY = dt.timedelta(days=1)


class KpiPage(FigurePage):
    """Screen 1."""

    PAGE = "kpi"
    BINDING_GROUP_TITLE = "KPIs"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["kpi.tcss", "filter_line.tcss"]
    BINDINGS: ClassVar[Keys] = [
        key("enter", "open_department", "tickets", "The closed tickets of this department",
            id="kpi.department"),
        key("p", "period", "period", "Another period", id="kpi.period"),
        key("m", "more", "more figures", "The further figures, or the first four", id="kpi.more"),
        key("]", "step_pane(1)", "next", "Trends, departments, tickets", id="kpi.next",
            group="below"),
        key("[", "step_pane(-1)", "before", "The part before", id="kpi.before", group="below"),
        key("tab,shift+tab", "other", "tiles/below", "Between the tiles and what is below",
            id="kpi.other", show=False),
        key("s", "sort", "sort", "Sort by any column", id="kpi.sort"),
        key("escape", "back", "back", "End counting, or clear the search or the filters",
            id="kpi.back", show=False),
    ]  # fmt: skip

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self.period_text = periods.USUAL
        self.further = False
        self._overview: Overview | None = None
        self._held = 0

    def compose_content(self) -> ComposeResult:
        yield FigureLine(id="figure-line")
        with Vertical(id="figures"):
            yield TileRow(id="tiles")
            yield PaneLine(PANES, id="panes")
            yield Trends(id="trends")
            yield DepartmentGrid(id="departments")
            yield TicketTable(self._all_tickets(), id="tickets")
        yield Static("", id="instead", markup=False)

    def on_mount(self) -> None:
        self._show_pane(self._pane)
        self.query_one("#instead").display = False
        self.query_one(FigureLine).period = self.period
        self.query_one(FigureLine).filters = self.filters
        self.query_one(TileRow).focus()

    _pane = "trends"
    _told_of = ""

    # -- what is asked for ---------------------------------------------------------------------

    @property
    def period(self) -> Period:
        """The period in force; it moves along with today."""
        return periods.period_of(self.period_text, self.workplace.today_utc())

    def _all_tickets(self) -> Behind:
        return Behind(Selection("tickets", None, self.filters), "Tickets")

    def question(self) -> object:
        table = self.query_one(TicketTable)
        shown = (table.text, table.sort) if self._pane == "tickets" else None
        return (self.period, self.filters, self.further, shown)

    def kept(self) -> Mapping[str, object]:
        return {
            "period": self.period_text,
            "filters": filters_kept(self.filters),
            "further": self.further,
            "pane": self._pane,
        }

    def restore(self, kept: Mapping[str, object]) -> None:
        text, filters, pane = kept.get("period"), kept.get("filters"), kept.get("pane")
        if isinstance(text, str) and _judge_period(text) is None:
            self.period_text = text
        if isinstance(filters, Mapping):
            self.filters = filters_of(filters)
        if isinstance(pane, str) and pane in PANES:
            self._pane = pane
        self.further = kept.get("further") is True

    # -- what is shown -------------------------------------------------------------------------

    async def read_figures(self) -> None:
        period, filters = self.period, self.filters
        tiles = FURTHER_TILES if self.further else TILES
        table = self.query_one(TicketTable)
        listing = table.question(self._all_tickets()) if self._pane == "tickets" else None

        def ask(board: Board) -> tuple[int, Overview, Found | None]:
            held = board.holdings().tickets

            def overview() -> Overview:
                return board.overview(period, filters, tiles)

            if listing is None or not held:
                return held, overview(), None
            return held, *board.both(overview, lambda: listing(board))

        self._held, overview, listed = await self.ask("figures", ask)
        self._overview = overview
        with self.app.batch_update():
            self._show(overview)
            if listed is not None:
                table.show(listed)

    def _show(self, found: Overview) -> None:
        head = self.query_one(FigureLine)
        head.period, head.filters = self.period, self.filters
        head.policy, head.tickets = found.policy_version, found.tickets
        self.query_one(TileRow).show(found.tiles)
        self.query_one(Trends).show(found.series, f"{self.workplace.today_utc():%Y-%m}")
        self.query_one(DepartmentGrid).show(found.departments)
        self.query_one(PaneLine).counts = {
            "departments": f"{len(found.departments):,}",
            "tickets": f"{found.tickets:,}",
        }
        if self._held:
            self._note()
        self.show_instead("" if self._held else EMPTY)

    def first_focus(self) -> Widget:
        return self.query_one(TileRow)

    def show_trouble(self, sentence: str) -> None:
        self._held = 0
        self.show_instead(f"There are no figures: {sentence}.")

    def _note(self) -> None:
        before = narrowed_to(self.period.before(), EVERYTHING)
        self.note(Piece(f"  vs {before}", "$quiet", "screen.period"))
        self._tell_tile()

    def _tell_tile(self) -> None:
        """What the figure under the cursor means, as long as the cursor is there."""
        tiles = self.query_one(TileRow)
        measure = tiles.tile.measure if tiles.tile is not None and tiles.has_focus else None
        told = "" if measure is None else measure.help
        if told != self._told_of:
            self._told_of = told
            self.say(told, brief="" if measure is None else measure.brief)

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        yield "Figures", [(each.label, each.help) for each in (*TILES, *FURTHER_TILES)]
        yield (
            "Signs",
            [
                ("▲ ▼ =", "higher, lower or the same as in the period before; better or worse"),
                ("p85", "85 of 100 tickets took no longer"),
                ("n", "the tickets behind a figure: Enter lists exactly these"),
                ("·", "a month without data"),
                ("◆", "the month under the cursor"),
                ("↺", "was done and was opened again"),
            ],
        )

    def commands(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        for name, label in periods.CHOICES.items():
            yield f"Period: {label}", "", lambda name=name: self.use_period(name)  # type: ignore[misc]
        for name, label in PANES.items():
            yield f"Show: {label}", "", lambda name=name: self.action_pane(name)  # type: ignore[misc]
        yield "All departments, types, priorities", "", lambda: self.use_filters(EVERYTHING)

    # -- which keys work -----------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self._searching and action not in ("palette", "help"):
            return False
        match action:
            case "open_department":
                return self.query_one(DepartmentGrid).has_focus
            case "sort":
                return self.query_one(DepartmentGrid).has_focus
            case "more" | "step_pane" | "other" | "narrow" | "period":
                return bool(self._held)
            case _:
                return True

    @property
    def _searching(self) -> bool:
        table = self.query_one(TicketTable)
        return table.typing

    # -- keys ----------------------------------------------------------------------------------

    @work(group="dialog")
    async def action_period(self) -> None:
        """Choose another period, or write one."""
        choices = [Choice(name, label) for name, label in periods.CHOICES.items()]
        choices.append(Choice(OTHER, "Another one …", note="2026-03, 2026-Q1, 2026, or two days"))
        current = self.period_text if self.period_text in periods.CHOICES else OTHER
        answer = await self.app.push_screen_wait(Choose("Period", choices, current=current))
        if answer == OTHER:
            period = self.period
            written = f"{period.start} {period.end - _ONE_DAY}"
            answer = await self.app.push_screen_wait(
                EditLine("A month, a quarter, a year, or the first and the last day", written,
                         judge=_judge_period)
            )  # fmt: skip
        if answer is not None:
            self.use_period(answer)

    def use_period(self, text: str) -> None:
        """Count another period."""
        self.period_text = text
        self.read_again()

    def action_more(self) -> None:
        """The further figures, or the first four."""
        self.further = not self.further
        self.read_again()

    def action_pane(self, name: str) -> None:
        """Show a part, and go there."""
        self._show_pane(name)
        self._enter()
        if name == "tickets":
            self.read_again()
        self.refresh_bindings()

    def action_step_pane(self, step: int) -> None:
        """The next part, or the one before."""
        names = list(PANES)
        self.action_pane(names[(names.index(self._pane) + step) % len(names)])

    def action_chart(self, name: str) -> None:
        """Go to a chart."""
        self.query_one(Trends).go(name)

    def action_other(self) -> None:
        """Between the tiles and what is below."""
        if self.query_one(TileRow).has_focus:
            self._enter()
        else:
            self.query_one(TileRow).focus()

    def action_open_department(self) -> None:
        """The closed tickets of the department."""
        here = self.query_one(DepartmentGrid).here
        if here is not None:
            about = narrowed_to(here.selection.period, here.selection.filters)
            self.drill(Behind(here.selection, "Closed", about, "closed"))

    @work(group="dialog")
    async def action_sort(self) -> None:
        """Sort the departments."""
        from screens.widgets.kpi_departments import COLUMNS

        choices = [Choice(each.key, each.label) for each in COLUMNS]
        grid = self.query_one(DepartmentGrid)
        answer = await self.app.push_screen_wait(Choose("Sort by", choices, current=grid.by[0]))
        if answer is not None:
            grid.sort_by(answer)

    def action_back(self) -> None:
        """End counting, else clear the search, else the filters."""
        table = self.query_one(TicketTable)
        if self.end_reading() or (self._pane == "tickets" and table.clear()):
            return
        if self.filters != EVERYTHING:
            self.use_filters(EVERYTHING)

    # -- panes ---------------------------------------------------------------------------------

    def _show_pane(self, name: str) -> None:
        self._pane = name
        for each in PANES:
            self.query_one(f"#{each}", Widget).display = each == name
        line = self.query_one(PaneLine)
        line.current = name
        line.more = self.query_one(Trends).pieces() if name == "trends" else ()

    def _enter(self) -> None:
        """Put the focus into the part that is shown."""
        match self._pane:
            case "trends":
                self.query_one(Trends).enter()
            case "departments":
                self.query_one(DepartmentGrid).focus()
            case _:
                self.query_one(TicketTable).grid.focus()

    @on(Trends.Here)
    def _chart_here(self) -> None:
        line = self.query_one(PaneLine)
        line.more = self.query_one(Trends).pieces() if self._pane == "trends" else ()

    @on(Trends.Left)
    def _up_from_charts(self) -> None:
        self.query_one(TileRow).focus()

    @on(TileRow.Left)
    def _down_from_tiles(self) -> None:
        self._enter()

    @on(TileRow.Moved)
    def _tile_moved(self) -> None:
        self._tell_tile()

    # -- drilling down -------------------------------------------------------------------------

    @on(TileRow.Opened)
    def _tile_opened(self, event: TileRow.Opened) -> None:
        tile = event.tile
        about = narrowed_to(tile.selection.period, tile.selection.filters)
        figure = words.with_unit(tile.figure.value, tile.measure.unit)
        self.drill(
            Behind(tile.selection, f"{tile.measure.label} {figure}", about, tile.measure.key)
        )

    @on(Chart.Opened)
    def _month_opened(self, event: Chart.Opened) -> None:
        about = narrowed_to(event.selection.period, event.selection.filters)
        self.drill(Behind(event.selection, event.title, about, event.selection.measure))

    @on(Grid.Activated, "#departments")
    def _department_activated(self, event: Grid.Activated) -> None:
        event.stop()
        self.action_open_department()

    @on(Grid.HeaderClicked, "#departments")
    def _department_header(self, event: Grid.HeaderClicked) -> None:
        event.stop()
        self.query_one(DepartmentGrid).sort_by(event.column)


def _judge_period(text: str) -> str | None:
    """What is wrong with a period as it is written; None where nothing is."""
    try:
        periods.period_of(text, dt.date(2026, 1, 1))
    except ValueError as error:
        return str(error)
    return None
