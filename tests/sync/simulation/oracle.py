"""What must be true, from what people did: every edit, and what its author saw when he made it.

Values are unique, so that a value tells whose edit it is. An edit's parent is the edit whose value
stood where it was made. From that alone follows which edits are superseded, which met, and which
may be the last one standing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from store.canon import Value

PERSON = "person"


@dataclass(frozen=True)
class Edit:
    """``at`` is the true time; ``parent`` the number of the edit it was made upon."""

    number: int
    project_id: str
    path: str
    value: Value
    who: str
    at: float
    parent: int | None


@dataclass
class Oracle:
    """Everything that was acknowledged, as a graph."""

    edits: list[Edit] = field(default_factory=list)
    lives: dict[str, list[tuple[float, str, str]]] = field(default_factory=dict)
    """What was done to whole projects: time, who, created/deleted/restored/decided."""
    unseen: set[int] = field(default_factory=set)
    """Edits that a write of ours may have covered without a trace: the window that can't be
    closed, see docs/reliability.md."""
    _standing: dict[tuple[str, str, Value], list[int]] = field(default_factory=dict)

    def edited(
        self, project_id: str, path: str, value: Value, who: str, at: float, replaced: Value
    ) -> None:
        """Somebody set a field and was told that it is saved."""
        seen = self._standing.get((project_id, path, replaced))
        parent = seen[-1] if seen else None
        edit = Edit(len(self.edits), project_id, path, value, who, at, parent)
        self.edits.append(edit)
        self._standing.setdefault((project_id, path, value), []).append(edit.number)

    def lived(self, project_id: str, who: str, at: float, what: str) -> None:
        """Somebody made, deleted or brought back a project."""
        self.lives.setdefault(project_id, []).append((at, who, what))

    def by_value(self, project_id: str, path: str, value: Value) -> list[Edit]:
        """The edits that set this value."""
        return [self.edits[n] for n in self._standing.get((project_id, path, value), ())]

    def of(self, project_id: str, path: str) -> list[Edit]:
        """Every edit of a field."""
        return [e for e in self.edits if (e.project_id, e.path) == (project_id, path)]

    def upward(self, edits: Iterable[Edit]) -> Iterator[Edit]:
        """These edits and those they were made upon."""
        for edit in edits:
            each: Edit | None = edit
            while each is not None:
                yield each
                each = None if each.parent is None else self.edits[each.parent]

    def related(self, one: Edit, other: Edit) -> bool:
        """Whether one of the two was made upon the other."""
        return other in self.upward([one]) or one in self.upward([other])

    def met(self, project_id: str, path: str, one: Value, other: Value) -> bool:
        """Whether edits of these two values can have been made without knowing of each other."""
        ones, others = (self.by_value(project_id, path, v) or [None] for v in (one, other))
        return any(a is None or b is None or not self.related(a, b) for a in ones for b in others)
