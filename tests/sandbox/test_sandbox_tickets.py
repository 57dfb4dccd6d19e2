"""The sandbox's year of tickets: the same for everybody, and as such an organisation's would be."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
import requests

from services.sandbox import seed, year
from services.sandbox.process import SandboxProcess
from services.sandbox.storage import Row, Store, rows

NOW = 1_775_000_000.0


def organisation(path: Path, now: float = NOW) -> Store:
    store = Store(path)
    seed.fill(store, lambda: now, random.Random(1))
    year.fill(store, lambda: now)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return organisation(tmp_path_factory.mktemp("org") / "org.db")


@pytest.fixture(scope="module")
def tickets(store: Store) -> dict[str, Row]:
    return {row["Id"]: row for row in rows(store.connection(), "SELECT * FROM Ticket__c")}


@pytest.fixture(scope="module")
def history(store: Store) -> dict[str, list[Row]]:
    found = rows(
        store.connection(), "SELECT * FROM Ticket__History ORDER BY CreatedDate, Id COLLATE BINARY"
    )
    by_ticket = defaultdict(list)
    for row in found:
        by_ticket[row["ParentId"]].append(row)
    return by_ticket


def test_it_is_the_same_every_time_and_made_once(store: Store, tmp_path: Path) -> None:
    again = organisation(tmp_path / "again.db")
    for table in ("Ticket__c", "Ticket__History"):
        query = f"SELECT * FROM {table} ORDER BY Id"
        assert rows(store.connection(), query) == rows(again.connection(), query)
    count = "SELECT count(*) FROM Ticket__c"
    before = again.connection().execute(count).fetchone()
    year.fill(again, lambda: NOW + 86_400)
    assert again.connection().execute(count).fetchone() == before


def test_there_is_something_of_everything(
    tickets: dict[str, Row], history: dict[str, list[Row]]
) -> None:
    def values(name: str) -> set[str]:
        return {row[name] for row in tickets.values()}

    assert 1_500 < len(tickets) < 3_000
    assert len(values("Department__c") - {None}) >= 5
    assert {"Defect", "Incident", "Feature", "Task", "Release"} == values("Type__c")
    assert {"P1", "P2", "P3", "P4"} <= values("Priority__c")
    assert len(values("Assignee__c")) > 6
    assert {row["OwnerId"][:3] for row in tickets.values()} == {"005", "00G"}
    still_open = [t for t in tickets.values() if t["Status__c"] not in ("Resolved", "Closed")]
    assert 60 < len(still_open) < 250
    reopened = [
        change
        for changes in history.values()
        for change in changes
        if change["Field"] == "Status__c" and change["OldValue"] in ('"Resolved"', '"Closed"')
        if change["NewValue"] == '"In Development"'
    ]
    assert len(reopened) > 50
    months = {row["CreatedDate"][:7] for row in tickets.values()}
    assert len(months) in (12, 13)


def test_each_history_leads_from_new_to_the_present(
    tickets: dict[str, Row], history: dict[str, list[Row]]
) -> None:
    assert history.keys() == tickets.keys()
    for record_id, ticket in tickets.items():
        changes = history[record_id]
        assert changes[0]["Field"] == "created"
        assert changes[0]["CreatedDate"] == ticket["CreatedDate"]
        assert changes[-1]["CreatedDate"] <= "2026-03-31T23:33:20.000+0000"
        status = "New"
        for change in changes:
            if change["Field"] == "Status__c":
                assert json.loads(change["OldValue"]) == status
                status = json.loads(change["NewValue"])
        assert status == ticket["Status__c"]
        assert ticket["SystemModstamp"] == changes[-1]["CreatedDate"]
        owners = [c for c in changes if c["Field"] == "Owner" and c["DataType"] == "EntityId"]
        if owners:
            assert json.loads(owners[-1]["NewValue"]) == ticket["OwnerId"]


def test_new_records_go_on_where_the_year_ends(store: Store, tickets: dict[str, Row]) -> None:
    from services.sandbox.storage import new_id, next_number

    with store.transaction() as db:
        assert new_id(db, "a0B") > max(tickets)
        number = f"T-{next_number(db, 'T-'):06d}"
    assert number > max(row["Name"] for row in tickets.values())


def test_who_never_asks_has_none_and_who_asks_twice_has_one_year(tmp_path: Path) -> None:
    process = SandboxProcess()
    process.start(tmp_path / "org.db")
    try:
        url, _ = process.wait_ready()
        store = Store(tmp_path / "org.db")
        count = "SELECT count(*) FROM Ticket__c"
        assert store.connection().execute(count).fetchone() == (0,)
        session = requests.Session()
        session.trust_env = False
        address = f"{url}/__sandbox/tickets"
        assert session.post(address, data="x", timeout=30).status_code == 415
        assert store.connection().execute(count).fetchone() == (0,)
        assert [session.post(address, json={}, timeout=30).status_code for _ in "12"] == [204, 204]
        (number,) = store.connection().execute(count).fetchone()
        assert 1_500 < number < 3_000
    finally:
        process.stop()
