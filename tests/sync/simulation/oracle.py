"""What must be true, from what people did: every edit, and what its author saw when he made it.

Values are mostly unique, so that a value tells whose edit it is; an undo or a discarded edit sets
one again. An edit's parents are the edits whose value stood where it was made: several, where more
than one set it. From that alone follows which edits are superseded, which met, and which may be the
last one standing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from store.canon import Value

PERSON = "person"


@dataclass(frozen=True)
class Edit:
    """``at`` is the true time; ``parents`` the numbers of the edits it may have been made upon,
    ``sure`` whether there is no other it can have been; ``fresh`` whether nobody had set this value
    before: else it took something back."""

    number: int
    project_id: str
    path: str
    value: Value
    who: str
    at: float
    parents: tuple[int, ...]
    sure: bool
    fresh: bool


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
        seen = tuple(self._standing.get((project_id, path, replaced), ()))
        sure = len(seen) + (replaced is None) <= 1  # an empty field may never have been set
        fresh = value is not None and (project_id, path, value) not in self._standing
        edit = Edit(len(self.edits), project_id, path, value, who, at, seen, sure, fresh)
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

    def upward(self, edits: Iterable[Edit], *, surely: bool = False) -> Iterator[Edit]:
        """These edits and those they were, or ``surely`` were, made upon."""
        found: set[int] = set()
        waiting = [edit.number for edit in edits]
        while waiting:
            edit = self.edits[waiting.pop()]
            if edit.number in found:
                continue
            found.add(edit.number)
            yield edit
            if edit.sure or not surely:
                waiting.extend(edit.parents)

    def related(self, one: Edit, other: Edit) -> bool:
        """Whether one of the two was surely made upon the other."""
        return other in self.upward([one], surely=True) or one in self.upward([other], surely=True)

    def met(self, project_id: str, path: str, one: Value, other: Value) -> bool:
        """Whether edits of these two values can have been made without knowing of each other."""
        ones, others = (self.by_value(project_id, path, v) or [None] for v in (one, other))
        return any(a is None or b is None or not self.related(a, b) for a in ones for b in others)
