"""What a write overwrote unseen comes back as a conflict; old tombstones lose their texts."""

from __future__ import annotations

import datetime as dt

import pytest

from services import itsc_roadmap
from services.sync.overwritten import overwritten
from services.sync.targets.base import Remote
from services.sync.targets.sf_history import HistoryRow
from services.sync.tombstones import strips
from store import conflicts
from tests.sync.world import World

T0 = dt.datetime(2026, 5, 1, 12, 0, tzinfo=dt.UTC)


def row(second: int, old: str | None, new: str | None, *, by_us: bool) -> HistoryRow:
    return HistoryRow("a01", "department", old, new, by_us, T0 + dt.timedelta(seconds=second))


def lost(*rows: HistoryRow, seen: tuple[str, ...] = ()) -> list[tuple[object, object]]:
    found = overwritten(rows, lambda _record, _path, value: value in seen)
    return [(each.theirs, each.mine) for each in found]


def test_a_persons_value_directly_under_ours_that_nobody_here_saw_is_lost() -> None:
    assert lost(row(0, "A", "human", by_us=False), row(1, "human", "mine", by_us=True)) == [
        ("human", "mine")
    ]


def test_what_was_seen_or_was_not_overwritten_by_us_is_not() -> None:
    human, mine = row(0, "A", "human", by_us=False), row(1, "human", "mine", by_us=True)
    assert lost(human, mine, seen=("human",)) == []
    assert lost(human) == []
    assert lost(mine, row(2, "mine", "human", by_us=False)) == []
    assert lost(human, row(1, "human", "other", by_us=False)) == []
    assert lost(human, row(1, "something else", "mine", by_us=True)) == []
    assert lost(human, row(1, "human", "human", by_us=True)) == []


def test_a_long_text_has_no_values_in_the_history() -> None:
    assert lost(row(0, None, None, by_us=False), row(1, None, None, by_us=True)) == []


@pytest.mark.parametrize(("seconds", "stands"), [(0, "Unseen"), (-5, "Mine")])
def test_of_an_edit_in_the_moment_between_read_and_write_and_ours_the_later_stands(
    world: World, seconds: int, stands: str
) -> None:
    pid = world.add(department="Before")
    world.sync()
    world.later(120)
    world.set(pid, department="Mine")
    record = world.salesforce.rows[pid].id
    now = dt.datetime.fromtimestamp(world.clock(), dt.UTC)

    def a_person_is_quicker() -> None:
        world.salesforce.human_edits(pid, department="Unseen")
        at = now + dt.timedelta(seconds=seconds)
        world.salesforce.told = [
            HistoryRow(record, "department", "Before", "Unseen", False, at),
            HistoryRow(record, "department", "Unseen", "Mine", True, now),
        ]

    world.salesforce.before_write.append(a_person_is_quicker)
    assert world.sync().clean
    assert conflicts.find(world.conn) == []
    world.later(30)
    report = world.sync()
    assert report.conflicts == 1
    [kept] = conflicts.find(world.conn)
    assert (kept.path, kept.theirs, kept.mine) == ("department", "Unseen", "Mine")
    assert kept.winner == ("theirs" if stands == "Unseen" else "mine")
    sides = (world.here(pid), world.salesforce.rows[pid].values, world.document(pid))
    assert [side["department"] for side in sides] == [stands] * 3
    world.salesforce.told = []
    world.later(30)
    assert world.sync().conflicts == 0
    assert len(conflicts.find(world.conn)) == 1


def test_tombstones_older_than_ninety_days_are_stripped_and_stay() -> None:
    def tombstone(days: int, **values: str) -> Remote:
        at = T0 - dt.timedelta(days=days)
        return Remote("p", exists=True, deleted=True, values=dict(values), token="t", deleted_at=at)

    assert strips([tombstone(89, feature_name="x"), tombstone(91)], T0) == []
    [write] = strips([tombstone(91, feature_name="x")], T0)
    assert write.update_time == "t"
    assert {("feature_name",), ("brief",), ("scores",), ("stamps",)} <= set(write.fields)
    assert not {("deleted",), ("deleted_at",), ("project_id",)} & set(write.fields)


def test_a_stripped_tombstone_is_still_one_for_everybody(world: World) -> None:
    pid = world.add(department="Events")
    world.sync()
    itsc_roadmap.delete_project(world.conn, world.ctx, pid)
    world.sync()
    world.later(91 * 86_400)
    world.sync()
    document = world.document(pid)
    assert document["deleted"] is True
    assert "feature_name" not in document
    late = World(world.home, "late", shared=world)
    late.sync()
    assert late.conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0] == 0
    assert world.sync().clean
