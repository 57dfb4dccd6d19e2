"""steerco conflicts: list, show, resolve."""

from __future__ import annotations

import dataclasses
import re
import sqlite3
from collections.abc import Callable

import pytest

from store import conflicts
from store.conflicts import Conflict, conflict_id
from tests.commands.conftest import Steerco

KEYS = {
    "id", "project_id", "field", "base", "mine", "theirs", "winner", "mine_at", "theirs_at",
    "target", "state",
}  # fmt: skip
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
FIELD = Conflict(
    id=conflict_id("a", "department", "1", "2"),
    project_id="a",
    path="department",
    target="salesforce",
    base="IT",
    mine="Finance",
    theirs="Sales",
    winner="theirs",
    mine_at="2026-10-01T10:00:00.120Z",
    theirs_at="2026-10-01T11:00:00.000Z",
    mine_by="Ana Ruiz",
    theirs_by="Hana Human",
    seq=1,
    state="open",
    at="2026-10-01T12:00:00.000Z",
)
WHOLE = dataclasses.replace(
    FIELD,
    id=conflict_id("b", "*", "3", "4"),
    project_id="b",
    path="*",
    base=None,
    mine="deleted",
    theirs="edited",
    winner="nobody",
    at="2026-10-01T13:00:00.000Z",
    why="deleted here, but Department was edited there since",
    record={"feature_name": "B", "status": "Yet to Start", "department": "Sales"},
)


@pytest.fixture
def two(steerco: Steerco, database: Callable[[], sqlite3.Connection]) -> None:
    """Two projects; a field's conflict (theirs in force), and a delete against an edit."""
    steerco("projects", "add", "feature_name=A", "department=Sales", "--id", "a")
    steerco("projects", "add", "feature_name=B", "--id", "b")
    steerco("projects", "delete", "b", "--yes")
    conn = database()
    for each in (FIELD, WHOLE):
        conflicts.add(conn, each)
    conn.close()


@pytest.mark.usefixtures("two")
def test_list_has_exactly_the_agreed_shape(steerco: Steerco) -> None:
    whole, field = steerco("conflicts", "list", "--json").json
    assert set(whole) == set(field) == KEYS
    assert field == {
        "id": FIELD.id, "project_id": "a", "field": "department", "base": "IT", "mine": "Finance",
        "theirs": "Sales", "winner": "theirs", "mine_at": FIELD.mine_at,
        "theirs_at": FIELD.theirs_at, "target": "salesforce", "state": "open",
    }  # fmt: skip
    assert (whole["field"], whole["mine"], whole["theirs"], whole["winner"]) == (
        "*", "deleted", "edited", "nobody",
    )  # fmt: skip
    assert all(UTC.fullmatch(field[name]) for name in ("mine_at", "theirs_at"))


@pytest.mark.usefixtures("two")
def test_mine_is_taken_and_stays_known(steerco: Steerco) -> None:
    done = steerco("conflicts", "resolve", FIELD.id, "--take", "mine", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["state"], done.json["winner"], done.json["resolution"]) == (
        "resolved", "mine", "mine",
    )  # fmt: skip
    assert done.json["resolved_by"] == "Ana Ruiz"
    assert steerco("projects", "show", "a", "--json").json["department"] == "Finance"
    assert [each["id"] for each in steerco("conflicts", "list", "--json").json] == [WHOLE.id]
    everything = steerco("conflicts", "list", "--all", "--json").json
    assert {each["id"]: each["state"] for each in everything} == {
        FIELD.id: "resolved", WHOLE.id: "open",
    }  # fmt: skip
    assert "Sales" in steerco("conflicts", "show", FIELD.id[:6]).out
    assert steerco("conflicts", "resolve", FIELD.id[:6], "--take", "theirs").code == 0
    assert steerco("projects", "show", "a", "--json").json["department"] == "Sales"


@pytest.mark.usefixtures("two")
def test_what_is_in_force_already_is_only_closed(steerco: Steerco) -> None:
    before = len(steerco("outbox", "list", "--all", "--json").json)
    done = steerco("conflicts", "resolve", FIELD.id, "--take", "theirs")
    assert "nothing had to change" in done.out
    assert len(steerco("outbox", "list", "--all", "--json").json) == before
    assert len(steerco("conflicts", "list", "--json").json) == 1


@pytest.mark.usefixtures("two")
def test_a_third_value(steerco: Steerco) -> None:
    done = steerco("conflicts", "resolve", FIELD.id, "--value", "Legal", "--json")
    assert (done.json["resolution"], done.json["winner"]) == ("value", "nobody")
    assert steerco("projects", "show", "a", "--json").json["department"] == "Legal"
    steerco("conflicts", "resolve", FIELD.id, "--value", "")
    assert steerco("projects", "show", "a", "--json").json["department"] is None


@pytest.mark.usefixtures("two")
def test_a_whole_record_comes_back_as_they_have_it(steerco: Steerco) -> None:
    shown = steerco("conflicts", "show", WHOLE.id)
    assert "--take mine: the project is deleted in Salesforce too" in shown.out
    assert "--take theirs: the project comes back here" in shown.out
    assert steerco("projects", "show", "b").code == 1
    assert steerco("conflicts", "resolve", WHOLE.id, "--take", "theirs").code == 0
    assert steerco("projects", "show", "b", "--json").json["department"] == "Sales"
    assert steerco("conflicts", "resolve", WHOLE.id, "--take", "mine").code == 0
    assert steerco("projects", "show", "b").code == 1


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["show", "zz"], "no conflict “zz”"),
        (["resolve", "", "--take", "mine"], "no conflict"),
        (["resolve", "zz", "--take", "mine"], "no conflict"),
        (["resolve", WHOLE.id, "--value", "x"], "no third value"),
        (["resolve", FIELD.id, "--value", "x" * 300], "characters"),
        (["resolve", "--all", "--take", "mine"], "2 conflicts (B: whole project, A: Department)"),
    ],
)
def test_a_refusal_is_one_sentence_and_changes_nothing(
    steerco: Steerco, argv: list[str], words: str
) -> None:
    ran = steerco("conflicts", *argv)
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.sentence
    assert len(steerco("conflicts", "list", "--json").json) == 2
    assert steerco("projects", "show", "a", "--json").json["department"] == "Sales"


@pytest.mark.parametrize(
    "argv",
    [
        ["resolve"],
        ["resolve", "x"],
        ["resolve", "x", "--take", "ours"],
        ["resolve", "x", "--take", "mine", "--value", "y"],
        ["resolve", "x", "--take", "mine", "--all"],
        ["resolve", "--all", "--value", "y"],
        ["show"],
    ],
)
def test_wrong_usage_is_told_as_such(steerco: Steerco, argv: list[str]) -> None:
    ran = steerco("conflicts", *argv)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.usefixtures("two")
def test_all_at_once(steerco: Steerco) -> None:
    done = steerco("conflicts", "resolve", "--all", "--take", "mine", "--yes", "--json")
    assert {(each["id"], each["state"]) for each in done.json} == {
        (FIELD.id, "resolved"),
        (WHOLE.id, "resolved"),
    }
    assert steerco("conflicts", "list", "--json").json == []
    assert "no open conflict" in steerco("conflicts", "resolve", "--all", "--take", "mine").out


def test_with_no_conflict_the_lists_say_so(steerco: Steerco) -> None:
    assert steerco("conflicts", "list", "--json").json == []
    assert steerco("conflicts", "list").out == "There is no open conflict.\n"
    assert steerco("conflicts", "list", "--all").out == "There was never a conflict.\n"


@pytest.mark.usefixtures("two")
def test_lists_are_for_people_too_and_nothing_in_them_acts_on_the_terminal(
    steerco: Steerco, database: Callable[[], sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = database()
    odd = dataclasses.replace(FIELD, id="f" * 20, theirs="\x1b[2J[b]x\u202e", theirs_by="\x1b]0;x")
    conflicts.add(conn, odd)
    conn.close()
    for argv in (["list"], ["list", "--all"], ["show", "f" * 20]):
        out = steerco("conflicts", *argv).out
        assert "\\x1b[2J[b]x" in out
        assert not set("\x1b\u202e") & set(out)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = steerco("conflicts", "list").out.splitlines()
    assert max(map(len, narrow)) <= 60
    assert "Id" in narrow[0]
    assert "Theirs" in narrow[0]


@pytest.mark.usefixtures("two")
def test_the_shell_completes_ids_and_choices(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.commands import conflicts as command

    assert command._ids(FIELD.id[:3]) == [FIELD.id]
    assert command._ids("zz") == []
    monkeypatch.setenv("STEERCO_HOME", "/dev/null/x")
    assert command._ids("") == []
