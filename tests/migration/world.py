"""One operator with the real sandbox organisation and the embedded documents, for migrations."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services import itsc_roadmap
from services.context import Context
from services.migration.backfill import Backfill
from services.migration.parity import Parity, compare
from services.migration.sides import read_all
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.targets.base import Problem
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import DocumentStore, DocWrite, Kind
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.sync.targets.sf_transport import open_session
from store.database import open_database

FAMILY = (
    "🧩 Feedback Platform (v1)",
    "🧩 Feedback Platform (v2)",
    "📱 Event App : PWA – In-House (v1)",
    "GTZenda (Process Optimization)",
    "GTZenda (Full Autonomy)",
    "❤️‍🩹 Health Dashboard",
    "✉️ Custom Communication",
    "تقويم الفعاليات",
)
UMBRELLAS = {"feedback-platform", "event-app-pwa-in-house", "gtzenda"}
_numbers = itertools.count(1)


@dataclass
class Org:
    """The sandbox organisation, as its administrator reaches it."""

    url: str
    token: str
    earlier: set[str] = field(default_factory=set)
    """The jobs of earlier tests."""

    def clear(self) -> None:
        """As good as new: no rows, no trouble, no jobs to see. What is left in the recycle bin has
        other ids: the next test's rows may be made in the same second."""
        with open_session(self.url, 10.0) as session:
            session.delete(f"{self.url}/__sandbox/faults")
        ids = [row["Id"] for row in self.query("SELECT Id FROM Ticket__c")]
        for start in range(0, len(ids), 200):
            group = ",".join(ids[start : start + 200])
            renamed = [
                {
                    "attributes": {"type": "Ticket__c"},
                    "id": one,
                    "DataOS_Project_Id__c": f"was-{one}",
                }
                for one in ids[start : start + 200]
            ]
            self.call("PATCH", "composite/sobjects", json={"records": renamed})
            self.call("DELETE", "composite/sobjects", params={"ids": group})
        self.earlier = set()
        self.earlier = {job["id"] for job in self.jobs()}

    def call(self, method: str, path: str, **rest: Any) -> Any:
        with open_session(self.url, 10.0) as session:
            answer = session.request(
                method,
                f"{self.url}/services/data/v59.0/{path}",
                headers={"Authorization": f"Bearer {self.token}"} | rest.pop("headers", {}),
                **rest,
            )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def query(self, soql: str) -> list[dict[str, Any]]:
        page = self.call("GET", "query", params={"q": soql})
        records = list(page["records"])
        while not page["done"]:
            path = page["nextRecordsUrl"].partition("/v59.0/")[2]
            page = self.call("GET", path)
            records += page["records"]
        return records

    def rows(self, *names: str) -> dict[str, dict[str, Any]]:
        """Every row with a DataOS id, by it; a second row of an id fails the test."""
        columns = ", ".join(["Id", "DataOS_Project_Id__c", *names])
        found: dict[str, dict[str, Any]] = {}
        soql = f"SELECT {columns} FROM Ticket__c WHERE DataOS_Project_Id__c != null"
        for row in self.query(soql):
            assert row["DataOS_Project_Id__c"] not in found
            found[row["DataOS_Project_Id__c"]] = row
        return found

    def edit(self, project_id: str, **values: object) -> None:
        row = self.rows()[project_id]
        self.call("PATCH", f"sobjects/Ticket__c/{row['Id']}", json=values)

    def delete(self, project_id: str) -> None:
        row = self.rows()[project_id]
        self.call("DELETE", f"sobjects/Ticket__c/{row['Id']}")

    def fault(self, spec: str) -> None:
        """Trouble on demand; see services.sandbox.faults."""
        with open_session(self.url, 10.0) as session:
            address = f"{self.url}/__sandbox/faults"
            assert session.post(address, json={"fault": spec}).status_code < 300

    def jobs(self) -> list[dict[str, Any]]:
        records = self.call("GET", "jobs/ingest")["records"]
        return [job for job in records if job["id"] not in self.earlier]


@dataclass
class World:
    """Files of one operator, opened anew by each process that needs them."""

    home: Path
    org: Org
    trouble: Callable[[str, str], Problem | None] | None = None
    store: Callable[[], DocumentStore] | None = None
    """Opens other documents than the embedded ones."""

    def __post_init__(self) -> None:
        self.conn = open_database(self.home / "steerco.db")
        self.ctx = Context("ann")

    def documents(self) -> DocumentStore:
        if self.store is not None:
            return self.store()
        return EmbeddedDocuments(self.home / "documents.db", interfere=self.trouble)

    def salesforce(self) -> SalesforceTarget:
        return SalesforceTarget(
            SalesforceConnection(instance_url=self.org.url, access_token=self.org.token)
        )

    def add(self, name: str, **values: object) -> str:
        given = {"feature_name": name, **{k.replace("__", "."): v for k, v in values.items()}}
        return itsc_roadmap.create_project(self.conn, self.ctx, given).project.project_id

    def family(self) -> list[str]:
        return [self.add(name, priority="P2") for name in FAMILY]

    def backfill(
        self, *, bulk_above: int = 2_000, point: Callable[[str], None] = lambda _: None, **more: Any
    ) -> Backfill:
        firestore, salesforce = FirestoreTarget(self.documents()), self.salesforce()
        engine = Engine(
            self.conn,
            self.ctx,
            {"firestore": firestore, "salesforce": salesforce},
            rng=random.Random(5),
            point=point,
        )
        return Backfill(engine, firestore, salesforce, bulk_above=bulk_above, **more)

    def parity(self) -> Parity:
        sides = read_all(self.conn, FirestoreTarget(self.documents()), self.salesforce())
        return compare(sides)

    def local_ids(self) -> set[str]:
        return {row[0] for row in self.conn.execute("SELECT project_id FROM projects")}

    def edit_document(self, project_id: str, **fields: object) -> None:
        cells = {tuple(name.split("__")): value for name, value in fields.items()}
        write = DocWrite("itsc_projects", project_id, Kind.UPDATE, cells)
        (result,) = self.documents().write_many([write])
        assert result.problem is None

    def whole(self) -> None:
        """The three sides are equal, and hold each local project once."""
        assert set(self.org.rows()) == self.local_ids()
        found = self.parity()
        assert (found.differences, found.missing) == ((), ())
        assert found.verdict == "equal"
