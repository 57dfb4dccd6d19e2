"""Projects in Firestore: what the outbox may count on, over the real emulator and the sandbox."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from services.sync.targets.base import (
    Action,
    Applied,
    ErrorClass,
    Outcome,
    Ref,
    Remote,
    SharedBase,
    Stamp,
    Target,
    Usage,
    Write,
)
from services.sync.targets.firestore import FirestoreTarget, base_form, base_hash
from services.sync.targets.fs_documents import DocumentStore, DocWrite, Kind
from store.canon import Value, Values
from store.fields import DEFAULTS, FIELDS

AT = dt.datetime(2026, 5, 6, 7, 8, 9, 123456, tzinfo=dt.UTC)
VOTERS = ("Ana", "J. R. Smith", "a`b\\c", "🧩 Noor 'x' \"y\"", "مريم")


def stamp(op: str, origin: str = "local") -> Stamp:
    return Stamp(AT, "ana@example.com", op, origin)


def full(**changes: Value) -> Values:
    """Every field of a project, as a create carries them."""
    return {**DEFAULTS, "feature_name": "🧩 Feedback Platform", **changes}  # type: ignore[dict-item]


def create(project_id: str = "P1", **changes: Any) -> Write:
    write = Write(
        project_id,
        Action.CREATE,
        values=full(),
        seq=1,
        op_id="op-1",
        client_id="mac",
        operator="ana@example.com",
        at=AT,
        created_by="ana@example.com",
        created_at="2026-05-06T07:08:09.123Z",
    )
    return dataclasses.replace(write, **changes)


def edit(values: Values, token: str | None, **changes: Any) -> Write:
    write = Write(
        "P1",
        Action.UPDATE,
        values=values,
        token=token,
        seq=2,
        op_id="op-2",
        client_id="mac",
        operator="bob@example.com",
        at=AT,
    )
    return dataclasses.replace(write, **changes)


def send(target: Target, write: Write) -> Outcome:
    (outcome,) = target.write([write])
    return outcome


def done(target: Target, write: Write) -> str:
    """Send a write that must succeed; the new token."""
    outcome = send(target, write)
    assert outcome.done, outcome.problem
    assert outcome.token
    return outcome.token


def read(target: Target, project_id: str = "P1", **local: Value) -> Remote:
    return target.read([Ref(project_id, local=dict(local))])[project_id]


def document(store: DocumentStore, project_id: str = "P1") -> dict[str, Any]:
    snapshot = store.get_many("itsc_projects", [project_id])[project_id]
    assert snapshot is not None
    return snapshot.fields


def test_a_project_that_is_not_there_reads_as_absent(target: FirestoreTarget) -> None:
    done(target, create("P1"))
    found = target.read([Ref("P1"), Ref("P2"), Ref("__x__")])
    assert found["P1"].exists
    assert found["P2"] == Remote("P2", exists=False)
    assert found["__x__"] == Remote("__x__", exists=False)
    assert target.read([]) == {}


def test_a_created_project_reads_back_whole(target: FirestoreTarget) -> None:
    values = full(
        status="In QA",
        sort_order=7,
        parent_id="umbrella",
        launch_target="2026-12-01",
        **{
            "flags.alignment": True,
            "brief.what_it_does": "line 1\nline 2 [/x] \u00a0",
            "intake.dev_readiness": 80,
            **{f"scores.{voter}": n + 1 for n, voter in enumerate(VOTERS)},
        },
    )
    token = done(target, create(values=values, total_score=15, stamps={"status": stamp("op-1")}))
    remote = read(target)
    assert remote.values == {**values, "total_score": 15}
    assert remote.token == token
    assert remote.exists
    assert not remote.deleted
    assert remote.applied == {"mac": Applied(1, "op-1")}
    assert remote.stamps == {"status": stamp("op-1")}
    assert remote.created_by == remote.modified_by == "ana@example.com"
    assert remote.created_at == dt.datetime(2026, 5, 6, 7, 8, 9, 123000, tzinfo=dt.UTC)
    assert remote.sf is None


def test_a_new_document_has_every_field_nested_as_in_the_model(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    done(target, create())
    doc = document(store)
    for field in FIELDS:
        held: Any = doc
        for key in field.path.split("."):
            held = held[key]
        assert held == DEFAULTS[field.path] or field.path == "feature_name"
    assert doc["scores"] == {}
    assert (doc["project_id"], doc["sf_id"]) == ("P1", None)
    assert doc["updated_at"] >= AT
    assert "deleted" not in doc


def test_creating_a_project_that_is_there_is_stale_and_changes_nothing(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    done(target, create())
    before = document(store)
    problem = send(target, create(values=full(status="Paused"))).problem
    assert problem is not None
    assert (problem.cls, problem.code) == (ErrorClass.STALE, "ALREADY_EXISTS")
    assert document(store) == before


def test_an_edit_writes_its_fields_and_no_other(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    token = done(target, create(values=full(**{"scores.Ana": 3, "brief.punchline": "p"})))
    before = document(store)
    stamps = {"brief.punchline": stamp("op-2"), "status": stamp("op-2")}
    owes = {"brief.punchline": "op-2", "status": "op-2"}
    values: Values = {"brief.punchline": None, "status": "Paused"}
    done(target, edit(values, token, stamps=stamps, owes=owes))
    after = document(store)
    assert {key for key in after if after[key] != before.get(key)} == {
        "brief",
        "status",
        "updated_by",
        "updated_at",
        "applied",
        "stamps",
        "owes",
    }
    assert after["brief"] == {**before["brief"], "punchline": None}
    assert set(after["stamps"]) == set(after["owes"]) == {"brief.punchline", "status"}
    remote = read(target)
    assert remote.stamps == stamps
    assert remote.owes == owes
    assert remote.modified_by == "bob@example.com"
    assert remote.applied == {"mac": Applied(2, "op-2")}


def test_a_stamp_keeps_its_microseconds(target: FirestoreTarget) -> None:
    late = dataclasses.replace(stamp("op-1"), at=AT + dt.timedelta(microseconds=1))
    done(target, create(stamps={"status": stamp("op-1"), "priority": late}))
    stamps = read(target).stamps
    assert stamps["priority"].at - stamps["status"].at == dt.timedelta(microseconds=1)


def test_an_edit_on_an_old_token_is_stale_whatever_field_it_touches(
    target: FirestoreTarget,
) -> None:
    token = done(target, create())
    done(target, edit({"status": "Paused"}, token))
    outcome = send(target, edit({"priority": "P1"}, token, op_id="op-3", seq=3))
    assert outcome.problem is not None
    assert outcome.problem.cls is ErrorClass.STALE
    remote = read(target)
    assert (remote.values["status"], remote.values["priority"]) == ("Paused", "Not yet Prioritized")


def test_an_edit_of_a_project_that_is_gone_is_stale_and_creates_nothing(
    target: FirestoreTarget,
) -> None:
    for token in (None, "2026-01-01T00:00:00Z"):
        outcome = send(target, edit({"status": "Paused"}, token))
        assert outcome.problem is not None
        assert outcome.problem.cls is ErrorClass.STALE
    assert not read(target).exists


def test_two_operators_edits_of_different_fields_both_land_after_a_new_read(
    new_store: Callable[[], DocumentStore],
) -> None:
    mine, yours = FirestoreTarget(new_store()), FirestoreTarget(new_store())
    done(mine, create())
    my_token, your_token = read(mine).token, read(yours).token
    done(yours, edit({"status": "Paused"}, your_token, client_id="pc", op_id="op-9", seq=40))
    assert not send(mine, edit({"priority": "P1"}, my_token)).done
    done(mine, edit({"priority": "P1"}, read(mine).token))
    remote = read(yours)
    assert (remote.values["status"], remote.values["priority"]) == ("Paused", "P1")
    assert remote.applied == {"mac": Applied(2, "op-2"), "pc": Applied(40, "op-9")}


@pytest.mark.parametrize("voter", VOTERS)
def test_a_voters_score_comes_and_goes_alone(
    target: FirestoreTarget, store: DocumentStore, voter: str
) -> None:
    path = f"scores.{voter}"
    token = done(target, create(values=full(**{"scores.Other": 2}), total_score=2))
    changes: Values = {path: 5}
    token = done(target, edit(changes, token, total_score=7, stamps={path: stamp("op-2")}))
    assert document(store)["scores"] == {"Other": 2, voter: 5}
    remote = read(target)
    assert (remote.values[path], remote.values["total_score"]) == (5, 7)
    assert remote.stamps == {path: stamp("op-2")}
    done(target, edit({path: None}, token, total_score=2, owes={path: "op-2"}))
    assert document(store)["scores"] == {"Other": 2}
    assert document(store)["total_score"] == 2
    assert read(target).values[path] is None, "the stamp still knows the voter"
    assert read(target).owes == {path: "op-2"}


def test_a_vote_that_only_we_know_of_reads_as_taken_away(target: FirestoreTarget) -> None:
    done(target, create())
    remote = read(target, **{"scores.Ana": 4})
    assert "scores.Ana" in remote.values
    assert remote.values["scores.Ana"] is None


def test_the_total_goes_along_with_scores_only(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    token = done(target, create(total_score=9))
    token = done(target, edit({"status": "Paused"}, token, total_score=11))
    assert document(store)["total_score"] == 9
    token = done(target, edit({"scores.Ana": 5}, token, total_score=5))
    assert document(store)["total_score"] == 5
    done(target, edit({"total_score": 12}, token, total_score=12))
    assert document(store)["total_score"] == 12


def test_a_delete_is_a_tombstone_that_keeps_the_fields(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    token = done(target, create(values=full(status="In QA")))
    token = done(target, edit({}, token, action=Action.DELETE))
    remote = read(target)
    assert remote.exists
    assert remote.deleted
    assert remote.deleted_by == "bob@example.com"
    assert remote.deleted_at is not None
    assert abs(remote.deleted_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert remote.values["status"] == "In QA"
    assert remote.token == token
    assert remote.applied == {"mac": Applied(2, "op-2")}
    assert document(store)["deleted"] is True
    assert document(store)["updated_at"] == document(store)["deleted_at"]


def test_a_delete_of_a_project_edited_meanwhile_is_stale(target: FirestoreTarget) -> None:
    token = done(target, create())
    done(target, edit({"status": "Paused"}, token))
    assert not send(target, edit({}, token, action=Action.DELETE)).done
    assert not read(target).deleted


def test_a_restore_writes_every_field_and_clears_the_tombstone(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    token = done(target, create(values=full(**{"scores.Ana": 3, "scores.Bob": 1})))
    token = done(target, edit({}, token, action=Action.DELETE))
    values = full(status="In Design", **{"scores.Ana": 5})
    done(target, edit(values, token, action=Action.RESTORE, total_score=5, seq=3, op_id="op-3"))
    remote = read(target)
    assert not remote.deleted
    assert remote.deleted_at is None
    assert remote.values == {**values, "total_score": 5}
    assert not {"deleted", "deleted_at", "deleted_by"} & set(document(store))
    assert remote.created_by == "ana@example.com"


def test_a_tombstone_is_not_created_over(target: FirestoreTarget) -> None:
    token = done(target, create())
    done(target, edit({}, token, action=Action.DELETE))
    assert not send(target, create(op_id="op-5", seq=5)).done
    assert read(target).deleted


def test_a_note_tells_what_salesforce_has_and_touches_no_field(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    owes = {"status": "op-1", "brief.punchline": "op-1"}
    token = done(target, create(values=full(**{"brief.punchline": "long"}), owes=owes))
    before = document(store)
    base: Values = {"status": "Yet to Start", "brief.punchline": "long", "flags.alignment": False}
    note = SharedBase("a0X000000000001AAA", "2026-05-06T07:08:09.000+0000", base)
    done(
        target,
        Write("P1", Action.NOTE, token=token, note=note, paid=("status",), client_id="mac"),
    )
    remote = read(target)
    assert remote.sf == dataclasses.replace(
        note, base={**base, "brief.punchline": base_hash("long")}
    )
    assert remote.owes == {"brief.punchline": "op-1"}
    after = document(store)
    assert after["sf_id"] == "a0X000000000001AAA"
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"sf", "sf_id", "owes", "updated_at"}


def test_a_field_that_is_owed_anew_is_not_paid(target: FirestoreTarget) -> None:
    token = done(target, create(owes={"status": "op-1", "priority": "op-1"}))
    write = edit({"status": "Paused"}, token, owes={"status": "op-2"}, paid=("status", "priority"))
    done(target, write)
    assert read(target).owes == {"status": "op-2"}


def test_a_note_is_guarded_like_any_write(target: FirestoreTarget) -> None:
    token = done(target, create())
    done(target, edit({"status": "Paused"}, token))
    note = SharedBase("a0X", None, {})
    assert not send(target, Write("P1", Action.NOTE, token=token, note=note)).done
    assert read(target).sf is None


def test_a_long_text_stands_in_the_base_as_its_hash() -> None:
    text = "🧩 long\ntext"
    expected = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert base_hash(text) == base_form("brief.what_it_does", text) == expected
    assert base_form("brief.what_it_does", expected) == expected
    assert base_form("brief.what_it_does", None) is None
    assert base_form("feature_name", text) == text
    assert base_form("flags.alignment", True) is True


def test_a_resend_after_a_lost_acknowledgement_recognises_itself(
    target: FirestoreTarget,
) -> None:
    token = done(target, create())
    write = edit({"status": "Paused"}, token)
    done(target, write)  # applied, but let us say that the answer was lost
    again = send(target, write)
    assert again.problem is not None
    assert again.problem.cls is ErrorClass.STALE
    assert read(target).applied["mac"] == Applied(write.seq, write.op_id)


def test_the_same_recognition_holds_for_a_create(target: FirestoreTarget) -> None:
    done(target, create())
    assert not send(target, create()).done
    assert read(target).applied["mac"] == Applied(1, "op-1")


def test_one_bad_row_fails_no_other_and_names_its_field(target: FirestoreTarget) -> None:
    bad = full(**{"brief.what_it_does": "x" * 1_100_000})
    too_great = full(sort_order=2**63)
    writes = [create("A"), create("B", values=bad), create("C", values=too_great), create("D")]
    outcomes = target.write(writes)
    assert [outcome.done for outcome in outcomes] == [True, False, False, True]
    for outcome in outcomes[1:3]:
        assert outcome.problem is not None
        assert outcome.problem.cls is ErrorClass.PERMANENT
    assert outcomes[2].problem is not None
    assert outcomes[2].problem.fields == ("sort_order",)


def test_an_outcome_shows_request_and_answer_as_json(target: FirestoreTarget) -> None:
    token = done(target, create(stamps={"status": stamp("op-1")}))
    good, bad = send(target, edit({"status": "Paused"}, token)), send(target, create())
    for outcome in (good, bad):
        assert json.loads(json.dumps([outcome.request, outcome.response]))
    assert good.request["fields"]["status"] == "Paused"
    assert good.request["precondition"] == token
    assert bad.response["code"] == "ALREADY_EXISTS"
    assert good.modified_at is not None
    assert read(target).modified_at == good.modified_at


def test_a_quiet_repeat_of_connect_and_usage(target: FirestoreTarget, store: DocumentStore) -> None:
    assert target.usage() == Usage(calls=0)
    assert target.connect() == store.identity()
    target.connect()
    target.connect()
    assert target.usage() == Usage(calls=1)
    assert target.clock_offset() is None
    assert (target.name, target.batch) == ("firestore", 500)
    target.close()
    assert target.connect() == store.identity()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"flags": "yes", "brief": 3, "intake": [1], "scores": "none"},
        {"flags": {"alignment": "TRUE", "extra": {"deep": [None]}}, "new_field": b"\x00"},
        {"feature_name": {"not": "text"}, "status": ["x"], "sort_order": float("nan")},
        {"sort_order": "12", "intake": {"dev_readiness": 80.0}, "total_score": float("inf")},
        {"scores": {"Ana": "4", " ": None, "B": {"x": 1}, "C": 99}},
        {"launch_target": AT, "updated_at": "not a time", "created_at": 5, "updated_by": 7},
        {"applied": {"a": 1, "b": {"seq": "x"}, "c": {"seq": 1, "op": 2}}, "stamps": [1]},
        {"stamps": {"status": {"at": "x"}, "priority": {"at": "2026-01-01T00:00:00Z"}}},
        {"owes": {"status": 1, "priority": "op"}, "sf": "a0X", "sf_id": "a0X"},
        {"sf": {"id": 1, "modstamp": 2, "base": {"status": [1], "priority": "P1"}}},
        {"deleted": "yes", "deleted_at": "soon"},
        {"deleted": True},
        {"brief": {"what_it_does": "🧩" * 200_000}},
        {"updated_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_a_foreign_document_never_raises(
    target: FirestoreTarget, store: DocumentStore, fields: dict[str, Any]
) -> None:
    paths = {(key,): value for key, value in fields.items()}
    store.write_many([DocWrite("itsc_projects", "P1", Kind.CREATE, paths)])
    remote = read(target)
    assert remote.exists
    assert remote.token
    assert remote.modified_at is not None
    for value in remote.values.values():
        assert value is None or type(value) in (str, int, bool)
    done(target, edit({"flags.alignment": True, "scores.Ana": 3}, remote.token))
    assert read(target).values["flags.alignment"] is True
    assert read(target).values["scores.Ana"] == 3


def test_a_foreign_documents_values_take_their_canonical_form(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    fields: dict[tuple[str, ...], Any] = {
        ("feature_name",): "  padded\r\n",
        ("department",): "",
        ("sort_order",): 7.0,
        ("intake",): {"dev_readiness": "80"},
        ("launch_target",): dt.datetime(2026, 4, 1, tzinfo=dt.UTC),
        ("status",): {"not": "text"},
        ("scores",): {"Ana": 4.0, "Bob": None},
        ("sf_id",): "a0X",
    }
    store.write_many([DocWrite("itsc_projects", "P1", Kind.CREATE, fields)])
    remote = read(target)
    values = remote.values
    assert values["feature_name"] == "padded"
    assert values["department"] is None
    assert (values["sort_order"], type(values["sort_order"])) == (7, int)
    assert values["intake.dev_readiness"] == 80
    assert values["launch_target"] == "2026-04-01"
    assert (values["scores.Ana"], values["scores.Bob"]) == (4, None)
    assert (values["priority"], values["flags.alignment"]) == (None, False)
    assert "status" not in values, "what can't be read must not be merged"
    assert remote.sf == SharedBase("a0X", None, {})


def test_a_stripped_tombstone_says_nothing_about_its_fields(
    target: FirestoreTarget, store: DocumentStore
) -> None:
    stripped = {("deleted",): True, ("deleted_by",): "ana"}
    store.write_many([DocWrite("itsc_projects", "P1", Kind.CREATE, stripped)])
    remote = read(target, **{"scores.Ana": 3})
    assert (remote.deleted, remote.deleted_by, remote.values) == (True, "ana", {})


def test_a_link_is_no_firestore_write(target: FirestoreTarget) -> None:
    with pytest.raises(ValueError, match="link"):
        send(target, create(action=Action.LINK))
