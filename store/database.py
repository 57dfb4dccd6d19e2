"""Opening the database: WAL, synchronous=FULL, numbered migrations, one clear sentence on trouble.

A commit is durable when ``transaction`` returns: the screens say "saved" after it, never before.
Several processes may share one database; each thread has its own connection.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

SCHEMA_VERSION = 6
BUSY_MS = 5_000
MEMORY = Path(":memory:")
DAMAGED = (
    "the database file is damaged; it was left as it is. Save what can be read of it with: "
    "steerco doctor --recover"
)
FULL = "the disk is full; nothing was changed, make room and try again"
NOT_WRITABLE = "the database can't be written here; set STEERCO_HOME to a writable directory"
_NOT_OPENED = "the database file can't be opened; check the path and its permissions"
_DISK_ERROR = "the disk answered with an error; nothing was changed. Run: steerco doctor"
_NOTHING_WRITTEN = frozenset({FULL, NOT_WRITABLE, _NOT_OPENED, _DISK_ERROR})
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NOT_ALLOWED = (errno.EROFS, errno.EACCES, errno.EPERM)
LEAST_ROOM = 64 * 1024
"""Bytes beside the database without which it can't even be opened."""
ODD = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError),
)
"""What a record that nobody foresaw may raise on its way in: its own trouble and nobody else's. A
full disk, a lock or damage are not among them."""
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "sshfs", "fuse.sshfs"}


class StoreError(Exception):
    """The database can't do what was asked; the text is one sentence for a person."""


class CantWrite(StoreError):
    """Nothing can be written where the database is. It may be read all the same
    (``store.reading``)."""


class Connection(sqlite3.Connection):
    """``give_way`` is called before each of its transactions begins, where somebody set it: long
    work waits there while a person saves."""

    give_way: Callable[[], None] | None = None


def open_database(path: Path, *, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    """A connection to the database at ``path``, created and migrated where need be.

    Raises CantWrite, and StoreError: damaged, newer than this program, on a network file system.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_network(path.parent)
        refuse_hollow(path)
        conn = connect(path, busy_ms=busy_ms)
        try:
            if path != MEMORY and not os.access(path, os.W_OK):
                # With the log's index beside it SQLite opens it all the same, and no edit succeeds.
                raise CantWrite(f"{NOT_WRITABLE} ({path})")
            prepare(conn, path)
        except BaseException:
            conn.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise explain(error, path) from error
    return conn


def connect(path: Path, *, busy_ms: int = BUSY_MS) -> Connection:
    """A bare connection with this program's settings, in autocommit mode: every write goes through
    ``transaction``. Callable from any one thread at a time. A file that is made is its owner's."""
    if path != MEMORY and not path.exists():
        with contextlib.suppress(OSError):  # SQLite then says what is wrong
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Connection)
    try:
        furnish(conn, busy_ms)
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        if sys.platform == "darwin":
            conn.execute("PRAGMA fullfsync=1")
    except BaseException:
        conn.close()
        raise
    return conn


def furnish(conn: sqlite3.Connection, busy_ms: int = BUSY_MS) -> None:
    """Give a connection what the queries of this program need, those that read alone too."""
    conn.row_factory = sqlite3.Row
    conn.execute(f"PRAGMA busy_timeout={busy_ms}")
    conn.create_function("fold", 1, _fold, deterministic=True)


def schema_of(conn: sqlite3.Connection, path: Path) -> int:
    """The schema that a database has, 0 while it has none. Raises StoreError for a newer one."""
    version = int(conn.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} was written by a newer Steerco (schema {version}, this program knows "
            f"{SCHEMA_VERSION}); nothing was changed. Install the newer version."
        )
    return version


def prepare(conn: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date; refuse a newer one. A backup is taken before a migration."""
    version = schema_of(conn, path)
    if version == SCHEMA_VERSION:
        return
    if version:
        backup(conn, path.with_name(f"{path.name}.before-{SCHEMA_VERSION}-{_stamp()}"))
    from store import migrations

    migrations.migrate(conn)


def backup(conn: sqlite3.Connection, target: Path) -> None:
    """A consistent copy of the open database, by SQLite's online backup; where that fails there is
    none."""
    fresh = not target.exists()
    copy = sqlite3.connect(target)
    try:
        conn.backup(copy)
    except BaseException:
        if fresh:
            target.unlink(missing_ok=True)
        raise
    finally:
        copy.close()


class transaction:
    """One BEGIN IMMEDIATE … COMMIT; whatever is raised inside rolls everything back.

    Inside an open transaction it is a part of that one. Raises StoreError for a lock held too
    long, a full disk or a damaged file.
    """

    __slots__ = ("_conn", "_outermost")

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn

    def __enter__(self) -> sqlite3.Connection:
        self._outermost = not self._conn.in_transaction
        if self._outermost:
            if (give_way := getattr(self._conn, "give_way", None)) is not None:
                give_way()
            try:
                self._conn.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise explain(error) from error
        return self._conn

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        raised: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if not self._outermost:
            return
        if raised is not None:
            self._give_up(raised)
            return
        try:
            self._conn.execute("COMMIT")
        except BaseException as error:
            self._give_up(error)
            raise

    def _give_up(self, error: BaseException) -> None:
        _roll_back(self._conn)
        if isinstance(error, sqlite3.Error):
            raise explain(error) from error


@contextlib.contextmanager
def by_itself(conn: sqlite3.Connection) -> Iterator[None]:
    """A part of the open transaction that is taken back alone when something is raised inside."""
    conn.execute("SAVEPOINT by_itself")
    try:
        yield
    except BaseException:
        conn.execute("ROLLBACK TO by_itself")
        raise
    finally:
        conn.execute("RELEASE by_itself")


def data_version(conn: sqlite3.Connection) -> int:
    """Changes when another connection, of this or another process, has committed."""
    return int(conn.execute("PRAGMA data_version").fetchone()[0])


def check_integrity(conn: sqlite3.Connection) -> list[str]:
    """What PRAGMA integrity_check finds; empty when the file is sound."""
    found = [row[0] for row in conn.execute("PRAGMA integrity_check(20)")]
    return [] if found == ["ok"] else found


def explain(error: Exception, path: Path | None = None) -> StoreError:
    """The sentence for an error of SQLite or of the file system."""
    if isinstance(error, StoreError):
        return error
    where = f" ({path})" if path else ""
    text = str(error)
    if "locked" in text or "busy" in text:
        sentence = "another program holds the database; nothing was changed, try again"
    elif "disk is full" in text or getattr(error, "errno", None) in _NO_ROOM:
        sentence = FULL
    elif "readonly" in text or getattr(error, "errno", None) in _NOT_ALLOWED:
        sentence = NOT_WRITABLE
    elif "not a database" in text or "malformed" in text:
        sentence = DAMAGED
    elif path is not None and (trouble := _trouble_of(path)) is not None:
        sentence = trouble
    elif "unable to open" in text:
        sentence = _NOT_OPENED
    elif "disk I/O" in text:
        sentence = _DISK_ERROR
    else:
        sentence = f"the database answered: {text}"
    kind = CantWrite if sentence in _NOTHING_WRITTEN else StoreError
    return kind(sentence + where)


def _trouble_of(path: Path) -> str | None:
    """What is wrong with the place of a database that SQLite can't open, or finds no room beside:
    it does not tell the one from the other."""
    if path.is_dir():
        return "there is a directory in the place of the database; nothing was changed"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return NOT_WRITABLE
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return NOT_WRITABLE
    with contextlib.suppress(OSError):
        if shutil.disk_usage(path.parent).free < LEAST_ROOM:
            return FULL
    return None


def refuse_hollow(path: Path) -> None:
    """A file cut to nothing, beside which its log still is: SQLite would throw the log away and
    begin anew."""
    log = path.with_name(f"{path.name}-wal")
    if path.exists() and not path.stat().st_size and log.exists() and log.stat().st_size:
        raise StoreError(f"{DAMAGED} ({path})")


def refuse_network(directory: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """WAL needs locks that work: a home on a network file system is refused.

    Source: https://www.sqlite.org/wal.html, "does not work over a network filesystem".
    """
    kind = file_system_of(directory, mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StoreError(
            f"{directory} is on a network file system ({kind}), where SQLite's locks do not hold; "
            "set STEERCO_HOME to a local directory"
        )


def file_system_of(directory: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """The type of the file system a directory is on; None where the system does not say."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    real = os.path.realpath(directory)
    best, kind = "", None
    for line in lines:
        parts = line.split()
        if len(parts) < 3:
            continue
        point = parts[1].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, parts[2]
    return kind


def _roll_back(conn: sqlite3.Connection) -> None:
    if conn.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            conn.execute("ROLLBACK")


def _fold(text: str | None) -> str | None:
    return None if text is None else str(text).casefold()


def _stamp() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S")
