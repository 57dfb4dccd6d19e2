"""The bench: one operator's home, the real command, and both real sides looked at from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.outside import warm

ROOT = Path(__file__).resolve().parents[2]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
COMMAND = [sys.executable, "-m", "tui.main"]
NOWHERE = "127.0.0.1:9"
"""An address on which nobody listens."""


@dataclass(frozen=True)
class Ran:
    """What a command did: exit code, both outputs, seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        """Standard output, which is JSON and nothing else."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """Standard error, which is one sentence and nothing else."""
        assert self.err.endswith("\n"), self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert "\x1b" not in self.err
        assert self.err.rstrip().endswith((".", "!", "?")), self.err
        return lines[0]


@dataclass
class Bench:
    """One operator: a home of its own, and an environment in which nothing else is set."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the command is started with."""
        inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **inherited,
            "HOME": str(self.home.parent),
            "PYTHONPATH": str(ROOT),
            "PYTHONUTF8": "1",
            "STEERCO_HOME": str(self.home),
            "STEERCO_CONFIG": str(self.home.parent / "config.toml"),
            "STEERCO_OPERATOR": "Otto Outside",
            **self.env,
        }

    def start(self, *argv: str, **env: str) -> subprocess.Popen[str]:
        """The command as a process, from a directory that is not the checkout."""
        return subprocess.Popen(
            [*COMMAND, *argv],
            cwd=self.home.parent,
            env={**self.environment, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *argv: str, **env: str) -> Ran:
        """The command, run to its end."""
        began = time.monotonic()
        env = {**self.environment, **env}
        code, out, err = warm.run(argv, self.home.parent, env, timeout=90)
        return Ran(code, out.decode(), err.decode(), time.monotonic() - began)

    def done(self, *argv: str, **env: str) -> Ran:
        """The command, which has to succeed without a word on standard error."""
        ran = self.run(*argv, **env)
        assert ran.code == 0, (argv, ran.out[-2000:], ran.err)
        assert ran.err == "", ran.err
        return ran

    def refused(self, *argv: str, **env: str) -> str:
        """The sentence of a command that has to fail with 1 and print nothing else."""
        ran = self.run(*argv, **env)
        assert ran.code == 1, (argv, ran)
        assert ran.out == "", ran.out
        return ran.sentence

    def add(self, project_id: str, *assignments: str) -> dict[str, Any]:
        """A new project."""
        made = self.done("projects", "add", *assignments, "--id", project_id, "--json")
        return dict(made.json)

    def set(self, project_id: str, *assignments: str) -> dict[str, Any]:
        """A project edited."""
        return dict(self.done("projects", "set", project_id, *assignments, "--json").json)

    def show(self, project_id: str) -> dict[str, Any]:
        """A project as the command shows it."""
        return dict(self.done("projects", "show", project_id, "--json").json)

    def sync(self) -> dict[str, Any]:
        """A sync that has to end with everything delivered."""
        return dict(self.done("sync", "--json").json)

    def settle(self, most: int = 4) -> int:
        """Sync until it ends well; gives how many it took."""
        for times in range(1, most + 1):
            ran = self.run("sync", "--json")
            if ran.code == 0:
                return times
            assert ran.code == 1, ran.err
            assert "Traceback" not in ran.err
        raise AssertionError(f"not settled after {most} syncs: {ran.out} {ran.err}")


@dataclass
class Side:
    """A Salesforce seen through HTTP alone. ``token`` is the integration user's, ``human`` that of
    a person."""

    url: str
    token: str
    human: str = ""

    @property
    def env(self) -> dict[str, str]:
        """The configuration that leads there."""
        return {
            "SF_INSTANCE_URL": self.url,
            "SF_ACCESS_TOKEN": self.token,
            "ITSC_SF_SYNC_ENABLED": "true",
        }

    def call(self, method: str, path: str, body: Any = None, *, token: str = "") -> Any:
        """One REST call below the API's version, as the integration user or by another token."""
        request = urllib.request.Request(
            f"{self.url}/services/data/v59.0/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token or self.token}",
                "Content-Type": "application/json",
            },
        )
        with DIRECT.open(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def rows(self, *names: str) -> dict[str, dict[str, Any]]:
        """Every initiative by project id; no project may have two."""
        columns = ", ".join(dict.fromkeys(["Id", "DataOS_Project_Id__c", *names]))
        kind = "RecordType.DeveloperName = 'Strategic_Initiative'"
        soql = f"SELECT {columns} FROM Ticket__c WHERE {kind}"
        page = self.call("GET", "query/?q=" + urllib.parse.quote_plus(soql))
        records = page["records"]
        while not page["done"]:
            page = self.call("GET", page["nextRecordsUrl"].split("/v59.0/", 1)[1])
            records += page["records"]
        found = {record["DataOS_Project_Id__c"]: record for record in records}
        assert len(found) == len(records), "a project has a second row"
        return found

    def edit(self, row_id: str, **values: Any) -> None:
        """Somebody edits a row (by the API, as the integration user)."""
        self.call("PATCH", f"sobjects/Ticket__c/{row_id}", values)

    def person_edits(self, row_id: str, **values: Any) -> None:
        """A person edits a row."""
        self.call("PATCH", f"sobjects/Ticket__c/{row_id}", values, token=self.human)

    def person_deletes(self, row_id: str) -> None:
        """A person puts a row into the recycle bin."""
        self.call("DELETE", f"sobjects/Ticket__c/{row_id}", token=self.human)


@contextlib.contextmanager
def sandbox(path: Path, *faults: str) -> Iterator[Side]:
    """The project's own sandbox server as a process."""
    command = [sys.executable, "-m", "services.sandbox", "--db", str(path)]
    for fault in faults:
        command += ["--fault", fault]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        ready = json.loads(server.stdout.readline())
        yield Side(ready["url"], ready["token"], _human(ready))
    finally:
        server.terminate()
        server.wait(timeout=20)
        server.stdout.close()


def _human(ready: Mapping[str, str]) -> str:
    """The token of a person of the sandbox, who logs in with her password."""
    form = {
        "grant_type": "password",
        "client_id": ready["client_id"],
        "client_secret": ready["secret"],
        "username": "ana@example.com",
        "password": ready["secret"],
    }
    data = urllib.parse.urlencode(form).encode()
    with DIRECT.open(f"{ready['url']}/services/oauth2/token", data=data, timeout=20) as answer:
        return str(json.load(answer)["access_token"])


def strike(side: Side, *faults: str) -> None:
    """Replace the sandbox's faults by these."""
    address = f"{side.url}/__sandbox/faults"
    DIRECT.open(urllib.request.Request(address, method="DELETE"), timeout=10).close()
    for fault in faults:
        body = json.dumps({"fault": fault}).encode()
        headers = {"Content-Type": "application/json"}
        DIRECT.open(urllib.request.Request(address, data=body, headers=headers), timeout=10).close()


def documents(address: str, project: str) -> dict[str, dict[str, Any]]:
    """Every project's document, by Google's own client."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import firestore

    before = os.environ.get("FIRESTORE_EMULATOR_HOST")
    os.environ["FIRESTORE_EMULATOR_HOST"] = address
    try:
        client = firestore.Client(project=project, credentials=AnonymousCredentials())
    finally:
        os.environ.pop("FIRESTORE_EMULATOR_HOST")
        if before is not None:
            os.environ["FIRESTORE_EMULATOR_HOST"] = before
    with contextlib.closing(client):
        found = client.collection("itsc_projects").stream(retry=None, timeout=120)
        return {each.id: dict(each.to_dict() or {}) for each in found}


def copy_home(bench: Bench, to: Path, **env: str) -> Bench:
    """A second operator with the same configuration and an empty home, or a copied one."""
    if bench.home.exists():
        shutil.copytree(bench.home, to)
    return Bench(to, {**bench.env, **env})


def as_map(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested JSON with dotted names, as the model's paths."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= as_map(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
