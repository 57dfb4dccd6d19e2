"""What every command shares: the opened store, its output, and its one sentence on failure."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from services import config, connections
from services.config import Settings
from services.context import Context
from services.overview import Gates, gates
from store.database import BUSY_MS, CantWrite, open_database
from tui.commands.text import spelled, spelled_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


class Failed(Exception):
    """The command did not do what was asked; one sentence for each cause."""

    def __init__(self, *sentences: str) -> None:
        self.sentences = sentences
        super().__init__(*sentences)


@dataclass(frozen=True)
class Store:
    """The opened database with what goes with it."""

    home: Path
    path: Path
    settings: Settings
    conn: sqlite3.Connection
    ctx: Context

    @property
    def configured(self) -> Gates:
        """Which targets the configuration lets move."""
        return connections.gates(self.settings)

    @property
    def gates(self) -> Gates:
        """The same, with what a person paused."""
        return gates(self.conn, self.configured)

    def today(self) -> dt.date:
        """The organisation's date."""
        return dt.datetime.fromtimestamp(self.ctx.clock(), self.settings.tzinfo).date()


@contextmanager
def open_store(*, busy_ms: int = BUSY_MS, reading: bool = False) -> Iterator[Store]:
    """The store of this configuration, created where there is none. ``reading`` is said by who
    writes nothing: where nothing can be written it gets the store all the same.

    Raises ConfigError and StoreError.
    """
    settings = config.load()
    home = config.ready_home()
    path = connections.database(settings, home)
    try:
        conn = open_database(path, busy_ms=busy_ms)
    except CantWrite as refused:
        if not (reading and os.path.isfile(path)):
            raise
        from store.reading import open_to_read

        conn = open_to_read(path, refused)
    try:
        yield Store(home, path, settings, conn, Context(settings.operator_name()))
    finally:
        conn.close()


def say(text: str = "", *, keep_lines: bool = False) -> None:
    """A line for a person, its control characters spelled out."""
    sys.stdout.write(spelled(text, keep_lines=keep_lines) + "\n")


def complain(sentence: str) -> None:
    """One sentence on standard error."""
    text = spelled(sentence).strip()
    sys.stderr.write((text if text.endswith((".", "!", "?")) else f"{text}.") + "\n")


def print_json(value: Any) -> None:
    """An object as indented JSON, a list one item a line; nothing else goes to standard output."""
    if isinstance(value, list):
        text = "[" + ",".join("\n" + _dumped(each) for each in value) + ("\n]" if value else "]")
    else:
        text = _dumped(value, indent=2)
    sys.stdout.write(text + "\n")


def _dumped(value: Any, indent: int | None = None) -> str:
    # An output that is not Unicode gets JSON's escapes: the values arrive whole all the same.
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return spelled_json(json.dumps(value, ensure_ascii=not unicode, indent=indent))


def width() -> int | None:
    """The terminal's width; None where the output goes elsewhere and may be as wide as it is."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return None
    return shutil.get_terminal_size().columns


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on standard error where that is a terminal: call it with (done, all)."""
    if not sys.stderr.isatty():
        yield None
        return
    # A position is set, not counted up: with 0 steps at least, each call draws.
    with typer.progressbar(length=1, label=label, file=sys.stderr, update_min_steps=0) as bar:

        def show(done: int, whole: int) -> None:
            bar.length = max(whole, 1)
            bar.update(min(done, bar.length) - bar.pos)

        yield show


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """One line on standard error where that is a terminal, written anew at each call and gone at
    the end: for work in several steps."""
    tty = sys.stderr.isatty()

    def show(line: str) -> None:
        if tty:
            sys.stderr.write(f"\r\x1b[K{spelled(line)}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        show("")


def bar(what: str, done: float) -> str:
    """``[#####     ]  50 % Reading``."""
    return f"[{'#' * round(done * 30):30}] {done:4.0%} {what}"


def one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    """A choice of a command line; BadParameter (wrong usage) for anything else."""
    choices = list(allowed)
    if value not in choices:
        raise typer.BadParameter(f"{name} is one of {', '.join(choices)}")
    return value
