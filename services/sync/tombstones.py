"""Tombstones lose their texts after ninety days and stay: an id is never used again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from services.sync.targets.base import Remote
from services.sync.targets.fs_documents import (
    DELETE_FIELD,
    SERVER_TIMESTAMP,
    DocWrite,
    FieldPath,
    Kind,
)
from services.sync.targets.fs_layout import COLLECTION, MOVED
from store import fields

KEPT = dt.timedelta(days=90)
_GONE: tuple[str, ...] = (
    *dict.fromkeys(field.path.partition(".")[0] for field in fields.FIELDS),
    *("scores", "stamps", "owes", "carried", "sf", "applied"),
)


def strips(remotes: Sequence[Remote], now: dt.datetime) -> list[DocWrite]:
    """The writes that strip the tombstones whose time has come; each only if nobody touched it."""
    cells: dict[FieldPath, Any] = {(name,): DELETE_FIELD for name in _GONE}
    cells[(MOVED,)] = SERVER_TIMESTAMP
    return [
        DocWrite(COLLECTION, remote.project_id, Kind.UPDATE, cells, remote.token)
        for remote in remotes
        if remote.deleted
        and remote.values
        and remote.deleted_at is not None
        and now - remote.deleted_at > KEPT
    ]
