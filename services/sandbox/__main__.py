"""``python -m services.sandbox --db FILE``: the Salesforce sandbox server alone.

Prints one line of JSON when it listens: ``url``, ``token`` (the integration user's),
``organization``, and ``client_id`` with ``secret`` for logging in (the secret is every user's
password, too).
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from services.sandbox import asleep, auth, seed, storage, year
from services.sandbox.faults import Faults, manual
from services.sandbox.org import DAILY_CALLS, Org
from services.sandbox.storage import Store
from store.clock import system_clock


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped. 0 when stopped, 1 where it can't start, 2 for wrong usage."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.sleep is not None and not (options.parent_pipe and os.name == "posix"):
        parser.error("--sleep needs --parent-pipe, and a POSIX system")
    try:
        faults = Faults([*options.fault, *_latency(options.latency)])
    except ValueError as wrong:
        print(f"sandbox: {wrong}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        key = options.jwt_public_key.read_bytes() if options.jwt_public_key else None
        store = Store(options.db)
        seed.fill(store, system_clock)
        if options.tickets:
            year.fill(store, system_clock)
        org = Org(store, faults, system_clock, options.api_limit, key)
        from services.sandbox.server import HOST, listen, serve

        known = options.listening
        sock = listen(options.port) if known is None else socket.socket(fileno=known)
    except (OSError, OverflowError, sqlite3.Error) as problem:
        print(f"sandbox: {_words(problem)}", file=sys.stderr)  # noqa: T201
        return 1
    if known is None:
        _tell(store, f"http://{HOST}:{sock.getsockname()[1]}")
    # The socket outlives the server that is about to fall asleep, and what connects meanwhile waits
    # in its queue.
    kept = sock.dup()
    if serve(org, sock, parent_pipe=options.parent_pipe, patience=options.sleep):
        given = list(sys.argv[1:] if arguments is None else arguments)
        again = given[: given.index(asleep.LISTENING)] if asleep.LISTENING in given else given
        command = [sys.executable, "-P", "-m", "services.sandbox", *again]
        asleep.fall_asleep(kept.fileno(), command)
    kept.close()
    return 0


def _tell(store: Store, url: str) -> None:
    with store.reading() as db:
        ready = {
            "url": url,
            "token": auth.token_for(db, auth.INTEGRATION_USERNAME),
            "organization": storage.setting(db, "organization"),
            "client_id": auth.CLIENT_ID,
            "secret": storage.setting(db, "secret"),
        }
    print(json.dumps(ready), flush=True)  # noqa: T201


def _words(problem: Exception) -> str:
    """What went wrong, without the system's number for it."""
    if isinstance(problem, OSError) and problem.strerror:
        where = f"{problem.filename}: " if problem.filename else ""
        return f"{where}{problem.strerror}"
    return str(problem)


def _latency(milliseconds: int) -> list[str]:
    return [f"latency:{milliseconds}"] if milliseconds else []


def _parser() -> argparse.ArgumentParser:
    faults = "\n".join(f"  {line}" for line in manual())
    parser = argparse.ArgumentParser(
        prog="python -m services.sandbox",
        description="A local Salesforce org over loopback.",
        epilog=f"faults:\n{faults}\n\n"
        "example: python -m services.sandbox --db org.sqlite --fault 429:3,count=2",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--db", required=True, metavar="FILE", help="the org's data")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--latency", type=int, default=0, metavar="MS")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SPEC",
        help="KIND[:VALUE][,SELECTOR=VALUE]…, repeatable",
    )
    parser.add_argument("--api-limit", type=int, default=DAILY_CALLS, metavar="N")
    parser.add_argument(
        "--jwt-public-key", type=Path, metavar="FILE", help="PEM of a key or certificate"
    )
    parser.add_argument("--tickets", action="store_true", help="with a year of tickets")
    parser.add_argument("--parent-pipe", action="store_true", help="end when standard input closes")
    parser.add_argument(
        "--sleep",
        type=float,
        metavar="SECONDS",
        help="give the memory back when nothing was asked for so long, until somebody asks",
    )
    parser.add_argument(asleep.LISTENING, type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
