"""The keys that work everywhere, and a user's keymap over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.dom import DOMNode

from screens.keys import Keys, key

EVERYWHERE: Keys = [
    key("1", "go('kpi')", "KPIs", "To the KPIs", id="app.kpi", show=False),
    key("2", "go('backlog')", "Backlog", "To the backlog", id="app.backlog", show=False),
    key("3", "go('roadmap')", "Roadmap", "To the roadmap", id="app.roadmap", show=False),
    key("4", "go('project')", "Project", "To the project", id="app.project", show=False),
    key("5", "go('sync')", "Sync", "To the outbox", id="app.sync", show=False),
    key("ctrl+p,colon", "palette", "palette", "Every command, by name", id="app.palette"),
    key("ctrl+q", "quit", "quit", "Leave; everything is saved", id="app.quit", show=False),
    key("ctrl+c", "copy_or_quit", "", "", id="app.interrupt", show=False),
    key("question_mark,f1", "help", "help", "All keys, and what the signs mean", id="app.help"),
]


def ids_of(classes: Iterable[type[DOMNode]]) -> set[str]:
    """The ids of all bindings of these screens and widgets: what a keymap may name."""
    found = set()
    for each in classes:
        for binding in each.BINDINGS:
            if isinstance(binding, Binding) and binding.id is not None:
                found.add(binding.id)
    return found


def unknown(keymap: Mapping[str, str], known: Iterable[str]) -> list[str]:
    """One sentence for each name of a keymap that is no binding's id."""
    ids = set(known)
    return [f"keymap: there is no command {name!r}" for name in keymap if name not in ids]
