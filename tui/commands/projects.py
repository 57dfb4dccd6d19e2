"""steerco projects: list, show, add, set, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.commands.shell import Failed, Json, Store, open_store, print_json, say, width

if TYPE_CHECKING:
    from services.sync.status import RowSync
    from store.operations import Operation
    from store.projects import Project

app = typer.Typer(help="The projects of the roadmap.", no_args_is_help=True)


def _views() -> list[str]:
    from store.views import BY_KEY

    return list(BY_KEY)


def _paths() -> list[str]:
    from store.fields import FIELDS

    return [f"{field.path}=" for field in FIELDS]


View_ = Annotated[
    str,
    typer.Option(
        "--view",
        metavar="NAME",
        help="all, p1-active, p2-pipeline, not-yet-prioritized, needs-attention, upcoming-90d.",
        autocompletion=_views,
    ),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The project's id.", show_default=False)]
Assignments = Annotated[
    list[str],
    typer.Argument(
        metavar="FIELD=VALUE...",
        help="A field and its new value; nothing after the = clears it.",
        show_default=False,
        autocompletion=_paths,
    ),
]


@app.command("list")
def list_(
    view: View_ = "all",
    filter_: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="As typed after / in the terminal.")
    ] = "",
    as_json: Json = False,
) -> None:
    """List the projects of a view.

    \b
    Examples:
      steerco projects list --view needs-attention
      steerco projects list --filter 'status:paused dept:"Demand Gen"' --json
    """
    with open_store(reading=True) as store:
        found = selected(store, view, filter_)
        if as_json:
            print_json(as_dicts(store, found))
        else:
            _print_table(found, _sync_of(store, found))


@app.command()
def show(project_id: Id, as_json: Json = False) -> None:
    """Show one project whole: its fields, its sync state, its history.

    \b
    Example:
      steerco projects show feedback-platform-v1
    """
    from services import itsc_roadmap
    from store import operations

    with open_store(reading=True) as store:
        project = itsc_roadmap.get_project(store.conn, project_id)
        history = operations.history(store.conn, project_id)
        if as_json:
            print_json(as_dict(store, project) | {"history": _history(store, history)})
        else:
            _print_project(store, project, history)


@app.command()
def add(
    assignments: Assignments,
    project_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Its id; else one is made from the name."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a project.

    \b
    Example:
      steerco projects add feature_name='Lead Scoring Refresh' priority=P2 flags.alignment=true
    """
    from services import itsc_roadmap

    values = _assigned(assignments)
    with open_store() as store:
        _refuse_total(values, {})
        edit = itsc_roadmap.create_project(store.conn, store.ctx, values, project_id=project_id)
        if as_json:
            print_json(as_dict(store, edit.project))
        else:
            say(f"Added {edit.project.project_id}: {edit.project.name}")


@app.command("set")
def set_(project_id: Id, assignments: Assignments, as_json: Json = False) -> None:
    """Change fields of a project; only what differs is written.

    \b
    Examples:
      steerco projects set lead-scoring status=Paused brief.punchline='More leads'
      steerco projects set lead-scoring scores.Ana=4 it_lead=
    """
    from services import itsc_roadmap

    values = _assigned(assignments)
    with open_store() as store:
        _refuse_total(values, itsc_roadmap.get_project(store.conn, project_id).values)
        edit = itsc_roadmap.update_project(store.conn, store.ctx, project_id, values)
        if as_json:
            print_json(as_dict(store, edit.project))
        else:
            _print_changes(edit.project, edit.changes)


@app.command()
def delete(
    project_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it without asking back.")] = False,
) -> None:
    """Delete a project; its children are unlinked first.

    \b
    Example:
      steerco projects delete lead-scoring --yes
    """
    from services import itsc_roadmap
    from store import projects

    with open_store() as store:
        project = itsc_roadmap.get_project(store.conn, project_id)
        if not yes:
            names = [name for _, name in projects.children_of(store.conn, project_id)]
            also = f" and unlink its children ({', '.join(names)})" if names else ""
            raise Failed(f"this would delete “{project.name}”{also}; say --yes to do it")
        children = itsc_roadmap.delete_project(store.conn, store.ctx, project_id)
        say(f"Deleted {project_id}: {project.name}")
        for child in children:
            say(f"Unlinked {child}")


def selected(store: Store, view_name: str, text: str = "") -> list[Project]:
    """The projects of a view that match a search. Raises Failed for an unknown view or chip."""
    from services import filtering
    from store.projects import Query, find
    from store.views import VIEWS, find_view

    view = find_view(view_name)
    if view is None:
        names = ", ".join(each.key for each in VIEWS)
        raise Failed(f"there is no view called “{view_name}”; views are {names}")
    wanted = filtering.parse(text, store.ctx.operator)
    if wanted.problem:
        raise Failed(wanted.problem)
    return find(store.conn, Query(store.today(), view, wanted.terms))


def as_dict(store: Store, project: Project) -> dict[str, Any]:
    """A project as commands print it: the model, and its sync state on both targets."""
    return as_dicts(store, [project])[0]


def as_dicts(store: Store, found: Sequence[Project]) -> list[dict[str, Any]]:
    """The same of several projects."""
    from store import models

    sync = _sync_of(store, found)
    return [
        models.Project.from_stored(project).model_dump(mode="json", warnings=False)
        | {"sync": _sync_dict(sync[project.project_id])}
        for project in found
    ]


def _sync_of(store: Store, found: Sequence[Project]) -> Mapping[str, RowSync]:
    from services.overview import row_sync

    return row_sync(store.conn, [project.project_id for project in found], store.gates)


def _sync_dict(row: RowSync) -> dict[str, Any]:
    return {
        name: {
            "state": side.state,
            "pending": side.pending,
            "attempts": side.attempts,
            "last_error": side.last_error,
            "acked_at": side.acked_at,
        }
        for name, side in (("firestore", row.firestore), ("salesforce", row.salesforce))
    }


def _history(store: Store, entries: Sequence[Operation]) -> list[dict[str, Any]]:
    from services.overview import delivery_state, shown_state
    from store import deliveries

    def states(seq: int | None) -> dict[str, str]:
        found = travelling.get(seq or 0, [])
        speaking = {name: delivery_state(found, name, gate) for name, gate in current.items()}
        return {name: shown_state(d, current[name]) for name, d in speaking.items() if d}

    travelling = deliveries.of_operations(store.conn, [e.seq for e in entries if e.seq is not None])
    current = store.gates
    return [
        {
            "seq": entry.seq,
            "at": entry.at,
            "operator": entry.operator,
            "origin": entry.origin,
            "kind": entry.kind,
            "changes": {
                path: {"old": old, "new": new} for path, (old, new) in entry.changes.items()
            },
            "deliveries": states(entry.seq),
        }
        for entry in entries
    ]


def _assigned(assignments: Sequence[str]) -> dict[str, str]:
    """FIELD=VALUE… as a mapping; the value may hold = itself. Wrong usage is BadParameter."""
    values: dict[str, str] = {}
    for each in assignments:
        path, sign, value = each.partition("=")
        if not sign or not path:
            raise typer.BadParameter(f"“{each}” is not of the form FIELD=VALUE")
        if path in values:
            raise typer.BadParameter(f"{path} is given twice")
        values[path] = value
    return values


def _refuse_total(values: Mapping[str, str], present: Mapping[str, object]) -> None:
    """A total that is the sum of votes can't be set by hand."""
    from store import canon, fields

    scored = any(fields.is_score(path) for path in values) or any(map(fields.is_score, present))
    if "total_score" in values and scored:
        raise canon.Refusal("total_score", values["total_score"], "it is the sum of the scores")


_COLUMNS = (
    ("ID", 0, None),
    ("Pri", 0, None),
    ("Feature", 0, 12),
    ("Department", 2, 10),
    ("Status", 0, None),
    ("LOE", 4, None),
    ("Product Owner", 5, 10),
    ("IT Lead", 3, 10),
    ("Launch", 1, None),
    ("Sync", 0, None),
)


def _print_table(found: Sequence[Project], sync: Mapping[str, RowSync]) -> None:
    from services.sync.status import column
    from tui.commands.text import Column, table

    if not found:
        say("No projects. Add one with: steerco projects add feature_name=…")
        return
    columns = [Column(title, drop, least) for title, drop, least in _COLUMNS]
    rows = [
        [
            project.project_id,
            _short(str(project.values["priority"])),
            project.name,
            *(str(project.values[path] or "") for path in ("department", "status")),
            *(str(project.values[path] or "") for path in ("level_of_effort", "product_owner")),
            str(project.values["it_lead"] or ""),
            str(project.values["launch_target"] or ""),
            column(sync[project.project_id]),
        ]
        for project in found
    ]
    for line in table(columns, rows, width()):
        say(line)


def _short(priority: str) -> str:
    return "–" if priority == "Not yet Prioritized" else priority


def _print_project(store: Store, project: Project, history: Sequence[Operation]) -> None:
    from services.sync.status import in_words
    from store import fields, projects

    values = project.values
    say(project.name)
    say(project.project_id)
    for section in fields.Section:
        lines = [
            (field.label, values[field.path])
            for field in fields.FIELDS
            if field.section is section and values[field.path] not in (None, False)
        ]
        if section is fields.Section.HIERARCHY:
            lines += [
                ("Child", name) for _, name in projects.children_of(store.conn, project.project_id)
            ]
        if lines:
            say()
            say(section.value)
        for label, value in lines:
            text = "yes" if value is True else str(value).replace("\n", "\n    ")
            say(f"  {label}: {text}", keep_lines=True)
    if project.scores:
        say()
        say("Scores")
        for voter, score in project.scores.items():
            say(f"  {voter}: {score}")
    row = _sync_of(store, [project])[project.project_id]
    say()
    say("Sync")
    say(f"  {in_words('Firestore', row.firestore)}")
    say(f"  {in_words('Salesforce', row.salesforce)}")
    say()
    say("History")
    for entry in history:
        what = ", ".join(
            f"{fields.label_of(path)}: {_brief(old)} → {_brief(new)}"
            for path, (old, new) in entry.changes.items()
            if entry.kind == "update"
        )
        say(f"  {entry.at}  {entry.operator} ({entry.origin}) {entry.kind}  {what}".rstrip())


def _print_changes(project: Project, changes: Mapping[str, tuple[object, object]]) -> None:
    from store import fields

    if not changes:
        say(f"{project.project_id} is like that already; nothing was written")
    for path, (old, new) in changes.items():
        say(f"{project.project_id}: {fields.label_of(path)}: {_brief(old)} → {_brief(new)}")


def _brief(value: object) -> str:
    from store.canon import shown

    return "–" if value is None else shown(value, 40)
