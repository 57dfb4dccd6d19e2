"""A file of tickets to ask, and a way to fill it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from services.kpis.board import Board
from services.kpis.load import Loaded, load
from services.kpis.policy import Policy, load_policy
from store.tickets import TicketFile
from tests.kpis import world
from tests.kpis.world import Row

Fill = Callable[..., Loaded]


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The policy that ships."""
    return load_policy()


@pytest.fixture
def file(tmp_path: Path) -> TicketFile:
    return TicketFile(tmp_path / "home" / "tickets.duckdb")


@pytest.fixture
def board(file: TicketFile, policy: Policy) -> Board:
    return Board(file, policy)


@pytest.fixture
def fill(file: TicketFile, policy: Policy, tmp_path: Path) -> Fill:
    """Loads rows through two CSV files."""

    def go(tickets: Iterable[Row] = (), history: Iterable[Row] = (), now: float = 0.0) -> Loaded:
        return load(
            file,
            policy,
            world.write(tmp_path / "T.csv", world.TICKET, tickets),
            world.write(tmp_path / "H.csv", world.HISTORY, history),
            clock=lambda: now,
        )

    return go
