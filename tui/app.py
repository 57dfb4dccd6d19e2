"""The app: which pages there are, and what they share. What they do stands with them."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text
from textual import work
from textual.app import App
from textual.message import Message

from screens.base import Page
from screens.widgets.frame import Tab
from services.workplace import Workplace
from tui import crash, session
from tui.keymap import EVERYWHERE
from tui.theme import DARK, LIGHT, THEMES, meanings


@dataclass(frozen=True, slots=True)
class Place:
    """A page: its tab, and the class to make when it is first shown."""

    tab: Tab
    module: str
    name: str


PLACES = (
    Place(Tab("1", "KPIs", "kpi"), "screens.kpi", "KpiPage"),
    Place(Tab("2", "Backlog", "backlog"), "screens.backlog", "BacklogPage"),
    Place(Tab("3", "Roadmap", "roadmap"), "screens.roadmap", "RoadmapPage"),
    Place(Tab("4", "Project", "project"), "screens.project", "ProjectPage"),
    Place(Tab("5", "Sync", "sync"), "screens.sync", "SyncPage"),
)
KEEP_SECONDS = 30.0
SETTLE_SECONDS = 1.0
"""After a page was made, until what it brought along is held to stay."""
DIALOGS_CSS = Path(__file__).with_name("dialogs.tcss")


class StoreChanged(Message):
    """Something was committed, by this process or another."""


class Told(Message):
    """Something in the background has to say a sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class SteercoApp(App[None]):
    """The terminal. It owns the desk: starts its threads after the first paint, stops them at the
    end."""

    TITLE = "Steerco"
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS = EVERYWHERE
    BINDING_GROUP_TITLE = "Everywhere"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None

    def __init__(
        self,
        workplace: Workplace,
        *,
        on_ready: Callable[[], None] | None = None,
        keymap: Mapping[str, str] | None = None,
        theme: str | None = None,
        columns: Sequence[str] = (),
    ) -> None:
        """``on_ready`` is called once after the first paint (start the engine there). ``keymap``
        maps ids of bindings to keys; ``theme`` is a theme's name and wins over the last session's;
        ``columns`` are the roadmap's, by their paths.
        """
        self._kept = session.load(workplace.path.parent)
        start = session.word(self._kept, "page")
        self.tabs = tuple(place.tab for place in PLACES)
        known = {tab.name for tab in self.tabs}
        # The mode Textual opens first is read from here while it is being made.
        self.DEFAULT_MODE = start if start in known else "roadmap"  # type: ignore[misc]
        super().__init__()
        self.workplace = workplace
        self.animation_level = "none"
        self._on_ready = on_ready
        self._columns = columns
        self._pages: dict[str, Page] = {}
        for place in PLACES:
            self.add_mode(place.tab.name, self._maker(place))
        for each in THEMES:
            self.register_theme(each)
        wanted = theme or session.word(self._kept, "theme")
        self.set_reactive(App.theme, wanted if wanted in self.available_themes else DARK)
        self._styled_with = self.get_css_variables()
        self.stylesheet.set_variables(self._styled_with)
        if keymap:
            self.set_keymap(keymap)
        workplace.desk.watch(self.note_change)
        workplace.figures.watch(self.note_change)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme = self.current_theme
        return meanings(theme.to_color_system().generate(), dark=theme.dark)

    def refresh_css(self, animate: bool = True) -> None:
        """Textual parses every rule again for each new page; only another theme needs that."""
        variables = self.get_css_variables()
        if variables != self._styled_with:
            self._styled_with = variables
            super().refresh_css(animate=animate)
            return
        for screen in self.screen_stack:
            if screen._css_update_count not in (-1, self._css_update_count):
                self.stylesheet.update(screen, animate=animate)
            screen._css_update_count = self._css_update_count

    # -- pages -----------------------------------------------------------------------------------

    def _maker(self, place: Place) -> Callable[[], Page]:
        def make() -> Page:
            kind: type[Page] = getattr(importlib.import_module(place.module), place.name)
            page = kind(self.workplace)
            for path in page.css_path:
                # Read here, the new rules alone are parsed; left to Textual, all would be again.
                self.stylesheet.read(path)
            page.use_columns(self._columns)
            page.restore(session.part(session.part(self._kept, "pages"), place.tab.name))
            self._pages[place.tab.name] = page
            self.set_timer(SETTLE_SECONDS, self._settle)
            return page

        return make

    def go(self, name: str) -> None:
        """Switch to a page."""
        self.switch_mode(name)

    def action_go(self, name: str) -> None:
        """The same, for a key."""
        self.go(name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        leaves = action in ("go", "palette")
        return not (leaves and isinstance(self.screen, Page) and self.screen.busy)

    def open_project(self, project_id: str) -> None:
        """Switch to the project screen and show this project there."""
        self.go("project")
        page: Any = self._pages.get("project")
        if page is not None:
            page.show(project_id)

    # -- what changes ----------------------------------------------------------------------------

    def note_change(self) -> None:
        """Something was committed; may be called from any thread."""
        self.post_message(StoreChanged())

    def tell(self, sentence: str) -> None:
        """Show a sentence about something that went wrong; may be called from any thread."""
        self.post_message(Told(sentence))

    def on_told(self, event: Told) -> None:
        self.notify(event.sentence, severity="error", markup=False)

    def on_store_changed(self) -> None:
        for page in self._pages.values():
            page.store_changed()
        for above in self.screen_stack[1:]:
            if isinstance(above, Page):
                above.store_changed()

    def on_mount(self) -> None:
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self.stylesheet.read(DIALOGS_CSS)
        self.workplace.desk.start()
        self.set_interval(KEEP_SECONDS, self._keep)
        if self._on_ready is not None:
            self._on_ready()

    def _settle(self) -> None:
        """What is loaded by now stays until the end: the collector need not look it through again,
        which takes 30 to 45 ms each time, between a key and what it does."""
        gc.collect()
        gc.freeze()

    def on_unmount(self) -> None:
        gc.unfreeze()
        self._keep()
        self.workplace.figures.stop()
        self.workplace.desk.stop()

    def _keep(self) -> None:
        pages = session.part(self._kept, "pages")
        pages |= {name: dict(page.kept()) for name, page in self._pages.items()}
        now = {"page": self.current_mode, "theme": self.theme, "pages": pages}
        if now != self._kept:
            self._kept = now
            session.save(self.workplace.path.parent, now)

    # -- commands --------------------------------------------------------------------------------

    @work(group="dialog")
    async def action_palette(self) -> None:
        """Every command, by name."""
        from screens.dialogs import Choose
        from tui import palette

        more = [
            palette.Command("Dark theme", "", "", lambda: self._use_theme(DARK)),
            palette.Command("Light theme", "", "", lambda: self._use_theme(LIGHT)),
            palette.Command("Theme…", "Choose among all themes", "", self.action_choose_theme),
        ]
        found = palette.commands(self.screen, self.simulate_key, more)
        answer = await self.push_screen_wait(
            Choose("Commands", palette.choices(found), prompt="type a command")
        )
        if answer is not None:
            found[int(answer)].run()

    @work(group="dialog")
    async def action_choose_theme(self) -> None:
        """Choose among all themes."""
        from screens.dialogs import Choose, choices_of

        names = sorted(self.available_themes)
        answer = await self.push_screen_wait(Choose("Theme", choices_of(names), current=self.theme))
        if answer is not None:
            self._use_theme(answer)

    @work(group="dialog")
    async def action_help(self) -> None:
        """All keys, and what the signs mean."""
        from screens.help import Help

        await self.push_screen_wait(Help(self.screen))

    def action_copy_or_quit(self) -> None:
        """ctrl+c copies what is selected and never quits by accident."""
        text = self.screen.get_selected_text()
        if text:
            self.copy_to_clipboard(text)
            self.notify("Copied.", markup=False)
        else:
            self.notify("ctrl+q leaves; everything is saved.", markup=False)

    def _use_theme(self, name: str) -> None:
        self.theme = name

    # -- the end ---------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Textual would print a traceback with local variables; a person gets one sentence."""
        error = self._exception or RuntimeError("unknown")
        log = crash.write_log(self.workplace.path.parent, error, self.workplace.now())
        self.panic(Text(crash.sentence(error, log)))
