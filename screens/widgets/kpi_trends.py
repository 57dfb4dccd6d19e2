"""The four charts: two by two where there is room, else side by side with the others below."""

from __future__ import annotations

from collections.abc import Mapping

from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message

from screens.widgets.bar import Piece
from screens.widgets.kpi_chart import Chart, trends
from services.kpis.answers import Point

NAMES = {
    "cycle_time": "Cycle time",
    "mttr": "MTTR",
    "throughput": "Throughput",
    "inflow": "Inflow",
}
TWO_ROWS = 20
"""From so many lines on, both rows of charts are shown at once."""
TWO_COLUMNS = 60


class Trends(VerticalScroll, can_focus=False):
    """Charts in a grid; the focus goes between them by the arrow keys."""

    class Left(Message):
        """The cursor went up, out of the charts."""

    class Here(Message):
        """Another chart has the focus."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._charts = {name: Chart(id=f"chart-{name}") for name in NAMES}

    def compose(self) -> ComposeResult:
        yield from self._charts.values()

    def show(self, series: Mapping[str, tuple[Point, ...]], this_month: str) -> None:
        """Show these series; ``this_month`` is not over yet."""
        for name, trend in trends(series).items():
            self._charts[name].show(trend, this_month)

    @property
    def current(self) -> Chart | None:
        """The chart that has the focus."""
        return next((each for each in self._charts.values() if each.has_focus), None)

    def enter(self) -> None:
        """Put the focus on the first chart."""
        self._charts["cycle_time"].focus()

    def go(self, name: str) -> None:
        """Put the focus on a chart."""
        self._charts[name].focus()

    def pieces(self) -> tuple[Piece, ...]:
        """The charts by name, for the pane line."""
        found: list[Piece] = []
        for name, label in NAMES.items():
            style = "bold $key" if self._charts[name].has_focus else "$quiet"
            found += [Piece(label, style, f"screen.chart({name!r})"), Piece("  ")]
        return tuple(found[:-1])

    def on_resize(self, event: events.Resize) -> None:
        rows = 2 if event.size.height >= TWO_ROWS else 1
        columns = 2 if event.size.width >= TWO_COLUMNS else 1
        self.styles.grid_size_columns = columns
        # Rows of a fixed height: what does not fit is scrolled to.
        self.styles.grid_rows = str(max(3, event.size.height // rows))
        if self.current is not None:
            self.current.scroll_visible(animate=False)

    @on(Chart.Left)
    def _left(self, event: Chart.Left) -> None:
        event.stop()
        charts = list(self._charts.values())
        at = charts.index(event.chart) + event.way
        if at < 0:
            self.post_message(self.Left())
        elif at < len(charts):
            charts[at].focus()

    def on_descendant_focus(self) -> None:
        if self.current is not None:
            self.current.scroll_visible(animate=False)
        self.post_message(self.Here())

    def on_descendant_blur(self) -> None:
        self.post_message(self.Here())
