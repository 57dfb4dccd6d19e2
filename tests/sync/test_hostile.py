"""Whatever the two sides hold: no record stops another one, and nothing here is lost by it."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import time
from typing import Any

import pytest

from services import exporting, itsc_roadmap
from services.itsc_sf_sync import from_salesforce
from services.people import Directory
from services.sync.targets.fs_documents import SERVER_TIMESTAMP, DocWrite, FieldPath, Kind
from store import attempts, deliveries
from store.projects import Query
from tests.sync.world import World

NAN, INFINITE = float("nan"), float("inf")


def write(world: World, pid: str, cells: dict[FieldPath, Any]) -> None:
    """Somebody's program writes into a project's document."""
    moved = {**cells, ("updated_at",): SERVER_TIMESTAMP}
    (done,) = world.documents.write_many([DocWrite("itsc_projects", pid, Kind.UPDATE, moved, None)])
    assert done.problem is None, done


def bring(world: World) -> None:
    """Everything that moved there comes in, and everything here goes out."""
    world.later(1000)
    world.engine.inbound.on_demand()
    world.sync()


def exported(world: World) -> list[dict[str, Any]]:
    """The roadmap as each export has it."""
    rows = [
        {"project_id": each.project_id, **each.values}
        for each in itsc_roadmap.list_projects(world.conn, Query(dt.date(2026, 1, 1)))
    ]
    for kind in ("csv", "md"):
        exporting.export(rows, kind, io.StringIO(newline=""))
    text = io.StringIO()
    exporting.export(rows, "json", text)
    found: list[dict[str, Any]] = json.loads(text.getvalue())
    return found


ODD_CELLS: list[dict[FieldPath, Any]] = [
    {("feature_name",): ["a", "list"]},
    {("feature_name",): None},
    {("feature_name",): "cut in half: \ud83d".encode("utf-8", "replace").decode()},
    {("status",): {"a": "map"}, ("priority",): 7},
    {("status",): NAN},
    {("sort_order",): "many"},
    {("sort_order",): 1e300},
    {("sort_order",): INFINITE},
    {("intake",): "no map"},
    {("intake", "dev_readiness"): "lots"},
    {("brief",): [1, 2, 3]},
    {("brief", "what_it_does"): "x" * 900_000},
    {("flags",): {"alignment": {"deep": {"deeper": [None]}}}},
    {("scores",): {"Ana": "five", "Bob": NAN, "Cy": 99}},
    {("stamps",): {"status": {"at": "yesterday"}, "feature_name": 5}},
    {("applied",): {"ann-000001": {"seq": "many", "op": 5}}},
    {("owes",): {"status": {"no": "text"}, "no.such.path": "op"}},
    {("sf",): {"id": 5, "modstamp": [], "base": "text"}},
    {("sf",): {"id": "a0x", "modstamp": "not a time", "base": {"status": [1]}}},
    {("launch_target",): dt.datetime(9999, 12, 31, tzinfo=dt.UTC)},
    {("parent_id",): "x" * 5000},
    {("created_at",): 5, ("created_by",): {}},
    {("deleted",): "perhaps"},
]


@pytest.mark.parametrize("cells", ODD_CELLS, ids=lambda cells: ".".join(next(iter(cells))))
def test_a_document_of_any_shape_stops_nobody(world: World, cells: dict[FieldPath, Any]) -> None:
    good, pid = world.add("Good"), world.add("Victim", department="Mine")
    world.sync()
    world.later(60)
    write(world, pid, cells)
    write(world, good, {("department",): "Theirs"})
    world.set(good, status="In QA")
    bring(world)
    assert world.here(good)["department"] == "Theirs"
    assert world.document(good)["status"] == "In QA"
    assert world.salesforce.rows[good].values["status"] == "In QA"
    assert world.here(pid)["feature_name"] not in (None, "")
    assert world.here(pid)["department"] == "Mine"
    assert {each["project_id"] for each in exported(world)} == {good, pid}
    world.set(pid, department="Still mine")
    bring(world)
    assert world.document(pid)["department"] == "Still mine"


@pytest.mark.parametrize("seed", range(25))
def test_documents_of_random_shapes_stop_nobody(world: World, seed: int) -> None:
    rng = random.Random(seed)
    good, pid = world.add("Good"), world.add("Victim", **{"scores.Ana": 3})
    world.sync()
    for _ in range(4):
        world.later(60)
        names = rng.sample(NAMES, 4)
        write(world, pid, {(name,): anything(rng) for name in names})
        world.set(good, sort_order=rng.randrange(999))
        if (
            rng.random() < 0.5
            and world.conn.execute("SELECT 1 FROM projects WHERE project_id = ?", (pid,)).fetchone()
        ):
            world.set(pid, department=f"Mine {rng.random()}")
        bring(world)
        exported(world)
        assert world.document(good)["sort_order"] == world.here(good)["sort_order"]


NAMES = [
    *("feature_name", "status", "priority", "sort_order", "flags", "brief", "intake", "scores"),
    *("stamps", "applied", "owes", "sf", "sf_id", "updated_by", "deleted", "deleted_at"),
    *("created_by", "created_at", "total_score", "parent_id", "launch_target", "product_owner"),
]


def anything(rng: random.Random, depth: int = 0) -> Any:
    """A value that a document may hold."""
    simple = [
        None,
        True,
        0,
        -1,
        2**62,
        NAN,
        -INFINITE,
        1e308,
        "",
        " ",
        "P1",
        "=1+1",
        "\x00\x1b[31m",
    ]
    odd = ["\u202eabc", "[/red]", b"\x00\xff", dt.datetime(1, 1, 1, tzinfo=dt.UTC), "2026-13-45"]
    if depth < 3 and rng.random() < 0.4:
        keys = rng.sample(["a", "x.y", "at", "op", "seq", "id", "base", "Ana", "status"], 3)
        return {key: anything(rng, depth + 1) for key in keys}
    if depth < 3 and rng.random() < 0.1:
        return [each for _ in range(3) if not isinstance(each := anything(rng, depth + 1), list)]
    return rng.choice(simple + odd)


ROWS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"Sort_Order__c": "many"}, {}),
    ({"Sort_Order__c": 1e300}, {}),
    ({"Sort_Order__c": 999999999999999999.0}, {}),
    ({"Sort_Order__c": [1]}, {}),
    ({"Sort_Order__c": NAN}, {}),
    ({"Sort_Order__c": 7.0}, {"sort_order": 7}),
    ({"Title__c": {"street": "Main"}}, {}),
    ({"Title__c": "cut \ud83d"}, {"feature_name": "cut \ufffd"}),
    ({"Status__c": INFINITE}, {}),
]


@pytest.mark.parametrize(("row", "told"), ROWS)
def test_a_row_says_nothing_of_a_field_that_it_can_not_mean(
    row: dict[str, Any], told: dict[str, Any]
) -> None:
    assert from_salesforce(row, {}, Directory([]), "005us") == told


@pytest.mark.parametrize("values", [{"sort_order": "words"}, {"flags__alignment": "perhaps"},
                                    {"sort_order": 2**70}, {"feature_name": "\ud83d"}])  # fmt: skip
def test_a_record_that_nobody_foresaw_is_left_and_the_others_go_on(
    world: World, values: dict[str, object]
) -> None:
    """What should never pass the border (and so never a second time) did."""
    first, pid, last = world.add("First"), world.add("Odd"), world.add("Last")
    world.sync()
    world.later(100)
    world.salesforce.human_edits(pid, **values)
    for each in (first, last):
        world.salesforce.human_edits(each, status="In QA")
    world.later(1000)
    world.engine.inbound.on_demand()
    assert [world.here(each)["status"] for each in (first, last)] == ["In QA", "In QA"]
    told = [each for each in attempts.of_project(world.conn, pid) if each.code == "UNREADABLE"]
    assert told
    assert told[0].outcome == "permanent"
    # An edit of that very project is refused with words, and delays nobody.
    world.set(pid, department="Mine")
    world.set(last, department="Mine too")
    report = world.sync()
    assert world.salesforce.rows[last].values["department"] == "Mine too"
    assert report.salesforce.failed == 1
    (dead,) = deliveries.failed_of_project(world.conn, pid)
    assert "makes no sense here" in str(dead.last_error)
    # It is mended there: the edit is tried again and arrives.
    world.salesforce.human_edits(pid, sort_order=3, flags__alignment=True, feature_name="Odd")
    world.later(1000)
    world.set(pid, department="Mine at last")
    world.engine.inbound.on_demand()
    assert world.sync().clean
    assert world.salesforce.rows[pid].values["department"] == "Mine at last"


def test_ten_megabytes_in_one_field_come_in_and_delay_nobody(world: World) -> None:
    pid, other = world.add("Huge"), world.add("Other")
    world.sync()
    world.later(100)
    text = "ü🧩 [/red] \x1b[31m\n" * 600_000
    world.salesforce.human_edits(pid, brief__what_it_does=text)
    world.salesforce.human_edits(other, status="In QA")
    world.later(1000)
    began = time.process_time()
    world.engine.inbound.on_demand()
    report = world.sync()
    assert time.process_time() - began < 20
    assert world.here(other)["status"] == world.document(other)["status"] == "In QA"
    assert world.here(pid)["brief.what_it_does"] == text
    # It is more than a document holds: said so, for this project alone.
    assert report.firestore.failed == 1
    (dead,) = deliveries.failed_of_project(world.conn, pid)
    assert "1 MiB" in str(dead.last_error) or "bytes" in str(dead.last_error)
    assert len(exported(world)) == 2
