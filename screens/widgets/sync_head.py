"""The Sync screen's header: both targets' connection in words, what waits, what was used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content

from screens.safe import line
from services import explain, times
from services.overview import TargetHealth
from store.deliveries import SALESFORCE

NAME = 12
_SIGNS = {
    "ok": ("●", "$good"),
    "waiting": ("○", "$quiet"),
    "down": ("✗", "bold $bad"),
    "paused": ("‖", "$warn"),
    "off": ("–", "$quiet"),
}
_COUNTS = (
    ("pending", "pending", ""),
    ("in_flight", "in flight", ""),
    ("retrying", "retrying", "$warn"),
    ("failed", "failed", "bold $bad"),
    ("conflict", "conflicts", "bold $bad"),
)
_LATER = ("last reconciled", "API calls today")
Cell = tuple[str, str]


def head(healths: Mapping[str, TargetHealth], now: float, zone: dt.tzinfo, width: int) -> Content:
    """The header for a width: a table where there is room, else two lines for each target."""
    table = _table(healths, now, 3, wide=True)
    if all(each.cell_length <= width for each in table):
        return _wide(healths, now, zone, width, table)
    return _narrow(healths, now, zone, width)


def counts_down(healths: Mapping[str, TargetHealth]) -> bool:
    """Whether the header names a time that comes nearer."""
    return any(each.state == "down" for each in healths.values())


def api_words(health: TargetHealth) -> str:
    """``1,204 of 15,000 (8 %)``; — where nobody said so yet."""
    used, limit = health.known.api_used, health.known.api_limit
    if used is None or not limit:
        return "—"
    return f"{used:,} of {limit:,} ({used * 100 // limit} %)"


def _table(
    healths: Mapping[str, TargetHealth], now: float, gap: int, *, wide: bool
) -> list[Content]:
    """The counts of both targets below each other, with when they last drained."""
    cells = {state: len(label) + gap for state, label, _ in _COUNTS}
    header: list[Cell] = [("".ljust(NAME), "")]
    header += [(label.rjust(cells[state]), "$quiet bold") for state, label, _ in _COUNTS]
    header += [(label, "$quiet bold") for label in _facts(("last drained", *_LATER), gap, wide)]
    lines = [Content.assemble(*header)]
    for name, each in healths.items():
        row: list[Cell] = [(explain.NAMES[name].ljust(NAME), "$quiet")]
        for state, _, tone in _COUNTS:
            number = each.counts[state]
            row.append((f"{number:,}".rjust(cells[state]), tone if number else "$faint"))
        remote = name == SALESFORCE
        told = (
            times.ago(each.known.last_drain_at, now),
            times.ago(each.known.last_reconcile_at, now) if remote else "—",
            api_words(each) if remote else "—",
        )
        row += [(said, "") for said in _facts(told, gap, wide)]
        lines.append(Content.assemble(*row))
    return lines


def _facts(told: tuple[str, str, str], gap: int, wide: bool) -> list[str]:
    shown = told if wide else told[:1]
    return [" " * gap + said.ljust(15) for said in shown[:-1]] + [" " * gap + shown[-1]]


def _wide(
    healths: Mapping[str, TargetHealth],
    now: float,
    zone: dt.tzinfo,
    width: int,
    table: list[Content],
) -> Content:
    lines = [_connection(name, each, now, zone, width) for name, each in healths.items()]
    return Content("\n").join([*lines, Content(""), *table])


def _narrow(
    healths: Mapping[str, TargetHealth], now: float, zone: dt.tzinfo, width: int
) -> Content:
    lines = [_connection(name, each, now, zone, width) for name, each in healths.items()]
    if all(each.cell_length <= width // 2 and "\n" not in each.plain for each in lines):
        lines = [
            Content("").join([each.pad_right(width // 2 - each.cell_length) for each in lines])
        ]
    lines += _table(healths, now, 2, wide=False)
    remote = healths.get(SALESFORCE)
    if remote is not None:
        reconciled = times.ago(remote.known.last_reconcile_at, now)
        said = f"last reconciled {reconciled}   API calls today {api_words(remote)}"
        lines.append(Content.styled(said, "$quiet"))
    return Content("\n").join(lines)


def _connection(
    name: str, health: TargetHealth, now: float, zone: dt.tzinfo, width: int
) -> Content:
    sign, tone = _SIGNS[health.state]
    words = line(explain.connection_words(health, now, zone))
    label = explain.NAMES[name].ljust(NAME)
    calm = health.state in ("ok", "waiting", "off") and health.question is None
    lines = Content.styled(words, "$quiet" if calm else "").wrap(
        max(20, width - cell_len(label) - 2)
    )
    indent = Content(" " * (NAME + 2))
    first = Content.assemble((label, "bold"), (f"{sign} ", tone)) + lines[0]
    return Content("\n").join([first, *(indent + each for each in lines[1:])])
