"""I1 to I14, as far as they can be checked: at every step, and at the end when all has healed."""

from __future__ import annotations

from collections import defaultdict

from services.sync.reconcile import OVERLAP
from services.sync.targets.base import Action
from services.sync.targets.fs_layout import COLLECTION
from store import bases, conflicts, deliveries, fields, marks, parked
from store.canon import Value
from store.conflicts import WHOLE, Conflict
from store.deliveries import FIRESTORE, ROW, SALESFORCE, TARGETS
from tests.sync.simulation.operator import Operator
from tests.sync.simulation.oracle import PERSON, Edit
from tests.sync.simulation.org import PUSHED, ROBOT, UNTRACKED
from tests.sync.simulation.world import World

KNOWN_STATES = {*deliveries.OPEN, "done", "superseded", "discarded"}
WATCHED = ("department", "strategic_value", "brief.punchline")
"""The fields whose values tell whose edit they are."""
TIMED = ("strategic_value",)
"""Those of them that Salesforce tracks: each edit there has a time of its own."""


def at_every_step(world: World) -> None:
    """What holds at any moment, whatever is broken just now."""
    for who in world.operators:
        i1_every_edit_is_somewhere(who)
        i9_no_mark_is_ahead(world, who)
        i11_the_status_is_the_truth(who)
    i3_revisions_arrive_in_order(world)
    i4_no_second_row(world)
    i7_one_record_for_one_clash(world)
    i12_the_budget_holds(world)


def at_the_end(world: World) -> None:
    """What holds once everything was healthy for long enough."""
    i2_the_three_sides_agree(world)
    for pid in sorted(everybodys_projects(world)):
        for path in WATCHED:
            i1_and_i10_nothing_vanished(world, pid, path)
        for path in TIMED:
            i6_the_later_one_stands(world, pid, path)
    i14_nothing_comes_back_by_itself(world)
    i11_nobody_owes_anything(world)
    i5_three_quiet_cycles_write_nothing(world)


def i1_every_edit_is_somewhere(who: Operator) -> None:
    """Each operation of a person here is on its way, arrived, or over by a decision."""
    rows = who.conn.execute(
        "SELECT o.seq, o.changes <> '{}', COUNT(d.seq), GROUP_CONCAT(DISTINCT d.state) "
        "FROM operations o LEFT JOIN deliveries d ON d.seq = o.seq "
        "WHERE o.origin NOT IN ('firestore', 'salesforce', 'carried') GROUP BY o.seq"
    )
    for seq, changed, number, states in rows:
        assert not changed or number, f"I1: {who.name} {seq} goes nowhere"
        unknown = set((states or "done").split(",")) - KNOWN_STATES
        assert not unknown, f"I1: {who.name} {seq} is {unknown}"


def i3_revisions_arrive_in_order(world: World) -> None:
    """What a client's writes carry never goes back, unless the network itself was late, or somebody
    tried a dead letter again after later edits had passed it."""
    dead = {(who.engine.client_id, seq) for who in world.operators for seq in who.dead}
    newest: dict[tuple[str, str, bool], int] = defaultdict(int)
    for write in world.org.writes:
        if write.late or (write.client_id, write.seq) in dead:
            continue
        key = write.client_id, write.project_id, write.action is Action.LINK
        assert write.seq >= newest[key], f"I3: {write} after {newest[key]}"
        newest[key] = write.seq
    for (client, pid), numbers in world.cloud.applied.items():
        assert numbers == sorted(numbers), f"I3: {client} wrote {pid} as {numbers}"


def i4_no_second_row(world: World) -> None:
    alive = [row.project_id for row in world.org.rows if row.alive]
    assert len(alive) == len(set(alive)), f"I4: {alive}"


def i7_one_record_for_one_clash(world: World) -> None:
    """A pair of values that met is one record, with one id for everybody; values of which one was
    made upon the other never met."""
    ids: dict[tuple[str, str, frozenset[Value]], set[str]] = defaultdict(set)
    for who in world.operators:
        for each in conflicts.find(who.conn, open_only=False):
            if each.path not in WATCHED or (each.seq is None and each.target == SALESFORCE):
                continue  # the last: what another operator owed, or what the history gave back
            pair = frozenset((each.mine, each.theirs))
            if each.theirs_by != ROBOT:
                # Else he met it in a row before its maker could tell: whose edit nobody knew yet.
                ids[each.project_id, each.path, pair].add(each.id)
            met = world.oracle.met(each.project_id, each.path, each.mine, each.theirs)
            by_value = (world.oracle.by_value(each.project_id, each.path, v) for v in pair)
            if each.target == FIRESTORE and any(e.who == PERSON for es in by_value for e in es):
                continue  # whether a later edit was made upon a person's no document can tell
            if each.target == SALESFORCE and each.path in UNTRACKED and _was_unsure(who, each):
                continue  # whether it was made upon ours, which may have been lost
            # A restore sets every value anew, at its own time.
            anew = any(what == "restore" for _, _, what in world.oracle.lives[each.project_id])
            assert met or anew or world.parted, f"I7: no conflict, but {who.name} keeps {each}"
    for key, found in ids.items():
        pid, path, pair = key
        anew = any(what == "restore" for _, _, what in world.oracle.lives[pid])
        # A value that was set again, by an undo, may meet the other one again.
        anew = anew or any(len(world.oracle.by_value(pid, path, value)) > 1 for value in pair)
        assert len(found) == 1 or anew or world.parted, f"I7: {key} was recorded as {found}"


def _was_unsure(who: Operator, clash: Conflict) -> bool:
    """Whether something was sent of which nobody learned at once whether it had arrived: the answer
    was lost, or whoever would have written it down died."""
    row = who.conn.execute(
        "SELECT COALESCE(SUM(outcome = 'unknown'), 0), COUNT(*), "
        "(SELECT COALESCE(SUM(sends), 0) FROM deliveries WHERE project_id = ?1 AND target = ?2) "
        "FROM attempts WHERE project_id = ?1 AND target = ?2 AND action <> 'read'",
        (clash.project_id, clash.target),
    )
    unknown, told, sent = row.fetchone()
    return bool(unknown) or sent > told


def i9_no_mark_is_ahead(world: World, who: Operator) -> None:
    """What lies behind the mark by more than the overlap is known here, or parked, or met by a
    delivery that is on its way: each reads the whole row before it writes."""
    mark = marks.mark(who.conn, SALESFORCE)
    if mark is None:
        return
    limit = (mark - OVERLAP).timestamp()
    due = {row[0] for row in who.conn.execute("SELECT project_id FROM parked")}
    due |= {
        pid
        for (pid,) in who.conn.execute(
            "SELECT project_id FROM open_deliveries WHERE target = ? AND part = ? "
            "AND state IN ('pending', 'retrying', 'in_flight')",
            (SALESFORCE, ROW),
        )
    }
    waits = conflicts.waiting_for_person(who.conn)
    for row in world.org.rows:
        version = row.now
        if row.purged or version.deleted or version.stamp >= limit or row.project_id in due:
            continue
        if row.project_id in waits or not row.alive:
            continue
        base = bases.get(who.conn, row.project_id, SALESFORCE)
        assert base is not None, f"I9: {who.name} passed {row.project_id}"
        here = who.here(row.project_id)
        if here is None:
            continue  # deleted here: whoever deleted it is asked about what was edited since
        for path in WATCHED:
            held, known = version.values.get(path), base.values.get(path)
            same = held in (known, here.get(path)) or str(known).startswith("sha256:")
            assert same, f"I9: {who.name} passed {row.project_id} {path}: {held}, knows {known}"


def i11_the_status_is_the_truth(who: Operator) -> None:
    open_: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pid, target, state in who.conn.execute(
        f"SELECT project_id, target, state FROM deliveries WHERE state IN {deliveries.OPEN}"
    ):
        open_[pid, target].add(state)
    asked = conflicts.waiting_for_person(who.conn)
    for pid, row in who.shown().items():
        for side, target in ((row.firestore, FIRESTORE), (row.salesforce, SALESFORCE)):
            states = open_[pid, target]
            if not states and pid in asked and side.state == "conflict":
                continue  # somebody else's edit against a delete: everybody sees that it waits
            assert bool(states) == (side.state not in ("synced", "absent", "owed")), (
                f"I11: {who.name} shows {side.state} for {pid}, but {states}"
            )
            if states and not who.salesforce_on and target == SALESFORCE:
                assert side.state in ("held", "conflict", "failed", "in_flight"), f"I11: {side}"
            if not states and side.state != "owed":
                base = bases.get(who.conn, pid, target)
                there = base is not None and base.present
                assert there == (side.state == "synced"), f"I11: {who.name} {pid} {side}"


def i11_nobody_owes_anything(world: World) -> None:
    """With all delivered, no document says that Salesforce lacks something, and no screen."""
    ids = sorted(everybodys_projects(world))
    for pid, document in world.cloud.documents.get_many(COLLECTION, ids).items():
        if document is not None and not document.fields.get("deleted"):
            owed = document.fields.get("owes")
            assert not owed, f"I11: the document of {pid} says that {owed} is owed"
    for who in world.operators:
        for pid, row in who.shown().items():
            assert row.salesforce.state != "owed", f"I11: {who.name} shows {pid} as owed"


def i12_the_budget_holds(world: World) -> None:
    share = 0.20 * world.org.limit
    assert world.org.spent_by_us <= share, f"I12: {world.org.spent_by_us} calls of {share:.0f}"


def everybodys_projects(world: World) -> set[str]:
    return {edit.project_id for edit in world.oracle.edits}


def i2_the_three_sides_agree(world: World) -> None:
    """Field by field, on every operator's screen, in the documents and in Salesforce."""
    ids = sorted(everybodys_projects(world))
    documents = world.cloud.documents.get_many(COLLECTION, ids)
    for pid in ids:
        held = [who.here(pid) for who in world.operators]
        document, rows = documents[pid], world.org.alive(pid)
        if held[0] is None:
            assert held == [None] * len(held), f"I2, I14: {pid} is deleted for some: {held}"
            gone = document is None or document.fields.get("deleted") is True
            assert gone, f"I14: the document of {pid} lives"
            assert not rows, f"I14: the row of {pid} lives"
            continue
        assert document is not None, f"I2: {pid} has no document"
        assert not document.fields.get("deleted"), f"I2: the document of {pid} is deleted"
        assert len(rows) == 1, f"I2: {pid} has {len(rows)} rows"
        for path, value in held[0].items():
            others = [(values or {}).get(path) for values in held[1:]]
            assert others == [value] * len(others), f"I2: {pid} {path}: {value}, {others}"
            group, _, leaf = path.partition(".")
            cell = document.fields.get(group)
            shared = cell.get(leaf) if leaf and isinstance(cell, dict) else cell
            assert shared == value, f"I2: {pid} {path}: {value}, the document {shared}"
            if path in PUSHED:
                there = rows[0].now.values.get(path)
                assert there == value, f"I2: {pid} {path}: {value}, Salesforce {there}"


def i1_and_i10_nothing_vanished(world: World, pid: str, path: str) -> None:
    """Each edit is what stands, or what that was made upon, or kept beside it."""
    oracle = world.oracle
    here = world.operators[0].here(pid)
    if here is None:
        return
    kept: list[Value] = [here.get(path)]
    for who in world.operators:
        for each in conflicts.find(who.conn, project_id=pid, open_only=False):
            if each.path == path:
                kept += [each.mine, each.theirs]
            elif each.path == WHOLE and each.record is not None:
                kept.append(each.record.get(path))
        rows = who.conn.execute(
            "SELECT DISTINCT o.changes ->> ('$.' || json_quote(?) || '[1]') FROM deliveries d "
            "JOIN operations o ON o.seq = d.seq "
            "WHERE d.state IN ('discarded', 'failed') AND o.project_id = ?",
            (path, pid),
        )
        kept += [row[0] for row in rows]
    stands = [e for v in kept for e in oracle.by_value(pid, path, v)]
    edits = oracle.of(pid, path)
    latest = max((edit.at for edit in stands), default=0.0)
    for undo in edits:
        if undo.fresh:
            continue
        own = [e for n in undo.parents if (e := oracle.edits[n]).who == undo.who]
        away = own or list(oracle.upward([undo]))
        # Who took his edit back before it reached anybody changed nothing, as long as it is away,
        # or somebody set what is there since.
        if undo.at < latest or all(e.value != here.get(path) for e in away):
            stands += [undo, *own]
    safe = {edit.number for edit in oracle.upward(stands)}
    for edit in edits:
        unseen = edit.number in oracle.unseen or (pid, path, edit.value) in world.org.covered
        lost = edit.number not in safe and not unseen
        if lost and not _ended_with_its_project(world, edit):
            name = "I10" if edit.who == PERSON else "I1"
            raise AssertionError(f"{name}: {edit} vanished; kept: {kept}")


def _ended_with_its_project(world: World, edit: Edit) -> bool:
    """Whether its project was deleted since, and later brought back by somebody."""
    return any(
        what == "delete" and at >= edit.at for at, _, what in world.oracle.lives[edit.project_id]
    )


def i6_the_later_one_stands(world: World, pid: str, path: str) -> None:
    """Of edits that met, the last by the true time wins, whatever the clocks said."""
    oracle = world.oracle
    here = world.operators[0].here(pid)
    if here is None or any(what != "create" for _, _, what in oracle.lives.get(pid, ())):
        return
    decided = any(
        each.path == path and each.state != "open"
        for who in world.operators
        for each in conflicts.find(who.conn, project_id=pid, open_only=False)
    )
    gone = any(
        who.conn.execute("SELECT 1 FROM deliveries WHERE state = 'discarded' LIMIT 1").fetchone()
        for who in world.operators
    )
    edits = oracle.of(pid, path)
    if decided or gone or not edits:
        return
    standing = oracle.by_value(pid, path, here.get(path))
    latest = max(edits, key=lambda e: e.at)
    if not latest.fresh:
        return  # what was taken back may never have left
    assert any(e.at >= latest.at - 2.0 for e in standing), (
        f"I6: {path} of {pid} is {standing}, but the last edit is {latest}"
    )


def i14_nothing_comes_back_by_itself(world: World) -> None:
    """What was deleted last and stands again was brought back by somebody."""
    for pid, lives in world.oracle.lives.items():
        here = world.operators[0].here(pid)
        if here is None or pid in world.decided_for:
            continue
        last = max(lives, key=lambda each: each[0])
        if last[2] == "delete" and last[1] == PERSON and _may_have_purged(world, pid):
            continue  # nothing tells of a purged row that it was not ours that ended it
        assert last[2] != "delete", f"I14: {pid} came back by itself: {lives}"


def _may_have_purged(world: World, pid: str) -> bool:
    """Whether a delete of ours was lost on its way to a row that a person purged since."""
    purged = any(row.purged for row in world.org.rows if row.project_id == pid)
    sql = "SELECT 1 FROM attempts WHERE project_id = ? AND action = 'delete' AND outcome <> 'ok'"
    return purged and any(who.conn.execute(sql, (pid,)).fetchone() for who in world.operators)


def i5_three_quiet_cycles_write_nothing(world: World) -> None:
    before = world.traces()
    for _ in range(3):
        world.later(900)
        for who in world.operators:
            world.cycle(who)
            world.follow(who)
            world.reconcile(who)
    assert world.traces() == before, f"I5: an echo, {before} became {world.traces()}"


assert set(TARGETS) == {FIRESTORE, SALESFORCE}
assert all(path in fields.BY_PATH for path in WATCHED)
assert parked is not None
