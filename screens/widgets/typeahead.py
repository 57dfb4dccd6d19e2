"""Keys that are typed faster than an editor opens.

Textual hands a key to the focused widget first and looks for its binding later, when the key has
bubbled up to the app. Keys typed right behind the one that opens an editor would so find the old
focus, and act instead of being written: ``e`` and a fast ``u`` would undo. A part that opens
editors runs its opening key in its own queue, and writes what follows it into the editor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from textual import events
from textual.widget import Widget


async def take_key(
    part: Widget,
    event: events.Key,
    opening: Collection[str],
    write: Callable[[str], object] | None,
) -> None:
    """Handle a key of ``part``, which has the focus itself.

    ``opening`` are the actions that open its editor; ``write`` types into the editor that is open
    already, None where none is. Every other key goes the usual way.
    """
    if not part.has_focus:
        return
    if write is not None:
        event.stop()
        if event.is_printable and event.character is not None:
            write(event.character)
        return
    active = part.screen.active_bindings.get(event.key)
    if active is None or active.node is not part or not active.enabled:
        return
    if active.binding.action in opening:
        event.stop()
        await part.run_action(active.binding.action)
