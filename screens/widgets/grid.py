"""A table of any length: only the lines on show are made, so 10,000 rows cost what 50 cost.

Rows are known by key. The grid holds the keys' order, the cursor and the selection; what a cell
says is asked of the page line by line. New rows, a new order or new cells never move the cursor
off its row, nor the scroll position under the reader's eyes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from screens.keys import Keys, key
from screens.safe import fit, line
from screens.widgets.columns import Column, fit_columns

GUTTER = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a cell that has a tone of its own."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` may hold anything; ``tone`` is a theme colour's name (``bad``, ``quiet``, …) with an
    optional leading ``bold ``. ``parts`` stand in the text's place and fill the width exactly."""

    text: str
    tone: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Anchor:
    """What must not move under the reader's eyes: the row ``key`` (None: there are no rows) on a
    line of the table; ``top`` is the number of the first row on show, for where that row goes."""

    key: str | None
    line: int
    top: int

    def top_among(self, rows: Sequence[str]) -> int:
        """The number of the first row on show once the table holds these rows."""
        at = place_of(self.key, rows)
        return min(self.top, max(0, len(rows) - 1)) if at is None else max(0, at - self.line)


def place_of(key: str | None, rows: Sequence[str]) -> int | None:
    """The number of a row; None where it is not among them."""
    try:
        return None if key is None else rows.index(key)
    except ValueError:
        return None


class Grid(ScrollView, can_focus=True):
    """The virtual table."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "Moving about"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "grid--header",
        "grid--header-sorted",
        "grid--row-cursor",
        "grid--cell-cursor",
        "grid--cell-cursor-blurred",
        "grid--row-selected",
    }
    BINDINGS: ClassVar[Keys] = [
        key("down,j", "move(1)", "down", "One row down", id="grid.down", show=False),
        key("up,k", "move(-1)", "up", "One row up", id="grid.up", show=False),
        key("left,h", "aside(-1)", "left", "One column left", id="grid.left", show=False),
        key("right,l", "aside(1)", "right", "One column right", id="grid.right", show=False),
        key("pagedown", "page(1)", "page down", "A page down", id="grid.pagedown", show=False),
        key("pageup", "page(-1)", "page up", "A page up", id="grid.pageup", show=False),
        key("home,g", "edge(-1)", "first", "To the first row", id="grid.first", show=False),
        key("end,G", "edge(1)", "last", "To the last row", id="grid.last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another cell; ``row`` is None where there are no rows."""

        def __init__(self, grid: Grid, row: str | None, column: str) -> None:
            super().__init__()
            self.grid, self.row, self.column = grid, row, column

        @property
        def control(self) -> Grid:
            return self.grid

    class Activated(Message):
        """A cell was double-clicked."""

        def __init__(self, grid: Grid, row: str, column: str) -> None:
            super().__init__()
            self.grid, self.row, self.column = grid, row, column

        @property
        def control(self) -> Grid:
            return self.grid

    class HeaderClicked(Message):
        """A column's header was clicked."""

        def __init__(self, grid: Grid, column: str) -> None:
            super().__init__()
            self.grid, self.column = grid, column

        @property
        def control(self) -> Grid:
            return self.grid

    class SelectionChanged(Message):
        """Other rows are selected."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Grid:
            return self.grid

    class Shown(Message):
        """Other rows may be on show: it was scrolled, has another size, or holds other rows."""

        def __init__(self, grid: Grid) -> None:
            super().__init__()
            self.grid = grid

        @property
        def control(self) -> Grid:
            return self.grid

    def __init__(
        self,
        columns: Sequence[Column],
        cell: Callable[[str, str, int], Cell],
        *,
        cursor: Literal["cell", "row"] = "cell",
        at: str | None = None,
        header: Callable[[str, int], str | None] = lambda _column, _width: None,
        id: str | None = None,
    ) -> None:
        """``cell(row, column, width)`` says what a cell shows in that many cells, ``header`` what
        stands over a column in the place of its label; the cursor starts in the column ``at``."""
        super().__init__(id=id)
        self._columns = list(columns)
        self._cell = cell
        self._header_of = header
        self._by_cell = cursor == "cell"
        self._rows: list[str] = []
        self._places: dict[str, int] | None = None
        self._row = 0
        self._column = at or columns[0].key
        self._selected: dict[str, None] = {}
        self._sorted: tuple[str, bool] | None = None
        self._widths: dict[str, int] = {}
        self._gap = 1
        self._tones: dict[str, Style] = {}

    # -- what it holds -------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[str]:
        """The rows' keys in order."""
        return self._rows

    @property
    def row(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._row] if self._rows else None

    @property
    def column(self) -> str:
        """The key of the column under the cursor."""
        return self._column

    @property
    def shown_columns(self) -> list[str]:
        """The columns that fit."""
        return list(self._widths)

    @property
    def shown_rows(self) -> list[str]:
        """The keys of the rows on show."""
        top = self._top
        return self._rows[top : top + self._height]

    @property
    def selected(self) -> list[str]:
        """The selected rows that exist, in the order of the table."""
        return [each for each in self._rows if each in self._selected]

    @property
    def columns(self) -> Sequence[str]:
        """All columns, also those that do not fit."""
        return [column.key for column in self._columns]

    @property
    def anchored_at(self) -> Anchor:
        """What ``set_rows`` keeps in its place."""
        if not self._rows:
            return Anchor(None, 0, 0)
        top = self._top
        if top <= self._row < top + max(1, self._height):
            return Anchor(self._rows[self._row], self._row - top, top)
        return Anchor(self._rows[min(top, len(self._rows) - 1)], 0, top)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns, before the grid is shown."""
        self._columns = list(columns)

    def set_rows(self, rows: Sequence[str], *, at: str | None = None) -> None:
        """Show these rows. The cursor stays on its row (or goes to ``at``); a row that went leaves
        it where it was. What was under the reader's eyes stays there."""
        before = self.anchored_at
        kept = at if at is not None else self.row
        self._rows = list(rows)
        self._places = None
        place = place_of(kept, self._rows)
        self._row = min(self._row, max(0, len(self._rows) - 1)) if place is None else place
        gone = [each for each in self._selected if each not in self._at] if self._selected else []
        for each in gone:
            del self._selected[each]
        self.virtual_size = Size(0, len(self._rows) + 1)
        anchored = place if before.key == kept else place_of(before.key, self._rows)
        if anchored is not None and at is None:
            self._scroll_to_row(anchored - before.line)
        else:
            self._show_cursor()
        self.refresh()
        self.post_message(self.Shown(self))
        if gone:
            self.post_message(self.SelectionChanged(self))

    def touch(self, rows: Iterable[str] | None = None) -> None:
        """Repaint these rows' cells (None: all); costs nothing for rows that are not on show."""
        if rows is None:
            self.refresh()
            return
        top = self._top
        for each in rows:
            at = self._at.get(each, -1)
            if top <= at < top + self._height:
                self._refresh_row(at)

    def move_to(self, row: str | None, column: str | None = None) -> None:
        """Put the cursor on a row and a column."""
        if row is not None and row in self._at:
            self._row = self._at[row]
        if column is not None and column in {c.key for c in self._columns}:
            self._column = column
        self._show_cursor()
        self.refresh()
        self._moved()

    def set_sorted(self, column: str | None, *, descending: bool = False) -> None:
        """Mark the column the rows are sorted by."""
        self._sorted = None if column is None else (column, descending)
        self.refresh()

    def toggle(self, row: str) -> None:
        """Select a row, or no longer."""
        if row in self._selected:
            del self._selected[row]
        else:
            self._selected[row] = None
        self.touch([row])
        self.post_message(self.SelectionChanged(self))

    def select(self, rows: Iterable[str]) -> None:
        """Select exactly these rows."""
        self._selected = dict.fromkeys(each for each in rows if each in self._at)
        self.refresh()
        self.post_message(self.SelectionChanged(self))

    def cell_region(self, row: str, column: str) -> Region | None:
        """Where a cell is on the screen; None where it is not on show."""
        at = self._at.get(row, -1) - self._top
        if not 0 <= at < self._height or column not in self._widths:
            return None
        x = GUTTER
        for name, width in self._widths.items():
            if name == column:
                inner = self.content_region
                return Region(inner.x + x, inner.y + 1 + at, width, 1)
            x += width + self._gap
        return None

    # -- moving --------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Rows down (or up)."""
        self._go(self._row + step)

    def action_page(self, way: int) -> None:
        """A page down (or up)."""
        self._go(self._row + way * max(1, self._height - 1))

    def action_edge(self, way: int) -> None:
        """To the last (or the first) row."""
        self._go(len(self._rows) - 1 if way > 0 else 0)

    def action_aside(self, step: int) -> None:
        """Columns to the right (or left), among those that fit."""
        if not self._by_cell or not self._widths:
            return
        names = list(self._widths)
        at = names.index(self._column) if self._column in names else 0
        self._column = names[max(0, min(len(names) - 1, at + step))]
        self._refresh_row(self._row)
        self._moved()

    def _go(self, row: int) -> None:
        if not self._rows:
            return
        row = max(0, min(len(self._rows) - 1, row))
        if row == self._row:
            self._show_cursor()
            return
        self._refresh_row(self._row)
        self._row = row
        self._show_cursor()
        self._refresh_row(row)
        self._moved()

    def _moved(self) -> None:
        self.post_message(self.Moved(self, self.row, self._column))

    # -- the mouse -----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        column = self._column_at(event.x)
        if event.y == 0:
            if column is not None:
                self.post_message(self.HeaderClicked(self, column))
            return
        at = self._top + event.y - 1
        if not 0 <= at < len(self._rows):
            return
        if event.x < GUTTER or event.ctrl:
            self.toggle(self._rows[at])
            return
        if column is not None and self._by_cell:
            self._refresh_row(self._row)
            self._column = column
        self._go(at)
        self._refresh_row(at)
        self._moved()
        if event.chain == 2:
            self.post_message(self.Activated(self, self._rows[at], self._column))

    def _column_at(self, x: int) -> str | None:
        at = GUTTER
        for name, width in self._widths.items():
            if at <= x < at + width + self._gap:
                return name
            at += width + self._gap
        return None

    # -- where things are ----------------------------------------------------------------------

    @property
    def _at(self) -> dict[str, int]:
        """The rows' numbers, counted when somebody asks: 100,000 take 10 ms, and a list that is
        only read never does."""
        if self._places is None:
            self._places = {each: place for place, each in enumerate(self._rows)}
        return self._places

    @property
    def _height(self) -> int:
        return max(0, self.scrollable_content_region.height - 1)

    @property
    def _top(self) -> int:
        return max(0, self.scroll_offset.y)

    def _show_cursor(self) -> None:
        height, top = self._height, self._top
        if height <= 0:
            return
        if self._row < top:
            self._scroll_to_row(self._row)
        elif self._row >= top + height:
            self._scroll_to_row(self._row - height + 1)

    def _scroll_to_row(self, row: int) -> None:
        if max(0, row) != self._top:
            self.scroll_to(y=max(0, row), animate=False, force=True)

    def _refresh_row(self, at: int) -> None:
        y = at - self._top + 1
        if 1 <= y <= self._height:
            self.refresh(Region(0, y, self.size.width, 1))

    # -- painting ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._tones.clear())

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        self._gap = 1 if width < 100 else 2
        self._widths = fit_columns(self._columns, width - GUTTER, self._gap)
        if self._column not in self._widths and self._widths:
            self._column = next(iter(self._widths))
        self._show_cursor()
        self.refresh()
        self.post_message(self.Shown(self))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Shown(self))

    def on_focus(self, event: events.Focus) -> None:
        event.prevent_default()  # Textual's own would paint every row again
        self._take_focus(True, events.DescendantFocus(self))

    def on_blur(self, event: events.Blur) -> None:
        event.prevent_default()
        self._take_focus(False, events.DescendantBlur(self))

    def _take_focus(self, has_focus: bool, told: events.Event) -> None:
        self.has_focus = has_focus
        self._refresh_row(self._row)
        if self.parent is not None:
            self.parent.post_message(told)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if y == 0:
            return self._header(width)
        at = self._top + y - 1
        if at >= len(self._rows):
            return Strip.blank(width, base)
        return self._line(at, width, base)

    def _header(self, width: int) -> Strip:
        style = self.get_component_rich_style("grid--header")
        marked = self.get_component_rich_style("grid--header-sorted")
        segments = [Segment(" " * GUTTER, style)]
        for place, column in enumerate(self._fitting()):
            if place:
                segments.append(Segment(" " * self._gap, style))
            cells = self._widths[column.key]
            label = self._header_of(column.key, cells) or column.label
            if self._sorted is not None and self._sorted[0] == column.key:
                arrow = "▼" if self._sorted[1] else "▲"
                text = fit(label, min(cell_len(label), cells - 2), right=column.right)
                text = fit(f"{text} {arrow}", cells, right=column.right)
                segments.append(Segment(text, marked))
            else:
                segments.append(Segment(fit(label, cells, right=column.right), style))
        return Strip(segments).adjust_cell_length(width, style)

    def _line(self, at: int, width: int, base: Style) -> Strip:
        row = self._rows[at]
        here = at == self._row
        selected = row in self._selected
        if here:
            style = base + self.get_component_rich_style("grid--row-cursor", partial=True)
        elif selected:
            style = base + self.get_component_rich_style("grid--row-selected", partial=True)
        else:
            style = base
        mark = ("✓ " if selected else "▸ ") if here else ("✓ " if selected else "  ")
        segments = [Segment(mark, style + self._tone("key"))]
        for place, column in enumerate(self._fitting()):
            if place:
                segments.append(Segment(" " * self._gap, style))
            cells = self._widths[column.key]
            cell = self._cell(row, column.key, cells)
            parts = cell.parts or (
                Part(fit(line(cell.text), cells, right=column.right), cell.tone),
            )
            if here and self._by_cell and column.key == self._column:
                mine = self.has_focus or self.screen.focused is None
                name = "grid--cell-cursor" if mine else "grid--cell-cursor-blurred"
                marked = self.get_component_rich_style(name)
                segments += [Segment(part.text, marked) for part in parts]
            else:
                segments += [Segment(p.text, style + self._tone(p.tone)) for p in parts]
        return Strip(segments).adjust_cell_length(width, style)

    def _fitting(self) -> list[Column]:
        return [column for column in self._columns if column.key in self._widths]

    def _tone(self, tone: str) -> Style:
        found = self._tones.get(tone)
        if found is None:
            name = tone.removeprefix("bold ")
            colour = self.app.theme_variables.get(name) if name else None
            found = Style(color=colour, bold=True if tone.startswith("bold ") else None)
            self._tones[tone] = found
        return found
