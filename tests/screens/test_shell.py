"""The shell around the pages: tabs, palette, help, keymap, theme, session, crash."""

from __future__ import annotations

import gc
import io
import json
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual._context import active_app
from textual.screen import ModalScreen

from screens.dialogs import Choose
from screens.help import ROOM, Help
from screens.keys import entries
from services import itsc_roadmap
from services.desk import Desk
from services.workplace import Workplace
from store.database import open_database
from tests.screens.driving import Terminal, terminal, world
from tests.screens.factory import context
from tests.screens.worlds import until
from tui import app as app_module
from tui import crash, keymap, session
from tui.app import PLACES, SteercoApp
from tui.theme import DARK, LIGHT


async def test_the_sandbox_says_so_and_a_configured_home_does_not(home: Path) -> None:
    place = world(home, 3)
    async with terminal(place) as driven:
        assert "SANDBOX" in driven.lines[0]


async def test_a_configured_home_is_not_called_sandbox(home: Path) -> None:
    place = world(home, 3)
    place.sandbox = False
    async with terminal(place) as driven:
        assert "SANDBOX" not in driven.lines[0]


async def test_the_title_names_both_targets_and_the_time(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        assert "Firestore ●" in driven.lines[0]
        assert "Salesforce ●" in driven.lines[0]
        assert driven.lines[0].endswith("14:02 UTC")


@pytest.mark.parametrize("place", PLACES, ids=[each.tab.name for each in PLACES])
async def test_a_number_key_shows_its_page(home: Path, place: object) -> None:
    tab = place.tab  # type: ignore[attr-defined]
    async with terminal(world(home, 3)) as driven:
        await driven.press("5" if tab.key != "5" else "4", tab.key)
        assert driven.app.current_mode == tab.name
        assert f"▎{tab.key} {tab.label}" in driven.lines[1]


async def test_a_click_on_a_tab_shows_its_page(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        at = driven.lines[1].index("5 Sync")
        await driven.pilot.click(offset=(at, 1))
        await driven.rest()
        assert driven.app.current_mode == "sync"


async def test_the_cursor_is_where_it_was_when_one_comes_back(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("down", "down", "down")
        here = driven.roadmap.here
        await driven.press("5", "3")
        assert driven.roadmap.here == here


async def test_a_page_that_was_away_is_up_to_date_when_it_comes_back(home: Path) -> None:
    place = world(home, 5)
    async with terminal(place) as driven:
        roadmap = driven.roadmap
        await driven.press("5")
        conn = open_database(place.path)
        itsc_roadmap.create_project(conn, context("bo"), {"feature_name": "Made elsewhere"})
        conn.close()
        await driven.until(lambda: roadmap._stale)
        assert len(roadmap.held.order) == 5
        await driven.press("3")
        assert len(roadmap.held.order) == 6


async def test_help_lists_the_keys_that_work_here_and_the_signs(home: Path) -> None:
    async with terminal(world(home, 3), size=(120, 70)) as driven:
        await driven.press("question_mark")
        assert isinstance(driven.app.screen, Help)
        screen = "\n".join(driven.lines)
        for words in ("Lower in its band", "Every command, by name", "One row down"):
            assert words in screen
        assert "it was refused and needs you" in screen
        await driven.press("escape")
        assert driven.app.screen is driven.roadmap


async def test_help_follows_a_users_keymap(home: Path) -> None:
    async with terminal(world(home, 3), keymap={"roadmap.new": "ctrl+n"}) as driven:
        assert "^n new" in driven.keys
        await driven.press("n")
        assert not isinstance(driven.app.screen, ModalScreen)
        await driven.press("ctrl+n")
        assert isinstance(driven.app.screen, ModalScreen)


def test_a_keymap_that_names_no_command_is_told_which() -> None:
    known = keymap.ids_of([SteercoApp])
    assert keymap.unknown({"app.help": "f2", "app.hlep": "f3"}, known) == [
        "keymap: there is no command 'app.hlep'"
    ]


async def test_the_help_of_a_wide_terminal_names_the_commands_for_a_keymap(home: Path) -> None:
    async with terminal(world(home, 3), size=(120, 70)) as driven:
        await driven.press("question_mark")
        lines = [line for line in driven.lines if "A new project" in line]
        assert lines[0].rstrip().endswith("roadmap.new")


async def test_no_key_of_any_page_says_more_than_its_column_holds(home: Path) -> None:
    async with terminal(world(home, 3), size=(120, 70)) as driven:
        for page in "12345":
            await driven.press(page)
            told = {entry.id: entry.help_text for entry in entries(driven.app.screen)}
            assert told
            assert [name for name, text in told.items() if len(text) >= ROOM] == [], page


async def test_every_binding_has_an_id_a_label_and_a_sentence(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        own = [
            active.binding
            for active in driven.app.screen.active_bindings.values()
            if active.node.BINDING_GROUP_TITLE is not None and active.binding.id is not None
        ]
        ids = [each.id for each in own]
        assert len(own) > 30
        for each in own:
            if not each.system and each.id != "app.interrupt":
                assert each.description, each
                assert each.tooltip, each
        assert "roadmap.new" in ids


async def test_the_palette_has_every_command_and_does_what_its_key_does(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("ctrl+p")
        assert isinstance(driven.app.screen, Choose)
        await driven.type("p2 pipe")
        assert any("View: P2 Pipeline" in line for line in driven.lines)
        await driven.press("enter")
        assert driven.roadmap.showing.view.key == "p2-pipeline"
        await driven.press("ctrl+p")
        await driven.type("timeline")
        await driven.press("enter")
        await driven.until(lambda: driven.roadmap.in_timeline)


async def test_a_colon_opens_the_palette_but_is_text_where_one_writes(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("slash", "colon")
        assert not isinstance(driven.app.screen, ModalScreen)
        await driven.press("escape", "colon")
        assert isinstance(driven.app.screen, Choose)


async def test_the_palette_shows_the_key_of_a_command(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("ctrl+p")
        await driven.type("export")
        line = next(line for line in driven.lines if "Export" in line)
        assert line.split("Write this view to a file")[1].strip().startswith("x")


async def test_while_an_editor_is_open_keys_do_not_leave_the_page(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("e")
        await driven.type("45")
        await driven.press("ctrl+p")
        assert driven.app.current_mode == "roadmap"
        assert not isinstance(driven.app.screen, ModalScreen)
        assert driven.roadmap.state == "editing"


async def test_a_theme_from_the_palette_is_found_again(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("ctrl+p")
        await driven.type("light theme")
        await driven.press("enter")
        assert driven.app.theme == LIGHT
    place = again(home)
    async with terminal(place) as driven:
        assert driven.app.theme == LIGHT
    async with terminal(again(home), theme=DARK) as driven:
        assert driven.app.theme == DARK


async def test_the_next_start_finds_page_view_filter_sort_and_cursor(home: Path) -> None:
    async with terminal(world(home)) as driven:
        await driven.press("tab", "slash")
        await driven.type("platform")
        await driven.press("enter", "s")
        await driven.type("status")
        await driven.press("enter", "down", "right")
        before = (driven.roadmap.here, driven.roadmap.grid.column, driven.roadmap.held.order)
    async with terminal(again(home)) as driven:
        page = driven.roadmap
        assert page.showing.view.key == "p1-active"
        assert page.showing.filter_text == "platform"
        assert page.showing.sort == ("status", False)
        assert (page.here, page.grid.column, page.held.order) == before
        assert any("/  platform" in line for line in driven.lines)
        await driven.press("5")
    async with terminal(again(home)) as driven:
        assert driven.app.current_mode == "sync"


async def test_a_cursor_far_down_a_long_roadmap_is_found_again(home: Path) -> None:
    async with terminal(world(home, 400), size=(120, 24)) as driven:
        await driven.press("end", "up", "up")
        here = driven.roadmap.here
    async with terminal(again(home), size=(120, 24)) as driven:
        assert driven.roadmap.here == here
        assert here in driven.roadmap.grid.shown_rows


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"x"',
        '{"page": ["roadmap"], "theme": {}, "pages": {"roadmap": 3}}',
        '{"page": "nowhere", "theme": "no such theme", "pages": {"roadmap": {"view": 1, '
        '"filter": [], "sort": ["status"], "row": 7, "column": 9, "timeline": "yes"}}}',
        '{"pages": {"roadmap": {"sort": ["no_such", true], "view": "gone", "column": "gone"}}}',
        "\x00\xff",
        "[" * 5000,
    ],
)
async def test_a_damaged_session_is_ignored(home: Path, text: str) -> None:
    place = world(home, 3)
    (home / session.FILE).write_text(text, encoding="latin-1")
    async with terminal(place) as driven:
        assert driven.app.current_mode == "roadmap"
        assert driven.app.theme == DARK
        assert len(driven.roadmap.held.order) == 3


def test_a_session_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    session.save(tmp_path, {"page": "sync"})
    with pytest.raises(TypeError):
        session.save(tmp_path, {"page": object()})
    assert session.load(tmp_path) == {"page": "sync"}
    assert [each.name for each in tmp_path.iterdir()] == [session.FILE]
    session.save(tmp_path / "missing", {"page": "x"})  # no directory: nothing happens


async def test_what_is_to_start_after_the_first_paint_starts_then_and_once(home: Path) -> None:
    painted: list[bool] = []
    started: list[int] = []

    class Watched(SteercoApp):
        def post_display_hook(self) -> None:
            if not self._batch_count:
                painted.append(True)

    app = Watched(world(home, 3), on_ready=lambda: started.append(len(painted)))
    async with app.run_test() as pilot:
        await Terminal(app, pilot).rest()
    assert len(started) == 1
    assert started[0] >= 1


async def test_no_frame_is_made_that_textual_would_throw_away(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bool] = []
    render = Compositor.render_update

    def noted(self: Compositor, *given: Any, **named: Any) -> Any:
        made.append(not active_app.get()._batch_count)
        return render(self, *given, **named)

    monkeypatch.setattr(Compositor, "render_update", noted)
    async with terminal(world(home, 3)) as driven:
        assert made
        assert all(made)
        assert driven.lines[4].strip()


async def test_a_fault_leaves_a_log_and_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rich.console.sys.stderr", io.StringIO())
    app = SteercoApp(world(home, 3))
    with pytest.raises(ZeroDivisionError):
        await _run_into_a_fault(app)
    log = (home / crash.FILE).read_text()
    assert "ZeroDivisionError" in log
    assert "_divide_by_nothing" in log
    assert app.return_code == 1


async def _run_into_a_fault(app: SteercoApp) -> None:
    async with app.run_test() as pilot:
        await Terminal(app, pilot).rest()
        app.call_later(_divide_by_nothing)
        await pilot.pause()


def _divide_by_nothing() -> None:
    secret = "hidden"
    _ = (1 / 0, secret)


def test_a_crash_is_one_sentence_without_control_characters() -> None:
    said = crash.sentence(ValueError("[/x]\x1b[31m"), Path("/somewhere/crash.log"))
    assert "\x1b" not in said
    assert "/somewhere/crash.log" in said
    assert "saved" in said


async def test_other_columns_may_be_asked_for(home: Path) -> None:
    columns = ("priority", "feature_name", "total_score", "strategic_group")
    async with terminal(world(home, 3), columns=columns) as driven:
        header = driven.lines[3].split()
        assert header == ["Pri", "Feature", "Score", "Group", "Status", "Sync"]
        driven.roadmap.grid.move_to(None, "total_score")
        await driven.press("e")
        assert driven.roadmap.state == "table"
        assert "computed from the votes" in driven.status


async def test_ctrl_c_never_quits(home: Path) -> None:
    async with terminal(world(home, 3)) as driven:
        await driven.press("ctrl+c")
        assert driven.app.is_running
        assert any("ctrl+q leaves" in each for each in driven.toasts)


async def test_hostile_text_reaches_neither_markup_nor_terminal(home: Path) -> None:
    place = world(home, 3)
    conn = open_database(place.path)
    for column in ("feature_name", "department", "it_lead"):
        conn.execute(f"UPDATE projects SET {column} = ?", ("[/x][bold]\x1b[31m\x07\u202e",))
    conn.close()
    async with terminal(place, size=(160, 30)) as driven:
        for keys in (["down"], ["t"], ["t"], ["d", "escape"], ["y"], ["e", "escape"], ["5"]):
            await driven.press(*keys)
            screen = "\n".join(driven.lines)
            assert "\x1b" not in screen
            assert "\u202e" not in screen
        await driven.press("3")
        assert any("[/x][bold]␛[31m␇" in line for line in driven.lines)


async def test_what_is_loaded_is_not_looked_through_again_while_one_works(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector's pause of 40 ms between a key and what it does would be felt."""
    monkeypatch.setattr(app_module, "SETTLE_SECONDS", 0.01)
    before = gc.get_freeze_count()
    async with terminal(world(home, 3)) as driven:
        frozen = gc.get_freeze_count
        await until(driven.pilot, lambda: frozen() > before + 10_000, "a settled app")
    assert frozen() == 0


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 12), (20, 8)])
async def test_it_opens_at_any_size(home: Path, size: tuple[int, int]) -> None:
    async with terminal(world(home), size=size) as driven:
        await driven.press("down", "t", "t", "question_mark", "escape")
        assert len(driven.lines) == size[1]


async def test_it_works_without_colour(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with terminal(world(home)) as driven:
        assert driven.app.no_color
        await driven.press("down", "space", "slash")
        assert any("▸ " in line for line in driven.lines)


async def test_an_empty_store_says_what_to_do(home: Path) -> None:
    async with terminal(world(home, 0)) as driven:
        assert any("No projects yet. n adds the first one" in line for line in driven.lines)
        for key in ("enter", "e", "o", "d", "space", "J", "y", "Y", "f", "t", "t", "end", "u"):
            await driven.press(key)
        assert driven.app.screen is driven.roadmap


async def test_the_session_file_holds_no_project_text_but_the_filter(home: Path) -> None:
    async with terminal(world(home, 3)):
        pass
    kept = json.loads((home / session.FILE).read_text())
    assert "Feedback" not in json.dumps(kept)


def again(home: Path) -> Workplace:
    """The same home opened once more."""

    path = home / "steerco.db"
    return Workplace(path, Desk(path), context("ana"))
