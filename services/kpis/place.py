"""Where the tickets of a configuration are, and which policy is in force. Cheap to import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.config import Settings
from store.clock import Clock
from store.tickets import TicketFile

if TYPE_CHECKING:
    from services.kpis.board import Board
    from services.kpis.live import LiveBoard
    from services.kpis.policy import Policy

SANDBOX_TICKETS, TICKETS = "sandbox-tickets.duckdb", "tickets.duckdb"


def ticket_file(settings: Settings, home: Path) -> TicketFile:
    """The tickets of this configuration: the sandbox has its own."""
    return TicketFile(home / (SANDBOX_TICKETS if settings.sandbox else TICKETS))


def policy_in_force(settings: Settings) -> Policy:
    """The configured policy, else the one that ships. Raises PolicyError."""
    from services.kpis.policy import load_policy

    named = settings.kpi_policy
    return load_policy(Path(named).expanduser() if named else None)


def open_board(settings: Settings, home: Path, policy: Path | None = None) -> Board:
    """The figures of this configuration, under another policy where one is named. Raises
    PolicyError."""
    from services.kpis.board import Board
    from services.kpis.policy import load_policy

    if policy is not None:
        return Board(ticket_file(settings, home), load_policy(policy), keep=False)
    return Board(ticket_file(settings, home), policy_in_force(settings))


def live_board(settings: Settings, home: Path, clock: Clock) -> LiveBoard:
    """The figures of this configuration for screens, answered from memory. Raises PolicyError."""
    from services.kpis.live import LiveBoard

    return LiveBoard(ticket_file(settings, home), policy_in_force(settings), clock)
