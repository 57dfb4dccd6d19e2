"""The roadmap's quick actions: edit a cell, move a row, undo, copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens import roadmap_commands as commands
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


async def open_editor(page: RoadmapPage) -> None:
    """Open the editor over the cell under the cursor (in the timeline over the launch target), or
    say why there is none."""
    row, ids, path = page.here, page.chosen, page.column
    if row is None:
        return
    if path == SYNC:
        page.say("Sync is what happens to edits; enter explains it.")
        return
    if not BY_PATH[path].editable:
        page.say(f"{BY_PATH[path].label} is computed from the votes.")
        return
    if path == NAME and len(ids) > 1:
        page.say("One name at a time; esc clears the selection.")
        return
    page.grid.move_to(row)
    region = page.grid.cell_region(row, page.cell_column)
    if region is None:
        page.say("There is no room to edit here; make the terminal larger.")
        return
    held, today = page.held.value(row, path), page.workplace.today()
    editing = Editing(BY_PATH[path], tuple(ids), held, today, tuple(page.held.known(path)))
    await page.open_editor(CellEditor(editing, region, page.size))


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


async def move_down(page: RoadmapPage) -> None:
    """Change places with the next row of the same priority band."""
    await _move(page, 1)


async def move_up(page: RoadmapPage) -> None:
    """Change places with the row before, of the same priority band."""
    await _move(page, -1)


async def undo(page: RoadmapPage) -> None:
    """Undo my last edit, by a new one."""
    await _undo(page, redo=False)


async def redo(page: RoadmapPage) -> None:
    """Do what was undone again."""
    await _undo(page, redo=True)


async def _move(page: RoadmapPage, step: int) -> None:
    row, order = page.here, page.held.order
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
            f"That is the edge of {page.held.value(row, 'priority')}; edit its priority to go on."
        )
        return
    order.insert(there, order.pop(at))
    page.put_order(order, row)
    page.saved(f"sort order of {len(done)} projects" if len(done) > 1 else "")
    page.store_changed()


async def _undo(page: RoadmapPage, *, redo: bool) -> None:
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


async def copy_cell(page: RoadmapPage) -> None:
    """Copy the cell's whole text, however little of it fits on the screen."""
    row, path = page.here, page.column
    if row is None:
        return
    if path == SYNC:
        sync = page.held.sync.get(row)
        await _copy(page, column(sync) if sync is not None else "")
    else:
        held = page.held.value(row, path)
        await _copy(page, "" if held is None else shown_value(held))


async def copy_row(page: RoadmapPage) -> None:
    """Copy the project's id and the table's fields, separated by tabs."""
    row = page.here
    if row is not None:
        held = (page.held.value(row, path) for path in page.grid.columns if path in PATHS)
        await _copy(page, "\t".join([row, *("" if v is None else line(str(v)) for v in held)]))


async def copy_id(page: RoadmapPage) -> None:
    """Copy the project's id."""
    await _copy(page, page.here or "")


async def _copy(page: RoadmapPage, text: str) -> None:
    page.say(await copy(page.app, text) if text else "This cell is blank.")
