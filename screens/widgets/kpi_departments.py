"""The department rollup: what was closed in the period, one line a department."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screens.widgets.columns import Column
from screens.widgets.grid import Cell, Grid
from services.kpis import words
from services.kpis.answers import Department

COLUMNS = (
    Column("department", "Department", 14, 24, grow=1),
    Column("tickets", "Tickets", 9, right=True),
    Column("cycle", "Median cycle", 14, right=True),
    Column("hours", "Weighted hours", 16, right=True),
    Column("people", "Assignees", 11, right=True),
    Column("per_person", "Hours/person", 12, right=True, drop=0),
    Column("rework", "Rework", 8, right=True),
)
_ORDER: dict[str, Callable[[Department], object]] = {
    "department": lambda each: each.department.casefold(),
    "tickets": lambda each: each.tickets,
    "cycle": lambda each: each.cycle_median_d,
    "hours": lambda each: each.weighted_hours,
    "people": lambda each: each.assignees,
    "per_person": lambda each: each.hours_per_person,
    "rework": lambda each: each.rework_pct,
}


class DepartmentGrid(Grid):
    """The rollup; a row's key is ``=`` and the department, which may be empty."""

    BINDING_GROUP_TITLE = "In the departments"

    def __init__(self, *, id: str) -> None:
        super().__init__(COLUMNS, self._say, cursor="row", id=id)
        self._lines: dict[str, Department] = {}
        self.by = ("tickets", True)

    @property
    def here(self) -> Department | None:
        """The department under the cursor."""
        return None if self.row is None else self._lines.get(self.row)

    def show(self, found: Sequence[Department]) -> None:
        """Show these lines."""
        self._lines = {f"={each.department}": each for each in found}
        self._show_sorted()

    def sort_by(self, column: str) -> None:
        """Sort by a column; once more by the same turns it round."""
        now, descending = self.by
        self.by = (column, not descending if now == column else column != "department")
        self._show_sorted()

    def _show_sorted(self) -> None:
        column, descending = self.by
        value = _ORDER[column]
        lines = sorted(self._lines.values(), key=lambda each: each.department.casefold())
        known = [each for each in lines if value(each) is not None]
        known.sort(key=value, reverse=descending)  # type: ignore[arg-type]
        rest = [each for each in lines if value(each) is None]
        rows = [f"={each.department}" for each in (*known, *rest)]
        if rows == list(self.rows):
            self.touch()
        else:
            self.set_rows(rows)
        self.set_sorted(column, descending=descending)

    def _say(self, row: str, column: str, width: int) -> Cell:
        each = self._lines[row]
        match column:
            case "department":
                name = each.department
                return Cell(words.department(name), "" if name else "quiet")
            case "tickets":
                return Cell(f"{each.tickets:,}")
            case "cycle":
                return _figure(each.cycle_median_d, " d")
            case "hours":
                return _figure(each.weighted_hours, " h")
            case "people":
                return Cell(f"{each.assignees:,}")
            case "per_person":
                return _figure(each.hours_per_person, " h")
        return _figure(each.rework_pct, " %")


def _figure(value: float | None, unit: str) -> Cell:
    none = value is None
    return Cell(words.NO_DATA if none else f"{words.number(value)}{unit}", "faint" if none else "")
