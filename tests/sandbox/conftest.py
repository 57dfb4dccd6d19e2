"""One sandbox server a test module, spoken to by the real simple-salesforce and by plain HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce

from services.sandbox.process import SandboxProcess
from services.sync.targets.sf_transport import open_session

VERSION = "59.0"
_numbers = itertools.count(1)


class Org:
    """The server under test, by its addresses and as several users."""

    def __init__(self, process: SandboxProcess, url: str, token: str) -> None:
        self.process = process
        self.url = url
        self.token = token
        self.organization = process.ready["organization"]
        self.secret = process.ready["secret"]
        self.client_id = process.ready["client_id"]
        self.http = requests.Session()
        self.http.trust_env = False
        self._tokens: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def client(self, user: str | None = None, timeout: float = 10.0) -> Salesforce:
        """A new simple-salesforce client, logged in as the integration user or another one."""
        token = self.token if user is None else self.token_of(user)
        return Salesforce(
            session_id=token,
            instance_url=self.url,
            version=VERSION,
            session=open_session(self.url, timeout),
        )

    def token_of(self, user: str) -> str:
        """The token of ``user@example.com``."""
        if user not in self._tokens:
            form = {
                "grant_type": "password",
                "client_id": self.client_id,
                "client_secret": self.secret,
                "username": f"{user}@example.com",
                "password": self.secret,
            }
            answer = self.http.post(f"{self.url}/services/oauth2/token", data=form, timeout=10)
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        user: str | None = None,
        version: str = VERSION,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """A request to the data API, ``path`` relative to the version."""
        token = self.token if user is None else self.token_of(user)
        return self.http.request(
            method,
            f"{self.url}/services/data/v{version}/{path}",
            json=json,
            headers={"Authorization": f"Bearer {token}"} | (headers or {}),
            timeout=10,
            **more,
        )

    def soql(self, query: str, *, everything: bool = False) -> list[dict[str, Any]]:
        """The records of a query, without their attributes."""
        path = "queryAll" if everything else "query"
        answer = self.call("GET", path, params={"q": query})
        assert answer.status_code == 200, answer.text
        return [_bare(record) for record in answer.json()["records"]]

    def id_of(self, name: str) -> str:
        """The id of a user by his first name in lower case, or of a record type."""
        if name not in self._ids:
            users = self.soql(f"SELECT Id FROM User WHERE Username = '{name}@example.com'")
            types = self.soql(f"SELECT Id FROM RecordType WHERE DeveloperName = '{name}'")
            self._ids[name] = str((users or types)[0]["Id"])
        return self._ids[name]

    def initiative(self, **fields: Any) -> str:
        """The id of a new Strategic Initiative."""
        body = {
            "RecordTypeId": self.id_of("Strategic_Initiative"),
            "Title__c": "An initiative",
            "DataOS_Project_Id__c": unique(),
        } | fields
        answer = self.call("POST", "sobjects/Ticket__c", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def ticket(self, **fields: Any) -> str:
        """The id of a new ordinary ticket."""
        answer = self.call("POST", "sobjects/Ticket__c", {"Title__c": "A ticket"} | fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def read(self, record_id: str, *fields: str) -> dict[str, Any]:
        """A ticket's values."""
        params = {"fields": ",".join(fields)} if fields else None
        answer = self.call("GET", f"sobjects/Ticket__c/{record_id}", params=params)
        assert answer.status_code == 200, answer.text
        return _bare(answer.json())

    def fault(self, text: str) -> None:
        """Put a fault in force."""
        answer = self.http.post(f"{self.url}/__sandbox/faults", json={"fault": text}, timeout=10)
        assert answer.status_code == 201, answer.text

    def calm(self) -> None:
        """Take every fault out of force."""
        self.http.delete(f"{self.url}/__sandbox/faults", timeout=10)


def unique() -> str:
    """A project id that no other test of this run uses."""
    return f"p-{next(_numbers)}"


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if k != "attributes"}
    return [_bare(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    """A server on a new file for the tests of a module."""
    process = SandboxProcess()
    process.start(tmp_path_factory.mktemp("org") / "org.sqlite")
    yield Org(process, *process.wait_ready())
    process.stop()


@pytest.fixture
def org(server: Org) -> Iterator[Org]:
    """The module's server with no fault in force."""
    yield server
    server.calm()


@pytest.fixture
def project_id() -> str:
    """A project id of the test's own."""
    return unique()
