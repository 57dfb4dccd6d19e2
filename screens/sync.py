"""The Sync page: what is on its way, what is in trouble, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from screens.base import Failed, Page
from screens.inspect import Inspect, parts_of
from screens.keys import Keys, key
from screens.safe import safe
from screens.sync_deeds import SyncDeeds
from screens.widgets import sync_head
from screens.widgets.grid import Cell, Grid
from screens.widgets.sync_rows import (
    CONFLICTS,
    OUTBOX,
    STATE_NOTES,
    conflict_cell,
    conflict_text,
    entry_cell,
)
from services import explain, outbox, syncview
from services.overview import OutboxEntry
from services.syncview import SyncView, Which
from store.conflicts import Conflict

WIDTHS = [(0, "-narrow"), (110, "-wide")]
EMPTY = {
    Which.OPEN: "Everything has reached Firestore and Salesforce.\n\n"
    "An edit shows here while it travels. f shows those that have arrived.",
    Which.TROUBLE: "Nothing is in trouble.\n\nf shows what is on its way.",
    Which.ALL: "Nothing was edited here yet.",
}
CONFLICT_ROWS, CONFLICT_ROWS_SMALL, SMALL = 6, 2, 30


class SyncPage(Page):
    """Screen 5."""

    PAGE = "sync"
    BINDING_GROUP_TITLE = "Sync"
    CSS_PATH = "sync.tcss"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[Keys] = [
        key("r", "retry", "retry", "Try this edit again now", id="sync.retry"),
        key("R", "retry_all", "retry all", "Try everything that failed or waits again now",
            id="sync.retry_all"),
        key("e", "mend", "edit", "Mend the refused fields and send them again", id="sync.edit"),
        key("D", "discard", "discard", "Give this edit up, after naming what is lost",
            id="sync.discard"),
        key("i,enter", "inspect", "inspect", "The whole story of this edit", id="sync.inspect"),
        key("o", "open", "open project", "Open the project", id="sync.open"),
        key("p", "pause", "pause", "Pause a target, or let it go on", id="sync.pause"),
        key("l", "look", "look now", "Bring in what others changed on both sides, now",
            id="sync.look", show=False),
        key("f", "filter", "filter", "On their way, in trouble, or all edits", id="sync.filter"),
        key("y", "copy", "copy", "Copy what happened to this edit, in words", id="sync.copy"),
        key("c", "conflicts", "all conflicts", "Every conflict, also those that were resolved",
            id="sync.conflicts", show=False),
        key("tab", "other", "conflicts", "Between edits and conflicts", id="sync.other"),
    ]  # fmt: skip

    _which = Which.OPEN
    _view: SyncView | None = None
    _entries: Mapping[str, OutboxEntry] = {}
    _conflicts: Mapping[str, Conflict] = {}

    def compose_content(self) -> ComposeResult:
        yield Static("", id="sync-head", markup=False)
        yield Static("", id="outbox-title", classes="heading", markup=False)
        yield Grid(OUTBOX, self._entry_cell, cursor="row", id="outbox")
        yield Static("", id="sync-empty", markup=False)
        yield Static("", id="sync-words", markup=False)
        with Vertical(id="conflicts-box"):
            yield Static("", id="conflicts-title", classes="heading", markup=False)
            yield Grid(CONFLICTS, self._conflict_cell, cursor="row", id="conflicts")

    def on_mount(self) -> None:
        self._deeds = SyncDeeds(self)
        self.query_one("#conflicts-box").display = False
        self.query_one("#sync-empty").display = False
        self.set_interval(1.0, self.count_down)

    # -- what is shown -------------------------------------------------------------------------

    def kept(self) -> Mapping[str, object]:
        return {"filter": self._which.name}

    def restore(self, kept: Mapping[str, object]) -> None:
        name = kept.get("filter")
        if isinstance(name, str) and name in Which.__members__:
            self._which = Which[name]

    async def refresh_from_store(self) -> None:
        view = await self.read(syncview.read, self.workplace.gates, self._which)
        self._view = view
        self._entries = {str(each.operation.seq): each for each in view.entries}
        self._conflicts = {each.id: each for each in view.conflicts}
        with self.app.batch_update():
            self._show(view)
        self.refresh_bindings()

    def _show(self, view: SyncView) -> None:
        grid, below = self.query_one("#outbox", Grid), self.query_one("#conflicts", Grid)
        for each, rows in ((grid, list(self._entries)), (below, list(self._conflicts))):
            if list(each.rows) == rows:
                each.touch()
            else:
                each.set_rows(rows)
        grid.display = bool(view.entries)
        empty = self.query_one("#sync-empty", Static)
        empty.display = not view.entries
        empty.update(safe(EMPTY[self._which]))
        self.query_one("#conflicts-box").display = bool(view.conflicts)
        most = CONFLICT_ROWS if self.size.height > SMALL else CONFLICT_ROWS_SMALL
        below.styles.height = min(len(view.conflicts), most) + 1
        if self.focused is None or not self.focused.display:
            (grid if view.entries or not view.conflicts else below).focus()
        self._say_titles(view)
        self._say_head()
        self._say_words()

    def _say_titles(self, view: SyncView) -> None:
        shown = len(view.entries)
        told = f"{view.total:,}" if view.total == shown else f"newest {shown:,} of {view.total:,}"
        title = Content.assemble("Edits ", (f"{self._which.value}  {told}", "$quiet not bold"))
        self.query_one("#outbox-title", Static).update(title)
        number = len(view.conflicts)
        title = Content.assemble("Conflicts ", (f"open  {number:,}", "$quiet not bold"))
        self.query_one("#conflicts-title", Static).update(title)

    def _say_head(self) -> None:
        if self._view is not None:
            room = self.size.width - 4
            said = sync_head.head(self._view.healths, self._now, self.workplace.zone, room)
            self.query_one("#sync-head", Static).update(said)

    def _say_words(self) -> None:
        words = self.query_one("#sync-words", Static)
        entry = self._entry
        words.display = entry is not None
        if entry is not None and self._view is not None:
            said = explain.entry_words(entry, self._view.healths, self._now)
            words.update(safe(f"{entry.name}: {said}."))

    def on_resize(self) -> None:
        self._say_head()

    def count_down(self) -> None:
        """Say the times anew that come nearer; every second."""
        if self._view is None:
            return
        if sync_head.counts_down(self._view.healths):
            self._say_head()
        if any(explain.is_trouble(each) for each in self._view.entries):
            self.query_one("#outbox", Grid).touch()
            self._say_words()

    def _tick(self) -> None:
        super()._tick()
        self._say_head()
        self.query_one("#outbox", Grid).touch()

    @on(Grid.Moved)
    def _moved(self) -> None:
        self._say_words()

    @property
    def _now(self) -> float:
        return self.workplace.ctx.clock()

    def _entry_cell(self, row: str, column: str, width: int) -> Cell:
        view = self._view
        assert view is not None
        return entry_cell(self._entries[row], column, view.healths, self._now, self.workplace.zone)

    def _conflict_cell(self, row: str, column: str, width: int) -> Cell:
        view = self._view
        assert view is not None
        found = self._conflicts[row]
        name = view.names.get(found.project_id, found.project_id)
        return conflict_cell(found, name, column, self._now, self.workplace.zone)

    # -- what is under the cursor --------------------------------------------------------------

    @property
    def entries(self) -> Sequence[OutboxEntry]:
        """The edits that are listed, newest first."""
        return () if self._view is None else self._view.entries

    @property
    def _on_conflicts(self) -> bool:
        return self.focused is not None and self.focused.id == "conflicts"

    @property
    def _entry(self) -> OutboxEntry | None:
        row = self.query_one("#outbox", Grid).row
        return None if row is None else self._entries.get(row)

    @property
    def _conflict(self) -> Conflict | None:
        row = self.query_one("#conflicts", Grid).row
        return None if row is None else self._conflicts.get(row)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Key line, help and palette show what this lets through."""
        match action:
            case "retry" | "mend" | "discard":
                return bool(self._entries) and not self._on_conflicts
            case "inspect" | "open" | "copy":
                return bool(self._conflicts if self._on_conflicts else self._entries)
            case "retry_all":
                return bool(self._entries)
            case "other":
                return bool(self._entries and self._conflicts)
            case _:
                return True

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        return [("States", STATE_NOTES)]

    # -- keys ----------------------------------------------------------------------------------

    def action_other(self) -> None:
        """To the other table."""
        self.query_one("#outbox" if self._on_conflicts else "#conflicts").focus()

    def action_filter(self) -> None:
        """Show other edits: on their way, in trouble, all."""
        order = list(Which)
        self._which = order[(order.index(self._which) + 1) % len(order)]
        self.store_changed()

    @work(group="write")
    async def action_retry(self) -> None:
        """Try the edit under the cursor again now."""
        if self._entry is not None:
            await self._deeds.retry(self._entry)

    @work(group="write")
    async def action_retry_all(self) -> None:
        """Try everything that failed or waits again now."""
        await self._deeds.retry_all()

    @work(group="write")
    async def action_look(self) -> None:
        """Bring what others changed, now."""
        await self._deeds.look()

    @work(group="dialog")
    async def action_mend(self) -> None:
        """Mend the refused fields and send them again, as a new edit."""
        if self._entry is not None:
            await self._deeds.mend(self._entry.operation.seq)

    @work(group="dialog")
    async def action_discard(self) -> None:
        """Give the edit under the cursor up, after naming what is lost, field by field."""
        if self._entry is not None:
            await self._deeds.discard(self._entry.operation.seq)

    @work(group="dialog")
    async def action_pause(self) -> None:
        """Pause a target, or let it go on."""
        if self._view is not None:
            await self._deeds.pause(self._view)

    @work(group="dialog")
    async def action_inspect(self) -> None:
        """The whole story of the edit or the conflict under the cursor."""
        if self._view is None:
            return
        if self._on_conflicts:
            if self._conflict is not None:
                self.open_conflicts(shown=self._conflict.id)
            return
        entry = self._entry
        if entry is None:
            return
        try:
            found = await self.read(outbox.inspect, entry.operation.seq)
        except Failed as error:
            self.trouble(str(error))
            return
        parts = parts_of(found, self._view.healths, self._now, self.workplace.zone)
        self.app.push_screen(Inspect(found.name, parts))

    @on(Grid.Activated)
    def _activated(self) -> None:
        self.action_inspect()

    def action_conflicts(self) -> None:
        """Every conflict."""
        self.open_conflicts()

    def action_open(self) -> None:
        """Open the project."""
        if self._on_conflicts:
            if self._conflict is not None:
                self.shell.open_project(self._conflict.project_id)
        elif self._entry is not None:
            self.shell.open_project(self._entry.operation.project_id)

    def action_copy(self) -> None:
        """Copy what happened, in words."""
        if self._on_conflicts and self._conflict is not None:
            text = conflict_text(self._conflict, self._now, self.workplace.zone)
        elif self._entry is not None and self._view is not None:
            words = explain.entry_words(self._entry, self._view.healths, self._now)
            trace = self._entry.operation.trace_id
            text = f"{self._entry.name}: {words}. trace {trace}"
        else:
            return
        self.app.copy_to_clipboard(text)
        self.toast("Copied.")
