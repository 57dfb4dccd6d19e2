"""What to do here with a record that was read because it moved there. Pure.

The counterpart of ``judge``: there something wants to be delivered, here something was changed by
somebody else. The same three-way merge decides, and nothing is sent: what has to travel on becomes
an operation of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from services.sync.case import Case
from services.sync.merge import Merge
from services.sync.staleness import read_is_stale
from services.sync.threeway import three_way
from store.deliveries import FIRESTORE


class Verdict(Enum):
    """What a pulled record means for this side."""

    NOTHING = "known already, or a delivery of ours will settle it"
    LATER = "can't be judged yet: a write of ours is under way, or the read is older than ours"
    MERGE = "merge its fields"
    CREATE = "a project that is not known here"
    BURY = "deleted there, untouched here"
    REMEMBER = "deleted there, never known here: its id is taken"
    REVIVE = "deleted here, and brought back there"
    ASK = "deleted on one side and edited on the other: a person decides"


@dataclass(slots=True)
class Pull:
    """The verdict; ``merged`` with MERGE, ``why`` with ASK."""

    verdict: Verdict
    merged: Merge = field(default_factory=Merge)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Here:
    """What this side knows beside the ``Case``.

    ``buried``: the project was deleted here. ``under_way``: a write of ours may be on its way.
    ``edited``: somebody's edit has not reached every side yet, on whichever target.
    """

    buried: bool = False
    under_way: bool = False
    edited: bool = False


def judge_pulled(case: Case, here: Here) -> Pull:
    """The verdict on one record that was read."""
    remote = case.remote
    if here.under_way or read_is_stale(case):
        return Pull(Verdict.LATER)
    if remote.exists and not remote.deleted:
        return _judge_present(case, here)
    if case.mine is None:
        unknown = remote.deleted and not here.buried and case.claim.target == FIRESTORE
        return Pull(Verdict.REMEMBER if unknown else Verdict.NOTHING)
    return _judge_gone(case, here)


def _judge_present(case: Case, here: Here) -> Pull:
    if case.mine is not None:
        return Pull(Verdict.MERGE, three_way(case))
    if not here.buried:
        return Pull(Verdict.CREATE)
    if "delete" in case.claim.kinds or (case.base is not None and case.base.present):
        return Pull(Verdict.NOTHING)  # the delete is on its way, from here or from another operator
    if case.claim.target == FIRESTORE:
        return Pull(Verdict.REVIVE)  # documents come back by an explicit restore only
    return Pull(Verdict.ASK, why="deleted here, but Salesforce has the record again")


def _judge_gone(case: Case, here: Here) -> Pull:
    remote, kinds = case.remote, case.claim.kinds
    name = "Firestore" if case.claim.target == FIRESTORE else "Salesforce"
    was_there = case.base is not None and case.base.present
    by = f" by {remote.deleted_by}" if remote.deleted_by else ""
    if "restore" in kinds or (not was_there and "create" not in kinds):
        return Pull(Verdict.NOTHING)
    if not was_there:
        if not remote.deleted:
            return Pull(Verdict.NOTHING)
        why = f"made here, but its id was a project's that was deleted{by}"
        return Pull(Verdict.ASK, why=why)
    if not remote.deleted:
        return Pull(Verdict.ASK, why=f"{name} no longer shows the record, and nothing says why")
    if here.edited:
        return Pull(Verdict.ASK, why=f"edited here, but deleted in {name}{by}")
    return Pull(Verdict.BURY)
