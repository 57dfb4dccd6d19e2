"""An empty organisation and an operator of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.sandbox.process import SandboxProcess
from tests.migration.world import Org, World


@pytest.fixture(scope="session")
def shared_org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "salesforce.db")
    yield Org(*process.wait_ready())
    process.stop()


@pytest.fixture
def org(shared_org: Org) -> Org:
    shared_org.clear()
    return shared_org


@pytest.fixture
def world(tmp_path: Path, org: Org) -> World:
    return World(tmp_path, org)
