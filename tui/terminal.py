"""Opening the terminal: configuration, store, app; the engine after the first paint."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
from collections.abc import Mapping

from services import config, connections, overview
from services.background import Background
from services.config import Settings
from services.context import Context
from services.desk import Desk
from services.workplace import Workplace
from store.database import open_database


def open_terminal() -> int:
    """Run the terminal until it is left; gives the exit code. Failures are one sentence."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _refuse("the terminal needs a terminal to run in; for commands see: steerco --help")
    try:
        settings = config.load()
        return _run(workplace(settings), settings)
    except Exception as error:  # noqa: BLE001 - the last place: a sentence, not a traceback
        from tui.failures import sentence_of

        return _refuse(sentence_of(error))


def workplace(settings: Settings) -> Workplace:
    """The workplace of a configuration, its database opened and made where there is none; the very
    first one in the sandbox gets the sample projects.

    Raises ConfigError, StoreError.
    """
    path = connections.database(settings, config.ready_home())
    place = Workplace(
        path,
        Desk(path),
        Context(settings.operator_name()),
        gates=connections.gates(settings),
        sandbox=settings.sandbox,
        zone=settings.tzinfo,
        settings=settings,
    )
    conn = open_database(path)
    try:
        if settings.sandbox and not overview.roadmap_version(conn):
            from services.importing.apply import add_samples

            add_samples(conn, place.ctx, place.today())
    finally:
        conn.close()
    return place


def _run(place: Workplace, settings: Settings) -> int:
    from tui import stray
    from tui.app import SteercoApp

    engine = Background(place, settings)
    app = SteercoApp(
        place,
        on_ready=lambda: after_first_paint(engine),
        keymap=settings.keymap,
        theme=settings.theme or None,
    )
    if settings.theme and settings.theme not in app.available_themes:
        themes = ", ".join(sorted(app.available_themes))
        return _refuse(f"theme: there is none called “{settings.theme}”; themes are {themes}")
    wrong = unknown_commands(settings.keymap) if settings.keymap else []
    if wrong:
        return _refuse(wrong[0])
    try:
        with stray.caught(place.path.parent, app.tell):
            app.run()
    finally:
        engine.stop()
    return app.return_code or 0


def after_first_paint(engine: Background) -> None:
    """Start what can wait until people see something: looking for garbage, and the engine."""
    # What was made until now stays: looking through it again and again would hold up keys.
    gc.freeze()
    gc.enable()
    engine.start()


def unknown_commands(wanted: Mapping[str, str]) -> list[str]:
    """One sentence for each name of a keymap that is no command's.

    Every page is loaded to know their commands, so only a start with a keymap pays for it.
    """
    from textual.dom import DOMNode

    import screens
    from tui.keymap import ids_of, unknown

    modules = [found.name for found in pkgutil.walk_packages(screens.__path__, "screens.")]
    for name in (*modules, "tui.app"):
        importlib.import_module(name)
    classes: list[type[DOMNode]] = [DOMNode]
    for each in classes:  # grows while it is walked
        classes += each.__subclasses__()
    return unknown(wanted, ids_of(classes))


def _refuse(sentence: str) -> int:
    from tui.commands.text import spelled

    sys.stderr.write(f"{spelled(sentence)}\n")
    return 1
