"""The pictures of the README: the terminal on the sample projects, all carried to the sandbox.

Run as ``python -m scripts.make_screenshots``; writes SVG files to docs/screenshots.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from pathlib import Path

from services import itsc_roadmap
from services.config import Settings
from services.context import Context
from services.desk import Desk
from services.importing.apply import add_samples
from services.kpis.place import ticket_file
from services.kpis.policy import load_policy
from services.kpis.pull import pull
from services.kpis.source import ticket_client
from services.sandbox.firestore import EmbeddedDocuments
from services.sandbox.process import SandboxProcess
from services.sync.engine import Engine
from services.sync.run import drain
from services.sync.targets.firestore import FirestoreTarget
from services.sync.targets.salesforce import SalesforceConnection, SalesforceTarget
from services.workplace import Workplace
from store.database import open_database
from tui.app import SteercoApp

OUT = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
NOW = dt.datetime(2026, 11, 21, 14, 2, tzinfo=dt.UTC)
PAGES = (
    ("roadmap", ()),
    ("timeline", ("t",)),
    ("project", ("o",)),
    ("sync", ("5",)),
    ("kpi", ("1",)),
    ("backlog", ("2",)),
)


def main() -> None:
    """Fill a home, drain it, take one picture a page."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        ctx = Context("ana", NOW.timestamp)
        conn = open_database(home / "sandbox.db")
        add_samples(conn, ctx, NOW.date())
        _drain(home, conn, Context("ana"))
        itsc_roadmap.update_project(conn, ctx, _first(conn), {"status": "In QA"})
        path = home / "sandbox.db"
        with ticket_client(Settings(), home) as client:
            pull(client, ticket_file(Settings(), home), load_policy())
        OUT.mkdir(parents=True, exist_ok=True)
        for name, keys in PAGES:
            asyncio.run(_take(Workplace(path, Desk(path), ctx), name, keys))


def _first(conn: object) -> str:
    row = conn.execute(  # type: ignore[attr-defined]
        "SELECT project_id FROM projects ORDER BY priority_rank, sort_order LIMIT 1"
    ).fetchone()
    return str(row[0])


def _drain(home: Path, conn: object, ctx: Context) -> None:
    process = SandboxProcess()
    process.start(home / "salesforce.db")
    try:
        url, token = process.wait_ready()
        connection = SalesforceConnection(instance_url=url, access_token=token)
        targets = {
            "firestore": FirestoreTarget(EmbeddedDocuments(home / "documents.db")),
            "salesforce": SalesforceTarget(connection),
        }
        drain(Engine(conn, ctx, targets))  # type: ignore[arg-type]
    finally:
        process.stop()


async def _take(place: Workplace, name: str, keys: tuple[str, ...]) -> None:
    app = SteercoApp(place)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("3")
        for key in keys:
            await pilot.press(key)
        await pilot.pause(3)
        app.save_screenshot(f"{name}.svg", path=str(OUT))
    print(OUT / f"{name}.svg")


if __name__ == "__main__":
    main()
