"""Tickets pulled beside the terminal or in the worker, by the clock."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from services.children import environment
from services.config import Settings
from services.connections import Connections, database
from services.kpis.errand import AFTER_TROUBLE, Order, Report
from services.kpis.place import ticket_file
from services.sync.targets.salesforce import SalesforceTarget
from store.deliveries import SALESFORCE

START = 1.0
"""The engine goes first."""
_PARTING = 2.0


def start_tickets(
    opened: Connections, settings: Settings, home: Path, on_error: Callable[[str], None]
) -> TicketThread | None:
    """Begin to pull where Salesforce is configured (None: it is not). Tickets are read only, so no
    switch is needed for it."""
    target = opened.targets.get(SALESFORCE)
    if not isinstance(target, SalesforceTarget):
        return None
    file = str(ticket_file(settings, home).path.absolute())
    order = Order(
        target.connection,
        file,
        settings.kpi_policy,
        settings.sandbox,
        settings.tickets_seconds,
        str(database(settings, home).absolute()),
        settings.salesforce_share,
    )
    thread = TicketThread(order, on_error)
    thread.start()
    return thread


class TicketThread(threading.Thread):
    """Has tickets pulled until it is stopped, each time by a process of its own that ends with the
    pull (``services.kpis.errand``). A daemon: quitting never waits for a network call, and a pull
    that is cut off goes on where it was. ``on_error`` gets a sentence for the log."""

    def __init__(self, order: Order, on_error: Callable[[str], None]) -> None:
        super().__init__(name="tickets", daemon=True)
        self._order = order
        self._on_error = on_error
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def stop(self, timeout: float = 1.0) -> None:
        """Ask for an end after the page that is being read, and give it a moment."""
        with self._lock:
            self._ending.set()
            child = self._child
            if child is not None and child.stdin is not None:
                child.stdin.close()
        if self.is_alive():
            self.join(timeout)
        if child is not None and self.is_alive():
            child.kill()
            self.join(_PARTING)

    def run(self) -> None:
        pause = START
        while not self._ending.wait(pause):
            try:
                report = self._send()
            except OSError as error:
                report = Report(AFTER_TROUBLE, str(error))
            if self._ending.is_set():
                return
            if report.trouble is not None:
                self._on_error(f"the tickets were not pulled: {report.trouble}")
            pause = report.pause

    def _send(self) -> Report:
        """Have one pull made. Raises OSError."""
        with self._lock:
            if self._ending.is_set():
                return Report(0.0)
            child = self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "services.kpis.errand"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(),
                # A Ctrl+C in the terminal is the parent's: the child ends after it.
                start_new_session=True,
            )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with self._lock:
                if not child.stdin.closed:
                    child.stdin.write(self._order.to_line())
                    child.stdin.flush()
            told = child.stdout.read()
        finally:
            with self._lock:
                self._child = None
                with contextlib.suppress(OSError):
                    child.stdin.close()
            child.wait()
            child.stdout.close()
        if not told:
            return Report(AFTER_TROUBLE, f"the process that pulls them ended ({child.returncode})")
        return Report(*json.loads(told))
