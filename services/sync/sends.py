"""Whether a send of unknown outcome arrived, from what the record holds now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from services.sync.case import Case
from services.sync.merge import equals
from services.sync.targets.base import Action, Remote
from store import fields
from store.canon import Value
from store.deliveries import FIRESTORE, Claim


def send_is_ambiguous(claim: Claim, remote: Remote) -> bool:
    """Whether a send of unknown outcome may have arrived without the record showing it: it moved
    since the pre-read, and none of the values we sent is there."""
    sent = claim.sent
    if sent is None or claim.target == FIRESTORE or not remote.exists:
        return False
    if remote.token is not None and remote.token == sent.token:
        return False
    return not any(remote.values.get(p) == v for p, v in sent.values.items() if p in remote.values)


def send_applied(case: Case) -> bool | None:
    """Whether a send of unknown outcome arrived. None: the record alone can't tell."""
    sent, remote = case.claim.sent, case.remote
    assert sent is not None
    if case.claim.target == FIRESTORE:
        ours = {case.client_id: sent.seq, **case.former}
        return any(
            applied.seq >= sent.seq
            for client, applied in remote.applied.items()
            if sent.seq <= ours.get(client, 0)
        )
    if remote.token is not None and remote.token == sent.token:
        return False
    judged = {p: v for p, v in sent.values.items() if p in remote.values}
    if judged and all(remote.values[p] == v for p, v in judged.items()):
        return True
    common: Mapping[str, Value] = case.base.values if case.base else {}
    was = {p: common.get(p, fields.DEFAULTS.get(p)) for p in judged}
    seen = any(remote.values[p] == v != was[p] for p, v in judged.items())
    missing = any(equals(remote.values[p], was[p]) and v != was[p] for p, v in judged.items())
    if seen and not missing:
        # With a field still as it was before, one that agrees may do so by chance: a small number,
        # a status, set alike by somebody else.
        return True
    if sent.action == Action.CREATE and not _made_by_another(case):
        # A row is there under our id and we never saw it before: the create arrived, whatever was
        # edited since.
        return remote.modified_by_us or None if case.was_applied is None else case.was_applied
    return case.was_applied


def _made_by_another(case: Case) -> bool:
    """Whether another operator may have made the row: a document told of it, or the project is his
    and its create was carried for him."""
    return (case.base is not None and case.base.present) or case.claim.is_carried
