"""A backfill as a whole, through the real client, the sandbox organisation and its documents."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from services import itsc_roadmap
from services.context import Context
from services.importing.samples import sample_projects
from services.itsc_sf_sync import FIELD_MAP
from services.migration import journal
from services.migration.backfill import Stopped
from services.migration.rehearsal import rehearse
from services.migration.sides import count_rows
from services.sync.targets.base import ErrorClass, Problem
from services.sync.targets.firestore import FirestoreTarget
from store import deliveries, meta
from tests.migration.test_umbrellas import CHILDREN
from tests.migration.world import UMBRELLAS, World

PARENT = "Parent_Initiative__r.DataOS_Project_Id__c"


def dump(world: World) -> str:
    """The database's contents as text."""
    return "\n".join(world.conn.iterdump())


def test_fifty_projects_and_seven_umbrellas_arrive_linked_and_equal(world: World) -> None:
    for project_id, values in sample_projects(dt.date(2026, 11, 21)):
        itsc_roadmap.create_project(world.conn, world.ctx, values, project_id=project_id)
    report = world.backfill().run()
    assert (report.expected, report.found, report.failed) == (57, 57, [])
    assert report.clean
    assert report.jobs == []
    rows = world.org.rows("Title__c", PARENT, "RecordType.DeveloperName")
    assert set(CHILDREN) < set(rows)
    parents = {
        row["Title__c"]: row["Parent_Initiative__r"]["DataOS_Project_Id__c"]
        for row in rows.values()
        if row["Parent_Initiative__r"]
    }
    for umbrella, names in CHILDREN.items():
        assert {parents[name] for name in names} == {umbrella}
    kinds = {row["RecordType"]["DeveloperName"] for row in rows.values()}
    assert kinds == {"Strategic_Initiative"}
    world.whole()
    checks = world.parity().spot_checks
    assert [check.ok for check in checks] == [True] * 7
    assert checks[1].name == "❤️‍🩹 Health Dashboard"


@pytest.mark.parametrize("bulk_above", [2_000, 0])
def test_run_twice_it_creates_and_writes_nothing_new(world: World, bulk_above: int) -> None:
    world.family()
    first = world.backfill(bulk_above=bulk_above).run()
    assert set(first.umbrellas.created) == UMBRELLAS
    before = world.org.rows("SystemModstamp")
    second = world.backfill(bulk_above=bulk_above).run()
    assert second.clean
    assert second.umbrellas.created == second.umbrellas.linked == ()
    assert second.delivered == {"firestore": 0, "salesforce": 0}
    assert second.jobs == []
    assert world.org.rows("SystemModstamp") == before
    world.whole()


def test_a_project_that_came_by_way_of_firestore_is_brought_too(world: World) -> None:
    ids = world.family()
    world.conn.execute("DELETE FROM open_deliveries WHERE target = 'salesforce'")
    report = world.backfill().run()
    assert report.queued == len(ids)
    assert report.clean
    world.whole()


def test_a_row_that_was_loaded_by_hand_is_taken_over_not_doubled(world: World) -> None:
    (first, *_) = world.family()
    world.org.call(
        "PATCH",
        f"sobjects/Ticket__c/DataOS_Project_Id__c/{first}",
        json={"Title__c": "🧩 Feedback Platform (v1)", "Priority__c": "P2"},
    )
    world.backfill(bulk_above=3).run()
    assert len(world.org.rows()) == len(world.local_ids())


@pytest.mark.parametrize("bulk_above", [2_000, 3])
def test_refused_rows_become_dead_letters_with_salesforces_words(
    world: World, bulk_above: int
) -> None:
    ids = world.family()
    world.org.fault("row:FIELD_CUSTOM_VALIDATION_EXCEPTION,count=2")
    report = world.backfill(bulk_above=bulk_above, sleep=lambda _: None).run()
    assert len(report.failed) == 2
    assert report.found == report.expected - 2
    assert not report.clean
    for failure in report.failed:
        assert failure.project_id in {*ids, *UMBRELLAS}
        assert "Salesforce refused" in failure.error
        states = {
            d.state: d.error_code
            for d in deliveries.open_of_project(world.conn, failure.project_id, "salesforce")
            if d.part == "row"
        }
        assert states == {"failed": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    missing = {m.project_id for m in world.parity().missing}
    assert missing == {failure.project_id for failure in report.failed}


@pytest.mark.parametrize("bulk_above", [2_000, 3])
def test_a_locked_row_is_tried_again_and_arrives(world: World, bulk_above: int) -> None:
    world.family()
    world.org.fault("lock,count=2")
    report = world.backfill(bulk_above=bulk_above).run()
    assert report.clean
    world.whole()


def test_rows_that_show_late_are_waited_for(world: World) -> None:
    world.add("Alone")
    world.org.fault("late:1.5,method=PATCH,count=1")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    report = world.backfill(sleep=sleep).run()
    assert (report.found, report.expected) == (1, 1)
    assert 1.0 in waits


def test_nothing_goes_to_salesforce_while_firestore_is_away(world: World) -> None:
    world.family()
    away = Problem(ErrorClass.PAUSE, "AWAY", "away", "Firestore is not reachable (away)")
    world.trouble = lambda moment, call: away if call == "write_many" else None
    with pytest.raises(Stopped, match="nothing was sent to Salesforce"):
        world.backfill().run()
    assert world.org.rows() == {}
    world.trouble = None
    assert world.backfill().run().clean


def test_salesforce_that_is_closed_is_a_sentence_and_nothing_is_lost(world: World) -> None:
    world.family()
    world.org.fault("403,count=1")
    with pytest.raises(Stopped, match="daily API limit"):
        world.backfill().run()
    assert world.backfill().run().clean
    world.whole()


def test_only_one_backfill_of_a_database_runs_at_a_time(world: World) -> None:
    world.family()
    other = journal.Journal(world.conn, world.ctx.clock, "elsewhere/1/1", "bulk/other")
    other.start(lambda _: False)
    with pytest.raises(journal.Busy):
        world.backfill().run()
    world.ctx = Context("ann", lambda: other.clock() + journal.LEASE + 1)
    assert world.backfill().run().clean


def test_the_record_of_a_dead_process_is_taken_over(world: World) -> None:
    world.family()
    other = journal.Journal(world.conn, world.ctx.clock, "elsewhere/1/1", "bulk/other")
    other.start(lambda _: False)
    journal.Journal(world.conn, world.ctx.clock, "here/2/2", "bulk/me").start(lambda _: True)
    assert '"process": "here/2/2"' in (meta.get(world.conn, journal.KEY) or "")


def test_a_rehearsal_says_what_would_happen_and_changes_nothing(world: World) -> None:
    world.family()
    before = dump(world)
    plan = rehearse(world.conn, FirestoreTarget(world.documents()), world.salesforce())
    assert {p.project_id for p in plan.umbrellas if p.create} == UMBRELLAS
    assert sum(len(p.link) for p in plan.umbrellas) == 5
    assert (plan.create, plan.update, plan.unchanged) == (11, 0, 0)
    assert (plan.bulk, plan.calls["salesforce"] > 4) == (False, True)
    assert dump(world) == before
    assert world.org.rows() == {}
    assert world.documents().ids("itsc_projects") == []


def test_a_rehearsal_after_the_deed_finds_everything_unchanged(world: World) -> None:
    world.family()
    world.backfill().run()
    world.org.edit("gtzenda", **{FIELD_MAP["department"]: "Elsewhere"})
    plan = rehearse(world.conn, FirestoreTarget(world.documents()), world.salesforce())
    assert (plan.create, plan.update, plan.unchanged) == (0, 1, 10)
    assert not any(p.create or p.link for p in plan.umbrellas)


def test_salesforce_counts_only_rows_that_have_an_id_of_ours(world: World) -> None:
    world.family()
    world.backfill().run()
    world.org.call("POST", "sobjects/Ticket__c", json={"Title__c": "Made there"})
    assert count_rows(world.salesforce()) == 11


def test_every_document_learns_its_salesforce_id_however_many_there_are(world: World) -> None:
    world.family()
    assert world.backfill().run().clean
    for project_id in world.local_ids():
        world.edit_document(project_id, sf_id=None)
    world.conn.execute("UPDATE bases SET shared = 0 WHERE target = 'salesforce'")
    run = world.backfill()
    run.firestore.batch = 2
    assert run.run().clean
    documents = world.documents()
    found = documents.get_many("itsc_projects", sorted(world.local_ids()))
    ids = {i: row["Id"] for i, row in world.org.rows().items()}
    assert {i: doc and doc.fields["sf_id"] for i, doc in found.items()} == ids


def test_a_job_that_takes_long_keeps_its_rows_claimed(world: World) -> None:
    world.family()
    now = [1_790_000_000.0]
    log = journal.Journal(world.conn, lambda: now[0], "here/1/1", "bulk/me")
    log.start(lambda _: True)
    world.conn.execute(
        "UPDATE open_deliveries SET state = 'in_flight', lease_owner = 'bulk/me', lease_until = ? "
        "WHERE target = 'salesforce'",
        (now[0] + 60,),
    )
    now[0] += 50
    log.beat(7)
    (until,) = world.conn.execute("SELECT DISTINCT lease_until FROM deliveries WHERE lease_until")
    assert until[0] == now[0] + journal.LEASE
