"""What to do with one project on one target, from what both sides hold. Pure.

Every write is judged against a read made just before it, by one rule for first sends, resends and
sends whose outcome was never learned. Nothing is ever sent blindly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from services.sync.case import NOBODYS, Case
from services.sync.merge import Merge, equals
from services.sync.sends import send_applied
from services.sync.staleness import read_is_stale
from services.sync.targets.base import Action, Remote
from services.sync.threeway import (
    base_values,
    derived,
    emptied,
    judged_paths,
    mine_mark,
    three_way,
    what_arrived,
)
from store import fields, operations
from store.bases import Base
from store.canon import Value, Values, total_of
from store.clock import from_iso
from store.deliveries import FIRESTORE, LINK, SALESFORCE, Owed


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
    restores = [each for each in case.claim.items if each.kind == "restore"]
    own = [each for each in restores if each.origin != operations.CARRIED]
    at = max((each.at for each in own or restores), default=None)
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
        for path in judged_paths(case)
        if not equals(remote.values.get(path), common.get(path, fields.DEFAULTS.get(path)))
        and remote.values.get(path) != last.get(path)
        and not derived(case, path)
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


def _judge_update(case: Case) -> Decision:
    mine, remote = case.mine, case.remote
    assert mine is not None
    base = {**base_values(case), **what_arrived(case)}
    merged = three_way(case)
    carried = _carried(case) | emptied(case, base)
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
    paths += [p for p in _retold(case, merged) if p not in paths]
    if not paths:
        return Decision(merged=merged)
    action = Action.LINK if case.claim.part == LINK else Action.UPDATE
    return Decision(action=action, paths=paths, merged=merged, contested=theirs_moved)


def _retold(case: Case, merged: Merge) -> list[str]:
    """Fields that somebody here set to what the document has, but upon another value, which may be
    on its way there from elsewhere: the document is told when they were set last."""
    if case.claim.target != FIRESTORE:
        return []
    found = []
    for path in sorted(merged.agreed):
        edits = [item for item in case.claim.items if path in item.changes]
        if not edits or edits[-1].origin in NOBODYS or derived(case, path):
            continue
        upon = edits[0].changes[path][0]
        news = upon != case.remote.values.get(path) or any(e.origin in NOBODYS for e in edits)
        stamp = case.remote.stamps.get(path)
        if news and (stamp is None or stamp.at < mine_mark(case)(path).at):
            found.append(path)
    return found


def _vanished(case: Case) -> str:
    name = "Firestore" if case.claim.target == FIRESTORE else "Salesforce"
    if case.remote.deleted:
        by = f" by {case.remote.deleted_by}" if case.remote.deleted_by else ""
        return f"edited here, but deleted in {name}{by}"
    return f"edited here, but {name} no longer shows the record"


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
