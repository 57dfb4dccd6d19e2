"""``steerco sync``: drain until nothing can move, and say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.counting import counted
from services.overview import gates, health, roadmap_version
from services.sync.engine import Engine, Totals
from services.sync.intake import AGAIN
from services.sync.targets.base import ErrorClass, Problem
from store import conflicts, deliveries, parked, targets
from store.candidates import MOVING_SQL
from store.deliveries import LABELS, SALESFORCE, TARGETS

PATIENCE = 30.0
"""Seconds without any progress for which one run waits for tries that are due soon."""
LOOK = 0.5
"""Seconds between looks at what another process is sending."""


@dataclass
class SideReport:
    """One target after a run: deliveries done by it, and what is open still, by state."""

    done: int = 0
    pending: int = 0
    in_flight: int = 0
    retrying: int = 0
    failed: int = 0
    held: int = 0
    conflicts: int = 0


@dataclass
class SyncReport:
    """What a run did. ``sentences`` say why something is left, one for each cause; ``clean`` is
    the exit code's truth: nothing pending, in flight, retrying, failed or in conflict."""

    firestore: SideReport = field(default_factory=SideReport)
    salesforce: SideReport = field(default_factory=SideReport)
    applied: int = 0
    conflicts: int = 0
    deleted: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)

    def count_in(self, former: SyncReport) -> None:
        """What an earlier part of the same run did; what is left open is as it is now."""
        self.firestore.done += former.firestore.done
        self.salesforce.done += former.salesforce.done
        self.applied += former.applied
        self.conflicts += former.conflicts

    @property
    def clean(self) -> bool:
        """Whether nothing is left that should have moved."""
        return not any(
            side.pending + side.in_flight + side.retrying + side.failed + side.conflicts
            for side in (self.firestore, self.salesforce)
        )


def sync(
    engine: Engine,
    *,
    names: Sequence[str] = TARGETS,
    whole: bool = False,
    believe: bool = False,
    progress: Callable[[int, int], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> SyncReport:
    """Bring what others changed, then deliver what waits here: all that one run can do.

    Read first: what was changed on both sides is decided before it travels, and what came from
    Salesforce goes on to Firestore in the same run. ``whole`` reads everything and compares;
    ``believe`` deletes here what is gone there, however much it is. A row that was read within the
    seconds of a write of ours, so that nothing tells which of the two is newer, is waited for.
    """
    pulled = engine.inbound.on_demand(names, whole=whole, believe=believe)
    report = drain(engine, names=names, progress=progress, sleep=sleep, met=pulled.problems)
    wait = None if pulled.problems or SALESFORCE not in names else _until_told(engine)
    if wait is not None:
        sleep(max(LOOK, wait))
        pulled.add(engine.inbound.on_demand((SALESFORCE,), believe=believe))
        first, report = report, drain(engine, names=names, progress=progress, sleep=sleep)
        report.count_in(first)
    report.applied += pulled.applied
    report.conflicts += pulled.conflicts
    report.deleted += pulled.deleted
    return report


def _until_told(engine: Engine) -> float | None:
    """Seconds until a row can be judged that was read too near to a write of ours; None where there
    is none, or Salesforce is not read."""
    readable = (
        SALESFORCE in engine.remotes and gates(engine.conn, engine.configured)[SALESFORCE].open
    )
    due = parked.next_due(engine.conn, SALESFORCE) if readable else None
    wait = None if due is None else due - engine.ctx.clock()
    return wait if wait is not None and wait <= AGAIN else None


def drain(
    engine: Engine,
    *,
    names: Sequence[str] = TARGETS,
    progress: Callable[[int, int], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
    met: Mapping[str, Problem] | None = None,
) -> SyncReport:
    """Cycle until nothing can move. Tries that are due soon are waited for, as long as something
    moves within ``patience`` seconds; a target that can't be reached is not waited for. Edits that
    are made meanwhile go along, but somebody who never stops editing keeps no run going for ever.

    ``progress(done, left)`` is called after each cycle. ``met`` are the problems that this run has
    met already: such a target is not asked again at once.
    """
    totals = {name: Totals(problem=(met or {}).get(name)) for name in names}
    moved_at = engine.ctx.clock()
    resting = {name: _next_probe(engine, name) for name in met or {}}
    newest = roadmap_version(engine.conn)
    caught_up: float | None = None
    overtaken = False
    try:
        while True:
            now = began = engine.ctx.clock()
            asked = [name for name in names if resting.get(name, now) <= now]
            cycle = engine.cycle(names=asked, impatient=True)
            moved = _count(totals, cycle)
            resting |= {name: _next_probe(engine, name) for name in asked if cycle[name].problem}
            if progress is not None:
                progress(sum(t.done for t in totals.values()), _left(engine, names))
            now = engine.ctx.clock()
            if moved:
                moved_at = now
                if caught_up is None and not _any_left(engine, names, newest):
                    caught_up = now
                overtaken = caught_up is not None and now - caught_up > patience
                if overtaken:
                    break
                continue
            pause = _pause(engine, totals, resting, began, now)
            if pause is None or now + pause - moved_at > patience:
                break
            sleep(pause)
    finally:
        engine.release()
    return _report(engine, names, totals, overtaken)


def _any_left(engine: Engine, names: Sequence[str], newest: int) -> bool:
    """Whether something up to this operation still has to move."""
    rows = engine.conn.execute(
        f"SELECT DISTINCT target FROM open_deliveries WHERE {MOVING_SQL} AND seq <= ?",
        (newest,),
    )
    return any(row[0] in names for row in rows)


def _count(totals: dict[str, Totals], cycle: dict[str, Totals]) -> bool:
    moved = False
    for name, part in cycle.items():
        whole = totals[name]
        whole.done += part.done
        whole.failed += part.failed
        whole.taken += part.taken
        whole.conflicts += part.conflicts
        whole.problem = part.problem
        moved = moved or bool(part.done or part.failed or part.taken)
    return moved


def _left(engine: Engine, names: Sequence[str]) -> int:
    counts = deliveries.counts(engine.conn)
    return sum(counts[n]["pending"] + counts[n]["retrying"] + counts[n]["in_flight"] for n in names)


def _next_probe(engine: Engine, name: str) -> float:
    """When a target that failed may be asked again: by then it is worth it, or the other side
    said so. The first try of a run is made at once; its own failures are answered with patience."""
    return targets.get(engine.conn, name).probe_at or engine.ctx.clock()


def _pause(
    engine: Engine, totals: dict[str, Totals], resting: dict[str, float], began: float, now: float
) -> float | None:
    """Seconds until it is worth another cycle; None where nothing will move by itself. What has
    become due since the last cycle ``began`` was not looked at by it."""
    current = gates(engine.conn, engine.configured)
    waits = []
    for name, part in totals.items():
        if name not in engine.remotes or not current[name].open:
            continue
        due = deliveries.next_due(engine.conn, name, began)
        if due is None:
            continue
        if part.problem is not None:
            if _passes_soon(part.problem):
                waits.append(max(0.05, resting[name] - now))
            continue
        if due > began or _has_claimable_later(engine, name, began):
            waits.append(max(0.05, due - now))
        if _sent_elsewhere(engine, name, now):
            waits.append(LOOK)
    return min(waits) if waits else None


SOON = {"SERVER_UNAVAILABLE", "ABORTED", "HTTP_429"}


def _passes_soon(problem: Problem) -> bool:
    """Whether the other side said when to come back, or is likely back in a moment."""
    if problem.retry_after is not None or problem.code in SOON:
        return True
    return problem.cls is ErrorClass.TRANSIENT and problem.code != "READ_TIMEOUT"


def _sent_elsewhere(engine: Engine, name: str, now: float) -> bool:
    """Whether another process has deliveries of this target on their way."""
    row = engine.conn.execute(
        "SELECT 1 FROM open_deliveries WHERE target = ? AND "
        "state = 'in_flight' AND lease_until > ? LIMIT 1",
        (name, now),
    ).fetchone()
    return row is not None


def _has_claimable_later(engine: Engine, name: str, now: float) -> bool:
    """Whether something that is due now was only blocked by another try that comes soon."""
    row = engine.conn.execute(
        "SELECT 1 FROM open_deliveries WHERE target = ? AND "
        f"{MOVING_SQL} "
        "AND COALESCE(next_at, lease_until, 0) > ? LIMIT 1",
        (name, now),
    ).fetchone()
    return row is not None


def _report(
    engine: Engine, names: Sequence[str], totals: dict[str, Totals], overtaken: bool
) -> SyncReport:
    counts = deliveries.counts(engine.conn)
    current = gates(engine.conn, engine.configured)
    asked = _asked_alone(engine)
    report = SyncReport(
        applied=sum(t.taken for t in totals.values()),
        conflicts=sum(t.conflicts for t in totals.values()),
    )
    for name in TARGETS:
        side: SideReport = getattr(report, name)
        states = counts[name]
        side.done = totals[name].done if name in totals else 0
        side.in_flight, side.failed = states["in_flight"], states["failed"]
        side.conflicts = states["conflict"] + asked[name]
        if current[name].open:
            side.pending, side.retrying = states["pending"], states["retrying"]
        else:
            side.held = states["pending"] + states["retrying"]
        remote = engine.remotes.get(name)
        report.calls[name] = remote.usage().calls if remote is not None else 0
        why = _why(engine, name, names, overtaken)
        report.sentences += _sentences(engine, name, side, current[name].open, why)
        if name in names and name in engine.remotes and current[name].open:
            report.sentences += _unread(engine, name, side)
    return report


def _waiting_projects(engine: Engine, name: str) -> list[str]:
    rows = engine.conn.execute(
        f"SELECT DISTINCT project_id FROM open_deliveries WHERE target = ? AND {MOVING_SQL}",
        (name,),
    )
    return [row[0] for row in rows]


def _asked_alone(engine: Engine) -> dict[str, int]:
    """Projects that wait for a person without an edit that waits with them."""
    found = dict.fromkeys(TARGETS, 0)
    for each in conflicts.waiting_for_person(engine.conn).values():
        held = deliveries.open_of_project(engine.conn, each.project_id)
        found[each.target] += not any(d.state == "conflict" for d in held)
    return found


def _sentences(engine: Engine, name: str, side: SideReport, gate_open: bool, why: str) -> list[str]:
    waiting = side.pending + side.retrying + side.in_flight
    label = LABELS[name]
    found = []
    state = targets.get(engine.conn, name)
    saved = f"{counted(waiting, 'edit is', 'edits are')} saved here, not yet in {label}"
    if state.paused_by == "steerco" and state.pause_reason:
        found.append(state.pause_reason)
    elif waiting and gate_open and state.down_since is not None:
        found.append(f"{saved}: {state.down_reason}")
    elif waiting and gate_open:
        found.append(f"{saved}; {why}")
    if side.failed:
        found.append(f"{label} refused {counted(side.failed, 'edit')}; see steerco outbox list")
    mine = sum(each.target == name for each in conflicts.waiting_for_person(engine.conn).values())
    if mine:
        one = mine == 1
        found.append(
            f"{mine} project{' is' if one else 's are'} in conflict with {label} and "
            f"wait{'s' if one else ''} for a decision (steerco conflicts list)"
        )
    return found


def _unread(engine: Engine, name: str, side: SideReport) -> list[str]:
    """What keeps this side from knowing what the others changed."""
    label = LABELS[name]
    question = health(engine.conn, engine.configured)[name].question
    if question is not None:
        return [question]
    state = targets.get(engine.conn, name)
    waiting = side.pending + side.retrying + side.in_flight
    if state.down_since is not None and not waiting:
        return [f"what others changed in {label} could not be read: {state.down_reason}"]
    return []


def _why(engine: Engine, name: str, names: Sequence[str], overtaken: bool) -> str:
    if name not in names:
        return f"this run was for {LABELS[names[0]]} alone"
    row = engine.conn.execute(
        "SELECT last_error FROM open_deliveries WHERE target = ? AND "
        f"{MOVING_SQL} AND last_error IS NOT NULL LIMIT 1",
        (name,),
    ).fetchone()
    if row:
        return str(row[0])
    if not set(_waiting_projects(engine, name)) - conflicts.waiting_for_person(engine.conn).keys():
        return "their projects wait for a decision"
    if any(_sent_elsewhere(engine, each, engine.ctx.clock()) for each in TARGETS):
        return "another Steerco is sending just now"
    if overtaken:
        return "new ones kept coming while this ran"
    return "they wait for something else to arrive first"
