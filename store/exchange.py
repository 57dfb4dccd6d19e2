"""Another file in the place of the database: the old one is set aside, never deleted.

A database is up to three files: itself, and beside it the log (``-wal``) and its index (``-shm``).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from store.database import StoreError, connect

BESIDE = ("", "-wal", "-shm")
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510
"""The bytes that SQLite locks; every connection to a database in WAL mode holds one of them for as
long as it is open. Source: https://www.sqlite.org/lockingv3.html, and os.h in SQLite's source."""


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else has the database open, and nobody can open it inside.

    Raises StoreError where somebody has. This process must have no connection to it.
    """
    try:
        import fcntl
    except ImportError:  # no such locks: there a file in use can't be moved anyway
        yield
        return
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield
        return
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
        except BlockingIOError as error:
            raise StoreError(
                f"{path} is open in another Steerco; end every terminal and worker that uses it "
                "and try again; nothing was changed"
            ) from error
        yield


def fold_in(path: Path) -> None:
    """Bring the log into the database file itself, where the two are sound."""
    with contextlib.suppress(sqlite3.Error):
        conn = connect(path)
        try:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            conn.close()


def set_aside(path: Path, why: str, now: dt.datetime) -> Path | None:
    """Keep the database, with what is beside it, under a name of its own; gives that name, or None
    where there is no database. It stays in its place too, until another one takes that."""
    if not path.exists():
        return None
    stamp = now.astimezone(dt.UTC).strftime("%Y%m%dT%H%M%S")
    kept, number = path.with_name(f"{path.name}.{why}-{stamp}"), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.{why}-{stamp}-{number}")
    log = path.with_name(f"{path.name}-wal")
    full = log.exists() and log.stat().st_size > 0
    for end in BESIDE if full else ("",):
        part = path.with_name(path.name + end)
        if part.exists():
            _keep(part, kept.with_name(kept.name + end))
    _sync(path.parent)
    return kept


def take_place(fresh: Path, path: Path) -> None:
    """Put a finished database, which nobody has open, in the place of another one."""
    sync_file(fresh)
    # A log that stays would be read into the new database.
    for end in BESIDE[1:]:
        path.with_name(path.name + end).unlink(missing_ok=True)
    fresh.replace(path)
    _sync(path.parent)


def discard(path: Path) -> None:
    """Take a half-made file away, with what SQLite put beside it."""
    for end in (*BESIDE, "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + end).unlink(missing_ok=True)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _keep(part: Path, kept: Path) -> None:
    try:
        os.link(part, kept)
    except OSError:  # a file system without links
        shutil.copy2(part, kept)
        sync_file(kept)


def _sync(directory: Path) -> None:
    with contextlib.suppress(OSError):  # not every system opens a directory
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
