"""The calls of a pull of tickets, within the share of all operators and all their programs.

They are counted where the engine counts its own, so that it tells the other operators of them, and
each is made only while today's share has room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.sync.calls import Calls, used_up
from services.sync.targets.base import Usage
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_errors import CallFailed
from store import meta
from store.clock import Clock, system_clock
from store.database import open_database


@contextmanager
def rationed(
    client: SalesforceClient, path: Path, share: float, clock: Clock = system_clock
) -> Iterator[Callable[[Usage], None]]:
    """What has to be called before each call of this client: it counts those before, in the
    roadmap's database at ``path``, and raises CallFailed where the next might go over. What was
    called is counted however it ends. Raises StoreError.
    """
    conn = open_database(path)
    try:
        calls = Calls(conn, clock, meta.get(conn, "client_id") or "", share)

        def spend(usage: Usage) -> None:
            calls.count(usage)
            budget = calls.budget()
            if budget.is_spent:
                raise CallFailed(used_up(budget, clock()))

        try:
            yield spend
        finally:
            calls.count(client.usage)
    finally:
        conn.close()
