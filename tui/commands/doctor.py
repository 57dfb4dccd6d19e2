"""steerco doctor: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

from tui.commands.shell import Failed, Json, print_json, say


def doctor(as_json: Json = False) -> None:
    """Check this installation and say what to do.

    The configuration, the data, both targets and the clock.

    \b
    Example:
      steerco doctor
    """
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
