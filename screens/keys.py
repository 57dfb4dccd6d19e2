"""Keys: bindings with ids, so that a user's keymap is one call, and how a key is written.

A binding's description is what the key line says (one or two words), its tooltip the sentence of
the help. What a key does now is decided in one place, the screen's ``check_action``: key line, help
and palette show what it lets through, so they can't drift from what the keys do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from textual.binding import ActiveBinding, Binding, BindingType
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen

Keys: TypeAlias = list[BindingType]
"""What a class gives as ``BINDINGS``."""

_NAMES = {
    "enter": "enter",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "shift+tab": "shift+tab",
}


def key(
    keys: str,
    action: str,
    label: str,
    help_text: str,
    *,
    id: str,
    show: bool = True,
    group: str = "",
    priority: bool = False,
) -> Binding:
    """A binding of this program. ``label`` is for the key line, ``help_text`` a sentence for the
    help; bindings of one ``group`` share one entry of the key line, called by the group's name."""
    return Binding(
        keys,
        action,
        label,
        show=show,
        tooltip=help_text,
        id=id,
        priority=priority,
        group=Binding.Group(group) if group else None,
    )


def written(name: str) -> str:
    """A key as people write it: ``ctrl+p`` as ``^p``, ``question_mark`` as ``?``."""
    if name in _NAMES:
        return _NAMES[name]
    *modifiers, last = name.split("+")
    text = _NAMES.get(last) or format_key(last)
    if "ctrl" in modifiers:
        modifiers.remove("ctrl")
        text = f"^{text}"
    return "+".join([*modifiers, text])


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the help or of the key line: every key that does one thing."""

    keys: tuple[str, ...]
    label: str
    help_text: str
    action: str
    section: str
    press: str
    enabled: bool
    id: str

    @property
    def shown_keys(self) -> str:
        """The keys as written, for example ``↑ k``."""
        return " ".join(self.keys)


def entries(screen: Screen[object], *, all_keys: bool = True) -> list[Entry]:
    """What the keys do on a screen now, the focused widget's first, in the order they are declared.

    ``all_keys`` gives what the help lists; without it, only what the key line shows, one key each,
    with grouped keys (``J/K move``) joined.
    """
    found: dict[str, list[ActiveBinding]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.system or not binding.description or binding.id is None:
            continue
        if all_keys:
            name = binding.action
        elif binding.show:
            name = f"group {binding.group.description}" if binding.group else binding.action
        else:
            continue
        found.setdefault(name, []).append(active)
    nodes: dict[DOMNode, int] = {}
    for each in found.values():
        nodes.setdefault(each[0].node, len(nodes))
    places = {node: _places(type(node)) for node in nodes}

    def place(each: list[ActiveBinding]) -> tuple[int, int]:
        node = each[0].node
        return nodes[node], places[node].get(each[0].binding.id or "", 0)

    ordered = sorted(found.values(), key=place)
    return [_entry(each, all_keys=all_keys) for each in ordered]


@cache
def _places(kind: type[DOMNode]) -> dict[str, int]:
    """The order in which a class (and those it is made from) declares its bindings, by id."""
    found: dict[str, int] = {}
    for each in kind.__mro__:
        for binding in each.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id is not None:
                found.setdefault(binding.id, len(found))
    return found


def _entry(found: list[ActiveBinding], *, all_keys: bool) -> Entry:
    first = found[0]
    binding = first.binding
    if all_keys:
        keys = tuple(written(each.binding.key) for each in found)
        label = binding.description
    else:
        seen: dict[str, str] = {}
        for each in found:
            seen.setdefault(each.binding.action, written(each.binding.key))
        keys = ("/".join(seen.values()),)
        label = binding.group.description if binding.group else binding.description
    section = first.node.BINDING_GROUP_TITLE or "Here"
    return Entry(
        keys,
        label,
        binding.tooltip or binding.description,
        binding.action,
        section,
        binding.key,
        first.enabled,
        binding.id or "",
    )
