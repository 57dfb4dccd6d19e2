"""The roadmap's longer actions: those that ask something before they do it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from screens import roadmap_commands as commands
from screens.base import Failed
from screens.dialogs import Choose, Confirm, ShowText
from screens.export_flow import ask_where, not_written
from screens.roadmap_new import NewProject
from screens.roadmap_rows import NAME
from screens.roadmap_state import sort_label
from screens.widgets.choices import Choice
from services import itsc_roadmap
from services.exporting import Format
from services.sync.status import RowSync, SideSync, in_words
from store.projects import SORTABLE, Project

if TYPE_CHECKING:
    from screens.roadmap import RoadmapPage

_FORMATS: dict[Format, str] = {
    "csv": "every field; an import takes it back",
    "json": "every field; an import takes it back",
    "md": "a Markdown table of the columns",
}
_BAND = {"p1-active": "P1", "p2-pipeline": "P2"}


async def new(page: RoadmapPage) -> None:
    """Ask for a new project and create it; the cursor goes there."""
    start = {"priority": _BAND.get(page.showing.view.key, "Not yet Prioritized")}
    form = NewProject(start, page.held.known)
    while (values := await page.app.push_screen_wait(form)) is not None:
        try:
            made = await page.write(
                itsc_roadmap.create_project, page.workplace.ctx, _filled(values)
            )
        except Failed as error:
            form = NewProject(values, page.held.known, wrong=str(error))
            continue
        await _show_new(page, made.project)
        return


async def _show_new(page: RoadmapPage, made: Project) -> None:
    query = page.showing.query(page.workplace.today())
    try:
        shown = await page.read(commands.is_among, query, made.project_id)
    except Failed as error:
        page.trouble(str(error))
        return
    if shown:
        page.saved(f"{made.name} created")
        page.return_to(made.project_id)
    else:
        page.saved(f"{made.name} created; this view does not show it")
    page.store_changed()


async def delete(page: RoadmapPage) -> None:
    """Name what goes, ask, delete."""
    ids = page.chosen
    if not ids:
        return
    try:
        lost = await page.read(commands.what_goes, ids)
    except Failed as error:
        page.trouble(str(error))
        return
    title = "Delete this project?" if len(ids) == 1 else f"Delete these {len(ids)} projects?"
    if not await page.app.push_screen_wait(Confirm(title, lost, yes="Delete", no="Keep")):
        return
    try:
        await page.write(commands.delete, page.workplace.ctx, ids)
    except Failed as error:
        page.trouble(str(error))
        return
    page.saved("deleted; u brings back" if len(ids) == 1 else f"{len(ids)} deleted; u brings back")
    page.store_changed()


async def sort(page: RoadmapPage) -> None:
    """Choose what to sort by."""
    shown = [path for path in page.grid.columns if path in SORTABLE]
    paths = [*shown, *(path for path in SORTABLE if path not in shown)]
    now = page.showing.sort
    choices = [Choice("", "The roadmap's own order", note="priority, sort order, launch")]
    for path in paths:
        hint = ""
        if now is not None and now[0] == path:
            hint = "▼ turn" if now[1] else "▲ turn"
        choices.append(Choice(path, sort_label(path), hint))
    answer = await page.app.push_screen_wait(
        Choose("Sort by", choices, current=now[0] if now else "")
    )
    if answer is not None:
        page.showing.sort_by(answer or None)
        page.store_changed()


async def export(page: RoadmapPage) -> None:
    """Choose format and file, write the view as it is filtered and sorted."""
    title = f"Export {len(page.grid.rows)} projects as"
    today = page.workplace.today().isoformat()
    chosen = await ask_where(page, title, f"roadmap-{page.showing.view.key}-{today}", _FORMATS)
    if chosen is None:
        return
    format, path = chosen
    page.say("Writing the file …")
    try:
        query = page.showing.query(page.workplace.today())
        rows = await page.read(commands.rows_to_export, query)
        await asyncio.to_thread(commands.write_file, rows, format, path)
    except (Failed, OSError) as error:
        not_written(page, path, error)
        return
    page.say(f"{len(rows)} projects written to {path}", "$good")


async def explain(page: RoadmapPage) -> None:
    """The sync column's row in whole sentences."""
    row = page.here
    sync = page.held.sync.get(row) if row is not None else None
    if row is None or sync is None:
        return
    await page.app.push_screen_wait(
        ShowText(
            f"Sync of {page.held.value(row, NAME)!s}", explained(sync, page.workplace.ctx.clock())
        )
    )


def explained(sync: RowSync, now: float) -> str:
    """Both targets of a row in sentences."""
    return "\n\n".join(
        [_sentence("Firestore", sync.firestore, now), _sentence("Salesforce", sync.salesforce, now)]
    )


def _sentence(name: str, each: SideSync, now: float) -> str:
    text = in_words(name, each)
    text = text[:1].upper() + text[1:]
    if each.state == "retrying" and each.next_at is not None:
        text += f"\nNext try in {_span(each.next_at - now)}."
    if each.acked_at:
        text += f"\nLast delivery {each.acked_at[:19].replace('T', ' ')} UTC."
    return text


def _span(seconds: float) -> str:
    seconds = max(0, round(seconds))
    if seconds < 90:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 5400 else f"{seconds // 3600} h"


def _filled(values: dict[str, str]) -> dict[str, object]:
    return {path: text for path, text in values.items() if text.strip()}
