"""What became of an edit, in plain words: pure functions from the outbox to sentences.

An explanation says what happened to the data first ("saved here and in Firestore"), then what is
missing, why, and when it is tried again. Times are epoch seconds (``now``) or ISO texts; every
text may hold what other systems wrote, so whoever shows it makes it safe for the terminal.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence

from services import times
from services.discarding import Loss
from services.overview import OutboxEntry, TargetHealth, delivery_state
from services.sync.status import Gate, SideSync, in_words
from store import fields
from store.attempts import Attempt
from store.canon import Value
from store.deliveries import FIRESTORE, SALESFORCE, TARGETS, Delivery
from store.fields import BY_PATH, Kind
from store.operations import Changes, Operation

NAMES = {FIRESTORE: "Firestore", SALESFORCE: "Salesforce"}
HEALTHY_GATE = Gate()
_MARKS = {
    "done": "✓ done",
    "pending": "· pending",
    "in_flight": "… in flight",
    "retrying": "↻ retrying",
    "conflict": "⚠ conflict",
    "failed": "✗ failed",
    "held": "– held",
    "superseded": "» superseded",
    "discarded": "– discarded",
}
_KINDS = {"create": "Created", "delete": "Deleted", "restore": "Restored"}


def value_words(path: str, value: Value) -> str:
    """A value on one line: empty, yes, no, a percentage, or the text, its line breaks marked."""
    if value is None:
        return "empty"
    field = BY_PATH.get(path)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field is not None and field.kind is Kind.PERCENT:
        return f"{value} %"
    return str(value).replace("\n", " ⏎ ")


def cut(text: str, limit: int) -> str:
    """The text in at most ``limit`` characters, the rest as an ellipsis."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"


def what_changed(op: Operation) -> str:
    """One line on what an operation does: ``Status: In Design → In QA``, ``Created``,
    ``Status, Department and 2 more``."""
    if op.kind in _KINDS:
        return _KINDS[op.kind]
    return changed_words(op.changes)


def changed_words(changes: Changes) -> str:
    """The changed fields on one line; a single short one with both values."""
    labels = [fields.label_of(path) for path in changes]
    if not labels:
        return "Nothing"
    if len(labels) > 3:
        return f"{labels[0]}, {labels[1]} and {len(labels) - 2} more"
    if len(labels) > 1:
        return ", ".join(labels)
    ((path, (old, new)),) = changes.items()
    field = BY_PATH.get(path)
    if field is not None and field.kind is Kind.LONG_TEXT:
        return f"{labels[0]}: {value_words(path, new)}"
    return f"{labels[0]}: {value_words(path, old)} → {value_words(path, new)}"


def held(health: TargetHealth) -> bool:
    """Whether nothing moves there because of a flag or a person (never because of the network)."""
    return health.state in ("off", "paused")


def shown_state(each: Delivery, health: TargetHealth) -> str:
    """A delivery's state as people see it: ``held`` where its target is off or paused."""
    return "held" if each.state in ("pending", "retrying") and held(health) else each.state


def state_mark(each: Delivery | None, health: TargetHealth) -> str:
    """A state with its symbol for a table cell; empty where the operation does not go there."""
    if each is None:
        return ""
    state = shown_state(each, health)
    text = _MARKS.get(state, state)
    return f"{text} {each.attempts}" if state == "retrying" and each.attempts else text


def speaking(entry: OutboxEntry, target: str) -> Delivery | None:
    """The delivery of an entry that speaks for a target: the one furthest from done."""
    return delivery_state(entry.deliveries, target, HEALTHY_GATE)


def next_try(entry: OutboxEntry, healths: Mapping[str, TargetHealth], now: float) -> str:
    """When the entry moves next: ``in 40 s``, ``now``, or empty where nothing is going to move."""
    moments: list[float] = []
    for target in TARGETS:
        each, health = speaking(entry, target), healths[target]
        if each is None or shown_state(each, health) not in ("pending", "retrying"):
            continue
        if health.state == "down":
            moments.append(health.known.probe_at or now)
        elif each.state == "retrying":
            moments.append(each.next_at or now)
    return times.until(min(moments), now) if moments else ""


def error_of(entry: OutboxEntry) -> str:
    """The last error of an entry in plain words, the one that needs a person first; or empty."""
    found = [each for each in entry.deliveries if each.last_error]
    found.sort(key=lambda each: each.state not in ("failed", "conflict"))
    return found[0].last_error or "" if found else ""


def is_trouble(entry: OutboxEntry) -> bool:
    """Whether an entry needs a person or keeps failing."""
    return any(each.state in ("failed", "conflict", "retrying") for each in entry.deliveries)


def entry_words(entry: OutboxEntry, healths: Mapping[str, TargetHealth], now: float) -> str:
    """What happened to the data of one entry, and what happens next."""
    deed = {"delete": "Deleted here", "restore": "Brought back here"}.get(
        entry.operation.kind, "Saved here"
    )
    there: list[str] = []
    rest: dict[str, list[str]] = {}
    for target in TARGETS:
        each = speaking(entry, target)
        if each is None:
            continue
        name = NAMES[target]
        if each.state == "done":
            there.append(name)
        else:
            # What is the same of both is said once.
            words = delivery_words(each, healths[target], now, entry.carried_by)
            words = words.replace(name, "\0")
            rest.setdefault(words, []).append(name)
    sentences = [" and ".join([deed, *(f"in {name}" for name in there)])]
    if len(there) == 2:
        sentences = [f"{deed}, in {there[0]} and in {there[1]}"]
    sentences += [words.replace("\0", " and ".join(names)) for words, names in rest.items()]
    return ". ".join(sentences)


def delivery_words(
    each: Delivery, health: TargetHealth, now: float, carried_by: str | None = None
) -> str:
    """One delivery as a sentence without its full stop; ``carried_by`` is who brought the edit to
    Salesforce in its author's place, if anybody did."""
    name = NAMES[each.target]
    words = reason(each)
    match shown_state(each, health):
        case "done":
            return f"In {name}"
        case "in_flight":
            return f"On its way to {name} now"
        case "held":
            return f"Held for {name}: {health.reason or 'it is off'}"
        case "failed":
            return f"Not in {name}, nothing is lost: {words}"
        case "conflict":
            return f"Waits for a decision before {name} is told: {words}"
        case "superseded" if carried_by is not None and each.target == SALESFORCE:
            return f"{carried_by} carried it to {name}"
        case "superseded":
            return f"A later edit took its place on the way to {name}"
        case "discarded":
            return f"Discarded before it reached {name}"
        case _ if health.state == "down":
            probe = times.until(health.known.probe_at, now)
            return f"Not yet in {name}, which is down; next probe {probe}"
        case "retrying":
            return f"Not yet in {name}; next try {times.until(each.next_at, now)}, after: {words}"
        case _:
            return f"Not yet in {name}; it goes out next"


def reason(each: Delivery) -> str:
    """Why a delivery did not get through, as its target put it; without its last full stop."""
    return (each.last_error or "no reason was given").rstrip(". ")


def side_words(target: str, side: SideSync, health: TargetHealth, now: float) -> str:
    """A project's state on one target as a sentence, with the countdown to the next try."""
    name = NAMES[target]
    words = in_words(name, side)
    if side.state in ("pending", "retrying") and health.state == "down":
        return f"{words}; {name} is down, next probe {times.until(health.known.probe_at, now)}"
    if side.state == "retrying":
        return f"{words}; next try {times.until(side.next_at, now)}"
    return words


def connection_words(health: TargetHealth, now: float, zone: dt.tzinfo) -> str:
    """The connection to a target: ``connected``, ``down since 13:41 because …; next probe in 14 s``
    and so on."""
    known = health.known
    match health.state:
        case "ok":
            return health.question or "connected"
        case "waiting":
            return "not reached yet"
        case "off":
            return f"off: {health.reason}" if health.reason else "off"
        case "paused":
            at = f" since {times.since(known.paused_at, now, zone)}" if known.paused_at else ""
            by = f"paused by {known.paused_by}{at}"
            told = health.reason and health.reason != f"paused by {known.paused_by}"
            return f"{by}: {health.reason}" if told else by
        case _:
            down = times.since(known.down_since or now, now, zone)
            because = (health.reason or "it did not answer").rstrip(". ")
            probe = times.until(known.probe_at, now)
            return f"down since {down} because {because}; next probe {probe}"


def loss_lines(loss: Loss) -> list[str]:
    """What giving an edit up loses, field by field."""
    if loss.kind == "delete":
        return ["The delete is given up: the project comes back here."]
    lines = ["What is lost, and what it was before:", ""]
    if loss.kind in ("create", "restore"):
        lines = ["The project goes, from wherever it has got to as well.", ""]
    for path, new, old in loss.fields:
        if new is None and loss.kind in ("create", "restore"):
            continue
        lines.append(f"{fields.label_of(path)}: {cut(value_words(path, new), 200)}")
        if loss.kind == "update":
            lines.append(f"  it was {cut(value_words(path, old), 200)}")
    return lines


def pretty(text: str | None) -> str:
    """A JSON text with its structure shown; any other text as it is."""
    if not text:
        return "nothing"
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def payload(op: Operation) -> str:
    """The operation exactly as it is kept, as readable JSON."""
    return json.dumps(
        {
            "seq": op.seq,
            "op_id": op.op_id,
            "trace_id": op.trace_id,
            "project_id": op.project_id,
            "kind": op.kind,
            "origin": op.origin,
            "operator": op.operator,
            "at": op.at,
            "changes": {p: {"from": old, "to": new} for p, (old, new) in op.changes.items()},
        },
        ensure_ascii=False,
        indent=2,
    )


def attempts_of(found: Sequence[Attempt], entry_deliveries: Sequence[Delivery]) -> list[Attempt]:
    """The attempts that carried an operation: those on its targets, newest first."""
    where = {(each.target, each.part) for each in entry_deliveries}
    return [each for each in found if (each.target, each.part) in where]
