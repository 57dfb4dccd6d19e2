from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from tests.salesforce.sf_scripted import ScriptedOrg


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    scripted = ScriptedOrg()
    yield scripted
    scripted.close()


@pytest.fixture
def connection(org: ScriptedOrg) -> SalesforceConnection:
    return SalesforceConnection(instance_url=org.url, access_token="00D!token", timeout=0.5)


@pytest.fixture
def target(connection: SalesforceConnection) -> Iterator[SalesforceTarget]:
    made = SalesforceTarget(connection)
    yield made
    made.close()
