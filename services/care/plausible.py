"""Whether a saved row can be what was written: texts that hold JSON or a time still do.

SQLite sees to the types; a turned bit inside a text it does not see, and the program reads these
texts without asking.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from store import projects
from store.clock import from_iso
from store.pages import Cell


class Implausible(ValueError):
    """The row was damaged."""


def check(table: str, cells: Mapping[str, Cell]) -> None:
    """Raises Implausible."""
    for name, cell in cells.items():
        reads = _READERS.get((table, name))
        if reads is None or cell is None:
            continue
        try:
            reads(str(cell))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise Implausible(f"{table}.{name}") from error


def _mapping(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(text)
    return found


def _changes(text: str) -> None:
    for path, pair in _mapping(text).items():
        if not path or not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(path)


def _stamps(text: str) -> None:
    for at, *others in _mapping(text).values():
        from_iso(at)
        if [type(each) for each in others] != [str, str, str]:
            raise ValueError(text)


def _scores(text: str) -> None:
    if not all(isinstance(vote, int) for vote in _mapping(text).values()):
        raise ValueError(text)


_READERS: dict[tuple[str, str], Callable[[str], object]] = {
    ("projects", "scores"): _scores,
    ("projects", "stamps"): _stamps,
    ("tombstones", "snapshot"): projects.from_snapshot,
    ("operations", "changes"): _changes,
    ("operations", "at"): from_iso,
    ("deliveries", "dropped"): json.loads,  # of an older schema
    ("open_deliveries", "dropped"): json.loads,
    ("past_deliveries", "dropped"): json.loads,
    ("sends", "vals"): _mapping,
    ("sends", "sent_at"): from_iso,
    ("bases", "vals"): _mapping,
    ("bases", "modified_at"): from_iso,
    ("bases", "acked_at"): from_iso,
    ("conflicts", "base"): json.loads,
    ("conflicts", "mine"): json.loads,
    ("conflicts", "theirs"): json.loads,
    ("conflicts", "mine_at"): from_iso,
    ("conflicts", "theirs_at"): from_iso,
}
