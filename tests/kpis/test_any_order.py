"""Rows in any order, twice, late, of tickets that are not there yet, of tickets that are deleted:
the figures are those of one load of everything, and those of the definitions in plain Python."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.kpis import backlog, topics
from services.kpis.board import Board
from services.kpis.load import load
from services.kpis.policy import load_policy
from services.kpis.report import report
from services.kpis.selection import Selection
from store.tickets import TicketFile
from tests.kpis import oracle, world
from tests.kpis.world import Row

POLICY = load_policy()
TICKET = (*world.TICKET, "SystemModstamp", "IsDeleted")
HISTORY = (*world.HISTORY, "IsDeleted")
MOMENT = dt.datetime(2026, 2, 10, 12, tzinfo=dt.UTC)
STATUSES = ["New", "In Development", "In QA", "Blocked", "Resolved", "Closed", ""]
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

moments = st.integers(0, 90 * 24).map(lambda hours: START + dt.timedelta(hours=hours))
stamps = moments.map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}.000Z")
people = st.sampled_from(["005000000000001AAA", "005000000000002AAA", "00G000000000001AAA", ""])


@st.composite
def tickets(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One version of a ticket."""
    return world.ticket(
        number,
        draw(stamps),
        draw(st.sampled_from(STATUSES)),
        Priority=draw(st.sampled_from(["P1", "P3"])),
        Type=draw(st.sampled_from(["Defect", "Incident", "Task", "Release"])),
        Department=draw(st.sampled_from(["", "Events", "Séances"])),
        Assignee=draw(st.sampled_from(["", "Ana", "Ben", "IT Intake"])),
        Estimated_Hours=draw(st.sampled_from(["", "0", "2.5", "8"])),
        Size=draw(st.sampled_from(["", "M"])),
    )


@st.composite
def histories(draw: st.DrawFn, numbers: int) -> list[dict[str, Any]]:
    rows = world.Histories()
    made = [
        rows.status(
            draw(st.integers(0, numbers)),  # one of them is never there
            draw(st.sampled_from(STATUSES)),
            draw(st.sampled_from(STATUSES)),
            draw(stamps),
            CreatedById=draw(people),
        )
        for _ in range(draw(st.integers(0, 14)))
    ]
    # Some of one Id that say different things, of one moment or another, of one ticket or another.
    for row in draw(st.lists(st.sampled_from(made), max_size=4)) if made else []:
        other = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "OldValue": st.sampled_from(STATUSES),
                    "NewValue": st.sampled_from(STATUSES),
                    "CreatedDate": stamps,
                    "CreatedById": people,
                    "ParentId": st.integers(0, numbers).map(world.ticket_id),
                },
            )
        )
        made.append({**row, **other})
    for row in made:
        row["IsDeleted"] = str(draw(st.integers(0, 9)) == 0).lower()
    return made


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Row], list[Row], list[tuple[str, Row]]]:
    """The newest tickets, all history, and everything that arrives, in the order it does."""
    numbers = draw(st.integers(1, 4))
    newest, everything = [], []
    for number in range(numbers):
        versions = draw(st.lists(tickets(number), min_size=1, max_size=3))
        for age, version in enumerate(versions):
            version["SystemModstamp"] = f"2026-05-{age + 1:02d}T00:00:00.000Z"
            version["IsDeleted"] = str(draw(st.integers(0, 4)) == 0).lower()
            everything.append(("ticket", version))
        newest.append(versions[-1])
    history = draw(histories(numbers))
    everything += [("history", row) for row in history]
    doubles = draw(st.lists(st.sampled_from(everything), max_size=4))
    return newest, history, draw(st.permutations([*everything, *doubles]))


def bring(file: TicketFile, folder: Path, rows: Iterable[tuple[str, Row]]) -> None:
    of = {kind: [row for k, row in rows if k == kind] for kind in ("ticket", "history")}
    load(
        file,
        POLICY,
        world.write(folder / "T.csv", TICKET, of["ticket"]),
        world.write(folder / "H.csv", HISTORY, of["history"]),
    )


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("deleted", [None, 0, 1])
@pytest.mark.parametrize("when", ["2026-01-05T00:00:00.000Z", "2026-01-07T00:00:00.000Z"])
def test_of_two_history_rows_with_one_id_it_does_not_matter_which_came_first(
    tmp_path: Path, when: str, deleted: int | None, at_once: bool
) -> None:
    """They may say different things at one moment or another; deleted is deleted for both."""
    lone = world.ticket(1, "2026-01-01T00:00:00.000Z", "Closed")
    steps = world.Histories()
    row = steps.status(1, "New", "In QA", "2026-01-05T00:00:00.000Z")
    last = steps.status(1, "In QA", "Closed", "2026-01-09T00:00:00.000Z")
    rows = [row, {**row, "OldValue": "In Design", "NewValue": "Closed", "CreatedDate": when}]
    if deleted is not None:
        rows[deleted]["IsDeleted"] = "true"
    told = []
    for turn in (rows, rows[::-1]):
        file = TicketFile(tmp_path / f"{len(told)}.duckdb")
        if at_once:
            arrived = [("ticket", lone), *(("history", each) for each in (*turn, last))]
            bring(file, tmp_path, arrived)
        else:
            bring(file, tmp_path, [("ticket", lone), ("history", last)])
            for each in turn:
                bring(file, tmp_path, [("history", each)])
        board = Board(file, POLICY)
        moment = dt.datetime(2026, 1, 6, tzinfo=dt.UTC)
        open_then = backlog.open_tickets(board, moment)
        told.append((report(board), board.tickets(Selection("tickets")), open_then))
    assert told[0] == told[1]
    found, wanted = told[0][0], oracle.report(oracle.facts([lone], [*rows, last]))
    assert found["intake"] == wanted["intake"]
    assert [each["closed"] for each in found["monthly"]] == [1]


def near(value: Any) -> Any:
    return pytest.approx(value, abs=2e-6) if isinstance(value, float) else value


Arrived = tuple[list[Row], list[Row], list[tuple[str, Row]]]
CUTS = st.lists(st.integers(0, 30), max_size=3)
SLOW: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@given(arrived=arrivals(), cuts=CUTS)
@settings(max_examples=10, **SLOW)
def test_the_order_of_arrival_changes_nothing(arrived: Arrived, cuts: list[int]) -> None:
    check(arrived, cuts)


@pytest.mark.soak
@given(arrived=arrivals(), cuts=CUTS)
@settings(max_examples=400, **SLOW)
def test_it_changes_nothing_in_four_hundred_more(arrived: Arrived, cuts: list[int]) -> None:
    check(arrived, cuts)


def check(arrived: Arrived, cuts: list[int]) -> None:
    newest, history, rows = arrived
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, parts = TicketFile(folder / "whole.duckdb"), TicketFile(folder / "parts.duckdb")
        bring(whole, folder, rows)
        places = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
        for start, end in itertools.pairwise(places):
            bring(parts, folder, rows[start:end])
        one, other = Board(whole, POLICY), Board(parts, POLICY)
        found = report(other)
        assert found == report(one)
        with other.asking() as conn:
            live = {topic: topics.rows_of(conn, topic) for topic in topics.ORDER}
        assert live == {topic: found[topic] for topic in topics.ORDER}, "what is kept is true"
        assert other.holdings().waiting == one.holdings().waiting

        known = oracle.facts(newest, history)
        for topic, wanted in oracle.report(known).items():
            assert len(found[topic]) == len(wanted), topic
            ours = [
                {key: row[key] for key in line}
                for row, line in zip(found[topic], wanted, strict=True)
            ]
            assert ours == [{k: near(v) for k, v in line.items()} for line in wanted], topic
        at = [
            {"department": d.department, "open": d.open, "age_median_d": d.age_median_d,
             "age_p85_d": d.age_p85_d, "age_max_d": d.age_max_d}
            for d in backlog.departments_at(other, MOMENT)
        ]  # fmt: skip
        assert at == [
            {k: near(v) for k, v in line.items()} for line in oracle.backlog(known, MOMENT)
        ]
