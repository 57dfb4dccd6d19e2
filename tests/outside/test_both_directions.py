"""Edits on every side, by two operators and a person in Salesforce, tried from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.outside.bench import Bench
from tests.outside.conftest import Strict, World


@pytest.fixture
def second(world: World, tmp_path: Path) -> Bench:
    """Another operator's home, on the same Firestore and the same organisation."""
    env = {**world.bench.env, "STEERCO_OPERATOR": "Bea Beyond"}
    return Bench(tmp_path / "second", env)


def row_id(world: World, project_id: str) -> str:
    return str(world.side.rows()[project_id]["Id"])


def settle(*benches: Bench) -> None:
    for _ in range(2):
        for bench in benches:
            bench.sync()


def test_different_fields_merge_the_same_field_goes_to_the_later_and_deletes_converge(
    world: World, second: Bench
) -> None:
    first = world.bench
    for pid in ("a", "b", "c", "d"):
        first.add(pid, f"feature_name=Project {pid} 🧩", "department=Before")
    settle(first, second)
    assert len(second.done("projects", "list", "--json").json) == 4

    first.set("a", "department=By the first")
    second.set("a", "strategic_value=By the second")
    world.side.person_edits(row_id(world, "a"), Level_of_Effort__c="High")
    world.side.person_edits(row_id(world, "b"), Department__c="By a person")
    second.set("c", "department=Earlier")
    first.set("c", "department=Later")
    world.side.person_deletes(row_id(world, "d"))
    settle(first, second, first)

    world.agrees(
        "a",
        department="By the first",
        strategic_value="By the second",
        level_of_effort="High",
    )
    world.agrees("b", department="By a person")
    world.agrees("c", department="Later")
    for bench in (first, second):
        found = bench.done("projects", "list", "--json").json
        listed = {each["project_id"]: each for each in found}
        assert sorted(listed) == ["a", "b", "c"]
        assert listed["c"]["department"] == "Later"
        assert all(
            side["state"] == "synced" for each in listed.values() for side in each["sync"].values()
        )
        [kept] = bench.done("conflicts", "list", "--json").json
        assert (kept["project_id"], kept["field"]) == ("c", "department")
        assert {kept["mine"], kept["theirs"]} == {"Earlier", "Later"}
    assert "d" in first.refused("projects", "show", "d")

    documents = world.documents()
    rows = world.side.rows("SystemModstamp")
    for _ in range(3):
        for bench in (first, second):
            report = bench.sync()
            assert report["pulled"] == {"applied": 0, "conflicts": 0, "deleted": 0}
    assert world.documents() == documents
    assert world.side.rows("SystemModstamp") == rows

    first.done("conflicts", "resolve", kept["id"], "--take", "theirs")
    settle(first, second)
    values = {bench.show("c")["department"] for bench in (first, second)}
    assert len(values) == 1
    assert second.done("conflicts", "list", "--json").json == []


def test_a_persons_later_edit_of_the_same_field_wins_and_mine_can_come_back(world: World) -> None:
    bench = world.bench
    bench.add("a", "feature_name=A", "department=Before")
    bench.sync()
    bench.set("a", "department=Mine")
    world.side.person_edits(row_id(world, "a"), Department__c="Theirs")
    report = bench.sync()
    assert report["pulled"]["conflicts"] == 1
    [kept] = bench.done("conflicts", "list", "--json").json
    winner = world.agrees("a")["department"]
    assert winner == {"mine": "Mine", "theirs": "Theirs"}[kept["winner"]]
    assert {kept["mine"], kept["theirs"]} == {"Mine", "Theirs"}
    other = "theirs" if kept["winner"] == "mine" else "mine"
    bench.done("conflicts", "resolve", kept["id"], "--take", other)
    bench.sync()
    world.agrees("a", department=kept[other])


def test_many_rows_gone_at_once_are_not_believed_without_a_word(strict: Strict) -> None:
    bench = strict.bench
    for number in range(8):
        bench.add(f"p{number}", f"feature_name=P{number}")
    bench.sync()
    for number in range(5):
        strict.org.person_deletes(f"p{number}")
    ran = bench.run("sync", "--json")
    assert ran.code == 1
    assert "5 of 8 projects are gone from Salesforce" in ran.sentence
    assert len(bench.done("projects", "list", "--json").json) == 8
    bench.done("sync", "--accept-deletes")
    assert len(bench.done("projects", "list", "--json").json) == 3
    assert sum(not each.get("deleted") for each in strict.documents().values()) == 3


def test_a_row_that_was_purged_goes_with_proof(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    bench.add("b", "feature_name=B")
    bench.sync()
    strict.org.purge(strict.org.person_deletes("a"))
    bench.sync()
    listed = [each["project_id"] for each in bench.done("projects", "list", "--json").json]
    assert listed == ["b"]


def test_with_the_flag_off_nothing_is_read_from_salesforce_either(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A", "department=Before")
    bench.sync()
    strict.org.person_edits("a", Department__c="Theirs")
    strict.server.forget()
    bench.done("sync", ITSC_SF_SYNC_ENABLED="false")
    assert strict.server.calls == []
    assert bench.show("a")["department"] == "Before"
    bench.sync()
    strict.agrees("a", department="Theirs")
