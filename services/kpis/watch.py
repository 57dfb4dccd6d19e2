"""Long statements, watched and stoppable: a statement that takes seconds would hear no Ctrl+C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

R = TypeVar("R")
LOOK = 0.1
"""Seconds between two looks at how far it is."""


def watched(conn: DuckDBPyConnection, work: Callable[[], R], show: Callable[[float], None]) -> R:
    """The work's result. It runs on a thread of its own while this one tells ``show`` how much of
    its statement is done (0 to 1); whatever is raised here meanwhile ends the statement first."""
    conn.execute("SET enable_progress_bar = true")
    done: list[R] = []
    failed: list[BaseException] = []

    def carry_out() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits for it
            failed.append(error)

    thread = threading.Thread(target=carry_out, name="tickets-statement")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(LOOK)
            show(max(0.0, conn.query_progress() / 100))
    except BaseException:
        while thread.is_alive():
            conn.interrupt()
            thread.join(LOOK)
        raise
    if failed:
        raise failed[0]
    return done[0]
