"""The sandbox's Firestore: documents in one SQLite file, held to the real one's contract.

Any number of processes may share the file. It keeps what matters to the outbox: creates that
refuse an existing document, preconditions on the update time, each write of a batch by itself,
server timestamps, update times that strictly rise, no-op writes that leave the update time alone,
and the limits of a document.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import uuid4

from services.sandbox.firestore_values import (
    EPOCH,
    MICROSECOND,
    applied,
    dump,
    load,
    microseconds,
    times,
)
from services.sync.targets.base import ErrorClass, Problem, TargetDown
from services.sync.targets.fs_documents import (
    BATCH,
    SERVER_TIMESTAMP,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    Kind,
    Snapshot,
)
from services.sync.targets.fs_errors import Phase, classify, unfit
from services.sync.targets.fs_limits import DOCUMENT_BYTES, Unfit, check_write, id_fault, size_of
from store.clock import Clock, system_clock
from store.database import StoreError, connect, explain, transaction

Call: TypeAlias = Literal["get_many", "write_many", "changed_since", "ids"]
Moment: TypeAlias = Literal["before", "after"]
Interfere: TypeAlias = Callable[[Moment, Call], Problem | None]
"""Asked before and after each call; a problem it answers takes the place of the real answer. After
a ``write_many`` the writes are applied and only the acknowledgement is lost."""

_SCHEMA = (
    "CREATE TABLE system (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT NOT NULL, "
    "last_ns INTEGER NOT NULL)",
    "CREATE TABLE documents (collection TEXT NOT NULL, id TEXT NOT NULL, "
    "update_ns INTEGER NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (collection, id)) "
    "WITHOUT ROWID",
    "CREATE TABLE times (collection TEXT NOT NULL, field TEXT NOT NULL, at_us INTEGER NOT NULL, "
    "id TEXT NOT NULL, PRIMARY KEY (collection, field, at_us, id)) WITHOUT ROWID",
)
_SIZE_OF_A_CHARACTER = 8
"""No character of a document's stored text stands for more bytes of its size: most documents need
no counting."""


class EmbeddedDocuments(DocumentStore):
    """A ``DocumentStore`` on the SQLite file at ``path``, opened by the first call. ``give_way`` is
    called before each write: five hundred of them take a third of a second of one interpreter."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock = system_clock,
        interfere: Interfere | None = None,
        busy_ms: int = 5_000,
        give_way: Callable[[], None] | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._interfere = interfere
        self._busy_ms = busy_ms
        self._give_way = give_way
        self._conn: sqlite3.Connection | None = None
        self._calls = 0

    @property
    def calls(self) -> int:
        """Calls made so far."""
        return self._calls

    def identity(self) -> str:
        """``embedded/<uuid>``: a new file is another system."""
        with _trouble():
            return str(self._open().execute("SELECT identity FROM system").fetchone()[0])

    def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Snapshot | None]:
        """See DocumentStore."""
        possible = [i for i in ids if id_fault(i) is None]
        found: dict[str, Snapshot | None] = dict.fromkeys(ids)
        with self._reading("get_many") as conn:
            rows = conn.execute(
                "SELECT id, fields, update_ns FROM documents WHERE collection = ? "
                "AND id IN (SELECT value FROM json_each(?))",
                (collection, json.dumps(possible)),
            )
            found.update((row[0], _snapshot(row)) for row in rows)
        return found

    def changed_since(
        self, collection: str, field: str, mark: dt.datetime, limit: int, after_id: str = ""
    ) -> list[Snapshot]:
        """See DocumentStore."""
        with self._reading("changed_since") as conn:
            rows = conn.execute(
                "SELECT d.id, d.fields, d.update_ns FROM times t "
                "JOIN documents d ON d.collection = t.collection AND d.id = t.id "
                "WHERE t.collection = ? AND t.field = ? AND (t.at_us, t.id) > (?, ?) "
                "ORDER BY t.at_us, t.id LIMIT ?",
                (collection, field, microseconds(mark), after_id, limit),
            )
            return [_snapshot(row) for row in rows]

    def ids(self, collection: str) -> list[str]:
        """See DocumentStore."""
        with self._reading("ids") as conn:
            rows = conn.execute(
                "SELECT id FROM documents WHERE collection = ? ORDER BY id", (collection,)
            )
            return [row[0] for row in rows]

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        """See DocumentStore."""
        if len(writes) > BATCH:
            raise ValueError(f"{len(writes)} writes in one batch; the limit is {BATCH}")
        self._calls += 1
        problem = self._asked("before", "write_many")
        if problem is None:
            with _trouble(), transaction(self._open()) as conn:
                results = [self._write(conn, write) for write in writes]
            problem = self._asked("after", "write_many")
        elif problem.cls is ErrorClass.PAUSE:
            raise TargetDown(problem)
        if problem is not None:
            return [DocResult(DocStatus.PROBLEM, problem=problem) for _ in writes]
        return results

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _write(self, conn: sqlite3.Connection, write: DocWrite) -> DocResult:
        if self._give_way is not None:
            self._give_way()
        try:
            check_write(write)
        except Unfit as unfitness:
            return _unfit(str(unfitness), (".".join(unfitness.path),))
        row = conn.execute(
            "SELECT id, fields, update_ns FROM documents WHERE collection = ? AND id = ?",
            (write.collection, write.id),
        ).fetchone()
        refused = _refused(write, row)
        if refused is not None:
            return refused
        held = _snapshot(row).fields if row else {}
        now_ns = self._next_ns(conn)
        now = EPOCH + now_ns // 1000 * MICROSECOND
        fields = applied(held, write.fields, now)
        packed = dump(fields)
        if len(packed) * _SIZE_OF_A_CHARACTER > DOCUMENT_BYTES:
            size = size_of(write.collection, write.id, fields)
            if size > DOCUMENT_BYTES:
                return _unfit(f"The document would hold {size:,} of {DOCUMENT_BYTES:,} bytes.")
        if row and packed == row[1]:
            now_ns = row[2]  # a write that changes nothing leaves the update time alone
        else:
            self._keep(conn, write, packed, now_ns, times(held), times(fields))
        timed = SERVER_TIMESTAMP in write.fields.values()
        return DocResult(DocStatus.OK, _token(now_ns), server_time=now if timed else None)

    def _keep(
        self,
        conn: sqlite3.Connection,
        write: DocWrite,
        packed: str,
        now_ns: int,
        old: set[tuple[str, int]],
        new: set[tuple[str, int]],
    ) -> None:
        conn.execute(
            "INSERT INTO documents (collection, id, update_ns, fields) VALUES (?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET update_ns = excluded.update_ns, fields = excluded.fields",
            (write.collection, write.id, now_ns, packed),
        )
        conn.executemany(
            "DELETE FROM times WHERE collection = ? AND field = ? AND at_us = ? AND id = ?",
            [(write.collection, field, at_us, write.id) for field, at_us in old - new],
        )
        conn.executemany(
            "INSERT INTO times (collection, field, at_us, id) VALUES (?, ?, ?, ?)",
            [(write.collection, field, at_us, write.id) for field, at_us in new - old],
        )

    def _next_ns(self, conn: sqlite3.Connection) -> int:
        """The time of the next write: this clock's, and always a microsecond after the last."""
        now_ns = int(self._clock() * 1e6) * 1000
        row = conn.execute(
            "UPDATE system SET last_ns = max(last_ns + 1000, ?) RETURNING last_ns", (now_ns,)
        ).fetchone()
        return int(row[0])

    def _open(self) -> sqlite3.Connection:
        if self._conn is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            conn = connect(self._path, busy_ms=self._busy_ms)
            with transaction(conn):
                if not conn.execute("SELECT 1 FROM sqlite_master").fetchone():
                    for statement in _SCHEMA:
                        conn.execute(statement)
                    conn.execute("INSERT INTO system VALUES (1, ?, 0)", (f"embedded/{uuid4()}",))
            self._conn = conn
        return self._conn

    @contextlib.contextmanager
    def _reading(self, call: Call) -> Iterator[sqlite3.Connection]:
        """Around one read. Raises TargetDown."""
        self._calls += 1
        self._fail_if(self._asked("before", call))
        with _trouble():
            yield self._open()
        self._fail_if(self._asked("after", call))

    @staticmethod
    def _fail_if(problem: Problem | None) -> None:
        if problem is not None:
            raise TargetDown(problem)

    def _asked(self, moment: Moment, call: Call) -> Problem | None:
        return self._interfere(moment, call) if self._interfere else None


@contextlib.contextmanager
def _trouble() -> Iterator[None]:
    """SQLite's errors as the target being away: a transaction that failed applied nothing."""
    try:
        yield
    except (sqlite3.Error, StoreError, OSError) as error:
        sentence = f"The sandbox's Firestore: {explain(error)}."
        raise TargetDown(Problem(ErrorClass.PAUSE, "SQLITE", str(error), sentence)) from error


def _refused(write: DocWrite, row: sqlite3.Row | None) -> DocResult | None:
    """The precondition's answer, in the order in which the real one looks."""
    if write.kind is Kind.CREATE:
        return _row_result(DocStatus.EXISTS, "entity already exists") if row else None
    if write.update_time is not None:
        stored = _token(row["update_ns"]) if row else None
        if stored != write.update_time:
            return _row_result(DocStatus.STALE, "the stored version does not match")
    elif row is None:
        return _row_result(DocStatus.NOT_FOUND, "no entity to update")
    return None


def _row_result(status: DocStatus, message: str) -> DocResult:
    code = {
        DocStatus.EXISTS: "ALREADY_EXISTS",
        DocStatus.STALE: "FAILED_PRECONDITION",
        DocStatus.NOT_FOUND: "NOT_FOUND",
    }[status]
    return DocResult(status, problem=classify(code, message, Phase.ROW))


def _unfit(sentence: str, fields: tuple[str, ...] = ()) -> DocResult:
    return DocResult(DocStatus.PROBLEM, problem=unfit(sentence, fields))


def _snapshot(row: sqlite3.Row) -> Snapshot:
    return Snapshot(row["id"], load(row["fields"]), _token(row["update_ns"]))


def _token(update_ns: int) -> str:
    """RFC 3339 to the nanosecond, as Firestore's tokens."""
    whole = EPOCH + dt.timedelta(seconds=update_ns // 10**9)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{update_ns % 10**9:09d}Z"
