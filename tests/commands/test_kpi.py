"""steerco tickets, kpi and backlog: shapes to the letter, and bad input of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.kpis.topics import ORDER
from tests.commands.conftest import Steerco
from tests.kpis import world
from tests.kpis.world import Histories, ticket
from tui.commands.kpi import TOPICS

MONTHLY = ["month", "closed", "weighted_hours", "assignees", "throughput_per_dev", "cycle_n",
           "cycle_median_d", "cycle_p85_d", "cycle_mean_d", "no_start", "reopened",
           "rework_pct"]  # fmt: skip
SHAPES = {
    "monthly": MONTHLY,
    "mttr": ["month", "n", "median_h", "mean_h"],
    "intake": ["month", "n", "median_h"],
    "inflow": ["month", "created", "incidents"],
    "departments": ["department", "tickets", "cycle_n", "cycle_median_d", "weighted_hours",
                    "assignees", "hours_per_person", "reopened", "rework_pct"],
    "first_response": ["month", "n", "median_min", "breached", "breach_pct"],
    "assignment": ["month", "n", "median_min"],
    "releases": ["month", "n", "reliable", "reliability_pct"],
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two exports on the command line: three tickets, one of them a release, one still open."""
    rows = Histories()
    work = {"Priority": "P1", "Type": "Defect"}
    tickets = world.write(
        tmp_path / "T.csv",
        world.TICKET,
        [
            ticket(1, "2026-02-01T00:00:00Z", **work),
            ticket(2, "2026-03-01T00:00:00Z", Type="Release", Department=""),
            ticket(3, "2026-03-02T00:00:00Z", "New", Department="\x1b[31mred"),
        ],
    )
    history = world.write(
        tmp_path / "H.csv",
        world.HISTORY,
        [
            rows.status(1, "New", "In Development", "2026-02-02T00:00:00Z", CreatedById="005z"),
            rows.status(1, "In Development", "Closed", "2026-02-04T12:00:00Z"),
            rows.status(2, "New", "In Development", "2026-03-02T00:00:00Z"),
            rows.status(2, "In Development", "Closed", "2026-03-03T00:00:00Z"),
            rows.status(9, "New", "Closed", "2026-03-03T00:00:00Z"),
        ],
    )
    return ["tickets", "load", "--tickets", str(tickets), "--history", str(history)]


@pytest.fixture
def loaded(steerco: Steerco, files: list[str]) -> Steerco:
    assert steerco(*files).code == 0
    return steerco


def test_a_load_says_what_it_did(steerco: Steerco, files: list[str]) -> None:
    done = steerco(*files, "--json")
    assert done.code == 0
    assert done.json == {
        "tickets": {"read": 3, "new": 3, "bad": 0},
        "history": {"read": 5, "new": 5, "bad": 0},
        "touched": 3,
        "waiting": 1,
        "truncated": 0,
        "replaced": 0,
        "bad_rows": [],
    }
    again = steerco(*files)
    assert (again.code, again.err) == (0, "")
    assert "Tickets: 3 rows read, 0 new or changed\n" in again.out
    assert "1 history row waits for a ticket that is not here" in again.out


def test_bad_rows_are_listed_with_file_and_line(
    steerco: Steerco, files: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "T.csv"
    path.write_text(path.read_text() + "\x1b[2J\n")
    done = steerco(*files)
    assert (done.code, done.err) == (0, "")
    assert "Tickets: 4 rows read, 3 new or changed, 1 bad and left out" in done.out
    assert f"{path} line 5: it has fewer values than the header has names" in done.out
    assert "\x1b" not in done.out
    (row,) = steerco(*files, "--json").json["bad_rows"]
    assert row == {
        "file": str(path),
        "line": 5,
        "message": "it has fewer values than the header has names",
    }


def test_kpi_prints_the_lists_in_the_order_and_shape_that_was_agreed(loaded: Steerco) -> None:
    found = loaded("kpi", "--json").json
    assert list(found) == ["policy_version", *SHAPES]
    assert found["policy_version"] == 1
    for topic, names in SHAPES.items():
        assert found[topic], topic
        assert all(list(row) == names for row in found[topic]), topic
    assert found["monthly"][0] == {
        "month": "2026-02", "closed": 1, "weighted_hours": 1.0, "assignees": 1,
        "throughput_per_dev": 1.0, "cycle_n": 1, "cycle_median_d": 2.5, "cycle_p85_d": 2.5,
        "cycle_mean_d": 2.5, "no_start": 0, "reopened": 0, "rework_pct": 0.0,
    }  # fmt: skip
    assert [row["department"] for row in found["departments"]] == ["", "Events"]
    assert found["first_response"][0]["breach_pct"] == 100.0


def test_the_commands_know_every_topic() -> None:
    assert TOPICS == ORDER


def test_a_month_a_metric_and_departments_narrow_the_same_lists(loaded: Steerco) -> None:
    found = loaded("kpi", "--month", "2026-03", "--json").json
    assert [row["month"] for row in found["monthly"]] == ["2026-03"]
    assert [row["department"] for row in found["departments"]] == [""]
    assert found["mttr"] == []
    assert list(loaded("kpi", "--metric", "mttr", "--json").json) == ["policy_version", "mttr"]
    split = loaded("kpi", "--metric", "monthly", "--by", "department", "--json").json
    assert [(row["month"], row["department"], row["closed"]) for row in split["monthly"]] == [
        ("2026-02", "Events", 1),
        ("2026-03", "", 1),
    ]
    one = loaded("kpi", "--by", "department", "--month", "2026-02", "--json").json
    assert [row["department"] for row in one["inflow"]] == ["Events"]


def test_people_get_tables(loaded: Steerco) -> None:
    out = loaded("kpi").out
    assert "Policy version 1" in out
    assert "rework (reopen rate)" in out
    assert "Cycle median (d)" in out
    assert "(none)" in out
    assert "\x1b" not in loaded("backlog").out
    assert "\\x1b[31mred" in loaded("backlog").out


def test_the_backlog_is_a_list_of_departments(loaded: Steerco) -> None:
    assert loaded("backlog", "--at", "2026-03-04", "--json").json == [
        {"department": "\x1b[31mred", "open": 1, "age_median_d": 2.0, "age_p85_d": 2.0,
         "age_max_d": 2.0}
    ]  # fmt: skip
    assert loaded("backlog", "--at", "2026-02-01", "--json").json == []
    for written, age in (
        ("2026-03", 30.0),
        ("2026-03-04T12:00:00Z", 2.5),
        ("2026-03-04T14:00+02:00", 2.5),
    ):
        (row,) = loaded("backlog", "--at", written, "--json").json
        assert row["age_max_d"] == age
    assert [row["open"] for row in loaded("backlog", "--json").json] == [1]


def test_another_policy_is_stamped_and_does_not_stay(loaded: Steerco, tmp_path: Path) -> None:
    from services.kpis.policy import DEFAULT, _shipped

    path = tmp_path / "p.json"
    content = json.loads(_shipped(DEFAULT)) | {"version": 9}
    content["statuses"]["closed"] = ["New"]
    path.write_text(json.dumps(content))
    other = loaded("kpi", "--policy", str(path), "--json").json
    assert other["policy_version"] == 9
    assert [row["closed"] for row in other["monthly"]] == [1]
    assert loaded("kpi", "--json").json["policy_version"] == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("kpi", "--month", "2026-13"), "'2026-13' is no month"),
        (("kpi", "--metric", "speed"), "--metric is one of monthly, mttr"),
        (("kpi", "--by", "owner"), "--by is one of department"),
        (("backlog", "--at", "yesterday"), "'yesterday' is no date"),
        (("tickets", "load", "--tickets", "x.csv"), "--history"),
    ],
)
def test_wrong_usage_ends_with_2(steerco: Steerco, argv: tuple[str, ...], said: str) -> None:
    done = steerco(*argv)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_what_can_not_be_done_is_one_sentence_and_1(steerco: Steerco, tmp_path: Path) -> None:
    none = str(tmp_path / "none.csv")
    done = steerco("tickets", "load", "--tickets", none, "--history", none)
    assert (done.code, done.sentence) == (1, f"{none} can't be read: No such file or directory.")
    bad = tmp_path / "p.json"
    bad.write_text('{"version": 0}')
    done = steerco("kpi", "--policy", str(bad))
    assert done.code == 1
    assert f"the policy {bad} was refused at $" in done.sentence


def test_a_configured_policy_is_in_force_everywhere(
    steerco: Steerco, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.kpis.policy import DEFAULT, _shipped

    path = tmp_path / "p.json"
    path.write_text(json.dumps(json.loads(_shipped(DEFAULT)) | {"version": 4}))
    monkeypatch.setenv("STEERCO_KPI_POLICY", str(path))
    assert steerco(*files).code == 0
    assert steerco("kpi", "--json").json["policy_version"] == 4
    path.write_text("{}")
    assert "was refused at $" in steerco("kpi").sentence


def test_nothing_loaded_is_empty_lists(steerco: Steerco) -> None:
    found = steerco("kpi", "--json").json
    assert all(found[topic] == [] for topic in SHAPES)
    assert steerco("backlog", "--json").json == []
    assert "steerco tickets" in steerco("kpi").out
