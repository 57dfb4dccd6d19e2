"""Commands on projects: what is recorded, what is refused, undo, order, parents."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import itsc_roadmap as roadmap
from services.context import Context
from services.ordering import BandFull, renumber
from store import deliveries, operations, projects
from store.canon import Refusal


def add(conn: sqlite3.Connection, ctx: Context, name: str, **values: object) -> str:
    given_ = {"feature_name": name, **values}
    return roadmap.create_project(conn, ctx, given_).project.project_id


def test_an_edit_records_only_what_changed_with_both_values(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A", department="IT")
    edit = roadmap.update_project(
        conn, ctx, pid, {"department": " Finance ", "status": "Yet to Start"}
    )
    assert edit.changes == {"department": ("IT", "Finance")}
    assert edit.seq is not None
    op = operations.get(conn, edit.seq)
    assert op is not None
    assert (op.kind, op.operator, op.origin) == ("update", "ann", "local")
    found = [(d.target, d.part, d.state) for d in deliveries.of_operation(conn, edit.seq)]
    assert found == [("firestore", "row", "pending"), ("salesforce", "row", "pending")]


def test_an_edit_that_changes_nothing_records_nothing(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A", department="IT")
    before = conn.execute("SELECT COUNT(*) FROM operations").fetchone()[0]
    assert roadmap.update_project(conn, ctx, pid, {"department": "IT\r\n"}).seq is None
    assert conn.execute("SELECT COUNT(*) FROM operations").fetchone()[0] == before


def test_an_editor_records_the_value_it_was_opened_on(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A", department="now")
    edit = roadmap.update_project(
        conn, ctx, pid, {"department": "new"}, replaced={"department": "then"}
    )
    assert edit.changes == {"department": ("then", "new")}


def test_a_refused_value_changes_nothing_at_all(conn: sqlite3.Connection, ctx: Context) -> None:
    pid = add(conn, ctx, "A")
    with pytest.raises(Refusal):
        roadmap.update_project(conn, ctx, pid, {"department": "IT", "status": "Done"})
    assert roadmap.get_project(conn, pid).values["department"] is None


def test_an_id_is_never_used_again_and_never_twice(conn: sqlite3.Connection, ctx: Context) -> None:
    roadmap.create_project(conn, ctx, {"feature_name": "A"}, project_id="abc")
    with pytest.raises(Refusal, match="another project has this id"):
        roadmap.create_project(conn, ctx, {"feature_name": "B"}, project_id="abc")
    roadmap.delete_project(conn, ctx, "abc")
    with pytest.raises(Refusal, match="has been deleted"):
        roadmap.create_project(conn, ctx, {"feature_name": "B"}, project_id="abc")


def test_a_parent_is_another_project_and_never_below(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    top, middle, leaf = add(conn, ctx, "T"), add(conn, ctx, "M"), add(conn, ctx, "L")
    roadmap.update_project(conn, ctx, middle, {"parent_id": top})
    roadmap.update_project(conn, ctx, leaf, {"parent_id": middle})
    for bad in (top, leaf, "nobody"):
        with pytest.raises(Refusal, match="parent_id"):
            roadmap.update_project(conn, ctx, top, {"parent_id": bad})


def test_one_edit_of_many_is_all_or_nothing_and_one_undo(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    ids = [add(conn, ctx, f"P{n}") for n in range(3)]
    roadmap.update_many(conn, ctx, ids, {"status": "Paused"})
    with pytest.raises(LookupError):
        roadmap.update_many(conn, ctx, [*ids, "nobody"], {"status": "Completed"})
    assert {p.values["status"] for p in projects.get_many(conn, ids).values()} == {"Paused"}
    done = roadmap.undo(conn, ctx)
    assert done is not None
    assert len(done.edits) == 3
    assert {p.values["status"] for p in projects.get_many(conn, ids).values()} == {"Yet to Start"}


def test_undo_and_redo_walk_back_and_forth_and_a_new_edit_ends_redo(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A")

    def department() -> object:
        return roadmap.get_project(conn, pid).values["department"]

    for value in ("one", "two", "three"):
        roadmap.update_project(conn, ctx, pid, {"department": value})
    roadmap.undo(conn, ctx)
    roadmap.undo(conn, ctx)
    assert department() == "one"
    roadmap.undo(conn, ctx, redo=True)
    assert department() == "two"
    roadmap.update_project(conn, ctx, pid, {"department": "four"})
    assert roadmap.undo(conn, ctx, redo=True) is None
    roadmap.undo(conn, ctx)
    assert department() == "two"


def test_undo_leaves_alone_what_somebody_changed_since(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A")
    roadmap.update_project(conn, ctx, pid, {"department": "mine", "status": "Paused"})
    other = Context("ben", ctx.clock, lambda: f"ben-{ctx.new_id()}")
    roadmap.update_project(conn, other, pid, {"department": "theirs"})
    done = roadmap.undo(conn, ctx)
    assert done is not None
    assert done.left == ("Department of A was changed since",)
    values = roadmap.get_project(conn, pid).values
    assert (values["department"], values["status"]) == ("theirs", "Yet to Start")


def test_a_create_can_be_undone_and_redone(conn: sqlite3.Connection, ctx: Context) -> None:
    pid = add(conn, ctx, "A", department="IT")
    roadmap.undo(conn, ctx)
    assert not projects.exists(conn, pid)
    roadmap.undo(conn, ctx, redo=True)
    assert roadmap.get_project(conn, pid).values["department"] == "IT"


def test_stamps_rise_even_when_the_clock_is_set_back_a_day(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A")
    roadmap.update_project(conn, ctx, pid, {"department": "one"})
    first = roadmap.get_project(conn, pid).stamp("department")
    yesterday = Context("ann", lambda: ctx.clock() - 86_400, lambda: "later")
    roadmap.update_project(conn, yesterday, pid, {"department": "two"})
    second = roadmap.get_project(conn, pid).stamp("department")
    assert first is not None
    assert second is not None
    assert second.at > first.at


def test_moving_writes_the_fewest_rows(conn: sqlite3.Connection, ctx: Context) -> None:
    ids = [add(conn, ctx, f"P{n}", priority="P1", sort_order=n * 10) for n in range(6)]
    edits = roadmap.move_project(conn, ctx, ids[4], -1)
    assert len(edits) == 1
    order = conn.execute(f"SELECT project_id FROM projects ORDER BY {projects.ORDER}").fetchall()
    assert [row[0] for row in order] == [ids[0], ids[1], ids[2], ids[4], ids[3], ids[5]]
    assert roadmap.move_project(conn, ctx, ids[0], -1) == []


@given(st.lists(st.one_of(st.none(), st.integers(0, 999)), max_size=60))
def test_renumbering_is_strictly_increasing_in_range_and_keeps_what_fits(
    orders: list[int | None],
) -> None:
    numbers = renumber(orders)
    assert numbers == sorted(set(numbers))
    assert all(0 <= n <= 999 for n in numbers)
    fits = orders == sorted({o for o in orders if o is not None})
    if fits:
        assert numbers == orders


def test_a_band_of_a_thousand_is_full() -> None:
    assert renumber([None] * 1000) == list(range(1000))
    with pytest.raises(BandFull):
        renumber([None] * 1001)


def test_a_total_that_contradicts_the_votes_is_not_recorded(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = add(conn, ctx, "A", **{"scores.Ana": 4})
    assert roadmap.update_project(conn, ctx, pid, {"total_score": 99}).seq is None
    assert roadmap.get_project(conn, pid).values["total_score"] == 4
    free = add(conn, ctx, "B")
    assert roadmap.update_project(conn, ctx, free, {"total_score": 99}).seq is not None
    assert roadmap.get_project(conn, free).values["total_score"] == 99
