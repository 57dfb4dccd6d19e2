"""The roadmap: the table of all projects, its six views, search, and edits in place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from screens.base import Failed, Page
from screens.keys import Keys
from screens.roadmap_held import Held
from screens.roadmap_keys import IN_TABLE_ONLY, KEYS, OWN
from screens.roadmap_rows import (
    COLUMNS,
    LAUNCH,
    NAME,
    SYNC,
    SYNC_SIGNS,
    Look,
    cell,
    columns_for,
    first_look,
    look,
    read_sync,
    sync_cell,
)
from screens.roadmap_state import Showing
from screens.roadmap_views import ViewLine
from screens.safe import line
from screens.timeline import AXIS
from screens.widgets.bar import Piece
from screens.widgets.grid import Cell, Grid
from services.workplace import Workplace
from store.database import connect
from store.projects import SORTABLE, Project
from store.views import VIEWS

if TYPE_CHECKING:
    from screens.roadmap_edit import CellEditor
    from screens.roadmap_timeline import TimelineGrid
    from screens.widgets.filter_line import FilterLine


class RoadmapPage(Page):
    """Screen 3. What its keys do to projects stands in ``roadmap_deeds``; the filter line, the
    timeline and the cell editor are made when they are first wanted."""

    PAGE = "roadmap"
    CSS_PATH: ClassVar[list[str | PurePath]] = ["roadmap.tcss", "filter_line.tcss"]
    BINDING_GROUP_TITLE = "Roadmap"
    BINDINGS: ClassVar[Keys] = KEYS

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self.showing = Showing(workplace.ctx.operator)
        self.held = Held()
        self._wanted_row: str | None = None
        self._puts = 0
        self._wanted_timeline = False
        self._last_column = ""
        self._table = Grid(COLUMNS, self._table_cell, at=NAME, id="table")
        self._timeline: TimelineGrid | None = None
        self._filter: FilterLine | None = None
        self._editor: CellEditor | None = None
        # What comes and goes has its parent painted again: this one is as small as the editor.
        self._over_cell = Container(id="over-cell")
        self._empty: Static | None = None
        self._one_at_a_time = asyncio.Lock()

    def compose_content(self) -> ComposeResult:
        yield ViewLine(id="views")
        if self.showing.filter_text:
            yield self._filter_line()
        yield self._table
        yield self._over_cell

    def on_mount(self) -> None:
        with contextlib.closing(connect(self.workplace.path)) as conn:
            query = self.showing.query(self.workplace.today())
            self._apply(first_look(conn, query, self.workplace.gates))
        if self._wanted_timeline:
            self.call_next(self.action_timeline)
        self.grid.focus()

    def kept(self) -> Mapping[str, object]:
        return {
            **self.showing.kept(),
            "row": self.here,
            "column": self._table.column,
            "timeline": self.in_timeline,
        }

    def restore(self, kept: Mapping[str, object]) -> None:
        self.showing.restore(kept)
        row, column = kept.get("row"), kept.get("column")
        self._wanted_row = row if isinstance(row, str) else None
        self._wanted_timeline = kept.get("timeline") is True
        if isinstance(column, str):
            self._table.move_to(None, column)

    def use_columns(self, names: Sequence[str]) -> None:
        self._table.set_columns(columns_for(names))

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        yield "Signs in the Sync column", SYNC_SIGNS

    def commands(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        for view in VIEWS:
            yield f"View: {view.label}", "", lambda key=view.key: self.action_view(key)  # type: ignore[misc]
        yield "Copy project id", "", lambda: self.action_do("copy_id")

    # -- what is under the cursor ------------------------------------------------------------------

    @property
    def in_timeline(self) -> bool:
        """Whether the timeline is on show, not the table."""
        return self._timeline is not None and bool(self._timeline.display)

    @property
    def grid(self) -> Grid:
        """The grid that is on show."""
        return self._timeline if self._timeline is not None and self.in_timeline else self._table

    @property
    def here(self) -> str | None:
        """The project under the cursor."""
        row = self.grid.row
        return row if row in self.held.rows else None

    @property
    def column(self) -> str:
        """The field under the cursor; in the timeline that is the launch target."""
        return LAUNCH if self.in_timeline else self._table.column

    @property
    def cell_column(self) -> str:
        """The grid's column that shows ``column``."""
        return AXIS if self.in_timeline else self._table.column

    @property
    def chosen(self) -> list[str]:
        """The selected projects, or the one under the cursor."""
        selected = [each for each in self.grid.selected if each in self.held.rows]
        return selected or ([self.here] if self.here else [])

    # -- which keys work ---------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """What the keys are for: ``editing``, ``filtering``, ``timeline`` or ``table``."""
        if self._editor is not None:
            return "editing"
        if self._filter is not None and self.focused in self._filter.children:
            return "filtering"
        return "timeline" if self.in_timeline else "table"

    @property
    def busy(self) -> bool:
        return self._editor is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action not in OWN:
            return True
        state, deed = self.state, str(parameters[0]) if action == "do" else action
        if state in ("editing", "filtering"):
            return False
        if state == "timeline":
            return deed not in IN_TABLE_ONLY
        column = self._table.column
        return {
            "open_name": column == NAME,
            "explain": column == SYNC,
            "edit_cell": column not in (NAME, SYNC),
            "edit": column != SYNC,
        }.get(deed, True)

    # -- keeping up --------------------------------------------------------------------------------

    async def refresh_from_store(self) -> None:
        query, puts = self.showing.query(self.workplace.today()), self._puts
        found = await self.read(
            look, query, self.workplace.gates, seen=self.held.version, on_show=self.grid.shown_rows
        )
        # What was read before an edit was put on the screen would take it back for a moment.
        if puts == self._puts and query == self.showing.query(self.workplace.today()):
            self._apply(found)
        else:
            self.store_changed()

    def _apply(self, found: Look) -> None:
        changed = self.held.take_sync(found.sync)
        if found.rows is None:
            self.grid.touch(changed)
        elif self._editor is not None:
            # Under an open editor values may change, but no row moves: the order comes later.
            self.held.take_values(found.rows)
            self.grid.touch()
        else:
            other_question = self.held.take_rows(found)
            to_top = other_question and self.here is None
            self._show_rows(at=next(iter(self.held.rows), None) if to_top else None)
            self._show_lines()
        self._read_doubtful()  # what came on show while it was read

    def _show_rows(self, at: str | None = None) -> None:
        if self._wanted_row in self.held.rows:
            at, self._wanted_row = self._wanted_row, None
        self._table.set_rows(self.held.order, at=at)
        if self._timeline is not None:
            self._timeline.set_projects(self.held.rows, self.workplace.today(), at=at)

    def _show_lines(self) -> None:
        showing, narrows = self.showing, self.showing.filtering.narrows
        views = self.query_one(ViewLine)
        views.current, views.counts = showing.view.key, self.held.counts
        views.matching = len(self.held.rows) if narrows else None
        path, descending = showing.sort or (None, False)
        views.sorted_by = "" if path in self._table.shown_columns else showing.sorted_by
        self._table.set_sorted(path, descending=descending)
        if self._filter is not None:
            problem = showing.filtering.problem
            note = problem or (f"{len(self.held.rows)} found" if narrows else "")
            self._filter.note(note, wrong=problem is not None)
        self._say_empty()
        self._note()

    def _say_empty(self) -> None:
        """Where there is no row, say what to do next."""
        self.set_class(not self.held.rows, "-empty")
        if self.held.rows:
            return
        if self._empty is None:
            self._empty = Static("", id="empty", markup=False)
            self.mount(self._empty, after=self._table)
        if self.showing.filtering.narrows:
            text = f"No project matches “{line(self.showing.filter_text)}”. Esc clears the filter."
        elif self.held.counts.get("all"):
            text = f"No project is in {self.showing.view.label}. ] shows the next view."
        else:
            text = "No projects yet. n adds the first one; steerco import FILE brings a workbook."
        self._empty.update(text)

    def _note(self) -> None:
        pieces = []
        selected = len(self.grid.selected)
        if selected:
            pieces.append(Piece(f"{selected} selected", "bold $key", "screen.back"))
        attention = self.held.counts.get("needs-attention", 0)
        if attention and self.showing.view.key != "needs-attention":
            text = f"{'   ' if pieces else ''}{attention} need attention"
            pieces.append(Piece(text, "$warn", "screen.view('needs-attention')"))
        self.note(*pieces)

    def _table_cell(self, row: str, path: str, width: int) -> Cell:
        if path == SYNC:
            return sync_cell(self.held.sync.get(row), width)
        return cell(self.held.rows[row], path, width, self._today)

    @on(Grid.Shown)
    def _read_doubtful(self) -> None:
        """A row that was not on show has the sync state of an earlier look."""
        doubtful = self.held.in_doubt(self.grid.shown_rows)
        if doubtful:
            self._read_sync(doubtful)

    @work(group="scroll", exclusive=True)
    async def _read_sync(self, rows: Sequence[str]) -> None:
        with contextlib.suppress(Failed):  # the next look says what is wrong
            self.held.add_sync(await self.read(read_sync, rows, self.workplace.gates))
            self.grid.touch(rows)

    # -- what an edit shows at once ----------------------------------------------------------------

    async def open_editor(self, editor: CellEditor) -> None:
        """Lay an editor over its cell."""
        self._editor = editor
        self._over_cell.styles.offset = editor.at
        await self._over_cell.mount(editor)
        self.refresh_bindings()

    def on_resize(self) -> None:
        self.call_after_refresh(self._follow_cell)

    def _follow_cell(self) -> None:
        """Keep an open editor over its cell when the terminal's size has changed."""
        if self._editor is not None and self.here is not None:
            self.grid.move_to(self.here)
            region = self.grid.cell_region(self.here, self.cell_column)
            if region is not None:
                self._editor.place(region, self.size)
                self._over_cell.styles.offset = self._editor.at

    def close_editor(self) -> None:
        """Back to the table, and up to date again."""
        if self._editor is not None:
            # Not ``grid.focus()``, which paints all of the grid, and before the editor goes.
            self.set_focus(self.grid)
            self._editor.remove()
            self._editor = None
            self.refresh_bindings()
            self.call_after_refresh(self.store_changed)

    def put_rows(self, changed: Iterable[Project]) -> None:
        """Show what an edit made of these projects; the next look puts them in order."""
        self._puts += 1
        self.grid.touch(self.held.put(changed))

    def put_order(self, order: Sequence[str], at: str) -> None:
        """Show the rows in another order, the cursor on ``at``."""
        self._puts += 1
        self.held.put_order(order)
        self._show_rows(at=at)

    def return_to(self, row: str) -> None:
        """Put the cursor on this project as soon as it is in the table."""
        self._wanted_row = row

    # -- what happens in the widgets ---------------------------------------------------------------

    @on(Grid.Moved)
    def _cursor_moved(self, event: Grid.Moved) -> None:
        event.stop()
        if event.column != self._last_column:
            self._last_column = event.column
            self.refresh_bindings()

    @on(Grid.Activated)
    def _cell_activated(self, event: Grid.Activated) -> None:
        event.stop()
        if self.in_timeline or event.column == NAME:
            self.action_open()
        else:
            self.action_do("explain" if event.column == SYNC else "edit")

    @on(Grid.HeaderClicked)
    def _header_clicked(self, event: Grid.HeaderClicked) -> None:
        event.stop()
        if event.column not in SORTABLE:
            self.say("The Sync column can't be sorted by.")
            return
        self.showing.click_header(event.column)
        self.store_changed()

    @on(Grid.SelectionChanged)
    def _selection_changed(self, event: Grid.SelectionChanged) -> None:
        event.stop()
        self._note()

    def on_filter_line_changed(self, event: FilterLine.Changed) -> None:
        self.showing.use_filter(event.text)
        self.store_changed()

    def on_filter_line_done(self, event: FilterLine.Done) -> None:
        if event.cleared:
            self.showing.use_filter("")
            self.store_changed()
        self.grid.focus()
        self.refresh_bindings()

    def on_cell_editor_given_up(self) -> None:
        self.close_editor()

    def on_cell_editor_accepted(self, event: CellEditor.Accepted) -> None:
        from screens.roadmap_edits import save

        self.run_worker(save(self, event.editor, event.text), group="save")

    # -- actions -----------------------------------------------------------------------------------

    def action_do(self, deed: str) -> None:
        """What a key does to projects, one after the other."""
        self.run_worker(self._do(deed), group="deed", name=deed)

    async def _do(self, deed: str) -> None:
        from screens.roadmap_deeds import DEEDS

        async with self._one_at_a_time:
            await DEEDS[deed](self)

    def action_view(self, key: str) -> None:
        """Show a saved view."""
        self.showing.use_view(key)
        self.store_changed()

    def action_step_view(self, step: int) -> None:
        """The next view, or the one before."""
        self.showing.step_view(step)
        self.store_changed()

    def _filter_line(self) -> FilterLine:
        if self._filter is None:
            from screens.widgets.filter_line import FilterLine
            from services.filtering import CHIPS

            chips = " ".join(f"{chip}:" for chip in CHIPS)
            self._filter = FilterLine(self.showing.filter_text, f"text, or {chips}")
            if self._table.is_attached:
                self.mount(self._filter, before=self._table)
        return self._filter

    def action_filter(self) -> None:
        """Type into the filter line."""
        self._filter_line().open()

    def action_narrow(self) -> None:
        """Only the rows with the value of this cell."""
        path = self._table.column
        held = self.held.value(self.here, path) if self.here and path != SYNC else None
        if held is None:
            self.say("This cell has nothing to filter by.")
            return
        text = self.showing.narrow(path, held)
        self._filter_line().put(text)
        self.store_changed()

    def action_back(self) -> None:
        """Clear the selection, else the filter, else the sort."""
        if self.grid.selected:
            self.grid.select([])
        elif self._filter is not None and self.showing.filter_text:
            self._filter.action_clear()
        elif self.showing.sort is not None:
            self.showing.sort_by(None)
            self.store_changed()

    def action_refresh(self) -> None:
        """Read everything again."""
        self.held.version = None
        self.store_changed()
        self.workplace.wake()
        self.say(f"read again {self.workplace.now():%H:%M:%S}")

    async def action_timeline(self) -> None:
        """Table or timeline; the cursor stays on its project."""
        row, to_timeline, selected = self.here, not self.in_timeline, self.grid.selected
        if self._timeline is None:
            from screens.roadmap_timeline import TimelineGrid

            self._timeline = TimelineGrid(self._table_cell)
            await self.mount(self._timeline, after=self._table)
            self._timeline.set_projects(self.held.rows, self.workplace.today(), at=row)
        self._timeline.display, self._table.display = to_timeline, not to_timeline
        self.grid.move_to(row)
        self.grid.select(selected)
        self.grid.focus()
        self.refresh_bindings()

    def action_select(self) -> None:
        """Select the row, or no longer, and go on to the next."""
        if self.here is not None:
            self.grid.toggle(self.here)
            self.grid.action_move(1)

    def action_select_all(self) -> None:
        """All rows of the view, or none."""
        everything = len(self.grid.selected) == len(self.held.rows)
        self.grid.select([] if everything else list(self.held.rows))

    def action_open(self) -> None:
        """Open the project."""
        if self.here is not None:
            self.shell.open_project(self.here)

    def action_conflicts(self) -> None:
        """The project's conflicts."""
        if self.here is not None:
            self.open_conflicts(self.here)

    def action_open_name(self) -> None:
        """Enter on the name."""
        self.action_open()
