"""The dashboards: charts of the packaged reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.sf_package.reports import FOLDER
from services.sf_package.xml import Tree, render


@dataclass(frozen=True, slots=True)
class Tile:
    """A dashboard's chart of one report."""

    report: str
    chart: str
    header: str
    percentage: bool = False


ROADMAP_TILES = (
    Tile("Initiatives_by_Status_and_Priority", "BarStacked", "Initiatives by status and priority"),
    Tile("Launches_by_Quarter", "Column", "Launches by quarter"),
)
RESPONSE_TILES = (
    Tile("Lead_TTFR", "Bar", "Time to first response by owner (average minutes)"),
    Tile("Assignment_Latency", "Column", "Assignment latency (average minutes)"),
    Tile("SLA_Breach", "Donut", "SLA breach %", percentage=True),
    Tile("Template_Usage", "BarStacked", "Template use"),
)


def dashboards() -> dict[str, str]:
    """The dashboards by API name. Everybody sees them with his own eyes: no running user."""
    return {
        "Steering_Committee": _dashboard("Steering Committee", ROADMAP_TILES),
        "TTFR_and_Routing": _dashboard("First Response and Routing", RESPONSE_TILES),
    }


def _dashboard(title: str, tiles: Sequence[Tile]) -> str:
    placed: list[tuple[str, Tree]] = [
        (
            "dashboardGridComponents",
            [
                ("colSpan", 6),
                ("columnIndex", 6 * (number % 2)),
                ("dashboardComponent", _component(tile)),
                ("rowIndex", 8 * (number // 2)),
                ("rowSpan", 8),
            ],
        )
        for number, tile in enumerate(tiles)
    ]
    return render(
        "Dashboard",
        [
            ("backgroundEndColor", "#FFFFFF"),
            ("backgroundFadeDirection", "Diagonal"),
            ("backgroundStartColor", "#FFFFFF"),
            ("chartTheme", "light"),
            ("colorPalette", "unity"),
            ("dashboardChartTheme", "light"),
            ("dashboardColorPalette", "unity"),
            (
                "dashboardGridLayout",
                [*placed, ("numberOfColumns", 12), ("rowHeight", 36)],
            ),
            ("dashboardType", "LoggedInUser"),
            ("isGridLayout", True),
            ("textColor", "#000000"),
            ("title", title),
            ("titleColor", "#000000"),
            ("titleSize", 12),
        ],
    )


def _component(tile: Tile) -> Tree:
    return [
        ("autoselectColumnsFromReport", True),
        ("chartAxisRange", "Auto"),
        ("componentType", tile.chart),
        ("displayUnits", "Auto"),
        ("drillEnabled", False),
        ("drillToDetailEnabled", False),
        ("enableHover", True),
        ("expandOthers", False),
        ("groupingSortProperties", []),
        ("header", tile.header),
        ("legendPosition", "Bottom"),
        ("report", f"{FOLDER}/{tile.report}"),
        ("showPercentage", tile.percentage),
        ("showValues", True),
        ("sortBy", "RowLabelAscending"),
        ("useReportChart", False),
    ]
