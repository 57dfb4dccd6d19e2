"""States of the store for the project and Sync pages, made by the functions that make them in
earnest: edits by commands, deliveries by claims and acknowledgements."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from textual.app import App
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.worker import WorkerState

from screens.base import Page
from screens.keys import entries
from screens.widgets.frame import StatusLine, TitleLine
from services import drafts as draft_commands
from services import itsc_roadmap, outbox
from services.context import Context
from services.desk import Desk
from services.workplace import Workplace
from store import attempts, conflicts, deliveries, targets, users
from store.attempts import Attempt
from store.clock import Clock, to_iso
from store.conflicts import Conflict
from store.database import open_database, transaction
from store.deliveries import FIRESTORE, SALESFORCE
from store.drafts import Draft
from store.users import User
from tests.screens import factory
from tui.app import SteercoApp

NOW = factory.NOW.timestamp()
MAIN = "project-00000"
DAY = 86_400.0
ERROR = tuple[str, str, str]
BUSY: ERROR = ("transient", "UNABLE_TO_LOCK_ROW", "Salesforce is busy with the same row")
REFUSED: ERROR = (
    "permanent",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "Dev Readiness has to be 100 once the status is Completed",
)
SILENT: ERROR = (
    "unknown",
    "DEADLINE_EXCEEDED",
    "no answer from Firestore; the record is read before it is sent again",
)
WHAT = (
    "Collects what attendees, sponsors and sales hear at events in one place, routes each comment "
    "to the team that owns it, and shows what became of it."
)
WHY = (
    "Feedback arrives in seven tools today and nobody can say what customers asked for twice. Two "
    "renewals were lost over requests that had been known for months."
)
IMPACT = (
    "Saves 30 hours a month of collecting by hand.\n"
    "Raises the share of answered comments from 40 % to 90 %.\n"
    "First input for the 2027 pricing review."
)
PUNCHLINE = "One place where every customer comment is heard and answered."
HOSTILE = {
    "feature_name": "[/x] [b]مشروع[/b] 👩‍👩‍👧 \u00a0\u202eevil",
    "department": "[red]Ops\u202e [/]",
    "strategic_value": '"[/]" \' \u00a0 ﷽',
    "product_owner": "[@click=app.quit]Eve[/]",
    "it_lead": "Ω\u2066[/b]",
    "intake.submitted_by": "نص عربي",
    "intake.intake_document_url": "https://x.example/[/a]?q=%1b",
    "intake.reviewer_comments": "[/x]\n\ttab\u202e" * 3,
    "brief.what_it_does": ("[/bold] $var {x} \u202eabc نص عربي طويل جدا " * 200)[:8000],
    "brief.why_it_matters": "x" * 8000,
    "brief.business_impact": "👩‍👩‍👧🧩⚡" * 60,
}
Fill = Callable[[sqlite3.Connection], None]


class World:
    """One database with a terminal over it."""

    def __init__(self, home: Path, projects: int = 12, fill: Fill | None = None) -> None:
        self.home = home
        self.workplace = factory.workplace(home, projects)
        if fill is not None:
            with self.store() as conn:
                fill(conn)

    @classmethod
    def over(cls, other: World) -> World:
        """A new process over the database of another one."""
        again = cls.__new__(cls)
        again.home = other.home
        path = other.workplace.path
        again.workplace = Workplace(path, Desk(path), other.workplace.ctx)
        return again

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """A connection of another process, so to speak."""
        conn = open_database(self.workplace.path)
        try:
            yield conn
        finally:
            conn.close()

    def at(self, clock: Clock) -> None:
        """Let the terminal's time be this clock's."""
        self.workplace.ctx = dataclasses.replace(self.workplace.ctx, clock=clock)

    def app(
        self, page: str = "project", project: str | None = MAIN, theme: str | None = None
    ) -> SteercoApp:
        """The terminal, opened on a page."""
        kept = {"page": page, "pages": {"project": {"project": project}}}
        (self.home / "session.json").write_text(json.dumps(kept))
        app = SteercoApp(self.workplace, theme=theme)
        app.animation_level = "none"
        return app


def by(operator: str, ago: float = 0.0) -> Context:
    """An operator some seconds ago; ids never repeat within a run."""
    return Context(operator, clock=lambda: NOW - ago, new_id=factory.counter(f"{operator}-{ago}"))


def edit(conn: sqlite3.Connection, number: int, changes: dict[str, object], **who: object) -> None:
    """Change a project: ``by`` (ana), ``ago`` seconds (60), ``origin`` (local)."""
    ctx = by(str(who.get("by", "ana")), float(str(who.get("ago", 60))))
    itsc_roadmap.update_project(
        conn, ctx, f"project-{number:05d}", changes, origin=str(who.get("origin", "local"))
    )


def deliver(conn: sqlite3.Connection, target: str, project_id: str) -> None:
    """Everything that waits of a project arrives at the target."""
    with transaction(conn):
        claims = _claim(conn, target, project_id)
        deliveries.settle(conn, "engine", claims, "done", to_iso(NOW - 5))


def refuse(
    conn: sqlite3.Connection,
    target: str,
    project_id: str,
    state: str,
    error: ERROR,
    next_in: float | None = None,
) -> None:
    """A claim of the project is sent and comes back with this error."""
    fields = ["Dev_Readiness__c"] if error is REFUSED else []
    answer = [{"statusCode": error[1], "message": error[2], "fields": fields}]
    with transaction(conn):
        for claim in _claim(conn, target, project_id):
            deliveries.mark_sent(conn, "engine", [(claim, "update", {}, None)], to_iso(NOW - 30))
            deliveries.put_back(
                conn,
                "engine",
                claim,
                state=state,
                now=NOW,
                next_at=None if next_in is None else NOW + next_in,
                charge=state != "conflict",
                error=error,
            )
            attempts.add(
                conn,
                [
                    Attempt(
                        to_iso(NOW - 30),
                        target,
                        project_id,
                        claim.part,
                        claim.newest.seq,
                        "update",
                        error[0],
                        error[1],
                        error[2],
                        json.dumps({"id": "a0B000000000001", "Dev_Readiness__c": 80}),
                        json.dumps([{"success": False, "errors": answer}]),
                        143,
                    )
                ],
            )


def _claim(conn: sqlite3.Connection, target: str, project_id: str) -> list[deliveries.Claim]:
    return deliveries.claim(
        conn, target, "engine", NOW, lease=60, limit=50, only=[project_id], alone=True
    )


def full(conn: sqlite3.Connection) -> None:
    """A project with everything: texts, votes, children, changes from everywhere, one retry."""
    texts = {
        "brief.what_it_does": WHAT,
        "brief.why_it_matters": WHY,
        "brief.business_impact": IMPACT,
        "brief.punchline": "One place where customer comments are heard.",
    }
    plan = {
        "flags.alignment": True,
        "flags.retention_focus": True,
        "intake.dev_readiness": 80,
        "intake.dev_t_shirt": "L",
        "intake.primary_system": "Salesforce",
        "strategic_value": "Retention of the top 100 sponsors",
    }
    people = {
        "intake.submitted_by": "Mia Chen",
        "intake.executive_sponsor": "Grace Holt",
        "intake.intake_document_url": "https://intake.example.com/feedback",
        "intake.reviewer_comments": "Ask Legal about recordings.",
    }
    edit(conn, 0, dict(texts), ago=9 * DAY)
    edit(conn, 0, dict(plan), ago=8 * DAY)
    edit(conn, 0, {"scores.Ana Ruiz": 4, "scores.Ben Osei": 5, "scores.Mia Chen": 3}, ago=7 * DAY)
    edit(conn, 0, dict(people), by="eva", ago=6 * DAY, origin="firestore")
    edit(conn, 0, {"department": "Product / Events"}, by="Mia", ago=3 * DAY, origin="salesforce")
    edit(conn, 1, {"parent_id": MAIN}, ago=2 * DAY)
    edit(conn, 4, {"parent_id": MAIN}, ago=2 * DAY)
    edit(conn, 0, {"brief.punchline": PUNCHLINE}, ago=5 * 3600)
    with transaction(conn):
        users.replace(conn, [User("005000000000000AAA", "Dev Patel", "dev@example.com", True)])
    factory.synced(conn)
    edit(conn, 0, {"status": "In QA"}, ago=300)
    deliver(conn, FIRESTORE, MAIN)
    refuse(conn, SALESFORCE, MAIN, "retrying", BUSY, 40)


def drafted(conn: sqlite3.Connection) -> None:
    """The same, with a draft that was not saved."""
    full(conn)
    draft = Draft(MAIN, "brief.why_it_matters", "Eight tools today.", WHY, to_iso(NOW - 1325))
    draft_commands.keep(conn, draft)


def hostile(conn: sqlite3.Connection) -> None:
    """Markup, escapes, text that turns around and 8,000 characters in every field."""
    edit(conn, 0, dict(HOSTILE), by="[/eve]", ago=300)
    voter = "scores.[/b] \u202e Ω 👩‍👩‍👧 a voter with a very long name"
    edit(conn, 0, {voter: 3, "scores.x": 1}, ago=200)
    edit(conn, 1, {"parent_id": MAIN, "feature_name": "[/child] \u202e"}, ago=200)
    # What another system holds may have control characters too; the merge takes it as it is.
    conn.execute(
        "UPDATE projects SET strategic_group = ?, brief_punchline = ? WHERE project_id = ?",
        ("\x1b]0;pwn\x07[/x]", "\x1b[2J\x1b[31m[/x] \x00", MAIN),
    )


def all_states(conn: sqlite3.Connection) -> None:
    """An outbox with every state there is, and two open conflicts."""
    edit(conn, 0, {"status": "In QA"}, ago=4000)
    edit(conn, 1, {"intake.dev_readiness": 80, "level_of_effort": "High"}, ago=3000)
    edit(conn, 2, {"launch_target": "2027-03-01"}, by="ben", ago=2000)
    edit(conn, 3, {"brief.punchline": "Fewer clicks from lead to answer."}, ago=600)
    edit(conn, 4, {"status": "Paused"}, ago=300)
    edit(conn, 5, {"department": "Grants / Data / Operations"}, ago=200)
    itsc_roadmap.delete_project(conn, by("ana", 100), "project-00006")
    edit(conn, 7, {"it_lead": "Mia Chen"}, ago=40)
    edit(conn, 8, {"flags.alignment": True, "status": "In Design"}, ago=20)
    for number in (0, 1, 3, 4, 6):
        deliver(conn, FIRESTORE, f"project-{number:05d}")
    refuse(conn, SALESFORCE, "project-00000", "retrying", BUSY, 40)
    refuse(conn, SALESFORCE, "project-00001", "failed", REFUSED)
    refuse(conn, FIRESTORE, "project-00002", "retrying", SILENT, 12)
    deleted = ("conflict", "DELETED", "deleted here, edited in Salesforce by Mia Chen")
    refuse(conn, SALESFORCE, "project-00006", "conflict", deleted)
    with transaction(conn):
        _claim(conn, SALESFORCE, "project-00003")
        _claim(conn, FIRESTORE, "project-00005")
        targets.put(
            conn,
            SALESFORCE,
            api_used=1204,
            api_limit=15_000,
            last_reconcile_at=to_iso(NOW - 900),
            last_drain_at=to_iso(NOW - 1260),
        )
        for each in _conflicts():
            conflicts.add(conn, each)


def _conflicts() -> list[Conflict]:
    return [
        Conflict("c1", "project-00001", "department", SALESFORCE, "Grants", "Grants / Data",
            "Grants Office", "mine", to_iso(NOW - 900), to_iso(NOW - 960), "ana", "Mia Chen",
            None, "open", to_iso(NOW - 800)),
        Conflict("c2", "project-00009", "status", SALESFORCE, "In QA", "Paused", "Completed",
            "theirs", to_iso(NOW - 500), to_iso(NOW - 300), "ana", "Mia Chen", None, "open",
            to_iso(NOW - 90)),
    ]  # fmt: skip


def down(conn: sqlite3.Connection) -> None:
    """The same, with Salesforce away."""
    all_states(conn)
    with transaction(conn):
        targets.put(
            conn,
            SALESFORCE,
            down_since=NOW - 1300,
            down_code="UNREACHABLE",
            down_reason="the server can't be reached (connection refused)",
            probe_at=NOW + 14,
        )


def paused(conn: sqlite3.Connection) -> None:
    """The same, with Salesforce paused by a person."""
    all_states(conn)
    outbox.pause(conn, by("eva", 1000), SALESFORCE)


async def until(pilot: Pilot[None], true: Callable[[], object], what: str = "") -> None:
    """Wait until something has come true; it must within some seconds."""
    for _ in range(400):
        if true():
            return
        await pilot.pause(0.01)
    raise AssertionError(f"it never came true: {what or true}")


async def shown(pilot: Pilot[None]) -> None:
    """Wait until the page shows what the store holds."""
    page = pilot.app.screen_stack[0]
    assert isinstance(page, Page)
    title = page.query_one(TitleLine)
    await until(pilot, lambda: title.health and not page._running_refresh, "the page shown")
    await pilot.pause()


def status(app: App[None]) -> str:
    """What the status line says."""
    line = app.screen_stack[0].query_one(StatusLine)
    return "".join(piece.text for piece in line.said)


def key_line(app: App[None]) -> dict[str, str]:
    """The keys the key line offers, by what it calls them."""
    return {entry.label: entry.press for entry in entries(app.screen, all_keys=False)}


async def at_rest(pilot: Pilot[None]) -> None:
    """Wait until nothing is under way but dialogs that wait for an answer."""

    def busy() -> bool:
        asked = isinstance(pilot.app.screen, ModalScreen)
        return any(
            worker.state in (WorkerState.PENDING, WorkerState.RUNNING)
            and not (asked and worker.group in ("dialog", "texts"))
            for worker in pilot.app.workers
        )

    await pilot.pause()
    await until(pilot, lambda: not busy(), "the page at rest")
    await pilot.pause()


def calmly(
    steps: Callable[[Pilot[None]], Awaitable[None]],
) -> Callable[[Pilot[None]], Awaitable[None]]:
    """The steps between two rests, so that a picture is always of the same moment."""

    async def whole(pilot: Pilot[None]) -> None:
        await shown(pilot)
        await at_rest(pilot)
        await steps(pilot)
        await at_rest(pilot)

    return whole
