"""What a row's sync column says: pure functions from counts to a state and to a symbol.

The states are those of the deliveries, with ``synced`` where nothing is under way and the target
has the project, ``absent`` where nothing is under way and it has not, ``owed`` where another
operator's edit has not reached it yet, and ``held`` where the target is off or was paused by a
person. A symbol never depends on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.counting import counted

SYNCED, ABSENT, HELD, OWED = "synced", "absent", "held", "owed"
TROUBLE = ("conflict", "failed")
LETTERS = {"firestore": "F", "salesforce": "S"}


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether deliveries to a target may move at all. ``reason`` is a sentence where not."""

    open: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SideSync:
    """One project on one target. ``pending`` counts everything that is not over."""

    state: str
    pending: int = 0
    attempts: int = 0
    next_at: float | None = None
    last_error: str | None = None
    acked_at: str | None = None


@dataclass(frozen=True, slots=True)
class RowSync:
    """One project on both targets."""

    firestore: SideSync
    salesforce: SideSync

    @property
    def trouble(self) -> bool:
        """Whether a person is needed."""
        return self.firestore.state in TROUBLE or self.salesforce.state in TROUBLE


def side(
    states: Mapping[str, int],
    *,
    present: bool,
    gate: Gate,
    attempts: int = 0,
    next_at: float | None = None,
    last_error: str | None = None,
    acked_at: str | None = None,
    asked: str | None = None,
    owed: bool = False,
) -> SideSync:
    """The state of one project on one target from the counts of its open deliveries by state.

    ``asked`` is the question that a person has to decide, ``owed`` tells that another operator
    still has something to deliver. What needs a person comes first, then what is happening, then
    what waits.
    """
    total = sum(states.values())
    if asked is not None:
        return SideSync("conflict", total, attempts, None, asked, acked_at)
    if not total:
        state = OWED if owed else SYNCED
        return SideSync(state if present else ABSENT, acked_at=acked_at)
    for state in ("conflict", "failed", "in_flight"):
        if states.get(state):
            break
    else:
        waiting = "retrying" if states.get("retrying") else "pending"
        state = waiting if gate.open else HELD
    error = last_error if state != HELD else gate.reason
    return SideSync(state, total, attempts, next_at, error, acked_at)


def mark(each: SideSync) -> str:
    """One target's mark: ✓ synced, … in flight, 2 waiting, ↻3 third retry, ⚠ conflict, ✗ failed,
    ‥ waits at another operator, – off, held or not there."""
    match each.state:
        case "synced":
            return "✓"
        case "in_flight":
            return "…"
        case "retrying":
            return f"↻{each.attempts}"
        case "owed":
            return "‥"
        case "conflict":
            return "⚠"
        case "failed":
            return "✗"
        case "pending":
            return str(each.pending) if each.pending < 100 else "99"
        case _:
            return "–"


def column(row: RowSync) -> str:
    """The sync column, for example ``F✓ S2``."""
    return f"F{mark(row.firestore)} S{mark(row.salesforce)}"


def in_words(name: str, each: SideSync) -> str:
    """The same as a sentence, for the detail screen and for screen readers."""
    edits = counted(each.pending, "edit")
    match each.state:
        case "synced":
            return f"{name} has everything"
        case "in_flight":
            return f"{edits} on the way to {name}"
        case "retrying":
            return f"{edits} saved here, not yet in {name}; try {each.attempts} failed: " + (
                each.last_error or "no reason given"
            )
        case "conflict":
            return f"{name} waits for a decision: deleted on one side, edited on the other"
        case "failed":
            return f"{name} refused it: {each.last_error or 'no reason given'}"
        case "pending":
            return f"{edits} saved here, not yet in {name}"
        case "owed":
            return f"another operator's edit is not yet in {name}; it is carried if he does not"
        case "held":
            return f"{edits} saved here and held: {each.last_error or f'{name} is off'}"
        case _:
            return f"not in {name}"
