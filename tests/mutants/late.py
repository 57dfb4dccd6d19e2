"""Bugs of what comes within the seconds of our own write, and of edits that are discarded."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

REPLAYED = "tests/sync/test_replayed.py"
PROMISES = "tests/sync/test_promises.py"
JUDGE = "services/sync/judge.py"
THREEWAY = "services/sync/threeway.py"
TAKEOVER = "services/sync/takeover.py"
DRAIN = "services/sync/drain.py"
DISCARDING = "services/discarding.py"
SETTLING = "services/sync/settling.py"
STALENESS = "services/sync/staleness.py"
DISCARDED = "tests/sync/test_discarding.py"

MUTANTS = (
    Mutant(
        "a version from before our write taken for an edit",
        STALENESS,
        "    return _differs(case, base, case.delivered(acked - LATE) & remote.values.keys())",
        "    return False",
        (REPLAYED,),
    ),
    Mutant(
        "a vote set anew taken for one that was gone over",
        THREEWAY,
        "case.claim.target != FIRESTORE or stamp is None or stamp.at < mine_mark(case)(path).at",
        "True",
        (REPLAYED,),
    ),
    Mutant(
        "a restore leaves what it has empty",
        JUDGE,
        "    carried = _carried(case) | emptied(case, base)",
        "    carried = _carried(case)",
        (REPLAYED,),
    ),
    Mutant(
        "a link over although its row was deleted",
        JUDGE,
        "        if case.claim.part == LINK and not (was_there and edited):",
        "        if case.claim.part == LINK:",
        (REPLAYED,),
    ),
    Mutant(
        "ours stands because it covered the later edit unseen",
        "services/sync/recovery.py",
        "    wins = stamp is not None and lost.theirs_at >= mine_at.replace(microsecond=0)",
        "    wins = False",
        (REPLAYED,),
    ),
    Mutant(
        "what others wrote upon the same version forgotten",
        TAKEOVER,
        "    if newest is not None and newest > moment:",
        "    if newest is not None and newest >= moment:",
        (REPLAYED,),
    ),
    Mutant(
        "nobody owes the winner that the loser came after",
        "services/sync/standing.py",
        "        _owe_the_newer(conn, ctx, case, project, base, apart)\n",
        "        pass\n",
        (REPLAYED,),
    ),
    Mutant(
        "a create empties a row that shows late",
        DRAIN,
        "values = {path: value for path, value in values.items() if value is not None}",
        "values = dict(values)",
        (PROMISES,),
    ),
    Mutant(
        "a row that was deleted before its maker knew of it made again",
        DRAIN,
        '            or others\n            or (claim.is_carried and "create" in claim.kinds)\n',
        "",
        (REPLAYED,),
    ),
    Mutant(
        "another delete than the one that was taken back not noticed",
        "services/sync/judge.py",
        "return remote.modified_at > from_iso(at) + case.offset",
        "return False",
        (REPLAYED,),
    ),
    Mutant(
        "a person's edit of a row that its maker did not tell of taken for an older value",
        "services/sync/debts.py",
        "elif rows[pid].modified_by_us:",
        "else:",
        (REPLAYED,),
    ),
    Mutant(
        "a row not waiting for what its maker has to tell",
        "services/sync/intake.py",
        "return self.ctx.clock() + UNTOLD_AGAIN if age < UNTOLD else None",
        "return None",
        (REPLAYED,),
    ),
    Mutant(
        "any row of the recycle bin taken for the one deleted last",
        "services/sync/targets/salesforce.py",
        "_version(row) > _version(other)",
        "False",
        ("tests/salesforce/test_target_contract.py",),
    ),
    Mutant(
        "a document made anew still owes what it owed",
        SETTLING,
        "                if _replaces(job):\n                    owes.replace",
        "                if False:\n                    owes.replace",
        (REPLAYED,),
    ),
    Mutant(
        "what arrived with an earlier edit still counts as on its way",
        SETTLING,
        "            arrived.note(self.conn, sent, now)",
        "            pass",
        (REPLAYED,),
    ),
    Mutant(
        "a create that lands late brings a deleted project back",
        JUDGE,
        "        late = _may_come_late(case) and not remote.exists",
        "        late = False",
        (REPLAYED,),
    ),
    Mutant(
        "a discarded create stays where it has got to",
        DISCARDING,
        'if op.kind not in ("create", "restore") or not unmade:',
        'if op.kind != "nothing":',
        (DISCARDED,),
    ),
    Mutant(
        "discarding goes back behind an earlier edit",
        DISCARDING,
        "    if base is None or on_its_way or",
        "    if base is None or",
        (DISCARDED,),
    ),
    Mutant(
        "what waited beside a discarded edit waits for ever",
        DISCARDING,
        "            deliveries.let_go(conn, op.project_id)",
        "            pass",
        (REPLAYED,),
    ),
    Mutant(
        "more calls than are left of the day",
        "services/sync/targets/sf_client.py",
        "if self._ration is not None and self.usage.calls >= self._ration[0]:",
        "if False:",
        ("tests/salesforce/test_target_read.py",),
    ),
    Mutant(
        "the last round's ration holds for the next one",
        "services/sync/calls.py",
        '        cast("Rationed", target).ration()\n',
        "",
        ("tests/sync/test_shared_quota.py",),
    ),
    Mutant(
        "one run waits for a row that is not read",
        "services/sync/run.py",
        "    due = parked.next_due(engine.conn, SALESFORCE) if readable else None",
        "    due = parked.next_due(engine.conn, SALESFORCE)",
        ("tests/sync/test_reverse.py",),
    ),
)
