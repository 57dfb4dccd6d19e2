"""The line of saved views with their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from textual.reactive import reactive

from screens.widgets.bar import Bar, Piece
from store.views import VIEWS

_SHORT = {
    "all": "All",
    "p1-active": "P1 Active",
    "p2-pipeline": "P2 Pipeline",
    "not-yet-prioritized": "Not Yet",
    "needs-attention": "Attention",
    "upcoming-90d": "Upcoming",
}
_LONG = {view.key: view.label for view in VIEWS} | {"all": "All"}


class ViewLine(Bar):
    """The six saved views; a click shows one."""

    current: reactive[str] = reactive("all", init=False)
    counts: reactive[Mapping[str, int]] = reactive({}, init=False)
    matching: reactive[int | None] = reactive(None, init=False)
    sorted_by: reactive[str] = reactive("", init=False)

    def left(self, width: int) -> Sequence[Piece]:
        room = width - sum(cell_len(piece.text) for piece in self.right(width))
        for labels, gap in ((_LONG, " │ "), (_SHORT, " │ "), (_SHORT, "  ")):
            pieces = self._pieces_for(labels, gap)
            if sum(cell_len(piece.text) for piece in pieces) <= room:
                break
        return pieces

    def right(self, width: int) -> Sequence[Piece]:
        return [Piece(f" by {self.sorted_by} ", "$key", "screen.sort")] if self.sorted_by else []

    def _pieces_for(self, labels: Mapping[str, str], gap: str) -> list[Piece]:
        pieces = [Piece(" ")]
        for place, view in enumerate(VIEWS):
            if place:
                pieces.append(Piece(gap, "$faint"))
            here = view.key == self.current
            press = f"screen.view({view.key!r})"
            trouble = view.key == "needs-attention" and self.counts.get(view.key)
            pieces.append(Piece(labels[view.key], "bold underline" if here else "$quiet", press))
            count = str(self.counts.get(view.key, ""))
            if here and self.matching is not None:
                count = f"{self.matching} of {count}"
            style = "bold $warn" if trouble else ("bold" if here else "$quiet")
            pieces.append(Piece(f" {count}", style, press))
        return pieces
