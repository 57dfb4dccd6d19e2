"""Passwords that were set for users of the org; everybody else's is the org's secret.

They stand in the org's file as they are, beside that secret: nothing in a sandbox is worth one that
is used elsewhere.
"""

from __future__ import annotations

import secrets
import sqlite3

from services.sandbox import storage
from services.sandbox.errors import ApiError, not_found
from services.sandbox.ids import canonical
from services.sandbox.org import Org
from services.sandbox.standard import schema
from services.sandbox.wire import Answer, Call

MIN_LENGTH = 8


def handle(org: Org, call: Call, user: str) -> Answer:
    """Answer ``sobjects/User/ID/password``: look, set, or reset to one that is made up here."""
    with org.store.transaction() as db:
        known = canonical(user)
        if known is None or storage.fetch(db, schema()["user"], known) is None:
            raise not_found()
        if call.method == "GET":
            return Answer(200, {"isExpired": False})
        if call.method == "DELETE":
            made = secrets.token_urlsafe(MIN_LENGTH)
            storage.set_setting(db, _key(known), made)
            return Answer(200, {"NewPassword": made})
        wanted = call.json_object().get("NewPassword")
        if not isinstance(wanted, str) or len(wanted) < MIN_LENGTH:
            raise ApiError(
                400,
                "INVALID_NEW_PASSWORD",
                f"Your password must be at least {MIN_LENGTH} characters long.",
            )
        storage.set_setting(db, _key(known), wanted)
    return Answer(204)


def password_of(db: sqlite3.Connection, user: str) -> str:
    """What a user logs in with."""
    try:
        return storage.setting(db, _key(user))
    except KeyError:
        return storage.setting(db, "secret")


def _key(user: str) -> str:
    return f"password:{user}"
