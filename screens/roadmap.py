"""The roadmap: the table of all projects."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from screens.base import Page
from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Grid


class RoadmapPage(Page):
    """Screen 3."""

    PAGE = "roadmap"
    BINDING_GROUP_TITLE = "Roadmap"
    AUTO_FOCUS: ClassVar[str | None] = "Grid"

    def compose_content(self) -> ComposeResult:
        yield Grid(
            [Column("feature_name", "Feature", 20, 40, 1)],
            lambda row, column, width: Cell(row),
        )
