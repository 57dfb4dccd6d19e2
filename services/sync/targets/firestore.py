"""Firestore as a target of the outbox: projects over a ``DocumentStore``."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.sync.targets.base import (
    ErrorClass,
    LocalValues,
    Outcome,
    Problem,
    Ref,
    Remote,
    Target,
    TargetDown,
    Usage,
    Write,
)
from services.sync.targets.fs_documents import (
    BATCH,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    Special,
)
from services.sync.targets.fs_layout import (
    COLLECTION,
    MOVED,
    base_form,
    base_hash,
    doc_write,
    moment_of,
    remote_of,
)
from store.canon import is_project_id

__all__ = ["META", "FirestoreTarget", "base_form", "base_hash"]

META = "itsc_meta"
"""The collection of what the operators share besides projects; its reconciler is read as probe."""


class FirestoreTarget(Target):
    """The shared cache as a ``Target``: one document a project, each written by itself."""

    name = "firestore"
    batch = BATCH

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents
        self._proven = False

    def connect(self) -> str:
        """``project/database`` (or the embedded store's identity), after one read that proves
        that it answers. Free once that is so, until something fails.

        Raises TargetDown.
        """
        if not self._proven:
            self._documents.get_many(META, ["reconciler"])
            self._proven = True
        return self._documents.identity()

    def everyone(self) -> list[str]:
        """The id of every document, tombstones included. Raises TargetDown."""
        return self._documents.ids(COLLECTION)

    @property
    def documents(self) -> DocumentStore:
        """The documents themselves, for what the operators share besides projects."""
        return self._documents

    def changed(
        self, since: dt.datetime, after_id: str, local: LocalValues
    ) -> tuple[list[Remote], Cursor | None]:
        """One page of the projects whose document moved since a moment (behind ``after_id`` at
        exactly that moment), by (moment, id), and where the next page begins; None behind the
        last. Documents with an id that is none of ours are left out. Raises TargetDown."""
        found = self._documents.changed_since(COLLECTION, MOVED, since, BATCH, after_id)
        cursor = None
        if len(found) == BATCH:
            cursor = Cursor(found[-1].fields[MOVED], found[-1].id)
        known = [snapshot for snapshot in found if is_project_id(snapshot.id)]
        mine = local([snapshot.id for snapshot in known])
        return [remote_of(Ref(s.id, local=mine.get(s.id, {})), s) for s in known], cursor

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        """See Target. One call for all."""
        if not refs:
            return {}
        try:
            found = self._documents.get_many(COLLECTION, [ref.project_id for ref in refs])
        except TargetDown:
            self._proven = False
            raise
        return {ref.project_id: remote_of(ref, found[ref.project_id]) for ref in refs}

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """See Target. One call for up to 500 (more where they weigh more than 3.5 MiB)."""
        docs = [doc_write(write) for write in writes]
        try:
            results = self._documents.write_many(docs)
        except TargetDown:
            self._proven = False
            raise
        outcomes = [
            _outcome(write, doc, result)
            for write, doc, result in zip(writes, docs, results, strict=True)
        ]
        if any(_away(outcome.problem) for outcome in outcomes):
            self._proven = False
        return outcomes

    def usage(self) -> Usage:
        """Calls made by this process; Firestore tells no budget."""
        return Usage(calls=self._documents.calls)

    def clock_offset(self) -> float | None:
        """None: Firestore's answers carry no time of their own worth measuring by."""
        return None

    def close(self) -> None:
        """Let go of connections."""
        self._documents.close()
        self._proven = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where reading goes on: behind the document ``after_id`` of exactly this moment."""

    moment: dt.datetime
    after_id: str


def _away(problem: Problem | None) -> bool:
    return problem is not None and problem.cls in (ErrorClass.PAUSE, ErrorClass.UNKNOWN)


def _outcome(write: Write, doc: DocWrite, result: DocResult) -> Outcome:
    request = _shown(doc)
    if result.status is DocStatus.OK:
        token = result.update_time or ""
        return Outcome(
            done=True,
            token=token,
            modified_at=result.server_time or moment_of(token),
            request=request,
            response={"update_time": token},
        )
    problem = result.problem
    assert problem is not None
    return Outcome(
        done=False,
        problem=_with_fields(problem, write),
        request=request,
        response={"code": problem.code, "message": problem.message},
    )


def _with_fields(problem: Problem, write: Write) -> Problem:
    """The problem with the model paths it names: Firestore quotes a field by its last part."""
    if problem.fields or problem.cls is not ErrorClass.PERMANENT:
        return problem
    named = tuple(
        path for path in write.values if f'"{path.rpartition(".")[2]}"' in problem.message
    )
    return dataclasses.replace(problem, fields=named)


def _shown(doc: DocWrite) -> dict[str, Any]:
    """The request as JSON holds it, for inspect."""
    return {
        "document": f"{doc.collection}/{doc.id}",
        "write": doc.kind.value,
        "precondition": doc.update_time,
        "fields": {".".join(path): _plain(value) for path, value in doc.fields.items()},
    }


def _plain(value: Any) -> Any:
    match value:
        case Special():
            return f"<{value.value}>"
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return value
