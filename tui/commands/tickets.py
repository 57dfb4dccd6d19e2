"""steerco tickets: bringing tickets and their history in."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.counting import counted
from tui.commands.shell import Json, bar, print_json, progress_line, say

if TYPE_CHECKING:
    from services.kpis.load import Loaded, Side

app = typer.Typer(help="The tickets behind the KPIs.", no_args_is_help=True)
_SHOWN = 20
"""Bad rows that are printed; --json has a thousand of them."""


@app.callback()
def tickets() -> None:
    """The tickets behind the KPIs."""


@app.command()
def load(
    tickets: Annotated[
        Path, typer.Option("--tickets", metavar="FILE", help="An export of Ticket__c (CSV, .gz).")
    ],
    history: Annotated[
        Path,
        typer.Option("--history", metavar="FILE", help="An export of Ticket__History (CSV, .gz)."),
    ],
    as_json: Json = False,
) -> None:
    """Load tickets and their history from two CSV exports.

    Bad rows are left out and listed; a file that was loaded before adds nothing. Stopped half way
    it leaves everything as it was.

    \b
    Example:
      steerco tickets load --tickets Ticket__c.csv --history Ticket__History.csv
    """
    from services import config
    from services.kpis.load import load as bring_in
    from services.kpis.place import policy_in_force, ticket_file

    settings = config.load()
    file = ticket_file(settings, config.ready_home())
    with progress_line() as line:
        done = bring_in(
            file,
            policy_in_force(settings),
            tickets,
            history,
            sandbox=settings.sandbox,
            show=lambda what, part: line(bar(what, part)),
        )
    if as_json:
        print_json(_report(done))
    else:
        _print(done)


@app.command()
def pull(as_json: Json = False) -> None:
    """Bring tickets and history in from Salesforce, as far as they moved since the last time.

    The terminal does so by itself; in the embedded sandbox there is a year of them.

    \b
    Example:
      steerco tickets pull
    """
    from services import config, connections
    from services.kpis.place import policy_in_force, ticket_file
    from services.kpis.source import ticket_client

    settings = config.load()
    home = config.ready_home()
    policy = policy_in_force(settings)
    with ticket_client(settings, home) as client, progress_line() as line:
        from services.kpis.pull import pull as bring_in
        from services.kpis.ration import rationed

        share = settings.salesforce_share
        with rationed(client, connections.database(settings, home), share) as spend:
            done = bring_in(
                client,
                ticket_file(settings, home),
                policy,
                show=lambda what, rows: line(f"{what}: {rows:,}"),
                spend=spend,
            )
    if as_json:
        print_json(asdict(done))
        return
    tickets, history = counted(done.tickets, "ticket"), counted(done.history, "history row")
    responses, calls = counted(done.responses, "first response"), counted(done.calls, "call")
    say(f"{tickets} and {history} new or changed, {responses}, {done.deleted:,} deleted; {calls}")


def _report(done: Loaded) -> dict[str, Any]:
    return {
        "tickets": _side(done.tickets),
        "history": _side(done.history),
        "touched": done.touched,
        "waiting": done.waiting,
        "truncated": done.truncated,
        "replaced": done.replaced,
        "bad_rows": [
            {"file": each.file, "line": each.line, "message": each.message}
            for each in done.bad_rows
        ],
    }


def _side(side: Side) -> dict[str, int]:
    return {"read": side.read, "new": side.new, "bad": side.bad}


def _print(done: Loaded) -> None:
    for label, side in (("Tickets", done.tickets), ("History", done.history)):
        bad = f", {side.bad:,} bad and left out" if side.bad else ""
        say(f"{label}: {counted(side.read, 'row')} read, {side.new:,} new or changed{bad}")
    if done.replaced:
        say(f"The sandbox's {counted(done.replaced, 'made-up ticket')} made way for these")
    say(f"{counted(done.touched, 'ticket')} computed anew")
    if done.waiting:
        rows = counted(done.waiting, "history row waits", "history rows wait")
        say(f"{rows} for a ticket that is not here")
    if done.truncated:
        tickets = counted(done.truncated, "ticket has", "tickets have")
        say(f"{tickets} a history that begins in the middle")
    for each in done.bad_rows[:_SHOWN]:
        say(f"{each.file} line {each.line}: {each.message}")
    more = done.tickets.bad + done.history.bad - _SHOWN
    if more > 0:
        say(f"and {counted(more, 'more bad row')}")
