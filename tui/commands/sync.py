"""steerco sync: drain both targets until nothing can move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store.deliveries import TARGETS
from tui.commands.shell import Failed, Json, one_of, open_store, print_json, progress, say

if TYPE_CHECKING:
    from services.sync.run import SideReport, SyncReport


def sync(
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="firestore|salesforce",
            help="Only this one; else both.",
            autocompletion=lambda: list(TARGETS),
        ),
    ] = None,
    whole: Annotated[
        bool,
        typer.Option("--full", help="Read and compare everything, not only what moved."),
    ] = False,
    believe: Annotated[
        bool,
        typer.Option(
            "--accept-deletes",
            help="Delete here what is gone from Salesforce, however much it is at once.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring what others changed, deliver what can be delivered, say what is left.

    Ends with 0 only when nothing is pending or failed; what is held by configuration or by a
    person does not count.

    \b
    Examples:
      steerco sync
      steerco sync --target firestore --json
      steerco sync --full
    """
    from services import connections
    from services.sync.run import sync as sync_once
    from services.sync.start import make_engine

    names = TARGETS if target is None else (one_of("--target", target, TARGETS),)
    with (
        open_store() as store,
        connections.connect(store.settings, store.home, names) as opened,
        progress("Syncing") as show,
    ):
        engine = make_engine(store.conn, store.ctx, opened, store.settings)
        moved = None if show is None else lambda done, left: show(done, done + left)
        report = sync_once(engine, names=names, whole=whole, believe=believe, progress=moved)
        reasons = {name: gate.reason for name, gate in store.gates.items()}
    if as_json:
        print_json(_report(report))
    else:
        _print_report(report, reasons)
    if report.sentences or not report.clean:
        raise Failed(*(report.sentences or ["something is left that did not move"]))


def _report(report: SyncReport) -> dict[str, Any]:
    return {
        "firestore": _side(report.firestore),
        "salesforce": _side(report.salesforce),
        "pulled": {
            "applied": report.applied,
            "conflicts": report.conflicts,
            "deleted": report.deleted,
        },
        "calls": {name: report.calls.get(name, 0) for name in TARGETS},
    }


def _side(side: SideReport) -> dict[str, int]:
    return {
        "done": side.done,
        "pending": side.pending + side.in_flight,
        "retrying": side.retrying,
        "failed": side.failed,
        "held": side.held,
        "conflicts": side.conflicts,
    }


def _print_report(report: SyncReport, reasons: Mapping[str, str | None]) -> None:
    for label, side in (("Firestore", report.firestore), ("Salesforce", report.salesforce)):
        counts = _side(side)
        reason = reasons[label.lower()] if side.held else None
        held = f" ({reason})" if reason else ""
        say(f"{label}: " + ", ".join(f"{number} {what}" for what, number in counts.items()) + held)
    say(
        f"Taken over from there: {report.applied} changed, {report.deleted} deleted, "
        f"{report.conflicts} in conflict"
    )
