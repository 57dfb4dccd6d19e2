"""The first lines of the project page: its name, where it stands, how far it travelled."""

from __future__ import annotations

import datetime as dt

from rich.cells import cell_len
from textual.content import Content

from screens import dates
from screens.safe import cut, line
from services import explain, times
from services.detail import Detail, Gone
from services.sync.status import SideSync
from store.canon import launch_date
from store.deliveries import FIRESTORE, SALESFORCE
from store.drafts import Draft
from store.fields import label_of

_TONES = {
    "synced": "$good",
    "failed": "$bad",
    "conflict": "$bad",
    "retrying": "$warn",
    "held": "$warn",
}
_SIGNS = {
    "synced": "✓",
    "failed": "✗",
    "conflict": "⚠",
    "retrying": "↻",
    "in_flight": "…",
    "owed": "‥",
}


def head(found: Detail, place: str, now: float, today: dt.date, width: int) -> Content:
    """Name and place in the roadmap, the status line, both targets in words."""
    room = max(10, width - cell_len(place) - 2)
    name = cut(line(found.project.name), room)
    gap = " " * max(1, width - cell_len(name) - cell_len(place))
    title = Content.assemble((name, "bold"), gap, (place, "$quiet"))
    return Content("\n").join([title, status_line(found, today), sync_lines(found, now)])


def status_line(found: Detail, today: dt.date) -> Content:
    """Priority, status and launch on one line."""
    values = found.project.values
    launch = values["launch_target"]
    tone = {"P1": "bold $p1", "P2": "$p2"}.get(str(values["priority"]), "")
    pieces: list[tuple[str, str]] = [
        (line(str(values["priority"])), tone),
        ("  ·  ", "$faint"),
        (line(str(values["status"])), ""),
        ("  ·  ", "$faint"),
    ]
    if launch is None:
        pieces.append(("no launch target", "$quiet"))
    else:
        pieces += [("launch ", "$quiet"), (line(str(launch)), "")]
        said, tone = launch_note(found, today)
        if said:
            pieces.append((f", {said}", tone))
    if found.total is not None:
        pieces += [("  ·  ", "$faint"), ("score ", "$quiet"), (str(found.total), "")]
    return Content.assemble(*pieces)


def launch_note(found: Detail, today: dt.date) -> tuple[str, str]:
    """How far away the launch is, and its tone: ``in 24 d``, ``9 d late``; empty without a date."""
    target, status = found.project.values["launch_target"], found.project.values["status"]
    date = launch_date(str(target)) if target is not None else None
    if date is None:
        return "", ""
    if dates.is_late(target, status, today):
        return f"{(today - date).days} d late", "$bad"
    return dates.relative(date, today), "$quiet"


def sync_lines(found: Detail, now: float) -> Content:
    """Both targets in words; one line where there is nothing to tell."""
    sides = {FIRESTORE: found.sync.firestore, SALESFORCE: found.sync.salesforce}
    if all(side.state == "synced" for side in sides.values()):
        return Content.assemble(("✓ ", "$good"), ("Firestore and Salesforce have it all", "$quiet"))
    return Content("\n").join(
        [_side_line(found, target, side, now) for target, side in sides.items()]
    )


def counts_down(found: Detail) -> bool:
    """Whether the head names a time that comes nearer."""
    sides = (found.sync.firestore, found.sync.salesforce)
    down = any(health.state == "down" for health in found.healths.values())
    return any(side.state == "retrying" for side in sides) or down


def gone_head(found: Gone, now: float) -> Content:
    """What became of a project that is not there any more."""
    name = Content.styled(line(found.name), "bold")
    if found.deleted_at is None:
        return Content.assemble(name, ("\nThere is no such project any more.", "$bad"))
    by = line(found.deleted_by or "somebody")
    when = times.ago(found.deleted_at, now)
    said = f"\nDeleted by {by} {when}. r brings it back."
    if found.drafts:
        labels = ", ".join(label_of(each.path) for each in found.drafts)
        said += f"\nWhat you wrote is kept as a draft and comes back with it: {labels}."
    return Content.assemble(name, (said, "$bad"))


def draft_line(draft: Draft, number: int, time: str) -> Content:
    """The offer of a draft that was not saved."""
    label = label_of(draft.path)
    more = f" (and {number - 1} more)" if number > 1 else ""
    said = f"An unsaved draft of {label} from {time}{more}:  "
    return Content.assemble(
        (said, "$warn"),
        ("r", "bold $key"),
        (" restore  ", "$quiet"),
        ("D", "bold $key"),
        (" discard", "$quiet"),
    )


def _side_line(found: Detail, target: str, side: SideSync, now: float) -> Content:
    words = line(explain.side_words(target, side, found.healths[target], now))
    sign = _SIGNS.get(side.state, "·" if side.state == "pending" else "–")
    tone = _TONES.get(side.state, "$quiet")
    return Content.assemble((f"{sign} ", tone), (words, "" if tone == "$bad" else "$quiet"))
