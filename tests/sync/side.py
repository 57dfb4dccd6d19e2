"""The sandbox's Salesforce as a process that several tests' processes share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.itsc_sf_sync import field_map
from services.sandbox.process import SandboxProcess
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.sync.targets.sf_transport import open_session


@dataclass(frozen=True)
class Side:
    """One sandbox organisation, looked at and edited as a person would."""

    url: str
    token: str

    def target(self) -> SalesforceTarget:
        return SalesforceTarget(
            SalesforceConnection(instance_url=self.url, access_token=self.token)
        )

    def rows(self, project_id: str) -> list[dict[str, Any]]:
        names = ", ".join(["Id", *field_map().values()])
        return self.query(
            f"SELECT {names} FROM Ticket__c WHERE DataOS_Project_Id__c = '{project_id}'"
        )

    def query(self, soql: str) -> list[dict[str, Any]]:
        return list(self._call("GET", "query", params={"q": soql}).json()["records"])

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


@contextmanager
def sandbox_side(path: Path) -> Iterator[Side]:
    """A sandbox organisation in a process of its own, with its database at ``path``."""
    process = SandboxProcess()
    process.start(path)
    try:
        yield Side(*process.wait_ready())
    finally:
        process.stop()
