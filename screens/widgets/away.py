"""Taking a widget off the screen while the screen may be painted at any moment."""

from __future__ import annotations

from textual.widget import Widget


def put_away(widget: Widget) -> None:
    """Hide the widget now and remove it once the screen is laid out without it.

    A widget that is removed while it is still laid out may be painted once more after its styles
    are gone, and that painting fails (Textual 8.2.8: KeyError in ``get_component_styles``).
    """
    widget.display = False
    widget.call_after_refresh(widget.remove)
