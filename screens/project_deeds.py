"""What is done to a project from its page: one field changed, a parent chosen, undo, delete.

One helper of the page, which it reads and writes through. "Saved" is said after the commit only.
"""

from __future__ import annotations

from screens.base import Failed, Page
from screens.dialogs import Choose, Confirm
from screens.safe import line
from screens.widgets.choices import Choice
from services import detail, itsc_roadmap
from services.detail import Detail
from store.canon import Value
from store.fields import label_of

NO_PARENT = ""


class Deeds:
    """The page's commands; each says what became of it."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def update(
        self, project_id: str, path: str, value: Value, opened_on: Value
    ) -> str | None:
        """Write one field in the place of the value its editor was opened on. Gives why nothing
        was saved, or None."""
        page = self._page
        try:
            edit = await page.write(
                itsc_roadmap.update_project,
                page.workplace.ctx,
                project_id,
                {path: value},
                replaced={path: opened_on},
            )
        except Failed as error:
            page.trouble(str(error))
            page.store_changed()
            return str(error)
        if edit.seq is None:
            page.say(f"{line(label_of(path))} is as it was; there was nothing to save.")
        else:
            page.saved(line(label_of(path)))
            page.store_changed()
        return None

    async def choose_parent(self, project_id: str, present: Value) -> None:
        """Let a parent be chosen among those that may be one, or none."""
        page = self._page
        try:
            found = await page.read(detail.possible_parents, project_id, page.workplace.today())
        except Failed as error:
            page.trouble(str(error))
            return
        choices = [Choice(NO_PARENT, detail.EMPTY, note="no parent")]
        choices += [Choice(each, name, note=each) for each, name in found]
        answer = await page.app.push_screen_wait(
            Choose("Parent initiative", choices, current=str(present or NO_PARENT))
        )
        if answer is not None and (answer or None) != present:
            await self.update(project_id, "parent_id", answer or None, present)

    async def undo(self, *, redo: bool) -> None:
        """Undo my last action (or redo it), as a new edit."""
        page = self._page
        try:
            done = await page.write(itsc_roadmap.undo, page.workplace.ctx, redo=redo)
        except Failed as error:
            page.trouble(str(error))
            return
        if done is None:
            page.say(f"There is nothing left to {'redo' if redo else 'undo'}.")
            return
        left = f"; left alone: {'; '.join(done.left)}" if done.left else ""
        page.saved(line(f"{done.verb}: {'; '.join(done.edits) or 'nothing'}{left}"))
        page.store_changed()

    async def delete(self, found: Detail) -> None:
        """Delete the project, after naming what goes."""
        page, name = self._page, line(found.project.name)
        lost = ["It goes from Firestore and Salesforce too. u brings it back."]
        if found.children:
            lost.append("Its children stay and lose their parent:")
            lost += [f"  {line(child)}" for _, child in found.children]
        ask = Confirm(f"Delete {name}?", lost, yes="Delete", no="Keep")
        if not await page.app.push_screen_wait(ask):
            return
        try:
            await page.write(itsc_roadmap.delete_project, page.workplace.ctx, found.project_id)
        except Failed as error:
            page.trouble(str(error))
        else:
            page.saved(f"deleted {name}")
        page.store_changed()

    async def bring_back(self, project_id: str) -> None:
        """Bring a deleted project back under its id."""
        page = self._page
        try:
            project = await page.write(itsc_roadmap.restore_project, page.workplace.ctx, project_id)
        except Failed as error:
            page.trouble(str(error))
        else:
            page.saved(f"brought back {line(project.name)}")
        page.store_changed()
