"""The packaged list views choose the projects that the terminal's views choose."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import sqlite3
from collections.abc import Mapping
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
    {"status": status, "priority": priority, "launch_date": date.isoformat() if date else None}
    for status, priority, date in itertools.product(fields.STATUSES, fields.PRIORITIES, DATES)
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
        assert (operation, value) == ("equals", "Ticket__c.Strategic_Initiative")
        return True
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
    conn.execute("CREATE TABLE projects (status, priority, launch_date)")
    conn.executemany("INSERT INTO projects VALUES (:status, :priority, :launch_date)", ROWS)
    return conn


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.key)
def test_a_list_view_chooses_what_the_view_here_chooses(
    view: View, database: sqlite3.Connection
) -> None:
    condition, parameters = where(view, TODAY)
    sql = f"SELECT status, priority, launch_date FROM projects WHERE {condition} ORDER BY rowid"
    mine = [tuple(row) for row in database.execute(sql, parameters)]
    theirs = [tuple(row.values()) for row in chosen(packaged(view.label))]
    assert theirs == mine
    assert len(mine) > 0
    assert view.key == "all" or len(mine) < len(ROWS)


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
