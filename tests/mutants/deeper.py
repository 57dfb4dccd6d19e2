"""Bugs that only two operators, a person and some bad luck together bring out."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

REPLAYED = "tests/sync/test_replayed.py"
ABSORB = "services/sync/absorb.py"
CONFLICTS = "services/conflicts.py"
DISCARDING = "services/discarding.py"
DRAIN = "services/sync/drain.py"
INTAKE = "services/sync/intake.py"
JUDGE = "services/sync/judge.py"
STANDING = "services/sync/standing.py"
TAKEOVER = "services/sync/takeover.py"
THREEWAY = "services/sync/threeway.py"

MUTANTS = (
    Mutant(
        "a value found in a row dated as if it had been set when it was written there",
        ABSORB,
        "    if robots and (stamp is None or moment is None or stamp.at >= moment):",
        "    if False:",
        (REPLAYED,),
    ),
    Mutant(
        "a project first met in its row dated by its row",
        TAKEOVER,
        "    if target == SALESFORCE and remote.modified_by_us:",
        "    if False:",
        (REPLAYED,),
    ),
    Mutant(
        "what was only found in a row clashes with what its maker told",
        THREEWAY,
        "    found = {path: mine.get(path) for path in case.owed if _was_told_better(case, path)}",
        "    found: Values = {}",
        (REPLAYED,),
    ),
    Mutant(
        "another operator's row taken before he could mend it",
        INTAKE,
        "        if strange and remote.modified_by_us and _was_written_unseen(case):",
        "        if False:",
        (REPLAYED,),
    ),
    Mutant(
        "an arrival that nobody wrote down not looked at for what it covered",
        DRAIN,
        "            parked.park(self.conn, SALESFORCE, [claim.project_id], until=0.0)",
        "            pass",
        (REPLAYED,),
    ),
    Mutant(
        "an edit that arrived unwritten still clashes",
        THREEWAY,
        "    return base.values[path] == (case.mine or {}).get(path) != owed.replaced",
        "    return False",
        (REPLAYED,),
    ),
    Mutant(
        "what arrived taken for what was common before",
        THREEWAY,
        "        and (path in arrived or not _became_common(case, path, owed))",
        "        and not _became_common(case, path, owed)",
        (REPLAYED,),
    ),
    Mutant(
        "a push decided against taken for a person's edit of its row",
        THREEWAY,
        "(remote.modified_by_us or path not in remote.stamps)",
        "remote.modified_by_us",
        (REPLAYED,),
    ),
    Mutant(
        "two who bring one project back overwrite each other unseen",
        THREEWAY,
        'return "restore" in case.claim.kinds',
        "return False",
        (REPLAYED,),
    ),
    Mutant(
        "an edit back to the common value not told",
        JUDGE,
        "    paths += [p for p in _retold(case, merged) if p not in paths]",
        "    pass",
        (REPLAYED,),
    ),
    Mutant(
        "an edit back to the common value not heard",
        THREEWAY,
        "        reset=lambda path: _was_reset(case, path),",
        "        reset=lambda path: False,",
        (REPLAYED,),
    ),
    Mutant(
        "a restore as late as the one that carries its edits",
        JUDGE,
        "    at = max((each.at for each in own or restores), default=None)",
        "    at = max((each.at for each in restores), default=None)",
        (REPLAYED,),
    ),
    Mutant(
        "a link that ended with its parent's row stays away",
        STANDING,
        "    late |= _cut_with_its_parent(conn, case, project, base, apart)",
        "    pass",
        (REPLAYED,),
    ),
    Mutant(
        "a total owed besides its votes",
        STANDING,
        '        and path != "total_score"  # votes make it',
        "        and True",
        (REPLAYED,),
    ),
    Mutant(
        "a relayed edit owed over the person's next one",
        STANDING,
        "    if stamp is not None and stamp.origin == RELAYED:",
        "    if False:",
        (REPLAYED,),
    ),
    Mutant(
        "an older document revives what was deleted since",
        TAKEOVER,
        "        if known is not None and not known.present and known.acked_at:",
        "        if False:",
        (REPLAYED,),
    ),
    Mutant(
        "a link that its parent's end cut not told by its maker",
        TAKEOVER,
        "    parts = links.EVERYWHERE if untold else ()",
        "    parts = ()",
        (REPLAYED,),
    ),
    Mutant(
        "what was discarded after it had left not followed",
        DISCARDING,
        "        _ask_after(conn, ctx, op.project_id)\n",
        "",
        (REPLAYED,),
    ),
    Mutant(
        "a create that another operator made taken for one's own",
        "services/sync/sends.py",
        "    if sent.action == Action.CREATE and not _made_by_another(case):",
        "    if sent.action == Action.CREATE:",
        (REPLAYED,),
    ),
    Mutant(
        "a kept project without what was emptied in it",
        CONFLICTS,
        "            emptied |= {p: old for p, (old, new) in was.changes.items() if new is None}",
        "            pass",
        (REPLAYED,),
    ),
    Mutant(
        "a record that is there again not judged anew",
        CONFLICTS,
        "deliveries.let_go(conn, found.project_id)  # the record",
        "pass  # the record",
        (REPLAYED,),
    ),
    Mutant(
        "a row older than its own history believed",
        "services/sync/provenance.py",
        "            told.later.add(claim.project_id)",
        "            pass",
        (REPLAYED,),
    ),
    Mutant(
        "every row of our user's waits for its author",
        INTAKE,
        "    return written - since <= LATE",
        "    return True",
        (REPLAYED,),
    ),
    Mutant(
        "a delete that was carried in vain carried again and again",
        "store/deliveries.py",
        '"delete", carried=True)',
        '"delete")',
        ("tests/sync/test_carried.py",),
    ),
    Mutant(
        "a version from before the organisation was set back waited for for ever",
        "services/sync/staleness.py",
        " and not _is_long_past(case, base):",
        ":",
        (REPLAYED,),
    ),
    Mutant(
        "a row that nobody told of not sought in the recycle bin",
        DRAIN,
        "            or others\n",
        "",
        (REPLAYED,),
    ),
    Mutant(
        "a row older than what was set here judged at the first look",
        INTAKE,
        "        return self.ctx.clock() + AGAIN\n\n    def _is_back",
        "        return None\n\n    def _is_back",
        (REPLAYED,),
    ),
    Mutant(
        "a delivered row taken for a delivered link",
        "services/sync/provenance.py",
        "for path in log[seq].changes if _travels(path, target, part)}",
        "for path in log[seq].changes}",
        (REPLAYED,),
    ),
    Mutant(
        "a cut link stamped by the wrong clock",
        TAKEOVER,
        "FieldStamp(corrected, by, trace, target)",
        "FieldStamp(at, by, trace, target)",
        (REPLAYED,),
    ),
)
