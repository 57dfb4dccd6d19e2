"""A Salesforce that misbehaves: every fault passes, nothing is lost, doubled or undone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.emulator import Emulator
from tests.outside.bench import Ran, strike
from tests.outside.conftest import Strict, World, strict_world
from tests.outside.strict_org import ROBOT
from tests.outside.strict_server import Answer, refusal

LOGGED_OUT = refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
USED_UP = refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
AWAY = refusal(503, "SERVER_UNAVAILABLE", "Server unavailable")
PAGE = "<html>Welcome to the hotel. Accept our terms.</html>"
CREATES, EDITS = "create", "edit"


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, firestore_emulator: Emulator
) -> Iterator[Strict]:
    """One operator for all faults of this module, with sixty synced projects; in the end
    everything is alike on three sides."""
    folder = tmp_path_factory.mktemp("faults")
    with strict_world(folder, firestore_emulator) as world:
        lines = [f"p{n},Project {n},Before" for n in range(60)]
        text = "\n".join(["Project Id,Feature,Department", *lines])
        (folder / "plan.csv").write_text(text, encoding="utf-8")
        world.bench.done("import", "plan.csv")
        world.bench.sync()
        yield world
        listed = world.bench.done("projects", "list", "--json").json
        rows, documents = world.side.rows("Department__c"), world.documents()
        assert len(listed) == len(rows) == len(documents)
        for here in listed:
            row, document = rows[here["project_id"]], documents[here["project_id"]]
            assert row["Department__c"] == document["department"] == here["department"]
            assert {side["state"] for side in here["sync"].values()} == {"synced"}


@dataclass
class Case:
    """A project that nobody else uses, and the world it is in."""

    world: Strict
    numbers: Iterator[int]

    def take(self) -> str:
        """A synced project."""
        return f"p{next(self.numbers)}"

    def edited(self, kind: str = EDITS) -> str:
        """A project with an edit that is not synced yet: its department is Mine."""
        if kind == EDITS:
            pid = self.take()
            self.world.bench.set(pid, "department=Mine")
        else:
            pid = f"new-{self.take()}"
            self.world.bench.add(pid, "feature_name=Made", "department=Mine")
        self.world.server.forget()
        return pid

    def sync(self) -> Ran:
        return self.world.bench.run("sync", "--json")

    def applied_once(self, pid: str, kind: str = EDITS) -> None:
        """Both sides took the edit exactly once, and nobody changed it back."""
        row = self.world.org.row(pid)
        assert row is not None
        assert row["Department__c"] == self.world.documents()[pid]["department"] == "Mine"
        changes = self.world.org.changes(pid, "Department__c")
        assert changes == ([] if kind == CREATES else [("Before", "Mine", ROBOT)])
        assert len(self.world.org.changes(pid, "created")) == 1


_taken = itertools.count()


@pytest.fixture
def case(shared: Strict) -> Iterator[Case]:
    """Projects of the shared world; afterwards no fault is left."""
    yield Case(shared, _taken)
    shared.server.forget()
    shared.org.late = 0.0


STOPS = {
    "401 on the write": ({"on": "write", "instead": LOGGED_OUT}, "token was refused"),
    "401 on every call": ({"times": None, "instead": LOGGED_OUT}, "token was refused"),
    "403 on the write": ({"on": "write", "instead": USED_UP}, "API limit is used up"),
    "429 for an hour": (
        {"on": "write", "instead": refusal(429, "SLOW", "slow", Retry_After="3600")},
        "fewer requests",
    ),
    "a hotel's redirect": (
        {"times": None, "instead": Answer(302, PAGE, {"Location": "http://127.0.0.1:9/"})},
        "Something other than Salesforce answered",
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_what_closes_salesforce_ends_the_sync_quickly_and_charges_no_edit(
    case: Case, name: str
) -> None:
    fault, words = STOPS[name]
    pid = case.edited()
    case.world.server.inject(**fault)
    ran = case.sync()
    assert ran.code == 1
    assert words in ran.sentence
    assert ran.seconds < 30
    assert ran.json["firestore"]["done"] == 1
    assert ran.json["salesforce"] == {
        **dict.fromkeys(("done", "retrying", "failed", "held", "conflicts"), 0),
        "pending": 1,
    }
    assert len(case.world.server.calls) <= 9, "a closed Salesforce is not asked again and again"
    case.world.server.faults.clear()
    assert case.world.bench.show(pid)["sync"]["salesforce"]["attempts"] == 0
    case.world.bench.sync()
    case.applied_once(pid)


PASSES: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "429 for a second": ((EDITS,), {"instead": refusal(429, "SLOW", "s", Retry_After="1")}),
    "a bare 503": ((EDITS,), {"instead": Answer(503, "<html>busy</html>")}),
    "503 of Salesforce": ((EDITS,), {"instead": AWAY}),
    "cut before": ((EDITS,), {"cut": "before"}),
    "cut after": ((CREATES, EDITS), {"cut": "after"}),
    "cut in the answer": ((CREATES,), {"cut": "middle"}),
    "500 after applying": (
        (EDITS,),
        {"lost": refusal(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred")},
    ),
    "a proxy's 504 after applying": ((CREATES,), {"lost": Answer(504, "<html/>")}),
    "a page instead of the answer": ((EDITS,), {"lost": Answer(200, PAGE)}),
    "an answer of null": ((EDITS,), {"lost": Answer(200, "null")}),
    "an empty answer": ((CREATES,), {"lost": Answer(204)}),
    "a row that is locked": (
        (EDITS,),
        {"refuse": lambda _: ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access")},
    ),
    "a duplicate on the way": (
        (CREATES,),
        {"refuse": lambda _: ("DUPLICATE_VALUE", "duplicate value found")},
    ),
    "a slow write": ((EDITS,), {"slow": 2.5}),
}


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, (kinds, _) in PASSES.items() for kind in kinds]
)
def test_what_passes_is_over_in_one_sync_and_the_edit_is_there_once(
    case: Case, name: str, kind: str
) -> None:
    pid = case.edited(kind)
    fault = case.world.server.inject(on="write", **PASSES[name][1])
    case.world.bench.sync()
    assert fault.hits == 1
    case.applied_once(pid, kind)


def test_a_read_that_is_slower_than_it_stays_fresh_does_not_stop_the_write(case: Case) -> None:
    pid = case.edited()
    case.world.server.inject(on="read", asking="FROM Ticket__c", slow=2.2, times=None)
    case.world.bench.sync()
    case.applied_once(pid)


@pytest.mark.parametrize("cut", ["before", "middle"])
def test_a_read_that_is_cut_is_made_again(case: Case, cut: str) -> None:
    pid = case.edited()
    case.world.server.inject(on="read", asking="FROM Ticket__c", cut=cut)
    case.world.bench.sync()
    case.applied_once(pid)


def test_a_retry_waits_as_long_as_it_was_asked_to(case: Case) -> None:
    case.edited()
    case.world.server.inject(on="write", instead=refusal(429, "SLOW", "s", Retry_After="2"))
    case.world.bench.sync()
    first, second = (call.at for call in case.world.server.calls if call.kind == "update")
    assert second - first >= 2.0


def test_one_locked_row_keeps_no_other_back(case: Case) -> None:
    pids = [case.edited() for _ in range(3)]
    locked = case.world.org.row(pids[1])
    assert locked is not None

    def refuse(record: Any) -> tuple[str, str] | None:
        busy = ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        return busy if record["id"] == locked["Id"] else None

    case.world.server.inject(on="write", refuse=refuse)
    report = case.world.bench.sync()
    assert report["salesforce"]["done"] == 3
    assert [c.rows for c in case.world.server.calls if c.kind == "update"] == [3, 1]
    for pid in pids:
        case.applied_once(pid)


def test_a_row_that_is_refused_for_good_is_named_and_keeps_no_other_back(case: Case) -> None:
    good, bad = case.edited(), case.edited()
    row = case.world.org.row(bad)
    assert row is not None
    words = "Department: [red]no[/red] such department \x1b[31m"

    def refuse(record: Any) -> tuple[str, str] | None:
        return ("FIELD_CUSTOM_VALIDATION_EXCEPTION", words) if record["id"] == row["Id"] else None

    rule = case.world.server.inject(on="write", refuse=refuse, times=None)
    ran = case.sync()
    assert ran.code == 1
    assert "refused 1 edit" in ran.sentence
    assert (ran.json["salesforce"]["done"], ran.json["salesforce"]["failed"]) == (1, 1)
    case.world.agrees(good, department="Mine")
    state = case.world.bench.show(bad)["sync"]["salesforce"]
    assert (state["state"], state["pending"], state["attempts"]) == ("failed", 1, 1)
    assert "[red]no[/red] such department" in state["last_error"]
    assert "\x1b" not in state["last_error"]
    hits = rule.hits
    assert case.sync().code == 1
    assert rule.hits == hits, "a dead letter is not sent again by itself"
    case.world.server.faults.clear()
    case.world.bench.set(bad, "department=Better")
    case.world.bench.sync()
    case.world.agrees(bad, department="Better")
    assert case.world.org.changes(bad, "Department__c") == [("Before", "Better", ROBOT)]


def test_a_person_who_edits_another_field_meanwhile_is_kept(case: Case) -> None:
    pid = case.edited()
    case.world.server.inject(
        on="write",
        cut="after",
        then=lambda: case.world.org.person_edits(pid, Strategic_Value__c="A person's"),
    )
    report = case.world.bench.sync()
    assert report["pulled"]["applied"] == 1
    case.world.agrees(pid, department="Mine", strategic_value="A person's")
    case.applied_once(pid)


def test_a_person_who_edits_the_same_field_after_us_is_not_undone_by_a_retry(case: Case) -> None:
    pid = case.edited()
    case.world.server.inject(
        on="write",
        cut="after",
        then=lambda: case.world.org.person_edits(pid, Department__c="A person's"),
    )
    case.world.bench.sync()
    case.world.agrees(pid, department="A person's")
    human = case.world.org.human
    assert case.world.org.changes(pid, "Department__c") == [
        ("Before", "Mine", ROBOT),
        ("Mine", "A person's", human),
    ]


def test_a_person_who_edited_the_same_field_later_wins_and_the_loser_is_kept(case: Case) -> None:
    pid = case.edited()
    case.world.org.person_edits(pid, Department__c="A person's")
    report = case.world.bench.sync()
    assert report["pulled"] == {"applied": 1, "conflicts": 1, "deleted": 0}
    here = case.world.agrees(pid, department="A person's")
    assert {"old": "Mine", "new": "A person's"} in [
        each["changes"].get("department") for each in here["history"]
    ]
    assert len(case.world.org.changes(pid, "Department__c")) == 1


def test_rows_that_show_late_are_neither_doubled_nor_undone(case: Case) -> None:
    case.world.org.late = 2.5
    pid = case.edited(CREATES)
    case.world.bench.sync()
    case.world.bench.set(pid, "department=Later")
    case.world.bench.sync()
    case.world.bench.set(pid, "department=Last")
    case.world.bench.settle(2)
    case.world.org.late = 0.0
    case.world.agrees(pid, department="Last")
    changes = case.world.org.changes(pid, "Department__c")
    assert [new for _, new, _ in changes] == ["Later", "Last"]


SANDBOX_FAULTS = {
    "401,count=1,path=composite": 2,
    "lock,count=1": 1,
    "cut-after,count=1,path=composite": 1,
    "cut-body,count=1,path=composite": 1,
}


def test_the_sandbox_s_faults_pass_too(sandboxed: World) -> None:
    """The same through another server, which was written by others."""
    world = sandboxed
    world.bench.add("a", "feature_name=A")
    world.bench.sync()
    for number, (fault, most) in enumerate(SANDBOX_FAULTS.items()):
        strike(world.side, fault)
        world.bench.set("a", f"department=Edit {number}", f"strategic_value={fault}")
        assert world.bench.settle(2) <= most, fault
        row = world.side.rows("Department__c", "Strategic_Value__c")["a"]
        assert (row["Department__c"], row["Strategic_Value__c"]) == (f"Edit {number}", fault)
    strike(world.side)
    world.agrees("a")
