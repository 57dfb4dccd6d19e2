"""steerco import and steerco export: a plan carried out, and what comes back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from services.context import Context
from services.importing import apply
from services.importing.plan import ExistingLookup, ImportPlan, ImportRow
from store.canon import Values
from store.database import open_database
from tests.commands.conftest import Steerco

TITLES = "Project Id,Feature,Priority,Status,Parent"


def sheet(path: Path, *rows: str, titles: str = TITLES) -> str:
    path.write_text("\r\n".join([titles, *rows]), encoding="utf-8")
    return str(path)


def test_an_import_creates_then_updates_only_what_differs(steerco: Steerco, tmp_path: Path) -> None:
    file = sheet(tmp_path / "plan.csv", "a,Alpha,P1,Paused,", "b,Beta,P2,In QA,")
    first = steerco("import", file, "--json")
    assert first.code == 0
    assert first.json == {
        "created": 2, "updated": 0, "unchanged": 0, "errors": [], "warnings": [],
    }  # fmt: skip
    again = steerco("import", file, "--json").json
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    sheet(tmp_path / "plan.csv", "a,Alpha,P1,Paused,", "b,Beta,P1,In QA,")
    third = steerco("import", file, "--json").json
    assert (third["created"], third["updated"], third["unchanged"]) == (0, 1, 1)
    entries = steerco("outbox", "list", "--json").json
    assert (entries[0]["op"], entries[0]["fields"]) == ("update", ["priority"])
    assert len(entries) == 3, "an unchanged row writes nothing"


def test_bad_rows_are_reported_and_good_ones_are_in(steerco: Steerco, tmp_path: Path) -> None:
    file = sheet(tmp_path / "plan.csv", "a,Alpha,P1,Paused,", "b,Beta,P9,Paused,")
    done = steerco("import", file, "--json")
    assert done.code == 1
    assert "1 row was left out" in done.sentence
    (error,) = done.json["errors"]
    assert set(error) == {"sheet", "row", "column", "value", "message"}
    assert (error["sheet"], error["row"], error["column"], error["value"]) == (
        "plan.csv", 3, "Priority", "P9",
    )  # fmt: skip
    assert [p["project_id"] for p in steerco("projects", "list", "--json").json] == ["a"]


def test_a_dry_run_says_the_same_and_writes_nothing(steerco: Steerco, tmp_path: Path) -> None:
    steerco("projects", "add", "feature_name=Alpha", "priority=P1", "--id", "a")
    steerco("projects", "add", "feature_name=Gone", "--id", "gone")
    steerco("projects", "delete", "gone", "--yes")
    file = sheet(
        tmp_path / "plan.csv", "a,Alpha,P2,,", "b,Beta,P1,Paused,", "gone,Gone,P1,Paused,"
    )  # fmt: skip
    before = len(steerco("outbox", "list", "--all", "--json").json)
    dry = steerco("import", file, "--dry-run", "--json")
    assert len(steerco("outbox", "list", "--all", "--json").json) == before
    assert [p["project_id"] for p in steerco("projects", "list", "--json").json] == ["a"]
    real = steerco("import", file, "--json")
    assert dry.json == real.json
    assert (dry.code, real.code) == (1, 1)
    assert (real.json["created"], real.json["updated"]) == (1, 1)


def test_a_deleted_project_does_not_come_back_by_an_import_nor_do_its_children(
    steerco: Steerco, tmp_path: Path
) -> None:
    steerco("projects", "add", "feature_name=Gone", "--id", "gone")
    steerco("projects", "delete", "gone", "--yes")
    file = sheet(
        tmp_path / "plan.csv",
        "c,Child,P1,Paused,gone",
        "gone,Gone,P1,Paused,",
        "o,Other,P1,Paused,",
    )
    for argv in (["--dry-run"], []):
        done = steerco("import", file, "--json", *argv)
        assert done.code == 1
        assert done.json["created"] == 1
        assert {(e["row"], e["column"]) for e in done.json["errors"]} == {
            (2, "Parent Initiative"),
            (3, "Project Id"),
        }


def test_parents_may_stand_below_their_children_in_the_file(
    steerco: Steerco, tmp_path: Path
) -> None:
    file = sheet(
        tmp_path / "plan.csv", "c,Child,P1,Paused,Beta", "b,Beta,P1,Paused,a", "a,Alpha,P1,Paused,"
    )
    assert steerco("import", file).code == 0
    parents = {p["project_id"]: p["parent_id"] for p in steerco("projects", "list", "--json").json}
    assert parents == {"a": None, "b": "a", "c": "b"}


def test_a_family_can_be_turned_round_by_an_import(steerco: Steerco, tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    sheet(file, "a,A,P1,Paused,b", "b,B,P1,Paused,c", "c,C,P1,Paused,")
    assert steerco("import", str(file)).code == 0
    sheet(file, "c,C,P1,Paused,a", "b,B,P1,Paused,c", "a,A,P1,Paused,")
    done = steerco("import", str(file))
    assert done.code == 0, done.err
    parents = {p["project_id"]: p["parent_id"] for p in steerco("projects", "list", "--json").json}
    assert parents == {"a": None, "b": "c", "c": "a"}


def test_votes_of_a_file_and_votes_here_add_up_and_no_total_is_imported_over_them(
    steerco: Steerco, tmp_path: Path
) -> None:
    steerco("projects", "add", "feature_name=A", "scores.Ana=4", "--id", "a")
    file = sheet(tmp_path / "plan.csv", "a,A,17", titles="Project Id,Feature,Total")
    done = steerco("import", file, "--json").json
    assert (done["updated"], done["unchanged"]) == (0, 1)
    assert steerco("projects", "show", "a", "--json").json["total_score"] == 4


def row(project_id: str, values: Values, number: int = 1) -> ImportRow:
    return ImportRow(project_id, {"feature_name": project_id, **values}, None, "s", number)


def test_an_import_cut_off_between_groups_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "GROUP", 4)
    conn = open_database(tmp_path / "x.db")
    ctx = Context("Ana")
    plan = ImportPlan(tuple(row(f"p{n}", {}, n) for n in range(10)), (), ())

    class Killed(BaseException):
        pass

    def kill(done: int, _whole: int) -> None:
        if done == 8:
            raise Killed

    with pytest.raises(Killed):
        apply.apply_plan(conn, ctx, plan, progress=kill)
    here = conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0]
    assert here == 8, "whole groups only"
    seen: list[tuple[int, int]] = []
    done = apply.apply_plan(conn, ctx, plan, progress=lambda *step: seen.append(step))
    assert (done.created, done.unchanged) == (2, 8)
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert conn.execute("SELECT COUNT(*) FROM operations").fetchone()[0] == 10
    conn.close()


def test_a_failure_inside_a_group_writes_none_of_it(tmp_path: Path) -> None:
    conn = open_database(tmp_path / "x.db")
    plan = ImportPlan(tuple(row(f"p{n}", {}, n) for n in range(10)), (), ())
    made = iter("abcde")

    with pytest.raises(StopIteration):
        apply.apply_plan(conn, Context("Ana", new_id=lambda: next(made)), plan)
    assert conn.execute("SELECT COUNT(*) FROM projects").fetchone()[0] == 0
    assert conn.execute("SELECT COUNT(*) FROM operations").fetchone()[0] == 0
    conn.close()


def test_ten_thousand_rows_take_one_transaction_a_group(tmp_path: Path) -> None:
    conn = open_database(tmp_path / "x.db")
    commits = []
    conn.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    plan = ImportPlan(tuple(row(f"p{n}", {}, n) for n in range(2_000)), (), ())
    apply.apply_plan(conn, Context("Ana"), plan)
    assert len(commits) == 2_000 / apply.GROUP
    conn.close()


def test_rows_are_ordered_by_depth_whatever_stands_between_them_here_already() -> None:
    existing = ExistingLookup(
        [("top", "Top", None), ("mid", "Mid", "top"), ("leaf", "Leaf", "mid")]
    )
    rows = [row("leaf", {}), row("x", {"parent_id": "leaf"}), row("top", {"parent_id": None})]
    assert [r.project_id for r in apply.parents_first(rows, existing)] == ["top", "leaf", "x"]
    loop = ExistingLookup([("a", "A", "b"), ("b", "B", "a")])
    assert {r.project_id for r in apply.parents_first([row("a", {}), row("b", {})], loop)} == {
        "a",
        "b",
    }


def test_samples_come_into_a_database_in_which_nothing_was_ever_done(tmp_path: Path) -> None:
    import datetime as dt

    conn = open_database(tmp_path / "x.db")
    ctx = Context("Ana")
    today = dt.date(2026, 11, 21)
    assert apply.add_samples(conn, ctx, today) == 50
    assert apply.add_samples(conn, ctx, today) == 0
    for (project_id,) in conn.execute("SELECT project_id FROM projects").fetchall():
        from services import itsc_roadmap

        itsc_roadmap.delete_project(conn, ctx, project_id)
    assert apply.add_samples(conn, ctx, today) == 0, "whoever deleted them all wants none"
    conn.close()


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_an_export_comes_back_as_it_was(
    steerco: Steerco, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str
) -> None:
    steerco(
        "projects", "add", "feature_name==SUM(1) 🧩, \"x\"", "scores.J. Doe=4", "priority=P1",
        "brief.what_it_does=two\nlines", "flags.alignment=true", "--id", "a",
    )  # fmt: skip
    steerco("projects", "add", "feature_name=B", "parent_id=a", "--id", "b")
    before = steerco("projects", "list", "--json").json
    out = tmp_path / f"roadmap.{format_}"
    assert steerco("export", "--format", format_, "--output", str(out)).code == 0
    monkeypatch.setenv("STEERCO_HOME", str(tmp_path / "other"))
    assert steerco("import", str(out)).code == 0
    after = steerco("projects", "list", "--json").json
    changing = {"updated_at", "updated_by", "sync", "created_at"}
    for one, other in zip(before, after, strict=True):
        assert {k: v for k, v in one.items() if k not in changing} == {
            k: v for k, v in other.items() if k not in changing
        }


def test_an_export_to_standard_output_is_the_file_and_nothing_else(process: Steerco) -> None:
    process("projects", "add", "feature_name=Ü 🧩", "priority=P1", "--id", "a")
    process("projects", "add", "feature_name=B", "--id", "b")
    printed = process("export", "--format", "json", "--view", "p1-active")
    assert [p["project_id"] for p in json.loads(printed.out)] == ["a"]
    table = process("export", "--format", "csv", env={"PYTHONIOENCODING": "ascii"})
    assert table.out.splitlines()[0].startswith("project_id,")
    assert "Ü 🧩" in table.out
    assert "| Ü 🧩 |" in process("export", "--format", "md").out


def test_an_import_stays_out_of_undo_and_keeps_its_origin(
    steerco: Steerco, tmp_path: Path, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("import", sheet(tmp_path / "plan.csv", "a,Alpha,P1,Paused,", "b,Beta,P2,In QA,"))
    with database() as conn:
        rows = conn.execute("SELECT origin, operator, trace_id FROM operations").fetchall()
    assert {r[:2] for r in rows} == {("import", "Ana Ruiz")}
    assert len({r[2] for r in rows}) == 1, "one import is one trace"
