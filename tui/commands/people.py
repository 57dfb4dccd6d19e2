"""steerco people: names that are no Salesforce user."""

from __future__ import annotations

from services.counting import counted
from tui.commands.shell import Json, open_store, print_json, say


def people(as_json: Json = False) -> None:
    """List names that are no Salesforce user.

    \b
    Example:
      steerco people --json
    """
    from services.unmatched import directory, unmatched
    from store.fields import label_of

    with open_store(reading=True) as store:
        known = directory(store.conn)
        found = unmatched(store.conn, known)
    if as_json:
        print_json(
            [{"name": n.name, "fields": list(n.paths), "projects": list(n.projects)} for n in found]
        )
        return
    if not known.users:
        say("The directory of Salesforce users has not been read yet; run: steerco sync")
    for each in found:
        labels = ", ".join(label_of(path) for path in each.paths)
        number = len(each.projects)
        say(f"{each.name}: {labels}, in {counted(number, 'project')}")
    if known.users and not found:
        say("Every name is a Salesforce user.")
