"""Processes that die by SIGKILL while they sync, and what the next one must find.

A victim is forked from the test's process, so that it costs no start of Python: it has the real
simple-salesforce against the sandbox server and the embedded documents. It tells through a pipe
which edits were acknowledged; then it is killed, and another process takes up what it left.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services import itsc_roadmap
from services.context import Context
from services.itsc_sf_sync import field_map
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.run import drain
from services.sync.targets.firestore import FirestoreTarget
from store import conflicts, projects
from store.database import open_database
from tests.sync.side import Side

FORK = multiprocessing.get_context("fork")
MOMENTS = ("claimed", "read", "written", "sent", "acked")
POINTS = [f"{target}:{moment}" for target in ("firestore", "salesforce") for moment in MOMENTS]
KINDS = ("create", "edit", "delete", "merge")


@dataclass(frozen=True)
class Death:
    """When a victim dies: at a named point, before its n-th commit, or after some seconds."""

    point: str | None = None
    commit: int | None = None
    after: float | None = None

    @property
    def phase(self) -> str:
        """What the table calls it."""
        return self.point or (f"commit {self.commit}" if self.commit else "at random")


@dataclass
class Home:
    """One operator's files, opened anew by each process."""

    path: Path
    side: Side
    project_id: str

    def engine(self, point: Callable[[str], None] = lambda _: None) -> Engine:
        return Engine(
            open_database(self.path / "steerco.db"),
            Context("ann"),
            {
                "firestore": FirestoreTarget(self.documents()),
                "salesforce": self.side.target(),
            },
            rng=random.Random(3),
            point=point,
        )

    def documents(self) -> EmbeddedDocuments:
        return EmbeddedDocuments(self.path / "documents.db")

    def prepare(self, kind: str) -> None:
        """What was there before the victim: for all but a create, a synced project."""
        if kind == "create":
            open_database(self.path / "steerco.db").close()
            return
        engine = self.engine()
        values = {"feature_name": "Before", "department": "IT"}
        itsc_roadmap.create_project(engine.conn, engine.ctx, values, project_id=self.project_id)
        assert drain(engine).clean
        close(engine)
        if kind == "merge":
            (row,) = self.side.rows(self.project_id)
            self.side.human_edits(row["Id"], Strategic_Value__c="from a person")

    def act(self, conn: sqlite3.Connection, kind: str) -> None:
        """The victim's edit."""
        ctx = Context("ann")
        if kind == "create":
            values = {"feature_name": "After", "department": "Sales"}
            itsc_roadmap.create_project(conn, ctx, values, project_id=self.project_id)
        elif kind == "delete":
            itsc_roadmap.delete_project(conn, ctx, self.project_id)
        else:
            changes = {"feature_name": "After", "department": "Sales"}
            itsc_roadmap.update_project(conn, ctx, self.project_id, changes)


def close(engine: Engine) -> None:
    """Let go of the engine's files and connections."""
    engine.conn.close()
    for target in engine.remotes.values():
        target.close()


def die() -> None:
    """As the machine's owner would have it."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill(home: Home, kind: str, death: Death) -> str:
    """Run a victim to its death; gives what it said before: saved, and done where it outlived."""
    hear, tell = os.pipe()
    process = FORK.Process(target=_victim, args=(home, kind, tell, death))
    process.start()
    os.close(tell)
    if death.after is not None:
        time.sleep(death.after)
        process.kill()
    process.join(60)
    said = os.read(hear, 100).decode() if process.exitcode is not None else "hung"
    os.close(hear)
    assert process.exitcode == -signal.SIGKILL or said.endswith("done"), said
    return said


def _victim(home: Home, kind: str, tell: int, death: Death) -> None:
    commits = itertools.count(1)

    def watch(statement: str) -> None:
        if statement == "COMMIT" and next(commits) == death.commit:
            die()

    engine = home.engine(lambda name: die() if name == death.point else None)
    if death.commit is not None:
        engine.conn.set_trace_callback(watch)
    home.act(engine.conn, kind)
    os.write(tell, b"saved")
    drain(engine)
    os.write(tell, b"done")


def check(home: Home, kind: str, *, saved: bool) -> None:
    """After somebody else drained: the three sides agree, and nothing is there twice."""
    engine = home.engine()
    report = drain(engine)
    assert report.clean, report
    pid, rows = home.project_id, home.side.rows(home.project_id)
    here = projects.get(engine.conn, pid)
    documents = home.documents()
    document = documents.get_many("itsc_projects", [pid])[pid]
    documents.close()
    assert conflicts.find(engine.conn) == []
    assert len(rows) <= 1
    if here is None:
        assert kind == "delete" or (kind == "create" and not saved)
        assert rows == []
        assert document is None or document.fields["deleted"] is True
        close(engine)
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
    close(engine)
