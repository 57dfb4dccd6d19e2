"""Fixtures: an operator's bench before the real emulator and one of two Salesforce servers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.outside import bench as outside
from tests.outside.bench import NOWHERE, Bench, Side, as_map
from tests.outside.plan import PERSONS, SF_NAMES
from tests.outside.strict_org import StrictOrg
from tests.outside.strict_server import StrictServer


@dataclass
class World:
    """An operator with both sides: the emulator, and a Salesforce."""

    bench: Bench
    side: Side
    address: str
    project: str

    def documents(self) -> dict[str, dict[str, Any]]:
        """Every document of itsc_projects."""
        return outside.documents(self.address, self.project)

    def agrees(self, project_id: str, **more: Any) -> dict[str, Any]:
        """The project, which has to be alike on three sides (and as ``more`` says, by path)."""
        here = self.bench.show(project_id)
        flat = as_map({**here, "scores": {}})
        document = as_map(self.documents()[project_id])
        row = self.side.rows(*SF_NAMES.values())[project_id]
        for path, api in SF_NAMES.items():
            assert document[path] == flat[path], path
            if path not in (*PERSONS, "parent_id"):
                assert row[api] == flat[path], path
        for path, value in more.items():
            assert flat[path.replace("__", ".")] == value, path
        for side in here["sync"].values():
            assert (side["state"], side["pending"]) == ("synced", 0)
        return here


@dataclass
class Strict(World):
    """The same with the strict organisation, which can be told to misbehave."""

    server: StrictServer

    @property
    def org(self) -> StrictOrg:
        """The organisation behind the server."""
        return self.server.org


@contextmanager
def strict_world(
    folder: Path, emulator: Emulator, org: StrictOrg | None = None, **options: Any
) -> Iterator[Strict]:
    """An operator before an empty database of the emulator and a new strict organisation."""
    server = StrictServer(org or StrictOrg(), **options)
    side = Side(server.url, server.token, server.human_token)
    project = f"outside-{uuid.uuid4().hex[:12]}"
    firestore = {"FIRESTORE_EMULATOR_HOST": emulator.address, "GOOGLE_CLOUD_PROJECT": project}
    bench = Bench(folder / "home", {**firestore, **side.env})
    try:
        yield Strict(bench, side, emulator.address, project, server)
    finally:
        server.stop()


@pytest.fixture
def strict(tmp_path: Path, firestore_emulator: Emulator) -> Iterator[Strict]:
    """An operator before the emulator and a strict organisation."""
    with strict_world(tmp_path, firestore_emulator) as world:
        yield world


@pytest.fixture
def sandboxed(tmp_path: Path, firestore_emulator: Emulator) -> Iterator[World]:
    """An operator before the emulator and the project's own sandbox server."""
    address, project = firestore_emulator.address, f"outside-{uuid.uuid4().hex[:12]}"
    firestore = {"FIRESTORE_EMULATOR_HOST": address, "GOOGLE_CLOUD_PROJECT": project}
    with outside.sandbox(tmp_path / "org.db") as side:
        yield World(Bench(tmp_path / "home", {**firestore, **side.env}), side, address, project)


@pytest.fixture(params=["strict", "sandbox"])
def world(request: pytest.FixtureRequest) -> World:
    """The same before each of the two servers."""
    name = {"strict": "strict", "sandbox": "sandboxed"}[request.param]
    found: World = request.getfixturevalue(name)
    return found


@pytest.fixture
def alone(tmp_path: Path) -> Bench:
    """An operator whose both sides are configured, and neither of them is there."""
    nowhere = {"FIRESTORE_EMULATOR_HOST": NOWHERE, "GOOGLE_CLOUD_PROJECT": "nowhere"}
    return Bench(tmp_path / "home", {**nowhere, **Side(f"http://{NOWHERE}", "token").env})
