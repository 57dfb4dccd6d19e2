"""The JSON of every command that exists: these names, these types, nothing else on the output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.outside.conftest import Strict, strict_world

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TEXT, NUMBER, FLAG = str | None, int | None, bool
SIDE = {"state": str, "pending": int, "attempts": int, "last_error": TEXT, "acked_at": TEXT}
PROJECT: dict[str, Any] = {
    "project_id": str,
    "feature_name": str,
    "status": str,
    "priority": str,
    "department": TEXT,
    "strategic_group": TEXT,
    "strategic_value": TEXT,
    "launch_target": TEXT,
    "launch_date": TEXT,
    "level_of_effort": TEXT,
    "sort_order": NUMBER,
    "product_owner": TEXT,
    "it_lead": TEXT,
    "flags": {
        "alignment": FLAG,
        "high_impact_work": FLAG,
        "retention_focus": FLAG,
        "thought_leadership": FLAG,
        "ai_ways_of_working": FLAG,
    },
    "brief": {
        "what_it_does": TEXT,
        "why_it_matters": TEXT,
        "business_impact": TEXT,
        "punchline": TEXT,
    },
    "intake": {
        "executive_sponsor": TEXT,
        "submitted_by": TEXT,
        "primary_system": TEXT,
        "dev_t_shirt": TEXT,
        "dev_readiness": NUMBER,
        "intake_document_url": TEXT,
        "reviewer_comments": TEXT,
    },
    "scores": dict,
    "total_score": NUMBER,
    "parent_id": TEXT,
    "imported_created_by": TEXT,
    "imported_updated_by": TEXT,
    "created_by": str,
    "created_at": TIME,
    "updated_by": str,
    "updated_at": TIME,
    "sf_id": TEXT,
    "sync": {"firestore": SIDE, "salesforce": SIDE},
}
COUNTS = dict.fromkeys(("done", "pending", "retrying", "failed", "held", "conflicts"), int)
SYNC = {
    "firestore": COUNTS,
    "salesforce": COUNTS,
    "pulled": {"applied": int, "conflicts": int, "deleted": int},
    "calls": {"firestore": int, "salesforce": int},
}
NOTE = {"sheet": str, "row": int, "column": str, "value": str, "message": str}
IMPORT = {"created": int, "updated": int, "unchanged": int, "errors": [NOTE], "warnings": [NOTE]}
DELIVERY = {"state": str, "attempts": int, "next_attempt_at": TEXT, "last_error": TEXT}
ENTRY = {
    "seq": int,
    "op_id": str,
    "trace_id": str,
    "project_id": str,
    "operator": str,
    "at": TIME,
    "op": str,
    "fields": [str],
    "deliveries": {"firestore": DELIVERY, "salesforce": DELIVERY},
}


def fits(value: Any, shape: Any, at: str = "$") -> None:
    """Exactly these keys, in any order, and these types; a bool is no number."""
    match shape:
        case dict():
            assert isinstance(value, dict), at
            assert set(value) == set(shape), (at, set(value) ^ set(shape))
            for name, inner in shape.items():
                fits(value[name], inner, f"{at}.{name}")
        case [inner]:
            assert isinstance(value, list), at
            for place, each in enumerate(value):
                fits(each, inner, f"{at}[{place}]")
        case re.Pattern():
            assert shape.fullmatch(value), (at, value)
        case _:
            assert isinstance(value, shape), (at, value)
            assert shape is bool or not isinstance(value, bool), (at, value)


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, firestore_emulator: Emulator
) -> Iterator[Strict]:
    """One synced project, and one that waits."""
    with strict_world(tmp_path_factory.mktemp("shapes"), firestore_emulator) as world:
        values = ("scores.Ana=3", "scores.Ben=4", "launch_target=2027-05-31", "flags.alignment=yes")
        fits(world.bench.add("a", "feature_name=A", "intake.dev_readiness=80", *values), PROJECT)
        fits(world.bench.sync(), SYNC)
        world.bench.add("b", "feature_name=B")
        yield world


def test_a_project(world: Strict) -> None:
    shown = world.bench.show("a")
    history = shown.pop("history")
    fits(shown, PROJECT)
    assert shown["scores"] == {"Ana": 3, "Ben": 4}
    assert (shown["total_score"], shown["intake"]["dev_readiness"]) == (7, 80)
    assert (shown["launch_date"], shown["flags"]["alignment"]) == ("2027-05-31", True)
    assert shown["created_by"] == "Otto Outside"
    for side in shown["sync"].values():
        assert side["state"] == "synced"
        assert TIME.fullmatch(side["acked_at"])
    [entry] = history
    assert (entry["operator"], entry["kind"]) == ("Otto Outside", "create")
    assert TIME.fullmatch(entry["at"])
    listed = world.bench.done("projects", "list", "--json").json
    fits(listed, [PROJECT])
    assert [each["project_id"] for each in listed] == ["a", "b"]
    assert listed[0] == shown


def test_an_edit(world: Strict) -> None:
    edited = world.bench.set("b", "brief.punchline=Now", "scores.Dr. Who=5", "status=Paused")
    fits(edited, PROJECT)
    assert edited["brief"]["punchline"] == "Now"
    assert edited["scores"] == {"Dr. Who": 5}
    assert world.bench.set("b", "status=Paused")["updated_at"] == edited["updated_at"], "no edit"


def test_an_import(world: Strict) -> None:
    text = "Feature,Status,Priority\nGood,Paused,P1\nBad,Nonsense,P1\nBlank,?,\n"
    (world.bench.home.parent / "some.csv").write_text(text, encoding="utf-8")
    ran = world.bench.run("import", "some.csv", "--dry-run", "--json")
    fits(ran.json, IMPORT)
    assert (ran.code, ran.json["created"]) == (1, 2)
    assert "1 row" in ran.sentence
    [error] = ran.json["errors"]
    assert (error["row"], error["column"], error["value"]) == (3, "Status", "Nonsense")
    warned = {(each["row"], each["column"]) for each in ran.json["warnings"]}
    assert warned == {(4, "Status"), (4, "Priority")}


def test_the_outbox(world: Strict) -> None:
    listed = world.bench.done("outbox", "list", "--json").json
    fits(listed, [ENTRY])
    assert listed
    assert {each["project_id"] for each in listed} == {"b"}
    assert listed[-1]["op"] == "create"
    assert listed[-1]["deliveries"]["salesforce"]["state"] == "pending"
    everything = world.bench.done("outbox", "list", "--all", "--json").json
    done = [each for each in everything if each["project_id"] == "a"]
    assert [side["state"] for side in done[0]["deliveries"].values()] == ["done", "done"]
    shown = world.bench.done("outbox", "show", str(done[0]["seq"]), "--json").json
    assert {target["target"] for target in shown["attempts"]} == {"firestore", "salesforce"}
    fits({name: shown[name] for name in ENTRY}, ENTRY)
