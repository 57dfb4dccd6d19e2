"""Writing long texts on the project page: saving, leaving, drafts, the operator's own editor.

One helper of the page, which it reads and writes through. What was typed is never lost: it is
saved, or a draft, or dropped by a person who was asked.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

from screens.base import Failed, Page, checked
from screens.dialogs import Confirm
from screens.project_dialogs import DROP, SAVE, LeaveText
from screens.project_external import NoEditor, editor_command, write_outside
from screens.safe import cut, line
from screens.widgets.project_panel import LongPanel
from services import drafts
from store.canon import Value
from store.clock import to_iso
from store.drafts import Draft
from store.fields import label_of

Update = Callable[[str, str, Value, Value], Awaitable[str | None]]
"""``(project_id, path, value, opened_on)``: writes one field; gives why not, or None."""


class Texts:
    """What the keys of a panel do."""

    def __init__(self, page: Page, update: Update) -> None:
        self._page = page
        self._update = update

    async def do(self, panel: LongPanel, project_id: str, what: str) -> None:
        """``what`` is a panel's wish: save, leave, outside or draft."""
        try:
            match what:
                case "save":
                    await self._save(panel, project_id)
                case "leave":
                    await self._leave(panel, project_id)
                case "outside":
                    await self._write_outside(panel, project_id)
                case "draft":
                    await self._keep(panel, project_id)
        except Failed as error:
            self._page.trouble(str(error))

    async def put_away(self, panel: LongPanel, project_id: str) -> None:
        """The panel is wanted for another project: what is unsaved in it becomes a draft."""
        if panel.editor is not None and panel.changed:
            await self._put(panel, project_id, panel.text)
        panel.close_editor(focus=False)

    async def keep_last(self, panels: Sequence[LongPanel], project_id: str) -> None:
        """The program ends: what was typed since the last draft is kept too. The panels may be
        off the screen by now."""
        work = self._page.workplace
        for panel in panels:
            if panel.unkept is not None:
                draft = self._draft(panel, project_id, panel.unkept)
                await work.desk.write(drafts.keep, draft)

    async def restore(self, panel: LongPanel, draft: Draft) -> None:
        """Go on with a draft: what it was opened on is what saving it replaces."""
        await panel.open_editor(draft.text, draft.opened_on)

    async def discard(self, draft: Draft) -> None:
        """Give a draft up, after showing what goes."""
        label = label_of(draft.path)
        lines = [cut(line(draft.text), 400)]
        ask = Confirm(f"Discard the unsaved draft of {label}?", lines, yes="Discard")
        if not await self._page.app.push_screen_wait(ask):
            return
        try:
            await self._page.write(drafts.forget, draft.project_id, draft.path)
        except Failed as error:
            self._page.trouble(str(error))
            return
        self._page.say(f"The draft of {label} is discarded.")
        self._page.store_changed()

    async def _save(self, panel: LongPanel, project_id: str) -> None:
        text = panel.text
        why = await self._update(project_id, panel.path, text, panel.opened_on)
        if why is None:
            await self._page.write(drafts.forget, project_id, panel.path)
            panel.close_editor()
        else:
            panel.complain(why)
            await self._put(panel, project_id, text)

    async def _leave(self, panel: LongPanel, project_id: str) -> None:
        if panel.changed:
            wrong = checked(panel.path)(panel.text)
            ask = LeaveText(panel.row.label, wrong)
            answer = await self._page.app.push_screen_wait(ask)
            if answer == SAVE:
                await self._save(panel, project_id)
            if answer != DROP:
                return
        await self._page.write(drafts.forget, project_id, panel.path)
        panel.close_editor()

    async def _keep(self, panel: LongPanel, project_id: str) -> None:
        text = panel.draft()
        if text is not None:
            await self._put(panel, project_id, text)

    async def _put(self, panel: LongPanel, project_id: str, text: str) -> None:
        await self._page.write(drafts.keep, self._draft(panel, project_id, text))

    def _draft(self, panel: LongPanel, project_id: str, text: str) -> Draft:
        before = None if panel.opened_on is None else str(panel.opened_on)
        at = to_iso(self._page.workplace.ctx.clock())
        return Draft(project_id, panel.path, text, before, at)

    async def _write_outside(self, panel: LongPanel, project_id: str) -> None:
        writing = panel.editor is not None
        opened_on = panel.opened_on if writing else panel.row.value
        try:
            command = editor_command(os.environ)
            name = panel.path.rpartition(".")[2]
            written = write_outside(panel.text, command, self._page.app.suspend, name=name)
        except NoEditor as error:
            if error.text is not None:
                await panel.open_editor(error.text, opened_on)
                await self._put(panel, project_id, error.text)
                self._page.trouble(f"{error}; what it left stands here, not saved")
            else:
                self._page.trouble(f"{error}.")
            return
        if written.text is None:
            self._page.say(written.sentence)
        elif writing:
            await panel.open_editor(written.text)
        else:
            why = await self._update(project_id, panel.path, written.text, opened_on)
            if why is not None:
                await panel.open_editor(written.text, opened_on)
                panel.complain(why)
                await self._put(panel, project_id, written.text)
