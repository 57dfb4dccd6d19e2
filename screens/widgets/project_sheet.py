"""The page of one project: all sections in their order, the brief's panels, votes, family."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from screens.keys import Keys, key
from screens.safe import line
from screens.widgets.project_head import launch_note
from screens.widgets.project_line import PageLine
from screens.widgets.project_panel import EDITING, EDITING_ROWS, LongPanel
from screens.widgets.project_row import FieldRow
from screens.widgets.project_votes import Votes
from services.detail import Block, Detail, blank_blocks
from store.fields import Kind, Section


class ChildLine(PageLine):
    """One child of the project; Enter goes there."""

    BINDING_GROUP_TITLE = "On a child"
    BINDINGS: ClassVar[Keys] = [
        key("enter", "follow", "open child", "Open the child", id="child.open"),
    ]

    def __init__(self, project_id: str, name: str) -> None:
        super().__init__(classes="child")
        self.project_id, self.name_of_child = project_id, name

    def label(self) -> str:
        return "Child"

    def value(self) -> Content:
        return Content(line(self.name_of_child))

    def copied(self) -> str:
        return self.name_of_child

    def action_follow(self) -> None:
        """Open the child."""
        self.post_message(FieldRow.Follow(self.project_id))


class Heading(Static):
    """A section's title."""

    def __init__(self, text: str, *, id: str | None = None) -> None:
        super().__init__(text, id=id, classes="heading", markup=False)


class SectionBox(Vertical):
    """One section: its title and its fields. ``Tab`` goes from one to the next."""

    def __init__(self, block: Block) -> None:
        super().__init__(classes="section")
        self.block = block

    def compose(self) -> ComposeResult:
        yield Heading(self.block.section.value)
        for row in self.block.rows:
            yield LongPanel(row) if row.kind is Kind.LONG_TEXT else FieldRow(row)
        if self.block.section is Section.HIERARCHY:
            yield Vertical(id="children")


class Brief(Container):
    """The four panels: side by side where there is room."""

    def __init__(self, block: Block) -> None:
        super().__init__(id="brief")
        self.block = block

    def compose(self) -> ComposeResult:
        for row in self.block.rows:
            yield LongPanel(row)

    def on_resize(self) -> None:
        self.make_room()

    @on(LongPanel.Wish)
    def _wished(self) -> None:
        self.make_room()

    def make_room(self) -> None:
        """Give the text that is written more room than its neighbours."""
        columns = self.styles.grid_size_columns
        writing = next((i for i, each in enumerate(self.children) if each.has_class(EDITING)), None)
        across, down = ["1fr"] * columns, ["auto"] * (len(self.children) // columns)
        if writing is not None:
            across[writing % columns] = "3fr" if columns > 2 else "2fr"
            down[writing // columns] = str(EDITING_ROWS)
        self.styles.grid_columns = " ".join(across)
        self.styles.grid_rows = " ".join(down)


class Sheet(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Everything of a project that is not its history. Fields stay the same widgets whatever
    project is shown; votes and children come and go."""

    def compose(self) -> ComposeResult:
        blocks = {block.section: block for block in blank_blocks()}
        with Horizontal(classes="pair"):
            yield SectionBox(blocks[Section.DETAILS])
            with Vertical(classes="section-stack"):
                yield SectionBox(blocks[Section.CONTEXT])
                yield SectionBox(blocks[Section.GOALS])
        with Vertical(classes="section", id="brief-section"):
            yield Heading(Section.BRIEF.value)
            yield Brief(blocks[Section.BRIEF])
        with Horizontal(classes="pair"):
            yield SectionBox(blocks[Section.INTAKE])
            with Vertical(classes="section", id="scoring"):
                yield Heading("Scoring")
                yield Votes()
        with Horizontal(classes="pair"):
            yield SectionBox(blocks[Section.HIERARCHY])
            yield SectionBox(blocks[Section.SYSTEM])

    async def show(self, found: Detail, today: dt.date, *, other: bool) -> None:
        """The project as it stands. ``other`` is True where another one was shown before."""
        rows = {row.path: row for block in found.blocks for row in block.rows}
        if other:
            await self.query_one(Votes).forget_named()
            self.scroll_home(animate=False)
        for each in self.fields():
            if each.path == "launch_target" and isinstance(each, FieldRow):
                each.update_row(rows[each.path], launch_note(found, today))
            else:
                each.update_row(rows[each.path])
        await self.query_one(Votes).show(found.votes, found.total)
        await self._show_children(found.children)

    def fields(self) -> Iterator[FieldRow | LongPanel]:
        """Every field on the page, in page order."""
        for each in self.query(".field, .panel"):
            if isinstance(each, (FieldRow, LongPanel)):
                yield each

    def field(self, path: str) -> FieldRow | LongPanel:
        """The widget of one field."""
        return next(each for each in self.fields() if each.path == path)

    def panels(self) -> list[LongPanel]:
        """The long texts, in page order."""
        return list(self.query(LongPanel))

    async def _show_children(self, children: tuple[tuple[str, str], ...]) -> None:
        box = self.query_one("#children", Vertical)
        present = [(each.project_id, each.name_of_child) for each in box.query(ChildLine)]
        if present == list(children):
            return
        focused = next((c.project_id for c in box.query(ChildLine) if c.has_focus), None)
        await box.remove_children()
        await box.mount(*(ChildLine(child, name) for child, name in children))
        for each in box.query(ChildLine):
            if each.project_id == focused:
                each.focus()


def stop_of(part: Widget) -> Widget:
    """The block of the page that Tab takes as one: a section, a panel, the history."""
    for each in part.ancestors_with_self:
        if isinstance(each, LongPanel) or each.has_class("section"):
            return each  # type: ignore[return-value]
    return part


def nearest(regions: list[Region], here: Region, way: str) -> int | None:
    """The region that lies up, down, left or right of ``here``: the nearest one beside it, the
    best overlapping first. Regions that hold ``here`` or lie elsewhere are passed over."""
    best: tuple[int, int, int] | None = None
    found = None
    for index, each in enumerate(regions):
        if each.area == 0 or each == here:
            continue
        if way in ("up", "down"):
            ahead = each.y - here.bottom if way == "down" else here.y - each.bottom
            apart = max(each.x - here.right, here.x - each.right, -1) + 1
            aside = abs(each.x - here.x)
        else:
            ahead = each.x - here.right if way == "right" else here.x - each.right
            apart = max(each.y - here.bottom, here.y - each.bottom, -1) + 1
            aside = abs(each.y - here.y)
        if ahead < 0:
            continue
        score = (apart, ahead, aside) if way in ("left", "right") else (apart > 0, ahead, aside)
        if best is None or score < best:
            best, found = score, index
    return found
