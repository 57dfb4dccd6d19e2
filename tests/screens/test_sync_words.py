"""The sentences of the outbox: what happened to the data, what is missing, when it is tried."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping

import pytest

from screens.inspect import parts_of
from screens.widgets import sync_head
from services import explain, refusals, times
from services.discarding import Loss
from services.outbox import Inspection
from services.overview import OutboxEntry, TargetHealth
from services.sync.status import SideSync
from store.attempts import Attempt
from store.deliveries import FIRESTORE, OPEN, SALESFORCE, Delivery
from store.operations import Changes, Operation
from store.targets import TargetState

NOW = dt.datetime(2026, 11, 21, 14, 2, 5, tzinfo=dt.UTC).timestamp()
STATUS: Changes = {"status": ("In Design", "In QA")}


def op(changes: Changes = STATUS, kind: str = "update") -> Operation:
    at = "2026-11-21T14:01:00.000Z"
    return Operation(7, "op-7", "trace-7", "p-1", kind, "local", "ana", at, changes)


def delivery(target: str, state: str, **more: object) -> Delivery:
    plain = Delivery(
        7, target, "row", "p-1", state, 0, 0, None, None, None, (), None, None, None, None
    )
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


def entry(firestore: Delivery, salesforce: Delivery | None, kind: str = "update") -> OutboxEntry:
    found = [firestore] + ([salesforce] if salesforce else [])
    return OutboxEntry(op(kind=kind), tuple(found), "Feedback")


def health(
    target: str, state: str = "ok", reason: str | None = None, **known: object
) -> TargetHealth:
    counts = dict.fromkeys(OPEN, 0)
    return TargetHealth(target, state, reason, counts, TargetState(target, **known))  # type: ignore[arg-type]


def healths(salesforce: TargetHealth | None = None) -> Mapping[str, TargetHealth]:
    return {FIRESTORE: health(FIRESTORE), SALESFORCE: salesforce or health(SALESFORCE)}


DOWN = health(SALESFORCE, "down", "no route to the server.", down_since=NOW - 60, probe_at=NOW + 14)
OFF = health(SALESFORCE, "off", "ITSC_SF_SYNC_ENABLED is off")
DONE = delivery(FIRESTORE, "done")


@pytest.mark.parametrize(
    ("salesforce", "known", "said"),
    [
        (delivery(SALESFORCE, "done"), None, "Saved here, in Firestore and in Salesforce"),
        (None, None, "Saved here and in Firestore"),
        (
            delivery(SALESFORCE, "pending"),
            None,
            "Saved here and in Firestore. Not yet in Salesforce; it goes out next",
        ),
        (
            delivery(SALESFORCE, "in_flight"),
            None,
            "Saved here and in Firestore. On its way to Salesforce now",
        ),
        (
            delivery(SALESFORCE, "retrying", next_at=NOW + 40, last_error="The row is locked."),
            None,
            "Saved here and in Firestore. Not yet in Salesforce; next try in 40 s, after: "
            "The row is locked",
        ),
        (
            delivery(SALESFORCE, "failed", last_error="Dev Readiness is out of range."),
            None,
            "Saved here and in Firestore. Not in Salesforce, nothing is lost: Dev Readiness is out "
            "of range",
        ),
        (
            delivery(SALESFORCE, "retrying", next_at=NOW + 40),
            DOWN,
            "Saved here and in Firestore. Not yet in Salesforce, which is down; next probe in 14 s",
        ),
        (
            delivery(SALESFORCE, "pending"),
            OFF,
            "Saved here and in Firestore. Held for Salesforce: ITSC_SF_SYNC_ENABLED is off",
        ),
        (
            delivery(SALESFORCE, "superseded"),
            None,
            "Saved here and in Firestore. A later edit took its place on the way to Salesforce",
        ),
        (
            delivery(SALESFORCE, "discarded"),
            None,
            "Saved here and in Firestore. Discarded before it reached Salesforce",
        ),
        (
            delivery(SALESFORCE, "conflict", last_error="deleted here, edited there"),
            None,
            "Saved here and in Firestore. Waits for a decision before Salesforce is told: deleted "
            "here, edited there",
        ),
    ],
)
def test_an_entry_says_what_happened_to_the_data(
    salesforce: Delivery | None, known: TargetHealth | None, said: str
) -> None:
    assert explain.entry_words(entry(DONE, salesforce), healths(known), NOW) == said


def test_what_is_the_same_of_both_targets_is_said_once() -> None:
    both = entry(delivery(FIRESTORE, "pending"), delivery(SALESFORCE, "pending"))
    said = explain.entry_words(both, healths(), NOW)
    assert said == "Saved here. Not yet in Firestore and Salesforce; it goes out next"


def test_a_delete_is_called_one() -> None:
    gone = entry(DONE, delivery(SALESFORCE, "in_flight"), kind="delete")
    assert explain.entry_words(gone, healths(), NOW).startswith("Deleted here and in Firestore")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (40, "40 s"), (89, "89 s"), (90, "2 min"), (3_000, "50 min"),
     (7_200, "2 h"), (35 * 3600, "35 h"), (9 * 86_400, "9 d"), (-5, "0 s")],
)  # fmt: skip
def test_spans_come_in_one_unit(seconds: float, said: str) -> None:
    assert times.span(seconds) == said


def test_times_are_relative_to_now() -> None:
    assert times.ago(NOW - 300, NOW) == "5 min ago"
    assert times.ago(NOW + 3600, NOW) == "just now"  # a clock that ran ahead
    assert times.ago(None, NOW) == "never"
    assert times.until(NOW + 12, NOW) == "in 12 s"
    assert times.until(NOW - 12, NOW) == "now"
    assert times.until(None, NOW) == "now"


def test_the_clock_shows_what_fits_six_columns() -> None:
    assert times.clock_time("2026-11-21T13:59:00.000Z", NOW, dt.UTC) == "13:59"
    assert times.clock_time("2026-11-20T13:59:00.000Z", NOW, dt.UTC) == "Nov 20"
    assert times.clock_time("2025-03-20T13:59:00.000Z", NOW, dt.UTC) == "2025-03"
    east = dt.timezone(dt.timedelta(hours=11))
    assert times.clock_time("2026-11-21T12:59:00.000Z", NOW, east) == "Nov 21"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (health(SALESFORCE), "connected"),
        (health(SALESFORCE, "waiting"), "not reached yet"),
        (OFF, "off: ITSC_SF_SYNC_ENABLED is off"),
        (
            DOWN,
            "down since 14:01 because no route to the server; next probe in 14 s",
        ),
        (
            health(
                SALESFORCE,
                "paused",
                "paused by eva",
                paused_by="eva",
                paused_at="2026-11-20T09:30:00.000Z",
            ),
            "paused by eva since Nov 20 09:30",
        ),
        (
            health(
                SALESFORCE,
                "paused",
                "another organisation answers",
                paused_by="steerco",
                paused_at="2026-11-21T09:30:00.000Z",
            ),
            "paused by steerco since 09:30: another organisation answers",
        ),
    ],
)
def test_the_connection_is_said_in_words(known: TargetHealth, said: str) -> None:
    assert explain.connection_words(known, NOW, dt.UTC) == said


def test_a_projects_side_counts_down() -> None:
    side = SideSync("retrying", 2, 3, NOW + 25, "the row is locked")
    assert explain.side_words(SALESFORCE, side, health(SALESFORCE), NOW) == (
        "2 edits saved here, not yet in Salesforce; try 3 failed: the row is locked; "
        "next try in 25 s"
    )
    assert explain.side_words(SALESFORCE, SideSync("pending", 1), DOWN, NOW) == (
        "1 edit saved here, not yet in Salesforce; Salesforce is down, next probe in 14 s"
    )


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        (STATUS, "update", "Status: In Design → In QA"),
        ({"flags.alignment": (False, True)}, "update", "Alignment: no → yes"),
        ({"intake.dev_readiness": (None, 80)}, "update", "Dev Readiness: empty → 80 %"),
        ({"brief.punchline": ("a", "b\nc")}, "update", "Punchline: b ⏎ c"),
        ({**STATUS, "priority": ("P1", "P2")}, "update", "Status, Priority"),
        (dict.fromkeys(("a", "b", "c", "d"), (None, "x")), "update", "a, b and 2 more"),
        (STATUS, "create", "Created"),
        (STATUS, "delete", "Deleted"),
        ({}, "update", "Nothing"),
    ],
)
def test_what_changed_fits_one_line(changes: Changes, kind: str, said: str) -> None:
    assert explain.what_changed(op(changes, kind)) == said


def attempt(response: object, message: str = "", outcome: str = "permanent") -> Attempt:
    text = response if isinstance(response, str) else json.dumps(response)
    return Attempt(
        "2026-11-21T14:01:30.000Z", SALESFORCE, "p-1", "row", 7, "update", outcome, "CODE", message,
        '{"a":1}', text, 12,
    )  # fmt: skip


BOTH: Changes = {"intake.dev_readiness": (None, 80), "level_of_effort": (None, "High")}


@pytest.mark.parametrize(
    ("answer", "paths"),
    [
        (attempt([{"errors": [{"fields": ["Dev_Readiness__c"]}]}]), ["intake.dev_readiness"]),
        (attempt({}, "Level of Effort: bad value"), ["level_of_effort"]),
        (attempt({}, "Dev_Readiness__c is wrong"), ["intake.dev_readiness"]),
        (attempt({}, "nobody knows"), list(BOTH)),
        (attempt("<html>not json"), list(BOTH)),
        (attempt([{"fields": ["Dev_Readiness__c"]}], outcome="ok"), list(BOTH)),
    ],
)
def test_the_refused_fields_are_those_the_answer_names(answer: Attempt, paths: list[str]) -> None:
    assert refusals.failed_paths(op(BOTH), [answer]) == paths


def test_what_only_the_program_writes_is_never_offered_for_mending() -> None:
    changes: Changes = {"imported_created_by": (None, "x"), "scores.Ana": (None, 3)}
    assert refusals.failed_paths(op(changes), []) == ["scores.Ana"]


def test_a_loss_is_named_field_by_field() -> None:
    update = Loss("Feedback", "update", (("status", "In QA", "In Design"),))
    assert explain.loss_lines(update)[2:] == ["Status: In QA", "  it was In Design"]
    create = Loss("Feedback", "create", (("status", "In QA", None), ("priority", None, None)))
    assert explain.loss_lines(create)[2:] == ["Status: In QA"]
    assert "comes back" in explain.loss_lines(Loss("Feedback", "delete", ()))[0]


def test_the_next_try_is_the_nearest_of_both() -> None:
    both = entry(
        delivery(FIRESTORE, "retrying", next_at=NOW + 12),
        delivery(SALESFORCE, "retrying", next_at=NOW + 40),
    )
    assert explain.next_try(both, healths(), NOW) == "in 12 s"
    assert explain.next_try(both, healths(OFF), NOW) == "in 12 s"
    assert explain.next_try(entry(DONE, delivery(SALESFORCE, "failed")), healths(), NOW) == ""
    assert explain.next_try(entry(DONE, delivery(SALESFORCE, "pending")), healths(DOWN), NOW) == (
        "in 14 s"
    )


def test_an_inspection_shows_payload_request_and_response_as_they_were() -> None:
    found = Inspection(
        op(), "Feedback", (DONE, delivery(SALESFORCE, "failed", last_error="no")),
        (attempt({"b": [1]}, "no"),),
    )  # fmt: skip
    words, payload, tried = parts_of(found, healths(), NOW, dt.UTC)
    assert "trace      trace-7" in words.text
    assert json.loads(payload.text)["changes"] == {"status": {"from": "In Design", "to": "In QA"}}
    assert tried.title == "✗ 14:01:30 Salesforce: refused"
    assert 'Request\n{\n  "a": 1\n}' in tried.text
    assert 'Response\n{\n  "b": [\n    1\n  ]\n}' in tried.text


@pytest.mark.parametrize("width", [76, 106, 116, 121, 126, 156])
def test_the_header_holds_every_figure_at_any_width(width: int) -> None:
    counts = {"pending": 3, "retrying": 2, "in_flight": 1, "conflict": 5, "failed": 4}
    known = TargetState(
        SALESFORCE,
        last_ok_at="x",
        last_drain_at="2026-11-21T13:58:05.000Z",
        last_reconcile_at="2026-11-21T13:47:05.000Z",
        api_used=1204,
        api_limit=15_000,
    )
    both = {
        FIRESTORE: health(FIRESTORE),
        SALESFORCE: TargetHealth(SALESFORCE, "ok", None, counts, known),
    }
    said = sync_head.head(both, NOW, dt.UTC, width).plain
    for piece in ("connected", "4 min ago", "15 min ago", "1,204 of 15,000 (8 %)", "never"):
        assert piece in said
    row = next(line for line in said.split("\n") if "4 min ago" in line and "conn" not in line)
    assert row.split()[1:6] == ["3", "1", "2", "4", "5"]
    assert all(len(line) <= width for line in said.split("\n"))
