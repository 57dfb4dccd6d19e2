"""The project as the page shows it: sections in page order, differences, order, family."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Region

from screens.widgets.project_sheet import nearest
from screens.widgets.project_votes import judge_name
from services import detail, difference, history, syncview
from services.detail import Detail, Gone
from services.itsc_roadmap import delete_project
from services.outbox import NotPossible
from services.overview import OPEN_GATES, needs_person
from store.fields import FIELDS, Section
from store.users import User
from tests.screens import factory, worlds
from tests.screens.worlds import MAIN, World, edit


def load(world: World, project_id: str = MAIN) -> Detail | Gone:
    with world.store() as conn:
        return detail.load(conn, project_id, "ana", factory.dt.UTC, OPEN_GATES)


def test_the_sections_come_in_page_order_with_every_field_once(tmp_path: Path) -> None:
    found = load(World(tmp_path))
    assert isinstance(found, Detail)
    assert [block.section for block in found.blocks] == list(Section)
    paths = [row.path for block in found.blocks for row in block.rows]
    assert len(paths) == len(set(paths))
    assert {field.path for field in FIELDS} <= set(paths)


def test_two_readings_of_the_same_facts_are_equal(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    assert load(world) == load(world)


def test_a_deleted_project_is_gone_with_who_and_when(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.store() as conn:
        delete_project(conn, worlds.by("eva", 60), MAIN)
    found = load(world)
    assert isinstance(found, Gone)
    assert (found.name, found.deleted_by) == ("🧩 Feedback Platform (v1)", "eva")
    never = load(world, "never-was")
    assert isinstance(never, Gone)
    assert never.deleted_at is None


def test_a_name_is_marked_until_exactly_one_active_user_has_it(tmp_path: Path) -> None:
    world = World(tmp_path)

    def mark(*users: User) -> str:
        with world.store() as conn, worlds.transaction(conn):
            worlds.users.replace(conn, users)
        found = load(world)
        assert isinstance(found, Detail)
        row = found.row("it_lead")
        assert row is not None
        return row.mark

    patel = User("005000000000000AAA", "dev patel", "dev@example.com", True)
    assert mark() == detail.UNRESOLVED
    assert mark(patel) == ""
    assert mark(User("005000000000000AAA", "Dev Patel", None, False)) == detail.UNRESOLVED
    assert mark(patel, User("005000000000000BBB", "Dev Patel", None, True)) == detail.UNRESOLVED


def test_parents_on_offer_are_never_the_project_nor_what_is_below_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.store() as conn:
        edit(conn, 1, {"parent_id": MAIN})
        edit(conn, 2, {"parent_id": "project-00001"})
        offered = [each for each, _ in detail.possible_parents(conn, MAIN, factory.TODAY)]
        assert len(offered) == 9
        assert not {MAIN, "project-00001", "project-00002"} & set(offered)
        below = [e for e, _ in detail.possible_parents(conn, "project-00002", factory.TODAY)]
        assert "project-00001" in below


@pytest.mark.parametrize(
    ("here", "step", "there"),
    [("b", 1, "c"), ("b", -1, "a"), ("c", 1, None), ("a", -1, None), (None, 1, "a"),
     (None, -1, "c"), ("x", 1, "a")],
)  # fmt: skip
def test_the_neighbour_in_an_order(here: str | None, step: int, there: str | None) -> None:
    assert detail.neighbour(["a", "b", "c"], here, step) == there
    assert detail.neighbour([], here, step) is None


def rebuilt(pieces: tuple[tuple[str, str], ...], side: str) -> str:
    return "".join(text for tag, text in pieces if tag in ("same", side))


def test_a_short_difference_gives_both_texts_back() -> None:
    old, new = "Comments are heard today.", "Every comment is heard."
    pieces = difference.short_diff(old, new)
    assert rebuilt(pieces, "gone") == old
    assert rebuilt(pieces, "new") == new
    assert ("same", " heard") in pieces


def test_what_stayed_the_same_is_cut_to_what_stands_beside_the_change() -> None:
    text = "word " * 400
    pieces = difference.short_diff(f"{text}one {text}", f"{text}two {text}")
    assert [piece for piece in pieces if piece[0] != "same"] == [("gone", "one"), ("new", "two")]
    assert sum(len(said) for _, said in pieces) < 120
    assert pieces[0][1].startswith("… word ")
    assert pieces[-1][1].endswith("…")


def test_texts_of_32_000_characters_are_compared_within_a_frame() -> None:
    old, new = "a b " * 8000, "c d " * 8000
    pieces = difference.short_diff(old, new)
    assert [tag for tag, _ in pieces if tag != "same"] == ["gone", "new"]


def test_a_text_that_came_or_went_has_one_side() -> None:
    assert difference.short_diff(None, "x") == (("new", "x"),)
    assert difference.short_diff("x", None) == (("gone", "x"),)
    assert difference.short_diff(None, None) == ()


@pytest.mark.parametrize(
    ("origin", "operator", "said"),
    [
        ("local", "ana", ("you", "here")),
        ("local", "ben", ("ben", "here")),
        ("firestore", "ben", ("ben", "another operator")),
        ("firestore", "ana", ("you", "elsewhere")),
        ("salesforce", "Mia Chen", ("Mia Chen", "in Salesforce")),
        ("import", "ana", ("you", "import")),
        ("undo", "ana", ("you", "undo")),
        ("people", "steerco", ("Steerco", "the user directory found the name")),
        ("discard", "ana", ("you", "an edit discarded")),
    ],
)
def test_a_change_says_where_it_came_from(
    origin: str, operator: str, said: tuple[str, str]
) -> None:
    assert history.source_words(origin, operator, "ana") == said


def test_suggestions_are_the_values_in_use_and_the_active_users(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.store() as conn:
        with worlds.transaction(conn):
            away = User("005000000000000BBB", "Al Away", None, False)
            here = User("005000000000000AAA", "Zoe New", None, True)
            worlds.users.replace(conn, [away, here])
        names = detail.suggestions(conn, "it_lead")
        assert names[-1] == "Zoe New"
        assert "Al Away" not in names
        assert detail.suggestions(conn, "feature_name") == []
        assert detail.suggestions(conn, "status") == []


def test_a_refused_edit_is_opened_on_the_present_values(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    with world.store() as conn:
        seqs = {
            row[1]: row[0]
            for row in conn.execute("SELECT seq, project_id FROM operations ORDER BY seq")
        }
        found = syncview.mending(conn, seqs["project-00001"])
        assert found.values == (("intake.dev_readiness", 80),)
        assert found.words == worlds.REFUSED[2]
        with pytest.raises(NotPossible, match="nothing of this edit was refused"):
            syncview.mending(conn, seqs["project-00004"])
        delete_project(conn, worlds.by("ana", 1), "project-00010")
        worlds.refuse(conn, worlds.FIRESTORE, "project-00010", "failed", worlds.REFUSED)
        newest = conn.execute("SELECT MAX(seq) FROM operations").fetchone()[0]
        with pytest.raises(NotPossible, match="deleted here"):
            syncview.mending(conn, newest)


def test_what_needs_a_person_is_counted_once(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.all_states)
    with world.store() as conn:
        assert needs_person(conn) == 4
        # A record about the very operation that waits is the same thing to decide.
        conn.execute(
            "UPDATE conflicts SET seq = (SELECT seq FROM deliveries WHERE state = 'conflict') "
            "WHERE id = 'c2'"
        )
        assert needs_person(conn) == 3


@pytest.mark.parametrize(
    ("name", "fine"),
    [("Ana Ruiz", True), ("", True), (" x", False), ("a" * 61, False), ("__x__", False)],
)
def test_a_voters_name_keeps_the_rules_of_the_fields(name: str, fine: bool) -> None:
    assert (judge_name(name) is None) == fine


def test_the_nearest_part_is_the_one_beside_before_the_one_further_off() -> None:
    here = Region(0, 10, 50, 1)
    below, aside, far = Region(0, 12, 50, 1), Region(60, 11, 50, 1), Region(60, 10, 50, 1)
    assert nearest([here, below, aside, far], here, "down") == 1
    assert nearest([here, below, aside, far], here, "right") == 3
    assert nearest([here, below], here, "up") is None
    close_row, close_column = Region(80, 12, 9, 1), Region(60, 20, 9, 1)
    assert nearest([close_column, close_row], here, "right") == 1
    assert nearest([Region(20, 40, 9, 1), Region(90, 12, 9, 1)], here, "down") == 0
    assert nearest([here, Region(0, 0, 0, 0)], here, "up") is None
