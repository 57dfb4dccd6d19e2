"""steerco backfill and steerco parity: the roadmap into Salesforce, and the proof of it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.sync.status import Gate
from store.deliveries import FIRESTORE, SALESFORCE
from tui.commands.shell import Failed, Json, Store, complain, open_store, print_json, say
from tui.commands.text import spelled

if TYPE_CHECKING:
    from services.connections import Connections
    from services.migration.backfill import Backfill, Report, Show
    from services.migration.parity import Parity
    from services.migration.rehearsal import Rehearsal
    from services.migration.umbrellas import Left
    from services.sync.targets.firestore import FirestoreTarget
    from services.sync.targets.salesforce import SalesforceTarget

Found = TypeVar("Found")
_SHOWN, _LATE = 10, 3.0
"""Lines of each kind on the screen (the file has all of them); seconds."""
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="FILE",
        help="Where the parity report goes; else parity-DATE.json in the data directory.",
    ),
]


def backfill(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")
    ] = False,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Bring the whole roadmap into Salesforce: umbrella projects first, then every project.

    It is asked for by name and so works while ITSC_SF_SYNC_ENABLED is off: backfill comes before
    the switch. It may be stopped and run again at any time; done twice it adds nothing.

    \b
    Examples:
      steerco backfill --dry-run
      steerco backfill
    """
    with open_store(reading=dry_run) as store:
        gates = _gates(store)
        if dry_run:
            with _both(store) as (opened, firestore, salesforce):
                _rehearse(store, firestore, salesforce, as_json=as_json)
            return
        from services.migration.backfill import Backfill
        from services.sync.engine import Engine

        with _both(store) as (opened, firestore, salesforce), _bar() as show:
            engine = Engine(store.conn, store.ctx, opened.targets, gates)
            report = _carried_out(Backfill(engine, firestore, salesforce, show=show))
            show("Comparing the three sides", 0, 1)
            parity, file = _compared(store, firestore, salesforce, output)
            if parity.verdict != "equal" and report.delivered[SALESFORCE] and report.clean:
                # Salesforce shows what was written up to three seconds late.
                time.sleep(_LATE)
                parity, file = _compared(store, firestore, salesforce, output)
    if as_json:
        print_json(_report(report, parity, file))
    else:
        _print_report(report)
        _print_parity(parity, file)
    _judge(report, parity, file)


def parity(output: Output = None, as_json: Json = False) -> None:
    """Compare every record and every field here, in Firestore and in Salesforce.

    Ends with 0 only when everything is equal. The whole report is written to a file.

    \b
    Examples:
      steerco parity
      steerco parity --json --output parity.json
    """
    with open_store(reading=True) as store:
        _gates(store)
        with _both(store) as (_, firestore, salesforce):
            found, file = _compared(store, firestore, salesforce, output)
    if as_json:
        print_json(found.as_json())
    else:
        _print_parity(found, file)
    if found.verdict != "equal":
        raise Failed(_parity_sentence(found, file))


def _gates(store: Store) -> dict[str, Gate]:
    """Both targets have to be configured; the switch for everyday sync is not asked. A pause by a
    person holds here, too."""
    from services.overview import gates

    settings = store.settings
    if not settings.sandbox:
        for name, there in (
            ("Firestore", settings.firestore_configured),
            ("Salesforce", settings.salesforce_configured),
        ):
            if not there:
                raise Failed(f"{name} is not configured, and this needs both sides")
    found = {FIRESTORE: Gate(), SALESFORCE: Gate()}
    for name, gate in gates(store.conn, found).items():
        if not gate.open:
            raise Failed(f"{name.capitalize()} is paused: {gate.reason}")
    return found


@contextmanager
def _both(store: Store) -> Iterator[tuple[Connections, FirestoreTarget, SalesforceTarget]]:
    from services import connections
    from services.sync.targets.firestore import FirestoreTarget
    from services.sync.targets.salesforce import SalesforceTarget

    with connections.connect(store.settings, store.home) as opened:
        firestore, salesforce = opened.targets[FIRESTORE], opened.targets[SALESFORCE]
        if not isinstance(firestore, FirestoreTarget):
            raise Failed("Firestore can't be listed here")
        if not isinstance(salesforce, SalesforceTarget):
            raise Failed("Salesforce can't be listed here")
        yield opened, firestore, salesforce


def _carried_out(run: Backfill) -> Report:
    from services.migration.backfill import RESUME, Stopped
    from services.migration.journal import Busy

    try:
        return run.run()
    except (Busy, Stopped) as stopped:
        raise Failed(str(stopped)) from stopped
    except KeyboardInterrupt:
        complain(f"Stopped; {RESUME}")
        raise


def _compared(
    store: Store,
    firestore: FirestoreTarget,
    salesforce: SalesforceTarget,
    output: Path | None,
) -> tuple[Parity, Path]:
    from services.files import write_whole
    from services.migration.parity import compare
    from services.migration.sides import read_all

    found = compare(_reached(lambda: read_all(store.conn, firestore, salesforce)))
    file = output or store.home / f"parity-{store.today().isoformat()}.json"
    text = json.dumps(found.as_json(), ensure_ascii=False, indent=2) + "\n"
    try:
        write_whole(file, text, private=output is None)
    except OSError as error:
        raise Failed(f"{file} can't be written: {error.strerror}") from error
    return found, file


def _rehearse(
    store: Store, firestore: FirestoreTarget, salesforce: SalesforceTarget, *, as_json: bool
) -> None:
    from services.migration.rehearsal import rehearse

    plan = _reached(lambda: rehearse(store.conn, firestore, salesforce))
    if as_json:
        print_json(_rehearsal(plan))
        return
    for each in plan.umbrellas:
        verb = "would be made" if each.create else "is there"
        say(f"{each.umbrella.name} ({each.project_id}) {verb}; children to link: {len(each.link)}")
        _print_left(each.left)
    say(
        f"Rows in Salesforce: {plan.create} to create, {plan.update} to update, "
        f"{plan.unchanged} unchanged" + (" (by bulk jobs)" if plan.bulk else "")
    )
    say(f"Calls, about: {plan.calls[SALESFORCE]} Salesforce, {plan.calls[FIRESTORE]} Firestore")
    say("Nothing was changed.")


def _reached(read: Callable[[], Found]) -> Found:
    from services.sync.targets.base import TargetDown

    try:
        return read()
    except TargetDown as down:
        raise Failed(down.problem.sentence) from down


@contextmanager
def _bar() -> Iterator[Show]:
    """A bar with counts and the step on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _step, _done, _whole: None
        return
    steps: list[str] = []
    bar: Any
    with typer.progressbar(
        length=1,
        label="Backfill",
        file=sys.stderr,
        show_pos=True,
        update_min_steps=0,
        item_show_func=lambda _: steps[-1] if steps else None,
    ) as bar:

        def show(step: str, done: int, whole: int) -> None:
            steps[:] = [step]
            bar.length = max(whole, 1)
            bar.pos = max(0, min(done, bar.length))
            bar.update(0)

        yield show


def _judge(report: Report, parity: Parity, file: Path) -> None:
    sentences = list(report.sentences)
    if report.expected != report.found:
        sentences.append(
            f"Salesforce has {report.found} rows of the {report.expected} projects and umbrellas"
        )
    if parity.verdict != "equal":
        sentences.append(_parity_sentence(parity, file))
    if report.failed and not report.sentences:
        sentences.append(f"Salesforce refused {len(report.failed)}; see steerco outbox list")
    if sentences:
        raise Failed(*sentences)


def _parity_sentence(parity: Parity, file: Path) -> str:
    return (
        f"the three sides are not equal: {len(parity.missing)} missing, "
        f"{len(parity.differences)} different; see {file}"
    )


def _report(report: Report, parity: Parity, file: Path) -> dict[str, Any]:
    made = report.umbrellas
    return {
        "umbrellas": {"created": list(made.created), "existing": list(made.existing)},
        "children": {
            "linked": list(made.linked),
            "already": list(made.already),
            "left": [_left(each) for each in made.left],
        },
        "rows": {"expected": report.expected, "found": report.found},
        "delivered": report.delivered,
        "failed": [{"project_id": f.project_id, "error": f.error} for f in report.failed],
        "bulk_jobs": report.jobs,
        "calls": report.calls,
        "parity": {
            "verdict": parity.verdict,
            "differences": len(parity.differences),
            "missing": len(parity.missing),
            "file": str(file),
        },
    }


def _rehearsal(plan: Rehearsal) -> dict[str, Any]:
    return {
        "umbrellas": {
            "create": [p.project_id for p in plan.umbrellas if p.create],
            "existing": [p.project_id for p in plan.umbrellas if not p.create],
        },
        "children": {
            "link": [child for p in plan.umbrellas for child in p.link],
            "already": [child for p in plan.umbrellas for child in p.linked],
            "left": [_left(each) for p in plan.umbrellas for each in p.left],
        },
        "rows": {"create": plan.create, "update": plan.update, "unchanged": plan.unchanged},
        "bulk": plan.bulk,
        "calls": plan.calls,
    }


def _left(each: Left) -> dict[str, str]:
    return {"project_id": each.project_id, "name": each.name, "reason": each.reason}


def _print_left(left: tuple[Left, ...]) -> None:
    for each in left:
        say(f"Left alone: {each.name} ({each.project_id}): {each.reason}")


def _print_report(report: Report) -> None:
    made = report.umbrellas
    say(
        f"Umbrellas: {len(made.created)} made, {len(made.existing)} there already; children: "
        f"{len(made.linked)} linked, {len(made.already)} linked already"
    )
    _print_left(made.left)
    say(
        f"Delivered: {report.delivered[FIRESTORE]} to Firestore, {report.delivered[SALESFORCE]} to "
        f"Salesforce" + (f" (bulk jobs {', '.join(report.jobs)})" if report.jobs else "")
    )
    for failed in report.failed:
        say(f"Refused: {failed.project_id}: {failed.error}")
    say(f"Rows in Salesforce: {report.found} of {report.expected} projects and umbrellas")


def _print_parity(parity: Parity, file: Path) -> None:
    records = parity.records
    say(
        f"Parity: {parity.verdict}. {parity.projects} records: {records['local']} here, "
        f"{records['firestore']} in Firestore, {records['salesforce']} in Salesforce; "
        f"{len(parity.missing)} missing, {len(parity.differences)} fields different"
    )
    for each in parity.missing[:_SHOWN]:
        name = f" {each.name}" if each.name else ""
        say(f"Missing in {' and '.join(each.missing_in)}: {each.project_id or each.sf_id}{name}")
    for other in parity.differences[:_SHOWN]:
        cells = (other.local, other.firestore, other.salesforce)
        here, there, far = (spelled("–" if cell is None else str(cell))[:40] for cell in cells)
        say(f"Different: {other.project_id} {other.field}: {here} | {there} | {far}")
    checks = ", ".join(f"{c.name} {'✓' if c.ok else '✗'}" for c in parity.spot_checks)
    if checks:
        say(f"Spot checks: {checks}")
    if parity.unresolved:
        say(f"{len(parity.unresolved)} names are no Salesforce user; see steerco people")
    say(f"The whole report is in {file}")
