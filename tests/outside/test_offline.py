"""Either side, or both, away: edits are saved as fast, wait truthfully, and arrive later."""

from __future__ import annotations

import statistics

from tests.outside.bench import NOWHERE, Bench
from tests.outside.conftest import Strict

NO_FIRESTORE = {"FIRESTORE_EMULATOR_HOST": NOWHERE}
NO_SALESFORCE = {"SF_INSTANCE_URL": f"http://{NOWHERE}"}
EVERYWHERE = {**NO_FIRESTORE, **NO_SALESFORCE}


def seconds_of_edits(bench: Bench, mark: str, **env: str) -> float:
    times = []
    for number in range(3):
        ran = bench.done("projects", "set", "a", f"department={mark} {number}", **env)
        times.append(ran.seconds)
    return statistics.median(times)


def test_with_both_sides_away_an_edit_is_saved_as_fast_and_arrives_later(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    here = seconds_of_edits(bench, "near")
    away = seconds_of_edits(bench, "far", **EVERYWHERE)
    assert away < here * 3 + 1.0
    assert strict.server.calls == [], "an edit waits for no network"

    ran = bench.run("sync", "--json", **EVERYWHERE)
    assert (ran.code, ran.seconds < 5 + 10 * here) == (1, True)
    lines = ran.err.splitlines()
    assert len(lines) == 2
    for line, name in zip(lines, ("Firestore", "Salesforce"), strict=True):
        assert line.startswith(f"7 edits are saved here, not yet in {name}")
        assert "not reachable" in line
    for side in (ran.json["firestore"], ran.json["salesforce"]):
        assert (side["pending"], side["done"], side["failed"], side["retrying"]) == (7, 0, 0, 0)
    for side in bench.show("a")["sync"].values():
        assert (side["state"], side["pending"], side["attempts"]) == ("pending", 7, 0)
    assert [each["department"] for each in bench.done("projects", "list", "--json").json] == [
        "far 2"
    ]

    report = bench.sync()
    assert report["firestore"]["done"] == report["salesforce"]["done"] == 7
    assert strict.server.count("write") == 1
    strict.agrees("a", department="far 2")


def test_without_firestore_salesforce_gets_its_part_and_the_other_way_round(
    strict: Strict,
) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    ran = bench.run("sync", "--json", **NO_FIRESTORE)
    assert ran.code == 1
    assert ran.sentence.startswith("1 edit is saved here, not yet in Firestore")
    assert (ran.json["salesforce"]["done"], ran.json["firestore"]["pending"]) == (1, 1)
    assert strict.org.row("a") is not None
    states = {name: side["state"] for name, side in bench.show("a")["sync"].items()}
    assert states == {"firestore": "pending", "salesforce": "synced"}

    bench.set("a", "department=Second")
    ran = bench.run("sync", "--json", **NO_SALESFORCE)
    assert ran.code == 1
    assert ran.sentence.startswith("1 edit is saved here, not yet in Salesforce")
    assert (ran.json["firestore"]["done"], ran.json["salesforce"]["pending"]) == (2, 1)
    assert set(strict.documents()["a"]["owes"]) == {"department"}

    bench.sync()
    strict.agrees("a", department="Second")
    document = strict.documents()["a"]
    assert not document["owes"]
    assert document["sf_id"] == strict.org.row("a")["Id"]  # type: ignore[index]


def test_one_target_alone_can_be_asked_for(strict: Strict) -> None:
    strict.bench.add("a", "feature_name=A")
    ran = strict.bench.run("sync", "--target", "firestore", "--json")
    assert (ran.code, ran.json["firestore"]["done"]) == (1, 1)
    assert (ran.json["salesforce"]["pending"], strict.server.calls) == (1, [])
    report = strict.bench.done("sync", "--target", "salesforce", "--json").json
    assert (report["salesforce"]["done"], report["calls"]["firestore"]) == (1, 0)


def test_two_operators_whose_both_sides_come_back_agree(strict: Strict) -> None:
    """Each edits another field of the same project; both arrive, nobody's is undone."""
    first = strict.bench
    first.add("a", "feature_name=A", "department=D")
    first.sync()
    second = Bench(first.home.parent / "second", {**first.env, "STEERCO_OPERATOR": "Zweite"})
    (first.home.parent / "a.csv").write_text("Project Id,Feature\na,A\n", encoding="utf-8")
    first.set("a", "department=First's")
    second.done("import", "a.csv")
    second.set("a", "strategic_value=Second's")
    first.sync()
    second.sync()
    first.set("a", "launch_target=TBD")
    first.sync()
    row = strict.org.row("a")
    assert row is not None
    assert (row["Department__c"], row["Strategic_Value__c"]) == ("First's", "Second's")
    assert row["Launch_Target_Raw__c"] == "TBD"
    document = strict.documents()["a"]
    assert document["strategic_value"] == "Second's"
    assert len(document["applied"]) == 2
