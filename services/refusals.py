"""Which fields of an edit a target refused, as far as its answers tell."""

from __future__ import annotations

import json
from collections.abc import Iterable

from store import fields
from store.attempts import Attempt
from store.fields import BY_PATH
from store.operations import Changes, Operation


def failed_paths(op: Operation, found: Iterable[Attempt]) -> list[str]:
    """The operation's fields that a target refused: those its answers name, else all of them.

    Salesforce names fields by API name, in ``fields`` of an error or in its words; our own
    sentences name the path or the label.
    """
    told: set[str] = set()
    for each in found:
        if each.outcome in ("ok", "judged"):
            continue
        told |= _named(each, op.changes)
    editable = [path for path in op.changes if _is_editable(path)]
    return [path for path in editable if path in told] or editable


def _named(each: Attempt, changes: Changes) -> set[str]:
    names = set(_field_lists(each.response))
    words = f"{each.message or ''} {each.code or ''}"
    told = set()
    for path in changes:
        field = BY_PATH.get(path)
        aliases = {path, field.sf or path, field.label} if field else {path}
        in_words = any(alias in words for alias in aliases if len(alias) > 4)
        if aliases & names or in_words:
            told.add(path)
    return told


def _field_lists(text: str | None) -> list[str]:
    """Every name in a list under a key ``fields`` anywhere in a JSON answer."""
    try:
        root = json.loads(text) if text else None
    except ValueError:
        return []
    found: list[str] = []
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            listed = node.get("fields")
            if isinstance(listed, list):
                found += [name for name in listed if isinstance(name, str)]
            todo += node.values()
        elif isinstance(node, list):
            todo += node
    return found


def _is_editable(path: str) -> bool:
    return fields.is_score(path) or (path in BY_PATH and BY_PATH[path].editable)
