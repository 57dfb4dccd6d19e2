"""``steerco backup``: a consistent copy of the open database, while others go on writing to it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from store import database, exchange
from store.database import StoreError

MODE = 0o600
"""A backup holds what the database holds: only its owner reads it."""


def backup(conn: sqlite3.Connection, file: Path) -> int:
    """Write a copy to ``file``, checked and durable when this returns; gives its size in bytes.

    One transaction's view: edits made meanwhile are whole in it or not at all. It appears under its
    name when it is complete. Raises StoreError; then there is no file.
    """
    if file.exists() or file.is_symlink():
        raise StoreError(f"{file} is there already; nothing was written over it")
    part = file.with_name(f"{file.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE))
    except FileExistsError as error:
        raise StoreError(f"{part} is there already: remove it if no backup is running") from error
    except OSError as error:
        raise StoreError(f"{file} can't be written: {error.strerror}") from error
    try:
        _copy(conn, part)
        exchange.sync_file(part)
        part.replace(file)
    except OSError as error:
        raise StoreError(f"{file} can't be written: {error.strerror}") from error
    finally:
        exchange.discard(part)
    return file.stat().st_size


def _copy(conn: sqlite3.Connection, part: Path) -> None:
    copy = sqlite3.connect(part)
    try:
        conn.backup(copy)
        # One file that also opens from a directory in which nothing can be written.
        copy.execute("PRAGMA journal_mode=DELETE")
        faults = database.check_integrity(copy)
    except sqlite3.Error as error:
        raise _explained(error, part) from error
    finally:
        copy.close()
    if faults:
        raise StoreError(f"no backup was made: {database.DAMAGED}")


def _explained(error: sqlite3.Error, part: Path) -> StoreError:
    text = str(database.explain(error))
    return StoreError(f"no backup was written to {part.parent}: {text}")
