"""steerco outbox: what waits for each target, and what a person can do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from store.deliveries import TARGETS
from tui.commands.shell import Json, Store, one_of, open_store, print_json, say, width

if TYPE_CHECKING:
    from services.discarding import Loss
    from services.overview import Gates
    from store.deliveries import Delivery
    from store.operations import Operation

app = typer.Typer(help="Edits on their way to Firestore and Salesforce.", no_args_is_help=True)
EVERYTHING = 2**31

Which = Annotated[
    str,
    typer.Argument(
        metavar="ENTRY", help="An entry's number, operation id or trace id.", show_default=False
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="firestore|salesforce",
        help="Only this one; else both.",
        autocompletion=lambda: list(TARGETS),
    ),
]


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is over: done, superseded, discarded.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what is not delivered yet, newest first.

    \b
    Example:
      steerco outbox list
    """
    from services import overview

    with open_store(reading=True) as store:
        entries = overview.outbox(store.conn, open_only=not everything, limit=EVERYTHING)
        current = store.gates
        if as_json:
            print_json([entry_dict(e.operation, e.deliveries, current) for e in entries])
            return
        _print_entries(entries, current)


@app.command()
def show(entry: Which, as_json: Json = False) -> None:
    """Show one entry: what it changed, and each attempt with request and response.

    \b
    Example:
      steerco outbox show 17
    """
    from services import outbox

    with open_store(reading=True) as store:
        found = outbox.inspect(store.conn, outbox.find(store.conn, entry).seq)
        whole = entry_dict(found.operation, found.deliveries, store.gates) | {
            "name": found.name,
            "origin": found.operation.origin,
            "changes": {
                path: {"old": old, "new": new}
                for path, (old, new) in found.operation.changes.items()
            },
            "attempts": [_attempt(each) for each in found.attempts],
        }
    if as_json:
        print_json(whole)
    else:
        _print_whole(whole)


@app.command()
def retry(
    entry: Annotated[
        str | None,
        typer.Argument(metavar="[ENTRY]", help="One entry; without it all of them."),
    ] = None,
    target: Target = None,
    as_json: Json = False,
) -> None:
    """Try what failed, or waits for its next try, again now.

    \b
    Examples:
      steerco outbox retry 17
      steerco outbox retry
    """
    from services import outbox

    with open_store() as store:
        if entry is None:
            moved = outbox.retry_all(store.conn)
        else:
            found = outbox.find(store.conn, entry)
            moved = outbox.retry(store.conn, found.seq, _checked(target))
    if as_json:
        print_json({"retried": moved})
    else:
        say(f"{moved} to be tried again; run: steerco sync")


@app.command()
def discard(
    entry: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back on a terminal.")] = False,
    as_json: Json = False,
) -> None:
    """Give an entry up: each field goes back to what the targets hold.

    \b
    Example:
      steerco outbox discard 17
    """
    from services import discarding, outbox

    with open_store() as store:
        found = outbox.find(store.conn, entry)
        lost = discarding.loss(store.conn, found.seq)
        if sys.stdin.isatty() and not yes and not as_json:
            _print_loss(lost)
            typer.confirm("Discard it?", abort=True)
        back = discarding.discard(store.conn, store.ctx, found.seq)
    if as_json:
        print_json({"seq": found.seq, "project_id": found.project_id, "back": back})
    else:
        say(f"Discarded entry {found.seq} of {found.project_id}")
        _print_loss(lost)


@app.command()
def pause(target: Target = None, as_json: Json = False) -> None:
    """Hold deliveries until somebody resumes them.

    \b
    Example:
      steerco outbox pause --target salesforce
    """
    from services import outbox

    with open_store() as store:
        outbox.pause(store.conn, store.ctx, _checked(target))
        _print_health(store, as_json)


@app.command()
def resume(
    target: Target = None,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt",
            help="Belong to the system that --target is now; every project is sent there.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Let paused deliveries go on.

    \b
    Examples:
      steerco outbox resume
      steerco outbox resume --target salesforce --adopt
    """
    from services import outbox
    from services.adopt import adopt as adopt_target

    chosen = _checked(target)
    if adopt and chosen is None:
        raise typer.BadParameter("--adopt needs --target with it")
    with open_store() as store:
        if adopt and chosen is not None:
            adopt_target(store.conn, store.ctx, chosen)
        outbox.resume(store.conn, chosen)
        _print_health(store, as_json)


def entry_dict(op: Operation, found: tuple[Delivery, ...], current: Gates) -> dict[str, Any]:
    """An entry as ``outbox list`` prints it."""
    return {
        "seq": op.seq,
        "op_id": op.op_id,
        "trace_id": op.trace_id,
        "project_id": op.project_id,
        "operator": op.operator,
        "at": op.at,
        "op": op.kind,
        "fields": list(op.changes),
        "deliveries": {name: _side(found, name, current) for name in TARGETS},
    }


def _side(found: tuple[Delivery, ...], name: str, current: Gates) -> dict[str, Any]:
    """One target of an entry; state ``none`` where the operation does not go there."""
    from services.overview import delivery_state, shown_state
    from store.clock import to_iso

    each = delivery_state(found, name, current[name])
    if each is None:
        return {"state": "none", "attempts": 0, "next_attempt_at": None, "last_error": None}
    state = shown_state(each, current[name])
    return {
        "state": state,
        "attempts": each.attempts,
        "next_attempt_at": None if each.next_at is None else to_iso(each.next_at),
        "last_error": each.last_error or (current[name].reason if state == "held" else None),
    }


def _attempt(each: Any) -> dict[str, Any]:
    import json

    def read(text: str | None) -> Any:
        try:
            return None if text is None else json.loads(text)
        except ValueError:
            return text

    return {
        "at": each.at,
        "target": each.target,
        "part": each.part,
        "action": each.action,
        "outcome": each.outcome,
        "code": each.code,
        "message": each.message,
        "ms": each.ms,
        "request": read(each.request),
        "response": read(each.response),
    }


def _checked(target: str | None) -> str | None:
    return None if target is None else one_of("--target", target, TARGETS)


def _print_entries(entries: Any, current: Gates) -> None:
    from services.sync.status import LETTERS
    from store import fields
    from tui.commands.text import Column, table

    if not entries:
        say("Nothing waits: everything is delivered.")
        return
    columns = [
        Column("No", right=True),
        Column("When"),
        Column("Operator", 2, 8),
        Column("Project", 0, 12),
        Column("What", 1, 12),
        Column("Firestore"),
        Column("Salesforce"),
        Column("Last error", 3, 20),
    ]
    rows = []
    for entry in entries:
        op = entry.operation
        sides = {name: _side(entry.deliveries, name, current) for name in LETTERS}
        errors = [side["last_error"] for side in sides.values() if side["last_error"]]
        what = op.kind if op.kind != "update" else ", ".join(map(fields.label_of, op.changes))
        rows.append(
            [
                str(op.seq),
                op.at[:19] + "Z",
                op.operator,
                entry.name or op.project_id,
                what,
                *(_state(side) for side in sides.values()),
                errors[0] if errors else "",
            ]
        )
    for line in table(columns, rows, width()):
        say(line)


def _state(side: dict[str, Any]) -> str:
    return f"{side['state']} ({side['attempts']})" if side["attempts"] else str(side["state"])


def _print_whole(whole: dict[str, Any]) -> None:
    import json

    from store.fields import label_of

    say(f"Entry {whole['seq']}: {whole['op']} of {whole['project_id']}, {whole['name']}")
    say(f"  by {whole['operator']} ({whole['origin']}) at {whole['at']}, trace {whole['trace_id']}")
    for path, pair in whole["changes"].items():
        say(f"  {label_of(path)}: {_json(pair['old'])} → {_json(pair['new'])}")
    for name, side in whole["deliveries"].items():
        next_at = f", next try {side['next_attempt_at']}" if side["next_attempt_at"] else ""
        error = f": {side['last_error']}" if side["last_error"] else ""
        say(f"  {name}: {_state(side)}{next_at}{error}")
    for each in whole["attempts"]:
        code = f" {each['code']}" if each["code"] else ""
        said = f": {each['message']}" if each["message"] else ""
        say(f"  {each['at']} {each['target']} {each['action']} {each['outcome']}{code}{said}")
        for label in ("request", "response"):
            if each[label] is not None:
                say(f"    {label} {json.dumps(each[label], ensure_ascii=False)}")


def _json(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _print_loss(lost: Loss) -> None:
    from store.fields import label_of

    for path, ours, before in lost.fields:
        say(f"  {lost.name}: {label_of(path)}: {_json(ours)} is given up; before: {_json(before)}")


def _print_health(store: Store, as_json: bool) -> None:
    from services.overview import health

    found = health(store.conn, store.configured)
    if as_json:
        print_json({n: {"state": h.state, "reason": h.reason} for n, h in found.items()})
        return
    for name, side in found.items():
        say(f"{name}: {side.state}" + (f" ({side.reason})" if side.reason else ""))
