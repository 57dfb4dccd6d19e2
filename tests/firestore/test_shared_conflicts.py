"""Conflicts are shared: found by one operator, seen and decided by any."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from services import conflicts as decisions
from services import itsc_roadmap
from services.context import Context
from services.sandbox.firestore import EmbeddedDocuments
from services.sync import shared_conflicts
from services.sync.shared_conflicts import COLLECTION, MARK
from services.sync.targets.base import ErrorClass, Problem, TargetDown
from services.sync.targets.fs_documents import (
    SERVER_TIMESTAMP,
    DocResult,
    DocStatus,
    DocumentStore,
    DocWrite,
    Kind,
)
from store import conflicts, deliveries, meta, projects
from store.clock import system_clock
from store.conflicts import Conflict, conflict_id
from store.database import open_database
from tests.firestore.conftest import NewStore

PID = "portal"


class Operator:
    """One operator's database with a project, and a client of the shared documents."""

    def __init__(self, home: Path, name: str, documents: DocumentStore) -> None:
        numbers = itertools.count(1)
        self.documents = documents
        self.ctx = Context(name, system_clock, lambda: f"{name}-{next(numbers):06d}")
        self.conn: sqlite3.Connection = open_database(home / f"{name}.db")
        values = {"feature_name": "Portal", "department": "IT"}
        itsc_roadmap.create_project(self.conn, self.ctx, values, project_id=PID)

    def push(self) -> int:
        return shared_conflicts.push(self.conn, self.ctx, self.documents)

    def pull(self) -> int:
        return shared_conflicts.pull(self.conn, self.ctx, self.documents)

    def get(self, conflict: Conflict) -> Conflict | None:
        return conflicts.get(self.conn, conflict.id)

    def find(self, conflict: Conflict) -> None:
        assert conflicts.add(self.conn, conflict)


@pytest.fixture
def ann(tmp_path: Path, new_store: NewStore) -> Iterator[Operator]:
    made = Operator(tmp_path, "ann", new_store())
    yield made
    made.conn.close()


@pytest.fixture
def bob(tmp_path: Path, new_store: NewStore) -> Iterator[Operator]:
    made = Operator(tmp_path, "bob", new_store())
    yield made
    made.conn.close()


def field_conflict(number: int = 1) -> Conflict:
    return Conflict(
        id=conflict_id(PID, "department", f"op-{number}", "there"),
        project_id=PID,
        path="department",
        target="salesforce",
        base="IT",
        mine="Finance",
        theirs="Sales",
        winner="theirs",
        mine_at="2026-10-01T10:00:00.120Z",
        theirs_at="2026-10-01T11:00:00.000Z",
        mine_by="ann",
        theirs_by="Hana Human",
        seq=7,
        state="open",
        at="2026-10-01T12:00:00.000Z",
    )


def whole_conflict() -> Conflict:
    return dataclasses.replace(
        field_conflict(),
        id=conflict_id(PID, "*", "op-9", "there"),
        path="*",
        base=None,
        mine="deleted",
        theirs="edited",
        winner="nobody",
        why="deleted here, but Department was edited there since",
        record={"feature_name": "Portal", "department": "Sales", "scores.Ana": None},
        version="2026-10-01T11:00:00.000Z",
    )


def doc(store: DocumentStore, conflict: Conflict) -> dict[str, Any]:
    found = store.get_many(COLLECTION, [conflict.id])[conflict.id]
    assert found is not None
    return found.fields


def test_a_conflict_of_one_is_seen_by_the_other_as_it_was_kept(
    ann: Operator, bob: Operator
) -> None:
    for each in (field_conflict(), whole_conflict()):
        ann.find(each)
    assert ann.push() == 2
    assert bob.pull() == 2
    for each in (field_conflict(), whole_conflict()):
        assert bob.get(each) == dataclasses.replace(each, seq=None)
    assert isinstance(doc(ann.documents, field_conflict())["updated_at"], dt.datetime)


def test_what_everybody_knows_is_not_told_again(ann: Operator, bob: Operator) -> None:
    ann.find(field_conflict())
    ann.push()
    bob.pull()
    before = doc(ann.documents, field_conflict())
    changes = bob.conn.total_changes
    assert [ann.push(), bob.push(), ann.pull(), bob.pull(), bob.pull()] == [0, 0, 0, 0, 0]
    assert doc(ann.documents, field_conflict()) == before
    assert bob.conn.total_changes == changes, "a quiet pull writes nothing"


def test_a_decision_by_anyone_closes_it_for_all(ann: Operator, bob: Operator) -> None:
    found = field_conflict()
    ann.find(found)
    ann.push()
    bob.pull()
    decisions.resolve(bob.conn, bob.ctx, found.id, "mine")
    assert bob.push() == 1
    assert ann.pull() == 1
    here = ann.get(found)
    assert here is not None
    assert (here.state, here.resolution, here.winner, here.resolved_by) == (
        "resolved",
        "mine",
        "mine",
        "bob",
    )
    assert here.seq == 7
    project = projects.get(ann.conn, PID)
    assert project is not None
    assert project.values["department"] == "IT", "the value itself comes as bob's edit"
    assert ann.push() == 0


def test_both_find_the_same_conflict_and_there_is_one(ann: Operator, bob: Operator) -> None:
    for each in (ann, bob):
        each.find(field_conflict())
    assert (ann.push(), bob.push()) == (1, 0)
    assert ann.documents.ids(COLLECTION) == [field_conflict().id]


def test_of_two_decisions_the_later_stands_whoever_tells_first(
    ann: Operator, bob: Operator
) -> None:
    found = field_conflict()
    for each in (ann, bob):
        each.find(found)
    conflicts.resolve(ann.conn, found.id, "mine", "ann", "2026-10-02T10:00:00.000Z", winner="mine")
    later = "2026-10-02T10:00:01.000Z"
    conflicts.resolve(bob.conn, found.id, "theirs", "bob", later, winner="theirs")
    assert bob.push() == 1
    assert ann.push() == 0
    for each in (ann, bob):
        each.pull()
        here = each.get(found)
        assert here is not None
        assert (here.resolution, here.resolved_by) == ("theirs", "bob")
    decisions.resolve(ann.conn, ann.ctx, found.id, "mine")
    assert ann.push() == 1
    bob.pull()
    there = bob.get(found)
    assert there is not None
    assert (there.resolution, there.resolved_by) == ("mine", "ann")


@pytest.mark.parametrize(("take", "lives"), [("mine", False), ("theirs", True)])
def test_a_delete_that_waits_follows_somebody_elses_decision(
    ann: Operator, bob: Operator, take: str, lives: bool
) -> None:
    found = whole_conflict()
    itsc_roadmap.delete_project(ann.conn, ann.ctx, PID)
    ann.conn.execute("UPDATE open_deliveries SET state = 'conflict' WHERE target = 'salesforce'")
    ann.find(found)
    ann.push()
    bob.pull()
    decisions.resolve(bob.conn, bob.ctx, found.id, take)
    bob.push()
    ann.pull()
    assert conflicts.find(ann.conn) == []
    states = {d.state for d in deliveries.open_of_project(ann.conn, PID)}
    assert states == {"pending"}
    for each in (ann, bob):
        project = projects.get(each.conn, PID)
        assert (project is not None) is lives
        if project is not None:
            assert project.values["department"] == "Sales"


def test_more_than_a_page_arrives_whole_and_in_order(
    ann: Operator, bob: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_conflicts, "PAGE", 3)
    monkeypatch.setattr(shared_conflicts, "GROUP", 4)
    for number in range(10):
        ann.find(field_conflict(number))
    assert [ann.push(), ann.push(), ann.push(), ann.push()] == [4, 4, 2, 0]
    assert bob.pull() == 10
    assert bob.pull() == 0


GARBAGE: list[dict[str, Any]] = [
    {},
    {"project_id": ["a"]},
    {"project_id": "../x"},
    {"path": 5},
    {"path": "no.such.field"},
    {"target": "ftp"},
    {"state": "odd"},
    {"state": "resolved"},
    {"state": "resolved", "resolution": "odd", "resolved_by": "x"},
    {"winner": None},
    {"mine_at": "yesterday"},
    {"theirs_at": 12},
    {"path": "*", "mine": "edited", "theirs": "edited"},
    {"path": "*", "mine": {"deleted": True}},
]


def test_foreign_documents_are_passed_over(ann: Operator, bob: Operator) -> None:
    good = shared_conflicts._write(field_conflict(), shared_conflicts._SHARED).fields
    writes = []
    for number, garbage in enumerate(GARBAGE, 100):
        cells = {**good} if garbage else {("updated_at",): SERVER_TIMESTAMP}
        cells |= {(name,): value for name, value in garbage.items()}
        writes.append(DocWrite(COLLECTION, field_conflict(number).id, Kind.CREATE, cells))
    writes.append(DocWrite(COLLECTION, "not-one-of-ours", Kind.CREATE, good))
    made = ann.documents.write_many(writes)
    assert {each.status for each in made} == {DocStatus.OK}
    ann.find(field_conflict())
    ann.push()
    assert bob.pull() == 1
    assert [each.id for each in conflicts.find(bob.conn)] == [field_conflict().id]


def test_odd_values_in_a_conflict_are_left_out(ann: Operator, bob: Operator) -> None:
    good = shared_conflicts._write(whole_conflict(), shared_conflicts._SHARED).fields
    record = {"department": ["x"], "odd": 1, "status": "Paused", "*": "y"}
    cells = {**good, ("record",): record, ("why",): 5, ("mine_by",): None, ("version",): {"a": 1}}
    ann.documents.write_many([DocWrite(COLLECTION, whole_conflict().id, Kind.CREATE, cells)])
    assert bob.pull() == 1
    here = bob.get(whole_conflict())
    assert here is not None
    assert (here.record, here.why, here.mine_by, here.version) == (
        {"status": "Paused"},
        None,
        "",
        None,
    )


def test_garbage_under_a_conflicts_own_id_is_written_over(ann: Operator, bob: Operator) -> None:
    found = field_conflict()
    cells = {("state",): "odd", ("updated_at",): SERVER_TIMESTAMP}
    ann.documents.write_many([DocWrite(COLLECTION, found.id, Kind.CREATE, cells)])
    ann.find(found)
    assert ann.push() == 1
    assert bob.pull() == 1


def test_a_time_from_the_future_does_not_hide_what_comes_after(
    ann: Operator, bob: Operator
) -> None:
    far = dt.datetime(2999, 1, 1, tzinfo=dt.UTC)
    good = shared_conflicts._write(field_conflict(1), shared_conflicts._SHARED).fields
    cells = {**good, ("updated_at",): far}
    ann.documents.write_many([DocWrite(COLLECTION, field_conflict(1).id, Kind.CREATE, cells)])
    assert bob.pull() == 1
    ann.find(field_conflict(2))
    ann.push()
    assert bob.pull() == 1


def test_documents_of_one_moment_are_all_read_page_by_page(
    ann: Operator, bob: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_conflicts, "PAGE", 2)
    moment = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
    cells = shared_conflicts._write(field_conflict(), shared_conflicts._SHARED).fields
    cells = {**cells, ("updated_at",): moment}
    ann.documents.write_many(
        [DocWrite(COLLECTION, field_conflict(n).id, Kind.CREATE, cells) for n in range(5)]
    )
    assert bob.pull() == 5


def test_a_document_that_shows_a_little_late_is_not_missed(ann: Operator, bob: Operator) -> None:
    ann.find(field_conflict(1))
    ann.push()
    bob.pull()
    first = doc(ann.documents, field_conflict(1))["updated_at"]
    cells = shared_conflicts._write(field_conflict(2), shared_conflicts._SHARED).fields
    cells = {**cells, ("updated_at",): first - dt.timedelta(seconds=3)}
    ann.documents.write_many([DocWrite(COLLECTION, field_conflict(2).id, Kind.CREATE, cells)])
    assert bob.pull() == 1


class Between:
    """A store with something that happens between its reads and its writes, once."""

    def __init__(self, store: DocumentStore, happens: Callable[[], object]) -> None:
        self._store, self._happens = store, [happens]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write_many(self, writes: Sequence[DocWrite]) -> list[DocResult]:
        while self._happens:
            self._happens.pop()()
        return self._store.write_many(writes)


def test_a_later_decision_told_meanwhile_is_not_written_over(ann: Operator, bob: Operator) -> None:
    found = field_conflict()
    for each in (ann, bob):
        each.find(found)
    bob.push()
    early, late = "2026-10-02T10:00:00.000Z", "2026-10-02T11:00:00.000Z"
    conflicts.resolve(ann.conn, found.id, "mine", "ann", early, winner="mine")
    conflicts.resolve(bob.conn, found.id, "theirs", "bob", late, winner="theirs")
    ann.documents = cast(DocumentStore, Between(ann.documents, bob.push))
    assert ann.push() == 0
    assert ann.push() == 0
    assert doc(bob.documents, found)["resolved_by"] == "bob"
    here = ann.get(found)
    assert here is not None
    assert here.resolved_by == "bob"


def test_a_decision_made_while_the_conflict_is_told_is_told_next(ann: Operator) -> None:
    found = field_conflict()
    ann.find(found)
    ann.documents = cast(
        DocumentStore,
        Between(ann.documents, lambda: decisions.acknowledge(ann.conn, ann.ctx, found.id)),
    )
    assert ann.push() == 1
    assert doc(ann.documents, found)["state"] == "open"
    assert ann.push() == 1
    assert doc(ann.documents, found)["state"] == "resolved"


def test_the_mark_and_what_was_read_are_one_transaction(
    ann: Operator, bob: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann.find(field_conflict())
    ann.push()

    def fail(*_args: object, **_kw: object) -> bool:
        raise RuntimeError("killed here")

    monkeypatch.setattr(conflicts, "add", fail)
    with pytest.raises(RuntimeError):
        bob.pull()
    assert meta.get(bob.conn, MARK) is None
    monkeypatch.undo()
    assert bob.pull() == 1
    assert meta.get(bob.conn, MARK) is not None


def test_an_answer_that_was_lost_makes_no_second_document(tmp_path: Path) -> None:
    lost = [Problem(ErrorClass.UNKNOWN, "UNAVAILABLE", "lost", "the answer was lost")]

    def interfere(moment: str, call: str) -> Problem | None:
        return lost.pop() if (moment, call) == ("after", "write_many") and lost else None

    store = EmbeddedDocuments(tmp_path / "firestore.db", interfere=interfere)
    one = Operator(tmp_path, "ann", store)
    one.find(field_conflict())
    assert one.push() == 0
    assert one.push() == 0
    assert conflicts.unshared(one.conn, 9) == []
    assert store.ids(COLLECTION) == [field_conflict().id]


def test_another_firestore_is_told_everything_and_read_from_its_beginning(
    tmp_path: Path, ann: Operator
) -> None:
    ann.find(field_conflict())
    ann.push()
    ann.pull()
    ann.documents = EmbeddedDocuments(tmp_path / "another.db")
    shared_conflicts.forget(ann.conn)
    assert meta.get(ann.conn, MARK) is None
    assert ann.push() == 1


def test_a_conflict_that_no_document_can_hold_stays_here(tmp_path: Path) -> None:
    store = EmbeddedDocuments(tmp_path / "firestore.db")
    one = Operator(tmp_path, "ann", store)
    one.find(dataclasses.replace(field_conflict(1), theirs="x" * 1_100_000))
    one.find(field_conflict(2))
    assert one.push() == 1
    assert one.push() == 0
    assert one.get(field_conflict(1)) is not None


def test_a_store_that_is_away_is_said_and_nothing_is_forgotten(tmp_path: Path) -> None:
    away = Problem(ErrorClass.PAUSE, "UNAVAILABLE", "away", "Firestore is away")
    down = [True]
    store = EmbeddedDocuments(
        tmp_path / "firestore.db", interfere=lambda _moment, _call: away if down[0] else None
    )
    one = Operator(tmp_path, "ann", store)
    one.find(field_conflict())
    for call in (one.push, one.pull):
        with pytest.raises(TargetDown):
            call()
    down[0] = False
    assert one.push() == 1
