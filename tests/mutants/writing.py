"""Bugs of the way from here to the targets."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

PROMISES = "tests/sync/test_promises.py"
HISTORIES = "tests/sync/test_histories.py"
BASES = "tests/sync/test_bases_and_operators.py"
KILLS = "tests/sync/test_kills.py"
POWER = "tests/store/test_power_cut.py"
DRAIN = "services/sync/drain.py"
JUDGE = "services/sync/judge.py"
SENDS = "services/sync/sends.py"
SETTLING = "services/sync/settling.py"
STALENESS = "services/sync/staleness.py"
DISCARDED = "tests/sync/test_discarding.py"

MUTANTS = (
    Mutant(
        "no fsync",
        "store/database.py",
        'conn.execute("PRAGMA synchronous=FULL")',
        'conn.execute("PRAGMA synchronous=NORMAL")',
        (POWER,),
    ),
    Mutant(
        "said to be saved before the commit",
        "store/database.py",
        '            self._conn.execute("COMMIT")',
        "            pass",
        (KILLS, POWER),
    ),
    Mutant(
        "blind resend after a lost answer",
        JUDGE,
        "    remote, base, kinds = case.remote, case.base, {i.kind for i in case.claim.items}\n",
        "    remote, base, kinds = case.remote, case.base, {i.kind for i in case.claim.items}\n"
        "    if case.claim.sent is not None and remote.exists:\n"
        "        return Decision(action=Action.UPDATE, paths=list(case.claim.sent.values))\n",
        (PROMISES, HISTORIES),
    ),
    Mutant(
        "the sent snapshot written back",
        SETTLING,
        "        result.done += sum(len(j.claim.items) for j, _ in done)\n        for job",
        "        result.done += sum(len(j.claim.items) for j, _ in done)\n"
        "        for job, _ in done:\n"
        "            now_here = projects.get(self.conn, job.claim.project_id)\n"
        "            if job.project is not None and now_here is not None:\n"
        "                sent = dict(job.project.values)\n"
        "                projects.update(self.conn, now_here, sent, 'x', now, {})\n"
        "        for job",
        (PROMISES,),
    ),
    Mutant(
        "lease not checked at the claim",
        "store/candidates.py",
        '        if row[2] == "in_flight" and not is_due(row[4], now):',
        "        if False:",
        (PROMISES,),
    ),
    Mutant(
        "lease not checked before the send",
        "store/deliveries.py",
        "{_THIS} AND lease_owner = ? AND state = 'in_flight'\",\n            (send[0]",
        '{_THIS} AND ? IS NOT NULL",\n            (send[0]',
        (PROMISES,),
    ),
    Mutant(
        "retry without a cap",
        "services/sync/backoff.py",
        "    ceiling = min(CAP, FIRST * 2.0 ** max(0, attempts - 1))\n"
        "    jittered = rng.uniform(ceiling / 10, ceiling)\n"
        "    return min(CAP, max(jittered, asked or 0.0))",
        "    ceiling = FIRST * 2.0 ** max(0, attempts - 1)\n"
        "    jittered = rng.uniform(ceiling / 10, ceiling)\n"
        "    return max(jittered, asked or 0.0)",
        ("tests/sync/test_backoff.py",),
    ),
    Mutant(
        "retry without jitter",
        "services/sync/backoff.py",
        "jittered = rng.uniform(ceiling / 10, ceiling)",
        "jittered = ceiling",
        ("tests/sync/test_backoff.py",),
    ),
    Mutant(
        "the parent's link before the parent",
        "store/candidates.py",
        "links and _is_ready(conn, project_id)",
        "links",
        (PROMISES,),
    ),
    Mutant(
        "judged against the other target's base",
        DRAIN,
        "        known = bases.get_many(self.conn, ids, target)\n",
        "        known = bases.get_many(self.conn, ids, FIRESTORE)\n",
        (PROMISES, HISTORIES),
    ),
    Mutant(
        "discarding brings nothing back",
        "services/discarding.py",
        '        itsc_roadmap.update_project(conn, ctx, op.project_id, back, origin="discard")',
        "        pass",
        (DISCARDED,),
    ),
    Mutant(
        "the applied marker ignored",
        SENDS,
        "            applied.seq >= sent.seq\n",
        "            False\n",
        (BASES,),
    ),
    Mutant(
        "the loser of a conflict dropped",
        "services/sync/absorb.py",
        "    return int(conflicts.add(conn, conflict))\n\n\ndef ask",
        "    return 0\n\n\ndef ask",
        (PROMISES,),
    ),
    Mutant(
        "a stale read of our own write taken for an edit",
        STALENESS,
        "    return -_CLOCK_STEP <= case.now - from_iso(base.acked_at) < LATE\n",
        "    return False\n",
        (PROMISES,),
    ),
    Mutant(
        "an outage charged to the rows",
        SETTLING,
        'self.back(claim, "retrying" if tried else "pending", unknown=',
        'self.back(claim, "retrying", charge=True, unknown=',
        (PROMISES,),
    ),
    Mutant(
        "a refusal for good tried for ever",
        SETTLING,
        '        self.back(claim, "failed", error=error, charge=True)\n        result.failed += 1',
        '        self.back(claim, "retrying", wait=1.0, error=error, charge=True)',
        (PROMISES,),
    ),
    Mutant(
        "a switched-off target written to",
        "services/sync/engine.py",
        "target is None or not current[name].open or report[name]",
        "target is None or report[name]",
        ("tests/sync/test_promises.py",),
    ),
    Mutant(
        "an old read trusted",
        DRAIN,
        "        if self.ctx.clock() - read_at > self.fresh:\n            with transaction",
        "        if False:\n            with transaction",
        (BASES, PROMISES),
    ),
    Mutant(
        "a tie with Salesforce goes to us",
        "services/sync/merge.py",
        "theirs_wins = theirs_mark.at >= mine_mark.at.replace(microsecond=0)",
        "theirs_wins = theirs_mark.at > mine_mark.at.replace(microsecond=0)",
        ("tests/sync/test_merge.py",),
    ),
)
