"""The merge of what a record holds with what this side holds: whose each difference is. Pure.

``merge`` decides field by field; here is what it has to know of each: what an edit of mine took the
place of, whether theirs is an edit at all, and when each of them was set.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from services.sync.case import RELAYED, SECOND, Case
from services.sync.merge import Mark, Merge, edit_in_salesforce, equals, merge
from services.sync.sends import send_applied
from services.sync.targets.base import Action
from store import fields
from store.canon import Value, Values
from store.clock import from_iso
from store.deliveries import FIRESTORE, LINK, SALESFORCE, Owed

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def three_way(case: Case) -> Merge:
    """The merge of what the record holds with what this side holds, field by field."""
    mine, remote = case.mine, case.remote
    assert mine is not None
    arrived = what_arrived(case)
    restored = _only_restored(case)
    found = {path: mine.get(path) for path in case.owed if _was_told_better(case, path)}
    # Of what did arrive only what was edited here since is ours.
    replaced = {
        path: owed.replaced
        for path, owed in case.owed.items()
        if path not in restored
        and (path not in arrived or mine.get(path) != arrived[path])
        and path not in found
        and (path in arrived or not _became_common(case, path, owed))
    }
    base = {**base_values(case), **arrived, **found}
    replaced = {**{path: base.get(path) for path in emptied(case, base)}, **replaced}
    return merge(
        base,
        mine,
        remote.values,
        paths=[p for p in judged_paths(case) if not derived(case, p)],
        replaced=replaced,
        mine_mark=mine_mark(case),
        theirs_mark=_theirs_mark(case),
        judged=lambda path, theirs: (
            _went_over(case, path, theirs) or _was_decided(case, path, theirs)
        ),
        overtaken=lambda path, theirs: _is_regression(case, path, theirs),
        reset=lambda path: _was_reset(case, path),
    )


def _became_common(case: Case, path: str, owed: Owed) -> bool:
    """Whether the record was seen with mine, whoever was to write down that it had arrived: what is
    there since was made upon it."""
    base = case.base
    if base is None or not base.present or path not in base.values:
        return False
    return base.values[path] == (case.mine or {}).get(path) != owed.replaced


def _was_told_better(case: Case, path: str) -> bool:
    """Whether mine was only found in a row, and the document has another value since, which its
    maker told himself: mine counts as what that was made upon."""
    stamp, mark = case.remote.stamps.get(path), mine_mark(case)(path)
    if case.claim.target != FIRESTORE or mark.origin != RELAYED or stamp is None:
        return False
    if case.base is None:
        return True
    common = case.base.values.get(path, fields.DEFAULTS.get(path))
    return stamp.at >= mark.at and not equals(case.remote.values.get(path), common)


def _went_over(case: Case, path: str, theirs: Value) -> bool:
    """Whether mine was made upon this value of theirs. A document's stamp tells when it was set
    anew since, and is another edit."""
    owed, stamp = case.owed.get(path), case.remote.stamps.get(path)
    if owed is None or theirs not in owed.seen or _was_reset(case, path):
        return False
    return case.claim.target != FIRESTORE or stamp is None or stamp.at < mine_mark(case)(path).at


def _is_regression(case: Case, path: str, theirs: Value) -> bool:
    """Whether a record went back to an older value of ours: a late request landed after a newer
    one. A document's stamp says whose value it is; of a row it is known that our user wrote it
    last, and an empty field there may be a person's doing."""
    if case.claim.target == FIRESTORE:
        stamp = case.remote.stamps.get(path)
        return stamp is not None and case.ours(stamp.op) and case.overtaken(path, theirs)
    ours = case.claim.target == SALESFORCE and case.remote.modified_by_us
    return ours and theirs is not None and case.overtaken(path, theirs)


def _was_reset(case: Case, path: str) -> bool:
    """Whether somebody set a field of the document to what it has after mine was set: it is an
    edit, be it to the common value. Clocks are known to a second."""
    stamp, base = case.remote.stamps.get(path), case.base
    if case.claim.target != FIRESTORE or stamp is None or case.ours(stamp.op):
        return False
    if base is not None and base.token == case.remote.token:
        return False
    if base is not None and not base.present:
        return "restore" in case.claim.kinds  # somebody else brought it back, too, as he had it
    mark = mine_mark(case)(path)
    if mark.origin in (SALESFORCE, RELAYED) and base is not None and base.modified_at is not None:
        # Of a field without history only its row's time is known, which may be of another edit.
        return stamp.at > min(mark.at, from_iso(base.modified_at)) + SECOND
    return stamp.at > mark.at + SECOND


def _was_decided(case: Case, path: str, theirs: Value) -> bool:
    """Whether this is the clash that was decided for mine before: the same edit of theirs, on the
    other target. The same value, set anew by somebody, is another edit. Of a field without history
    a row tells only when somebody changed anything of it: then it is taken for the same edit."""
    at = case.known.get((path, theirs))
    if at is None:
        return False
    remote = case.remote
    if case.claim.target == SALESFORCE and (remote.modified_by_us or path not in remote.stamps):
        return True
    return _theirs_mark(case)(path).at <= from_iso(at) + SECOND


def base_values(case: Case) -> Values:
    """What is common with the record; nothing where it was never seen."""
    return case.base.values if case.base else {}


def what_arrived(case: Case) -> Values:
    """What a send of unknown outcome left there, where it is known to have arrived."""
    sent = case.claim.sent
    if sent is not None and sent.action != Action.DELETE and send_applied(case):
        return sent.values
    return {}


def _only_restored(case: Case) -> set[str]:
    """Fields that a restore alone carries and that stand as they were common with a record which
    is there after all: nobody edited them here."""
    base, mine = case.base, case.mine or {}
    if base is None or not base.present:
        return set()
    edited = {p for item in case.claim.items if item.kind != "restore" for p in item.changes}
    restores = [item.changes for item in case.claim.items if item.kind == "restore"]
    restored = {p for changes in restores for p, (old, _) in changes.items() if old is None}
    return {
        path
        for path in restored - edited
        if mine.get(path) == base.values.get(path, fields.DEFAULTS.get(path))
    }


def emptied(case: Case, base: Values) -> set[str]:
    """Fields that a restore leaves empty although the record, there after all, has them: it set
    them as well as the others."""
    if case.mine is None or not any(item.kind == "restore" for item in case.claim.items):
        return set()
    return {
        path
        for path in judged_paths(case)
        if case.mine.get(path) is None
        and base.get(path) not in (None, fields.DEFAULTS.get(path))
        and not derived(case, path)
    }


def judged_paths(case: Case) -> list[str]:
    """The paths that can be compared: what the target told; of Firestore every vote on any side."""
    if case.claim.target == SALESFORCE:
        if case.claim.part == LINK:
            return ["parent_id"] if "parent_id" in case.remote.values else []
        return list(case.remote.values)
    votes = {
        p
        for values in (case.mine or {}, case.remote.values, case.base.values if case.base else {})
        for p in values
        if fields.is_score(p)
    }
    return [p for p in case.remote.values if p not in votes] + sorted(votes)


def derived(case: Case, path: str) -> bool:
    """The total is computed where anybody votes or takes a vote back; outbound only."""
    voted = (p for side in (case.mine or {}, case.remote.values, case.owed) for p in side)
    return path == "total_score" and any(map(fields.is_score, voted))


def marks_of(case: Case, path: str) -> tuple[Mark, Mark]:
    """When and by whom mine and theirs of a field were set."""
    return mine_mark(case)(path), _theirs_mark(case)(path)


def mine_mark(case: Case) -> Callable[[str], Mark]:
    """What tells when and by whom each field was set here."""

    def mark(path: str) -> Mark:
        stamp, owed = case.stamp(path), case.owed.get(path)
        if stamp is not None:
            return Mark(from_iso(stamp.at), stamp.by, stamp.op_id, stamp.origin)
        if owed is not None:
            return Mark(from_iso(owed.at), owed.operator, owed.op_id, "local")
        return Mark(_EPOCH, "", "", "local")

    return mark


def _theirs_mark(case: Case) -> Callable[[str], Mark]:
    remote = case.remote
    at_all = remote.modified_at or _EPOCH

    def mark(path: str) -> Mark:
        stamp = remote.stamps.get(path)
        if stamp is not None:
            return Mark(stamp.at, stamp.by, stamp.op, stamp.origin)
        if case.claim.target == SALESFORCE:
            op = edit_in_salesforce(remote.values.get(path))
        else:
            op = remote.token or at_all.isoformat()
        return Mark(at_all, remote.modified_by or "", op, case.claim.target)

    return mark
