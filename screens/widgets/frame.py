"""What is above and below every page: where I am, both targets' health, the keys that work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.reactive import reactive
from textual.screen import Screen

from screens.keys import Entry, entries
from screens.safe import line
from screens.widgets.bar import Bar, Piece
from services.overview import TargetHealth

_NAMES = {"firestore": "Firestore", "salesforce": "Salesforce"}
_TO_SYNC = "app.go('sync')"
_STATES: dict[str, tuple[str, str, str]] = {
    "ok": ("●", "", "$good"),
    "waiting": ("○", "not reached yet", "$quiet"),
    "down": ("✗", "away", "bold $bad"),
    "paused": ("‖", "paused", "$warn"),
    "off": ("–", "off", "$quiet"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A page in the tab line: its number key, its name, and what the app calls it."""

    key: str
    label: str
    name: str


class TitleLine(Bar):
    """Where I am and how both targets are."""

    health: reactive[Mapping[str, TargetHealth]] = reactive({}, init=False)
    clock: reactive[str] = reactive("", init=False)

    def __init__(self, *, sandbox: bool) -> None:
        super().__init__(id="title")
        self._sandbox = sandbox

    def left(self, width: int) -> Sequence[Piece]:
        pieces = [Piece(" Steerco ", "bold $primary")]
        if self._sandbox:
            pieces += [Piece(" "), Piece(" SANDBOX ", "bold $sandbox-text on $sandbox")]
        return pieces

    def right(self, width: int) -> Sequence[Piece]:
        room = width - 20
        for detail, clock in ((2, True), (2, False), (1, True), (1, False), (0, False)):
            pieces = self._health_pieces(detail)
            if clock and self.clock:
                pieces.append(Piece(f"   {self.clock} ", "$quiet"))
            else:
                pieces.append(Piece(" "))
            if sum(cell_len(piece.text) for piece in pieces) <= room:
                break
        return pieces

    def _health_pieces(self, detail: int) -> list[Piece]:
        """Both targets in whole words (2), by their letters (1), or as signs and counts (0)."""
        pieces: list[Piece] = []
        for name, each in self.health.items():
            symbol, word, style = _STATES[each.state]
            said = [(f"{symbol} {word}" if word and detail else symbol, style)]
            if each.waiting:
                said.append((f"{each.waiting}{' waiting' if detail else '…'}", "$quiet"))
            if each.trouble:
                needs = "needs you" if each.trouble == 1 else "need you"
                text = f"{each.trouble} {needs}" if detail else f"✗{each.trouble}"
                said.append((text, "bold $bad"))
            label = _NAMES.get(name, name)[: None if detail == 2 else 1]
            pieces.append(Piece(f"   {label} ", "$quiet", _TO_SYNC))
            for place, (text, tone) in enumerate(said):
                pieces.append(Piece(f" {text}" if place else text, tone, _TO_SYNC))
        return pieces


class TabLine(Bar):
    """The pages and their number keys; the present one is marked, also without colour."""

    badges: reactive[Mapping[str, int]] = reactive({}, init=False)

    def __init__(self, tabs: Sequence[Tab], current: str) -> None:
        super().__init__(id="tabs")
        self._tabs = tabs
        self._current = current

    def left(self, width: int) -> Sequence[Piece]:
        pieces = []
        for tab in self._tabs:
            badge = self.badges.get(tab.name, 0)
            text = f"{tab.key} {tab.label}" + (f" {badge}" if badge else "")
            if tab.name == self._current:
                pieces.append(Piece(f"▎{text} ", "bold $tab-text on $tab"))
            else:
                style = "$bad" if badge else "$quiet"
                pieces.append(Piece(f" {text} ", style, f"app.go({tab.name!r})"))
        return pieces


class StatusLine(Bar):
    """What just happened on the left, what needs attention on the right."""

    said: reactive[tuple[Piece, ...]] = reactive((), init=False)
    notes: reactive[tuple[Piece, ...]] = reactive((), init=False)

    def left(self, width: int) -> Sequence[Piece]:
        return (Piece(" "), *self.said)

    def right(self, width: int) -> Sequence[Piece]:
        return (*self.notes, Piece(" "))

    def say(self, text: str, style: str = "$quiet", brief: str = "") -> None:
        """Show one sentence, or a brief one where it does not fit."""
        self.said = (Piece(line(text), style, brief=line(brief)),)


class KeyLine(Bar):
    """The keys that work here now, as many as fit; a click presses them."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def left(self, width: int) -> Sequence[Piece]:
        found = entries(self.screen, all_keys=False)
        margin = 0 if self.has_class("dialog--keys") else 1
        room = width - margin - _width(found[-1:])
        shown: list[Entry] = []
        for entry in found[:-1]:
            need = _width([entry])
            if need > room:
                break
            shown.append(entry)
            room -= need
        pieces = [Piece(" " * margin)]
        for entry in [*shown, *found[-1:]]:
            dim = "" if entry.enabled else " 50%"
            press = f"app.simulate_key({entry.press!r})"
            pieces.append(Piece(entry.shown_keys, f"bold $key{dim}", press))
            pieces.append(Piece(f" {entry.label}  ", f"$quiet{dim}", press))
        return pieces


def _width(found: Sequence[Entry]) -> int:
    return sum(cell_len(entry.shown_keys) + cell_len(entry.label) + 3 for entry in found)
