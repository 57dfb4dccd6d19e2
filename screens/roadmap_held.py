"""What the roadmap holds of the store: the rows on show, their sync state, the views' counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from screens.roadmap_rows import NAME, PATHS, Look, Row, value
from services.sync.status import RowSync
from store.canon import Value
from store.fields import BY_PATH, Kind
from store.projects import Project

_SUGGESTED = (Kind.PERSON, Kind.TEXT)


class Held:
    """The last look at the store, and what was learned since."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.counts: Mapping[str, int] = {}
        self.version: tuple[object, ...] | None = None
        self.sync: dict[str, RowSync] = {}
        self._fresh: set[str] = set()

    @property
    def order(self) -> list[str]:
        """The projects in the table's order."""
        return list(self.rows)

    def value(self, row: str, path: str) -> Value:
        """A field of a project."""
        return value(self.rows[row], path)

    def known(self, path: str) -> list[str]:
        """The values of a field among the projects, to suggest while typing."""
        if path not in PATHS or path == NAME or BY_PATH[path].kind not in _SUGGESTED:
            return []
        return sorted({str(v) for row in self.rows.values() if (v := value(row, path))})

    def take_sync(self, found: Mapping[str, RowSync]) -> list[str]:
        """Take the sync state of some rows, those of all others being in doubt from now on. Gives
        the rows whose state is another one."""
        changed = [row for row, sync in found.items() if self.sync.get(row) != sync]
        self.sync.update(found)
        self._fresh = set(found)
        return changed

    def add_sync(self, found: Mapping[str, RowSync]) -> None:
        """Take the sync state of further rows."""
        self.sync.update(found)
        self._fresh.update(found)

    def in_doubt(self, rows: Iterable[str]) -> list[str]:
        """Those of the rows whose sync state was not read since something was committed."""
        return [row for row in rows if row in self.rows and row not in self._fresh]

    def take_rows(self, found: Look) -> bool:
        """Take the rows of a look; gives whether they answer another question than those before
        (another view, filter or sort)."""
        assert found.rows is not None
        before, self.version = self.version, found.version or None
        self.rows = dict(found.rows)
        self.counts = self.counts if found.counts is None else found.counts
        return before is not None and before[1:] != found.version[1:]

    def take_values(self, rows: Mapping[str, Row]) -> None:
        """Take new values alone: no row comes, goes or moves."""
        self.rows = {each: rows.get(each, row) for each, row in self.rows.items()}

    def put(self, changed: Iterable[Project]) -> list[str]:
        """What an edit made of projects; gives those that are among the rows."""
        here = {each.project_id: each for each in changed if each.project_id in self.rows}
        for project_id, each in here.items():
            self.rows[project_id] = tuple(each.values[path] for path in PATHS)
        return list(here)

    def put_order(self, order: Sequence[str]) -> None:
        """The same rows in another order."""
        self.rows = {each: self.rows[each] for each in order if each in self.rows}
