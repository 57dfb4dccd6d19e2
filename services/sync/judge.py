"""What to do with one project on one target, from what both sides hold. Pure.

Every write is judged against a read made just before it, by one rule for first sends, resends and
sends whose outcome was never learned. Nothing is ever sent blindly.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from services.sync.case import NOBODYS, Case
from services.sync.merge import Mark, Merge, edit_in_salesforce, equals, merge
from services.sync.sends import send_applied
from services.sync.staleness import read_is_stale
from services.sync.targets.base import Action, Remote
from store import fields, operations
from store.bases import Base
from store.canon import Value, Values, total_of
from store.clock import from_iso
from store.deliveries import FIRESTORE, LINK, SALESFORCE, Owed

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True)
class Decision:
    """``action`` None: nothing has to be sent, the claim is over. ``paths`` are what is sent.
    ``blocked`` names why a person must decide; ``wait`` that the read was older than our own last
    write; ``gone`` that the record is not there; ``contested`` that it changed since the base."""

    action: Action | None = None
    paths: list[str] = field(default_factory=list)
    merged: Merge = field(default_factory=Merge)
    blocked: str | None = None
    wait: bool = False
    gone: bool = False
    contested: bool = False


def judge(case: Case) -> Decision:
    """The decision for one claim."""
    if read_is_stale(case):
        return Decision(wait=True)
    if case.mine is None:
        return _judge_delete(case)
    remote, base, kinds = case.remote, case.base, {i.kind for i in case.claim.items}
    was_there = base is not None and base.present
    if not remote.exists or remote.deleted:
        edited = any(item.origin not in NOBODYS for item in case.claim.items)
        if case.claim.part == LINK and not (was_there and edited):
            return Decision(action=None, gone=True)
        if was_there and not _gone_by_us(case):
            # A restore brings back what was known to be gone; somebody else's delete is news.
            return Decision(blocked=_vanished(case), gone=True)
        if case.claim.part == LINK:
            return Decision(action=None, gone=True)
        if "restore" in kinds and not _deleted_since(case):
            action = Action.RESTORE if remote.deleted else Action.CREATE
            return Decision(action=action, paths=_all_paths(case))
        if not was_there and (not remote.deleted or _of_another_life(case)):
            # Nothing is there, nothing is known, and the create is not among these edits: the
            # whole record goes, as the first of them would have sent it.
            return Decision(action=Action.CREATE, paths=_all_paths(case))
        return Decision(blocked=_vanished(case), gone=True)
    return _judge_update(case)


def _deleted_since(case: Case) -> bool:
    """Whether somebody else deleted the row after it was brought back here: another delete than the
    one that was taken back. Of Salesforce alone; a document comes back by a restore only."""
    remote = case.remote
    if case.claim.target != SALESFORCE or not remote.deleted or remote.modified_by_us:
        return False
    at = max((i.at for i in case.claim.items if i.kind == "restore"), default=None)
    if at is None or remote.modified_at is None:
        return False
    return remote.modified_at > from_iso(at) + case.offset


def _of_another_life(case: Case) -> bool:
    """Whether a row in the recycle bin had been made before this project's create was sent, or
    before the project was made where another operator sent it: its id was another one's then."""
    sent, made, begun = case.claim.sent, case.remote.created_at, None
    if sent is not None and not case.claim.is_carried:
        begun = from_iso(sent.sent_at) + case.offset
    elif case.made_at is not None:
        begun = from_iso(case.made_at)
    if case.base is not None or begun is None or made is None:
        return False
    return made < begun.replace(microsecond=0)


def clashing(
    mine: Values | None, base: Base | None, remote: Remote, owed: Mapping[str, Owed]
) -> bool:
    """Whether a field was changed differently on both sides, so that its time decides."""
    common = base.values if base else {}
    return mine is not None and any(
        path in remote.values
        and remote.values[path] not in (mine.get(path), each.replaced, *each.seen)
        and not equals(remote.values[path], common.get(path, fields.DEFAULTS.get(path)))
        for path, each in owed.items()
    )


def unexplained(mine: Values | None, base: Base | None, remote: Remote) -> bool:
    """Whether the row holds something that another operator may know more about: a project that is
    unknown here, or a value that is neither ours nor the common one. A row has one author; the
    value may still be another operator's push that a person's edit of another field came after."""
    if mine is None:
        return base is None and not remote.deleted
    common = base.values if base else {}
    return any(
        value != mine.get(path) and not equals(value, common.get(path, fields.DEFAULTS.get(path)))
        for path, value in remote.values.items()
    )


def _judge_delete(case: Case) -> Decision:
    remote, base = case.remote, case.base
    if case.claim.part == LINK or not remote.exists or remote.deleted:
        late = _may_come_late(case) and not remote.exists
        return Decision(action=Action.DELETE if late else None, gone=True)
    if _made_again(case) or _set_anew(case):
        return Decision(blocked="deleted here, but brought back there since")
    common: Mapping[str, Value] = base.values if base else {}
    if case.claim.sent is not None and send_applied(case) is not False:
        common = {**common, **case.claim.sent.values}
    last = _last_local(case)
    changed = [
        path
        for path in _judged_paths(case)
        if not equals(remote.values.get(path), common.get(path, fields.DEFAULTS.get(path)))
        and remote.values.get(path) != last.get(path)
        and not _derived(case, path)
    ]
    if changed:
        labels = ", ".join(fields.label_of(path) for path in changed)
        return Decision(blocked=f"deleted here, but {labels} was edited there since")
    return Decision(action=Action.DELETE)


def _may_come_late(case: Case) -> bool:
    """Whether a create of ours may still be on its way to Firestore: a tombstone has to keep it
    from bringing the project back."""
    sent = case.claim.sent
    return case.claim.target == FIRESTORE and sent is not None and sent.action == Action.CREATE


def _gone_by_us(case: Case) -> bool:
    """Whether this side knows that the record is gone: a delete of ours left and may have arrived,
    or a person was asked about it and decided to bring it back."""
    sent, items = case.claim.sent, case.claim.items
    left = sent is not None and sent.action == Action.DELETE
    return left or any(i.kind == "restore" and i.origin == operations.CONFLICT for i in items)


def _made_again(case: Case) -> bool:
    """Whether our delete did arrive, and somebody brought the record back since."""
    sent, base, remote = case.claim.sent, case.base, case.remote
    if sent is None or sent.action != Action.DELETE:
        return False
    if case.claim.target == FIRESTORE:
        return send_applied(case) is True
    known = base.remote_id if base else None
    return None not in (known, remote.remote_id) and known != remote.remote_id


def _set_anew(case: Case) -> bool:
    """Whether the document carries a later stamp than this side had of it when it was deleted, or
    belongs to another row by now: it was edited or restored since, be it to the same values. Who
    decided a conflict knew of that."""
    decided = any(item.origin == operations.CONFLICT for item in case.claim.items)
    if case.claim.target != FIRESTORE or decided:
        return False
    told = case.remote.sf
    if told is not None and case.buried_id is not None and told.id not in (None, case.buried_id):
        return True
    return any(
        (known := case.stamp(path)) is not None and stamp.at > from_iso(known.at)
        for path, stamp in case.remote.stamps.items()
    )


def three_way(case: Case) -> Merge:
    """The merge of what the record holds with what this side holds, field by field."""
    mine, remote = case.mine, case.remote
    assert mine is not None
    arrived = _arrived(case)
    restored = _only_restored(case)
    # Of what did arrive only what was edited here since is ours.
    replaced = {
        path: owed.replaced
        for path, owed in case.owed.items()
        if path not in restored and (path not in arrived or mine.get(path) != arrived[path])
    }
    base = {**_base_values(case), **arrived}
    replaced = {**{path: base.get(path) for path in _emptied(case, base)}, **replaced}
    return merge(
        base,
        mine,
        remote.values,
        paths=[p for p in _judged_paths(case) if not _derived(case, p)],
        replaced=replaced,
        mine_mark=_mine_mark(case),
        theirs_mark=_theirs_mark(case),
        judged=lambda path, theirs: (
            _went_over(case, path, theirs) or _was_decided(case, path, theirs)
        ),
        overtaken=lambda path, theirs: _is_regression(case, path, theirs),
    )


def _went_over(case: Case, path: str, theirs: Value) -> bool:
    """Whether mine was made upon this value of theirs. A document's stamp tells when it was set
    anew since, and is another edit."""
    owed, stamp = case.owed.get(path), case.remote.stamps.get(path)
    if owed is None or theirs not in owed.seen:
        return False
    return case.claim.target != FIRESTORE or stamp is None or stamp.at < _mine_mark(case)(path).at


def _is_regression(case: Case, path: str, theirs: Value) -> bool:
    """Whether a record went back to an older value of ours: a late request landed after a newer
    one. A document's stamp says whose value it is; of a row it is known that our user wrote it
    last, and an empty field there may be a person's doing."""
    if case.claim.target == FIRESTORE:
        stamp = case.remote.stamps.get(path)
        return stamp is not None and case.ours(stamp.op) and case.overtaken(path, theirs)
    ours = case.claim.target == SALESFORCE and case.remote.modified_by_us
    return ours and theirs is not None and case.overtaken(path, theirs)


def _base_values(case: Case) -> Values:
    return case.base.values if case.base else {}


def _arrived(case: Case) -> Values:
    """What a send of unknown outcome left there, where it is known to have arrived."""
    sent = case.claim.sent
    if sent is not None and sent.action != Action.DELETE and send_applied(case):
        return sent.values
    return {}


def _judge_update(case: Case) -> Decision:
    mine, remote = case.mine, case.remote
    assert mine is not None
    base = {**_base_values(case), **_arrived(case)}
    merged = three_way(case)
    carried = _carried(case) | _emptied(case, base)
    paths = [p for p in _pushable(case, merged.send) if p in carried]
    total = total_of({**mine, **merged.take})
    scored = any(fields.is_score(p) for p in carried)
    if case.claim.part != LINK and scored:
        if case.claim.target == SALESFORCE:
            paths = [p for p in paths if not fields.is_score(p)]
        paths = [p for p in paths if p != "total_score"]
        if remote.values.get("total_score") != total:
            paths.append("total_score")
    theirs_moved = any(
        not equals(remote.values.get(p), base.get(p, fields.DEFAULTS.get(p))) for p in remote.values
    )
    if not paths:
        return Decision(merged=merged)
    action = Action.LINK if case.claim.part == LINK else Action.UPDATE
    return Decision(action=action, paths=paths, merged=merged, contested=theirs_moved)


def _only_restored(case: Case) -> set[str]:
    """Fields that a restore alone carries and that stand as they were common with a record which
    is there after all: nobody edited them here."""
    base, mine = case.base, case.mine or {}
    if base is None or not base.present:
        return set()
    edited = {p for item in case.claim.items if item.kind != "restore" for p in item.changes}
    restored = {p for item in case.claim.items if item.kind == "restore" for p in item.changes}
    return {
        path
        for path in restored - edited
        if mine.get(path) == base.values.get(path, fields.DEFAULTS.get(path))
    }


def _emptied(case: Case, base: Values) -> set[str]:
    """Fields that a restore leaves empty although the record, there after all, has them: it set
    them as well as the others."""
    if case.mine is None or not any(item.kind == "restore" for item in case.claim.items):
        return set()
    return {
        path
        for path in _judged_paths(case)
        if case.mine.get(path) is None
        and base.get(path) not in (None, fields.DEFAULTS.get(path))
        and not _derived(case, path)
    }


def _vanished(case: Case) -> str:
    name = "Firestore" if case.claim.target == FIRESTORE else "Salesforce"
    if case.remote.deleted:
        by = f" by {case.remote.deleted_by}" if case.remote.deleted_by else ""
        return f"edited here, but deleted in {name}{by}"
    return f"edited here, but {name} no longer shows the record"


def _judged_paths(case: Case) -> list[str]:
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


def _derived(case: Case, path: str) -> bool:
    """The total is computed where anybody votes or takes a vote back; outbound only."""
    voted = (p for side in (case.mine or {}, case.remote.values, case.owed) for p in side)
    return path == "total_score" and any(map(fields.is_score, voted))


def _carried(case: Case) -> set[str]:
    """The fields this claim may send: those of its own operations."""
    paths = {p for item in case.claim.items for p in item.changes}
    if any(fields.is_score(p) for p in paths):
        paths.add("total_score")
    if case.claim.part == LINK:
        return paths & {"parent_id"}
    return paths


def _pushable(case: Case, paths: Collection[str]) -> list[str]:
    if case.claim.target == FIRESTORE:
        return sorted(paths)
    if case.claim.part == LINK:
        return [p for p in paths if p == "parent_id"]
    return sorted(p for p in paths if p != "parent_id")


def _all_paths(case: Case) -> list[str]:
    mine = case.mine or {}
    if case.claim.target == FIRESTORE:
        return list(mine)
    return [
        f.path
        for f in fields.FIELDS
        if f.sf is not None and f.path != "parent_id" and f.path in mine
    ]


def _last_local(case: Case) -> Values:
    """What this side last held of a project that is deleted now."""
    deletes = [item for item in case.claim.items if item.kind == "delete"]
    return {p: old for p, (old, _) in deletes[-1].changes.items()} if deletes else {}


def _was_decided(case: Case, path: str, theirs: Value) -> bool:
    """Whether this is the clash that was decided for mine before: the same edit of theirs, on the
    other target. The same value, set anew by somebody, is another edit."""
    at = case.known.get((path, theirs))
    if at is None:
        return False
    mark = _theirs_mark(case)(path)
    return case.remote.modified_by_us or mark.at <= from_iso(at) + dt.timedelta(seconds=1)


def marks_of(case: Case, path: str) -> tuple[Mark, Mark]:
    """When and by whom mine and theirs of a field were set."""
    return _mine_mark(case)(path), _theirs_mark(case)(path)


def _mine_mark(case: Case) -> Callable[[str], Mark]:
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
