"""The palette: every command that works here by its name, with its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from textual.screen import Screen

from screens.base import Page
from screens.keys import entries
from screens.widgets.choices import Choice


@dataclass(frozen=True, slots=True)
class Command:
    """``run`` is called when the command was chosen."""

    name: str
    help_text: str
    keys: str
    run: Callable[[], object]


def commands(
    screen: Screen[object], press: Callable[[str], None], more: Iterable[Command] = ()
) -> list[Command]:
    """The keys of the screen as commands, the page's own ones, and ``more``.

    ``press`` presses a key, so that a command does exactly what its key does.
    """
    found = []
    for entry in entries(screen):
        if entry.enabled and entry.label not in _MOVES and entry.press != "enter":
            keys = entry.press
            found.append(
                Command(
                    entry.label[:1].upper() + entry.label[1:],
                    entry.help_text,
                    entry.shown_keys,
                    lambda keys=keys: press(keys),  # type: ignore[misc]
                )
            )
    if isinstance(screen, Page):
        found += [Command(name, text, "", run) for name, text, run in screen.commands()]
    return [*found, *more]


def choices(found: Iterable[Command]) -> list[Choice]:
    """The commands as lines of a list, by their number."""
    return [
        Choice(str(at), each.name, each.keys, each.help_text if each.help_text != each.name else "")
        for at, each in enumerate(found)
    ]


_MOVES = {"up", "down", "left", "right", "page up", "page down", "first", "last", "palette"}
"""What needs no command: moving about, and what is open already."""
