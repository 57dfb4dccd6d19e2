"""steerco doctor: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from services.counting import counted
from tui.commands.shell import Failed, Json, print_json, say


def doctor(
    as_json: Json = False,
    recover: Annotated[
        bool,
        typer.Option(
            "--recover",
            help="Set a damaged database aside and save what can be read of it in a new one.",
        ),
    ] = False,
) -> None:
    """Check this installation and say what to do.

    The configuration, the data, both targets and the clock.

    \b
    Examples:
      steerco doctor
      steerco doctor --recover
    """
    if recover:
        _recover(as_json=as_json)
        return
    from services.doctor import examine

    findings = []
    for found in examine():
        findings.append(found)
        if not as_json:
            say(f"{'ok ' if found.ok else 'BAD'} {found.check}: {found.detail}")
            if found.advice:
                say(f"    do: {found.advice}")
    if as_json:
        print_json(
            {
                "ok": all(each.ok for each in findings),
                "checks": [
                    {"check": f.check, "ok": f.ok, "detail": f.detail, "advice": f.advice or None}
                    for f in findings
                ],
            }
        )
    wrong = [each.check for each in findings if not each.ok]
    if wrong:
        raise Failed(f"something is wrong: {', '.join(wrong)}")


def _recover(*, as_json: bool) -> None:
    from services import config
    from services.care.recovery import recover
    from services.context import Context
    from tui.commands.care import database_path

    done = recover(database_path(), Context(config.load().operator_name()))
    if as_json:
        print_json(
            {
                "aside": str(done.aside),
                "rows": done.tables,
                "rebuilt": done.rebuilt,
                "queued": done.queued,
                "gone": done.gone,
                "lost": done.lost,
                "waiting": done.waiting,
            }
        )
        return
    say(
        f"Saved {counted(done.projects, 'project')} and "
        f"{counted(done.tables.get('operations', 0), 'change')}; the damaged database is kept as "
        f"{done.aside}"
    )
    if done.rebuilt:
        say(f"Made again from the history: {', '.join(done.rebuilt)}")
    if done.queued:
        say(f"Compared with both targets at the next sync: {', '.join(done.queued)}")
    for each in done.lost:
        say(f"Lost: {each}")
    say("Now run steerco sync: what the targets have is read from them again")
