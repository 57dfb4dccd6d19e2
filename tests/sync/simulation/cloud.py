"""Firestore in memory: the sandbox's own documents, with each operator's line and its faults."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.sandbox.firestore import EmbeddedDocuments
from services.sync.targets.base import TargetDown
from services.sync.targets.fs_documents import (
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    Snapshot,
)
from services.sync.targets.fs_layout import COLLECTION
from tests.sync.simulation.faults import AWAY, OF_CALLS, OF_DOCUMENTS, Fault, Line, problem_of

LAG = 3.0


@dataclass
class Cloud:
    """The documents that all operators share. A delta query shows a document up to ``lag`` seconds
    late."""

    documents: EmbeddedDocuments
    clock: Callable[[], float]
    rng: random.Random
    lag: float = LAG
    shown_at: dict[str, float] = field(default_factory=dict)
    pending: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    written: int = 0
    """How often a project's document was written."""
    applied: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """The numbers of the operations in a document by (client, project), as they came."""

    def settle(self) -> None:
        """Let the requests land that were on their way for long."""
        due = [each for each in self.pending if each[0] <= self.clock()]
        self.pending = [each for each in self.pending if each[0] > self.clock()]
        for _, land in due:
            land()

    def write(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        results = self.documents.write_many(writes)
        for write, result in zip(writes, results, strict=True):
            if result.status is DocStatus.OK and write.collection == COLLECTION:
                self.written += 1
                self.shown_at[write.id] = self.clock() + self.rng.uniform(0.0, self.lag)
                for path, value in write.fields.items():
                    if path[0] == "applied" and len(path) == 2:
                        self.applied.setdefault((path[1], write.id), []).append(value["seq"])
        return results


@dataclass
class CloudLine(Line, DocumentStore):
    """One operator's ``DocumentStore``."""

    target: str = "firestore"
    cloud: Cloud = field(kw_only=True)
    _calls: int = 0

    @property
    def calls(self) -> int:
        return self._calls

    def identity(self) -> str:
        return "simulated/(default)"

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Snapshot | None]:
        self._call(*OF_CALLS)
        return self.cloud.documents.get_many(collection, ids)

    def changed_since(
        self, collection: str, field: str, mark: dt.datetime, limit: int, after_id: str = ""
    ) -> list[Snapshot]:
        self._call(*OF_CALLS)
        found = self.cloud.documents.changed_since(collection, field, mark, limit, after_id)
        if collection != COLLECTION:
            return found
        now = self.cloud.clock()
        return [each for each in found if self.cloud.shown_at.get(each.id, 0.0) <= now]

    def ids(self, collection: str) -> list[str]:
        self._call(*OF_CALLS)
        return self.cloud.documents.ids(collection)

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        self._call(Fault.UNAVAILABLE, Fault.EXPIRED)
        fault = self.next_of(*OF_DOCUMENTS)
        match fault:
            case None:
                return self.cloud.write(writes)
            case Fault.LOST_AFTER:
                self.cloud.write(writes)
            case Fault.LATE:
                after = self.cloud.clock() + self.cloud.rng.choice((1.0, 4.0, 15.0, 90.0))
                self.cloud.pending.append((after, lambda: self._land(writes)))
            case Fault.STALE:
                problem = problem_of(fault)
                return [DocResult(DocStatus.STALE, problem=problem) for _ in writes]
        problem = problem_of(fault)
        return [DocResult(DocStatus.PROBLEM, problem=problem) for _ in writes]

    def _land(self, writes: Sequence[DocWrite]) -> None:
        self.cloud.write(writes)

    def close(self) -> None:
        pass

    def _call(self, *faults: Fault) -> None:
        self.cloud.settle()
        if self.down:
            raise TargetDown(AWAY)
        self._calls += 1
        fault = self.next_of(*faults)
        if fault is not None:
            raise TargetDown(problem_of(fault))
