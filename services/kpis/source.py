"""Where tickets are pulled from: a Salesforce client of its own for whoever pulls.

Loading this module loads the cloud libraries; a pull happens on a thread of its own or in a
command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from services.config import ConfigError, Settings
from services.connections import connect
from services.sync.targets.salesforce import SalesforceTarget
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_login import SalesforceConnection
from store.deliveries import SALESFORCE

_PATIENCE = 60.0
"""Seconds; the sandbox writes its year of tickets when it is first asked for it."""


@contextmanager
def ticket_client(settings: Settings, home: Path) -> Iterator[SalesforceClient]:
    """A client of the configured organisation; the embedded sandbox is started and has tickets.

    Raises ConfigError and SandboxFailed.
    """
    if not settings.sandbox and not settings.salesforce_configured:
        raise ConfigError("Salesforce is not configured; there is nothing to pull tickets from")
    with connect(settings, home, [SALESFORCE]) as opened:
        target = opened.targets[SALESFORCE]
        assert isinstance(target, SalesforceTarget)
        client = client_beside(target.connection, sandbox=settings.sandbox)
        try:
            yield client
        finally:
            client.close()


def client_beside(connection: SalesforceConnection, *, sandbox: bool) -> SalesforceClient:
    """A client of the same organisation for somebody else. Raises OSError where the embedded
    sandbox does not answer."""
    if sandbox:
        asked = Request(
            f"{connection.instance_url}/__sandbox/tickets",
            json.dumps({}).encode(),
            {"Content-Type": "application/json"},
        )
        build_opener(ProxyHandler({})).open(asked, timeout=_PATIENCE).close()
    return SalesforceClient(connection)
