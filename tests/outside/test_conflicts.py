"""Conflicts as they are met and decided from outside: real commands, emulator, a Salesforce."""

from __future__ import annotations

from typing import Any

import pytest

from tests.outside.conftest import Strict


def the_conflict(strict: Strict, project_id: str) -> dict[str, Any]:
    """The open conflict of a project."""
    listed = strict.bench.done("conflicts", "list", "--json").json
    (found,) = [each for each in listed if each["project_id"] == project_id]
    return dict(found)


def quiet(strict: Strict) -> None:
    """Another run writes nothing, and nothing is open."""
    before = strict.server.count("upsert"), strict.server.count("update"), strict.documents()
    strict.bench.sync()
    after = strict.server.count("upsert"), strict.server.count("update"), strict.documents()
    assert after == before
    assert strict.bench.done("conflicts", "list", "--json").json == []


def test_the_loser_is_kept_and_comes_back_on_three_sides(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A", "department=IT")
    bench.sync()
    bench.set("a", "department=Mine")
    strict.org.person_edits("a", Department__c="A person's")
    bench.sync()
    found = the_conflict(strict, "a")
    assert (found["base"], found["mine"], found["theirs"], found["target"]) == (
        "IT", "Mine", "A person's", "salesforce",
    )  # fmt: skip
    winner = {"mine": "Mine", "theirs": "A person's"}[found["winner"]]
    strict.agrees("a", department=winner)
    loser = {"mine": "theirs", "theirs": "mine"}[found["winner"]]
    bench.done("conflicts", "resolve", found["id"][:8], "--take", loser)
    bench.sync()
    strict.agrees("a", department=found[loser])
    bench.done("conflicts", "resolve", found["id"], "--value", "A third")
    bench.sync()
    strict.agrees("a", department="A third")
    quiet(strict)


@pytest.mark.parametrize("take", ["mine", "theirs"])
def test_deletes_against_edits_end_alike_on_three_sides(strict: Strict, take: str) -> None:
    bench = strict.bench
    for name in ("a", "b"):
        bench.add(name, f"feature_name={name}", "brief.punchline=kept")
    bench.sync()
    strict.org.person_edits("a", Department__c="A person's")
    bench.done("projects", "delete", "a", "--yes")
    strict.org.person_deletes("b")
    bench.set("b", "department=Mine")
    assert bench.run("sync", "--json").code == 1
    for name in ("a", "b"):
        found = the_conflict(strict, name)
        assert (found["field"], found["winner"]) == ("*", "nobody")
        bench.done("conflicts", "resolve", found["id"], "--take", take)
    bench.sync()
    lives, department = {"mine": ("b", "Mine"), "theirs": ("a", "A person's")}[take]
    (gone,) = {"a", "b"} - {lives}
    strict.agrees(lives, department=department, brief__punchline="kept")
    assert strict.org.row(gone) is None
    assert strict.documents()[gone]["deleted"] is True
    assert "no project" in bench.refused("projects", "show", gone)
    quiet(strict)
