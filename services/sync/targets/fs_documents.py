"""Documents as the Firestore adapter needs them: a small interface over plain Python values.

Two stores keep it: the real Firestore (``fs_google``) and the sandbox's embedded one
(``services.sandbox.firestore``). One contract suite runs over both.

A value is None, bool, int (64 bits), float, str, bytes, an aware datetime, a list (no list directly
in a list) or a dict with text keys. Timestamps keep microseconds, as Firestore's do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Protocol, TypeAlias

from services.sync.targets.base import Problem

FieldPath: TypeAlias = tuple[str, ...]
"""A field by its segments; each segment is one literal key, dots and all."""

BATCH = 500
"""How many documents one ``write_many`` takes."""


class Special(Enum):
    """What a write may put at a field path in place of a value."""

    SERVER_TIMESTAMP = "the server's time of this write"
    DELETE_FIELD = "the field goes away"


SERVER_TIMESTAMP = Special.SERVER_TIMESTAMP
DELETE_FIELD = Special.DELETE_FIELD


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One document as it is. ``update_time`` is an opaque token for a guarded write."""

    id: str
    fields: dict[str, Any]
    update_time: str


class Kind(StrEnum):
    """The two ways to write; there is no ``set``, which takes no precondition."""

    CREATE = "create"
    """The document must not exist yet."""
    UPDATE = "update"
    """The document must exist, and must be at ``update_time`` where that is given."""


@dataclass(frozen=True, slots=True)
class DocWrite:
    """One document to write: exactly the field paths given, nothing else is touched.

    No path may lie inside another. Special values stand directly at a path, not inside a value.
    """

    collection: str
    id: str
    kind: Kind
    fields: Mapping[FieldPath, Any]
    update_time: str | None = None


class DocStatus(StrEnum):
    """What became of one document of a batch."""

    OK = "ok"
    EXISTS = "already exists"
    STALE = "failed precondition"
    NOT_FOUND = "not found"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class DocResult:
    """One document's answer.

    ``update_time`` is the document's new token when OK; ``server_time`` what SERVER_TIMESTAMP
    became, where the write held one. ``problem`` says why for every other status.
    """

    status: DocStatus
    update_time: str | None = None
    server_time: dt.datetime | None = None
    problem: Problem | None = None


class DocumentStore(Protocol):
    """Collections of documents. Not thread-safe: one thread owns a store."""

    @property
    def calls(self) -> int:
        """Requests made so far."""
        ...

    def identity(self) -> str:
        """Which system this is: ``project/database`` for the real one. Raises TargetDown."""
        ...

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Snapshot | None]:
        """The documents by id in one call; None for those that are not there.

        An id that the store can't hold at all is simply not there. Raises TargetDown.
        """
        ...

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        """Write up to 500 documents, each by itself: one that is refused fails no other.

        One result each, in order. Raises TargetDown only where nothing was applied, ValueError
        for more than 500.
        """
        ...

    def changed_since(
        self, collection: str, field: str, mark: dt.datetime, limit: int, after_id: str = ""
    ) -> list[Snapshot]:
        """Documents whose timestamp ``field`` is at or after ``mark``, by (field, id).

        With ``after_id`` it goes on behind that document of exactly that ``mark``, so that a page
        may end between documents of the same time. Raises TargetDown.
        """
        ...

    def ids(self, collection: str) -> list[str]:
        """Every id in the collection, in order. Raises TargetDown."""
        ...

    def close(self) -> None:
        """Let go of connections; the next call opens them again."""
        ...
