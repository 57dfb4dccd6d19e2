"""Writing long texts: editor keys, drafts that survive, merges beside an open editor, $EDITOR."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from textual.app import SuspendNotSupported
from textual.pilot import Pilot

from screens.dialogs import Confirm
from screens.project_dialogs import LeaveText
from screens.project_external import NoEditor, editor_command, write_outside
from screens.widgets.project_panel import LongPanel, TextEditor
from screens.widgets.project_sheet import Sheet
from services import itsc_roadmap
from store import drafts, operations
from tests.screens import worlds
from tests.screens.test_project_fields import page_of, stored
from tests.screens.worlds import MAIN, PUNCHLINE, World, edit, shown, status, until

PATH = "brief.punchline"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drafts are kept as soon as the keys have settled, so that no test waits a second."""
    monkeypatch.setattr(LongPanel, "draft_seconds", 0.01)


def panel_of(pilot: Pilot[None], path: str = PATH) -> LongPanel:
    panel = page_of(pilot).query_one(Sheet).field(path)
    assert isinstance(panel, LongPanel)
    return panel


def kept(world: World) -> list[drafts.Draft]:
    with world.store() as conn:
        return drafts.of_project(conn, MAIN)


async def write(pilot: Pilot[None], text: str, path: str = PATH) -> LongPanel:
    panel = panel_of(pilot, path)
    panel.focus()
    await pilot.pause()
    await pilot.press("e")
    await until(pilot, lambda: isinstance(pilot.app.focused, TextEditor))
    await pilot.press(*text)
    return panel


async def test_the_editor_keeps_its_own_keys_and_ctrl_s_saves(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        page = page_of(pilot)
        panel = await write(pilot, "15[]udy?jk")
        assert pilot.app.screen is page
        assert panel.text == PUNCHLINE + "15[]udy?jk"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: status(pilot.app).startswith("saved"))
        assert stored(world, PATH) == PUNCHLINE + "15[]udy?jk"
        await until(pilot, lambda: panel.editor is None)
        assert kept(world) == []
        with world.store() as conn:
            assert set(operations.history(conn, MAIN)[0].changes) == {PATH}


async def test_text_that_salesforce_would_refuse_is_not_saved_and_says_why(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "")
        assert panel.editor is not None
        panel.editor.text = "x" * 501
        await until(pilot, lambda: panel.has_class("-wrong"))
        assert "501" in str(panel.query_one(".panel--says").render())
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert panel.editor is not None
        assert stored(world, PATH) != "x" * 501


@pytest.mark.parametrize(
    ("answer", "saved", "open_after"),
    [("s", True, False), ("d", False, False), ("escape", False, True)],
)
async def test_closing_an_unsaved_text_asks(
    tmp_path: Path, answer: str, saved: bool, open_after: bool
) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "!")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, LeaveText))
        await pilot.press(answer)
        await until(pilot, lambda: not isinstance(pilot.app.screen, LeaveText))
        await until(pilot, lambda: (panel.editor is not None) == open_after)
        await until(pilot, lambda: (stored(world, PATH) == PUNCHLINE + "!") == saved)
        if not open_after:
            await until(pilot, lambda: kept(world) == [])


async def test_closing_an_unchanged_text_asks_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "")
        await pilot.press("escape")
        await until(pilot, lambda: panel.editor is None)
        assert panel.has_focus


async def test_what_was_typed_survives_a_crash_and_is_offered_again(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await write(pilot, " And more.")
        await until(pilot, lambda: [d.text for d in kept(world)] == [PUNCHLINE + " And more."])
    # The process is gone without a word; another one starts on the same database.
    again = World.over(world)
    async with again.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        offer = page_of(pilot).query_one("#draft")
        assert offer.display
        assert "An unsaved draft of Punchline from 14:02" in str(offer.render())
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.focused, TextEditor))
        assert panel_of(pilot).text == PUNCHLINE + " And more."
        await until(pilot, lambda: not offer.display)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: stored(again, PATH) == PUNCHLINE + " And more.")
        await until(pilot, lambda: kept(again) == [])


async def test_leaving_the_program_keeps_what_was_typed_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LongPanel, "draft_seconds", 1000.0)
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "!")
        await until(pilot, lambda: panel.unkept is not None)
        await pilot.press("ctrl+q")
    assert [d.text for d in kept(world)] == [PUNCHLINE + "!"]


async def test_a_draft_is_discarded_only_after_a_question_that_shows_it(tmp_path: Path) -> None:
    world = World(tmp_path, fill=worlds.drafted)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "Eight tools today." in str(
            pilot.app.screen.query_one(".dialog--body").query_one("Static").render()
        )
        await pilot.press("n")
        await until(pilot, lambda: not isinstance(pilot.app.screen, Confirm))
        assert len(kept(world)) == 1
        await pilot.press("D")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: kept(world) == [])
        await until(pilot, lambda: not page_of(pilot).query_one("#draft").display)


async def test_a_merge_never_touches_an_open_editor_and_saving_replaces_what_it_opened_on(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "!")
        with world.store() as conn:
            edit(conn, 0, {PATH: "From Salesforce."}, by="Mia Chen", origin="salesforce")
        await until(pilot, lambda: panel.row.value == "From Salesforce.", "the merge is noticed")
        assert panel.text == PUNCHLINE + "!"
        assert "changed elsewhere meanwhile" in str(panel.query_one(".panel--says").render())
        await pilot.press("ctrl+s")
        await until(pilot, lambda: stored(world, PATH) == PUNCHLINE + "!")
        with world.store() as conn:
            assert operations.history(conn, MAIN)[0].changes == {PATH: (PUNCHLINE, PUNCHLINE + "!")}


async def test_another_project_leaves_what_was_typed_as_a_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LongPanel, "draft_seconds", 1000.0)
    world = World(tmp_path, fill=worlds.full)
    app = world.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = await write(pilot, "!")
        app.open_project("project-00003")
        await until(pilot, lambda: page_of(pilot).shown_id == "project-00003")
        assert panel.editor is None
        assert [d.text for d in kept(world)] == [PUNCHLINE + "!"]
        app.open_project(MAIN)
        await until(pilot, lambda: page_of(pilot).query_one("#draft").display)


async def test_a_project_deleted_elsewhere_says_so_and_what_was_typed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LongPanel, "draft_seconds", 1000.0)
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        await write(pilot, "!")
        with world.store() as conn:
            itsc_roadmap.delete_project(conn, worlds.by("eva", 60), MAIN)
        page = page_of(pilot)
        await until(pilot, lambda: not page.query_one("#project").display)
        said = page.query_one("#project-head")
        assert "Deleted by eva 60 s ago. r brings it back." in str(said.render())
        kept_too = "kept as a draft and comes back with it: Punchline"
        await until(pilot, lambda: kept_too in str(said.render()))
        await pilot.press("r")
        await until(pilot, lambda: page.query_one("#project").display)
        assert page.query_one("#draft").display
        assert [d.text for d in kept(world)] == [PUNCHLINE + "!"]


async def test_without_a_terminal_to_lend_ctrl_g_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "true")
    world = World(tmp_path, fill=worlds.full)
    async with world.app().run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel_of(pilot).focus()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "can't be lent" in status(pilot.app))
        assert stored(world, PATH) == PUNCHLINE


async def test_ctrl_g_saves_what_the_editor_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "text.replace('One', 'The one')"))
    world = World(tmp_path, fill=worlds.full)
    app = world.app()
    monkeypatch.setattr(app, "suspend", nullcontext)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel_of(pilot).focus()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: stored(world, PATH) == PUNCHLINE.replace("One", "The one"))


async def test_what_a_failing_editor_left_is_neither_saved_nor_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, "text + ' Half.'", status=3))
    world = World(tmp_path, fill=worlds.full)
    app = world.app()
    monkeypatch.setattr(app, "suspend", nullcontext)
    async with app.run_test(size=(120, 40)) as pilot:
        await shown(pilot)
        panel = panel_of(pilot)
        panel.focus()
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "ended with status 3" in status(pilot.app))
        assert panel.text == PUNCHLINE + " Half."
        assert stored(world, PATH) == PUNCHLINE
        assert [d.text for d in kept(world)] == [PUNCHLINE + " Half."]


# -- the operator's own editor, by itself --------------------------------------------------------


def editor(home: Path, expression: str, *, status: int = 0, note: str = "") -> str:
    """A command that replaces the text by an expression of it."""
    script = home / "editor.py"
    script.write_text(
        "import os, sys, pathlib\n"
        "path = pathlib.Path(sys.argv[-1])\n"
        "text = path.read_text(encoding='utf-8')\n"
        f"{note}\n"
        f"path.write_text({expression}, encoding='utf-8')\n"
        f"sys.exit({status})\n"
    )
    return f'"{sys.executable}" "{script}" --wait'


def command(home: Path, expression: str, *, status: int = 0, note: str = "") -> list[str]:
    return editor_command({"EDITOR": editor(home, expression, status=status, note=note)})


def test_the_file_is_private_while_it_exists_and_removed_afterwards(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    note = f"pathlib.Path({str(proof)!r}).write_text(f'{{os.stat(path).st_mode:o}} {{path}}')"
    written = write_outside("a", command(tmp_path, "text + 'b'", note=note), nullcontext)
    assert written.text == "ab"
    mode, path = proof.read_text().split(" ")
    assert stat.S_IMODE(int(mode, 8)) == 0o600
    assert not os.path.exists(path)


def test_what_else_is_saved_in_the_editor_has_the_users_own_rights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    monkeypatch.setattr("services.privacy._users", [0o027])  # as the program found it
    before = os.umask(0o077)
    try:
        note = f"pathlib.Path({str(other)!r}).write_text('x')"
        write_outside("a", command(tmp_path, "text + 'b'", note=note), nullcontext)
    finally:
        os.umask(before)
    assert stat.S_IMODE(other.stat().st_mode) == 0o640


def test_what_did_not_change_is_not_saved(tmp_path: Path) -> None:
    written = write_outside("a", command(tmp_path, "text + chr(10)"), nullcontext)
    assert written.text is None
    assert "changed nothing" in written.sentence


def test_visual_wins_over_editor_and_arguments_are_kept() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({"VISUAL": " ", "EDITOR": "emacs -nw"}) == ["emacs", "-nw"]


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [({}, "no editor is set"), ({"EDITOR": "vi 'half"}, "can't be read as a command")],
)
def test_an_editor_that_is_not_set_is_a_sentence(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(NoEditor, match=sentence):
        editor_command(environ)


def test_an_editor_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(NoEditor, match="no-such-editor can't be started"):
        write_outside("a", ["no-such-editor"], nullcontext)


def test_what_an_editor_left_in_another_encoding_is_kept_and_named(tmp_path: Path) -> None:
    note = "path.write_bytes(b'an hour of work \\xff'); sys.exit(0)"
    with pytest.raises(NoEditor, match="not UTF-8") as caught:
        write_outside("a", command(tmp_path, "text", note=note), nullcontext)
    kept = Path(str(caught.value).rpartition(" ")[2])
    assert kept.read_bytes() == b"an hour of work \xff"
    kept.unlink()


@pytest.mark.parametrize("instead", ["pass", "path.mkdir()"])
def test_an_editor_that_takes_the_file_away_is_a_sentence(tmp_path: Path, instead: str) -> None:
    note = f"path.unlink(); {instead}; sys.exit(0)"
    with pytest.raises(NoEditor, match="can't be read"):
        write_outside("a", command(tmp_path, "text", note=note), nullcontext)


def test_an_editor_that_fails_hands_its_text_over(tmp_path: Path) -> None:
    with pytest.raises(NoEditor, match="ended with status 1") as caught:
        write_outside("a", command(tmp_path, "text + 'b'", status=1), nullcontext)
    assert caught.value.text == "ab"


def test_a_terminal_that_can_not_be_lent_is_a_sentence() -> None:
    @contextmanager
    def refuse() -> Iterator[None]:
        raise SuspendNotSupported("headless")
        yield

    lend: type[AbstractContextManager[None]] | object = refuse
    assert callable(lend)
    with pytest.raises(NoEditor, match="can't be lent"):
        write_outside("a", ["true"], refuse)
