"""One conflict after the other: base, mine and theirs, and the keys that decide.

Opened above the page from which it was asked for; leaving it goes back there.
"""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from screens.base import Failed, Page
from screens.conflict_edit import AnotherValue
from screens.dialogs import Confirm
from screens.keys import Keys, key
from screens.safe import line
from screens.widgets import conflict_text
from services import conflicts as decisions
from services import conflictview, explain
from services.conflictview import GONE, ConflictsView, Told, field_words
from services.workplace import Workplace
from store.conflicts import OPEN, WHOLE

NAMED = 6
EMPTY = (
    "There is no open conflict.\n\n"
    "When somebody changes a field here and somebody else there, the later value is in force and "
    "the other one waits here. f shows those that were resolved: their values can still come back."
)
NEVER = "There was never a conflict.\n\nescape goes back."


class ConflictPage(Page):
    """The conflicts of one project, or all."""

    BINDING_GROUP_TITLE = "This conflict"
    CSS_PATH = "conflict.tcss"
    BINDINGS: ClassVar[Keys] = [
        key("m", "take('mine')", "mine", "Take mine, on every side", id="conflict.mine"),
        key("t", "take('theirs')", "theirs", "Take theirs, on every side", id="conflict.theirs"),
        key("e", "edit", "edit", "Set a value that is neither", id="conflict.edit"),
        key("a", "acknowledge", "leave", "Close it; what is in force stays",
            id="conflict.acknowledge"),
        key("p,left", "step(-1)", "before", "The conflict before", id="conflict.previous",
            group="conflict"),
        key("n,right", "step(1)", "next", "The next conflict", id="conflict.next",
            group="conflict"),
        key("escape,q", "leave", "back", "Back to where I was", id="conflict.leave"),
        key("f", "filter", "resolved", "Open conflicts only, or resolved ones too",
            id="conflict.filter"),
        key("o", "open", "open project", "Open the project", id="conflict.open"),
        key("y", "copy", "copy", "Copy the whole conflict, in words", id="conflict.copy"),
        key("M", "take_all('mine')", "all mine", "Take mine in all that are open, after naming "
            "them", id="conflict.all-mine"),
        key("T", "take_all('theirs')", "all theirs", "Take theirs in all that are open, after "
            "naming them", id="conflict.all-theirs"),
        key("down,j", "scroll(1)", "down", "One line down", id="conflict.down", show=False),
        key("up,k", "scroll(-1)", "up", "One line up", id="conflict.up", show=False),
        key("pagedown,space", "page(1)", "page down", "A page down", id="conflict.pagedown",
            show=False),
        key("pageup", "page(-1)", "page up", "A page up", id="conflict.pageup", show=False),
    ]  # fmt: skip

    def __init__(
        self,
        workplace: Workplace,
        page: str,
        project_id: str | None = None,
        shown: str | None = None,
    ) -> None:
        """``page`` is the one it was opened from; ``project_id`` narrows it to one project, and
        ``shown`` is the conflict to begin with."""
        super().__init__(workplace)
        self.PAGE = page
        self._project_id = project_id
        self._shown = shown
        self._everything = False
        self._view: ConflictsView | None = None

    def compose_content(self) -> ComposeResult:
        yield Static("", id="conflict-title", markup=False)
        with VerticalScroll(id="conflict-body", can_focus=False):
            yield Static("", id="conflict-text", markup=False)

    # -- what is shown -------------------------------------------------------------------------

    async def refresh_from_store(self) -> None:
        me = self.workplace.ctx.operator
        view = await self.read(
            conflictview.read,
            me,
            self._shown,
            project_id=self._project_id,
            everything=self._everything,
        )
        self._view = view
        if view.told is not None:
            self._shown = view.told.conflict.id
        self._draw()
        self.refresh_bindings()

    def _draw(self) -> None:
        view = self._view
        if view is None:
            return
        told = view.told
        if told is None:
            title: Content = Content.styled("Conflicts", "bold")
            text: Content = Content.styled(NEVER if self._everything else EMPTY, "$quiet")
        else:
            at = view.ids.index(told.conflict.id) + 1 if told.conflict.id in view.ids else 0
            title = conflict_text.title(told, at, len(view.ids))
            room = max(20, self.size.width - 6)
            now, zone = self.workplace.ctx.clock(), self.workplace.zone
            text = conflict_text.body(told, room, now, zone)
        self.query_one("#conflict-title", Static).update(title)
        self.query_one("#conflict-text", Static).update(text)

    def on_resize(self) -> None:
        self._draw()

    @property
    def _told(self) -> Told | None:
        return None if self._view is None else self._view.told

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Key line, help and palette show what this lets through."""
        told, view = self._told, self._view
        match action:
            case "take":
                return told is not None and bool(told.effects)
            case "edit":
                return told is not None and bool(told.effects) and told.gone is None
            case "acknowledge":
                return told is not None and told.conflict.state == OPEN and told.gone is None
            case "step":
                return view is not None and self._neighbour(1) is not None
            case "take_all":
                return view is not None and view.open > 1
            case "open" | "copy":
                return told is not None
            case _:
                return True

    # -- moving about --------------------------------------------------------------------------

    def _neighbour(self, step: int) -> str | None:
        """The conflict before or after the one on show, round the end; None where it is alone."""
        view = self._view
        if view is None or not view.ids or view.ids == (self._shown,):
            return None
        if self._shown in view.ids:
            return view.ids[(view.ids.index(self._shown) + step) % len(view.ids)]
        return view.ids[0 if step > 0 else -1]

    def _show(self, conflict_id: str) -> None:
        self._shown = conflict_id
        self.query_one("#conflict-body").scroll_home(animate=False)
        self.store_changed()

    def action_step(self, step: int) -> None:
        """To another conflict."""
        there = self._neighbour(step)
        if there is not None:
            self._show(there)

    def action_filter(self) -> None:
        """Open ones only, or all of them."""
        self._everything = not self._everything
        self.say("Resolved ones are listed too." if self._everything else "Open ones only.")
        self.store_changed()

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self.query_one("#conflict-body").scroll_relative(y=step, animate=False)

    def action_page(self, way: int) -> None:
        """Scroll by a page."""
        body = self.query_one("#conflict-body")
        body.scroll_relative(y=way * max(1, body.size.height - 1), animate=False)

    def action_leave(self) -> None:
        """Back."""
        self.dismiss()

    def action_open(self) -> None:
        """Open the project."""
        told = self._told
        if told is not None:
            self.dismiss()
            self.shell.open_project(told.conflict.project_id)

    def action_copy(self) -> None:
        """Copy the whole conflict, in words."""
        told, now = self._told, self.workplace.ctx.clock()
        if told is not None:
            text = conflict_text.body(told, 0, now, self.workplace.zone).plain
            title = f"{told.name}: {field_words(told.conflict)}, {told.conflict.state}"
            self.app.copy_to_clipboard(f"{title}\n\n{text}")
            self.toast("Copied.")

    # -- deciding ------------------------------------------------------------------------------

    @work(group="dialog")
    async def action_take(self, take: str) -> None:
        """Take mine or theirs; a delete is named first."""
        told = self._told
        if told is None or not await self._is_meant(told, take):
            return
        await self._decide(told, f"{take} taken", take)

    @work(group="dialog")
    async def action_edit(self) -> None:
        """Set a value that is neither."""
        told = self._told
        if told is None:
            return
        text = await self.app.push_screen_wait(AnotherValue(told))
        if text is not None:
            await self._decide(told, "another value set", None, text)

    @work(group="write")
    async def action_acknowledge(self) -> None:
        """Close it as it stands."""
        told = self._told
        if told is None:
            return
        ctx = self.workplace.ctx
        try:
            await self.write(decisions.acknowledge, ctx, told.conflict.id)
        except Failed as error:
            self.trouble(str(error))
        else:
            self._went(told, "closed, nothing was changed")
        self.store_changed()

    @work(group="dialog")
    async def action_take_all(self, take: str) -> None:
        """Take one side in everything that is open, after naming it."""
        view = self._view
        if view is None:
            return
        try:
            listed = await self.read(conflictview.open_ones, self._project_id)
        except Failed as error:
            self.trouble(str(error))
            return
        named = [f"• {line(name)}: {line(words)}" for _, name, words in listed[:NAMED]]
        if len(listed) > NAMED:
            named.append(f"• and {len(listed) - NAMED} more")
        named += ["", "The values that lose stay in the conflicts and can come back."]
        ask = Confirm(f"Take {take} in {len(listed)} conflicts?", named, yes=f"Take {take}")
        if not await self.app.push_screen_wait(ask):
            return
        ids = [each for each, _, _ in listed]
        try:
            await self.write(decisions.resolve_all, self.workplace.ctx, ids, take)
        except Failed as error:
            self.trouble(str(error))
        else:
            self.saved(f"{take} taken in {len(ids)} conflicts")
        self.store_changed()

    async def _decide(
        self, told: Told, deed: str, take: str | None, value: str | None = None
    ) -> None:
        ctx = self.workplace.ctx
        try:
            await self.write(decisions.resolve, ctx, told.conflict.id, take, value=value)
        except Failed as error:
            self.trouble(str(error))
        else:
            self._went(told, deed)
        self.store_changed()

    def _went(self, told: Told, deed: str) -> None:
        """Say it, and go on to the next open conflict where there is one."""
        name = explain.cut(line(told.name), 40)
        self.saved(f"{name}, {field_words(told.conflict)}: {deed}")
        there = self._neighbour(1) if not self._everything else None
        if there is not None:
            self._show(there)

    async def _is_meant(self, told: Told, take: str) -> bool:
        """Whether a decision that deletes is meant; others can be taken back."""
        found = told.conflict
        goes = (found.mine if take == "mine" else found.theirs) == GONE
        if found.path != WHOLE or not goes:
            return True
        words = told.effects[take]
        lost = [f"{words[:1].upper()}{words[1:]}.", "", "The other choice brings it back later."]
        ask = Confirm(f"Delete {line(told.name)}?", lost, yes="Delete", no="Keep")
        answer = await self.app.push_screen_wait(ask)
        return answer is True
