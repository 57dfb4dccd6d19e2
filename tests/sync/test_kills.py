"""SIGKILL at every named point of the engine and before its commits: nothing acknowledged is lost.

The victim is a process of its own with the real simple-salesforce against the sandbox server and
the embedded documents. It tells through a pipe which edits were acknowledged; then it is killed,
and another process takes up what it left.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services import itsc_roadmap
from services.context import Context
from services.itsc_sf_sync import field_map
from services.sandbox.firestore import EmbeddedDocuments
from services.sandbox.process import SandboxProcess
from services.sync.engine import Engine
from services.sync.run import drain
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.sync.targets.sf_transport import open_session
from store import conflicts, projects
from store.database import open_database

FORK = multiprocessing.get_context("fork")
POINTS = [
    f"{t}:{p}"
    for t in ("firestore", "salesforce")
    for p in ("claimed", "read", "written", "sent", "acked")
]
KINDS = ["create", "edit", "delete", "merge"]
COMMITS = range(1, 6)
_numbers = itertools.count(1)


@dataclass
class Side:
    """The sandbox organisation that all victims of this module share."""

    url: str
    token: str

    def target(self) -> SalesforceTarget:
        return SalesforceTarget(
            SalesforceConnection(instance_url=self.url, access_token=self.token)
        )

    def rows(self, project_id: str) -> list[dict[str, Any]]:
        names = ", ".join(["Id", *field_map().values()])
        query = f"SELECT {names} FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"
        return list(self._call("GET", "query", params={"q": query}).json()["records"])

    def human_edits(self, row_id: str, **values: object) -> None:
        self._call("PATCH", f"sobjects/Ticket__c/{row_id}", json=values)

    def _call(self, method: str, path: str, **rest: Any) -> Any:
        with open_session(self.url, 10.0) as session:
            answer = session.request(
                method,
                f"{self.url}/services/data/v59.0/{path}",
                headers={"Authorization": f"Bearer {self.token}"},
                **rest,
            )
        assert answer.status_code < 300, answer.text
        return answer


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "salesforce.db")
    url, token = process.wait_ready()
    yield Side(url, token)
    process.stop()


@dataclass
class Home:
    """One operator's files, opened anew by each process."""

    path: Path
    side: Side
    number: int

    @property
    def project_id(self) -> str:
        return f"victim-{self.number}"

    def engine(self, point: Callable[[str], None] = lambda _: None) -> Engine:
        return Engine(
            open_database(self.path / "steerco.db"),
            Context("ann"),
            {
                "firestore": FirestoreTarget(EmbeddedDocuments(self.path / "documents.db")),
                "salesforce": self.side.target(),
            },
            rng=random.Random(3),
            point=point,
        )

    def prepare(self, kind: str) -> None:
        if kind == "create":
            open_database(self.path / "steerco.db").close()
            return
        engine = self.engine()
        values = {"feature_name": "Before", "department": "IT"}
        itsc_roadmap.create_project(engine.conn, engine.ctx, values, project_id=self.project_id)
        assert drain(engine).clean
        engine.conn.close()
        if kind == "merge":
            (row,) = self.side.rows(self.project_id)
            self.side.human_edits(row["Id"], Strategic_Value__c="from a person")

    def act(self, conn: sqlite3.Connection, kind: str) -> None:
        ctx = Context("ann")
        if kind == "create":
            values = {"feature_name": "After", "department": "Sales"}
            itsc_roadmap.create_project(conn, ctx, values, project_id=self.project_id)
        elif kind == "delete":
            itsc_roadmap.delete_project(conn, ctx, self.project_id)
        else:
            changes = {"feature_name": "After", "department": "Sales"}
            itsc_roadmap.update_project(conn, ctx, self.project_id, changes)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def victim(home: Home, kind: str, tell: int, point: str | None, commit: int | None) -> None:
    """Make the edit, say so, drain; die at the named point or before the n-th commit."""
    commits = itertools.count(1)

    def watch(statement: str) -> None:
        if statement == "COMMIT" and next(commits) == commit:
            die()

    engine = home.engine(lambda name: die() if name == point else None)
    if commit is not None:
        engine.conn.set_trace_callback(watch)
    home.act(engine.conn, kind)
    os.write(tell, b"saved")
    drain(engine)
    os.write(tell, b"done")


def run_victim(home: Home, kind: str, point: str | None, commit: int | None) -> str:
    """What the victim said before it died."""
    hear, tell = os.pipe()
    process = FORK.Process(target=victim, args=(home, kind, tell, point, commit))
    process.start()
    os.close(tell)
    process.join(60)
    said = os.read(hear, 100).decode() if process.exitcode is not None else "hung"
    os.close(hear)
    assert process.exitcode == -signal.SIGKILL or said.endswith("done"), said
    return said


def check(home: Home, kind: str, saved: bool) -> None:
    """After somebody else drained: the three sides agree, and nothing is there twice."""
    engine = home.engine()
    report = drain(engine)
    assert report.clean, report
    pid, rows = home.project_id, home.side.rows(home.project_id)
    here = projects.get(engine.conn, pid)
    document = EmbeddedDocuments(home.path / "documents.db").get_many("itsc_projects", [pid])[pid]
    assert conflicts.find(engine.conn) == []
    assert len(rows) <= 1
    if here is None:
        assert kind == "delete" or (kind == "create" and not saved)
        assert rows == []
        assert document is None or document.fields["deleted"] is True
        return
    assert kind != "delete" or not saved
    assert document is not None
    names = field_map()
    # Without an edit to deliver nothing looks at the record; the reverse path will.
    compared = ("feature_name", "department", *(("strategic_value",) if saved else ()))
    for path in compared:
        value = here.values[path]
        assert rows[0][names[path]] == document.fields[path] == value, path
    if saved:
        assert here.values["department"] == "Sales"
    if kind == "merge" and saved:
        assert here.values["strategic_value"] == "from a person"
    second = drain(engine)
    assert second.firestore.done == second.salesforce.done == 0
    engine.conn.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_loses_nothing(
    tmp_path: Path, side: Side, kind: str, point: str
) -> None:
    home = Home(tmp_path, side, next(_numbers))
    home.prepare(kind)
    said = run_victim(home, kind, point, None)
    assert said == "saved"
    check(home, kind, saved=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("commit", COMMITS)
def test_a_kill_before_a_commit_loses_nothing_that_was_acknowledged(
    tmp_path: Path, side: Side, kind: str, commit: int
) -> None:
    home = Home(tmp_path, side, next(_numbers))
    home.prepare(kind)
    said = run_victim(home, kind, None, commit)
    check(home, kind, saved=said.startswith("saved"))
