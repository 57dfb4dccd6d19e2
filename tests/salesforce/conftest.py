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
def target(org: ScriptedOrg) -> Iterator[SalesforceTarget]:
    made = SalesforceTarget(SalesforceConnection(org.url, "00D!token", timeout=20))
    yield made
    made.close()


@pytest.fixture
def hasty(org: ScriptedOrg) -> Iterator[SalesforceTarget]:
    """A target that waits for an answer as long as a test may, for servers that never answer."""
    made = SalesforceTarget(SalesforceConnection(org.url, "00D!token", timeout=0.5))
    made.connect()
    yield made
    made.close()
