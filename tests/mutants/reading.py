"""Bugs of the way from the targets and from other operators to here."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

REVERSE = "tests/sync/test_reverse.py"
BASES = "tests/sync/test_bases_and_operators.py"
JUDGE = "services/sync/judge.py"
THREEWAY = "services/sync/threeway.py"
SENDS = "services/sync/sends.py"

MUTANTS = (
    Mutant(
        "strict > on the mark",
        "services/sync/targets/sf_soql.py",
        "AND SystemModstamp >= {_second(since)}",
        "AND SystemModstamp > {_second(since)}",
        ("tests/salesforce/test_target_changed.py",),
    ),
    Mutant(
        "no overlap behind the mark",
        "services/sync/reconcile.py",
        "OVERLAP = dt.timedelta(minutes=5)",
        "OVERLAP = dt.timedelta(0)",
        (REVERSE,),
    ),
    Mutant(
        "the mark past a row that was put off",
        "services/sync/intake.py",
        "parked.park(self.conn, self.target, [pid], until or self.ctx.clock() + AGAIN)",
        "pass",
        (REVERSE, BASES),
    ),
    Mutant(
        "an echo known by time alone",
        "services/sync/intake.py",
        "        pull = Pull(Verdict.LATER) if until else judge_pulled(case, here)",
        "        pull = Pull(Verdict.NOTHING) if until else judge_pulled(case, here)",
        (REVERSE,),
    ),
    Mutant(
        "the cap on deletions ignored",
        "services/sync/reconcile.py",
        "too_many = not self.believe and len(absent) > believable(len(known))",
        "too_many = False",
        (REVERSE,),
    ),
    Mutant(
        "a tombstone read as alive",
        "services/sync/targets/fs_layout.py",
        'deleted = doc.get("deleted") is True',
        "deleted = False",
        (REVERSE,),
    ),
    Mutant(
        "the poller's lease not looked at",
        "services/sync/poller.py",
        "        if not holder or holder == self.owner:\n            return True\n",
        "        return True\n",
        (REVERSE,),
    ),
    Mutant(
        "another operator's push taken for a person's edit",
        "services/sync/provenance.py",
        "if remote.exists and judge.unexplained(",
        "if False and judge.unexplained(",
        (BASES,),
    ),
    Mutant(
        "a late older value of ours merged",
        THREEWAY,
        "    return ours and theirs is not None and case.overtaken(path, theirs)",
        "    return False",
        (BASES,),
    ),
    Mutant(
        "a note strikes out what others owe",
        "services/sync/notes.py",
        "if op in debts.ours and p not in owed",
        "if p not in owed",
        (BASES,),
    ),
    Mutant(
        "one equal field proof of a lost send",
        SENDS,
        "    if seen and not missing:",
        "    if seen:",
        (BASES,),
    ),
)
