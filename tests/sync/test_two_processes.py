"""Two processes edit and sync one database at the same time.

Each tells its parent, through a pipe, every edit that it was told was saved. In the end every one
of them is in the log once, the three sides hold the last of each field, and the history in
Salesforce shows that no edit came twice or out of order.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from services import itsc_roadmap
from services.context import Context
from services.itsc_sf_sync import field_map
from services.sync.run import drain
from store import conflicts, deliveries, operations, projects
from store.database import StoreError
from tests import tally
from tests.sync.side import Side, sandbox_side
from tests.sync.victims import Home, close

T = TypeVar("T")
FORK = multiprocessing.get_context("fork")
PROJECTS = 12
FIELDS = ("department", "strategic_value", "brief.punchline", "product_owner")
EDITS_A_CYCLE = 40


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    with sandbox_side(tmp_path_factory.mktemp("org") / "salesforce.db") as side:
        yield side


def ids_of(home: Home) -> list[str]:
    return [f"{home.project_id}-{number}" for number in range(PROJECTS)]


def insist(do: Callable[[], T]) -> T:
    """SQLite's lock is no queue: who was refused for five seconds was told that nothing was
    changed, and tries again."""
    while True:
        try:
            return do()
        except StoreError as refused:
            if "another program holds" not in str(refused):
                raise


def work(home: Home, name: str, edits: int, tell: int) -> None:
    """Edit at random and sync now and then, as a terminal and a worker do."""
    chance = random.Random(name)
    engine = home.engine()
    ctx = Context(name)
    told = []
    for number in range(edits):
        pid, path = chance.choice(ids_of(home)), chance.choice(FIELDS)
        value = f"{name} {number}"
        edit = insist(
            lambda: itsc_roadmap.update_project(engine.conn, ctx, pid, {path: value})  # noqa: B023
        )
        told.append(f"{edit.seq} {pid} {path} {value}\n")
        if number % EDITS_A_CYCLE == EDITS_A_CYCLE - 1:
            insist(engine.cycle)
            os.write(tell, "".join(told).encode())
            told.clear()
    engine.release()
    os.write(tell, "".join(told).encode())
    os._exit(0)


def run_both(home: Home, edits: int) -> list[str]:
    """What the two processes were told was saved, a line an edit."""
    hear, tell = os.pipe()
    workers = [FORK.Process(target=work, args=(home, n, edits // 2, tell)) for n in ("ann", "ben")]
    for worker in workers:
        worker.start()
    os.close(tell)
    with os.fdopen(hear) as lines:
        said = lines.read().splitlines()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    return said


@pytest.mark.parametrize(
    "edits", [400, pytest.param(100_000, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_two_processes_share_a_database(tmp_path: Path, side: Side, edits: int) -> None:
    home = Home(tmp_path, side, f"shared-{edits}")
    engine = home.engine()
    for pid in ids_of(home):
        values = {"feature_name": pid, "department": "Before"}
        itsc_roadmap.create_project(engine.conn, engine.ctx, values, project_id=pid)
    assert drain(engine).clean
    with tally.judged(("two processes", "all")):
        said = run_both(home, edits)
        assert drain(engine).clean
        agree(home, said)
    tally.ran("operations by two processes", edits)
    tally.hit("two processes", "all")
    close(engine)


def agree(home: Home, said: list[str]) -> None:
    engine = home.engine()
    conn = engine.conn
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for line in said:
        number, pid, path, value = line.split(" ", 3)
        seq = int(number)
        op = operations.get(conn, seq)
        assert op is not None, line
        assert (op.project_id, op.changes[path][1]) == (pid, value), line
        states = {each.state for each in deliveries.of_operation(conn, seq)}
        assert states == {"done"}, (line, states)
        last[pid, path] = max(last.get((pid, path), (0, "")), (seq, value))
    assert len({line.split(" ", 1)[0] for line in said}) == len(said), "a number was given twice"
    assert conflicts.find(conn) == []
    names = field_map()
    documents = home.documents()
    found = documents.get_many("itsc_projects", ids_of(home))
    documents.close()
    for pid in ids_of(home):
        (row,) = home.side.rows(pid)
        here, document = projects.get(conn, pid), found[pid]
        assert here is not None
        assert document is not None
        for path in FIELDS:
            value = last.get((pid, path), (0, here.values[path]))[1]
            group, _, leaf = path.partition(".")
            shared = document.fields[group]
            assert here.values[path] == value
            assert (shared[leaf] if leaf else shared) == value
            if path != "product_owner":
                assert row[names[path]] == value
        in_order(home, str(row["Id"]), said, pid)
    close(engine)


def in_order(home: Home, row_id: str, said: list[str], project_id: str) -> None:
    """Salesforce saw this project's departments in the order of the edits, none of them twice."""
    order = {}
    for line in said:
        number, pid, path, value = line.split(" ", 3)
        if pid == project_id and path == "department":
            order[value] = int(number)
    history = home.side.query(
        "SELECT NewValue FROM Ticket__History WHERE Field = 'Department__c' "
        f"AND ParentId = '{row_id}' ORDER BY CreatedDate, Id"
    )
    seen = [order[row["NewValue"]] for row in history if row["NewValue"] in order]
    assert seen, "nothing of this project is tracked"
    assert seen == sorted(set(seen))
