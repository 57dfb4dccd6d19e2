"""The commands: a table of names, and the one place where their failures become exit codes.

0 done; 1 refused or failed, with a sentence on standard error; 2 wrong usage. A command's module
is imported only when the command is asked for (or all of them for help and completion).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

COMMANDS: dict[str, tuple[str, str]] = {
    "projects": ("tui.commands.projects", "app"),
    "import": ("tui.commands.files", "import_file"),
    "export": ("tui.commands.files", "export"),
    "sync": ("tui.commands.sync", "sync"),
    "outbox": ("tui.commands.outbox", "app"),
    "conflicts": ("tui.commands.conflicts", "app"),
    "worker": ("tui.commands.worker", "worker"),
    "people": ("tui.commands.people", "people"),
    "backfill": ("tui.commands.migration", "backfill"),
    "parity": ("tui.commands.migration", "parity"),
    "tickets": ("tui.commands.tickets", "app"),
    "kpi": ("tui.commands.kpi", "kpi"),
    "backlog": ("tui.commands.kpi", "backlog"),
    "sandbox": ("tui.commands.sandbox", "sandbox"),
    "doctor": ("tui.commands.doctor", "doctor"),
    "backup": ("tui.commands.care", "backup"),
    "restore": ("tui.commands.care", "restore"),
}
INTERRUPTED = 130
"""What a shell reports of a program that SIGINT ended."""


def run(argv: Sequence[str]) -> int:
    """Carry out one command line and give its exit code. Never raises, never prints a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character gets it spelled out; a command never fails of it.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = _answer(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough. What is left of it goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except SystemExit as ended:  # typer's own end on a closed pipe, argparse's in the sandbox
        return ended.code if isinstance(ended.code, int) else 1


def _answer(argv: Sequence[str]) -> int:
    from tui.commands.shell import Failed, complain

    try:
        command = typer.main.get_command(_built(argv))
        found = command.main(list(argv), prog_name="steerco", standalone_mode=False)
        return found if isinstance(found, int) else 0
    except typer.Exit as ended:
        return ended.exit_code
    except _usage_error() as error:
        _explain_usage(error)
        return 2
    except Failed as failed:
        for sentence in failed.sentences:
            complain(sentence)
    except (BrokenPipeError, KeyboardInterrupt, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the last place: a person gets a sentence, not a traceback
        from tui.failures import sentence_of

        complain(sentence_of(error))
    return 1


def _built(argv: Sequence[str]) -> typer.Typer:
    """The commands that this command line may mean."""
    root = typer.Typer(
        name="steerco",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    root.callback(invoke_without_command=True)(_root)
    first = argv[0] if argv else ""
    for name in [first] if first in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name]
        found: Any = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            root.add_typer(found, name=name)
        else:
            root.command(name)(found)
    return root


def _root(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True)
    ] = False,
) -> None:
    """The steering committee's IT roadmap in the terminal.

    Without a command it opens the terminal. With nothing configured everything runs in an embedded
    sandbox.

    \b
    Examples:
      steerco
      steerco projects list --view needs-attention
      steerco import plan.xlsx
      steerco sync
    """
    if version:
        from store.version import __version__

        typer.echo(f"steerco {__version__}")
        raise typer.Exit


def _usage_error() -> type[Any]:
    # typer carries its own copy of click; BadParameter is public, its base is what parsing raises.
    return typer.BadParameter.__mro__[1]


def _explain_usage(error: Any) -> None:
    from tui.commands.text import spelled

    if error.ctx is not None and error.format_message() == error.ctx.get_help():
        sys.stderr.write(f"{error.ctx.get_help()}\n")  # a group without a command: its own words
        return
    if error.ctx is not None:
        sys.stderr.write(f"{spelled(error.ctx.get_usage())}\n")
        sys.stderr.write(f"Try '{spelled(error.ctx.command_path)} --help' for help.\n\n")
    sys.stderr.write(f"Error: {spelled(error.format_message())}\n")
