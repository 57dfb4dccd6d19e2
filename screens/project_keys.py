"""The project page's own keys."""

from __future__ import annotations

from textual.binding import Binding

from screens.keys import key

KEYS: list[Binding] = [
    key("r", "restore_draft", "restore draft", "Go on with the unsaved draft",
        id="project.restore_draft"),
    key("D", "discard_draft", "discard draft", "Discard the unsaved draft",
        id="project.discard_draft"),
    key("r", "bring_back", "bring back", "Bring the deleted project back",
        id="project.bring_back"),
    key("left_square_bracket", "neighbour(-1)", "previous project", "The project before this one",
        id="project.previous", group="project"),
    key("right_square_bracket", "neighbour(1)", "next project", "The next project of the roadmap",
        id="project.next", group="project"),
    key("u", "undo(False)", "undo", "Undo my last edit, as a new edit", id="project.undo"),
    key("ctrl+r", "undo(True)", "redo", "Redo what was undone", id="project.redo"),
    key("y", "copy", "copy", "Copy what is under the mark", id="project.copy"),
    key("d", "delete", "delete", "Delete the project, after naming what goes",
        id="project.delete"),
    key("c", "conflicts", "conflicts", "This project's conflicts", id="project.conflicts",
        show=False),
    key("down,j", "step('down')", "down", "One line down", id="project.down", show=False),
    key("up,k", "step('up')", "up", "One line up", id="project.up", show=False),
    key("left,h", "step('left')", "left", "To the left", id="project.left", show=False),
    key("right,l", "step('right')", "right", "To the right", id="project.right", show=False),
    key("tab", "section(1)", "next section", "The next section", id="project.tab",
        show=False),
    key("shift+tab", "section(-1)", "section before", "The section before",
        id="project.backtab", show=False),
    key("home,g", "edge(0)", "top", "To the top of the page", id="project.top", show=False),
    key("end,G", "edge(-1)", "end", "To the end of the page", id="project.end", show=False),
]  # fmt: skip
OWN = {each.action.partition("(")[0] for each in KEYS} - {"section"}
"""What the page's keys do; while something is written, they are the text's."""
