"""steerco backup and steerco restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services import config, connections
from services.counting import counted
from tui.commands.shell import Failed, open_store, say

File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]


def database_path() -> Path:
    """Where the database of this configuration is, or would be."""
    return connections.database(config.load(), config.ready_home())


def backup(file: File) -> None:
    """Write a copy of the database to a new file, while everybody goes on working.

    \b
    Example:
      steerco backup /backups/steerco-2026-11-21.db
    """
    from services.care.backup import backup as write

    path = database_path()
    if not path.exists():
        raise Failed(f"there is no database yet at {path}; nothing to back up")
    with open_store(reading=True) as store:
        size = write(store.conn, file)
    say(f"Wrote {file}: {size:,} bytes, checked")


def restore(file: File) -> None:
    """Put a backup in the place of the database, which is set aside and kept.

    End every terminal and worker first. Nothing that was done since the backup is undone in
    Firestore or Salesforce: run steerco sync afterwards, and it comes back from there.

    \b
    Example:
      steerco restore /backups/steerco-2026-11-21.db
    """
    from services.care.restore import restore as put_back
    from services.context import Context

    done = put_back(file, database_path(), Context(config.load().operator_name()))
    kept = f"; the former database is kept as {done.aside}" if done.aside else ""
    say(f"Restored {counted(done.projects, 'project')} from {file}{kept}")
    if done.waiting:
        say(f"{counted(done.waiting, 'edit')} may still have to be delivered: run steerco sync")
