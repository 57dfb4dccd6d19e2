"""One trend as a chart, with a cursor on its months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from screens.keys import Keys, key
from screens.plot import DOTS, Line, Plot, draw
from screens.safe import cut
from services.kpis import words
from services.kpis.answers import Point
from services.kpis.selection import Selection

HEADER = 2
LEAST_HEIGHT, LEAST_WIDTH = 7, 24
"""Below this a chart could not be read; only its month is told then."""
STEPS = 4


@dataclass(frozen=True, slots=True)
class Trend:
    """What a chart shows: a series, and beside it its 85th percentile or a second series."""

    title: str
    axis: str
    unit: str
    points: tuple[Point, ...]
    second: tuple[Point, ...] = ()
    second_title: str = ""
    p85: bool = False


class Chart(Widget, can_focus=True):
    """A chart of months. The month under the cursor is told above it, with its n."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "On a chart"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "open", "month's tickets", "The tickets behind this month", id="chart.open"),
        key("i", "open_second", "incidents", "The incidents of this month", id="chart.second"),
        key("left,h", "move(-1)", "left", "The month before", id="chart.left", group="month"),
        key("right,l", "move(1)", "right", "The next month", id="chart.right", group="month"),
        key("home,g", "edge(0)", "first", "The first month", id="chart.first", show=False),
        key("end,G", "edge(-1)", "last", "The last month", id="chart.last", show=False),
        key("down,j", "leave(1)", "down", "The next chart", id="chart.down", show=False),
        key("up,k", "leave(-1)", "up", "The chart before", id="chart.up", show=False),
    ]

    class Opened(Message):
        """The tickets of a month are wanted; ``title`` names the series."""

        def __init__(self, title: str, selection: Selection) -> None:
            super().__init__()
            self.title, self.selection = title, selection

    class Left(Message):
        """The cursor leaves the chart, down (1) or up (-1)."""

        def __init__(self, chart: Chart, way: int) -> None:
            super().__init__()
            self.chart, self.way = chart, way

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._trend: Trend | None = None
        self._month = self._this_month = ""
        self._plot: Plot | None = None
        self._drawn: tuple[object, ...] = ()

    def show(self, trend: Trend, this_month: str) -> None:
        """Show this trend. The cursor stays on its month, or goes to the last one with data;
        ``this_month`` is told to be not over yet."""
        self._trend, self._this_month = trend, this_month
        months = [each.month for each in trend.points]
        if self._month not in months:
            counted = [each.month for each in trend.points if each.value is not None]
            self._month = (counted or months or [""])[-1]
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open_second":
            return bool(self._trend and self._trend.second)
        return True

    @property
    def at(self) -> int | None:
        """The place of the month under the cursor."""
        if self._trend is None:
            return None
        months = [each.month for each in self._trend.points]
        return months.index(self._month) if self._month in months else None

    # -- keys and the mouse --------------------------------------------------------------------

    def action_open(self) -> None:
        """The tickets behind the month."""
        if self._trend is not None and self.at is not None:
            point = self._trend.points[self.at]
            self.post_message(self.Opened(self._trend.title, point.selection))

    def action_open_second(self) -> None:
        """Those of the second series."""
        if self._trend is not None and self._trend.second and self.at is not None:
            point = self._trend.second[self.at]
            self.post_message(self.Opened(self._trend.second_title, point.selection))

    def action_move(self, step: int) -> None:
        """To another month."""
        if self._trend is not None and self.at is not None:
            self._go(max(0, min(len(self._trend.points) - 1, self.at + step)))

    def action_edge(self, place: int) -> None:
        """To the first or the last month."""
        if self._trend is not None and self._trend.points:
            self._go(place)

    def action_leave(self, way: int) -> None:
        """To another chart."""
        self.post_message(self.Left(self, way))

    def _go(self, place: int) -> None:
        assert self._trend is not None
        self._month = self._trend.points[place].month
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        place = None if self._plot is None else self._plot.place_at(event.x - 1)
        if place is not None and event.y >= HEADER:
            self._go(place)
            if event.chain == 2:
                self.action_open()

    # -- painting ------------------------------------------------------------------------------

    def render(self) -> Content:
        trend = self._trend
        if trend is None:
            return Content("")
        width, height = self.size.width - 2, self.size.height
        title, about = self._header(trend)
        header = [
            Content.styled(cut(("▸" if self.has_focus else " ") + title, width + 1),
                           "bold $key" if self.has_focus else "bold"),
            Content.styled(cut(f" {about}", width + 1), "" if self.has_focus else "$quiet"),
        ]  # fmt: skip
        if not words.has_data(trend.points) and not words.has_data(trend.second):
            said = cut(" no data in these months; p for others", width + 1)
            return Content("\n").join([header[0], Content.styled(said, "$quiet")])
        if height - HEADER < LEAST_HEIGHT - 2 or width < LEAST_WIDTH:
            return Content("\n").join(header)
        plot = self._draw(trend, (width, height - HEADER))
        rows = [Content(" ") + each for each in plot.content.split("\n", allow_blank=True)]
        return Content("\n").join([*header, *rows])

    def _draw(self, trend: Trend, size: tuple[int, int]) -> Plot:
        """The chart, drawn again only when what it shows is another."""
        at = self.at if self.has_focus else None
        wanted = (trend, size, at)
        if self._plot is None or self._drawn != wanted:
            lines = [Line(tuple(each.value for each in trend.points), "$p2")]
            if trend.p85:
                lines.append(Line(tuple(each.p85 for each in trend.points), "$quiet", DOTS))
            if trend.second:
                lines.append(Line(tuple(each.value for each in trend.second), "$warn", DOTS))
            top = max(v for each in lines for v in each.values if v is not None)
            steps = max(1, min(STEPS, (size[1] - 2) // 2))
            scale = [(value, f"{value:,.10g}") for value in words.scale(top, steps)]
            labels = [words.short_month(each.month) for each in trend.points]
            self._plot = draw(lines, labels, scale, size, at)
            self._drawn = wanted
        return self._plot

    def _header(self, trend: Trend) -> tuple[str, str]:
        unit = trend.unit
        title = f"{trend.title}, {trend.axis}"
        if trend.p85:
            title += "   • p85"
        if trend.second:
            title += f"   • {trend.second_title.lower()}"
        if self.at is None:
            return title, ""
        point = trend.points[self.at]
        so_far = " so far" if point.month == self._this_month else ""
        parts = [words.month_name(point.month) + so_far, words.with_unit(point.value, unit)]
        if trend.second:
            other = trend.second[self.at]
            parts.append(f"{trend.second_title.lower()} {other.n:,}")
        if unit != "tickets":
            parts.append(f"n {point.n:,}")
        about = "  ".join(parts)
        if trend.p85 and point.p85 is not None:
            more = f"{about}  p85 {words.number(point.p85)}"
            about = more if len(more) <= self.size.width - 2 else about
        return title, about


def trends(series: Mapping[str, tuple[Point, ...]]) -> Mapping[str, Trend]:
    """The four charts of the page, by their keys."""
    return {
        "cycle_time": Trend("Cycle time", "median days", "d", series["cycle_time"], p85=True),
        "mttr": Trend("MTTR", "median hours", "h", series["mttr"], p85=True),
        "throughput": Trend("Throughput / dev", "weighted hours", "h", series["throughput"]),
        "inflow": Trend(
            "Created", "tickets", "tickets", series["inflow"], series["incidents"], "Incidents"
        ),
    }
