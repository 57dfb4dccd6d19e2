"""Reading a database where nothing can be written: a read-only disk, a full one, a directory of
somebody else's.

SQLite itself reads such a database only while the log's index (``-shm``) is there. Without it, its
own way out (``immutable``) leaves the log unread, and what was saved last is missing from every
answer. So both files are read into memory then, as they are in one moment, the log laid over.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from store import pages
from store.database import (
    SCHEMA_VERSION,
    CantWrite,
    Connection,
    StoreError,
    explain,
    furnish,
    refuse_hollow,
    schema_of,
)

LARGEST = 1 << 30
"""Bytes that SQLite takes into memory at most."""
PATIENCE, _QUIET = 5.0, 0.1
"""Seconds to wait for a moment in which nobody writes, and how long ago the last write has to be:
clocks of file systems may stand still for some milliseconds."""
_HALF = "it was left in the middle of a change, which has to be taken back first"


def open_to_read(path: Path, refused: CantWrite) -> sqlite3.Connection:
    """A connection that reads the database at ``path``, of this schema, and can't change it.

    ``refused`` is why it could not be opened to write. Raises StoreError, among others for another
    schema: it would have to be migrated, which is writing.
    """
    conn = connect_to_read(path)
    try:
        version = schema_of(conn, path)
        if not version:
            raise refused
        if version < SCHEMA_VERSION:
            raise StoreError(
                f"the database has schema {version} and has to be brought to schema "
                f"{SCHEMA_VERSION} before it can be read, but {refused}"
            )
    except sqlite3.Error as error:
        conn.close()
        raise explain(error, path) from error
    except BaseException:
        conn.close()
        raise
    return conn


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that reads the database at ``path``, whatever its schema, and can't change it.
    Raises StoreError."""
    try:
        refuse_hollow(path)
        try:
            return _furnished(lambda: _by_sqlite(path))
        except sqlite3.OperationalError:
            return _furnished(lambda: _from_memory(path))
    except OSError as error:
        raise StoreError(f"the database can't be read: {error.strerror} ({path})") from error
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _furnished(opened: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
    """The connection, after a first question: not before that SQLite opens all that it needs."""
    conn = opened()
    try:
        furnish(conn)
        # Nothing that is changed in memory would ever be seen again.
        conn.execute("PRAGMA query_only=1")
        conn.execute("PRAGMA temp_store=MEMORY")
        conn.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except BaseException:
        conn.close()
        raise
    return conn


def _by_sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, factory=Connection
    )


def _from_memory(path: Path) -> sqlite3.Connection:
    # By the time SQLite takes its own copy, this is the only other one.
    whole = pages.laid_over(*_one_moment(path))
    conn = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
    try:
        conn.deserialize(whole)
    except BaseException:
        conn.close()
        raise
    return conn


def _one_moment(path: Path) -> tuple[bytes, bytes]:
    """The database and its log, neither of them written to while they were read."""
    log = path.with_name(f"{path.name}-wal")
    end = time.monotonic() + PATIENCE
    while True:
        before = _stamps(path, log)
        if sum(size for _, size, _ in before) > LARGEST:
            raise StoreError(f"the database is too large to be read where it is ({path})")
        found = path.read_bytes(), log.read_bytes() if log.exists() else b""
        if _size(path.with_name(f"{path.name}-journal")):
            raise StoreError(f"the database can't be read where nothing can be written: {_HALF}")
        lately = max(changed for changed, _, _ in before) / 1e9
        if _stamps(path, log) == before and abs(time.time() - lately) > _QUIET:
            return found
        if time.monotonic() > end:
            raise StoreError(f"another program writes to the database; try again ({path})")
        time.sleep(_QUIET)


def _stamps(*files: Path) -> list[tuple[int, int, int]]:
    """When each file was last written, its size, and which file it is."""
    found = []
    for each in files:
        try:
            stat = each.stat()
        except FileNotFoundError:
            found.append((0, 0, 0))
        else:
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return found


def _size(path: Path) -> int:
    return _stamps(path)[0][1]
