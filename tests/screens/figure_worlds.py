"""Two years of tickets for the pages of figures: invented, the same in every run, loaded as a
person would load them."""

from __future__ import annotations

import datetime as dt
import functools
import random
import tempfile
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from screens.tickets import TicketsPage
from screens.widgets.ticket_table import TicketTable
from services.kpis.load import load
from services.kpis.place import SANDBOX_TICKETS
from services.kpis.policy import load_policy
from store.tickets import TicketFile
from tests.kpis.world import HISTORY, TICKET, Histories, ticket, write
from tests.screens import factory
from tests.screens.worlds import World, at_rest, shown

NOW = factory.NOW
DAYS = 500
A_DAY = 0.9
DEPARTMENTS = (
    "Product",
    "Marketing / Demand Gen",
    "Events",
    "Sales",
    "Grants / Data",
    "Finance",
    "",
)
KINDS = ("Defect", "Task", "Task", "Feature", "Incident", "Release")
PRIORITIES = ("P1", "P2", "P2", "P3", "P3", "P4")
PEOPLE = ("Dev Patel", "Eva Lund", "Ben Osei", "Mia Chen", "Ana Ruiz", "Farid Amin")
SUBJECTS = ("Login page", "Sponsor portal", "Badge printing", "Lead scoring", "Invoice export")
FAULTS = ("shows the wrong totals", "is slow on Mondays", "needs bulk edit", "times out")
HOSTILE = "[/x][b]\u202e {red} \u0007 نص 👩‍👩‍👧"


def rows(seed: int = 7) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Tickets and their history, up to ``NOW``."""
    dice = random.Random(seed)
    histories = Histories()
    tickets: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for number in range(int(DAYS * A_DAY)):
        created = NOW - dt.timedelta(days=dice.uniform(0, DAYS))
        kind, priority = dice.choice(KINDS), dice.choice(PRIORITIES)
        status, at = "New", created
        pace = {"P1": 0.3, "P2": 0.7}.get(priority, 1.6)
        path = ["In Design", "In Development", "In QA", "Resolved", "Closed"]
        if dice.random() < 0.12:
            path[3:3] = ["Resolved", "In Development"]
        for to in path:
            at += dt.timedelta(days=dice.expovariate(1 / (2.2 * pace)))
            if at > NOW or dice.random() < 0.012:
                break
            actor = f"00500000000000{len(path)}AAA"
            steps.append(histories.status(number, status, to, _text(at), CreatedById=actor))
            status = to
        tickets.append(
            ticket(
                number,
                _text(created),
                status,
                Priority=priority,
                Type=kind,
                Department=dice.choice((*DEPARTMENTS, "")),
                Assignee=dice.choice(PEOPLE),
                OwnerId=dice.choice(PEOPLE),
                Estimated_Hours=str(dice.choice((2, 4, 8, 16, 24))),
                Title=f"{dice.choice(SUBJECTS)} {dice.choice(FAULTS)}",
            )
        )
    return tickets, steps


def put(home: Path, tickets: list[dict[str, Any]], steps: list[dict[str, Any]]) -> None:
    """Load tickets into the file of this home, as another process would."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        load(
            TicketFile(home / SANDBOX_TICKETS),
            load_policy(),
            write(place / "T.csv", TICKET, tickets),
            write(place / "H.csv", HISTORY, steps),
            clock=NOW.timestamp,
        )


@functools.cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        put(Path(directory), *rows())
        return (Path(directory) / SANDBOX_TICKETS).read_bytes()


def figures(home: Path) -> World:
    """A terminal with the invented tickets."""
    world = World(home, projects=3)
    (home / SANDBOX_TICKETS).write_bytes(_file())
    return world


def hostile(home: Path) -> World:
    """One department's tickets with texts that no screen should interpret."""
    world = World(home, projects=3)
    tickets, steps = rows()
    for each in tickets[::3]:
        each["Title__c"] = each["Department__c"] = each["Assignee__c"] = HOSTILE
    put(home, tickets, steps)
    return world


def none(home: Path) -> World:
    """A terminal without any ticket."""
    return World(home, projects=3)


def painted(pilot: Pilot[None]) -> list[str]:
    """The screen's lines as text."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


async def begun(pilot: Pilot[None]) -> None:
    """Wait until the page shows its figures."""
    await shown(pilot)
    await at_rest(pilot)


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, each when the last one's work is done."""
    for each in keys:
        await pilot.press(each)
        await at_rest(pilot)


async def typed(pilot: Pilot[None], text: str) -> None:
    """Put a text into what has the focus."""
    focused = pilot.app.focused
    assert focused is not None
    focused.post_message(events.Paste(text))
    await at_rest(pilot)


def drilled(pilot: Pilot[None]) -> TicketsPage:
    """The page of tickets that was opened from a figure."""
    page = pilot.app.screen
    assert isinstance(page, TicketsPage)
    return page


def rows_of(pilot: Pilot[None]) -> list[str]:
    """The tickets that it lists, by id."""
    return list(drilled(pilot).query_one(TicketTable).grid.rows)


def heading(pilot: Pilot[None]) -> str:
    """What stands above them."""
    return str(drilled(pilot).query_one("#drill-title", Static).render()).strip()


def _text(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S.000Z}"
