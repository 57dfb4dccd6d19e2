"""``python -m services.kpis.errand``: one pull of tickets, in a process that ends with it.

DuckDB holds 45 MB of a process that has once loaded it. A terminal whose figures nobody looks at
need not: the thread beside it (``services.kpis.thread``) sends this process, which takes that
memory with it when it ends. The order is one line of JSON on standard input, since it holds the
token; the report is one on standard output. It ends early when standard input closes, which the
system does for a parent that is killed, too.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from services.privacy import keep_private
from services.sync.targets.sf_login import SalesforceConnection

AFTER_TROUBLE = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """``policy`` is the file that is configured, if any; a pull is due ``every`` so many seconds,
    whoever made the last one. Its calls are counted in the roadmap's ``database``, within the
    ``share`` of the day's calls."""

    connection: SalesforceConnection
    file: str
    policy: str | None
    sandbox: bool
    every: float
    database: str
    share: float

    def to_line(self) -> bytes:
        """As it is sent."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Order:
        """As it came."""
        told: dict[str, Any] = json.loads(line)
        return cls(**{**told, "connection": SalesforceConnection(**told["connection"])})


class Report(NamedTuple):
    """When the next pull is due, in seconds, and what went wrong with this one, if anything."""

    pause: float
    trouble: str | None = None


class _Stopped(Exception):
    """The parent is gone, or wants an end."""


def run(order: Order, ending: threading.Event) -> Report:
    """Pull if it is due."""
    from services.kpis.policy import PolicyError, load_policy
    from services.kpis.pull import OtherOrganisation, pull, pulled_at
    from services.kpis.ration import rationed
    from services.kpis.source import client_beside
    from services.sync.targets.sf_errors import CallFailed
    from store.clock import system_clock
    from store.database import StoreError
    from store.tickets import TicketFile

    def show(_what: str, _rows: int) -> None:
        if ending.is_set():
            raise _Stopped

    file = TicketFile(Path(order.file))
    try:
        last = pulled_at(file)
        early = 0.0 if last is None else min(order.every, last + order.every - system_clock())
        if early > 0:
            return Report(early)
        client = client_beside(order.connection, sandbox=order.sandbox)
        try:
            policy = load_policy(Path(order.policy).expanduser() if order.policy else None)
            with rationed(client, Path(order.database), order.share) as spend:
                pull(client, file, policy, show=show, spend=spend)
        finally:
            client.close()
    except _Stopped:
        return Report(0.0)
    except (CallFailed, StoreError, OtherOrganisation, PolicyError, OSError) as error:
        asked = error.problem.retry_after if isinstance(error, CallFailed) else None
        return Report(max(AFTER_TROUBLE, asked or 0.0), str(error))
    return Report(order.every)


def main() -> int:
    """Carry out the order on standard input; 2 where there is none."""
    keep_private()
    line = sys.stdin.buffer.readline()
    if not line:
        return 2
    ending = threading.Event()

    def watch() -> None:
        # Not sys.stdin: the interpreter can't end while a thread waits inside of it.
        while os.read(0, 4096):
            pass
        ending.set()

    threading.Thread(target=watch, daemon=True).start()
    print(json.dumps(run(Order.from_line(line), ending)), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
