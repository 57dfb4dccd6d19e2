"""``steerco restore``: a backup in the place of the database, which is set aside.

The copy is checked, brought to the present schema and made a new client before it takes the place:
whatever happens on the way, the database is the one before or the restored one, whole.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from services.care.renewal import renew
from services.context import Context
from store import database, exchange, meta, migrations
from store.database import SCHEMA_VERSION, StoreError, transaction

_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Restored:
    """``aside`` is where the former database is kept, None where there was none; ``waiting`` how
    many operations the backup had still to deliver."""

    projects: int
    waiting: int
    aside: Path | None


def restore(file: Path, path: Path, ctx: Context) -> Restored:
    """Put the backup ``file`` in the place of the database at ``path``.

    Raises StoreError where ``file`` is no sound database of this program or of an older version of
    it, or the database is in use; then nothing was changed.
    """
    _look_at(file, path)
    fresh = path.with_name(f"{path.name}.restoring")
    exchange.discard(fresh)
    try:
        projects, waiting = _prepare(file, fresh, ctx)
        exchange.fold_in(path)
        with exchange.alone(path):
            now = dt.datetime.fromtimestamp(ctx.clock(), dt.UTC)
            aside = exchange.set_aside(path, "before-restore", now)
            exchange.take_place(fresh, path)
    except OSError as error:
        raise StoreError(f"{path} was not replaced: {error.strerror}") from error
    finally:
        exchange.discard(fresh)
    return Restored(projects, waiting, aside)


def _look_at(file: Path, path: Path) -> None:
    try:
        with file.open("rb") as opened:
            start = opened.read(len(_MAGIC))
    except OSError as error:
        raise StoreError(f"{file} can't be read: {error.strerror}") from error
    if start != _MAGIC:
        raise StoreError(f"{file} is no backup of Steerco; nothing was changed")
    if path.exists() and file.samefile(path):
        raise StoreError(f"{file} is the database itself; nothing was changed")


def _prepare(file: Path, fresh: Path, ctx: Context) -> tuple[int, int]:
    """The backup's content at ``fresh``, sound, up to date and a new client."""
    try:
        _copy(file, fresh)
        conn = database.connect(fresh)
        try:
            _check(conn, file)
            migrations.migrate(conn)
            _check_schema(conn, file)
            with transaction(conn):
                meta.succeed(conn, ctx.new_id())
                waiting = renew(conn)
            projects = conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0]
        finally:
            conn.close()
    except sqlite3.Error as error:
        text = str(error)
        if "not a database" in text or "malformed" in text:
            raise _damaged(file) from error
        raise database.explain(error, fresh) from error
    return projects, waiting


def _copy(file: Path, fresh: Path) -> None:
    # Without a log beside it the file is whole, and opens also where nothing can be written.
    whole = not file.with_name(f"{file.name}-wal").exists()
    source = sqlite3.connect(
        f"{file.absolute().as_uri()}?mode=ro{'&immutable=1' if whole else ''}", uri=True
    )
    target = sqlite3.connect(fresh)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    fresh.chmod(0o600)


def _check(conn: sqlite3.Connection, file: Path) -> None:
    if database.check_integrity(conn):
        raise _damaged(file)
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{file} was written by a newer Steerco (schema {version}, this program knows "
            f"{SCHEMA_VERSION}); nothing was changed. Install the newer version."
        )
    if version < 1 or not _tables(conn) >= {"meta", "projects", "operations", "bases"}:
        raise StoreError(f"{file} is a database, but none of Steerco; nothing was changed")


def _check_schema(conn: sqlite3.Connection, file: Path) -> None:
    """Refuse what has other tables, or triggers, than this program makes."""
    usual = sqlite3.connect(":memory:")
    try:
        migrations.migrate(usual)
        if _schema(conn) != _schema(usual):
            raise StoreError(f"{file} is a database, but none of Steerco; nothing was changed")
    finally:
        usual.close()


def _tables(conn: sqlite3.Connection) -> set[str]:
    return {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _schema(conn: sqlite3.Connection) -> set[tuple[str, ...]]:
    rows = conn.execute("SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master")
    return {tuple(row) for row in rows if not row[1].startswith("sqlite_stat")}


def _damaged(file: Path) -> StoreError:
    return StoreError(f"{file} is damaged and was not restored; nothing was changed")
