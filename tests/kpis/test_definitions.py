"""Each definition by a small case whose answer anybody can see."""

from __future__ import annotations

import datetime as dt
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.kpis import backlog
from services.kpis.board import Board, Cancelled
from services.kpis.live import LiveBoard
from services.kpis.measures import FURTHER_TILES
from services.kpis.policy import Policy, PolicyError, load_policy
from services.kpis.report import report
from services.kpis.selection import (
    Filters,
    Period,
    Selection,
    last_days,
    last_months,
    month,
    quarter,
    year,
)
from store.tickets import TicketFile
from tests.kpis.conftest import Fill
from tests.kpis.world import Histories, ticket, ticket_id

NEW, WORK, DONE, SHUT = "New", "In Development", "Resolved", "Closed"


def day(number: int, hour: int = 0) -> str:
    return f"2026-03-{number:02d}T{hour:02d}:00:00.000Z"


def life(number: int, *changes: tuple[str, str, str]) -> list[dict[str, Any]]:
    rows = Histories()
    rows._last = number * 100
    return [rows.status(number, *change) for change in changes]


def test_cycle_time_is_from_the_first_start_to_the_last_close(fill: Fill, board: Board) -> None:
    fill(
        [ticket(1, day(1))],
        life(1, (NEW, WORK, day(2)), (WORK, SHUT, day(4)), (SHUT, WORK, day(5)),
             (WORK, DONE, day(6)), (DONE, SHUT, day(8))),
    )  # fmt: skip
    (row,) = report(board)["monthly"]
    assert (row["cycle_median_d"], row["reopened"], row["no_start"]) == (6.0, 1, 0)


def test_resolved_to_closed_is_no_rework(fill: Fill, board: Board) -> None:
    fill([ticket(1, day(1))], life(1, (NEW, DONE, day(2)), (DONE, SHUT, day(3))))
    (row,) = report(board)["monthly"]
    assert (row["reopened"], row["rework_pct"], row["no_start"]) == (0, 0.0, 1)
    assert (row["cycle_n"], row["cycle_median_d"]) == (0, None)


def test_born_started_starts_at_creation_and_waits_for_nothing(fill: Fill, board: Board) -> None:
    fill([ticket(1, day(1))], life(1, (WORK, SHUT, day(4))))
    found = report(board)
    assert found["monthly"][0]["cycle_median_d"] == 3.0
    assert found["intake"] == [{"month": "2026-03", "n": 1, "median_h": 0.0}]
    assert board.holdings().truncated == 1, "In Development is no status of a fresh ticket"


def test_mttr_ends_with_the_last_step_from_not_done_to_done(fill: Fill, board: Board) -> None:
    kind = {"Type": "Defect", "Priority": "P1"}
    fill(
        [ticket(1, day(1), **kind), ticket(2, day(1), DONE, **kind), ticket(3, day(1), **kind),
         ticket(4, day(1), "New", **kind), ticket(5, day(1), Type="Task", Priority="P1")],
        [*life(1, (NEW, DONE, day(2)), (DONE, WORK, day(3)), (WORK, DONE, day(5)),
               (DONE, SHUT, day(9))), *life(2, (NEW, WORK, day(2)))],
    )  # fmt: skip
    (row,) = report(board)["mttr"]
    # 4 days; 2 and 3 were never seen to become done: creation, 0 hours; 4 is open, 5 no defect.
    assert (row["n"], row["median_h"], row["mean_h"]) == (3, 0.0, 32.0)


def test_one_second_is_ordered_by_id(fill: Fill, board: Board) -> None:
    rows = life(1, (NEW, WORK, day(2)), (WORK, NEW, day(2)))
    rows[0]["Id"], rows[1]["Id"] = "017b", "017B"
    fill([ticket(1, day(1), NEW)], rows)
    with board.asking() as conn:
        found = conn.execute("SELECT initial_status, last_status FROM facts").fetchone()
    assert found == (WORK, WORK), "B comes before b, whatever their case would say"


def test_hours_come_from_the_size_and_weigh_by_priority_and_type(
    file: TicketFile, policy: Policy, fill: Fill
) -> None:
    fill(
        [ticket(1, day(1), Estimated_Hours="3", Priority="P1", Type="Defect"),
         ticket(2, day(1), Estimated_Hours="", Size="M"),
         ticket(3, day(1), Estimated_Hours="", Assignee="IT Intake"),
         ticket(4, day(1), Estimated_Hours="5", Assignee="")],
    )  # fmt: skip
    heavy = replace(
        policy, weight_by_priority={"P1": 2}, weight_by_type={"Defect": 1.5}, digest="heavy"
    )
    (row,) = report(Board(file, heavy, keep=False))["monthly"]
    assert row["weighted_hours"] == 3 * 2 * 1.5 + 8 + 0 + 5
    assert (row["assignees"], row["throughput_per_dev"]) == (1, 22.0)


def test_weights_count_to_the_last_digit_and_never_overflow(
    file: TicketFile, policy: Policy, fill: Fill
) -> None:
    fill([ticket(n, day(1), Estimated_Hours="7.1", Priority="P1", Type="Defect")
          for n in range(1, 301)])  # fmt: skip
    third = replace(policy, weight_by_priority={"P1": 1 / 3}, weight_by_type={}, digest="third")
    (row,) = report(Board(file, third, keep=False))["monthly"]
    assert row["weighted_hours"] == pytest.approx(710.0, abs=1e-6)
    huge = replace(
        policy, weight_by_priority={"P1": 1e15}, weight_by_type={"Defect": 1e15}, digest="huge"
    )
    (row,) = report(Board(file, huge, keep=False))["monthly"]
    assert (row["closed"], row["weighted_hours"]) == (300, 0.0)


def test_the_first_response_is_the_first_persons_who_is_not_the_creator(
    fill: Fill, board: Board, file: TicketFile, policy: Policy
) -> None:
    rows = Histories()
    history = [
        rows.row(1, "created", "", "", day(1)),
        rows.status(1, NEW, WORK, day(1, 1)),  # the creator's own
        rows.status(1, WORK, NEW, day(1, 2), CreatedById="00G000000000001AAA"),
        rows.status(1, NEW, WORK, day(1, 3), CreatedById=""),
        rows.status(1, WORK, DONE, day(1, 5), CreatedById="005000000000009AAA"),
    ]
    fill([ticket(1, day(1), Priority="P1")], history)
    (row,) = report(board)["first_response"]
    assert row == {
        "month": "2026-03", "n": 1, "median_min": 300.0, "breached": 1, "breach_pct": 100.0
    }  # fmt: skip
    # An earlier answer that comes later moves it, and a later one does not.
    for hour, source, wanted in ((4, "email", 240.0), (7, "task", 240.0)):
        with file.writing() as conn:
            from services.kpis import merge

            merge.begin(conn)
            merge.merge_responses(
                conn,
                f"(SELECT '{ticket_id(1)}' AS ticket, 'e{hour}' AS id, "
                f"TIMESTAMP '2026-03-01 0{hour}:00:00' AS happened, '005x' AS actor, "
                f"'{source}' AS source)",
            )
            merge.finish(conn, policy)
        assert report(board)["first_response"][0]["median_min"] == wanted
    with board.asking() as conn:
        kept = conn.execute("SELECT responded_by, response_source FROM facts").fetchone()
    assert kept == ("005x", "email")


def test_assignment_ends_with_the_first_owner_that_is_a_person(fill: Fill, board: Board) -> None:
    queue, ana = "00G000000000001AAA", "005000000000007AAA"
    rows = Histories()
    history = [
        # A change of owner makes two rows; the names of queues are not all known.
        rows.row(1, "Owner", "Some Queue", "Other Queue", day(1, 1)),
        rows.row(1, "Owner", queue, "00G000000000002AAA", day(1, 1)),
        rows.row(1, "Owner", "Other Queue", "Ana", day(1, 2)),
        rows.row(1, "Owner", "00G000000000002AAA", ana, day(1, 2)),
        rows.row(3, "Owner", "IT Intake", "Ana", day(1, 6)),
    ]
    fill(
        [ticket(1, day(1), OwnerId=ana), ticket(2, day(1), OwnerId=ana),
         ticket(3, day(1), OwnerId=ana), ticket(4, day(1), OwnerId=queue)],
        history,
    )  # fmt: skip
    (row,) = report(board)["assignment"]
    assert (row["n"], row["median_min"]) == (3, 120.0)


@pytest.mark.parametrize(
    ("incident", "reliable"),
    [(day(10), 1), (day(10, 1), 0), (day(11), 0), ("2026-03-11T00:00:01.000Z", 1), (day(9), 1)],
)
def test_a_release_is_reliable_when_no_incident_comes_within_the_window(
    fill: Fill, board: Board, incident: str, reliable: int
) -> None:
    fill(
        [ticket(1, day(9), Type="Release"),
         ticket(2, incident, NEW, Type="Incident", Priority="P1"),
         ticket(3, day(10, 2), NEW, Type="Incident", Priority="P4"),
         ticket(4, day(10, 2), NEW, Type="Defect", Priority="P1")],
        life(1, (NEW, SHUT, day(10))),
    )  # fmt: skip
    (row,) = report(board)["releases"]
    assert (row["n"], row["reliable"], row["reliability_pct"]) == (1, reliable, 100.0 * reliable)


def test_an_incident_that_comes_later_changes_the_release_before_it(
    fill: Fill, board: Board
) -> None:
    fill([ticket(1, day(30), Type="Release")], life(1, (NEW, SHUT, "2026-03-31T12:00:00Z")))
    assert report(board)["releases"][0]["reliable"] == 1
    fill([ticket(2, "2026-04-01T06:00:00Z", NEW, Type="Incident", Priority="P1")])
    assert report(board)["releases"] == [
        {"month": "2026-03", "n": 1, "reliable": 0, "reliability_pct": 0.0}
    ]


def test_open_at_a_moment_is_strictly_before_it(fill: Fill, board: Board) -> None:
    fill([ticket(1, day(1))], life(1, (NEW, WORK, day(3)), (WORK, SHUT, day(5))))

    def at(text: str) -> int:
        moment = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        return backlog.backlog(board, moment).total

    assert [at("2026-03-01"), at("2026-03-01T00:00:01"), at("2026-03-05")] == [0, 1, 1]
    assert at("2026-03-05T00:00:01") == 0
    (row,) = backlog.open_tickets(board, dt.datetime(2026, 3, 4, tzinfo=dt.UTC)).rows
    assert (row.status, row.age_d, row.days_in_status) == (WORK, 3.0, 1.0)


@pytest.mark.parametrize(("age", "bucket"), [(7.9, 0), (8.0, 1), (30.9, 1), (31.0, 2), (91.0, 3)])
def test_ages_are_whole_days(fill: Fill, board: Board, age: float, bucket: int) -> None:
    fill([ticket(1, day(1), NEW)])
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC) + dt.timedelta(days=age)
    assert [each.open for each in backlog.backlog(board, at).ages] == [
        int(i == bucket) for i in range(4)
    ]


def test_no_data_is_nothing_and_never_zero(board: Board) -> None:
    page = board.overview(month("2026-03"))
    further = board.overview(month("2026-03"), tiles=FURTHER_TILES)
    for tile in (*page.tiles, *further.tiles):
        assert (tile.figure.value, tile.figure.n, tile.change, tile.better) == (None, 0, None, None)
        assert {point.value for point in tile.spark} == {None}
    assert (page.departments, page.tickets) == ((), 0)
    assert all(rows == [] for topic, rows in report(board).items() if topic != "policy_version")
    assert backlog.backlog(board, dt.datetime.now(dt.UTC)).total == 0
    assert board.tickets(Selection("tickets")).rows == ()


def test_a_deleted_ticket_leaves_and_an_initiative_never_comes(
    file: TicketFile, policy: Policy, board: Board, tmp_path: Path
) -> None:
    from services.kpis.load import load

    tickets, history = tmp_path / "T.csv", tmp_path / "H.csv"
    history.write_text("Id,ParentId,Field,OldValue,NewValue,CreatedDate\n")
    head = "Id,CreatedDate,Status__c,IsDeleted,RecordType.DeveloperName,SystemModstamp\n"
    tickets.write_text(
        f"{head}1,2026-03-01,New,false,Development,2026-03-01\n"
        "2,2026-03-01,New,true,Development,2026-03-01\n"
        "3,2026-03-01,New,false,Strategic_Initiative,2026-03-01\n"
    )
    load(file, policy, tickets, history)
    assert board.holdings().tickets == 1
    tickets.write_text(f"{head}1,2026-03-01,New,true,Development,2026-03-02\n")
    load(file, policy, tickets, history)
    assert board.holdings().tickets == 0
    tickets.write_text(f"{head}1,2026-03-01,New,false,Development,2026-03-01\n")
    load(file, policy, tickets, history)
    assert board.holdings().tickets == 0, "an older version does not bring it back"


def test_throughput_of_a_stretch_is_brought_to_thirty_days(fill: Fill, board: Board) -> None:
    fill(
        [ticket(1, day(1), Estimated_Hours="30"), ticket(2, day(1), Estimated_Hours="30",
                                                         Assignee="Ben")],
        [*life(1, (NEW, SHUT, day(2))), *life(2, (NEW, SHUT, day(3)))],
    )  # fmt: skip
    whole = board.tile("throughput", month("2026-03"))
    assert (whole.figure.value, whole.people) == (30.0, 2)
    half = board.tile("throughput", Period(dt.date(2026, 3, 1), dt.date(2026, 3, 16)))
    assert half.figure.value == 60.0
    assert half.spark[-1].value == 30.0


def test_periods_and_what_they_are_compared_with() -> None:
    today = dt.date(2026, 3, 15)
    assert last_days(30, today) == Period(dt.date(2026, 2, 14), dt.date(2026, 3, 16), "30 days")
    assert last_days(30, today).before().end == dt.date(2026, 2, 14)
    assert (quarter(today).start, quarter(today).end) == (dt.date(2026, 1, 1), dt.date(2026, 4, 1))
    assert quarter(today).before().start == dt.date(2025, 10, 1)
    assert year(today).before().start == dt.date(2025, 1, 1)
    assert month("2026-03").before() == Period(
        dt.date(2026, 2, 1), dt.date(2026, 3, 1), "the month before"
    )
    assert last_months(3, today).months() == ["2026-01", "2026-02", "2026-03"]
    for wrong in ("2026-13", "2026-3", "202603", "2026-03-01", "march"):
        with pytest.raises(ValueError, match="is no month"):
            month(wrong)


def test_lists_are_sorted_searched_and_cut(fill: Fill, board: Board) -> None:
    fill([ticket(n, day(n), NEW, Title=f"Läuft {n % 3}", Department="") for n in range(1, 10)])
    all_of = Selection("tickets", None, Filters(departments=("",)))
    page = board.tickets(all_of, sort="created", descending=False, limit=4, offset=4)
    assert ([row.name for row in page.rows], page.total) == (["T-5", "T-6", "T-7", "T-8"], 9)
    assert board.tickets(all_of, text="LÄUFT 2").total == 3
    assert board.tickets(all_of, text="100%_'").total == 0
    assert board.tickets(Selection("tickets", None, Filters(departments=("x",)))).total == 0


def ask_for_ever(board: Board, asking: threading.Event) -> None:
    with board.asking() as conn:
        asking.set()
        conn.execute("SELECT count(*) FROM range(1_000_000_000) a, range(1_000) b")


def test_a_question_can_be_withdrawn(fill: Fill, board: Board) -> None:
    fill([ticket(1, day(1))])
    board.cancel()  # nothing is asked: nothing happens
    asking = threading.Event()

    def cancel() -> None:
        asking.wait()
        while not ended.is_set():
            board.cancel()

    ended = threading.Event()
    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(Cancelled):
            ask_for_ever(board, asking)
    finally:
        ended.set()
        thread.join()
    assert board.holdings().tickets == 1


@pytest.mark.parametrize("name", ["Status", "State__c"])
def test_another_organisations_names_are_the_policys(
    tmp_path: Path, file: TicketFile, name: str
) -> None:
    from services.kpis.load import load

    root = Path(__file__).resolve().parents[2]
    content = json.loads((root / "policies" / "kpi_policy.json").read_text())
    content["columns"] |= {"status": name, "department": ["Nowhere__c", "Team"]}
    content["history_fields"]["status"] = name
    content["statuses"] = {"started": ["läuft"], "resolved": [], "closed": ["fertig'; --"]}
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(content))
    own = load_policy(path)
    (tmp_path / "T.csv").write_text(
        f"team,{name.lower()},Id,CreatedDate\nÉquipe,fertig'; --,1,2026-03-01\n"
    )
    (tmp_path / "H.csv").write_text(
        "Id,ParentId,Field,OldValue,NewValue,CreatedDate\n"
        f"1,1,{name},neu,läuft,2026-03-02\n2,1,{name},läuft,fertig'; --,2026-03-05\n"
    )
    load(file, load_policy(), tmp_path / "T.csv", tmp_path / "H.csv")
    (row,) = report(Board(file, own, keep=False))["departments"]
    assert (row["department"], row["cycle_median_d"]) == ("Équipe", 3.0)
    assert report(Board(file, own)) == report(Board(file, own, keep=False))


def test_a_policy_whose_status_column_is_nowhere_is_refused(
    fill: Fill, file: TicketFile, policy: Policy
) -> None:
    lost = replace(policy, columns={**policy.columns, "status": ("State__c",)}, digest="lost")
    assert Board(file, lost).holdings().tickets == 0
    fill([ticket(1, day(1))])
    for board in (Board(file, lost), Board(file, lost, keep=False), LiveBoard(file, lost)):
        with pytest.raises(PolicyError, match=r"State__c, .* columns\.status"):
            board.overview(month("2026-03"))
    assert Board(file, policy).holdings().tickets == 1
