"""Metadata files as text: one canonical rendering, so that the same tree gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"

Tree: TypeAlias = Sequence[tuple[str, "str | int | bool | Tree"]]
"""Elements in order: a name, and a text, number, truth or further elements."""

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}


def render(root: str, tree: Tree) -> str:
    """A metadata file as Salesforce writes it: four spaces a level, five entities escaped."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{root} xmlns="{NAMESPACE}">']
    _add(lines, tree, "    ")
    lines.append(f"</{root}>")
    return "\n".join(lines) + "\n"


def _add(lines: list[str], tree: Tree, indent: str) -> None:
    for name, value in tree:
        if isinstance(value, bool):
            lines.append(f"{indent}<{name}>{str(value).lower()}</{name}>")
        elif isinstance(value, str | int):
            text = "".join(_ESCAPES.get(ch, ch) for ch in str(value))
            lines.append(f"{indent}<{name}>{text}</{name}>" if text else f"{indent}<{name}/>")
        elif value:
            lines.append(f"{indent}<{name}>")
            _add(lines, value, indent + "    ")
            lines.append(f"{indent}</{name}>")
        else:
            lines.append(f"{indent}<{name}/>")
