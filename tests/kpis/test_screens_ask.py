"""How screens ask for figures: from memory, always of the file as it is, one question at a time."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.config import Settings
from services.kpis import words
from services.kpis.backlog import backlog, open_order, open_tickets, those_open
from services.kpis.board import Board, Cancelled
from services.kpis.desk import FigureDesk, Withdrawn
from services.kpis.lists import SORTS
from services.kpis.live import LiveBoard
from services.kpis.measures import FURTHER_TILES, TILES
from services.kpis.periods import period_of
from services.kpis.policy import Policy, PolicyError
from services.kpis.selection import EVERYTHING, Filters, Period, Selection, last_days
from store.tickets import TicketFile
from tests.kpis.world import Histories, ticket
from tests.screens import figure_worlds

NOW = figure_worlds.NOW
TODAY = NOW.date()
PERIOD = last_days(90, TODAY)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("home")
    figure_worlds.put(place, *figure_worlds.rows())
    return place


@pytest.fixture
def file(home: Path) -> TicketFile:
    return TicketFile(home / figure_worlds.SANDBOX_TICKETS)


Live = Callable[[TicketFile], LiveBoard]


@pytest.fixture
def live(policy: Policy) -> Iterator[Live]:
    """Opens a board in memory, which is closed with the test."""
    boards: list[LiveBoard] = []

    def make(file: TicketFile) -> LiveBoard:
        boards.append(LiveBoard(file, policy, NOW.timestamp))
        return boards[-1]

    yield make
    for each in boards:
        each.close()


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(departments=("Finance", "")), Filters((), ("Defect",), ("P2",))]
)
def test_memory_answers_what_the_file_answers(
    file: TicketFile, policy: Policy, live: Live, filters: Filters
) -> None:
    kept, memory = Board(file, policy), live(file)
    assert memory.overview(PERIOD, filters) == kept.overview(PERIOD, filters)
    assert memory.overview(PERIOD, filters, FURTHER_TILES) == kept.overview(
        PERIOD, filters, FURTHER_TILES
    )
    assert memory.choices() == kept.choices()
    assert memory.holdings() == kept.holdings()
    for moment in (NOW, NOW + dt.timedelta(days=40), NOW - dt.timedelta(hours=20)):
        assert backlog(memory, moment, filters) == backlog(kept, moment, filters)


def test_memory_answers_of_the_file_as_it_is(live: Live, tmp_path: Path) -> None:
    memory = live(TicketFile(tmp_path / figure_worlds.SANDBOX_TICKETS))
    assert memory.holdings().tickets == 0
    for count in (1, 2):
        made = [ticket(n, "2026-11-01T08:00:00.000Z", "New") for n in range(count)]
        figure_worlds.put(tmp_path, made, [])
        assert memory.holdings().tickets == count
        assert backlog(memory, NOW).total == count


def test_a_status_that_lies_after_the_moment_does_not_count_yet(
    policy: Policy, live: Live, tmp_path: Path
) -> None:
    """Clocks differ: the history may be ahead of this machine."""
    made = [ticket(1, "2026-11-01T08:00:00.000Z", "Closed")]
    rows = Histories()
    steps = [
        rows.status(1, "New", "In QA", "2026-11-20T08:00:00.000Z"),
        rows.status(1, "In QA", "Closed", "2026-11-21T14:02:30.000Z"),
    ]
    figure_worlds.put(tmp_path, made, steps)
    file = TicketFile(tmp_path / figure_worlds.SANDBOX_TICKETS)
    page = backlog(live(file), NOW)
    assert [row.status for row in page.oldest.rows] == ["In QA"]
    assert page == backlog(Board(file, policy), NOW)


def test_the_order_and_its_rows_are_the_list(file: TicketFile, live: Live) -> None:
    board = live(file)
    for selection in (Selection("tickets"), Selection("mttr", PERIOD), Selection("releases")):
        for sort in SORTS:
            for descending in (True, False):
                page = board.tickets(selection, sort=sort, descending=descending, limit=1000)
                ids = board.order(selection, sort=sort, descending=descending)
                assert ids == [row.id for row in page.rows]
        rows = board.those(selection, ids)
        assert [rows[each] for each in ids] == list(page.rows)
    narrowed = board.order(Selection("tickets"), text="badge")
    assert 0 < len(narrowed) == board.tickets(Selection("tickets"), text="BADGE").total


def test_an_order_longer_than_a_block_of_the_database_is_in_order(
    live: Live, tmp_path: Path
) -> None:
    """Ids of exports may be anything: one has a line end in it."""
    numbers = list(range(9_000))
    random.Random(5).shuffle(numbers)
    made = [ticket(n, "2026-11-01T08:00:00.000Z", "New", Title=f"{n % 7}") for n in numbers]
    file = TicketFile(tmp_path / figure_worlds.SANDBOX_TICKETS)
    for ids in ([each["Id"] for each in made], ["two\nlines", *(each["Id"] for each in made[1:])]):
        for each, name in zip(made, ids, strict=True):
            each["Id"] = name
        file.path.unlink(missing_ok=True)
        figure_worlds.put(tmp_path, made, [])
        found = live(file).order(Selection("tickets"), sort="title", descending=True)
        titles = {each["Id"]: each["Title__c"] for each in made}
        assert found == sorted(sorted(ids), key=lambda each: titles[each], reverse=True)


@pytest.mark.parametrize(
    "filters",
    [EVERYTHING, Filters(types=("Task",)), Filters(priorities=("P1",)), Filters(("nowhere",))],
)
@pytest.mark.parametrize(
    "period", [PERIOD, Period(dt.date(2025, 1, 1), dt.date(2027, 1, 1), "two years")]
)
def test_what_is_asked_together_is_what_is_asked_alone(
    file: TicketFile, live: Live, filters: Filters, period: Period
) -> None:
    board = live(file)
    for tiles in (TILES, FURTHER_TILES):
        page = board.overview(period, filters, tiles)
        for each in page.tiles:
            assert each == board.tile(each.measure.key, period, filters)
            assert board.tickets(each.selection).total == each.figure.n
        for key, points in page.series.items():
            months = Period(
                dt.date.fromisoformat(f"{points[0].month}-01"),
                dt.date.fromisoformat(f"{points[-1].month}-02"),
            )
            assert points == board.series(key, months, filters)
            for point in points:
                assert (point.value is None) == (point.n == 0)


def test_the_order_of_the_backlog_and_its_rows_are_the_list(file: TicketFile, live: Live) -> None:
    board = live(file)
    for bucket in (None, 3):
        for sort in ("age", "owner", "days_in_status"):
            page = open_tickets(board, NOW, bucket=bucket, sort=sort, limit=1000)
            ids = open_order(board, NOW, bucket=bucket, sort=sort)
            assert ids == [row.id for row in page.rows]
            rows = those_open(board, NOW, ids)
            assert [rows[each] for each in ids] == list(page.rows)


async def test_the_desk_answers_and_raises_what_the_board_raises(home: Path) -> None:
    desk = FigureDesk(Settings(), home, NOW.timestamp)
    assert (await desk.ask("a", lambda board: board.holdings())).tickets == 450
    with pytest.raises(KeyError):
        await desk.ask("a", lambda board: board.tile("nothing", PERIOD))
    assert (await desk.ask("a", Board.choices)).types
    desk.stop()
    with pytest.raises(Withdrawn):
        await desk.ask("a", Board.choices)


async def test_a_policy_that_was_mended_is_taken_with_the_next_question(tmp_path: Path) -> None:
    figure_worlds.put(tmp_path, *figure_worlds.rows())
    policy = tmp_path / "policy.json"
    policy.write_text("{}")
    desk = FigureDesk(Settings(kpi_policy=str(policy)), tmp_path, NOW.timestamp)
    with pytest.raises(PolicyError):
        await desk.ask("a", lambda board: board.holdings())
    from services.kpis.policy import DEFAULT, _shipped

    policy.write_text(_shipped(DEFAULT))
    assert (await desk.ask("a", lambda board: board.holdings())).tickets == 450
    desk.stop()


async def test_a_newer_question_of_a_name_withdraws_the_older(home: Path) -> None:
    desk = FigureDesk(Settings(), home, NOW.timestamp)
    go_on, begun = threading.Event(), threading.Event()

    def slow(_board: Board) -> str:
        begun.set()
        assert go_on.wait(20)
        return "slow"

    first = asyncio.create_task(desk.ask("filter", slow))
    await asyncio.to_thread(begun.wait, 20)
    second = asyncio.create_task(desk.ask("filter", lambda board: "second"))
    other = asyncio.create_task(desk.ask("other", lambda board: "other"))
    await asyncio.sleep(0)
    third = asyncio.create_task(desk.ask("filter", lambda board: "third"))
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(Withdrawn):
        await first
    with pytest.raises(Withdrawn):
        await second
    assert (await other, await third) == ("other", "third")
    desk.stop()


async def test_a_query_that_runs_is_ended_when_it_is_withdrawn(home: Path) -> None:
    desk = FigureDesk(Settings(), home, NOW.timestamp)
    begun = threading.Event()

    def endless(board: Board) -> None:
        with board.asking() as conn:
            begun.set()
            conn.execute(
                "SELECT count(*) FROM facts a, facts b, facts c, facts d "
                "WHERE a.id || b.id || c.id > d.id"
            )

    asked = asyncio.create_task(desk.ask("big", endless))
    await asyncio.to_thread(begun.wait, 20)
    while not asked.done():  # the query may not have begun when it is withdrawn the first time
        desk.withdraw("big")
        board = desk._board
        assert board is not None
        board.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(Withdrawn):
        await asked
    assert (await desk.ask("big", lambda board: board.holdings())).tickets == 450
    desk.stop()


def test_two_that_ask_at_once_are_told_of_one_moment_and_of_their_own_connection(
    live: Live, tmp_path: Path
) -> None:
    made = [ticket(n, "2026-11-01T08:00:00.000Z", "New") for n in range(3)]
    figure_worlds.put(tmp_path, made[:1], [])
    memory = live(TicketFile(tmp_path / figure_worlds.SANDBOX_TICKETS))
    met = threading.Barrier(2, timeout=20)

    def asked() -> tuple[int, int]:
        with memory.asking() as conn:
            met.wait()
            first = memory.holdings().tickets
            if met.wait() == 0:
                figure_worlds.put(tmp_path, made, [])
            met.wait()
            assert memory.both(memory.holdings, memory.choices)[0].tickets == 1
            return first, id(conn)

    (one, ours), (other, theirs) = memory.both(asked, asked)
    assert (one, other) == (1, 1)
    assert ours != theirs
    assert memory.holdings().tickets == 3


@pytest.mark.parametrize("fast", [0, 1, None])
def test_withdrawn_is_withdrawn_on_both_connections(
    file: TicketFile, live: Live, fast: int | None
) -> None:
    memory = live(file)
    begun = threading.Barrier(3, timeout=20)

    def asking(number: int) -> Callable[[], None]:
        def ask() -> None:
            with memory.asking() as conn:
                begun.wait()
                if number != fast:
                    conn.execute(
                        "SELECT count(*) FROM facts a, facts b, facts c, facts d "
                        "WHERE a.id || b.id || c.id > d.id"
                    )

        return ask

    def withdraw() -> None:
        begun.wait()
        while not ended.wait(0.01):
            memory.cancel()

    ended = threading.Event()
    other = threading.Thread(target=withdraw)
    other.start()
    try:
        with pytest.raises(Cancelled):
            memory.both(asking(0), asking(1))
    finally:
        ended.set()
        other.join()
    assert not [each for each in threading.enumerate() if "beside" in each.name]
    assert memory.holdings().tickets == 450


async def test_the_desk_tells_when_another_process_wrote(tmp_path: Path) -> None:
    desk = FigureDesk(Settings(), tmp_path, NOW.timestamp)
    told = threading.Event()
    desk.watch(told.set)
    assert (await desk.ask("a", lambda board: board.holdings())).tickets == 0
    assert not told.is_set()
    figure_worlds.put(tmp_path, [ticket(1, "2026-11-01T08:00:00.000Z", "New")], [])
    assert await asyncio.to_thread(told.wait, 20)
    assert (await desk.ask("a", lambda board: board.holdings())).tickets == 1
    desk.stop()


@pytest.mark.parametrize(
    ("text", "start", "end", "label"),
    [
        ("30d", "2026-10-23", "2026-11-22", "30 days"),
        ("90d", "2026-08-24", "2026-11-22", "90 days"),
        ("quarter", "2026-10-01", "2027-01-01", "Q4 2026"),
        ("last-quarter", "2026-07-01", "2026-10-01", "Q3 2026"),
        ("year", "2026-01-01", "2027-01-01", "2026"),
        ("last-year", "2025-01-01", "2026-01-01", "2025"),
        ("2026-03", "2026-03-01", "2026-04-01", "2026-03"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "Q1 2026"),
        ("2024q4", "2024-10-01", "2025-01-01", "Q4 2024"),
        ("2024", "2024-01-01", "2025-01-01", "2024"),
        ("2026-03-01 2026-03-01", "2026-03-01", "2026-03-02", "2026-03-01 – 2026-03-01"),
        (" 2026-03-01 – 2026-04-15 ", "2026-03-01", "2026-04-16", "2026-03-01 – 2026-04-15"),
        ("2026-03-01..2026-04-15", "2026-03-01", "2026-04-16", "2026-03-01 – 2026-04-15"),
    ],
)
def test_periods_as_people_write_them(text: str, start: str, end: str, label: str) -> None:
    period = period_of(text, TODAY)
    assert (str(period.start), str(period.end), period.label) == (start, end, label)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write 2026-03"),
        ("soon", "write 2026-03"),
        ("2026-13", "write 2026-03"),
        ("2026-Q5", "write 2026-03"),
        ("2026-02-30 2026-03-01", "write 2026-03"),
        ("2026-03-02 2026-03-01", "the last day lies before the first"),
        ("2000-01-01 2026-01-01", "the period has more than ten years"),
        ("0001", "the year lies outside"),
        ("9999-12", "write 2026-03"),
        ("٢٠٢٦", "the year lies outside"),
    ],
)
def test_a_period_that_is_none_says_how_to_write_one(text: str, said: str) -> None:
    if text == "٢٠٢٦":  # digits of another script are digits: 2026
        assert period_of(text, TODAY).label == "2026"
        return
    with pytest.raises(ValueError, match=said):
        period_of(text, TODAY)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (None, "d", "no data"),
        (0.0, "d", "0.0 d"),
        (6.04, "d", "6.0 d"),
        (999.96, "h", "1,000 h"),
        (1234.5, "min", "1,234 min"),
        (1204, "tickets", "1,204"),
    ],
)
def test_figures_have_their_unit(value: float | None, unit: str, said: str) -> None:
    assert words.with_unit(value, unit) == said


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([None, None], "··"),
        ([0.0, 0.0], "▁▁"),
        ([0, 5, 10], "▁▅█"),
        ([None, 10, 1], "·█▂"),
    ],
)
def test_a_course_tells_nothing_from_no_data(values: list[float | None], drawn: str) -> None:
    assert words.spark(values) == drawn


@pytest.mark.parametrize(
    ("top", "steps", "marks"),
    [
        (0, 4, [0, 1]),
        (9.3, 4, [0, 2.5, 5, 7.5, 10]),
        (41, 4, [0, 20, 40, 60]),
        (10, 2, [0, 5, 10]),
        (1, 1, [0, 1]),
        (0.03, 3, [0, 0.01, 0.02, 0.03]),
    ],
)
def test_an_axis_has_round_numbers_up_to_the_highest_value(
    top: float, steps: int, marks: list[float]
) -> None:
    assert words.scale(top, steps) == pytest.approx(marks)
