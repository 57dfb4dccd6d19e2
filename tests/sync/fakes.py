"""Remote systems in memory, at the level the engine talks to, for deterministic histories.

``FakeSalesforce`` keeps whole seconds, shows rows late when told to, and can lose an answer after
or before it applied a request. ``FakeFirestore`` is the real FirestoreTarget over documents in
memory. The real servers and client libraries are exercised elsewhere; these two are for histories
that need a clock of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.sync.targets.base import (
    Action,
    ErrorClass,
    Moved,
    Outcome,
    Problem,
    Ref,
    Remote,
    TargetDown,
    Usage,
    Write,
)
from services.sync.targets.sf_history import HistoryRow
from store import fields
from store.canon import Values
from store.clock import to_iso

PUSHED = {f.path for f in fields.FIELDS if f.sf is not None} | {"total_score"}


class Ticking:
    """A clock that stands still until it is moved."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def problem(cls: ErrorClass, code: str, *, retry_after: float | None = None) -> Problem:
    """A problem of a class, in a few words."""
    return Problem(cls, code, code.lower(), f"the other side said {code}", retry_after=retry_after)


def moved(remotes: Sequence[Remote], settled: Mapping[str, str]) -> Moved:
    """A reading of a whole organisation, with what is still as it was judged only named."""
    known = {
        str(r.remote_id): r.project_id
        for r in remotes
        if r.token is not None and settled.get(str(r.remote_id)) == r.token and not r.deleted
    }
    return Moved([r for r in remotes if r.remote_id not in known], known)


LOST_BEFORE = "lost before"
LOST_AFTER = "lost after"


@dataclass
class Row:
    """One Salesforce record."""

    id: str
    values: Values
    modified: float
    by: str
    deleted: bool = False
    ours: list[tuple[float, Values]] = field(default_factory=list)
    """What we wrote and when: the field history's part that the engine asks for."""
    times: dict[str, float] = field(default_factory=dict)
    """When each field was last changed."""


@dataclass
class FakeSalesforce:
    """A Salesforce organisation in memory."""

    clock: Callable[[], float]
    name: str = "salesforce"
    batch: int = 200
    down: Problem | None = None
    faults: list[str | Problem] = field(default_factory=list)
    row_faults: dict[str, list[Problem]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    calls: int = 0
    writes: list[tuple[str, str, Values]] = field(default_factory=list)
    before_write: list[Callable[[], None]] = field(default_factory=list)
    number: int = 0
    limit: int | None = None
    unreadable: Problem | None = None
    told: list[HistoryRow] = field(default_factory=list)
    purged: dict[str, float] = field(default_factory=dict)

    def connect(self) -> str:
        return "00Dfake"

    def usage(self) -> Usage:
        used = None if self.limit is None else self.calls
        return Usage(used, self.limit, self.calls)

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        """As long as no test spends its share, nothing need be counted here."""

    def clock_offset(self) -> float | None:
        return None

    def close(self) -> None:
        pass

    def human_edits(self, project_id: str, **values: object) -> None:
        """A person changes a record in Salesforce; ``a__b`` is the path ``a.b``."""
        row = self.rows[project_id]
        row.values |= {k.replace("__", "."): v for k, v in values.items()}  # type: ignore[misc]
        row.modified, row.by = self._second(), "human"
        row.times |= dict.fromkeys((k.replace("__", ".") for k in values), row.modified)

    def human_deletes(self, project_id: str) -> None:
        self.rows[project_id].deleted = True
        self.rows[project_id].modified = self._second()
        self.rows[project_id].by = "human"

    def human_purges(self, project_id: str) -> None:
        """Deleted for good: no query finds the row, the list of deletions does."""
        self.purged[self.rows.pop(project_id).id] = self._second()

    def human_creates(self, project_id: str, **values: object) -> None:
        """A person makes a record with an id of ours."""
        self.number += 1
        row = Row(f"a0{self.number:016d}", {}, self._second(), "human")
        row.values = {f.path: fields.DEFAULTS[f.path] for f in fields.FIELDS if f.sf is not None}
        row.values |= {"feature_name": project_id}
        self.rows[project_id] = row
        self.human_edits(project_id, **values)

    def applied_at(
        self, remote_id: str, values: Values, sent_at: dt.datetime
    ) -> dt.datetime | Literal[False] | None:
        """When these values arrived, by the history of a row."""
        for row in self.rows.values():
            if row.id == remote_id:
                since = float(int(sent_at.timestamp()))
                found = [
                    at
                    for at, wrote in row.ours
                    if at >= since
                    and values.keys() & wrote.keys()
                    and all(wrote.get(p) == v for p, v in values.items() if p in wrote)
                ]
                return dt.datetime.fromtimestamp(found[0], dt.UTC) if found else False
        return None

    def field_times(
        self, ids: Sequence[str], since: dt.datetime
    ) -> dict[str, dict[str, dt.datetime]]:
        """When each field of these rows was last changed."""
        return {
            row.id: {
                path: dt.datetime.fromtimestamp(at, dt.UTC)
                for path, at in row.times.items()
                if at >= since.timestamp()
            }
            for row in self.rows.values()
            if row.id in ids
        }

    def history(self, ids: Sequence[str], since: dt.datetime) -> list[HistoryRow] | None:
        """The history of these rows, where a test gave one; it costs no call here."""
        return [row for row in self.told if row.record_id in ids] or None

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        self.calls += 1
        if self.down is not None:
            raise TargetDown(self.down)
        return {ref.project_id: self._remote(ref) for ref in refs}

    def changed(
        self, since: dt.datetime | None, local: object, settled: Mapping[str, str]
    ) -> Moved:
        self.calls += 1
        refused = self.down or self.unreadable
        if refused is not None:
            raise TargetDown(refused)
        begin = int(since.timestamp()) if since else 0
        rows = sorted((row.modified, row.id, pid) for pid, row in self.rows.items())
        return moved([self._remote(Ref(pid)) for at, _, pid in rows if at >= begin], settled)

    def everyone(self) -> dict[str, str]:
        self.calls += 1
        return {row.id: pid for pid, row in self.rows.items() if not row.deleted}

    def deleted(self, since: dt.datetime, until: dt.datetime) -> set[str]:
        self.calls += 1
        return {row_id for row_id, at in self.purged.items() if since.timestamp() <= at}

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        self.calls += 1
        for hook in self.before_write:
            hook()
        self.before_write.clear()
        if self.down is not None:
            raise TargetDown(self.down)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Problem):
            return [Outcome(False, problem=fault) for _ in writes]
        lost = Outcome(False, problem=problem(ErrorClass.UNKNOWN, "RESET"))
        if fault == LOST_BEFORE:
            return [lost for _ in writes]
        outcomes = [self._apply(write) for write in writes]
        return [lost for _ in writes] if fault == LOST_AFTER else outcomes

    def _remote(self, ref: Ref) -> Remote:
        row = self.rows.get(ref.project_id)
        if row is None:
            return Remote(ref.project_id, exists=False)
        moment = dt.datetime.fromtimestamp(row.modified, dt.UTC)
        return Remote(
            ref.project_id,
            exists=True,
            deleted=row.deleted,
            values={p: v for p, v in row.values.items() if p in PUSHED},
            token=to_iso(moment),
            remote_id=row.id,
            modified_at=moment,
            modified_by=row.by,
            modified_by_us=row.by == "us",
        )

    def _apply(self, write: Write) -> Outcome:
        pending = self.row_faults.get(write.project_id)
        if pending:
            return Outcome(False, problem=pending.pop(0))
        row = self.rows.get(write.project_id)
        if write.action in (Action.CREATE, Action.RESTORE) and (row is None or row.deleted):
            self.number += 1
            row = Row(f"a0{self.number:016d}", {}, 0.0, "us")
            row.values = {
                f.path: fields.DEFAULTS[f.path] for f in fields.FIELDS if f.sf is not None
            }
            self.rows[write.project_id] = row
        elif row is None or row.deleted:
            gone = problem(ErrorClass.PERMANENT, "ENTITY_IS_DELETED")
            return Outcome(False, problem=gone)
        if write.contested and write.token != self._remote(Ref(write.project_id)).token:
            return Outcome(False, problem=problem(ErrorClass.STALE, "412"))
        if write.action is Action.DELETE:
            row.deleted = True
        else:
            values = {p: v for p, v in write.values.items() if p in PUSHED}
            if any(fields.is_score(p) for p in write.values):
                values["total_score"] = write.total_score
            row.values |= values
            row.ours.append((self._second(), values))
            row.times |= dict.fromkeys(values, self._second())
            self.writes.append((write.project_id, write.action, values))
        row.modified, row.by = self._second(), "us"
        return Outcome(True, remote_id=row.id)

    def _second(self) -> float:
        return float(int(self.clock()))
