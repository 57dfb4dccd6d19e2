"""Unsaved text that survives a crash: kept while one types, forgotten once saved or dropped."""

from __future__ import annotations

import sqlite3

from store import drafts
from store.database import transaction
from store.drafts import Draft


def keep(conn: sqlite3.Connection, draft: Draft) -> None:
    """Keep a draft, in the place of an older one of the same field; durable when this returns."""
    with transaction(conn):
        drafts.put(conn, draft)


def forget(conn: sqlite3.Connection, project_id: str, path: str) -> None:
    """A draft was saved or given up."""
    with transaction(conn):
        drafts.remove(conn, project_id, path)
