"""Tickets pulled beside the terminal or in the worker, on a thread of their own, by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from services.config import Settings
from services.connections import Connections
from services.kpis.place import policy_in_force, ticket_file
from services.kpis.policy import Policy, PolicyError
from services.kpis.pull import OtherOrganisation, pull, pulled_at
from services.kpis.source import client_beside
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_errors import CallFailed
from store.clock import Clock, system_clock
from store.database import StoreError
from store.deliveries import SALESFORCE
from store.tickets import TicketFile

AFTER_TROUBLE = 60.0
START = 1.0
"""The engine goes first."""


def start_tickets(
    opened: Connections, settings: Settings, home: Path, on_error: Callable[[str], None]
) -> TicketThread | None:
    """Begin to pull where Salesforce is configured (None: it is not). Tickets are read only, so no
    switch is needed for it."""
    target = opened.targets.get(SALESFORCE)
    if not isinstance(target, SalesforceTarget):
        return None
    thread = TicketThread(
        target,
        ticket_file(settings, home),
        lambda: policy_in_force(settings),
        sandbox=settings.sandbox,
        every=settings.tickets_seconds,
        on_error=on_error,
    )
    thread.start()
    return thread


class TicketThread(threading.Thread):
    """Pulls until it is stopped. A daemon: quitting never waits for a network call, and a pull that
    is cut off goes on where it was. ``policy`` is read before each pull, so that a changed file is
    taken up; ``on_error`` gets a sentence for the log."""

    def __init__(
        self,
        target: SalesforceTarget,
        file: TicketFile,
        policy: Callable[[], Policy],
        *,
        sandbox: bool,
        every: float,
        on_error: Callable[[str], None],
        clock: Clock = system_clock,
    ) -> None:
        super().__init__(name="tickets", daemon=True)
        self._target = target
        self._file = file
        self._policy = policy
        self._sandbox = sandbox
        self._on_error = on_error
        self._every = every
        self._clock = clock
        self._ending = threading.Event()

    def stop(self, timeout: float = 1.0) -> None:
        """Ask the thread to end after the page that it is at, and give it a moment."""
        self._ending.set()
        if self.is_alive():
            self.join(timeout)

    def run(self) -> None:
        pause = START
        while not self._ending.wait(pause):
            try:
                pause = self._due()
                if pause <= 0:
                    self._pull()
                    pause = self._every
            except _Stopped:
                return
            except (CallFailed, StoreError, OtherOrganisation, PolicyError, OSError) as error:
                if self._ending.is_set():
                    return
                self._on_error(f"the tickets were not pulled: {error}")
                asked = error.problem.retry_after if isinstance(error, CallFailed) else None
                pause = max(AFTER_TROUBLE, asked or 0.0)

    def _due(self) -> float:
        """Seconds until the next pull; another process's counts."""
        last = pulled_at(self._file)
        return 0.0 if last is None else min(self._every, last + self._every - self._clock())

    def _pull(self) -> None:
        client = client_beside(self._target, sandbox=self._sandbox)
        try:
            pull(client, self._file, self._policy(), show=self._go_on)
        finally:
            client.close()

    def _go_on(self, _what: str, _rows: int) -> None:
        if self._ending.is_set():
            raise _Stopped


class _Stopped(Exception):
    """The thread was asked to end."""
