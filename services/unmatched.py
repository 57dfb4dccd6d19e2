"""Names written in the projects that are no Salesforce user: these stay here and in Firestore."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from services.people import Directory, User
from store import fields, users


@dataclass(frozen=True, slots=True)
class Unmatched:
    """One name as it is written, the fields it stands in, and the projects."""

    name: str
    paths: tuple[str, ...]
    projects: tuple[str, ...]


def directory(conn: sqlite3.Connection) -> Directory:
    """The users as last read; empty before the first connection to Salesforce."""
    return Directory(User(u.user_id, u.name, u.email, u.active) for u in users.everyone(conn))


def unmatched(conn: sqlite3.Connection, known: Directory) -> list[Unmatched]:
    """The names that match no active user, or more than one, by name."""
    places: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for path in fields.PERSON_PATHS:
        column = fields.BY_PATH[path].column
        rows = conn.execute(
            f"SELECT {column}, project_id FROM projects WHERE {column} IS NOT NULL "
            "ORDER BY project_id"
        )
        for name, project_id in rows:
            if known.resolve(name) is None:
                paths, projects = places.setdefault(name, ({}, {}))
                paths[path] = projects[project_id] = None
    return [
        Unmatched(name, tuple(paths), tuple(projects))
        for name, (paths, projects) in sorted(places.items(), key=lambda e: e[0].casefold())
    ]
