"""steerco import and steerco export."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from services.counting import counted
from tui.commands.projects import View_, selected
from tui.commands.shell import Failed, Json, one_of, open_store, print_json, progress, say
from tui.commands.text import spelled

if TYPE_CHECKING:
    from services.importing.apply import Imported
    from services.importing.plan import Note
    from store.projects import Project


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A workbook (.xlsx), a CSV or a JSON dump.", show_default=False
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring in projects from a file. Good rows come in, bad ones are reported; running it again
    writes only what differs.

    \b
    Examples:
      steerco import plan.xlsx --dry-run
      steerco import plan.xlsx
    """
    from services.importing import apply
    from services.importing.reader import read_file

    with open_store(reading=dry_run) as store:
        existing = apply.existing_projects(store.conn)
        plan = read_file(file, existing=existing, zone=store.settings.tzinfo)
        with progress("Importing") as show:
            result = apply.apply_plan(store.conn, store.ctx, plan, dry_run=dry_run, progress=show)
    if as_json:
        print_json(_report(result))
    else:
        _print_report(result, dry_run=dry_run)
    if result.errors:
        rows = {(note.sheet, note.row) for note in result.errors}
        left = counted(len(rows), "row was", "rows were")
        come = "would come in" if dry_run else "are in"
        raise Failed(f"{left} left out because of errors; all others {come}")


def export(
    format_: Annotated[str, typer.Option("--format", metavar="csv|json|md", help="What to write.")],
    view: View_ = "all",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write to a file; else to standard output."),
    ] = None,
) -> None:
    """Write the projects of a view out.

    \b
    Examples:
      steerco export --format csv --output roadmap.csv
      steerco export --view upcoming-90d --format md
    """
    from services import exporting
    from services.files import write_whole

    one_of("--format", format_, exporting.FORMATS)
    with open_store(reading=True) as store:
        rows = [_row(project) for project in selected(store, view)]
    text = io.StringIO(newline="")
    exporting.export(rows, cast(exporting.Format, format_), text)
    if output is None:
        _to_stdout(text.getvalue())
        return
    try:
        write_whole(output, text.getvalue())
    except OSError as error:
        raise Failed(f"{output} can't be written: {error.strerror}") from error
    say(f"Wrote {counted(len(rows), 'project')} to {output}")


def _to_stdout(text: str) -> None:
    """The bytes of the export where they are piped; on a terminal nothing in them may act on it."""
    if sys.stdout.isatty():
        sys.stdout.write(spelled(text.replace("\r\n", "\n"), keep_lines=True))
    else:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        sys.stdout.write(text)


def _row(project: Project) -> dict[str, Any]:
    """A flat row for an export: id, fields, votes, and who made the project when."""
    return {
        "project_id": project.project_id,
        **project.values,
        "created_by": project.created_by,
        "created_at": project.created_at,
    }


def _report(result: Imported) -> dict[str, Any]:
    return {
        "created": result.created,
        "updated": result.updated,
        "unchanged": result.unchanged,
        "errors": [_note(note) for note in result.errors],
        "warnings": [_note(note) for note in result.warnings],
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "sheet": note.sheet,
        "row": note.row,
        "column": note.column,
        "value": note.value,
        "message": note.message,
    }


def _print_report(result: Imported, *, dry_run: bool) -> None:
    prefix = "Would be: " if dry_run else ""
    say(f"{prefix}{result.created} created, {result.updated} updated, {result.unchanged} unchanged")
    for label, notes in (("Error", result.errors), ("Warning", result.warnings)):
        for note in notes:
            say(f"{label}: {_place(note)}: {note.message}")


def _place(note: Note) -> str:
    row = f" row {note.row}" if note.row else ""
    column = f", {note.column}" if note.column else ""
    value = f" “{note.value}”" if note.value else ""
    return f"{note.sheet}{row}{column}{value}"
