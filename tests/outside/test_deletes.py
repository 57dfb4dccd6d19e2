"""Deletes: children are unlinked, both sides follow, nothing comes back by itself."""

from __future__ import annotations

from tests.outside.conftest import Strict


def test_a_parent_s_children_are_unlinked_first_and_stay(strict: Strict) -> None:
    bench = strict.bench
    lines = ["par,Parent,", "kid,Kid,par", "kin,Kin,par", "grand,Grandchild,kid"]
    text = "\n".join(["Project Id,Feature,Parent", *lines])
    (bench.home.parent / "family.csv").write_text(text, encoding="utf-8")
    bench.done("import", "family.csv")
    bench.sync()
    rows = strict.side.rows("Parent_Initiative__c")
    links = {pid: row["Parent_Initiative__c"] for pid, row in rows.items()}
    assert links == {
        "par": None,
        "kid": rows["par"]["Id"],
        "kin": rows["par"]["Id"],
        "grand": rows["kid"]["Id"],
    }
    sentence = bench.refused("projects", "delete", "par")
    assert "Kid" in sentence
    assert "Kin" in sentence
    assert "--yes" in sentence
    bench.done("projects", "delete", "par", "--yes")
    report = bench.sync()
    assert report["salesforce"]["done"] == report["firestore"]["done"] == 3
    rows = strict.side.rows("Parent_Initiative__c")
    links = {pid: row["Parent_Initiative__c"] for pid, row in rows.items()}
    assert links == {"kid": None, "kin": None, "grand": rows["kid"]["Id"]}
    documents = strict.documents()
    assert documents["par"]["deleted"] is True
    assert documents["par"]["deleted_by"] == "Otto Outside"
    assert [documents[pid]["parent_id"] for pid in ("kid", "kin", "grand")] == [None, None, "kid"]
    listed = bench.done("projects", "list", "--json").json
    assert {each["project_id"] for each in listed} == {"kid", "kin", "grand"}
    assert "deleted" in bench.refused("projects", "add", "feature_name=P", "--id", "par")
    bench.sync()
    assert strict.documents() == documents
    assert set(strict.side.rows()) == {"kid", "kin", "grand"}


def test_a_project_made_and_deleted_before_any_sync_is_never_seen(strict: Strict) -> None:
    strict.bench.add("a", "feature_name=A")
    strict.bench.done("projects", "delete", "a", "--yes")
    strict.bench.sync()
    assert strict.server.count("write") == 0
    assert strict.documents() == {}
    assert strict.org.rows() == strict.org.rows(deleted=True) == []


def test_deleted_on_both_sides_is_just_over(strict: Strict) -> None:
    strict.bench.add("a", "feature_name=A")
    strict.bench.sync()
    strict.org.person_deletes("a")
    strict.bench.done("projects", "delete", "a", "--yes")
    strict.server.forget()
    strict.bench.sync()
    assert strict.server.count("write") == 0
    assert strict.documents()["a"]["deleted"] is True


def test_deleted_there_and_edited_here_waits_for_a_person(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    bench.add("b", "feature_name=B")
    bench.sync()
    strict.org.person_deletes("a")
    bench.set("a", "department=Mine")
    bench.set("b", "department=Mine")
    ran = bench.run("sync", "--json")
    assert ran.code == 1
    assert "wait" in ran.sentence
    assert ran.json["salesforce"]["conflicts"] == 1
    assert ran.json["salesforce"]["done"] == 1, "it keeps no other back"
    assert strict.org.row("a") is None, "an edit does not bring it back"
    side = bench.show("a")["sync"]["salesforce"]
    assert (side["state"], side["pending"]) == ("conflict", 1)
    assert "deleted in Salesforce by Hana Human" in side["last_error"]
    again = bench.run("sync", "--json")
    assert (again.code, again.json["salesforce"]["conflicts"]) == (1, 1)
    assert len(strict.org.rows()) == 1


def test_deleted_here_and_edited_there_waits_for_a_person(strict: Strict) -> None:
    bench = strict.bench
    bench.add("a", "feature_name=A")
    bench.sync()
    strict.org.person_edits("a", Department__c="A person's")
    bench.done("projects", "delete", "a", "--yes")
    ran = bench.run("sync", "--json")
    assert (ran.code, ran.json["salesforce"]["conflicts"]) == (1, 1)
    row = strict.org.row("a")
    assert row is not None
    assert row["Department__c"] == "A person's"


def test_a_delete_whose_answer_is_lost_is_over_all_the_same(strict: Strict) -> None:
    strict.bench.add("a", "feature_name=A")
    strict.bench.sync()
    strict.bench.done("projects", "delete", "a", "--yes")
    strict.server.forget()
    strict.server.inject(on="delete", cut="after")
    strict.bench.sync()
    assert strict.server.count("delete") == 1
    assert strict.org.rows() == []
