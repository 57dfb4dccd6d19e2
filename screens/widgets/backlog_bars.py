"""Counts as bars: one line each, the longest as long as there is room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Grid, Part

_EIGHTHS = " ▏▎▍▌▋▊▉█"
DEPARTMENT_COLUMNS = (
    Column("label", "Department", 12, 24),
    Column("open", "Open", 6, right=True),
    Column("bar", "", 8, grow=1),
    Column("median", "median d", 8, right=True, drop=1),
    Column("p85", "p85 d", 7, right=True, drop=2),
    Column("oldest", "oldest d", 8, right=True, drop=0),
)
AGE_COLUMNS = (
    Column("label", "Age", 10, 11),
    Column("open", "Open", 6, right=True),
    Column("bar", "", 4, grow=1),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """One bar: its key, its name, how many, and what stands behind it."""

    key: str
    label: str
    open: int
    median: str = ""
    p85: str = ""
    oldest: str = ""


class BarGrid(Grid):
    """Bars with a cursor; a row's key is what was counted."""

    BINDING_GROUP_TITLE = "On the bars"

    def __init__(self, columns: Sequence[Column], *, id: str) -> None:
        super().__init__(columns, self._say, cursor="row", id=id)
        self._lines: dict[str, Counted] = {}

    def show(self, lines: Sequence[Counted]) -> None:
        """Show these bars, in this order."""
        self._lines = {each.key: each for each in lines}
        self._most = max((each.open for each in lines), default=0)
        if list(self.rows) == list(self._lines):
            self.touch()
        else:
            self.set_rows(list(self._lines))

    _most = 0

    def _say(self, row: str, column: str, width: int) -> Cell:
        each = self._lines[row]
        match column:
            case "label":
                return Cell(each.label, "quiet" if each.key == "=" else "")
            case "open":
                return Cell(f"{each.open:,}")
            case "bar":
                return Cell("", parts=(Part(bar(each.open, self._most, width), "p2"),))
        return Cell(str(getattr(each, column)), "quiet")


def bar(value: int, top: int, width: int) -> str:
    """A bar in ``width`` cells, filled up to ``value`` of ``top`` in eighths of a cell.

    What is more than nothing shows.
    """
    if top <= 0 or width <= 0:
        return " " * max(0, width)
    eighths = round(value * width * 8 / top)
    if value > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[rest] if rest else "")
    return text.ljust(width)
