"""steerco worker: the engine without a terminal."""

from __future__ import annotations

import sys

from tui.commands.shell import open_store, say


def worker() -> None:
    """Deliver, follow Firestore and reconcile with Salesforce, for ever.

    Ends cleanly on SIGTERM or ctrl+c, after the batch that is under way. Any number of terminals
    and workers may run on one database. What it stumbles over is in steerco.log, in the data
    directory.

    \b
    Examples:
      steerco worker
      STEERCO_RECONCILE_SECONDS=60 steerco worker
    """
    from services.worker import Worker

    with open_store() as store:
        path, settings, ctx = store.path, store.settings, store.ctx

    def started() -> None:
        say(f"working on {path}; SIGTERM or ctrl+c ends it")
        sys.stdout.flush()

    Worker(path, settings, ctx).run(started)
