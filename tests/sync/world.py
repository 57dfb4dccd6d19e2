"""One operator with a database, Firestore's documents and a Salesforce, on one injected clock."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services import itsc_roadmap, overview
from services.context import Context
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.run import SyncReport, sync
from services.sync.targets.base import Problem
from services.sync.targets.firestore import FirestoreTarget
from store import projects
from store.canon import Values
from store.database import open_database
from tests.sync.fakes import FakeSalesforce, Ticking


class Interference:
    """What the documents' store is told to do wrong: ``down`` fails every call, ``next`` one."""

    def __init__(self) -> None:
        self.down: Problem | None = None
        self.before: list[Problem] = []
        self.after: list[Problem] = []

    def __call__(self, moment: str, call: str) -> Problem | None:
        if moment == "before" and self.down is not None:
            return self.down
        waiting = self.before if moment == "before" else self.after
        if call == "write_many" and waiting:
            return waiting.pop(0)
        return None


class World:
    """Everything of one operator; ``other`` gives a second one on the same remote systems."""

    def __init__(self, home: Path, operator: str = "ann", shared: World | None = None) -> None:
        self.home = home
        self.clock = shared.clock if shared else Ticking()
        numbers = itertools.count(1)
        self.ctx = Context(operator, self.clock, lambda: f"{operator}-{next(numbers):06d}")
        self.conn = open_database(home / f"{operator}.db")
        self.trouble = Interference()
        documents = shared.documents_path if shared else home / "documents.db"
        self.documents_path = documents
        self.documents = EmbeddedDocuments(documents, clock=self.clock, interfere=self.trouble)
        self.salesforce = shared.salesforce if shared else FakeSalesforce(self.clock)
        self.engine = self.new_engine()

    def new_engine(self, point: Callable[[str], None] = lambda _name: None) -> Engine:
        return Engine(
            self.conn,
            self.ctx,
            {"firestore": FirestoreTarget(self.documents), "salesforce": self.salesforce},
            rng=random.Random(7),
            point=point,
        )

    def add(self, name: str = "Portal", **values: object) -> str:
        """A new project; ``a__b`` is the path ``a.b``."""
        given = {"feature_name": name, **_paths(values)}
        return itsc_roadmap.create_project(self.conn, self.ctx, given).project.project_id

    def set(self, project_id: str, **values: object) -> int | None:
        return itsc_roadmap.update_project(self.conn, self.ctx, project_id, _paths(values)).seq

    def sync(self, **wishes: bool) -> SyncReport:
        return sync(self.engine, sleep=self.clock.sleep, **wishes)

    def later(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def here(self, project_id: str) -> Values:
        project = projects.get(self.conn, project_id)
        assert project is not None
        return project.values

    def document(self, project_id: str) -> dict[str, Any]:
        found = self.documents.get_many("itsc_projects", [project_id])[project_id]
        assert found is not None
        return dict(found.fields)

    def tokens(self) -> dict[str, str]:
        """The version of every project's document."""
        found = self.documents.get_many("itsc_projects", self.documents.ids("itsc_projects"))
        return {each.id: each.update_time for each in found.values() if each is not None}

    def state(self, project_id: str) -> tuple[str, str]:
        """The states shown for Firestore and Salesforce."""
        row = overview.row_sync(self.conn, [project_id], overview.gates(self.conn))[project_id]
        return row.firestore.state, row.salesforce.state


def _paths(values: dict[str, object]) -> dict[str, object]:
    return {name.replace("__", "."): value for name, value in values.items()}
