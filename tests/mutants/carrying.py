"""Bugs of who carries what somebody else owes, of copies, and of the calls that all share."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

CARRIED = "tests/sync/test_carried.py"
COPIED = "tests/sync/test_copied.py"
RATION = "tests/kpis/test_ration.py"
QUOTA = "tests/sync/test_shared_quota.py"
CARRYING = "services/sync/carrying.py"
DRAIN = "services/sync/drain.py"

MUTANTS = (
    Mutant(
        "an owed edit carried at once",
        "store/owes.py",
        "AND (w.since <= ?1 - ?2 OR w.since > ?1)",
        "AND (w.since <= ?1 OR ?2 < 0)",
        (CARRIED,),
    ),
    Mutant(
        "since when an edit is owed forgotten with every reading",
        "store/owes.py",
        "since.get((path, op), now)",
        "now",
        (CARRIED,),
    ),
    Mutant(
        "carried without the lease",
        "services/sync/inbound.py",
        "        if not self._may_poll():\n            return\n        later",
        "        later",
        (CARRIED,),
    ),
    Mutant(
        "carried from a copy that is not current",
        DRAIN,
        "        carried = [claim.project_id for claim in claims if claim.is_carried]",
        "        carried: list[str] = []",
        (CARRIED,),
    ),
    Mutant(
        "a carried edit sent without a guard",
        DRAIN,
        "contested=decision.contested or claim.is_carried",
        "contested=decision.contested",
        (CARRIED,),
    ),
    Mutant(
        "a carried edit stays owed on the document",
        "services/sync/notes.py",
        "        paid=(*own, *carried),",
        "        paid=(*own,),",
        (CARRIED,),
    ),
    Mutant(
        "a refused carried edit struck out",
        "services/sync/notes.py",
        "paid(debts.carried, remote.owes).items() if p not in owed}",
        "paid(debts.carried, remote.owes).items()}",
        (CARRIED,),
    ),
    Mutant(
        "an author's later edit superseded by what was carried",
        CARRYING,
        "if p in told and each.seq <= mine[told[p].op]}",
        "if p in told}",
        (CARRIED,),
    ),
    Mutant(
        "the author delivers what was carried for him",
        "services/sync/takeover.py",
        "    carrying.concede(conn, ctx, remote)\n",
        "",
        (CARRIED,),
    ),
    Mutant(
        "a delete carried over a person's edit asked of the wrong one",
        DRAIN,
        "if left and claim.carries_delete and not self._was_deleted_here(claim.project_id):",
        "if False:",
        (CARRIED,),
    ),
    Mutant(
        "a debt that ended without a send stays on the document",
        DRAIN,
        "                bases.unshare(self.conn, claim.project_id, SALESFORCE)\n",
        "                pass\n",
        (CARRIED,),
    ),
    Mutant(
        "a debt that a merge ended stays on the document",
        "services/sync/engine.py",
        "notes.strike_out(self.conn, self.ctx, firestore, client_id=self.client_id)",
        "pass",
        (CARRIED,),
    ),
    Mutant(
        "a debt struck out while a later edit of the field is on its way",
        "services/sync/notes.py",
        "if (left := set(paths) - owed.get(pid, {}).keys())",
        "if (left := set(paths))",
        (CARRIED,),
    ),
    Mutant(
        "what a person replaced stays owed",
        DRAIN,
        "            paid=tuple(p for p in values if p in remote.owes and p not in owed),\n",
        "",
        (CARRIED,),
    ),
    Mutant(
        "a copy's outcomes taken for known",
        "services/sync/identity.py",
        "    renew(conn)\n",
        "",
        (COPIED,),
    ),
    Mutant(
        "a copy's whole log taken for common",
        "services/sync/identity.py",
        "meta.succeed(conn, fresh, max(_common(conn, _told(client_id, remotes)), default=0))",
        "meta.succeed(conn, fresh)",
        (COPIED,),
    ),
    Mutant(
        "a copy that only sends does not notice",
        DRAIN,
        "        if target.name == FIRESTORE and self._is_copy(remotes):\n            return\n",
        "",
        (COPIED,),
    ),
    Mutant(
        "the calls of a ticket pull not counted",
        "services/kpis/ration.py",
        "            calls.count(usage)\n",
        "",
        (RATION,),
    ),
    Mutant(
        "a ticket pull goes on at the cap",
        "services/kpis/ration.py",
        "            if budget.is_spent:",
        "            if False:",
        (RATION,),
    ),
    Mutant(
        "calls told to the others too late",
        "services/sync/calls.py",
        "        return max(1, min(TELL_AFTER, budget.left // (2 * max(2, budget.operators))))",
        "        return TELL_AFTER",
        (QUOTA,),
    ),
    Mutant(
        "no room kept for the round that another operator begins",
        "services/sync/quota.py",
        "self.left < RESERVE * self.operators",
        "self.left < RESERVE",
        (QUOTA,),
    ),
    Mutant(
        "a day counted by one's own clock",
        "services/sync/calls.py",
        "self.clock() + targets.clock_offset(self.conn) + ahead",
        "self.clock() + ahead",
        (QUOTA,),
    ),
    Mutant(
        "the others' day forgotten by a clock that is ahead",
        "services/sync/calls.py",
        "if old < self._day(-DAY)}",
        "if old < day}",
        (QUOTA,),
    ),
)
