"""Firestore → here: what other operators changed, by the documents that moved.

A delta query over ``updated_at`` (the server's time) behind a mark, with a few seconds' overlap,
since a document may become visible a little after its time. Tombstones say what was deleted.
Documents without ``updated_at`` (the old web form wrote none) and those that are simply gone are
found by reading everything: the first time, and then once a day.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.context import Context
from services.sync import identity
from services.sync.intake import Intake, Pulled, local_values
from services.sync.parts import parts
from services.sync.targets.base import Ref, Remote
from services.sync.targets.firestore import Cursor, FirestoreTarget
from services.sync.targets.fs_layout import moment_of
from services.sync.tombstones import strips
from store import marks, parked
from store.canon import Values, is_project_id
from store.database import transaction
from store.deliveries import FIRESTORE

OVERLAP = dt.timedelta(seconds=10)
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Point = Callable[[str], None]


@dataclass(slots=True)
class Follower:
    """Brings the documents that moved. ``point`` is called by name around every commit;
    ``client_id`` changes where this database turns out to be a copy."""

    conn: sqlite3.Connection
    ctx: Context
    client_id: str
    point: Point

    def follow(self, target: FirestoreTarget, *, whole: bool = False) -> Pulled:
        """What moved since the last time, or with ``whole`` every document. Raises TargetDown;
        what was applied before that stays applied, and the mark with it."""
        if whole or marks.mark(self.conn, FIRESTORE) is None:
            return self._read_whole(target)
        result = self._read_parked(target)
        result.add(self._read_moved(target, self._since()))
        return result

    def look_at(self, target: FirestoreTarget, ids: Sequence[str]) -> Pulled:
        """These documents as they are now. Raises TargetDown."""
        return self._read(target, ids, advance=False)

    def _read_moved(
        self, target: FirestoreTarget, since: dt.datetime, seen: set[str] | None = None
    ) -> Pulled:
        """Page by page in the order of their moving, so that the mark follows each page."""
        result = Pulled()
        cursor: Cursor | None = Cursor(since, "")
        while cursor is not None:
            read_at = self.ctx.clock()
            remotes, cursor = target.changed(cursor.moment, cursor.after_id, self._local)
            if remotes:
                result.add(self._take_in(remotes, read_at, advance=True))
            if seen is not None:
                self._strip(target, remotes)
                seen.update(remote.project_id for remote in remotes)
        return result

    def _since(self) -> dt.datetime:
        mark = marks.mark(self.conn, FIRESTORE)
        return _BEGINNING if mark is None or mark < _BEGINNING + OVERLAP else mark - OVERLAP

    def _read_parked(self, target: FirestoreTarget) -> Pulled:
        waiting = parked.due(self.conn, FIRESTORE, self.ctx.clock())
        result = Pulled()
        for start in range(0, len(waiting), target.batch):
            result.add(self._read(target, waiting[start : start + target.batch], advance=False))
        return result

    def _read_whole(self, target: FirestoreTarget) -> Pulled:
        """Every document: those with a time, those without, and what should be there and is
        not."""
        seen: set[str] = set()
        result = self._read_moved(target, _BEGINNING, seen)
        there = {each for each in target.everyone() if is_project_id(each)}
        for ids in (sorted(there - seen), self._absent(there | seen)):
            for start in range(0, len(ids), target.batch):
                result.add(self._read(target, ids[start : start + target.batch], advance=False))
        with transaction(self.conn):
            marks.advance(self.conn, FIRESTORE, _BEGINNING)
            marks.was_read_whole(self.conn, FIRESTORE, self.ctx.clock())
        return result

    def _absent(self, there: set[str]) -> list[str]:
        rows = self.conn.execute(
            "SELECT project_id FROM bases WHERE target = ? AND present ORDER BY project_id",
            (FIRESTORE,),
        )
        return [row[0] for row in rows if row[0] not in there]

    def _strip(self, target: FirestoreTarget, remotes: Sequence[Remote]) -> None:
        now = dt.datetime.fromtimestamp(self.ctx.clock(), dt.UTC)
        writes = strips(remotes, now)
        if writes:
            target.documents.write_many(writes)

    def _read(self, target: FirestoreTarget, ids: Sequence[str], *, advance: bool) -> Pulled:
        mine, read_at = self._local(ids), self.ctx.clock()
        found = target.read([Ref(each, local=mine.get(each, {})) for each in ids])
        return self._take_in(list(found.values()), read_at, advance=advance)

    def _take_in(self, remotes: Sequence[Remote], read_at: float, *, advance: bool) -> Pulled:
        """With ``advance`` they come in the order of their moving, and the mark goes along."""
        result = Pulled()
        for part in parts(remotes):
            with transaction(self.conn):
                if identity.is_copy(self.conn, self.client_id, part):
                    self.client_id = identity.become_new(self.conn, self.ctx, self.client_id, part)
                intake = Intake(self.conn, self.ctx, FIRESTORE, self.client_id, read_at)
                result.add(intake.take_in(part))
                if advance:
                    marks.advance(self.conn, FIRESTORE, max(_moved(remote) for remote in part))
                self.point("firestore:taken-in")
            self.point("firestore:followed")
        return result

    def _local(self, ids: Sequence[str]) -> dict[str, Values]:
        return dict(local_values(self.conn, ids))


def _moved(remote: Remote) -> dt.datetime:
    """When a document moved; one that claims to have moved later than it was written (an old
    program's clock) must not take the mark along."""
    times = (remote.modified_at, moment_of(remote.token or ""))
    return min((each for each in times if each is not None), default=_BEGINNING)
