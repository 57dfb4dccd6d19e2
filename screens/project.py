"""The project page: one project as a one-page brief, every field edited in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import MountError, Widget
from textual.widgets import Input, OptionList, Static, TextArea

from screens.base import Failed, Page
from screens.dialogs import ShowText
from screens.keys import Keys
from screens.project_deeds import Deeds
from screens.project_keys import KEYS, OWN
from screens.project_texts import Texts
from screens.safe import safe
from screens.widgets.project_head import counts_down, draft_line, gone_head, head
from screens.widgets.project_history import History, whole
from screens.widgets.project_line import PageLine
from screens.widgets.project_panel import LongPanel
from screens.widgets.project_row import FieldRow
from screens.widgets.project_sheet import Heading, Sheet, nearest, stop_of
from screens.widgets.project_votes import AddVoter, VoteLine, Votes
from screens.widgets.sync_rows import STATE_NOTES
from services import detail, history, times
from services.counting import counted
from services.detail import Detail, Gone
from store.canon import Value
from store.drafts import Draft
from store.fields import SCORES_PREFIX, Kind

WIDTHS = [(0, "-narrow"), (110, "-middle"), (150, "-wide")]
EMPTY = """\
No project is open.

On the roadmap, o opens the project under the cursor here.
] opens the first project of the roadmap, [ the last."""


class ProjectPage(Page):
    """Screen 4."""

    PAGE = "project"
    BINDING_GROUP_TITLE = "Project"
    CSS_PATH = "project.tcss"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[Keys] = [*KEYS]

    _wanted: str | None = None
    _shown: str | None = None
    _found: Detail | Gone | None = None
    _order: Sequence[str] = ()
    _version = -1
    _newest = history.STEP

    def compose_content(self) -> ComposeResult:
        yield Static(safe(EMPTY), id="empty", markup=False)
        with Vertical(id="head"):
            yield Static("", id="project-head", markup=False)
            yield Static("", id="draft", markup=False)
        with Container(id="project"):
            yield Sheet(id="sheet")
            with Vertical(id="history-box"):
                yield Heading("History", id="history-heading")
                yield History(self.workplace.zone, id="history")

    def on_mount(self) -> None:
        self._panels = self.query_one(Sheet).panels()
        self._deeds = Deeds(self)
        self._texts = Texts(self, self._deeds.update)
        self._lay_out()
        self.set_interval(1.0, self.count_down)

    async def on_unmount(self) -> None:
        if self._shown is not None:
            await self._texts.keep_last(self._panels, self._shown)

    # -- what is shown -------------------------------------------------------------------------

    def show(self, project_id: str) -> None:
        """Show this project, now or when the page comes up."""
        self._wanted, self._newest = project_id, history.STEP
        self.store_changed()

    @property
    def shown_id(self) -> str | None:
        """The id of the project that is on the page."""
        return self._shown

    def kept(self) -> Mapping[str, object]:
        return {"project": self._wanted}

    def restore(self, kept: Mapping[str, object]) -> None:
        before = kept.get("project")
        self._wanted = before if isinstance(before, str) else None

    async def refresh_from_store(self) -> None:
        if self._wanted is None:
            return
        work, wanted, version = self.workplace, self._wanted, self._version
        found = await self.read(
            detail.load, wanted, work.ctx.operator, work.zone, work.gates, self._newest
        )
        self._version, order = await self.read(detail.order_since, work.today(), version)
        self._order = self._order if order is None else order
        if found.project_id != self._wanted:
            return  # another one was asked for meanwhile
        try:
            with self.app.batch_update():
                await self._take(found)
        except (NoMatches, MountError):
            if self.app.is_running:
                raise
            # The app is closing: the page was taken down while this was under way.

    async def _take(self, found: Detail | Gone) -> None:
        other = self._shown != found.project_id
        if other or isinstance(found, Gone):
            await self._put_editors_away()
        self._found, self._shown = found, found.project_id
        self._lay_out()
        if isinstance(found, Detail):
            history = self.query_one(History)
            if other:
                history.restart()
            await self.query_one(Sheet).show(found, self.workplace.today(), other=other)
            self._show_history(found)
            if other or self._current() is None:
                self.action_edge(0)
        self.refresh_bindings()

    async def _put_editors_away(self) -> None:
        for row in self.query(FieldRow):
            if row.is_open:
                row.close_editor()
        for panel in self.query_one(Sheet).panels():
            if panel.editor is not None and self._shown is not None:
                await self._texts.put_away(panel, self._shown)

    def _lay_out(self) -> None:
        self.query_one("#empty").display = self._found is None
        self.query_one("#head").display = self._found is not None
        self.query_one("#project").display = isinstance(self._found, Detail)
        self._say_head()

    def _say_head(self) -> None:
        said = self.query_one("#project-head", Static)
        if isinstance(self._found, Detail):
            said.update(
                head(
                    self._found,
                    self._place(),
                    self._now,
                    self.workplace.today(),
                    self.size.width - 4,
                )
            )
        elif isinstance(self._found, Gone):
            said.update(gone_head(self._found, self._now))
        offer, banner = self.draft, self.query_one("#draft", Static)
        banner.display = offer is not None
        if offer is not None:
            time = times.since(offer.at, self._now, self.workplace.zone)
            banner.update(draft_line(offer, len(self._offered()), time))

    def on_resize(self) -> None:
        self._say_head()

    def count_down(self) -> None:
        """Say the times anew that come nearer; every second."""
        if isinstance(self._found, Detail) and counts_down(self._found):
            self._say_head()

    def _tick(self) -> None:
        super()._tick()
        if isinstance(self._found, Detail):
            self._say_head()
            self._show_history(self._found)

    def _show_history(self, found: Detail) -> None:
        told = f"  {counted(found.changes, 'change')}"
        heading = Content.assemble("History", (told, "$quiet not bold"))
        self.query_one("#history-heading", Static).update(heading)
        self.query_one(History).show(found.history, found.changes, found.healths, self._now)

    def _place(self) -> str:
        if self._wanted not in self._order:
            return ""
        return f"{self._order.index(self._wanted) + 1:,} of {len(self._order):,}"

    @property
    def _now(self) -> float:
        return self.workplace.ctx.clock()

    def help_notes(self) -> Iterable[tuple[str, Sequence[tuple[str, str]]]]:
        told = (detail.UNRESOLVED, "the name stays here and in Firestore until a user has it")
        return [("What the page says", [*STATE_NOTES, told])]

    @property
    def busy(self) -> bool:
        """Whether something is being written where the focus is."""
        return isinstance(self.focused, (Input, TextArea))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Key line, help and palette show what this lets through."""
        here = isinstance(self._found, Detail)
        if self.busy and action in OWN:
            return False
        match action:
            case "restore_draft" | "discard_draft":
                return here and self.draft is not None
            case "bring_back":
                return isinstance(self._found, Gone) and self._found.deleted_at is not None
            case "copy" | "delete" | "step" | "section" | "edge":
                return here
            case _:
                return True

    # -- moving about --------------------------------------------------------------------------

    def action_step(self, way: str) -> None:
        """To the nearest line, panel or list that way."""
        current = self._current()
        there = self.neighbour_of(current, way) if current is not None else None
        if there is not None:
            self._go(there)
        elif current is None:
            self.action_edge(0)

    def neighbour_of(self, part: Widget, way: str) -> Widget | None:
        """The part that lies next to one: up, down, left or right of it."""
        parts = list(self.query(".part"))
        found = nearest([each.region for each in parts], part.region, way)
        return None if found is None else parts[found]

    def action_section(self, step: int) -> None:
        """To the first line of the next section."""
        parts, current = list(self.query(".part")), self._current()
        if current is None:
            self.action_edge(0)
            return
        stops = list(dict.fromkeys(stop_of(each) for each in parts))
        stop = stops[(stops.index(stop_of(current)) + step) % len(stops)]
        self._go(next(each for each in parts if stop_of(each) is stop))

    def action_edge(self, at: int) -> None:
        """To the first line of the page, or the last."""
        parts = [each for each in self.query(".part") if not isinstance(each, History)]
        self._go(parts[at])

    def _current(self) -> Widget | None:
        around = () if self.focused is None else self.focused.ancestors_with_self
        return next((each for each in around if isinstance(each, Widget) and _is_part(each)), None)

    def _go(self, part: Widget) -> None:
        editor = part.editor if isinstance(part, (FieldRow, LongPanel)) else None
        target = editor.query("LineEdit").first() if isinstance(part, FieldRow) and editor else None
        (target or editor or part).focus()
        if part is self.query(".part").first():
            self.query_one(Sheet).scroll_home(animate=False)

    @on(History.More)
    def _more_history(self) -> None:
        found = self._found
        if isinstance(found, Detail) and len(found.history) == self._newest:
            self._newest += history.STEP
            self.store_changed()

    @on(History.Left)
    def _history_left(self) -> None:
        self.action_step("up")

    @on(FieldRow.Follow)
    def _follow(self, event: FieldRow.Follow) -> None:
        self.show(event.project_id)

    @work(group="neighbour")
    async def action_neighbour(self, step: int) -> None:
        """The project before or after this one in the roadmap."""
        try:
            order = await self.read(detail.roadmap_ids, self.workplace.today())
        except Failed as error:
            self.trouble(str(error))
            return
        there = detail.neighbour(order, self._wanted, step)
        if there is not None:
            self.show(there)
        elif not order:
            self.say("There are no projects yet.")
        else:
            self.say("This is the last project." if step > 0 else "This is the first project.")

    # -- fields and votes ----------------------------------------------------------------------

    @on(FieldRow.Editing)
    def _editing(self, event: FieldRow.Editing) -> None:
        self.refresh_bindings()
        row = event.row.row
        if row.kind is Kind.PARENT and self._shown is not None:
            self.run_worker(self._deeds.choose_parent(self._shown, row.value), group="dialog")
        elif event.row.editor is not None:
            self._suggest(event.row)

    @work(group="suggest")
    async def _suggest(self, row: FieldRow) -> None:
        try:
            known = await self.read(detail.suggestions, row.path)
        except Failed:
            return  # a line without completions is still a line
        if row.editor is not None and known:
            row.editor.suggest(known)
            self.refresh_bindings()

    @on(FieldRow.Changed)
    def _changed(self, event: FieldRow.Changed) -> None:
        if self._shown is not None:
            self._save_row(event.row, self._shown, event.value, event.opened_on)

    @work(group="write")
    async def _save_row(
        self, row: FieldRow, project_id: str, value: Value, opened_on: Value
    ) -> None:
        why = await self._deeds.update(project_id, row.path, value, opened_on)
        if why is None and row.is_open:
            row.close_editor()
        elif row.editor is not None:
            row.editor.complain(why)

    @on(AddVoter.Named)
    async def _named(self, event: AddVoter.Named) -> None:
        await self.query_one(Votes).name_voter(event.voter)

    @on(VoteLine.Scored)
    def _scored(self, event: VoteLine.Scored) -> None:
        if isinstance(self._found, Detail):
            path = SCORES_PREFIX + event.voter
            before = self._found.project.values.get(path)
            self._save_vote(self._found.project_id, path, event.score, before)

    @work(group="write")
    async def _save_vote(
        self, project_id: str, path: str, score: int | None, before: Value
    ) -> None:
        if score is None and before is None:
            self.action_step("up")
            await self.query_one(Votes).forget_named()
        else:
            await self._deeds.update(project_id, path, score, before)

    # -- long texts and drafts -----------------------------------------------------------------

    @on(LongPanel.Wish)
    def _wished(self, event: LongPanel.Wish) -> None:
        self.refresh_bindings()
        self._say_head()
        if self._shown is not None and event.what not in ("opened", "closed"):
            doing = self._texts.do(event.panel, self._shown, event.what)
            self.run_worker(doing, group="texts")

    def _offered(self) -> list[Draft]:
        if not isinstance(self._found, Detail):
            return []
        writing = {each.path for each in self.query_one(Sheet).panels() if each.editor}
        return [each for each in self._found.drafts if each.path not in writing]

    @property
    def draft(self) -> Draft | None:
        """The draft that is offered: the newest that nobody is writing on here."""
        return max(self._offered(), key=lambda each: each.at, default=None)

    async def action_restore_draft(self) -> None:
        """Go on with the draft that is offered."""
        draft = self.draft
        if draft is not None:
            panel = self.query_one(Sheet).field(draft.path)
            if isinstance(panel, LongPanel):
                await self._texts.restore(panel, draft)

    @work(group="dialog")
    async def action_discard_draft(self) -> None:
        """Give the draft up that is offered."""
        if self.draft is not None:
            await self._texts.discard(self.draft)

    # -- the whole project ---------------------------------------------------------------------

    @work(group="write")
    async def action_undo(self, redo: bool) -> None:
        """Undo my last action (or redo it), as a new edit."""
        await self._deeds.undo(redo=redo)

    def action_copy(self) -> None:
        """Copy what is under the mark, whole."""
        part = self._current()
        if isinstance(part, (PageLine, LongPanel, History)):
            self.app.copy_to_clipboard(part.copied())
            self.toast("Copied.")

    def action_conflicts(self) -> None:
        """The project's conflicts, also those of one that was deleted."""
        if self._found is not None:
            self.open_conflicts(self._found.project_id)

    @on(OptionList.OptionSelected, "#history")
    def _open_entry(self) -> None:
        history = self.query_one(History)
        if history.marked is not None and isinstance(self._found, Detail):
            text = whole(history.marked, self._found.healths, self._now, self.workplace.zone)
            self.app.push_screen(ShowText("One change, whole", text, wide=True))

    @work(group="dialog")
    async def action_delete(self) -> None:
        """Delete the project, after naming what goes."""
        if isinstance(self._found, Detail):
            await self._deeds.delete(self._found)

    @work(group="write")
    async def action_bring_back(self) -> None:
        """Bring the deleted project back under its id."""
        if isinstance(self._found, Gone):
            await self._deeds.bring_back(self._found.project_id)


def _is_part(each: Widget) -> bool:
    return each.has_class("part")
