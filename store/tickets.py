"""The tickets' own file: raw rows as they came, and what was derived from them.

A DuckDB file beside the outbox database, because a million tickets are summed over, not looked up.
DuckDB lets either one process write or several read, so nobody keeps the file open: each use opens
it, is done in moments and closes it, and whoever finds it taken tries again. Bulk loads work on a
copy that takes the file's place at the end: readers see the old rows until then, and a load that
is stopped leaves nothing behind. Writers take turns by a lock that the system lets go of with the
process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from store.database import FULL, NOT_WRITABLE, CantWrite, StoreError, explain, refuse_network

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 1
SLOT = (
    "CASE WHEN length({id}) IN (15, 18) AND strlen({id}) = length({id}) "
    "THEN encode(substr({id}, 8, 8))::BIT::UBIGINT ELSE hash({id}) & 4294967295 END"
)
"""A number beside each id: finding a few tickets among millions compares numbers, not texts. Of an
id of Salesforce it is the running number in it, so that tickets of one time, which are touched
together, lie together, and the rows of all others are passed over in blocks."""
_SLOT_REVISION = 2
_SLOTS = (
    ("tickets", "_slot", "_id"),
    ("history", "slot", "ticket"),
    ("responses", "slot", "ticket"),
)
PATIENCE = 10.0
"""Seconds to wait for a file that another process has open for a moment."""
_RETRY = 0.02
_FULL = "No space left on device"
_HIGHEST_MEMORY = 2 << 30
_SCHEMA = """
    CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
    CREATE TABLE tickets (
        _slot UBIGINT, _id VARCHAR, _created_at TIMESTAMP, _version TIMESTAMP, _deleted BOOLEAN);
    CREATE TABLE history (
        slot UBIGINT, ticket VARCHAR, id VARCHAR, happened TIMESTAMP, actor VARCHAR, field VARCHAR,
        old VARCHAR, new VARCHAR, deleted BOOLEAN);
    CREATE TABLE figures (topic VARCHAR, key VARCHAR, content VARCHAR NOT NULL,
        PRIMARY KEY (topic, key));
    CREATE TABLE people (id VARCHAR PRIMARY KEY, name VARCHAR NOT NULL);
    CREATE TABLE responses (
        slot UBIGINT, ticket VARCHAR, id VARCHAR, happened TIMESTAMP, actor VARCHAR,
        source VARCHAR);
"""
_gates: dict[str, threading.RLock] = {}
"""One use at a time in this process: DuckDB's own lock is between processes."""


class TicketFile:
    """Opens the file at ``path``, which need not exist. Every method raises StoreError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gate = _gates.setdefault(str(path.absolute()), threading.RLock())

    def stamp(self) -> int:
        """A number that changes with every commit of any process; 0 while there is no file."""
        stamps = []
        for path in (self.path, self.path.with_name(f"{self.path.name}.wal")):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                stamps.append((found.st_mtime_ns, found.st_size, found.st_ino))
        return hash(tuple(stamps)) if stamps else 0

    @contextlib.contextmanager
    def reading(self) -> Iterator[DuckDBPyConnection]:
        """A connection that can't change the file; temporary tables and views may be made. Where
        there is no file and none can be made there are no tickets."""
        with self._gate:
            conn = self._open_to_read()
            try:
                with _told(self.path):
                    yield conn
            finally:
                conn.close()

    def copied(self, statements: Sequence[str]) -> DuckDBPyConnection:
        """A database in memory, made by these statements, to which the file is ``kept``. The caller
        closes it; the file is free again."""
        import duckdb

        with self._gate:
            conn = duckdb.connect(":memory:", config=self._settings())
            try:
                path = str(self.path).replace("'", "''")
                self._patiently(
                    self.path,
                    lambda: conn.execute(f"ATTACH '{path}' AS kept (READ_ONLY)"),
                    reading=True,
                )
                _prepare(conn)
                for each in statements:
                    conn.execute(each)
                conn.execute("DETACH kept")
            except BaseException:
                conn.close()
                raise
            return conn

    @contextlib.contextmanager
    def writing(self) -> Iterator[DuckDBPyConnection]:
        """A transaction on the file in place, for what takes moments; readers wait for it."""
        with self._writer(), self._gate:
            if not self.path.exists():
                self._create()
            conn = self._open(self.path)
            try:
                with _told(self.path):
                    conn.execute("BEGIN")
                    _renew_slots(conn)
                    yield conn
                    conn.execute("COMMIT")
            finally:
                conn.close()

    @contextlib.contextmanager
    def rewriting(self) -> Iterator[DuckDBPyConnection]:
        """A transaction on a copy that becomes the file when all went well; readers never wait."""
        with self._writer():
            copy = self.path.with_name(f"{self.path.name}.new")
            try:
                self._copy(copy)
                conn = self._open(copy)
                try:
                    with _told(self.path):
                        conn.execute("BEGIN")
                        _renew_slots(conn)
                        yield conn
                        conn.execute("COMMIT")
                        conn.execute("CHECKPOINT")
                finally:
                    conn.close()
                with self._gate:
                    os.replace(copy, self.path)
            except BaseException:
                self._sweep()
                raise

    def _copy(self, copy: Path) -> None:
        """The file as it is, or a new one, at another place."""
        self._sweep()
        if not self.path.exists():
            self._lay_out(copy)
            return
        try:
            with self._gate:
                if self.path.with_name(f"{self.path.name}.wal").exists():
                    # A process was killed after a commit: what it left is part of the file, and
                    # would be read into the one that takes its place.
                    self._open(self.path).close()
                shutil.copyfile(self.path, copy)
        except OSError as error:
            raise explain(error, self.path) from error

    def _create(self) -> None:
        with self._writer():
            if not self.path.exists():
                self._sweep()
                fresh = self.path.with_name(f"{self.path.name}.new")
                self._lay_out(fresh)
                os.replace(fresh, self.path)

    def _lay_out(self, path: Path) -> None:
        conn = self._open(path)
        try:
            with _told(path):
                _make_tables(conn)
        finally:
            conn.close()

    def _sweep(self) -> None:
        """Take away what a load that was killed left."""
        for suffix in (".new", ".new.wal"):
            with contextlib.suppress(OSError):  # who can't remove it can't write to it, and says so
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def _open_to_read(self) -> DuckDBPyConnection:
        import duckdb

        try:
            if not os.path.exists(self.path):
                self._create()
        except CantWrite:
            conn = duckdb.connect(":memory:", config=self._settings())
            _prepare(conn)
            _make_tables(conn)
            return conn
        return self._open(self.path, read_only=True)

    def _open(self, path: Path, *, read_only: bool = False) -> DuckDBPyConnection:
        import duckdb

        settings = self._settings()
        conn = self._patiently(
            path,
            lambda: duckdb.connect(str(path), read_only=read_only, config=settings),
            reading=read_only,
        )
        _keep_private(path, path.with_name(f"{path.name}.wal"))
        _prepare(conn)
        self._check(conn)
        return conn

    def _settings(self) -> dict[str, str | bool | int | float | list[str]]:
        return {
            "memory_limit": f"{_memory() >> 20}MiB",
            "temp_directory": str(self.path.with_name(f"{self.path.name}.tmp")),
            # A name in a query is a table's, never a variable's.
            "python_enable_replacements": False,
            # Nothing is ever fetched from anywhere.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }

    def _patiently(
        self, path: Path, open_it: Callable[[], DuckDBPyConnection], *, reading: bool
    ) -> DuckDBPyConnection:
        """Open the file, again and again while another process has it."""
        import duckdb

        end = time.monotonic() + PATIENCE
        while True:
            try:
                return open_it()
            except duckdb.Error as error:
                if "Could not set lock" not in str(error):
                    raise _explained(path, error, reading=reading) from error
                if time.monotonic() > end:
                    raise StoreError(
                        f"another program holds the tickets ({path}); nothing was changed, "
                        "try again"
                    ) from error
                time.sleep(_RETRY)

    def _check(self, conn: DuckDBPyConnection) -> None:
        """Refuse what a newer program wrote. A file that is being laid out says nothing yet."""
        import duckdb

        found = None
        with contextlib.suppress(duckdb.CatalogException):
            found = conn.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if found and int(found[0]) > SCHEMA_VERSION:
            conn.close()
            raise StoreError(
                f"{self.path} was written by a newer Steerco (schema {found[0]}, this program "
                f"knows {SCHEMA_VERSION}); nothing was changed. Install the newer version."
            )

    @contextlib.contextmanager
    def _writer(self) -> Iterator[None]:
        """Be the one writer among all processes. SQLite's file lock is portable, and the system
        lets go of it with a process that dies."""
        lock = self._locked()
        try:
            yield
        finally:
            lock.close()

    def _locked(self) -> sqlite3.Connection:
        place = self.path.with_name(f"{self.path.name}.lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            refuse_network(self.path.parent)
            lock = sqlite3.connect(place, timeout=PATIENCE, isolation_level=None)
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except BaseException:
                lock.close()
                raise
        except (OSError, sqlite3.Error) as error:
            if "locked" in str(error):
                raise StoreError(
                    "another program is bringing tickets in; nothing was changed, try again"
                ) from error
            raise explain(error, self.path) from error
        _keep_private(place)
        return lock


def begin_anew(conn: DuckDBPyConnection) -> None:
    """Within a transaction: everything goes, columns too, as if the file had just been made."""
    derived = ("facts", "closers", "figures")
    for table in (*derived, "people", "responses", "history", "tickets", "meta"):
        conn.execute(f"DROP TABLE IF EXISTS {table}")
    _make_tables(conn)
    _renew_slots(conn)


def _make_tables(conn: DuckDBPyConnection) -> None:
    conn.execute(_SCHEMA)
    conn.execute("INSERT INTO meta VALUES ('schema', ?)", [str(SCHEMA_VERSION)])


def _renew_slots(conn: DuckDBPyConnection) -> None:
    """Another version of DuckDB may hash otherwise: the slots are made anew by the first writer,
    and the facts, which hold them too, are no more trusted."""
    import duckdb

    engine = f"{duckdb.__version__} {_SLOT_REVISION}"
    found = conn.execute("SELECT value FROM meta WHERE key = 'engine'").fetchone()
    if found == (engine,):
        return
    for table, slot, key in _SLOTS:
        conn.execute(
            f"ALTER TABLE {table} ALTER {slot} SET DATA TYPE UBIGINT USING {SLOT.format(id=key)}"
        )
    conn.execute("DELETE FROM meta WHERE key = 'facts'")
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('engine', ?)", [engine])


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What the engine says of the disk, or of a lack of memory, is a sentence."""
    import duckdb

    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise _explained(path, error) from error
    except duckdb.Error as error:
        if _FULL not in str(error):
            raise
        raise _explained(path, error) from error


def _explained(path: Path, error: Exception, *, reading: bool = False) -> StoreError:
    """``reading``: the file itself was opened, to read it."""
    text = str(error)
    reason = text.splitlines()[0]
    if _FULL in text or "max_temp_directory_size" in text:
        return CantWrite(f"{FULL} ({path})")
    if not reading and ("Read-only file system" in text or "Permission denied" in text):
        return CantWrite(f"{NOT_WRITABLE} ({path})")
    if "not a valid DuckDB database" in reason or "orrupt" in reason or "checksum" in reason:
        return StoreError(
            f"the tickets' file {path} is damaged; it was left as it is. Move it away and load "
            "the tickets again"
        )
    return StoreError(f"the tickets' file {path} can't be opened: {reason}")


def _keep_private(*files: Path) -> None:
    """Only their owner reads them; older versions made them with the usual rights."""
    for each in files:
        with contextlib.suppress(OSError):
            if each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _memory() -> int:
    """Bytes a query may hold before it goes on on disk: half of the machine's, 2 GiB at most."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return _HIGHEST_MEMORY
    return min(_HIGHEST_MEMORY, whole // 2)


def _prepare(conn: DuckDBPyConnection) -> None:
    conn.execute("SET TimeZone = 'UTC'")
    # It would draw a bar of its own on standard output, over ours or over the JSON.
    conn.execute("SET enable_progress_bar_print = false")
