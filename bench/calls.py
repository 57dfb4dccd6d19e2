"""Network calls for 10,000 edited projects, against one call for each.

The real Salesforce client against the sandbox server, and the embedded documents; both count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import Result
from services import itsc_roadmap
from services.context import Context
from services.sandbox.firestore import EmbeddedDocuments
from services.sandbox.process import SandboxProcess
from services.sync.engine import Engine
from services.sync.run import drain
from services.sync.targets.base import Target
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import DocResult, DocWrite
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from store.database import open_database, transaction

EDITS = 10_000


class Counting(EmbeddedDocuments):
    """Documents that count their groups of writes."""

    groups = 0

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        """See DocumentStore."""
        self.groups += 1
        return super().write_many(writes)


def run() -> Iterator[Result]:
    """Create 10,000 projects on both sides, edit each of them once, count what that takes."""
    process = SandboxProcess()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        process.start(home / "salesforce.db")
        try:
            url, token = process.wait_ready()
            connection = SalesforceConnection(instance_url=url, access_token=token)
            documents = Counting(home / "documents.db")
            conn, ctx = open_database(home / "steerco.db"), Context("bench")
            salesforce = SalesforceTarget(connection)
            targets: dict[str, Target] = {
                "firestore": FirestoreTarget(documents),
                "salesforce": salesforce,
            }
            engine = Engine(conn, ctx, targets)
            with transaction(conn):
                ids = [_add(conn, ctx, number) for number in range(EDITS)]
            assert drain(engine).clean
            calls, groups = salesforce.usage().calls, documents.groups
            with transaction(conn):
                for each in ids:
                    itsc_roadmap.update_project(conn, ctx, each, {"status": "Paused"})
            assert drain(engine).clean
            yield _at_most("Salesforce calls", salesforce.usage().calls - calls, 110)
            yield _at_most("Firestore writes in groups", documents.groups - groups, 45)
        finally:
            process.stop()


def _add(conn: object, ctx: Context, number: int) -> str:
    values = {"feature_name": f"Project {number}", "priority": "P1", "sort_order": number % 1000}
    return itsc_roadmap.create_project(conn, ctx, values).project.project_id  # type: ignore[arg-type]


def _at_most(what: str, count: int, goal: int) -> Result:
    return Result(
        f"{what}, {EDITS:,} edited projects",
        f"{count}",
        f"one by one {EDITS:,}",
        EDITS / count,
        f"<= {goal} calls",
        count <= goal,
    )
