"""Tickets from Salesforce: the real client against the sandbox server."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from services.kpis import pull as pulling
from services.kpis import soql
from services.kpis.board import Board
from services.kpis.load import load
from services.kpis.policy import Policy, load_policy
from services.kpis.pull import OtherOrganisation, Pulled, pull
from services.kpis.report import report
from services.kpis.selection import Filters, Selection
from services.sandbox.process import SandboxProcess
from services.sandbox.storage import Store
from services.sync.targets.sf_client import SalesforceClient
from services.sync.targets.sf_errors import CallFailed
from services.sync.targets.sf_login import SalesforceConnection
from store.tickets import TicketFile
from tests.kpis import world

POLICY = load_policy()


class Org:
    """A sandbox with its year of tickets, spoken to as our client and as somebody else does."""

    def __init__(self, path: Path, *, tickets: bool = True) -> None:
        self.path = path
        self.process = SandboxProcess()
        self.process.start(path)
        self.url, self._token = self.process.wait_ready()
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {self._token}"
        if tickets:
            assert self.http.post(f"{self.url}/__sandbox/tickets", json={}, timeout=60).ok

    def client(self) -> SalesforceClient:
        return SalesforceClient(
            SalesforceConnection(instance_url=self.url, access_token=self._token)
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        address = f"{self.url}/services/data/v59.0/{path}"
        answer = self.http.request(method, address, json=body, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def query(self, text: str) -> list[dict[str, Any]]:
        return self.client().query(text)

    def create(self, **values: Any) -> str:
        body = {"Title__c": "Made by hand", "Department__c": "Test lab"} | values
        return str(self.call("POST", "sobjects/Ticket__c", body)["id"])

    def change(self, ticket: str, **values: Any) -> None:
        self.call("PATCH", f"sobjects/Ticket__c/{ticket}", values)

    def delete(self, ticket: str, *, for_good: bool = False) -> None:
        self.call("DELETE", f"sobjects/Ticket__c/{ticket}")
        if for_good:
            with Store(self.path).transaction() as db:
                db.execute("DELETE FROM Ticket__c WHERE Id = ?", (ticket,))
                db.execute("DELETE FROM Ticket__History WHERE ParentId = ?", (ticket,))


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    found = Org(tmp_path_factory.mktemp("org") / "org.db")
    yield found
    found.process.stop()


@pytest.fixture(scope="module")
def pulled(org: Org, tmp_path_factory: pytest.TempPathFactory) -> TicketFile:
    """A file that has the whole year already."""
    file = TicketFile(tmp_path_factory.mktemp("pulled") / "tickets.duckdb")
    first = pull(org.client(), file, POLICY)
    assert first.tickets > 1_500
    assert first.history > 10_000
    return file


Pull = Callable[[], Pulled]


@pytest.fixture
def again(org: Org, pulled: TicketFile) -> Pull:
    return lambda: pull(org.client(), pulled, POLICY)


def lab(file: TicketFile, measure: str = "tickets") -> list[Any]:
    """The tickets of the test's own department behind a figure."""
    selection = Selection(measure, None, Filters(departments=("Test lab",)))
    return list(Board(file, POLICY).tickets(selection).rows)


def one_ticket(directory: Path) -> tuple[Path, Path]:
    """Exports of a ticket without a history."""
    return (
        world.write(directory / "T.csv", world.TICKET, [world.ticket(1, "2026-03-01T00:00:00Z")]),
        world.write(directory / "H.csv", world.HISTORY, []),
    )


def test_what_was_pulled_is_what_an_export_would_have_brought(
    org: Org, pulled: TicketFile, tmp_path: Path
) -> None:
    columns = ("Id", "Name", "CreatedDate", "CreatedById", "SystemModstamp", "Status__c",
               "Priority__c", "Type__c", "Department__c", "OwnerId", "Assignee__c",
               "Estimated_Hours__c", "Size__c", "Title__c", "RecordType.DeveloperName")  # fmt: skip
    history = ("Id", "ParentId", "CreatedById", "CreatedDate", "Field", "OldValue", "NewValue")

    def export(name: str, names: tuple[str, ...], obj: str) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out)
            writer.writerow(names)
            for row in org.query(f"SELECT {', '.join(names)} FROM {obj}"):
                writer.writerow(pulling._dig(row, each) for each in names)
        return path

    loaded = TicketFile(tmp_path / "loaded.duckdb")
    load(
        loaded,
        POLICY,
        export("T.csv", columns, "Ticket__c"),
        export("H.csv", history, "Ticket__History"),
    )
    assert report(Board(loaded, POLICY)) == report(Board(pulled, POLICY))


def test_every_list_of_the_report_has_something_in_the_sandbox(pulled: TicketFile) -> None:
    found = report(Board(pulled, POLICY))
    for topic, rows in found.items():
        if topic != "policy_version":
            assert len(rows) >= 5, topic
    assert {d["department"] for d in found["departments"]} >= {"", "Events", "Product", "Sales"}


def test_nothing_moved_means_nothing_new_and_few_calls(again: Pull) -> None:
    again()
    found = again()
    assert not found.anything
    assert found.calls <= 8


def test_a_ticket_that_moves_there_moves_here(org: Org, pulled: TicketFile, again: Pull) -> None:
    ticket = org.create(Status__c="New", Type__c="Defect", Priority__c="P1")
    assert again().tickets == 1
    assert [row.status for row in lab(pulled)] == ["New"]
    assert lab(pulled, "closed") == []
    for status in ("In Development", "Resolved", "Closed"):
        org.change(ticket, Status__c=status)
    found = again()
    assert (found.tickets, found.history) == (1, 3)
    (row,) = lab(pulled, "cycle_time")
    assert (row.id, row.status, row.cycle_d) == (ticket, "Closed", pytest.approx(0, abs=0.01))
    org.delete(ticket)
    assert again().tickets == 1
    assert lab(pulled) == []


def test_a_ticket_that_is_gone_for_good_leaves_every_figure(
    org: Org, pulled: TicketFile, again: Pull
) -> None:
    ticket = org.create(Status__c="Closed")
    again()
    assert [row.id for row in lab(pulled)] == [ticket]
    org.delete(ticket, for_good=True)
    assert again().deleted == 0, "the log of deletions has whole minutes"
    with pulled.writing() as conn:  # two minutes later
        conn.execute(
            "UPDATE meta SET value = strftime(value::TIMESTAMP - INTERVAL 5 MINUTE, "
            "'%Y-%m-%dT%H:%M:%S+00:00') WHERE key = 'mark:deleted'"
        )
    with Store(org.path).transaction() as db:
        db.execute(
            "UPDATE removals SET at = strftime('%Y-%m-%dT%H:%M:%S.000+0000', "
            "replace(substr(at, 1, 19), 'T', ' '), '-2 minutes') WHERE id = ?",
            (ticket,),
        )
    assert again().deleted == 1
    assert lab(pulled) == []


def test_after_a_long_silence_what_is_no_more_there_leaves(
    org: Org, pulled: TicketFile, again: Pull
) -> None:
    ticket = org.create(Status__c="New")
    again()
    org.delete(ticket, for_good=True)
    with Store(org.path).transaction() as db:
        db.execute("DELETE FROM removals WHERE id = ?", (ticket,))
    with pulled.writing() as conn:
        conn.execute("UPDATE meta SET value = '2020-01-01T00:00:00+00:00' WHERE key='mark:deleted'")
    before = Board(pulled, POLICY).holdings().tickets
    assert again().deleted == 1
    assert Board(pulled, POLICY).holdings().tickets == before - 1


def test_a_strategic_initiative_is_no_ticket(org: Org, pulled: TicketFile, again: Pull) -> None:
    (kind,) = org.query("SELECT Id FROM RecordType WHERE DeveloperName = 'Strategic_Initiative'")
    before = Board(pulled, POLICY).holdings()
    ticket = org.create(
        RecordTypeId=kind["Id"], DataOS_Project_Id__c="initiative", Status__c="In Progress"
    )
    again()
    after = Board(pulled, POLICY).holdings()
    assert (after.tickets, after.waiting) == (before.tickets, before.waiting)
    assert lab(pulled) == []
    org.delete(ticket)


def test_people_are_shown_by_name_and_counted_by_id(pulled: TicketFile) -> None:
    rows = Board(pulled, POLICY).tickets(Selection("closed"), limit=100).rows
    assert {row.assignee for row in rows if row.assignee} <= {
        "Dev Patel", "Eva Lund", "Farid Noor", "Gita Rao", "Kim Lee", "Chidi Okafor",
        "Tomasz Nowak", "Olga Pauli",
    }  # fmt: skip


def test_a_pull_that_is_cut_off_goes_on_where_it_was(
    org: Org, pulled: TicketFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soql, "PAGE", 4_000)
    file = TicketFile(tmp_path / "cut.duckdb")
    pages = 0

    class Cut(Exception):
        pass

    def cut(_what: str, _rows: int) -> None:
        nonlocal pages
        pages += 1
        if pages in (2, 4, 7):
            raise Cut

    for _ in range(3):
        with pytest.raises(Cut):
            pull(org.client(), file, POLICY, show=cut)
    pull(org.client(), file, POLICY, show=cut)
    assert report(Board(file, POLICY)) == report(Board(pulled, POLICY))


def test_a_file_stays_with_its_organisation(
    pulled: TicketFile, tmp_path: Path, again: Pull
) -> None:
    again()
    other = Org(tmp_path / "other.db", tickets=False)
    try:
        with pytest.raises(OtherOrganisation, match="holds the tickets of organisation 00D"):
            pull(other.client(), pulled, POLICY)
    finally:
        other.process.stop()
    assert not again().anything


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_sandboxs_year_stays_away_from_tickets_that_were_loaded(
    org: Org, file: TicketFile, tmp_path: Path, sandbox: bool
) -> None:
    exports = one_ticket(tmp_path)
    load(file, POLICY, *exports, sandbox=sandbox)
    if sandbox:
        with pytest.raises(OtherOrganisation, match="they were loaded from files"):
            pull(org.client(), file, POLICY)
        load(file, POLICY, *exports, sandbox=True)
    else:
        assert pull(org.client(), file, POLICY).tickets
    assert (Board(file, POLICY).holdings().tickets == 1) == sandbox


def test_the_sandboxs_year_makes_way_for_tickets_that_are_loaded_later(
    org: Org, file: TicketFile, tmp_path: Path
) -> None:
    """Whoever loads tickets of his own wants figures of these, whatever was there before."""
    pull(org.client(), file, POLICY)
    year = Board(file, POLICY).holdings().tickets
    exports = one_ticket(tmp_path)

    def stopped(what: str, _done: float) -> None:
        if what == "Computing":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        load(file, POLICY, *exports, sandbox=True, show=stopped)
    assert Board(file, POLICY).holdings().tickets == year, "a load that fails takes nothing away"
    done = load(file, POLICY, *exports, sandbox=True)
    assert done.replaced == year > 1
    held = Board(file, POLICY).holdings()
    assert (held.tickets, held.history, held.waiting, held.pulled_at) == (1, 0, 0, None)
    lone = TicketFile(tmp_path / "lone.duckdb")
    load(lone, POLICY, *exports)
    assert report(Board(file, POLICY)) == report(Board(lone, POLICY))
    with pytest.raises(OtherOrganisation, match="they were loaded from files"):
        pull(org.client(), file, POLICY)
    assert load(file, POLICY, *exports, sandbox=True).replaced == 0


def test_tickets_of_a_real_organisation_stay_where_others_are_loaded(
    org: Org, file: TicketFile, tmp_path: Path
) -> None:
    pull(org.client(), file, POLICY)
    year = Board(file, POLICY).holdings().tickets
    exports = one_ticket(tmp_path)
    assert load(file, POLICY, *exports).replaced == 0
    assert Board(file, POLICY).holdings().tickets == year + 1


def test_trouble_on_the_way_is_one_sentence_and_loses_nothing(
    org: Org, pulled: TicketFile, again: Pull
) -> None:
    control = f"{org.url}/__sandbox/faults"
    before = report(Board(pulled, POLICY))
    assert org.http.post(control, json={"fault": "503,count=9"}, timeout=10).ok
    try:
        with pytest.raises(CallFailed) as failed:
            again()
    finally:
        org.http.delete(control, timeout=10)
    assert "\n" not in str(failed.value)
    assert report(Board(pulled, POLICY)) == before


def test_a_policy_with_another_column_reads_every_ticket_again(
    org: Org, pulled: TicketFile, tmp_path: Path, policy: Policy
) -> None:
    from dataclasses import replace

    other = replace(policy, columns={**policy.columns, "hours": ("Sort_Order__c",)}, digest="x")
    before = Board(pulled, POLICY).holdings().tickets
    found = pull(org.client(), pulled, other)
    assert Board(pulled, other).holdings().tickets == before
    assert found.tickets == 0, "no ticket has a value there"
    with pulled.reading() as conn:
        names = {row[0] for row in conn.execute("SELECT key FROM meta").fetchall()}
    assert sum(name.startswith("mark:tickets:") for name in names) == 2
    pull(org.client(), pulled, POLICY)
