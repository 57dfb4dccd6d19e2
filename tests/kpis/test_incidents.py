"""24,918 real incidents: every figure equals what two independent engines computed of them."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from services.kpis import backlog
from services.kpis.board import Board
from services.kpis.load import load
from services.kpis.measures import FURTHER_TILES, TILES
from services.kpis.overviews import SERIES
from services.kpis.policy import load_policy
from services.kpis.report import report
from services.kpis.selection import Filters, Period, Selection
from store.tickets import TicketFile

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def expected() -> dict[str, list[dict[str, Any]]]:
    with gzip.open(DATA / "expected.json.gz") as file:
        return dict(json.load(file))


@pytest.fixture(scope="module")
def incidents(tmp_path_factory: pytest.TempPathFactory) -> Board:
    policy = load_policy(DATA / "incidents_policy.json")
    file = TicketFile(tmp_path_factory.mktemp("incidents") / "tickets.duckdb")
    done = load(file, policy, DATA / "Ticket__c.csv.gz", DATA / "Ticket__History.csv.gz")
    assert (done.tickets.new, done.history.new, done.bad_rows) == (24_918, 155_776, ())
    return Board(file, policy)


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs)
    for mine, wanted in zip(ours, theirs, strict=True):
        for name, value in wanted.items():
            same = mine[name] == value or (
                isinstance(value, float)
                and mine[name] is not None
                and math.isclose(mine[name], value, rel_tol=0, abs_tol=1e-6)
            )
            assert same, (name, mine, wanted)


@pytest.mark.parametrize("topic", ["monthly", "mttr", "intake", "inflow", "departments"])
def test_the_report_equals_two_independent_engines(
    incidents: Board, expected: dict[str, list[dict[str, Any]]], topic: str
) -> None:
    assert_same(report(incidents)[topic], expected[topic])


def test_the_backlog_at_each_months_end_equals_them_too(
    incidents: Board, expected: dict[str, list[dict[str, Any]]]
) -> None:
    ends = backlog.month_ends(incidents, Period(dt.date(2016, 2, 1), dt.date(2017, 2, 1)))
    ours = [{"month": name} | asdict(row) for name, rows in ends.items() for row in rows]
    assert_same(ours, expected["backlog_month_ends"])


def test_one_moments_backlog_is_the_same_asked_alone(incidents: Board) -> None:
    end = dt.datetime(2016, 5, 1, tzinfo=dt.UTC)
    ends = backlog.month_ends(incidents, Period(dt.date(2016, 4, 1), dt.date(2016, 5, 1)))
    page = backlog.backlog(incidents, end)
    assert page.departments == ends["2016-04"]
    assert page.total == sum(each.open for each in page.departments)
    assert page.total == sum(each.open for each in page.ages)
    for age in page.ages:
        assert backlog.open_tickets(incidents, end, bucket=age.bucket).total == age.open
    for department in page.departments[:5]:
        only = Filters(departments=(department.department,))
        assert backlog.open_tickets(incidents, end, only).total == department.open


def test_what_a_department_was_then_moves_the_backlog_and_not_its_sum(
    incidents: Board, tmp_path: Path
) -> None:
    content = json.loads((DATA / "incidents_policy.json").read_text())
    other = tmp_path / "as_of.json"
    other.write_text(json.dumps(content | {"backlog": {"department": "as_of"}}))
    as_of = Board(incidents._file, load_policy(other), keep=False)
    at = dt.datetime(2016, 6, 1, tzinfo=dt.UTC)
    now = {d.department: d.open for d in backlog.departments_at(incidents, at)}
    then = {d.department: d.open for d in backlog.departments_at(as_of, at)}
    assert sum(now.values()) == sum(then.values()) == 1181
    assert (now["Group 70"], then["Group 70"]) == (135, 58)
    assert (now["Group 9"], then["Group 9"]) == (79, 236)


def test_behind_every_figure_there_are_exactly_its_tickets(incidents: Board) -> None:
    period = Period(dt.date(2016, 3, 10), dt.date(2016, 5, 20))
    filters = Filters(priorities=("P1", "P2", "P3"))
    page = incidents.overview(period, filters)
    further = incidents.overview(period, filters, FURTHER_TILES)
    assert [each.measure for each in page.tiles] == list(TILES)
    assert [each.measure for each in further.tiles] == list(FURTHER_TILES)
    assert further.series == page.series
    assert len(page.series) == len(SERIES)
    figures = [(tile.selection, tile.figure.n) for tile in (*page.tiles, *further.tiles)]
    figures += [(p.selection, p.n) for points in page.series.values() for p in points]
    figures += [(line.selection, line.tickets) for line in page.departments[:8]]
    for selection, n in figures:
        found = incidents.tickets(selection, limit=100_000)
        assert (found.total, len(found.rows)) == (n, n), selection
    assert any(n for _, n in figures)
    rework = next(tile for tile in page.tiles if tile.measure.key == "rework")
    part = incidents.tickets(Selection("rework", period, rework.selection.filters, part=True))
    assert rework.figure.value == pytest.approx(100 * part.total / rework.figure.n)
    assert all(row.reopened for row in part.rows)
