"""The seven umbrellas: which children they find, what they are called, what is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services import itsc_roadmap
from services.context import Context
from services.migration.umbrellas import Entry, apply, entries_of, plan, words_of
from store import operations, projects
from store.database import open_database

CHILDREN = {
    "feedback-platform": ["🧩 Feedback Platform (v1)", "🧩 Feedback Platform (v2)"],
    "event-segmentation": ["🌐 Event Segmentation (v1)", "🌐 Event Segmentation (v2)"],
    "event-app-pwa-in-house": [
        "📱 Event App : PWA – In-House (v1)",
        "📱 Event App : PWA – In-House (v2)",
    ],
    "bidspeed": ["⚡ BidSpeed (cloverleaf)", "⚡ BidSpeed (euna)"],
    "sponsor-portal-automation": [
        "📊 Sponsor Portal Automation (Pre-Event)",
        "📊 Sponsor Portal Automation (Post-Event)",
    ],
    "agent-phase-2": [
        "🤖 Agent Phase 2 (Tell Me When Alerts)",
        "🤖 Agent Phase 2 (Proposal Generator)",
        "🤖 Agent Phase 2 (Personal Document Library)",
    ],
    "gtzenda": [
        "GTZenda (Process Optimization)",
        "GTZenda (Full Autonomy)",
        "GTZenda (Grants Data API Integration)",
    ],
}
NAMES = {
    "feedback-platform": "Feedback Platform",
    "event-segmentation": "Event Segmentation",
    "event-app-pwa-in-house": "Event App : PWA – In-House",
    "bidspeed": "BidSpeed",
    "sponsor-portal-automation": "Sponsor Portal Automation",
    "agent-phase-2": "Agent Phase 2",
    "gtzenda": "GTZenda",
}


class Desk:
    """A database with an operator."""

    def __init__(self, path: Path) -> None:
        self.conn = open_database(path / "steerco.db")
        self.ctx = Context("ann")

    def add(self, name: str, priority: str = "P2", **more: object) -> str:
        own = more.pop("project_id", None)
        values = {"feature_name": name, "priority": priority, **more}
        made = itsc_roadmap.create_project(
            self.conn, self.ctx, values, project_id=None if own is None else str(own)
        )
        return made.project.project_id

    def parent(self, project_id: str) -> object:
        return itsc_roadmap.get_project(self.conn, project_id).values["parent_id"]

    def operations(self) -> int:
        return int(self.conn.execute("SELECT COUNT(*) FROM operations").fetchone()[0])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.conn.close()


def test_each_umbrella_is_made_with_its_stable_id_and_its_children_linked(desk: Desk) -> None:
    ids = {own: [desk.add(name) for name in names] for own, names in CHILDREN.items()}
    done = apply(desk.conn, desk.ctx)
    assert set(done.created) == set(CHILDREN)
    assert len(done.linked) == 16
    for own, children in ids.items():
        umbrella = itsc_roadmap.get_project(desk.conn, own)
        assert umbrella.name == NAMES[own]
        assert umbrella.values["status"] == "Yet to Start"
        assert {desk.parent(child) for child in children} == {own}


def test_done_twice_it_changes_nothing(desk: Desk) -> None:
    for names in CHILDREN.values():
        for name in names:
            desk.add(name)
    apply(desk.conn, desk.ctx)
    before = desk.operations()
    again = apply(desk.conn, desk.ctx)
    assert (again.created, again.linked, again.left) == ((), (), ())
    assert (len(again.existing), len(again.already)) == (7, 16)
    assert desk.operations() == before


@pytest.mark.parametrize(
    ("priorities", "highest"),
    [
        (("P2", "P1"), "P1"),
        (("TBD", "Not yet Prioritized"), "TBD"),
        (("Not yet Prioritized", "P2"), "P2"),
    ],
)
def test_an_umbrella_has_the_highest_priority_among_its_children(
    desk: Desk, priorities: tuple[str, str], highest: str
) -> None:
    for name, priority in zip(CHILDREN["bidspeed"], priorities, strict=True):
        desk.add(name, priority)
    apply(desk.conn, desk.ctx)
    assert itsc_roadmap.get_project(desk.conn, "bidspeed").values["priority"] == highest


def test_an_umbrella_without_a_child_is_not_made(desk: Desk) -> None:
    desk.add("⚡ BidSpeed (euna)")
    assert apply(desk.conn, desk.ctx).created == ("bidspeed",)
    assert projects.exists(desk.conn, "gtzenda") is False


@pytest.mark.parametrize(
    "name",
    [
        "Event App : PWA – In-House (v1)",
        "📱\u00a0Event App: PWA - In-House\u202f(V1)",
        "event app — pwa — in-house v1",
    ],
)
def test_emoji_dashes_spaces_and_case_do_not_hide_a_child(desk: Desk, name: str) -> None:
    child = desk.add(name)
    apply(desk.conn, desk.ctx)
    assert desk.parent(child) == "event-app-pwa-in-house"


@pytest.mark.parametrize(
    "name",
    [
        "Feedback Platform (v3)",
        "Feedback Platform (v1) rollout",
        "New Feedback Platform (v1)",
        "GTZenda",
        "Agent Phase 20 (Proposal Generator)",
        "منصة Feedback Platform (v1)",
    ],
)
def test_a_name_that_only_resembles_a_child_is_none(desk: Desk, name: str) -> None:
    project = desk.add(name)
    apply(desk.conn, desk.ctx)
    assert desk.parent(project) is None
    assert len(entries_of(desk.conn)) == 1


def test_a_child_with_another_parent_is_left_and_reported(desk: Desk) -> None:
    other = desk.add("Programme")
    mine = desk.add("GTZenda (Full Autonomy)", parent_id=other)
    free = desk.add("GTZenda (Process Optimization)", "P1")
    done = apply(desk.conn, desk.ctx)
    assert desk.parent(mine) == other
    assert desk.parent(free) == "gtzenda"
    (left,) = done.left
    assert (left.project_id, left.name) == (mine, "GTZenda (Full Autonomy)")
    assert other in left.reason


def test_a_project_of_the_umbrellas_name_is_the_umbrella_whatever_its_id(desk: Desk) -> None:
    own = desk.add("🧩 Feedback Platform")
    child = desk.add("🧩 Feedback Platform (v1)")
    done = apply(desk.conn, desk.ctx)
    assert done.created == ()
    assert desk.parent(child) == own


def test_a_renamed_umbrella_is_still_found_by_its_id(desk: Desk) -> None:
    desk.add("⚡ BidSpeed (euna)")
    apply(desk.conn, desk.ctx)
    itsc_roadmap.update_project(desk.conn, desk.ctx, "bidspeed", {"feature_name": "Bids"})
    late = desk.add("⚡ BidSpeed (cloverleaf)")
    done = apply(desk.conn, desk.ctx)
    assert (done.created, done.linked) == ((), (late,))
    assert desk.parent(late) == "bidspeed"


def test_a_child_that_has_the_umbrellas_id_does_not_become_its_own_parent(desk: Desk) -> None:
    child = desk.add("GTZenda (Full Autonomy)", project_id="gtzenda")
    first = apply(desk.conn, desk.ctx)
    (made,) = first.created
    assert made != child
    assert desk.parent(child) == made
    assert apply(desk.conn, desk.ctx).created == ()


def test_a_deleted_umbrella_is_not_made_again_and_says_so(desk: Desk) -> None:
    child = desk.add("⚡ BidSpeed (euna)")
    apply(desk.conn, desk.ctx)
    itsc_roadmap.delete_project(desk.conn, desk.ctx, "bidspeed")
    done = apply(desk.conn, desk.ctx)
    assert done.created == done.linked == ()
    assert desk.parent(child) is None
    assert "deleted" in done.left[0].reason


def test_an_umbrella_below_its_own_child_is_no_parent_of_it(desk: Desk) -> None:
    child = desk.add("⚡ BidSpeed (euna)")
    desk.add("BidSpeed", parent_id=child)
    done = apply(desk.conn, desk.ctx)
    assert desk.parent(child) is None
    assert done.left[0].project_id == child


def test_making_an_umbrella_and_its_links_is_one_action_to_undo(desk: Desk) -> None:
    children = [desk.add(name) for name in CHILDREN["bidspeed"]]
    apply(desk.conn, desk.ctx)
    assert {op.origin for op in operations.history(desk.conn, "bidspeed")} == {"local"}
    itsc_roadmap.undo(desk.conn, desk.ctx)
    assert projects.exists(desk.conn, "bidspeed") is False
    assert {desk.parent(child) for child in children} == {None}


def test_words_of_a_name_are_its_letters_and_digits() -> None:
    assert words_of("❤️‍🩹 Health_Dashboard!") == "health dashboard"
    assert words_of("🧩") == ""


def test_a_plan_writes_nothing(desk: Desk) -> None:
    desk.add("⚡ BidSpeed (euna)")
    before = desk.operations()
    (found,) = plan(entries_of(desk.conn))
    assert (found.project_id, found.create, len(found.link)) == ("bidspeed", True, 1)
    assert desk.operations() == before
    assert plan([Entry("x", "Nothing of the kind", "P1", None)]) == []
