"""steerco conflicts: what was changed on both sides, and what a person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.counting import counted
from tui.commands.shell import Failed, Json, Store, one_of, open_store, print_json, say, width

if TYPE_CHECKING:
    from store.conflicts import Conflict

app = typer.Typer(help="Fields and projects that were changed on both sides.", no_args_is_help=True)
TAKES = ("mine", "theirs")


def _ids(incomplete: str) -> list[str]:
    """The open conflicts that begin so, for the shell; nothing where they can't be read."""
    from store import conflicts

    try:
        with open_store(reading=True) as store:
            found = conflicts.find(store.conn)
    except Exception:  # noqa: BLE001 - a completion that fails completes nothing
        return []
    return [each.id for each in found if each.id.startswith(incomplete)]


Which = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="A conflict's id, or enough of its beginning.",
        show_default=False,
        autocompletion=_ids,
    ),
]


@app.command("list")
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are resolved.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the conflicts that nobody has resolved yet, newest first.

    \b
    Example:
      steerco conflicts list
    """
    from store import conflicts

    with open_store(reading=True) as store:
        found = conflicts.find(store.conn, open_only=not everything)
        if as_json:
            print_json([conflict_dict(each) for each in found])
        else:
            _print_list(store, found, everything=everything)


@app.command()
def show(conflict: Which, as_json: Json = False) -> None:
    """Show one conflict: each side, what is in force, what a decision would do, its story.

    \b
    Example:
      steerco conflicts show 3f9c
    """
    from services import conflicts, conflictview

    with open_store(reading=True) as store:
        found = conflicts.find(store.conn, conflict)
        told = conflictview.tell(store.conn, found, store.ctx.operator)
    if as_json:
        print_json(_whole_dict(found) | {"name": told.name})
    else:
        _print_told(told)


@app.command()
def resolve(
    conflict: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="A conflict's id, or enough of its beginning.",
            show_default=False,
            autocompletion=_ids,
        ),
    ] = None,
    take: Annotated[
        str | None,
        typer.Option(
            "--take", metavar="mine|theirs", help="Whose value.", autocompletion=lambda: list(TAKES)
        ),
    ] = None,
    value: Annotated[
        str | None,
        typer.Option("--value", metavar="TEXT", help="Neither: this value; empty clears it."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every open conflict, with --take and --yes.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it with all of them.")] = False,
    as_json: Json = False,
) -> None:
    """Decide a conflict, also one that was decided before: what lost is never gone.

    A value that is not in force already becomes an edit and travels to both targets. Of a project
    that was deleted on one side, one choice brings it back and the other deletes it everywhere.

    \b
    Examples:
      steerco conflicts resolve 3f9c --take theirs
      steerco conflicts resolve 3f9c --value 'Grants / Data'
      steerco conflicts resolve --all --take mine --yes
    """
    from services import conflicts

    if take is not None:
        one_of("--take", take, TAKES)
    if (take is None) == (value is None):
        raise typer.BadParameter("say either --take mine|theirs or --value TEXT")
    if everything == (conflict is not None):
        raise typer.BadParameter("name one conflict, or say --all")
    if everything and take is None:
        raise typer.BadParameter("--all needs --take")
    with open_store() as store:
        if conflict is None:
            assert take is not None
            _resolve_all(store, take, yes=yes, as_json=as_json)
            return
        which = conflicts.find(store.conn, conflict).id
        done = conflicts.resolve(store.conn, store.ctx, which, take, value=value)
        if as_json:
            print_json(_whole_dict(done.conflict))
        else:
            _print_done(store, done.conflict, changed=done.changed)


def conflict_dict(found: Conflict) -> dict[str, Any]:
    """A conflict as ``conflicts list`` prints it."""
    return {
        "id": found.id,
        "project_id": found.project_id,
        "field": found.path,
        "base": found.base,
        "mine": found.mine,
        "theirs": found.theirs,
        "winner": found.winner,
        "mine_at": found.mine_at,
        "theirs_at": found.theirs_at,
        "target": found.target,
        "state": found.state,
    }


def _whole_dict(found: Conflict) -> dict[str, Any]:
    return conflict_dict(found) | {
        "mine_by": found.mine_by,
        "theirs_by": found.theirs_by,
        "at": found.at,
        "why": found.why,
        "record": found.record,
        "resolution": found.resolution,
        "resolved_by": found.resolved_by,
        "resolved_at": found.resolved_at,
    }


def _resolve_all(store: Store, take: str, *, yes: bool, as_json: bool) -> None:
    from services import conflicts as decisions
    from services.conflictview import open_ones

    found = open_ones(store.conn)
    if found and not yes:
        named = ", ".join(f"{name}: {words}" for _, name, words in found[:5])
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        raise Failed(
            f"this would take {take} in {counted(len(found), 'conflict')} "
            f"({named}{more}); say --yes to do it"
        )
    done = decisions.resolve_all(store.conn, store.ctx, [each for each, _, _ in found], take)
    if as_json:
        print_json([conflict_dict(each.conflict) for each in done])
        return
    if not done:
        say("There is no open conflict.")
    for each in done:
        _print_done(store, each.conflict, changed=each.changed)


def _print_list(store: Store, found: list[Conflict], *, everything: bool) -> None:
    from services import overview
    from services.conflictview import field_words
    from services.explain import value_words
    from tui.commands.text import Column, table

    if not found:
        say("There was never a conflict." if everything else "There is no open conflict.")
        return
    names = overview.names_of(store.conn, {each.project_id for each in found})
    columns = [
        Column("Id"),
        Column("Noticed", 3),
        Column("Project", 0, 12),
        Column("Field", 0, 8),
        Column("Base", 2, 8),
        Column("Mine", 0, 8),
        Column("Theirs", 0, 8),
        Column("In force", 1),
        Column("State", 4),
    ]
    rows = [
        [
            each.id[:8],
            each.at[:19] + "Z",
            names.get(each.project_id, each.project_id),
            field_words(each),
            *(value_words(each.path, side) for side in (each.base, each.mine, each.theirs)),
            each.winner,
            each.state,
        ]
        for each in found
    ]
    for text in table(columns, rows, width()):
        say(text)


def _print_told(told: Any) -> None:
    from services.conflictview import field_words, side_words
    from services.explain import value_words
    from store.fields import label_of

    found = told.conflict
    say(f"Conflict {found.id}, {found.state}: {told.name}, {field_words(found)}")
    if found.why:
        say(f"  {found.why}")
    say(f"  mine: {side_words(found, 'mine')} at {found.mine_at}")
    say(f"  theirs: {side_words(found, 'theirs')} at {found.theirs_at}")
    for row in told.rows:
        say(f"  {label_of(row.path)}")
        for label, side in (("base", row.base), ("mine", row.mine), ("theirs", row.theirs)):
            say(f"    {label:<6}  {value_words(row.path, side)}")
    say(f"  {told.in_force}")
    for side, words in told.effects.items():
        say(f"  --take {side}: {words}")
    for event in told.story:
        say(f"  {event.at} {event.words}")


def _print_done(store: Store, found: Conflict, *, changed: bool) -> None:
    from services import conflictview

    told = conflictview.tell(store.conn, found, store.ctx.operator)
    after = "run: steerco sync" if changed else "nothing had to change"
    say(f"{told.name}, {conflictview.field_words(found)}: {told.in_force.rstrip('.')}; {after}")
