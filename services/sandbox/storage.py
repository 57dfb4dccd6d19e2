"""The org's data in one SQLite file.

Any number of threads and server processes may work on the file: each thread has a connection of
its own, a request that writes is one ``BEGIN IMMEDIATE`` transaction, and nothing is cached.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from services.sandbox.ids import make_id
from services.sandbox.schema import NUMBERS, FieldSpec, SfType, SObject
from services.sandbox.standard import schema
from store.canon import launch_date

Row: TypeAlias = dict[str, Any]
"""A record as it is stored: API names, booleans as 0 and 1, dates and times as text."""

_BUSY_MS = 20_000
_META = """
    CREATE TABLE IF NOT EXISTS org (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS serials (prefix TEXT PRIMARY KEY, last INTEGER) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS usage (day TEXT PRIMARY KEY, calls INTEGER) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS removals
        (object TEXT, id TEXT, at TEXT, PRIMARY KEY (object, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cursors
        (id TEXT PRIMARY KEY, user TEXT, at REAL, soql TEXT, deleted INTEGER, ids TEXT);
    CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, info TEXT, data TEXT);
    CREATE TABLE IF NOT EXISTS job_rows
        (job TEXT, n INTEGER, id TEXT, created INTEGER, error TEXT, PRIMARY KEY (job, n));
    CREATE TABLE IF NOT EXISTS batches
        (id TEXT PRIMARY KEY, job TEXT, info TEXT, request TEXT, result TEXT);
"""


class Store:
    """One org's file. Creates the tables it lacks; raises sqlite3.Error."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._local = threading.local()
        # The rows may be somebody's real projects: the file is its owner's alone.
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        with self.transaction() as db:
            _create(db)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection."""
        db = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            db.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.create_function("fold", 1, _fold, deterministic=True)
            db.create_function("launch_date", 1, _launch_date, deterministic=True)
            self._local.db = db
        return db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction; inside another one of the same thread, a savepoint."""
        db = self.connection()
        nested = db.in_transaction
        db.execute("SAVEPOINT part" if nested else "BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK TO part" if nested else "ROLLBACK")
            if nested:
                db.execute("RELEASE part")
            raise
        db.execute("RELEASE part" if nested else "COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view over several reads."""
        db = self.connection()
        if db.in_transaction:
            yield db
            return
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        db = getattr(self._local, "db", None)
        if db is not None:
            db.close()
            self._local.db = None


@cache
def quote(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def late_table(obj: SObject) -> str:
    """The table of row versions that SOQL still shows although newer ones are committed."""
    return quote(f"{obj.name}__late")


def next_number(db: sqlite3.Connection, series: str) -> int:
    """The next number of a series, from 1."""
    (last,) = db.execute(
        "INSERT INTO serials VALUES (?, 1) ON CONFLICT (prefix) DO UPDATE SET last = last + 1"
        " RETURNING last",
        (series,),
    ).fetchone()
    return int(last)


def new_id(db: sqlite3.Connection, prefix: str) -> str:
    """The next id under a key prefix."""
    return make_id(prefix, setting(db, "pod"), next_number(db, prefix))


def new_ids(db: sqlite3.Connection, prefix: str, count: int) -> list[str]:
    """The next so many ids under a key prefix, ascending."""
    (last,) = db.execute(
        "INSERT INTO serials VALUES (?1, ?2) ON CONFLICT (prefix) DO UPDATE SET last = last + ?2"
        " RETURNING last",
        (prefix, count),
    ).fetchone()
    pod = setting(db, "pod")
    return [make_id(prefix, pod, number) for number in range(last - count + 1, last + 1)]


def setting(db: sqlite3.Connection, key: str) -> str:
    """A value of the org. Raises KeyError."""
    found = db.execute("SELECT value FROM org WHERE key = ?", (key,)).fetchone()
    if found is None:
        raise KeyError(key)
    return str(found[0])


def set_setting(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO org VALUES (?, ?)", (key, value))


def count_call(db: sqlite3.Connection, day: str) -> int:
    """Count one API call and give the day's total."""
    (calls,) = db.execute(
        "INSERT INTO usage VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET calls = calls + 1"
        " RETURNING calls",
        (day,),
    ).fetchone()
    return int(calls)


def calls_on(db: sqlite3.Connection, day: str) -> int:
    """The API calls of a day so far."""
    found = db.execute("SELECT calls FROM usage WHERE day = ?", (day,)).fetchone()
    return int(found[0]) if found else 0


def fetch(db: sqlite3.Connection, obj: SObject, record_id: str) -> Row | None:
    """A record by its 18-character id, deleted ones included."""
    cursor = db.execute(f"SELECT * FROM {quote(obj.name)} WHERE Id = ?", (record_id,))
    found = cursor.fetchone()
    return None if found is None else _row(cursor, found)


def find_by(db: sqlite3.Connection, obj: SObject, field: FieldSpec, value: object) -> list[str]:
    """The ids of the live records with this value in a field, oldest first."""
    live = " AND IsDeleted = 0" if obj.has("IsDeleted") else ""
    table, order = (f"({obj.view})", "Id") if obj.view else (quote(obj.name), "rowid")
    same = "= ?" if field.case_sensitive or field.type is SfType.ID else "= ? COLLATE NOCASE"
    rows = db.execute(
        f"SELECT Id FROM {table} WHERE {quote(field.name)} {same}{live} ORDER BY {order}",
        (value,),
    )
    return [row[0] for row in rows]


def insert(db: sqlite3.Connection, obj: SObject, row: Row, late: float | None = None) -> None:
    """Store a new record; SOQL shows it from the moment ``late`` (epoch seconds) on."""
    db.execute(_insertion(obj.name, tuple(row)), tuple(row.values()))
    if late is not None:
        db.execute(
            f"INSERT INTO {late_table(obj)} (late_until, late_exists, Id) VALUES (?, 0, ?)",
            (late, row["Id"]),
        )


def insert_many(db: sqlite3.Connection, obj: SObject, new: Sequence[Row]) -> None:
    """Store new records, all of them with the same columns."""
    if new:
        rows = (tuple(row.values()) for row in new)
        db.executemany(_insertion(obj.name, tuple(new[0])), rows)


def change(
    db: sqlite3.Connection,
    obj: SObject,
    record_id: str,
    changes: Mapping[str, Any],
    late: float | None = None,
) -> None:
    """Store new values of a record; SOQL shows the old ones until ``late``."""
    if late is not None:
        columns = ", ".join(quote(f.name) for f in obj.stored)
        db.execute(
            f"INSERT INTO {late_table(obj)} (late_until, late_exists, {columns})"
            f" SELECT ?, 1, {columns} FROM {quote(obj.name)} WHERE Id = ?",
            (late, record_id),
        )
    pairs = ", ".join(f"{quote(name)} = ?" for name in changes)
    db.execute(f"UPDATE {quote(obj.name)} SET {pairs} WHERE Id = ?", (*changes.values(), record_id))


def forget_late(db: sqlite3.Connection, now: float) -> None:
    """Let go of row versions that are held back no longer."""
    for obj in schema().values():
        if not obj.view:
            db.execute(f"DELETE FROM {late_table(obj)} WHERE late_until <= ?", (now,))


def remove(db: sqlite3.Connection, obj: SObject, record_ids: Iterable[str]) -> None:
    """Take records out of the recycle bin for good."""
    ids = json.dumps(list(record_ids))
    db.execute(
        f"DELETE FROM {quote(obj.name)} WHERE Id IN (SELECT value FROM json_each(?))", (ids,)
    )


def source(db: sqlite3.Connection, obj: SObject, now: float) -> str:
    """What SOQL reads an object from: its table, or the state that is visible at ``now`` where
    versions are still held back."""
    if obj.view:
        return f"({obj.view})"
    late = late_table(obj)
    if not db.execute(f"SELECT 1 FROM {late} WHERE late_until > ? LIMIT 1", (now,)).fetchone():
        return quote(obj.name)
    columns = ", ".join(quote(f.name) for f in obj.stored)
    held = f"{late} WHERE late_until > {now!r}"
    return (
        f"(SELECT {columns} FROM {quote(obj.name)} WHERE Id NOT IN (SELECT Id FROM {held})"
        f" UNION ALL SELECT {columns} FROM {held} AND late_exists"
        f" AND late_seq IN (SELECT MIN(late_seq) FROM {held} GROUP BY Id))"
    )


def rows(db: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """The answer of a query as dicts."""
    cursor = db.execute(sql, values)
    return [_row(cursor, found) for found in cursor.fetchall()]


@cache
def _insertion(table: str, names: tuple[str, ...]) -> str:
    columns, marks = ", ".join(map(quote, names)), ", ".join("?" * len(names))
    return f"INSERT INTO {quote(table)} ({columns}) VALUES ({marks})"


def _row(cursor: sqlite3.Cursor, values: Sequence[Any]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


def _create(db: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _META.split(";")):
        db.execute(statement)
    for obj in schema().values():
        if obj.view:
            continue
        _create_table(db, quote(obj.name), obj, ())
        extra = ("late_seq INTEGER PRIMARY KEY", "late_until REAL", "late_exists INTEGER")
        _create_table(db, late_table(obj), obj, extra)
        for name in _indexed(obj):
            index = quote(f"{obj.name}.{name}")
            db.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {quote(obj.name)} ({quote(name)})")


def _create_table(db: sqlite3.Connection, table: str, obj: SObject, extra: tuple[str, ...]) -> None:
    """The object's table; a file of an older schema gets the columns it lacks."""
    known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    columns = [f"{quote(f.name)} {_affinity(f)}" for f in obj.stored]
    if not known:
        db.execute(f"CREATE TABLE {table} ({', '.join([*extra, *columns])})")
        return
    for f, column in zip(obj.stored, columns, strict=True):
        if f.name not in known:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def _affinity(field: FieldSpec) -> str:
    if field.type in NUMBERS:
        return "REAL"
    return "INTEGER DEFAULT 0" if field.type is SfType.BOOLEAN else "TEXT"


def _indexed(obj: SObject) -> list[str]:
    names = ["Id", "SystemModstamp", "ParentId", "Parent_Initiative__c"]
    return [name for name in names if obj.has(name)] + [
        f.name for f in obj.fields if f.external or f.unique
    ]


def _fold(value: str | None) -> str | None:
    return None if value is None else value.casefold()


def _launch_date(value: str | None) -> str | None:
    found = launch_date(value)
    return found.isoformat() if found else None
