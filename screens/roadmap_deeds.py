"""What the roadmap's keys do, by name. Loaded with the first key, after the first paint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from screens import roadmap_edits as edits
from screens import roadmap_flows as flows

if TYPE_CHECKING:
    from screens.roadmap import RoadmapPage

DEEDS: dict[str, Callable[[RoadmapPage], Awaitable[None]]] = {
    "copy": edits.copy_cell,
    "copy_id": edits.copy_id,
    "copy_row": edits.copy_row,
    "delete": flows.delete,
    "edit": edits.open_editor,
    "edit_cell": edits.open_editor,
    "explain": flows.explain,
    "export": flows.export,
    "higher": edits.move_up,
    "lower": edits.move_down,
    "new": flows.new,
    "redo": edits.redo,
    "sort": flows.sort,
    "undo": edits.undo,
}
