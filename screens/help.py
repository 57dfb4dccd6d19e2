"""The help: all keys that work on the page it was called from, and what the signs mean.

It is made from the active bindings, so it can't say anything else than what the keys do.
"""

from __future__ import annotations

from textual.content import Content
from textual.screen import Screen

from screens.base import Page
from screens.dialogs import ShowText
from screens.keys import Entry, entries

WIDE = 110
"""From so many columns on, the help also names the commands, for a keymap."""
ROOM = 56
"""Columns of the sentence before them; longer ones would run into the name."""


class Help(ShowText):
    """What can be done on ``screen`` now."""

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__("Keys", help_content(screen))
        self.set_class(screen.size.width >= WIDE, "-names")


def help_content(screen: Screen[object]) -> Content:
    """The sections of the help, one below the other."""
    found = entries(screen)
    sections: dict[str, list[Entry]] = {}
    for entry in found:
        sections.setdefault(entry.section, []).append(entry)
    own = screen.BINDING_GROUP_TITLE
    order = sorted(sections, key=lambda title: title != own)
    wide = screen.size.width >= WIDE
    room = ROOM if wide else 0
    width = max([12, *(len(entry.shown_keys) for entry in found)])
    parts: list[Content] = []
    for title in order:
        parts.append(Content.styled(title, "bold $key"))
        for entry in sections[title]:
            style = "$foreground" if entry.enabled else "$quiet"
            parts.append(
                Content.assemble(
                    (f"  {entry.shown_keys:<{width}}", "bold"),
                    "  ",
                    (f"{entry.help_text:<{room}}", style),
                    (entry.id if wide else "", "$faint"),
                )
            )
        parts.append(Content(""))
    if isinstance(screen, Page):
        for title, notes in screen.help_notes():
            parts.append(Content.styled(title, "bold $key"))
            for sign, meaning in notes:
                parts.append(Content.assemble((f"  {sign:<{width}}", "bold"), "  ", meaning))
            parts.append(Content(""))
    return Content("\n").join(parts[:-1])
