"""What is counted: period and filters on the left, policy and tickets on the right."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.reactive import reactive

from screens.safe import cut, line
from screens.widgets.bar import Bar, Piece
from services.counting import counted
from services.kpis.selection import EVERYTHING, Filters, Period

_LONGEST = 26


class FigureLine(Bar):
    """Each part can be clicked to choose another."""

    period: reactive[Period | None] = reactive(None, init=False)
    filters: reactive[Filters] = reactive(EVERYTHING, init=False)
    policy: reactive[int | None] = reactive(None, init=False)
    tickets: reactive[int | None] = reactive(None, init=False)
    moment: reactive[str] = reactive("", init=False)

    def left(self, width: int) -> Sequence[Piece]:
        pieces = self._chosen(width)
        before = self._before()
        room = width - _length((*pieces, *self.right(width)))
        if before and cell_len(before) < room:
            pieces.append(Piece(before, "$quiet"))
        return pieces

    def _chosen(self, width: int) -> list[Piece]:
        pieces = [Piece(" ")]
        if self.period is not None:
            pieces += [
                Piece("period ", "$quiet", "screen.period") if width >= 100 else Piece(""),
                Piece(f"{self.period.label} ▾", "bold", "screen.period"),
                Piece("   "),
            ]
        for kind, several, picked in (
            ("department", "departments", self.filters.departments),
            ("type", "types", self.filters.types),
            ("priority", "priorities", self.filters.priorities),
        ):
            text = ", ".join(line(each) or f"(no {kind})" for each in picked) or f"all {several}"
            style = "bold $key" if picked else "$quiet"
            pieces.append(Piece(f"{cut(text, _LONGEST)} ▾", style, f"screen.narrow({kind!r})"))
            pieces.append(Piece("   " if width >= 100 else "  "))
        return pieces

    def right(self, width: int) -> Sequence[Piece]:
        policy = "" if self.policy is None else f"policy v{self.policy}"
        if width < 100:
            policy = policy.removeprefix("policy ")
        held = "" if self.tickets is None else counted(self.tickets, "ticket")
        text = _joined(policy, held, self.moment)
        if cell_len(text) > width - _length(self._chosen(width)):
            # The line of panes says what is counted.
            text = _joined(policy, held.partition(" ")[0], self.moment)
        return [Piece(text, "$quiet")] if text else []

    def _before(self) -> str:
        return f"vs {self.period.before().label}" if self.period is not None else ""


def _joined(*parts: str) -> str:
    found = " · ".join(each for each in parts if each)
    return f"{found} " if found else ""


def _length(pieces: Sequence[Piece]) -> int:
    return sum(cell_len(each.text) for each in pieces)
