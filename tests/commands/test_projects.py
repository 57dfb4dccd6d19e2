"""steerco projects, tried from outside."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import pytest

from store.fields import FIELDS
from tests.commands.conftest import Steerco

UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_a_fresh_home_holds_no_project(steerco: Steerco) -> None:
    assert steerco("projects", "list", "--json").json == []


def test_add_prints_the_whole_project_nested_as_in_the_model(steerco: Steerco) -> None:
    made = steerco(
        "projects",
        "add",
        "feature_name=🧩 Feedback Platform",
        "priority=P1",
        "brief.punchline=a=b",
        "flags.alignment=true",
        "intake.dev_readiness=80%",
        "scores.Ana=4",
        "scores.J. Doe=5",
        "launch_target=2027-03-31",
        "--id",
        "feedback",
        "--json",
    )
    assert made.code == 0
    project = made.json
    assert project["project_id"] == "feedback"
    assert project["feature_name"] == "🧩 Feedback Platform"
    assert project["brief"]["punchline"] == "a=b"
    assert project["brief"]["what_it_does"] is None
    assert project["flags"] == {
        "alignment": True,
        "high_impact_work": False,
        "retention_focus": False,
        "thought_leadership": False,
        "ai_ways_of_working": False,
    }
    assert project["intake"]["dev_readiness"] == 80
    assert project["scores"] == {"Ana": 4, "J. Doe": 5}
    assert project["total_score"] == 9
    assert project["launch_date"] == "2027-03-31"
    assert project["created_by"] == "Ana Ruiz"
    assert UTC.fullmatch(project["created_at"])
    waiting = {
        "state": "pending",
        "pending": 1,
        "attempts": 0,
        "last_error": None,
        "acked_at": None,
    }
    assert project["sync"] == {"firestore": waiting, "salesforce": waiting}


def test_every_field_of_the_table_is_in_the_json(steerco: Steerco) -> None:
    project = steerco("projects", "add", "feature_name=A", "--json").json
    for field in FIELDS:
        holder = project
        for name in field.path.split("."):
            assert name in holder, field.path
            holder = holder[name]


def test_show_adds_the_history_with_each_delivery(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    steerco("projects", "set", "a", "status=Paused")
    history = steerco("projects", "show", "a", "--json").json["history"]
    assert [entry["kind"] for entry in history] == ["update", "create"]
    assert history[0]["changes"] == {"status": {"old": "Yet to Start", "new": "Paused"}}
    assert history[0]["operator"] == "Ana Ruiz"
    assert history[0]["deliveries"] == {"firestore": "pending", "salesforce": "pending"}
    assert UTC.fullmatch(history[0]["at"])


@pytest.mark.parametrize(
    ("assignment", "group", "name", "value"),
    [
        ("status=In QA", None, "status", "In QA"),
        ("brief.why_it_matters=two\nlines", "brief", "why_it_matters", "two\nlines"),
        ("department=  Sales / Marketing ", None, "department", "Sales / Marketing"),
        ("it_lead=", None, "it_lead", None),
        ("flags.retention_focus=yes", "flags", "retention_focus", True),
        ("scores.Ana=5", "scores", "Ana", 5),
        ("intake.intake_document_url=https://x.example/?a=b", "intake", "intake_document_url",
         "https://x.example/?a=b"),
        ("feature_name=[/red]مرحبا ❤️‍🩹", None, "feature_name", "[/red]مرحبا ❤️‍🩹"),
    ],
)  # fmt: skip
def test_set_takes_dotted_fields_and_values_of_any_text(
    steerco: Steerco, assignment: str, group: str | None, name: str, value: object
) -> None:
    steerco("projects", "add", "feature_name=A", "it_lead=Eva Lund", "--id", "a")
    done = steerco("projects", "set", "a", assignment, "--json")
    assert done.code == 0, done.err
    holder = done.json if group is None else done.json[group]
    assert holder[name] == value


def test_an_emptied_score_is_gone_and_the_total_follows(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "scores.Ana=4", "scores.Ben=3", "--id", "a")
    done = steerco("projects", "set", "a", "scores.Ana=", "--json").json
    assert done["scores"] == {"Ben": 3}
    assert done["total_score"] == 3


def test_a_set_that_changes_nothing_writes_nothing(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    done = steerco("projects", "set", "a", "feature_name=A", "status=Yet to Start")
    assert done.code == 0
    assert "nothing was written" in done.out
    assert len(steerco("outbox", "list", "--json").json) == 1


@pytest.mark.parametrize(
    ("assignments", "names"),
    [
        (["feature_nam=A"], ["feature_nam", "there is no such field"]),
        (["status=Done"], ["status", "“Done”", "In QA"]),
        (["launch_target=2026-02-30"], ["launch_target", "2026-02-30", "YYYY-MM-DD"]),
        (["intake.dev_readiness=101"], ["intake.dev_readiness", "101", "100"]),
        (["scores.Ana=6"], ["scores.Ana", "6", "1 to 5"]),
        (["scores.=4"], ["scores.", "there is no such field"]),
        ([f"scores.V{n}=1" for n in range(7)], ["scores", "at most 6 voters"]),
        (["feature_name="], ["feature_name", "it can't be empty"]),
        (["status="], ["status", "choose one of"]),
        (["feature_name=" + "x" * 256], ["feature_name", "256", "255"]),
        (["intake.intake_document_url=ftp://x"], ["intake_document_url", "http"]),
        (["parent_id=a"], ["parent_id", "its own parent"]),
        (["parent_id=nobody"], ["parent_id", "no such project"]),
        (["brief.punchline=a\x1b[31m"], ["brief.punchline", "U+001B"]),
        (["it_lead=\udcff"], ["it_lead", "half of a character"]),
        (["total_score=3", "scores.Ana=4"], ["total_score", "sum of the scores"]),
        (["project_id=b"], ["project_id", "never changes"]),
    ],
)
def test_a_refused_value_is_one_sentence_that_names_field_and_value(
    steerco: Steerco, assignments: list[str], names: list[str]
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    done = steerco("projects", "set", "a", *assignments)
    assert done.code == 1
    assert done.out == ""
    for each in names:
        assert each in done.sentence
    assert "\x1b" not in done.err
    assert len(steerco("outbox", "list", "--json").json) == 1


@pytest.mark.parametrize(
    "argv",
    [
        ["projects", "set", "a", "status"],
        ["projects", "set", "a", "=Paused"],
        ["projects", "set", "a", "status=Paused", "status=Unknown"],
        ["projects", "set", "a"],
        ["projects", "show"],
        ["projects", "add"],
        ["projects", "list", "--nope"],
        ["projects", "lst"],
        ["nope"],
        ["projects"],
        ["export"],
        ["export", "--format", "xml"],
        ["import"],
        ["sync", "--target", "jira"],
        ["outbox", "pause", "--target", "jira"],
        ["sandbox", "--port", "x"],
        ["sandbox", "--port", "99999"],
    ],
)
def test_wrong_usage_is_2(steerco: Steerco, argv: list[str]) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    assert steerco(*argv).code == 2


def test_the_id_of_a_project_is_said_to_be_for_ever(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    for argv in (("set", "a", "project_id=b"), ("add", "feature_name=B", "project_id=b")):
        done = steerco("projects", *argv)
        assert done.code == 1
        assert "never changes" in done.sentence
        assert "no such field" not in done.sentence


@pytest.mark.parametrize("group", ["projects", "outbox", "conflicts", "tickets"])
def test_a_group_without_a_command_shows_its_help(steerco: Steerco, group: str) -> None:
    done = steerco(group)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0].startswith(f"Usage: steerco {group} ")
    assert any(line.startswith(("  list ", "  load ")) for line in done.err.splitlines())
    assert "\\n" not in done.err
    assert "Error" not in done.err


def test_wrong_usage_shows_hostile_arguments_spelled_out(steerco: Steerco) -> None:
    done = steerco("projects", "set", "a", "\x1b]0;owned\x07")
    assert done.code == 2
    assert "\x1b" not in done.err
    assert "\\x1b" in done.err


@pytest.mark.parametrize("argv", [("show", "nope"), ("set", "nope", "status=Paused"),
                                  ("delete", "nope", "--yes")])  # fmt: skip
def test_a_project_that_is_not_there_is_a_sentence(steerco: Steerco, argv: tuple[str, ...]) -> None:
    done = steerco("projects", *argv)
    assert done.code == 1
    assert "“nope”" in done.sentence


def test_list_takes_views_by_key_or_name_and_filters_as_the_terminal_does(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=A", "priority=P1", "department=Demand Gen")
    steerco("projects", "add", "feature_name=B", "priority=P1", "status=Completed")
    steerco("projects", "add", "feature_name=C", "product_owner=Ana Ruiz")

    def names(*argv: str) -> list[str]:
        return [each["feature_name"] for each in steerco("projects", "list", "--json", *argv).json]

    assert names() == ["A", "B", "C"]
    assert names("--view", "p1-active") == ["A"]
    assert names("--view", "P1 Active") == ["A"]
    assert names("--filter", 'dept:"demand gen"') == ["A"]
    assert names("--filter", "owner:me") == ["C"]
    assert names("--filter", "-status:completed", "--view", "all") == ["A", "C"]


@pytest.mark.parametrize(
    ("argv", "names"),
    [(["--view", "mine"], ["“mine”", "p1-active"]), (["--filter", "colour:red"], ["colour:"])],
)
def test_an_unknown_view_or_filter_is_refused_with_what_there_is(
    steerco: Steerco, argv: list[str], names: list[str]
) -> None:
    done = steerco("projects", "list", "--json", *argv)
    assert (done.code, done.out) == (1, "")
    assert all(each in done.sentence for each in names)


def test_delete_asks_for_yes_and_names_the_children(steerco: Steerco) -> None:
    steerco("projects", "add", "feature_name=Umbrella", "--id", "u")
    steerco("projects", "add", "feature_name=Child (v1)", "parent_id=u", "--id", "c")
    asked = steerco("projects", "delete", "u")
    assert asked.code == 1
    assert "Umbrella" in asked.sentence
    assert "Child (v1)" in asked.sentence
    assert steerco("projects", "show", "u").code == 0

    done = steerco("projects", "delete", "u", "--yes")
    assert done.code == 0
    assert steerco("projects", "show", "u").code == 1
    assert steerco("projects", "show", "c", "--json").json["parent_id"] is None
    again = steerco("projects", "add", "feature_name=Other", "--id", "u")
    assert "has been deleted" in again.sentence


def test_the_human_table_fits_the_terminal_and_keeps_the_id(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    for number in range(3):
        steerco(
            "projects", "add", f"feature_name=🧩 機能 {number} {'long ' * 20}",
            "department=Product / Events / Sales", "it_lead=Dev Patel", "--id", f"id-{number}" * 4,
        )  # fmt: skip
    monkeypatch.setenv("COLUMNS", "80")
    lines = steerco("projects", "list").out.splitlines()
    assert len(lines) == 4
    assert all(cell_len(line) <= 80 for line in lines)
    assert all(f"id-{n}" * 4 in lines[n + 1] for n in range(3))
    status = [cell_len(line[: line.index("Yet to Start")]) for line in lines[1:]]
    assert len(set(status)) == 1, "a column is aligned by cells, not by characters"
    monkeypatch.setenv("COLUMNS", "300")
    assert "Dev Patel" in steerco("projects", "list").out


def test_what_other_systems_wrote_can_not_act_on_the_terminal(
    steerco: Steerco, database: Callable[[], sqlite3.Connection]
) -> None:
    steerco("projects", "add", "feature_name=A", "--id", "a")
    hostile = "evil\x1b]0;x\x07\x9b31m\u202egnp.exe\r"
    with database() as conn:
        conn.execute("UPDATE projects SET feature_name = ?", (hostile,))
    for argv in (["list"], ["show", "a"], ["set", "a", "it_lead=B"], ["delete", "a"]):
        done = steerco("projects", *argv)
        text = done.out + done.err
        assert not {"\x1b", "\x9b", "\u202e", "\r", "\x07"} & set(text), argv
    shown = steerco("projects", "list", "--json")
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown.out)
    assert shown.json[0]["feature_name"] == hostile, "JSON escapes keep the value"
