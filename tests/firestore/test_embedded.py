"""What the embedded store promises beyond the contract: processes, files, injected trouble."""

from __future__ import annotations

import copy
import datetime as dt
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from services.sandbox.firestore import Call, EmbeddedDocuments, Interfere, Moment
from services.sandbox.firestore_values import applied
from services.sync.targets.base import Action, ErrorClass, Problem, TargetDown, Write
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.fs_documents import (
    DELETE_FIELD,
    SERVER_TIMESTAMP,
    DocStatus,
    DocWrite,
    Kind,
)

ROOT = Path(__file__).parents[2]
MARK = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def create(doc_id: str = "a") -> DocWrite:
    return DocWrite("c", doc_id, Kind.CREATE, {("at",): SERVER_TIMESTAMP})


def counting(path: Path, rounds: int) -> subprocess.Popen[str]:
    """A process that raises a counter under its precondition, reading again when it is stale."""
    script = f"""
    from pathlib import Path
    from services.sandbox.firestore import EmbeddedDocuments
    from services.sync.targets.fs_documents import DocStatus, DocWrite, Kind
    store = EmbeddedDocuments(Path({str(path)!r}), busy_ms=60_000)
    store.write_many([DocWrite("c", "n", Kind.CREATE, {{("n",): 0}})])
    for _ in range({rounds}):
        while True:
            now = store.get_many("c", ["n"])["n"]
            more = {{("n",): now.fields["n"] + 1}}
            write = DocWrite("c", "n", Kind.UPDATE, more, now.update_time)
            if store.write_many([write])[0].status is DocStatus.OK:
                break
    print(store.identity())
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_processes_share_one_file_from_its_first_moment_and_no_write_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "firestore.db"
    running = [counting(path, 50) for _ in range(4)]
    identities = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0] * 4
    snapshot = EmbeddedDocuments(path).get_many("c", ["n"])["n"]
    assert snapshot is not None
    assert snapshot.fields == {"n": 200}
    assert len(identities) == 1


def test_a_new_file_is_another_system(tmp_path: Path) -> None:
    first = EmbeddedDocuments(tmp_path / "1.db")
    assert first.identity() == EmbeddedDocuments(tmp_path / "1.db").identity()
    assert first.identity() != EmbeddedDocuments(tmp_path / "2.db").identity()
    assert first.identity().startswith("embedded/")


def test_update_times_rise_though_the_clock_stands_or_goes_back(tmp_path: Path) -> None:
    moments = iter([1_800_000_000.0, 1_800_000_000.0, 1_700_000_000.0])
    store = EmbeddedDocuments(tmp_path / "f.db", clock=lambda: next(moments))
    results = [store.write_many([create(name)])[0] for name in "abc"]
    tokens = [result.update_time or "" for result in results]
    assert tokens == sorted(set(tokens))
    assert tokens[0] == "2027-01-15T08:00:00.000000000Z"
    times = [result.server_time for result in results]
    assert times == sorted(set(times))  # type: ignore[type-var]
    assert [s.id for s in store.changed_since("c", "at", MARK, 9)] == ["a", "b", "c"]


def test_what_a_write_makes_of_a_document_leaves_the_old_one_alone() -> None:
    held = {"brief": {"one": {"deep": 1}}, "gone": {"x": 1}}
    before = copy.deepcopy(held)
    changes = {("brief", "one", "deep"): 2, ("gone", "x"): DELETE_FIELD, ("at",): SERVER_TIMESTAMP}
    assert applied(held, changes, MARK) == {"brief": {"one": {"deep": 2}}, "gone": {}, "at": MARK}
    assert held == before


def problem(cls: ErrorClass) -> Problem:
    return Problem(cls, "TEST", "words", "A sentence.")


def failing(when: Moment, call: Call, cls: ErrorClass) -> Interfere:
    return lambda moment, asked: problem(cls) if (moment, asked) == (when, call) else None


def test_a_lost_acknowledgement_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    lossy = EmbeddedDocuments(path, interfere=failing("after", "write_many", ErrorClass.UNKNOWN))
    (result,) = lossy.write_many([create()])
    assert result.problem == problem(ErrorClass.UNKNOWN)
    assert EmbeddedDocuments(path).ids("c") == ["a"]


def test_a_lost_request_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    lossy = EmbeddedDocuments(path, interfere=failing("before", "write_many", ErrorClass.UNKNOWN))
    assert lossy.write_many([create()])[0].problem == problem(ErrorClass.UNKNOWN)
    assert EmbeddedDocuments(path).ids("c") == []


def test_a_target_that_is_away_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    away = EmbeddedDocuments(path, interfere=lambda *_: problem(ErrorClass.PAUSE))
    for call in (
        lambda: away.get_many("c", ["a"]),
        lambda: away.ids("c"),
        lambda: away.changed_since("c", "at", MARK, 1),
        lambda: away.write_many([create()]),
    ):
        with pytest.raises(TargetDown, match="A sentence"):
            call()
    assert EmbeddedDocuments(path).ids("c") == []


@pytest.mark.parametrize("cls", [ErrorClass.UNKNOWN, ErrorClass.PAUSE])
def test_a_target_that_failed_proves_itself_again_at_the_next_connect(
    tmp_path: Path, cls: ErrorClass
) -> None:
    lossy = EmbeddedDocuments(tmp_path / "f.db", interfere=failing("after", "write_many", cls))
    target = FirestoreTarget(lossy)
    target.connect()
    assert not target.write([Write("P1", Action.CREATE)])[0].done
    calls = target.usage().calls
    target.connect()
    assert target.usage().calls == calls + 1


def test_a_held_file_says_so_and_applies_nothing(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "f.db"
    store = EmbeddedDocuments(path, busy_ms=1)
    assert store.write_many([create()])[0].status is DocStatus.OK
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TargetDown) as down:
        store.write_many([create("b")])
    assert down.value.problem.cls is ErrorClass.PAUSE
    assert "another program holds the database" in down.value.problem.sentence
    holder.execute("ROLLBACK")
    assert store.ids("c") == ["a"]
    assert store.write_many([create("b")])[0].status is DocStatus.OK


def test_a_file_that_is_no_database_is_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    path.write_bytes(b"something else entirely, and long enough to be looked at" * 40)
    before = path.read_bytes()
    store = EmbeddedDocuments(path)
    for call in (store.identity, lambda: store.get_many("c", ["a"])):
        with pytest.raises(TargetDown, match="damaged"):
            call()
    assert path.read_bytes() == before
