"""steerco kpi and steerco backlog: the figures."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.commands.shell import Json, one_of, print_json, say, width

if TYPE_CHECKING:
    from services.kpis.board import Board

TOPICS = (
    "monthly",
    "mttr",
    "intake",
    "inflow",
    "departments",
    "first_response",
    "assignment",
    "releases",
)
_TITLES = {
    "monthly": "Closed, by month: cycle time, throughput, rework (reopen rate)",
    "mttr": "MTTR, by month of resolution",
    "intake": "Intake wait, by month of the start",
    "inflow": "Inflow and incidents, by month of creation",
    "departments": "Departments",
    "first_response": "Time to first response, by month of the response",
    "assignment": "Assignment latency, by month of the assignment",
    "releases": "Release reliability, by month of closing",
}
_UNITS = {"d": " (d)", "h": " (h)", "min": " (min)", "pct": " (%)"}
Policy = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Another policy than the one in force."),
]


def kpi(
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Only this month.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="department", help="Split each month by department."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help=f"Only one: {', '.join(TOPICS)}.",
            autocompletion=lambda: list(TOPICS),
        ),
    ] = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Print the KPIs by month (UTC). What has no data is empty, never 0.

    \b
    Examples:
      steerco kpi
      steerco kpi --month 2026-03 --metric monthly --by department
      steerco kpi --json
    """
    from services.kpis import report
    from services.kpis import topics as lists
    from services.kpis.selection import month as month_named

    if by is not None:
        one_of("--by", by, ("department",))
    topics = lists.ORDER if metric is None else (one_of("--metric", metric, TOPICS),)
    try:
        only = None if month is None else month_named(month)
    except ValueError as error:
        raise typer.BadParameter(f"--month: {error}") from error
    found = report.report(_board(policy), month=only, by_department=by is not None, wanted=topics)
    if as_json:
        print_json(found)
        return
    say(f"Policy version {found['policy_version']}")
    if not any(found[topic] for topic in topics):
        say("No data; run: steerco tickets pull, or steerco tickets load")
        return
    for topic in topics:
        say()
        say(_TITLES[topic])
        _print(found[topic])


def backlog(
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="YYYY-MM-DD",
            help="As this day began (UTC), or at a month's end: YYYY-MM, or at an instant: "
            "YYYY-MM-DDTHH:MM:SSZ; else now.",
        ),
    ] = None,
    policy: Policy = None,
    as_json: Json = False,
) -> None:
    """Print what was open at a moment, by department, with the tickets' ages.

    \b
    Examples:
      steerco backlog
      steerco backlog --at 2026-04-01 --json
      steerco backlog --at 2026-03
    """
    from services.kpis.backlog import departments_at
    from services.kpis.periods import moment_of
    from services.kpis.topics import rounded

    try:
        moment = dt.datetime.now(dt.UTC) if at is None else moment_of(at)
    except ValueError as error:
        raise typer.BadParameter(f"--at: {error}") from error
    rows: list[dict[str, Any]] = [
        {name: rounded(value) for name, value in asdict(each).items()}
        for each in departments_at(_board(policy), moment)
    ]
    if as_json:
        print_json(rows)
    else:
        say(f"Open at {moment:%Y-%m-%d %H:%M} UTC: {sum(row['open'] for row in rows):,}")
        _print(rows)


def _board(policy: Path | None) -> Board:
    from services import config
    from services.kpis.place import open_board

    settings = config.load()
    return open_board(settings, config.ready_home(), policy)


def _print(rows: list[dict[str, Any]]) -> None:
    from tui.commands.text import Column, table

    if not rows:
        say("No data.")
        return
    columns = [
        Column(
            _title(name),
            right=not isinstance(value, str),
            least=12 if name == "department" else None,
        )
        for name, value in rows[0].items()
    ]
    for line in table(columns, [[_cell(v) for v in row.values()] for row in rows], width()):
        say(line)


def _title(name: str) -> str:
    words = name.split("_")
    unit = _UNITS.get(words[-1], "")
    return " ".join(words[:-1] if unit else words).capitalize() + unit


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value) or "(none)"
