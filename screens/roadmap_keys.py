"""The roadmap's keys. What each one does now is decided by the page's ``check_action``."""

from __future__ import annotations

from textual.binding import Binding

from screens.keys import Keys, key

_ENTER = "Open a name, explain Sync, edit any other"
_NEXT, _BEFORE = "The next view", "The view before"
KEYS: Keys = [
    key("enter", "open_name", "open", _ENTER, id="roadmap.on-name", show=False),
    key("enter", "do('explain')", "explain", _ENTER, id="roadmap.on-sync"),
    key("enter", "do('edit_cell')", "edit", _ENTER, id="roadmap.on-cell", show=False),
    key("e", "do('edit')", "edit", "Edit the cell, the name too", id="roadmap.edit"),
    key("n", "do('new')", "new", "A new project", id="roadmap.new"),
    key("o", "open", "open", "Open the project", id="roadmap.open"),
    key("d,delete", "do('delete')", "delete", "Delete; says first what goes", id="roadmap.delete"),
    key("space", "select", "select", "Select; an edit goes to all selected", id="roadmap.select"),
    key("slash", "filter", "filter", "Search and filter", id="roadmap.filter"),
    key("J", "do('lower')", "lower", "Lower in its band", id="roadmap.lower", group="move"),
    key("K", "do('higher')", "higher", "Higher in its band", id="roadmap.higher", group="move"),
    key("u", "do('undo')", "undo", "Undo my last edit, by a new edit", id="roadmap.undo"),
    key("t", "timeline", "timeline", "Table or timeline", id="roadmap.timeline"),
    key("s", "do('sort')", "sort", "Sort by any field", id="roadmap.sort"),
    key("]", "step_view(1)", "next view", _NEXT, id="roadmap.next", group="views"),
    key("[", "step_view(-1)", "view before", _BEFORE, id="roadmap.prev", group="views"),
    key("x", "do('export')", "export", "Write this view to a file", id="roadmap.export"),
    key("y", "do('copy')", "copy", "Copy the cell", id="roadmap.copy"),
    key("Y", "do('copy_row')", "copy row", "Copy the whole row", id="roadmap.copy-row", show=False),
    key("ctrl+r", "do('redo')", "redo", "Do what was undone again", id="roadmap.redo", show=False),
    key("f", "narrow", "narrow", "Only rows with this value", id="roadmap.narrow", show=False),
    key("a", "select_all", "select all", "Select all, or none", id="roadmap.all", show=False),
    key("tab", "step_view(1)", "next view", _NEXT, id="roadmap.tab", show=False),
    key("shift+tab", "step_view(-1)", "view before", _BEFORE, id="roadmap.back-tab", show=False),
    key(
        "c",
        "conflicts",
        "conflicts",
        "This project's conflicts",
        id="roadmap.conflicts",
        show=False,
    ),
    key("r", "refresh", "refresh", "Read everything again", id="roadmap.refresh", show=False),
    key("escape", "back", "clear", "Clear selection or filter", id="roadmap.back", show=False),
]

OWN = {each.action.partition("(")[0] for each in KEYS if isinstance(each, Binding)}
"""The actions that are the roadmap's own: they wait while an editor or the filter is open."""
IN_TABLE_ONLY = {"edit_cell", "explain", "copy", "narrow", "select_all"}
"""What needs a cell under the cursor; the timeline has rows only."""
