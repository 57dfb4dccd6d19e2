"""Salesforce in memory: whole seconds, rows that show late, a recycle bin, a history, a budget.

``Organisation`` is the shared system with its people; ``OrganisationLine`` is one operator's
``Target`` on it, with the faults of his line.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.itsc_sf_sync import field_map
from services.sync.targets import sf_history
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
from store.canon import Value, Values
from store.clock import to_iso
from tests.sync.fakes import moved
from tests.sync.simulation.faults import (
    AWAY,
    OF_CALLS,
    OF_ROWS,
    REFUSED,
    SPENT,
    Fault,
    Line,
    problem_of,
)

PUSHED = {f.path for f in fields.FIELDS if f.sf is not None} | {"total_score"}
UNTRACKED = {"department", "feature_name", "sort_order"} | {
    f.path for f in fields.FIELDS if f.kind is fields.Kind.LONG_TEXT
}
"""What the package does not track; long texts could not tell their values anyway."""
BLANK: Values = {f.path: fields.DEFAULTS[f.path] for f in fields.FIELDS if f.sf is not None}
LAG = 3.0
ROBOT, PERSON = "robot", "Pat Person"
MARGIN = dt.timedelta(seconds=2)


@dataclass(frozen=True)
class Version:
    """A row as one change left it. Queries show it from ``shown_at`` on."""

    values: Values
    modified: float
    stamp: float
    by: str
    deleted: bool
    shown_at: float


@dataclass
class Row:
    """One record; ``versions`` oldest first, the last is what is stored."""

    id: str
    project_id: str
    versions: list[Version]
    purged: bool = False

    @property
    def now(self) -> Version:
        return self.versions[-1]

    @property
    def alive(self) -> bool:
        return not self.purged and not self.now.deleted

    def shown(self, at: float) -> Version | None:
        """What a query shows: late, but never older than what it showed before."""
        if self.purged:
            return None
        return next((v for v in reversed(self.versions) if v.shown_at <= at), None)


@dataclass(frozen=True)
class Applied:
    """One write that was applied: for the promises about order and silence."""

    client_id: str
    project_id: str
    action: Action
    seq: int
    late: bool
    values: Values


@dataclass
class Organisation:
    """The shared system of record, on its own clock."""

    clock: Callable[[], float]
    rng: random.Random
    rows: list[Row] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    removals: list[tuple[float, str]] = field(default_factory=list)
    writes: list[Applied] = field(default_factory=list)
    pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    poisoned: set[str] = field(default_factory=set)
    lag: float = LAG
    limit: int = 100_000
    used: int = 0
    spent_by_us: int = 0
    spent: bool = False
    covered: set[tuple[str, str, Value]] = field(default_factory=set)
    """Values of untracked fields that no query showed yet when a write covered them, or that a
    request covered which had been on its way for long, and what was edited in the moment before a
    delete: nothing shows afterwards that they were there."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def second(self) -> float:
        return float(int(self.clock()))

    def settle(self) -> None:
        """Let the requests land that were on their way for long."""
        due = [each for each in self.pending if each[0] <= self.clock()]
        self.pending = [each for each in self.pending if each[0] > self.clock()]
        for _, land in due:
            land()

    def alive(self, project_id: str) -> list[Row]:
        """The rows of a project that are there."""
        return [row for row in self.rows if row.project_id == project_id and row.alive]

    def row(self, project_id: str) -> Row | None:
        """The one row of a project that is there."""
        found = self.alive(project_id)
        return found[0] if found else None

    def insert(self, project_id: str, values: Values, by: str) -> Row:
        row = Row(f"a0{next(self._numbers):016d}", project_id, [])
        self.rows.append(row)
        self._version(row, {**BLANK, **values}, by)
        when = dt.datetime.fromtimestamp(self.second(), dt.UTC)
        self.history.append(HistoryRow(row.id, sf_history.CREATED, None, None, by == ROBOT, when))
        return row

    def change(self, row: Row, values: Values, by: str) -> None:
        """An edit, by us or by a person; the tracked fields that differ go to the history."""
        before = row.now.values
        when = dt.datetime.fromtimestamp(self.second(), dt.UTC)
        for path, value in values.items():
            if before.get(path) != value and path not in UNTRACKED:
                self.history.append(
                    HistoryRow(row.id, path, before.get(path), value, by == ROBOT, when)
                )
        self._version(row, {**before, **values}, by)

    def delete(self, row: Row, by: str, *, purge: bool = False) -> None:
        """Into the recycle bin, or for good; the children's lookups are cleared by the system."""
        self._version(row, row.now.values, by, deleted=True)
        row.purged = purge
        self.removals.append((self.second(), row.id))
        for child in self.rows:
            if child.now.values.get("parent_id") == row.project_id:
                values = {**child.now.values, "parent_id": None}
                last = child.now
                child.versions.append(
                    Version(
                        values, last.modified, self.second(), last.by, last.deleted, self._shown()
                    )
                )

    def cover(self, row: Row, token: str | None) -> None:
        """What a person edited since a version goes with the row."""
        for version in row.versions:
            if version.by == PERSON and (token is None or to_iso(version.stamp) >= token):
                self.covered |= {(row.project_id, p, v) for p, v in version.values.items()}

    def cover_unshown(self, row: Row, values: Values) -> None:
        """What was edited that no query shows yet, in fields without a history."""
        for version in row.versions:
            if version.shown_at > self.clock():
                paths = UNTRACKED & values.keys()
                self.covered |= {(row.project_id, p, version.values.get(p)) for p in paths}

    def undelete(self, row: Row, by: str) -> None:
        """Out of the recycle bin."""
        self._version(row, row.now.values, by)

    def _version(self, row: Row, values: Values, by: str, *, deleted: bool = False) -> None:
        at = self.second()
        row.versions.append(Version(values, at, at, by, deleted, self._shown()))

    def _shown(self) -> float:
        return self.clock() + self.rng.uniform(0.0, self.lag)


@dataclass
class OrganisationLine(Line):
    """One operator's ``Target``. All operators are the same user there."""

    target: str = "salesforce"
    org: Organisation = field(kw_only=True)
    clock: Callable[[], float] = field(kw_only=True)
    name: str = "salesforce"
    batch: int = 200
    calls: int = 0
    _offset: float | None = None
    _ration: tuple[int, Problem] | None = None

    def connect(self) -> str:
        if self.down:
            raise TargetDown(AWAY)
        if self._offset is None:
            self._call(*OF_CALLS)  # who am I, which organisation is this
        return "00Dsimulated"

    def anew(self) -> None:
        """A new process: nothing is connected, no call was counted."""
        self.calls, self._offset, self._ration = 0, None, None

    def usage(self) -> Usage:
        return Usage(self.org.used, self.org.limit, self.calls)

    def ration(self, calls: int | None = None, why: Problem | None = None) -> None:
        self._ration = (self.calls + calls, why) if calls is not None and why else None

    def clock_offset(self) -> float | None:
        return self._offset

    def close(self) -> None:
        pass

    # What is read.

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        if not refs:
            return {}
        self._call(*OF_CALLS)
        return {ref.project_id: self._read(ref) for ref in refs}

    def changed(
        self,
        since: dt.datetime | None,
        local: Callable[[Sequence[str]], object],
        settled: Mapping[str, str],
    ) -> Moved:
        self._call(*OF_CALLS)
        floor = 0.0 if since is None else float(int(since.timestamp()))
        found = [
            (version.stamp, row.id, self._remote(row, version))
            for row in self.org.rows
            if (version := row.shown(self.org.clock())) is not None and version.stamp >= floor
        ]
        local([remote.project_id for _, _, remote in found])
        in_order = [remote for _, _, remote in sorted(found, key=lambda each: each[:2])]
        return moved(in_order, settled)

    def everyone(self) -> dict[str, str]:
        self._call(*OF_CALLS)
        return {
            row.id: row.project_id
            for row in self.org.rows
            if (version := row.shown(self.org.clock())) is not None and not version.deleted
        }

    def deleted(self, since: dt.datetime, until: dt.datetime) -> set[str]:
        self._call(*OF_CALLS)
        start, end = (moment.timestamp() // 60 * 60 for moment in (since, until))
        return {id_ for at, id_ in self.org.removals if start <= at <= end + 60}

    def history(self, ids: Sequence[str], since: dt.datetime) -> list[HistoryRow]:
        self._call(*OF_CALLS)
        floor = since.replace(microsecond=0)
        return [row for row in self.org.history if row.record_id in ids and row.at >= floor]

    def field_times(
        self, ids: Sequence[str], since: dt.datetime
    ) -> dict[str, dict[str, dt.datetime]]:
        found: dict[str, dict[str, dt.datetime]] = {}
        for row in self.history(ids, since - MARGIN):
            found.setdefault(row.record_id, {})[row.path] = row.at
        return found

    def applied_at(
        self, remote_id: str, values: Mapping[str, Value], sent_at: dt.datetime
    ) -> dt.datetime | Literal[False] | None:
        offset = dt.timedelta(seconds=self._offset or 0.0)
        rows = self.history([remote_id], sent_at + offset - MARGIN)
        whole = all(path in values for path in field_map() if path != "parent_id")
        return sf_history.shows(rows, values, whole=whole)

    # What is written.

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        self._call(Fault.UNAVAILABLE, Fault.EXPIRED)
        fault = self.next_of(*OF_ROWS)
        match fault:
            case None:
                return [self._apply(write) for write in writes]
            case Fault.LOST_BEFORE:
                pass
            case Fault.LOST_AFTER:
                for write in writes:
                    self._apply(write)
            case Fault.LATE:
                after = self.org.clock() + self.org.rng.choice((1.0, 4.0, 15.0, 90.0))
                self.org.pending.append((after, lambda: self._land(writes)))
            case Fault.MIXED:
                problem = Outcome(False, problem=problem_of(fault))
                return [
                    problem if number % 2 == 0 else self._apply(write)
                    for number, write in enumerate(writes)
                ]
        return [Outcome(False, problem=problem_of(fault)) for _ in writes]

    def _land(self, writes: Sequence[Write]) -> None:
        for write in writes:
            row = self.org.row(write.project_id)
            if row is not None:
                there = row.now.values
                self.org.covered |= {
                    (write.project_id, path, there.get(path))
                    for path, value in write.values.items()
                    if path in UNTRACKED and there.get(path) != value
                }
            self._apply(write, late=True)

    def _call(self, *faults: Fault) -> None:
        """Around every call: the budget, the outage, the faults that end it, the clock."""
        self.org.settle()
        if self.down:
            raise TargetDown(AWAY)
        if self._ration is not None and self.calls >= self._ration[0]:
            raise TargetDown(self._ration[1])
        self.calls += 1
        if self.org.spent:
            raise TargetDown(SPENT)
        self.org.used += 1
        self.org.spent_by_us += 1
        self._offset = int(self.org.clock()) - self.clock()
        fault = self.next_of(*faults)
        if fault is not None:
            raise TargetDown(problem_of(fault))

    def _read(self, ref: Ref) -> Remote:
        now = self.org.clock()
        shown = [(row, version) for row in self.org.rows if (version := row.shown(now)) is not None]
        mine = [each for each in shown if each[0].project_id == ref.project_id]
        alive = [each for each in mine if not each[1].deleted]
        alive.sort(key=lambda each: each[0].id != ref.remote_id)
        known = [each for each in mine if ref.sought or each[0].id == ref.remote_id]
        known.sort(key=lambda each: each[1].stamp, reverse=True)
        for row, version in alive or known:
            made = dt.datetime.fromtimestamp(row.versions[0].modified, dt.UTC)
            return dataclasses.replace(
                self._remote(row, version), created_at=made if ref.sought else None
            )
        return Remote(ref.project_id, exists=False)

    def _remote(self, row: Row, version: Version) -> Remote:
        moment = dt.datetime.fromtimestamp(version.modified, dt.UTC)
        return Remote(
            row.project_id,
            exists=True,
            deleted=version.deleted,
            values={p: v for p, v in version.values.items() if p in PUSHED},
            token=to_iso(version.stamp),
            remote_id=row.id,
            modified_at=moment,
            modified_by=version.by,
            modified_by_us=version.by == ROBOT,
            deleted_by=version.by if version.deleted else None,
            deleted_at=moment if version.deleted else None,
        )

    def _apply(self, write: Write, *, late: bool = False) -> Outcome:
        outcome = self._change(write)
        if outcome.done:
            self.org.writes.append(
                Applied(
                    write.client_id,
                    write.project_id,
                    write.action,
                    write.seq,
                    late,
                    dict(write.values),
                )
            )
        return outcome

    def _change(self, write: Write) -> Outcome:
        if write.project_id in self.org.poisoned:
            self.struck("refused for ever")
            return Outcome(False, problem=REFUSED)
        values = {p: v for p, v in write.values.items() if p in PUSHED}
        if any(fields.is_score(p) for p in write.values):
            values["total_score"] = write.total_score
        if write.action in (Action.CREATE, Action.RESTORE):
            row = self.org.row(write.project_id)
            if row is None:
                row = self.org.insert(write.project_id, values, ROBOT)
            else:
                self.org.change(row, values, ROBOT)
            return self._done(row)
        row = next((row for row in self.org.rows if row.id == write.remote_id), None)
        if row is None or not row.alive:
            gone = Problem(ErrorClass.STALE, "ENTITY_IS_DELETED", "gone", "the record is gone")
            done = write.action is Action.DELETE
            return Outcome(done, problem=None if done else gone)
        if write.contested and write.token != to_iso(row.now.stamp):
            return Outcome(False, problem=Problem(ErrorClass.STALE, "412", "412", "it moved"))
        if write.action is Action.DELETE:
            self.org.cover(row, write.token)
            self.org.delete(row, ROBOT)
        elif write.action is Action.LINK and not self._has_parent(values):
            missing = Problem(ErrorClass.TRANSIENT, "INVALID_FIELD", "no parent", "no parent")
            return Outcome(False, problem=missing)
        else:
            self.org.cover_unshown(row, values)
            self.org.change(row, values, ROBOT)
        return self._done(row)

    def _has_parent(self, values: Values) -> bool:
        parent = values.get("parent_id")
        return parent is None or self.org.row(str(parent)) is not None

    def _done(self, row: Row) -> Outcome:
        at = dt.datetime.fromtimestamp(self.org.second(), dt.UTC)
        return Outcome(True, remote_id=row.id, modified_at=at)
