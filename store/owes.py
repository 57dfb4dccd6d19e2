"""What the Firestore documents say is still owed to Salesforce: fields of a project whose edit is
somebody's to deliver.

What this program itself owes is kept too (``mine``), so that it can be struck out of the document
once its delivery is over, however it ended; readers get what others owe. Every function
that writes must run inside ``transaction``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from store.operations import OF_PROJECT


def replace(conn: sqlite3.Connection, project_id: str, owed: Mapping[str, str], now: float) -> None:
    """``owed`` maps a path to the operation that owes it. What was owed before stays owed since
    then."""
    since = {
        (path, op_id): at
        for path, op_id, at in conn.execute(
            "DELETE FROM owes WHERE project_id = ? RETURNING path, op_id, since", (project_id,)
        )
    }
    if not owed:
        return
    mine = {
        row[0]
        for row in conn.execute(
            f"SELECT op_id FROM operations WHERE seq IN ({OF_PROJECT}) "
            "AND op_id IN (SELECT value FROM json_each(?2))",
            (project_id, json.dumps(sorted(set(owed.values())))),
        )
    }
    conn.executemany(
        "INSERT INTO owes (project_id, path, op_id, since, mine) VALUES (?, ?, ?, ?, ?)",
        [
            (project_id, path, op, since.get((path, op), now), op in mine)
            for path, op in owed.items()
        ],
    )


def written(
    conn: sqlite3.Connection,
    project_id: str,
    paths: Iterable[str],
    owed: Mapping[str, str],
    now: float,
) -> None:
    """These fields were written to the document by this side: nobody else owes them any more, and
    it says of ``owed`` that this side does."""
    overwritten(conn, project_id, paths)
    conn.executemany(
        "INSERT OR REPLACE INTO owes (project_id, path, op_id, since, mine) VALUES (?, ?, ?, ?, 1)",
        [(project_id, path, op, now) for path, op in owed.items()],
    )


def ended(conn: sqlite3.Connection, target: str, limit: int) -> dict[str, list[str]]:
    """What this program owes by the documents and no delivery of it is open any more: paths by
    project. A later edit of such a field may be. Where news of the target waits to be told anyway,
    that strikes it out."""
    found: dict[str, list[str]] = {}
    rows = conn.execute(
        """
        SELECT w.project_id, w.path FROM owes w INDEXED BY owes_mine
        JOIN operations o ON o.op_id = w.op_id
        WHERE w.mine AND NOT EXISTS (SELECT 1 FROM open_deliveries d
          WHERE d.project_id = w.project_id AND d.seq = o.seq AND d.target = ?1)
          AND NOT EXISTS (SELECT 1 FROM bases b
          WHERE b.project_id = w.project_id AND b.target = ?1 AND b.shared = 0)
        """,
        (target,),
    )
    for project_id, path in rows:
        if project_id not in found and len(found) == limit:
            break
        found.setdefault(project_id, []).append(path)
    return found


def overdue(
    conn: sqlite3.Connection, now: float, after: float, limit: int, among: Sequence[str] | None
) -> dict[str, dict[str, str]]:
    """What has been owed for ``after`` seconds and carried by nobody here yet: by project, path to
    operation (``among``: of these projects only). Projects that wait for a person are left out."""
    found: dict[str, dict[str, str]] = {}
    rows = conn.execute(
        """
        SELECT w.project_id, w.path, w.op_id FROM owes w JOIN projects USING (project_id)
        WHERE NOT w.mine AND (w.since <= ?1 - ?2 OR w.since > ?1)
          AND (?3 IS NULL OR w.project_id IN (SELECT value FROM json_each(?3)))
          AND NOT EXISTS (SELECT 1 FROM operations o INDEXED BY operations_carried
            WHERE o.origin = 'carried' AND o.trace_id = w.op_id AND o.project_id = w.project_id
              AND EXISTS (SELECT 1 FROM json_each(o.changes) c WHERE c.key = w.path))
          AND NOT EXISTS (SELECT 1 FROM conflicts c INDEXED BY conflicts_open
            WHERE c.project_id = w.project_id AND c.state = 'open' AND c.path = '*')
        ORDER BY w.project_id, w.path
        """,
        (now, after, None if among is None else json.dumps(list(among))),
    )
    for project_id, path, op_id in rows:
        if project_id not in found and len(found) == limit:
            break
        found.setdefault(project_id, {})[path] = op_id
    return found


def overwritten(conn: sqlite3.Connection, project_id: str, paths: Iterable[str]) -> None:
    """Nobody owes these fields any more, by the document."""
    conn.executemany(
        "DELETE FROM owes WHERE project_id = ? AND path = ?", [(project_id, p) for p in paths]
    )


def by_operation(conn: sqlite3.Connection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """What others owe of these projects: paths, each with the operation that owes it."""
    found: dict[str, dict[str, str]] = {}
    for project_id, path, op_id in conn.execute(
        "SELECT project_id, path, op_id FROM owes "
        "WHERE NOT mine AND project_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    ):
        found.setdefault(project_id, {})[path] = op_id
    return found


def of_projects(conn: sqlite3.Connection, ids: Sequence[str] | None) -> dict[str, list[str]]:
    """What others owe, as paths by project (None: of all)."""
    wanted = "" if ids is None else " AND project_id IN (SELECT value FROM json_each(?))"
    parameters = [] if ids is None else [json.dumps(list(ids))]
    found: dict[str, list[str]] = {}
    for project_id, path in conn.execute(
        f"SELECT project_id, path FROM owes WHERE NOT mine{wanted} ORDER BY project_id, path",
        parameters,
    ):
        found.setdefault(project_id, []).append(path)
    return found
