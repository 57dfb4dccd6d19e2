"""One reader of Salesforce among all operators: a lease on the document ``itsc_meta/reconciler``.

Who holds it reads Salesforce by schedule; the others follow Firestore. It rations calls and nothing
else: two who read at once would come to the same result. Times of different machines are never
compared: a lease has run out when its document has not moved for as long as it was given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.sync.targets.firestore import META
from services.sync.targets.fs_documents import (
    SERVER_TIMESTAMP,
    DocStatus,
    DocumentStore,
    DocWrite,
    FieldPath,
    Kind,
    Snapshot,
)
from store.clock import Clock

LEASE_DOCUMENT = "reconciler"


@dataclass(slots=True)
class Poller:
    """``owner`` names this process, ``operator`` the person at it; ``lease`` is in seconds."""

    documents: DocumentStore
    clock: Clock
    owner: str
    operator: str
    lease: float
    _seen: tuple[str, float] | None = field(default=None)

    def may_poll(self) -> bool:
        """Take or renew the lease; False while somebody else has it. Raises TargetDown."""
        found = self.documents.get_many(META, [LEASE_DOCUMENT])[LEASE_DOCUMENT]
        if found is not None and not self._is_free(found):
            return False
        kind = Kind.CREATE if found is None else Kind.UPDATE
        fields: dict[FieldPath, Any] = {
            ("holder",): self.owner,
            ("operator",): self.operator,
            ("renewed_at",): SERVER_TIMESTAMP,
            ("lease_seconds",): self.lease,
        }
        token = found.update_time if found is not None else None
        write = DocWrite(META, LEASE_DOCUMENT, kind, fields, token)
        return self.documents.write_many([write])[0].status is DocStatus.OK

    def release(self) -> None:
        """Give the lease back, where it is held: the next one need not wait. Raises TargetDown."""
        found = self.documents.get_many(META, [LEASE_DOCUMENT])[LEASE_DOCUMENT]
        if found is not None and found.fields.get("holder") == self.owner:
            fields: dict[FieldPath, Any] = {("holder",): "", ("renewed_at",): SERVER_TIMESTAMP}
            write = DocWrite(META, LEASE_DOCUMENT, Kind.UPDATE, fields, found.update_time)
            self.documents.write_many([write])

    def _is_free(self, found: Snapshot) -> bool:
        holder = found.fields.get("holder")
        if not holder or holder == self.owner:
            return True
        now = self.clock()
        if self._seen is None or self._seen[0] != found.update_time or now < self._seen[1]:
            self._seen = (found.update_time, now)
        given = found.fields.get("lease_seconds")
        lease = given if isinstance(given, (int, float)) and 0 < given < 86_400 else self.lease
        return now - self._seen[1] >= lease
