"""The six saved views in SQL equal their definition in words, on any set of projects."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services import itsc_roadmap
from services.context import Context
from store import fields, projects, views
from store.canon import launch_date
from store.database import open_database, transaction
from store.projects import Project, Query, Term

TODAY = dt.date(2026, 11, 21)
TARGETS = st.one_of(
    st.sampled_from([None, "?", "TBD", "N/A", "2026-11-20", "2026-11-21", "2027-02-19"]),
    st.sampled_from(["2027-02-20", "1999-12-31"]),
    st.dates(dt.date(2026, 8, 1), dt.date(2027, 4, 1)).map(dt.date.isoformat),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(fields.PRIORITIES),
        st.sampled_from(fields.STATUSES),
        TARGETS,
        st.one_of(st.none(), st.integers(0, 5)),
    ),
    max_size=25,
)


def belongs(view: str, project: Project) -> bool:
    """The definitions of the six views, in plain words."""
    status, priority = project.values["status"], project.values["priority"]
    date = launch_date(project.values["launch_target"])  # type: ignore[arg-type]
    is_open = status not in ("Completed", "N/A")
    match view:
        case "p1-active":
            return priority == "P1" and is_open
        case "p2-pipeline":
            return priority == "P2" and is_open
        case "not-yet-prioritized":
            return priority in ("TBD", "Not yet Prioritized")
        case "needs-attention":
            late = date is not None and date < TODAY and is_open
            return status in ("Paused", "Unknown") or late
        case "upcoming-90d":
            soon = date is not None and TODAY <= date <= TODAY + dt.timedelta(days=90)
            return soon and is_open
        case _:
            return True


def rank(project: Project) -> tuple[object, ...]:
    order = project.values["sort_order"]
    date = launch_date(project.values["launch_target"])  # type: ignore[arg-type]
    return (
        fields.PRIORITIES.index(str(project.values["priority"])),
        (order is None, order or 0),
        (date is None, date or TODAY),
        project.project_id,
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_views_hold_and_order_what_their_definition_says(
    rows: list[tuple[str, str, str | None, int | None]], tmp_path_factory: object
) -> None:
    conn = open_database(Path(tmp_path_factory.mktemp("v")) / "x.db")  # type: ignore[attr-defined]
    everything = fill(conn, rows)
    counts = projects.count_views(conn, TODAY)
    for view in views.VIEWS:
        found = projects.find(conn, Query(TODAY, view))
        wanted = sorted((p for p in everything if belongs(view.key, p)), key=rank)
        assert [p.project_id for p in found] == [p.project_id for p in wanted], view.key
        assert counts[view.key] == len(wanted)


def fill(
    conn: sqlite3.Connection, rows: list[tuple[str, str, str | None, int | None]]
) -> list[Project]:
    with transaction(conn):
        for number, (priority, status, target, order) in enumerate(rows):
            values = {"status": status, "priority": priority, "launch_target": target}
            project = Project(
                f"p{number:03d}",
                1,
                projects.with_total({**values, "feature_name": f"P{number}", "sort_order": order}),
                None,
                "ann",
                "2026-01-01T00:00:00.000Z",
                "ann",
                "2026-01-01T00:00:00.000Z",
            )
            projects.insert(conn, project)
    return list(projects.get_many(conn, [f"p{n:03d}" for n in range(len(rows))]).values())


def test_a_view_is_found_by_key_or_label() -> None:
    assert views.find_view("P1 Active") is views.BY_KEY["p1-active"]
    assert views.find_view("needs_attention") is views.BY_KEY["needs-attention"]
    assert views.find_view("nonsense") is None


def test_a_deleted_project_is_in_no_view_count_or_lookup(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    pid = itsc_roadmap.create_project(conn, ctx, {"feature_name": "Gone"}).project.project_id
    itsc_roadmap.delete_project(conn, ctx, pid)
    assert projects.get(conn, pid) is None
    assert not projects.exists(conn, pid)
    assert projects.ids_by_name(conn, "Gone") == []
    assert set(projects.count_views(conn, TODAY).values()) == {0}
    for view in views.VIEWS:
        assert projects.find(conn, Query(TODAY, view)) == []


def test_search_folds_case_in_every_script_and_chips_look_into_one_field(
    conn: sqlite3.Connection, ctx: Context
) -> None:
    one = itsc_roadmap.create_project(
        conn, ctx, {"feature_name": "ÉTUDE Größe", "brief.punchline": "50%_off"}
    ).project.project_id
    two = itsc_roadmap.create_project(
        conn, ctx, {"feature_name": "Other", "department": "étude"}
    ).project.project_id

    def ids(*terms: Term) -> set[str]:
        return {p.project_id for p in projects.find(conn, Query(TODAY, terms=terms))}

    assert ids(Term("étude")) == {one, two}
    assert ids(Term("GRÖSSE")) == {one}
    assert ids(Term("étude", path="department")) == {two}
    assert ids(Term("étude", path="department", negate=True)) == {one}
    assert ids(Term("%_")) == {one}
