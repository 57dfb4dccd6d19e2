"""Parity: what is equal passes, and each planted difference is found and named."""

from __future__ import annotations

import dataclasses

import pytest

from services import itsc_roadmap
from services.migration.backfill import Backfill
from services.migration.parity import UNREADABLE, Difference, compare
from services.migration.sides import Sides, read_all
from services.sync.targets.firestore import FirestoreTarget
from store.canon import Value
from tests.migration.world import World


@pytest.fixture
def filled(world: World) -> World:
    """Three equal sides with one project that has something in most fields."""
    world.family()
    world.add(
        "Whole",
        launch_target="2026-02-28",
        department="Sales / IT",
        it_lead="ana@example.com",
        product_owner="Ben Osei",
        intake__submitted_by="Nobody Known",
        intake__dev_readiness=80,
        brief__punchline="One\ntwo",
        scores__Ana=4,
        scores__Ben=3,
        flags__alignment=True,
    )
    assert run(world).run().clean
    return world


def run(world: World) -> Backfill:
    return world.backfill()


def whole_id(world: World) -> str:
    row = world.conn.execute("SELECT project_id FROM projects WHERE feature_name = 'Whole'")
    return str(row.fetchone()[0])


def test_three_equal_sides_are_equal_to_the_last_field(filled: World) -> None:
    found = filled.parity()
    assert found.verdict == "equal"
    assert found.projects == 12
    assert found.records == {"local": 12, "firestore": 12, "salesforce": 12}
    assert (found.differences, found.missing) == ((), ())


def test_a_name_that_is_no_user_is_noted_and_fails_nothing(filled: World) -> None:
    (note,) = filled.parity().unresolved
    assert (note.project_id, note.field, note.name) == (
        whole_id(filled),
        "intake.submitted_by",
        "Nobody Known",
    )


@pytest.mark.parametrize(
    ("api", "value", "path", "shown"),
    [
        ("Title__c", "whole", "feature_name", "whole"),
        ("Department__c", None, "department", None),
        ("Dev_Readiness__c", 81, "intake.dev_readiness", 81),
        ("Alignment__c", False, "flags.alignment", False),
        ("Total_Score__c", 8, "total_score", 8),
        ("Punchline__c", "One two", "brief.punchline", "One two"),
        ("Status__c", "Paused", "status", "Paused"),
        ("IT_Lead__c", None, "it_lead", None),
    ],
)
def test_a_field_that_differs_in_salesforce_is_found(
    filled: World, api: str, value: object, path: str, shown: Value
) -> None:
    project_id = whole_id(filled)
    filled.org.edit(project_id, **{api: value})
    found = filled.parity()
    (difference,) = found.differences
    mine = itsc_roadmap.get_project(filled.conn, project_id).values[path]
    assert difference == Difference(project_id, path, mine, mine, shown)
    assert found.verdict == "different"


@pytest.mark.parametrize(
    ("cell", "value", "path", "shown"),
    [
        ("department", "sales / it", "department", "sales / it"),
        ("brief__punchline", None, "brief.punchline", None),
        ("scores__Ana", 5, "scores.Ana", 5),
        ("total_score", 9, "total_score", 9),
        ("department", ["a", "list"], "department", UNREADABLE),
    ],
)
def test_a_field_that_differs_in_firestore_is_found(
    filled: World, cell: str, value: object, path: str, shown: object
) -> None:
    project_id = whole_id(filled)
    filled.edit_document(project_id, **{cell: value})
    (difference,) = filled.parity().differences
    assert (difference.field, difference.firestore) == (path, shown)
    assert difference.local == itsc_roadmap.get_project(filled.conn, project_id).values[path]


def test_an_edit_here_that_has_not_travelled_differs_on_both_sides(filled: World) -> None:
    project_id = whole_id(filled)
    itsc_roadmap.update_project(filled.conn, filled.ctx, project_id, {"department": "New"})
    (difference,) = filled.parity().differences
    assert difference == Difference(project_id, "department", "New", "Sales / IT", "Sales / IT")


def test_a_person_who_is_another_user_is_a_difference(filled: World) -> None:
    (user,) = filled.org.query("SELECT Id FROM User WHERE Email = 'chloe@example.com'")
    filled.org.edit(whole_id(filled), IT_Lead__c=user["Id"])
    (difference,) = filled.parity().differences
    assert (difference.field, difference.local) == ("it_lead", "ana@example.com")
    assert difference.salesforce == "Chloe Tan"


def test_an_owner_who_should_be_somebody_is_a_difference(filled: World) -> None:
    (user,) = filled.org.query("SELECT Id FROM User WHERE Name = 'Steerco Integration'")
    filled.org.edit(whole_id(filled), OwnerId=user["Id"])
    (difference,) = filled.parity().differences
    assert (difference.field, difference.local) == ("product_owner", "Ben Osei")


def test_a_lost_parent_is_a_difference(filled: World) -> None:
    child = next(i for i in filled.local_ids() if i.startswith("gtzenda-full"))
    filled.org.edit(child, Parent_Initiative__c=None)
    (difference,) = filled.parity().differences
    assert (difference.project_id, difference.field) == (child, "parent_id")
    assert (difference.local, difference.salesforce) == ("gtzenda", None)


def test_a_launch_date_that_the_formula_gets_wrong_is_a_difference(filled: World) -> None:
    project_id = whole_id(filled)
    sides = read_all(filled.conn, FirestoreTarget(filled.documents()), filled.salesforce())
    row = sides.salesforce[project_id]
    assert row.raw["Launch_Target__c"] == "2026-02-28"
    wrong = {**row.raw, "Launch_Target__c": "2026-03-01"}
    sides.salesforce[project_id] = dataclasses.replace(row, raw=wrong)
    (difference,) = compare(sides).differences
    assert difference == Difference(
        project_id, "launch_date", "2026-02-28", "2026-02-28", "2026-03-01"
    )


def test_a_row_deleted_in_salesforce_is_missing_there(filled: World) -> None:
    filled.org.delete(whole_id(filled))
    found = filled.parity()
    (missing,) = found.missing
    assert (missing.project_id, missing.name) == (whole_id(filled), "Whole")
    assert missing.missing_in == ("salesforce",)
    assert (found.verdict, found.records["salesforce"]) == ("missing", 11)


def test_a_tombstone_in_firestore_is_a_missing_document(filled: World) -> None:
    filled.edit_document(whole_id(filled), deleted=True)
    (missing,) = filled.parity().missing
    assert missing.missing_in == ("firestore",)


def test_a_project_deleted_here_alone_is_missing_here(filled: World) -> None:
    project_id = whole_id(filled)
    itsc_roadmap.delete_project(filled.conn, filled.ctx, project_id)
    (missing,) = filled.parity().missing
    assert (missing.project_id, missing.name) == (project_id, "Whole")
    assert missing.missing_in == ("local",)


def test_rows_that_salesforce_has_and_nobody_else_are_missing_here(filled: World) -> None:
    kind = filled.org.query(
        "SELECT Id FROM RecordType WHERE DeveloperName = 'Strategic_Initiative'"
    )
    made = {"Title__c": "Made there", "RecordTypeId": kind[0]["Id"]}
    filled.org.call("POST", "sobjects/Ticket__c", json=made)
    filled.org.call("POST", "sobjects/Ticket__c", json={**made, "DataOS_Project_Id__c": "stranger"})
    filled.org.call("POST", "sobjects/Ticket__c", json={"Title__c": "An ordinary ticket"})
    found = filled.parity()
    assert {(m.project_id, m.name, m.missing_in) for m in found.missing} == {
        ("stranger", "Made there", ("local", "firestore")),
        (None, "Made there", ("local", "firestore")),
    }
    assert found.records["salesforce"] == 14


def test_a_row_of_another_record_type_is_a_difference(filled: World) -> None:
    kinds = filled.org.query(
        "SELECT Id, DeveloperName FROM RecordType WHERE DeveloperName != 'Strategic_Initiative'"
    )
    filled.org.edit(whole_id(filled), RecordTypeId=kinds[0]["Id"])
    (difference,) = filled.parity().differences
    assert difference.field == "record_type"
    assert difference.salesforce == kinds[0]["DeveloperName"]


def test_an_id_that_was_not_written_back_is_a_difference(filled: World) -> None:
    project_id = whole_id(filled)
    filled.conn.execute("UPDATE projects SET sf_id = NULL WHERE project_id = ?", (project_id,))
    (difference,) = filled.parity().differences
    assert (difference.field, difference.local) == ("sf_id", None)
    assert difference.firestore == difference.salesforce


def test_a_spot_check_fails_with_its_record_and_with_no_other(filled: World) -> None:
    assert [c.ok for c in filled.parity().spot_checks] == [True] * 6
    child = next(i for i in filled.local_ids() if i.startswith("health-dashboard"))
    filled.org.edit(child, Title__c="Health Dashboard")
    checks = filled.parity().spot_checks
    assert {c.name: c.ok for c in checks if not c.ok} == {"❤️‍🩹 Health Dashboard": False}


def test_nothing_anywhere_is_equal() -> None:
    found = compare(Sides())
    assert (found.verdict, found.projects, found.spot_checks) == ("equal", 0, ())


def test_the_report_as_json_has_the_promised_keys(filled: World) -> None:
    filled.org.edit(whole_id(filled), Department__c="X")
    filled.org.delete("gtzenda")
    report = filled.parity().as_json()
    assert set(report) >= {
        "verdict", "projects", "records", "differences", "missing", "spot_checks"
    }  # fmt: skip
    difference = next(d for d in report["differences"] if d["field"] == "department")
    assert set(difference) == {"project_id", "field", "local", "firestore", "salesforce"}
    assert report["missing"][0]["project_id"] == "gtzenda"
    assert set(report["spot_checks"][0]) == {"name", "project_id", "ok"}
