"""Bulk API 2.0: what travels in a job, how its rows are read back, and what a broken one leaves."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest

from services import itsc_roadmap
from services.itsc_sf_sync import to_salesforce
from services.migration.backfill import Stopped
from services.migration.journal import Journal
from services.people import Directory
from services.sync.targets.base import Action, Write
from services.sync.targets.sf_bulk import Jobs, cells_of, error_of, in_jobs, table_of
from services.sync.targets.sf_writes import Row, Stage
from store import deliveries
from store.database import transaction
from tests.migration.world import World

HOSTILE = '🧩 "quoted", =1+1\nsecond line\ttab تقويم \u202e\u00a0x'
MANY = 2_100


def fill(world: World, number: int) -> None:
    """Projects straight into the database, in one transaction, a tenth of them below another."""
    with transaction(world.conn):
        for n in range(number):
            parent = f"p-{n // 10:05d}" if n % 10 == 5 else None
            itsc_roadmap.create_project(
                world.conn,
                world.ctx,
                {
                    "feature_name": f"Project {n}",
                    "brief.what_it_does": HOSTILE,
                    "intake.dev_readiness": n % 101,
                    "flags.alignment": n % 2 == 0,
                    "it_lead": "ana@example.com" if n % 3 else "Nobody Known",
                    "scores.Ana": n % 5 + 1,
                    "parent_id": parent,
                },
                project_id=f"p-{n:05d}",
            )


def row(**body: object) -> Row:
    write = Write("p", Action.CREATE)
    return Row(0, write, Stage.UPSERT, None, {"DataOS_Project_Id__c": "p", **body}, ())


def test_thousands_of_projects_travel_in_two_jobs_and_come_back_equal(world: World) -> None:
    fill(world, MANY)
    # As if Firestore had them long since: this is about the other side, and three times as fast.
    for (seq,) in world.conn.execute("SELECT seq FROM operations").fetchall():
        deliveries.set_state(world.conn, seq, "firestore", "done")
    report = world.backfill().run()
    assert report.clean
    assert (report.expected, report.found) == (MANY, MANY)
    kinds = [(job["operation"], job["numberRecordsProcessed"]) for job in world.org.jobs()]
    assert kinds == [("upsert", MANY), ("update", MANY // 10)]
    assert len(report.jobs) == 2
    assert report.calls["salesforce"] < 90
    rows = world.org.rows("Description__c", "Parent_Initiative__r.DataOS_Project_Id__c")
    assert rows["p-00015"]["Description__c"] == HOSTILE
    assert rows["p-00015"]["Parent_Initiative__r"]["DataOS_Project_Id__c"] == "p-00001"
    found = world.parity()
    assert found.differences == ()
    assert {m.missing_in for m in found.missing} == {("firestore",)}


def test_two_thousand_rows_and_fewer_travel_as_ordinary_writes(world: World) -> None:
    fill(world, 12)
    report = world.backfill(bulk_above=12).run()
    assert report.clean
    assert world.org.jobs() == []


def test_a_text_that_means_null_in_a_job_goes_another_way(world: World) -> None:
    fill(world, 6)
    odd = world.add("Odd", department="#N/A")
    report = world.backfill(bulk_above=3).run()
    assert report.clean
    assert next(job["numberRecordsProcessed"] for job in world.org.jobs()) == 6
    assert world.org.rows("Department__c")[odd]["Department__c"] == "#N/A"
    world.whole()


@pytest.mark.parametrize(
    "fault",
    [
        "cut-before,method=POST,path=jobs/ingest,count=1",
        "cut-after,method=POST,path=jobs/ingest,count=1",
        "cut-before,method=PUT,count=1",
        "cut-after,method=PUT,count=1",
        "500,method=PUT,count=1",
    ],
)
def test_a_job_that_did_not_begin_changed_nothing_and_is_made_again(
    world: World, fault: str
) -> None:
    fill(world, 8)
    world.org.fault(fault)
    with pytest.raises(Stopped, match="run steerco backfill again"):
        world.backfill(bulk_above=3).run()
    assert world.org.rows() == {}
    assert world.backfill(bulk_above=3).run().clean
    assert not any(job["state"] == "InProgress" for job in world.org.jobs())
    world.whole()


@pytest.mark.parametrize(
    "fault",
    [
        "cut-after,method=PATCH,path=jobs/ingest,count=1",
        "bare:503,method=PATCH,path=jobs/ingest,count=1",
        "503,method=GET,path=jobs/ingest,count=3",
        "cut-body,method=GET,path=jobs/ingest,count=2",
    ],
)
def test_trouble_while_a_job_runs_is_outlived_without_a_second_row(
    world: World, fault: str
) -> None:
    fill(world, 8)
    world.org.fault(fault)
    with contextlib.suppress(Stopped):
        world.backfill(bulk_above=3, sleep=lambda _: None).run()
    assert world.backfill(bulk_above=3).run().clean
    world.whole()


@pytest.mark.parametrize("which", ["successfulResults", "failedResults", "unprocessedRecords"])
def test_rows_whose_results_were_not_read_are_not_acknowledged(world: World, which: str) -> None:
    fill(world, 8)
    world.org.fault(f"cut-before,path={which},count=1")
    with pytest.raises(Stopped, match="still under way"):
        world.backfill(bulk_above=3).run()
    counts = deliveries.counts(world.conn)["salesforce"]
    assert counts["in_flight"] == 8, "nobody else may take them while the job is not settled"
    assert len(world.org.rows()) == 8
    again = world.backfill(bulk_above=3).run()
    assert again.clean
    assert [job["operation"] for job in world.org.jobs()].count("upsert") == 1
    world.whole()


def test_an_edit_made_while_a_job_was_lost_is_delivered_after_it(world: World) -> None:
    fill(world, 8)
    world.org.fault("cut-before,path=successfulResults,count=1")
    with pytest.raises(Stopped):
        world.backfill(bulk_above=3).run()
    itsc_roadmap.update_project(world.conn, world.ctx, "p-00003", {"department": "Later"})
    assert world.backfill(bulk_above=3).run().clean
    assert world.org.rows("Department__c")["p-00003"]["Department__c"] == "Later"
    world.whole()


def test_a_bulk_job_that_salesforce_forgot_is_no_obstacle(world: World) -> None:
    fill(world, 8)
    world.org.fault("cut-before,path=successfulResults,count=1")
    with pytest.raises(Stopped):
        world.backfill(bulk_above=3).run()
    (job,) = world.org.jobs()
    world.org.call("DELETE", f"jobs/ingest/{job['id']}")
    assert world.backfill(bulk_above=3).run().clean
    world.whole()


def test_a_job_that_salesforce_stopped_charges_no_row_and_is_made_again(world: World) -> None:
    fill(world, 8)

    def abort(name: str) -> None:
        if name == "bulk:closed":
            (job,) = world.org.jobs()
            world.org.call("PATCH", f"jobs/ingest/{job['id']}", json={"state": "Aborted"})

    with pytest.raises(Stopped, match="Salesforce stopped the bulk job: Aborted"):
        world.backfill(bulk_above=3, point=abort).run()
    assert world.org.rows() == {}
    counts = deliveries.counts(world.conn)["salesforce"]
    assert (counts["failed"], counts["retrying"], counts["in_flight"]) == (0, 0, 0)
    assert world.backfill(bulk_above=3).run().clean
    world.whole()


def test_the_words_of_a_refusal_keep_their_letters(world: World) -> None:
    client, _ = world.salesforce().sending()
    log = Journal(world.conn, world.ctx.clock, "here/1/1", "bulk/me")
    jobs = Jobs(client, log, world.ctx.clock, lambda _: None)
    job_id = jobs.open("upsert", "DataOS_Project_Id__c")
    jobs.upload(job_id, 'DataOS_Project_Id__c,Status__c\n"x","Größe 🧩"\n'.encode())
    jobs.close(job_id)
    jobs.wait(job_id)
    (refused,) = jobs.results(job_id, "failedResults")
    assert "Größe 🧩" in refused["sf__Error"]


def test_rows_are_cut_into_jobs_by_weight() -> None:
    rows = [row(Title__c="é" * 40) for _ in range(10)]
    assert [len(group) for group in in_jobs(rows, 300)] == [3, 3, 3, 1]
    assert [len(group) for group in in_jobs([row(), row(Description__c="x" * 999)], 300)] == [1, 1]


def test_a_table_holds_null_emptiness_truth_and_hostile_text() -> None:
    people = Directory()
    body, skipped = to_salesforce(
        {
            "feature_name": HOSTILE,
            "department": None,
            "flags.alignment": False,
            "intake.dev_readiness": 80,
            "it_lead": "Nobody",
            "parent_id": "umbrella",
        },
        None,
        people.resolve,
    )
    assert skipped == ("it_lead",)
    text = table_of([row(**body), row(Strategic_Value__c="only")], by_id=False).decode()
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["Title__c"] == HOSTILE
    assert first["Department__c"] == "#N/A"
    assert (first["Alignment__c"], first["Dev_Readiness__c"]) == ("false", "80")
    assert first["Parent_Initiative__r.DataOS_Project_Id__c"] == "umbrella"
    assert first["Strategic_Value__c"] == second["Title__c"] == ""
    assert next(iter(first)) == "DataOS_Project_Id__c"


def test_cells_name_a_parent_by_its_key_and_clear_it_by_the_lookup() -> None:
    assert cells_of({"Parent_Initiative__c": None}) == {"Parent_Initiative__c": "#N/A"}


@pytest.mark.parametrize(
    ("text", "code", "message", "names"),
    [
        ("STRING_TOO_LONG:Title: too long:Title__c --", "STRING_TOO_LONG", "Title: too long", 1),
        ("INVALID:a: b, c:--", "INVALID", "a: b, c", 0),
        ("X:no end", "X", "no end", 0),
        ("", "", "", 0),
        ("A:m:F__c, G__c --", "A", "m", 2),
    ],
)
def test_an_error_of_a_job_is_read_as_code_words_and_fields(
    text: str, code: str, message: str, names: int
) -> None:
    found = error_of(text)
    assert (found["statusCode"], found["message"]) == (code, message)
    assert len(found.get("fields", ())) == names
