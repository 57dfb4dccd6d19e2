"""The parts of a page that take turns in one place, with how much each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.reactive import reactive

from screens.widgets.bar import Bar, Piece


class PaneLine(Bar):
    """The panes by their labels; a click shows one. ``more`` stands at the right."""

    current: reactive[str] = reactive("", init=False)
    counts: reactive[Mapping[str, str]] = reactive({}, init=False)
    more: reactive[tuple[Piece, ...]] = reactive((), init=False)

    def __init__(self, panes: Mapping[str, str], *, id: str) -> None:
        super().__init__(id=id)
        self._panes = panes
        self.set_reactive(PaneLine.current, next(iter(panes)))

    def left(self, width: int) -> Sequence[Piece]:
        pieces = [Piece(" ")]
        for place, (name, label) in enumerate(self._panes.items()):
            if place:
                pieces.append(Piece(" │ ", "$faint"))
            here, press = name == self.current, f"screen.pane({name!r})"
            pieces.append(Piece(label, "bold underline" if here else "$quiet", press))
            count = self.counts.get(name, "")
            if count:
                pieces.append(Piece(f" {count}", "bold" if here else "$quiet", press))
        return pieces

    def right(self, width: int) -> Sequence[Piece]:
        return (*self.more, Piece(" ")) if self.more else ()
