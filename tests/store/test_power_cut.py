"""What was said to be saved is on the disk, not only in the system's memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import itsc_roadmap
from services.context import Context
from services.sandbox.firestore import EmbeddedDocuments
from services.sync.engine import Engine
from services.sync.targets.firestore import FirestoreTarget
from store import deliveries, projects
from store.database import open_database
from tests.power import Disk, library, watched
from tests.sync.fakes import FakeSalesforce, Ticking

SQLITE = library()
pytestmark = pytest.mark.skipif(
    SQLITE is None, reason="Python's SQLite is no shared library here, so it can't be watched"
)
CTX = Context("ann")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    (tmp_path / "safe").mkdir()
    with watched(SQLITE, Disk(tmp_path, tmp_path / "safe")) as disk:
        yield disk


def test_every_edit_survives_a_power_cut_right_after_it_was_saved(
    tmp_path: Path, disk: Disk
) -> None:
    conn = open_database(tmp_path / "steerco.db")
    pid = itsc_roadmap.create_project(conn, CTX, {"feature_name": "Portal"}).project.project_id
    before = disk.syncs["steerco.db-wal"]
    for number in range(12):
        itsc_roadmap.update_project(conn, CTX, pid, {"sort_order": number})
        left = open_database(disk.after_a_power_cut(tmp_path / f"cut{number}") / "steerco.db")
        found = projects.get(left, pid)
        assert found is not None
        assert found.values["sort_order"] == number
        waiting = deliveries.open_of_project(left, pid)
        assert max(each.seq for each in waiting) == number + 2
        left.close()
    assert disk.syncs["steerco.db-wal"] - before == 12, "one sync a commit"
    conn.close()


def test_what_is_about_to_leave_is_on_the_disk_before_it_leaves(tmp_path: Path, disk: Disk) -> None:
    """Or else a send whose process and machine died would be made again blindly."""
    conn = open_database(tmp_path / "steerco.db")
    clock = Ticking()
    seen: list[str] = []

    def look(point: str) -> None:
        target, _, moment = point.partition(":")
        if moment in ("written", "acked"):
            left = open_database(
                disk.after_a_power_cut(tmp_path / f"cut{len(seen)}") / "steerco.db"
            )
            sent = deliveries.sent(left, pid, target)
            assert (sent is not None) == (moment == "written"), point
            left.close()
            seen.append(point)

    pid = itsc_roadmap.create_project(conn, CTX, {"feature_name": "Portal"}).project.project_id
    remotes = {
        "firestore": FirestoreTarget(EmbeddedDocuments(tmp_path / "documents.db", clock=clock)),
        "salesforce": FakeSalesforce(clock),
    }
    Engine(conn, Context("ann", clock), remotes, rng=random.Random(1), point=look).cycle()
    assert seen == [
        "firestore:written",
        "firestore:acked",
        "salesforce:written",
        "salesforce:acked",
    ]
    conn.close()
