"""The timeline's grid: the rows of the table by their launch, on an axis of quarters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from screens import timeline
from screens.roadmap_rows import LAUNCH, NAME, PATHS, Row, value
from screens.timeline import AXIS, LANE, Axis
from screens.widgets.grid import Cell, Grid
from store.canon import launch_date


class TimelineGrid(Grid):
    """``cell`` says what the columns beside the axis show."""

    def __init__(self, cell: Callable[[str, str, int], Cell]) -> None:
        super().__init__(
            timeline.COLUMNS,
            self._say,
            cursor="row",
            header=self._over,
            id="timeline",
        )
        self._beside = cell
        self._projects: Mapping[str, Row] = {}
        self._today = dt.date.min
        self._axis: tuple[int, Axis] | None = None
        self._undecided = 0

    def set_projects(self, rows: Mapping[str, Row], today: dt.date, *, at: str | None) -> None:
        """Show these projects, in the table's order within each lane."""
        self._projects, self._today, self._axis = rows, today, None
        order = timeline.in_lanes(list(rows), rows, PATHS.index(LAUNCH))
        self._undecided = len(order) - order.index(LANE) - 1 if LANE in order else 0
        self.set_rows(order, at=at)

    def toggle(self, row: str) -> None:
        """Select a row, or no longer; the lane's heading is none."""
        if row != LANE:
            super().toggle(row)

    def _say(self, row: str, column: str, width: int) -> Cell:
        if row == LANE:
            return Cell(f"Undecided {self._undecided}" if column == NAME else "", "bold quiet")
        if column != AXIS:
            return self._beside(row, column, width)
        held = self._projects[row]
        return timeline.bar(
            self._axis_for(width), value(held, LAUNCH), value(held, "status"), width
        )

    def _over(self, column: str, width: int) -> str | None:
        return timeline.header(self._axis_for(width), width) if column == AXIS else None

    def _axis_for(self, width: int) -> Axis:
        if self._axis is None or self._axis[0] != width:
            targets = (value(row, LAUNCH) for row in self._projects.values())
            dates = [date for each in targets if (date := launch_date(str(each)))]
            self._axis = (width, timeline.axis_for(dates, self._today, width))
        return self._axis[1]
