"""The packaged list views choose the projects that the terminal's views choose."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import sqlite3
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

import pytest

from store import fields
from store.views import VIEWS, View, where
from tests.package.files import TICKET, each, field_files, one, parsed, texts

TODAY = dt.date(2026, 2, 27)
COLUMNS = {"Status__c": "status", "Priority__c": "priority", "Launch_Target__c": "launch_date"}
DATES = (None, *(TODAY + dt.timedelta(days=n) for n in (-400, -1, 0, 1, 89, 90, 91, 400)))
Row = Mapping[str, str | None]
ROWS: list[Row] = [
    {
        "status": status,
        "priority": priority,
        "launch_date": date.isoformat() if date else None,
        "record_type": record_type,
    }
    for status, priority, date, record_type in itertools.product(
        fields.STATUSES, fields.PRIORITIES, DATES, ("Strategic_Initiative", "Development")
    )
]


def packaged(label: str) -> ElementTree.Element:
    roots = map(parsed, sorted((TICKET / "listViews").iterdir()))
    (found,) = (root for root in roots if one(root, "label") == label)
    return found


def chosen(root: ElementTree.Element) -> list[Row]:
    """The rows that Salesforce would list: numbered filters, and a logic over their numbers."""
    filters = each(root, "filters")
    logic = one(root, "booleanFilter") or " AND ".join(map(str, range(1, len(filters) + 1)))
    assert re.fullmatch(r"[\d() ANDOR]+", logic)
    source = re.sub(r"\d+", lambda n: f"f[{int(n[0]) - 1}]", logic).lower()
    used = {int(number) for number in re.findall(r"\d+", logic)}
    assert used == set(range(1, len(filters) + 1))
    return [row for row in ROWS if eval(source, {"f": [holds(each_, row) for each_ in filters]})]


def holds(node: ElementTree.Element, row: Row) -> bool:
    field, operation, value = (one(node, name) for name in ("field", "operation", "value"))
    if field == "RECORDTYPE":
        return operation == "equals" and value == f"Ticket__c.{row['record_type']}"
    mine = row[COLUMNS[field]]
    if operation in ("equals", "notEqual"):
        return (mine in value.split(",")) == (operation == "equals")
    day = TODAY
    if value != "TODAY":
        assert re.fullmatch(r"NEXT_N_DAYS:\d+", value)
        day += dt.timedelta(days=int(value.partition(":")[2]))
    if mine is None:
        return False
    return {
        "lessThan": mine < day.isoformat(),
        "greaterOrEqual": mine >= day.isoformat(),
        "lessOrEqual": mine <= day.isoformat(),
    }[operation]


@pytest.fixture
def database() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:")
    conn.execute("CREATE TABLE projects (status, priority, launch_date, record_type)")
    initiatives = [row for row in ROWS if row["record_type"] == "Strategic_Initiative"]
    values = ":status, :priority, :launch_date, :record_type"
    conn.executemany(f"INSERT INTO projects VALUES ({values})", initiatives)
    return conn


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.key)
def test_a_list_view_chooses_what_the_view_here_chooses(
    view: View, database: sqlite3.Connection
) -> None:
    condition, parameters = where(view, TODAY)
    sql = f"SELECT * FROM projects WHERE {condition} ORDER BY rowid"
    mine = [tuple(row) for row in database.execute(sql, parameters)]
    theirs = [tuple(row.values()) for row in chosen(packaged(view.label))]
    assert theirs == mine
    assert len(mine) > 0
    assert view.key == "all" or len(mine) < len(ROWS) // 2


def is_open(row: Row) -> bool:
    return row["status"] not in ("Completed", "N/A")


def days_away(row: Row) -> int | None:
    date = row["launch_date"]
    return (dt.date.fromisoformat(date) - TODAY).days if date else None


def is_late(row: Row) -> bool:
    days = days_away(row)
    return days is not None and days < 0


def is_soon(row: Row) -> bool:
    days = days_away(row)
    return days is not None and 0 <= days <= 90


WANTED: dict[str, Callable[[Row], bool]] = {
    "All Strategic Initiatives": lambda row: True,
    "P1 Active": lambda row: row["priority"] == "P1" and is_open(row),
    "P2 Pipeline": lambda row: row["priority"] == "P2" and is_open(row),
    "Not Yet Prioritized": lambda row: row["priority"] in ("TBD", "Not yet Prioritized"),
    "Needs Attention": lambda row: (
        row["status"] in ("Paused", "Unknown") or (is_late(row) and is_open(row))
    ),
    "Upcoming 90d": lambda row: is_soon(row) and is_open(row),
}


@pytest.mark.parametrize("label", WANTED)
def test_a_list_view_chooses_what_the_committee_asked_for(label: str) -> None:
    wanted = [r for r in ROWS if r["record_type"] == "Strategic_Initiative" and WANTED[label](r)]
    assert chosen(packaged(label)) == wanted


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.key)
def test_and_and_or_stand_together_only_in_parentheses(view: View) -> None:
    logic = one(packaged(view.label), "booleanFilter")
    while "(" in logic:
        inner = re.findall(r"\(([^()]*)\)", logic)
        assert [each_ for each_ in inner if " AND " in each_ and " OR " in each_] == []
        logic = re.sub(r"\([^()]*\)", "0", logic)
    assert not (" AND " in logic and " OR " in logic), "Salesforce refuses it"


def test_there_are_six_and_each_is_named_after_its_label() -> None:
    names = {
        one(parsed(p), "fullName"): one(parsed(p), "label")
        for p in (TICKET / "listViews").iterdir()
    }
    assert names == {
        "SI_All_Strategic_Initiatives": "All Strategic Initiatives",
        "SI_P1_Active": "P1 Active",
        "SI_P2_Pipeline": "P2 Pipeline",
        "SI_Not_Yet_Prioritized": "Not Yet Prioritized",
        "SI_Needs_Attention": "Needs Attention",
        "SI_Upcoming_90d": "Upcoming 90d",
    }


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.key)
def test_a_list_view_shows_columns_that_are_there(view: View) -> None:
    root = packaged(view.label)
    existing = {"Title__c", "Priority__c", "Status__c", "Department__c", "OWNER.ALIAS"}
    columns = texts(root, "columns")
    assert set(columns) <= set(field_files(TICKET)) | existing
    assert len(columns) == len(set(columns)) <= 15
    assert columns[0] == "Title__c"
    assert one(root, "filterScope") == "Everything"
