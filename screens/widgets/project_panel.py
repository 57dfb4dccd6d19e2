"""A long text of the project page: read in a panel, edited in its place."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static, TextArea

from screens.base import checked
from screens.keys import Keys, key
from screens.safe import line, safe
from screens.widgets.away import put_away
from screens.widgets.typeahead import take_key
from services.detail import Row
from store.canon import Value, clean_text, sf_length
from store.fields import BY_PATH

NOTHING = "nothing written yet"
EDITING, EDITING_ROWS = "-editing", 14


class TextEditor(TextArea):
    """A text area that never sends a control character to the terminal, whatever it holds."""

    BINDING_GROUP_TITLE = "While writing"
    BINDINGS: ClassVar[Keys] = [
        key("ctrl+s", "save", "save", "Save what you wrote", id="writing.save"),
        key("escape", "leave", "close", "Close the text; asks where something is unsaved",
            id="writing.leave"),
        key("ctrl+g", "outside", "in $EDITOR", "Go on in $EDITOR", id="writing.outside"),
    ]  # fmt: skip

    class Wish(Message):
        """``what`` is save, leave or outside."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, highlight_cursor_line=False, tab_behavior="focus")
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        """The line with a visible sign for each control character, so that columns stay true."""
        shown = "\t".join(line(part) for part in self.document.get_line(line_index).split("\t"))
        return Text(shown, end="", no_wrap=True)

    def action_save(self) -> None:
        """Save."""
        self.post_message(self.Wish("save"))

    def action_leave(self) -> None:
        """Close."""
        self.post_message(self.Wish("leave"))

    def action_outside(self) -> None:
        """Go on in $EDITOR."""
        self.post_message(self.Wish("outside"))


class LongPanel(VerticalScroll, inherit_bindings=False):
    """One long text with its frame. While it is edited, what comes in from elsewhere only shows
    beside the text; ``opened_on`` stays the value the editor was opened on. ``unkept`` is what was
    typed since a draft was kept."""

    ALLOW_SELECT = False
    BINDING_GROUP_TITLE = "On a text"
    BINDINGS: ClassVar[Keys] = [
        key("e,enter", "edit", "write", "Write here", id="panel.edit"),
        key("ctrl+g", "outside", "in $EDITOR", "Write in $EDITOR", id="panel.outside"),
        key("pagedown", "page(1)", "page down", "Scroll the text down", id="panel.pagedown",
            show=False),
        key("pageup", "page(-1)", "page up", "Scroll the text up", id="panel.pageup", show=False),
    ]  # fmt: skip
    draft_seconds: ClassVar[float] = 1.0
    """How long after the last key a draft is kept."""

    class Wish(Message):
        """``what`` is save, leave, outside, draft (keep what stands), or what happened: opened,
        closed."""

        def __init__(self, panel: LongPanel, what: str) -> None:
            super().__init__()
            self.panel, self.what = panel, what

    def __init__(self, row: Row) -> None:
        super().__init__(classes="part panel")
        self._row = row
        self._opened_on: Value = None
        self._kept = ""
        self._timer: Timer | None = None
        self._news = ""
        self.unkept: str | None = None

    def compose(self) -> ComposeResult:
        yield Static(self._said(), classes="panel--text")

    def on_mount(self) -> None:
        self._frame()

    @property
    def row(self) -> Row:
        """The field as it stands."""
        return self._row

    @property
    def path(self) -> str:
        """The field's path."""
        return self._row.path

    @property
    def editor(self) -> TextEditor | None:
        """The text that is being written, if it is."""
        return next((each for each in self.query(TextEditor) if each.display), None)

    @property
    def opened_on(self) -> Value:
        """The value the editor was opened on."""
        return self._opened_on

    @property
    def text(self) -> str:
        """What stands in the editor now; without one, the field's text."""
        return self.editor.text if self.editor else str(self._row.value or "")

    @property
    def changed(self) -> bool:
        """Whether the editor holds something that is not saved."""
        return self.editor is not None and clean_text(self.editor.text) != self._opened_on

    def update_row(self, row: Row) -> None:
        """Show the field as it stands now; an open editor stays as it is."""
        if row == self._row:
            return
        moved = row.value != self._row.value
        self._row = row
        self.query_one(".panel--text", Static).update(self._said())
        if self.editor is not None and moved:
            same = row.value == self._opened_on
            self._news = "" if same else "changed elsewhere meanwhile; saving replaces that"
            self._judge()
        self._frame()

    def copied(self) -> str:
        """The whole text."""
        return self.text

    # -- writing -------------------------------------------------------------------------------

    async def open_editor(self, text: str | None = None, opened_on: Value = None) -> None:
        """Open the editor on the field's text, or on a draft of an earlier one."""
        if self.editor is None:
            self._opened_on = self._row.value if text is None else opened_on
            self._news = ""
            self.query_one(".panel--text").display = False
            self._kept = str(self._row.value or "")
            start = self._kept if text is None else text
            await self.mount(TextEditor(start), Static("", classes="panel--says", markup=False))
            self.add_class(EDITING)
            self.post_message(self.Wish(self, "opened"))
        elif text is not None:
            self.editor.text = text
        editor = self.editor
        if editor is not None:
            editor.focus(scroll_visible=False)
            editor.move_cursor(editor.document.end)
            # The panel has another height now: bring it into view once it is laid out.
            self.call_after_refresh(self.scroll_visible, animate=False)
        self._judge()

    def close_editor(self, *, focus: bool = True) -> None:
        """Back to reading; what stood in the editor is gone from the screen."""
        self._forget_timer()
        self.unkept = None
        if focus:
            self.focus()
        for each in self.query("TextEditor, .panel--says"):
            put_away(each)
        self.remove_class(EDITING)
        self.query_one(".panel--text").display = True
        self._frame()
        self.post_message(self.Wish(self, "closed"))

    def complain(self, wrong: str | None) -> None:
        """Say what is wrong with the text; None where nothing is."""
        for says in self.query(".panel--says").results(Static):
            says.update(safe(wrong or self._news))
        self.set_class(wrong is not None, "-wrong")

    def draft(self) -> str | None:
        """The unsaved text that was not kept as a draft yet; marks it as kept."""
        self._forget_timer()
        self.unkept = None
        if self.editor is None or self.editor.text == self._kept:
            return None
        self._kept = self.editor.text
        return self._kept

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._judge()
        self._forget_timer()
        self.unkept = self.text if self.text != self._kept else None
        if self.unkept is not None:
            self._timer = self.set_timer(self.draft_seconds, self._due)

    def _due(self) -> None:
        self.post_message(self.Wish(self, "draft"))

    def on_descendant_blur(self, _event: events.DescendantBlur) -> None:
        """Whatever takes the focus away may take the program away too."""
        if self._timer is not None:
            self._due()

    @on(TextEditor.Wish)
    def _wished(self, event: TextEditor.Wish) -> None:
        event.stop()
        if event.what == "save" and self._judge() is not None:
            return
        self.post_message(self.Wish(self, event.what))

    def _judge(self) -> str | None:
        wrong = checked(self.path)(self.text) if self.editor else None
        self.complain(wrong)
        self._frame()
        return wrong

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the text is written, its own keys are the editor's."""
        return self.editor is None

    async def on_key(self, event: events.Key) -> None:
        editor = self.editor
        await take_key(self, event, ("edit",), editor.insert if editor is not None else None)

    async def action_edit(self) -> None:
        """Write in the panel."""
        await self.open_editor()

    def action_outside(self) -> None:
        """Write in $EDITOR."""
        self.post_message(self.Wish(self, "outside"))

    def action_page(self, way: int) -> None:
        """Scroll the text by a page."""
        self.scroll_relative(y=way * max(1, self.size.height - 1), animate=False)

    # -- the frame -----------------------------------------------------------------------------

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._frame()

    def _frame(self) -> None:
        mark = "▸ " if self.has_focus or self.editor is not None else ""
        self.border_title = Content(f"{mark}{self._row.label}").markup
        limit = BY_PATH[self.path].length or 0
        if self.editor is not None:
            used = sf_length(clean_text(self.text) or "")
            self.border_subtitle = f"{used:,} of {limit:,}"
        else:
            more = self.max_scroll_y
            self.border_subtitle = f"{more:,} more lines, pgdn" if more > 0 else ""

    def watch_virtual_size(self) -> None:
        """The frame says when there is more to read."""
        self.call_after_refresh(self._frame)

    def _said(self) -> Content:
        if self._row.value is None:
            return Content.styled(NOTHING, "$faint")
        return safe(self._row.value)
