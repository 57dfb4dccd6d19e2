"""What the engine asks of a target, and what a target answers.

A target knows how to talk to one remote system. It does not know the outbox, the database or the
other target, makes no decision about who wins, and never sleeps or retries by itself: it reads, it
writes, and it says for each row exactly what it learned.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from store.canon import Values


class ErrorClass(StrEnum):
    """The classes of 2-dual-write: what happens next is decided by the class alone."""

    UNKNOWN = "unknown"
    """The request may have been applied: read the record before anything is sent again."""
    TRANSIENT = "transient"
    """The row was refused for now: back off, the attempt counts."""
    PAUSE = "pause"
    """The whole target is away or closed: no attempt is charged to a row."""
    STALE = "stale"
    """A precondition failed: read, merge and try again."""
    PERMANENT = "permanent"
    """The row will never be accepted as it is: dead letter."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal or failure in normal form.

    ``code`` is the remote system's own (``UNABLE_TO_LOCK_ROW``, ``UNAVAILABLE``); ``message`` its
    words, unchanged; ``sentence`` what a person reads; ``fields`` the model paths it names;
    ``retry_after`` seconds, where the other side said so; ``response`` the raw answer for inspect.
    """

    cls: ErrorClass
    code: str
    message: str
    sentence: str
    fields: tuple[str, ...] = ()
    retry_after: float | None = None
    response: Any = None


class TargetDown(Exception):
    """The target as a whole can't be used now (class PAUSE), or a read failed as a whole."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.sentence)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When, by whom and by which operation a field got its value; ``at`` is corrected UTC."""

    at: dt.datetime
    by: str
    op: str
    origin: str


@dataclass(frozen=True, slots=True)
class Applied:
    """The last operation of a client that a document holds."""

    seq: int
    op: str


@dataclass(frozen=True, slots=True)
class Carried:
    """An operation whose value of a field somebody else brought to Salesforce, and who did."""

    op: str
    by: str


@dataclass(frozen=True, slots=True)
class SharedBase:
    """The document's ``sf`` entry: the last state known to be common with Salesforce.

    ``base`` holds values, and for long texts ``sha256:<hex>`` of the canonical text.
    """

    id: str | None
    modstamp: str | None
    base: Values


@dataclass(frozen=True, slots=True)
class Ref:
    """A record to read: by our id, and by the target's own where it is known. ``sought``: one that
    a create of unknown outcome, or its author, may have made, and somebody deleted since, or that
    is brought back, and somebody may have deleted once more."""

    project_id: str
    remote_id: str | None = None
    local: Values = field(default_factory=dict)
    """The present local values; Salesforce needs them to give a person back as he is written
    here (the same user) and to leave an unresolved name alone."""
    sought: bool = False


@dataclass(frozen=True, slots=True)
class Remote:
    """What a target holds of one project now.

    ``exists`` is False for a record that is not there at all; ``deleted`` is True for a tombstone
    (Firestore) or a row known to be in the recycle bin. ``values`` has a path for each field that
    can be judged; a path that is absent must be left out of the comparison (an unresolved person,
    an owner that is a queue). ``token`` is what a guarded write is conditioned on (Firestore
    update_time, Salesforce SystemModstamp). ``modified_at`` decides a same-field conflict where
    there is no stamp. ``created_by``/``created_at`` come from the document; of a row it is known
    only when it was made, and only where it was sought.
    """

    project_id: str
    exists: bool
    deleted: bool = False
    values: Values = field(default_factory=dict)
    token: str | None = None
    remote_id: str | None = None
    modified_at: dt.datetime | None = None
    modified_by: str | None = None
    modified_by_us: bool = False
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    applied: Mapping[str, Applied] = field(default_factory=dict)
    owes: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, Carried] = field(default_factory=dict)
    sf: SharedBase | None = None
    created_by: str | None = None
    created_at: dt.datetime | None = None
    deleted_by: str | None = None
    deleted_at: dt.datetime | None = None


LocalValues = Callable[[Sequence[str]], Mapping[str, Values]]
"""The present local values of projects by id, for reading a record in this side's terms."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A reading of a whole target: the records to be judged, in the order of their moving, and
    by their id there the projects of those that are still as they were judged."""

    remotes: list[Remote]
    settled: dict[str, str] = field(default_factory=dict)


class Action(StrEnum):
    """What a write does to the record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"
    LINK = "link"
    """Salesforce only: the parent, after the row itself."""
    NOTE = "note"
    """Firestore only: what Salesforce acknowledged (id, modstamp, base); no project field."""


@dataclass(frozen=True, slots=True)
class Write:
    """One record to write.

    ``values`` holds exactly the paths to be written, canonical (for CREATE and RESTORE: all of
    them). ``total_score`` is the present total and goes along wherever a score does. ``token`` is
    the precondition (None: no precondition, CREATE). ``seq``/``op_id`` are those of the newest
    operation in the write; ``client_id`` ours. ``at`` is the operation's corrected time.
    ``owes`` are the paths that Salesforce has not got yet, each with the operation that owes it.
    ``paid`` are paths that nobody owes Salesforce any more. ``note`` is used by Action.NOTE: the
    new ``sf`` entry.
    """

    project_id: str
    action: Action
    values: Values = field(default_factory=dict)
    total_score: int | None = None
    token: str | None = None
    remote_id: str | None = None
    seq: int = 0
    op_id: str = ""
    client_id: str = ""
    operator: str = ""
    at: dt.datetime | None = None
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    owes: Mapping[str, str] = field(default_factory=dict)
    created_by: str | None = None
    created_at: str | None = None
    note: SharedBase | None = None
    paid: tuple[str, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    """With NOTE: those of the paid paths that somebody else owed, each with his operation."""
    contested: bool = False
    """Salesforce: the record changed there since the base; send by Id with If-Unmodified-Since
    rather than in a collection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write. Exactly one of ``done`` and ``problem`` is meaningful.

    ``token``, ``remote_id`` and ``modified_at`` are the record's after the write, where the answer
    told them. ``skipped`` are paths that could not be sent (a person with no user): they count as
    delivered, and stay here and in Firestore. ``request`` and ``response`` are for inspect.
    """

    done: bool
    token: str | None = None
    remote_id: str | None = None
    modified_at: dt.datetime | None = None
    skipped: tuple[str, ...] = ()
    problem: Problem | None = None
    request: Any = None
    response: Any = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The organisation's API calls, as the last answer's header said; calls are this process's."""

    used: int | None = None
    limit: int | None = None
    calls: int = 0


class Target(Protocol):
    """One remote system. Not thread-safe: the engine's thread owns it."""

    name: str
    batch: int
    """How many records one ``write`` may hold (Salesforce 200, Firestore 500)."""

    def connect(self) -> str:
        """Log in if need be and say which system this is: the organisation's id, or
        ``project/database``. Idempotent and cheap once connected.

        Raises TargetDown.
        """
        ...

    def read(self, refs: Sequence[Ref]) -> dict[str, Remote]:
        """The present state of each record, one entry for every ref, absent ones included.

        Raises TargetDown.
        """
        ...

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Send up to ``batch`` writes, one answer each, in order; never raises for the remote's
        refusals (an answer that was lost is UNKNOWN for every row it may have covered).

        Raises TargetDown only where nothing can have been applied.
        """
        ...

    def usage(self) -> Usage:
        """Calls made and the organisation's budget."""
        ...

    def clock_offset(self) -> float | None:
        """Seconds to add to this machine's clock to get the server's, from its Date header."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
