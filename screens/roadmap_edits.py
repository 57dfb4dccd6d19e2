"""The roadmap's quick actions: edit a cell, move a row, undo, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens import roadmap_commands as commands
from screens import timeline
from screens.base import Failed, shown_value
from screens.clipboard import copy
from screens.roadmap_edit import CellEditor, Editing
from screens.roadmap_rows import NAME, PATHS, SYNC
from screens.safe import line
from services import itsc_roadmap
from services.sync.status import column
from store.fields import BY_PATH

if TYPE_CHECKING:
    from screens.roadmap import RoadmapPage


async def open_editor(page: RoadmapPage, path: str) -> None:
    """Open the editor over a cell of the row under the cursor, or say why there is none."""
    row, ids = page.here, page.chosen
    if row is None:
        return
    if path == SYNC:
        page.say("Sync is what happens to edits; enter explains it.")
        return
    if path == NAME and len(ids) > 1:
        page.say("A name is edited one project at a time; esc clears the selection.")
        return
    page.grid.move_to(row)
    shown = path if path in page.grid.shown_columns else timeline.AXIS
    region = page.grid.cell_region(row, shown)
    if region is None:
        page.say("There is no room to edit here; make the terminal larger.")
        return
    held = page.value_of(row, path)
    editing = Editing(
        BY_PATH[path], tuple(ids), held, page.workplace.today(), tuple(page.known(path))
    )
    await page.open_editor(editing, region)


async def save(page: RoadmapPage, editor: CellEditor, text: str) -> None:
    """Save what was typed; the editor is closed when it is durable, and only then."""
    opened = editor.editing
    try:
        done = await page.write(
            commands.edit,
            page.workplace.ctx,
            opened.ids,
            opened.field.path,
            text,
            opened.value,
        )
    except Failed as error:
        editor.refuse(str(error))
        return
    page.put_rows(each.project for each in done)
    page.close_editor()
    number = sum(each.seq is not None for each in done)
    if number:
        page.saved(f"{opened.field.label} of {number} projects" if opened.many else "")
    else:
        page.say("Nothing was changed: it is that already.")


async def move(page: RoadmapPage, step: int) -> None:
    """Change places with the neighbour in the table, within the priority band."""
    row, order = page.here, list(page.table_rows)
    if row is None:
        return
    if page.showing.sort is not None:
        page.say(f"Sorted by {page.showing.sorted_by}; esc brings the order you can move in.")
        return
    at = order.index(row)
    there = at + step
    if not 0 <= there < len(order):
        page.say("There is nothing to change places with.")
        return
    try:
        done = await page.write(commands.move_past, page.workplace.ctx, row, order[there])
    except Failed as error:
        page.trouble(str(error))
        return
    if done is None:
        page.say(
            f"That is the edge of {page.value_of(row, 'priority')}; edit its priority to go on."
        )
        return
    order.insert(there, order.pop(at))
    page.put_order(order, row)
    page.saved(f"sort order of {len(done)} projects" if len(done) > 1 else "")
    page.store_changed()


async def undo(page: RoadmapPage, *, redo: bool) -> None:
    """Undo my last edit, or do what was undone again."""
    try:
        done = await page.write(itsc_roadmap.undo, page.workplace.ctx, redo=redo)
    except Failed as error:
        page.trouble(str(error))
        return
    if done is None:
        page.say("Nothing to redo." if redo else "Nothing of yours to undo.")
        return
    if done.edits:
        page.saved(f"{done.verb}: {'; '.join(done.edits)}")
    if done.left:
        page.toast("Left as it is: " + "; ".join(done.left), severity="warning")
    page.store_changed()


def cell_text(page: RoadmapPage, path: str) -> str:
    """The whole text of a cell, however little of it fits on the screen."""
    row = page.here
    if row is None:
        return ""
    if path == SYNC:
        sync = page.sync_of(row)
        return column(sync) if sync is not None else ""
    held = page.value_of(row, path)
    return "" if held is None else shown_value(held)


def row_text(page: RoadmapPage) -> str:
    """The project's id and the table's fields, separated by tabs."""
    row = page.here
    if row is None:
        return ""
    held = (page.value_of(row, path) for path in PATHS)
    return "\t".join([row, *("" if each is None else line(str(each)) for each in held)])


async def copy_text(page: RoadmapPage, text: str) -> None:
    """Copy a text and say so."""
    page.say(await copy(page.app, text) if text else "This cell is blank.")
