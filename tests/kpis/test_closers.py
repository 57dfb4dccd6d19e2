"""What the departments' list adds up follows the tickets, and the list stays what the facts say."""

from __future__ import annotations

import random

from services.kpis import closers, topics
from services.kpis.board import Board
from services.kpis.report import report
from store.tickets import TicketFile
from tests.kpis.conftest import Fill
from tests.kpis.world import Histories, ticket

OPENED = "2026-01-01T00:00:00Z"


def kept(board: Board) -> list[tuple[object, ...]]:
    """The table as it is."""
    with board.asking() as conn:
        return conn.execute("SELECT * FROM closers ORDER BY ALL").fetchall()


def anew(file: TicketFile) -> list[tuple[object, ...]]:
    """The same, made anew of the facts."""
    with file.writing() as conn:
        closers.make(conn)
        return conn.execute("SELECT * FROM closers ORDER BY ALL").fetchall()


def test_tickets_that_move_take_what_they_added_with_them(
    fill: Fill, file: TicketFile, board: Board
) -> None:
    dice, histories = random.Random(3), Histories()
    fill([ticket(each, OPENED, Assignee="Ana") for each in range(20)])
    for _ in range(12):
        numbers = dice.sample(range(30), 4)
        fill(
            [
                ticket(
                    each,
                    OPENED,
                    dice.choice(["Closed", "Closed", "New"]),
                    Department=dice.choice(["", "Events", "Finance", "Séances"]),
                    Assignee=dice.choice(["", "Ana", "Ben", "IT Intake"]),
                    Estimated_Hours=dice.choice(["0.1", "2.7", ""]),
                )
                for each in numbers
            ],
            [histories.status(each, "New", "In QA", "2026-01-02T00:00:00Z") for each in numbers],
        )
        with board.asking() as conn:
            assert report(board)["departments"] == topics.rows_of(conn, "departments")
        assert kept(board) == anew(file)


def test_only_the_departments_that_are_asked_for(fill: Fill, board: Board) -> None:
    fill([ticket(1, OPENED, Department="Events"), ticket(2, OPENED, Department="Sales")])
    with board.asking() as conn:
        both = closers.rollup(conn, None)
        assert [row["department"] for row in both] == ["Events", "Sales"]
        assert closers.rollup(conn, {"Sales"}) == both[1:]
        assert closers.rollup(conn, ()) == []
