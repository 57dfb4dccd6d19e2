"""The roadmap: the table of all projects, its six views, search, and edits in place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.geometry import Region
from textual.widgets import Static

from screens import roadmap_edits as edits
from screens import roadmap_flows as flows
from screens.base import Failed, Page
from screens.keys import Keys
from screens.roadmap_edit import CellEditor, Editing
from screens.roadmap_keys import KEYS, ONLY_IN_TABLE, OWN
from screens.roadmap_rows import (
    COLUMNS,
    LAUNCH,
    NAME,
    PATHS,
    SYNC,
    SYNC_SIGNS,
    Look,
    Row,
    cell,
    first_look,
    look,
    read_sync,
    sync_cell,
    value,
)
from screens.roadmap_state import Showing
from screens.roadmap_timeline import TimelineGrid
from screens.roadmap_views import FilterLine, ViewLine
from screens.safe import line
from screens.widgets.bar import Piece
from screens.widgets.grid import Cell, Grid
from services.sync.status import RowSync
from services.workplace import Workplace
from store.canon import Value
from store.database import connect
from store.fields import BY_PATH, Kind
from store.projects import SORTABLE, Project
from store.views import VIEWS

_SUGGESTED = (Kind.PERSON, Kind.TEXT)


class RoadmapPage(Page):
    """Screen 3."""

    PAGE = "roadmap"
    CSS_PATH = "roadmap.tcss"
    BINDING_GROUP_TITLE = "Roadmap"
    BINDINGS: ClassVar[Keys] = KEYS

    def __init__(self, workplace: Workplace) -> None:
        super().__init__(workplace)
        self.showing = Showing(workplace.ctx.operator)
        self._rows: dict[str, Row] = {}
        self._counts: Mapping[str, int] = {}
        self._sync: dict[str, RowSync] = {}
        self._fresh: set[str] = set()
        self._version: tuple[object, ...] | None = None
        self._editor: CellEditor | None = None
        self._wanted_row: str | None = None
        self._last_column = ""
        self._table = Grid(COLUMNS, self._table_cell, at=NAME, id="table")
        self._timeline = TimelineGrid(self._table_cell)
        self._timeline.display = False

    def compose_content(self) -> ComposeResult:
        yield ViewLine(id="views")
        yield FilterLine(id="filter")
        yield self._table
        yield self._timeline
        yield Static("", id="empty", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(FilterLine).put(self.showing.filter_text)
        for grid in (self._table, self._timeline):
            self.watch(grid, "scroll_y", self._scrolled, init=False)
        with contextlib.closing(connect(self.workplace.path)) as conn:
            query = self.showing.query(self.workplace.today())
            self._apply(first_look(conn, query, self.workplace.gates))
        self.grid.focus()

    def kept(self) -> Mapping[str, object]:
        return {
            **self.showing.kept(),
            "row": self.here,
            "column": self._table.column,
            "timeline": bool(self._timeline.display),
        }

    def restore(self, kept: Mapping[str, object]) -> None:
        self.showing.restore(kept)
        row, column = kept.get("row"), kept.get("column")
        self._wanted_row = row if isinstance(row, str) else None
        if isinstance(column, str):
            self._table.move_to(None, column)
        if kept.get("timeline") is True:
            self._table.display, self._timeline.display = False, True

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        yield "Signs in the Sync column", SYNC_SIGNS

    def commands(self) -> Iterable[tuple[str, str, Callable[[], object]]]:
        for view in VIEWS:
            yield f"View: {view.label}", "", lambda key=view.key: self.action_view(key)  # type: ignore[misc]
        yield "Copy project id", "", self.action_copy_id
        yield "Show what needs attention", "", lambda: self.action_view("needs-attention")

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def grid(self) -> Grid:
        """The grid that is on show: the table or the timeline."""
        return self._timeline if self._timeline.display else self._table

    @property
    def here(self) -> str | None:
        """The project under the cursor."""
        row = self.grid.row
        return row if row in self._rows else None

    @property
    def table_rows(self) -> Sequence[str]:
        """The projects in the table's order."""
        return list(self._rows)

    @property
    def chosen(self) -> list[str]:
        """The selected projects, or the one under the cursor."""
        selected = [each for each in self.grid.selected if each in self._rows]
        return selected or ([self.here] if self.here else [])

    @property
    def state(self) -> str:
        """What the keys are for: ``editing``, ``filtering``, ``timeline`` or ``table``."""
        if self._editor is not None:
            return "editing"
        focused = self.focused
        if focused is not None and isinstance(focused.parent, FilterLine):
            return "filtering"
        return "timeline" if self._timeline.display else "table"

    @property
    def busy(self) -> bool:
        return self._editor is not None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action not in OWN:
            return True
        state = self.state
        if state in ("editing", "filtering"):
            return False
        if state == "timeline":
            return action not in ONLY_IN_TABLE
        column = self._table.column
        return {
            "enter_open": column == NAME,
            "enter_explain": column == SYNC,
            "enter_edit": column not in (NAME, SYNC),
            "edit": column != SYNC,
        }.get(action, True)

    def value_of(self, row: str, path: str) -> Value:
        """A field of a project on show."""
        return value(self._rows[row], path)

    def sync_of(self, row: str) -> RowSync | None:
        """A project's sync state, as far as it was read."""
        return self._sync.get(row)

    def known(self, path: str) -> list[str]:
        """The values of a field among the projects on show, to suggest while typing."""
        if path not in PATHS or BY_PATH[path].kind not in _SUGGESTED or path == NAME:
            return []
        return sorted({str(v) for row in self._rows.values() if (v := value(row, path))})

    def _table_cell(self, row: str, path: str, width: int) -> Cell:
        if path == SYNC:
            return sync_cell(self._sync.get(row))
        return cell(self._rows[row], path, width, self._today)

    async def open_editor(self, editing: Editing, region: Region) -> None:
        """Lay an editor over a cell."""
        self._editor = CellEditor(editing, region, self.size)
        await self.mount(self._editor)
        self.refresh_bindings()

    def close_editor(self) -> None:
        """Back to the table, and up to date again."""
        if self._editor is not None:
            self._editor.remove()
            self._editor = None
            self.grid.focus()
            self.refresh_bindings()
            self.store_changed()

    def put_rows(self, changed: Iterable[Project]) -> None:
        """Show what an edit made of these projects at once; the next look puts them in order."""
        for each in changed:
            if each.project_id in self._rows:
                self._rows[each.project_id] = tuple(each.values[path] for path in PATHS)
        self.grid.touch()

    def put_order(self, order: Sequence[str], at: str) -> None:
        """Show the rows in another order, the cursor on ``at``."""
        self._rows = {each: self._rows[each] for each in order if each in self._rows}
        self._show_rows(at=at)

    def return_to(self, row: str) -> None:
        """Put the cursor on this project as soon as it is in the table."""
        self._wanted_row = row

    # -- keeping up --------------------------------------------------------------------------------

    async def refresh_from_store(self) -> None:
        query = self.showing.query(self.workplace.today())
        found = await self.read(
            look, query, self.workplace.gates, seen=self._version, on_show=self.grid.shown_rows
        )
        if query == self.showing.query(self.workplace.today()):
            self._apply(found)
        else:
            self.store_changed()

    def _apply(self, found: Look) -> None:
        changed = [each for each, sync in found.sync.items() if self._sync.get(each) != sync]
        self._sync.update(found.sync)
        self._fresh = set(found.sync)
        if found.rows is None:
            self.grid.touch(changed)
            return
        if self._editor is not None:
            # Under an open editor values may change, but no row moves: the order comes later.
            self._rows = {each: found.rows.get(each, row) for each, row in self._rows.items()}
            self.grid.touch()
            return
        asked_before, self._version = self._version, found.version or None
        self._rows = dict(found.rows)
        self._counts = self._counts if found.counts is None else found.counts
        asked = (asked_before or ())[1:] != found.version[1:]
        gone = self._table.row not in self._rows
        self._show_rows(at=next(iter(self._rows), None) if asked and gone else None)
        self._show_lines()

    def _show_rows(self, at: str | None = None) -> None:
        if self._wanted_row in self._rows:
            at, self._wanted_row = self._wanted_row, None
        self._table.set_rows(list(self._rows), at=at)
        self._timeline.set_projects(self._rows, self._today, at=at)

    def _show_lines(self) -> None:
        showing, narrows = self.showing, self.showing.filtering.narrows
        views = self.query_one(ViewLine)
        views.current, views.counts = showing.view.key, self._counts
        views.matching = len(self._rows) if narrows else None
        path, descending = showing.sort or (None, False)
        views.sorted_by = "" if path in self._table.shown_columns else showing.sorted_by
        self._table.set_sorted(path, descending=descending)
        problem = showing.filtering.problem
        note = problem or (f"{len(self._rows)} found" if narrows else "")
        self.query_one(FilterLine).note(note, wrong=problem is not None)
        self.set_class(not self._rows, "-empty")
        self.query_one("#empty", Static).update("" if self._rows else self._nothing())
        self._note()

    def _nothing(self) -> str:
        """What to do next where there is no row."""
        if self.showing.filtering.narrows:
            return f"No project matches “{line(self.showing.filter_text)}”. Esc clears the filter."
        if self._counts.get("all"):
            return f"No project is in {self.showing.view.label}. ] shows the next view."
        return "No projects yet. n adds the first one; steerco import FILE brings a workbook."

    def _note(self) -> None:
        pieces = []
        selected = len(self.grid.selected)
        if selected:
            pieces.append(Piece(f"{selected} selected", "bold $key", "screen.select_all"))
        attention = self._counts.get("needs-attention", 0)
        if attention and self.showing.view.key != "needs-attention":
            text = f"{'   ' if pieces else ''}{attention} need attention"
            pieces.append(Piece(text, "$warn", "screen.view('needs-attention')"))
        self.note(*pieces)

    def _scrolled(self) -> None:
        shown = [each for each in self.grid.shown_rows if each in self._rows]
        missing = [each for each in shown if each not in self._fresh]
        if missing:
            self.run_worker(self._read_sync(missing), group="scroll", exclusive=True)

    async def _read_sync(self, rows: Sequence[str]) -> None:
        with contextlib.suppress(Failed):  # the next look says what is wrong
            found = await self.read(read_sync, rows, self.workplace.gates)
            self._sync.update(found)
            self._fresh.update(found)
            self.grid.touch(rows)

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
        self.app.simulate_key("enter")

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

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.showing.use_filter(event.text)
        self.store_changed()

    @on(FilterLine.Done)
    def _filter_done(self, event: FilterLine.Done) -> None:
        if event.cleared:
            self.showing.use_filter("")
            self.store_changed()
        self.grid.focus()
        self.refresh_bindings()

    @on(CellEditor.GivenUp)
    def _editor_given_up(self) -> None:
        self.close_editor()

    @on(CellEditor.Accepted)
    @work(group="save")
    async def _editor_accepted(self, event: CellEditor.Accepted) -> None:
        await edits.save(self, event.editor, event.text)

    # -- actions -----------------------------------------------------------------------------------

    def action_view(self, key: str) -> None:
        """Show a saved view."""
        self.showing.use_view(key)
        self.store_changed()

    def action_step_view(self, step: int) -> None:
        """The next view, or the one before."""
        self.showing.step_view(step)
        self.store_changed()

    def action_filter(self) -> None:
        """Type into the filter line."""
        self.query_one(FilterLine).open()
        self.refresh_bindings()

    def action_narrow(self) -> None:
        """Only the rows with the value of this cell."""
        path = self._table.column
        held = self.value_of(self.here, path) if self.here and path != SYNC else None
        if held is None:
            self.say("This cell has nothing to filter by.")
            return
        self.query_one(FilterLine).put(self.showing.narrow(path, held))
        self.store_changed()

    def action_back(self) -> None:
        """Clear the selection, else the filter, else the sort."""
        if self.grid.selected:
            self.grid.select([])
        elif self.showing.filter_text:
            self.query_one(FilterLine).action_clear()
        elif self.showing.sort is not None:
            self.showing.sort_by(None)
            self.store_changed()

    def action_refresh(self) -> None:
        """Read everything again."""
        self._version = None
        self.store_changed()
        self.workplace.wake()
        self.say(f"read again {self.workplace.now():%H:%M:%S}")

    def action_timeline(self) -> None:
        """Table or timeline; the cursor stays on its project."""
        row = self.here
        to_timeline = not self._timeline.display
        self._timeline.display, self._table.display = to_timeline, not to_timeline
        self.grid.move_to(row)
        self.grid.focus()
        self._note()
        self.refresh_bindings()

    def action_select(self) -> None:
        """Select the row, or no longer, and go on to the next."""
        if self.here is not None:
            self.grid.toggle(self.here)
            self.grid.action_move(1)

    def action_select_all(self) -> None:
        """All rows of the view, or none."""
        everything = len(self.grid.selected) == len(self._rows)
        self.grid.select([] if everything else list(self._rows))

    def action_open(self) -> None:
        """Open the project."""
        if self.here is not None:
            self.shell.open_project(self.here)

    def action_enter_open(self) -> None:
        """Enter on the name."""
        self.action_open()

    async def action_enter_edit(self) -> None:
        """Enter on a cell."""
        await self.action_edit()

    async def action_edit(self) -> None:
        """Open the editor over the cell; in the timeline over the launch target."""
        path = LAUNCH if self._timeline.display else self._table.column
        await edits.open_editor(self, path)

    @work(group="save")
    async def action_move_row(self, step: int) -> None:
        """Change places with the next row of the same priority band."""
        await edits.move(self, step)

    @work(group="save")
    async def action_undo(self) -> None:
        """Undo my last edit, by a new one."""
        await edits.undo(self, redo=False)

    @work(group="save")
    async def action_redo(self) -> None:
        """Do what was undone again."""
        await edits.undo(self, redo=True)

    @work(group="dialog")
    async def action_new(self) -> None:
        """A new project."""
        await flows.new(self)

    @work(group="dialog")
    async def action_delete(self) -> None:
        """Delete, after naming what goes."""
        await flows.delete(self)

    @work(group="dialog")
    async def action_sort(self) -> None:
        """Sort by any field."""
        await flows.sort(self)

    @work(group="dialog")
    async def action_export(self) -> None:
        """Write this view to a file."""
        await flows.export(self)

    @work(group="dialog")
    async def action_enter_explain(self) -> None:
        """What the Sync column says of this project, in sentences."""
        await flows.explain(self)

    @work(group="copy")
    async def action_copy(self) -> None:
        """Copy the cell."""
        await edits.copy_text(self, edits.cell_text(self, self._table.column))

    @work(group="copy")
    async def action_copy_row(self) -> None:
        """Copy the row: its id and its fields, separated by tabs."""
        await edits.copy_text(self, edits.row_text(self))

    @work(group="copy")
    async def action_copy_id(self) -> None:
        """Copy the project's id."""
        await edits.copy_text(self, self.here or "")
