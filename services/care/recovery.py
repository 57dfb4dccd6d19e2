"""``steerco doctor --recover``: what can be read of a damaged database, in a new one.

The damaged files are set aside, never deleted. Rows come from whatever pages are whole. What is
missing is then made good from what the rows say of each other: a lost project from the log of its
changes, an undelivered edit from the log and from what is known to be delivered, and where edits
themselves were lost, from what a project holds beside what was last common with each target.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from services.care import mending, plausible
from services.care.renewal import renew
from services.context import Context
from store import database, exchange, meta, migrations
from store.database import SCHEMA_VERSION, StoreError, transaction
from store.salvage import Row, Salvage, salvage


@dataclass(slots=True)
class Recovered:
    """What came of it. ``tables`` counts the rows by table; ``rebuilt`` are projects made good from
    their changes, ``queued`` projects whose lost edits travel again as they are now, ``gone``
    projects of which nothing but the id is left; ``lost`` says in words what is missing, one thing
    each. ``projects`` are there again, ``waiting`` operations still to deliver."""

    aside: Path
    tables: dict[str, int] = field(default_factory=dict)
    rebuilt: list[str] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    projects: int = 0
    waiting: int = 0


def recover(path: Path, ctx: Context) -> Recovered:
    """Put what can be read of the database at ``path`` in its place.

    Raises StoreError: it is sound, newer than this program, in use, or there is no room; then
    nothing was changed.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}; the first command makes one")
    fresh = path.with_name(f"{path.name}.recovering")
    try:
        if is_sound(path):
            raise StoreError(f"{path} is sound; there is nothing to recover")
        with exchange.alone(path):
            exchange.discard(fresh)
            found = _read(path)
            report = _rebuild(found, fresh, ctx)
            now = dt.datetime.fromtimestamp(ctx.clock(), dt.UTC)
            report.aside = exchange.set_aside(path, "damaged", now) or path
            exchange.take_place(fresh, path)
    except OSError as error:
        raise StoreError(f"{path} was not recovered: {error.strerror}") from error
    except sqlite3.Error as error:
        raise database.explain(error, fresh) from error
    finally:
        exchange.discard(fresh)
    return report


def is_sound(path: Path) -> bool:
    """Whether SQLite can read all of the database. Raises StoreError where it can't even tell."""
    try:
        database.refuse_hollow(path)
        # Read only: nothing of a damaged database is to be changed by looking at it.
        conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return not database.check_integrity(conn)
        finally:
            conn.close()
    except (StoreError, sqlite3.Error) as error:
        told = database.explain(error, path)
        if str(told).startswith(database.DAMAGED):
            return False
        raise told from error


def _read(path: Path) -> Salvage:
    usual = sqlite3.connect(":memory:")
    try:
        migrations.migrate(usual)
        found = salvage(path, usual)
    finally:
        usual.close()
    if found.version > SCHEMA_VERSION and found.rows:
        raise StoreError(
            f"{path} was written by a newer Steerco (schema {found.version}, this program knows "
            f"{SCHEMA_VERSION}); nothing was changed. Install the newer version."
        )
    return found


def _rebuild(found: Salvage, fresh: Path, ctx: Context) -> Recovered:
    """A sound database at ``fresh`` with all of it."""
    report = Recovered(fresh)
    conn = database.connect(fresh)
    try:
        fresh.chmod(0o600)
        written_as = found.version if 0 < found.version <= SCHEMA_VERSION else SCHEMA_VERSION
        migrations.migrate(conn, written_as)
        with transaction(conn):
            for table, rows in found.rows.items():
                if not table.startswith(("sqlite_", "_sqlite")):
                    report.tables[table] = _fill(conn, table, rows, found)
        migrations.migrate(conn)
        with transaction(conn):
            meta.succeed(conn, ctx.new_id())
            mending.mend(conn, ctx, found, report)
            report.waiting = renew(conn)
            report.projects = conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0]
    finally:
        conn.close()
    return report


def _fill(conn: sqlite3.Connection, table: str, rows: Iterable[Row], found: Salvage) -> int:
    """Put rows into a table, each by itself: one that makes no sense is lost alone."""
    known = {row[1] for row in conn.execute("SELECT * FROM pragma_table_info(?)", (table,))}
    taken = 0
    for row in rows:
        cells = {name: cell for name, cell in row.items() if name in known}
        names, marks = ", ".join(cells), ", ".join("?" * len(cells))
        try:
            plausible.check(table, cells)
            done = conn.execute(
                f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(cells.values())
            )
        except (sqlite3.Error, plausible.Implausible):
            found.broken[table] = found.broken.get(table, 0) + 1
        else:
            taken += done.rowcount
    return taken
