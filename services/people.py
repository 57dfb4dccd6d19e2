"""Which Salesforce user a written name means.

A person field is free text here and a user lookup in Salesforce. A directory of users joins the
two; it is a value, made from what the last pull brought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from store.canon import clean_text


@dataclass(frozen=True, slots=True)
class User:
    """One Salesforce user; ``id`` has 18 characters."""

    id: str
    name: str
    email: str | None = None
    active: bool = True


class Directory:
    """The users of an organisation, by email and by full name."""

    def __init__(self, users: Iterable[User] = ()) -> None:
        self.users = tuple(users)
        self._by_id = {user.id: user for user in self.users}
        self._by_email: dict[str, set[str]] = defaultdict(set)
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for user in self._by_id.values():
            if user.active:
                self._by_email[_key(user.email)].add(user.id)
                self._by_name[_key(user.name)].add(user.id)

    def resolve(self, text: str | None) -> str | None:
        """The id of the one active user whose email, else whose full name, is this text.

        Case is ignored, nothing else is. None where nobody matches, or more than one does.
        """
        key = _key(text)
        if not key:
            return None
        found = self._by_email.get(key) or self._by_name.get(key) or set()
        return next(iter(found)) if len(found) == 1 else None

    def name_of(self, user_id: str) -> str | None:
        """The user's full name, active or not; None for an id that is not in the directory."""
        user = self._by_id.get(user_id)
        return clean_text(user.name) if user else None

    def is_called(self, user_id: str, text: str | None) -> bool:
        """Whether the text is this user's email or full name, active or not, alone or not.

        Wider than ``resolve``: a user who left is still the person that was written down.
        """
        user = self._by_id.get(user_id)
        key = _key(text)
        return user is not None and key != "" and key in (_key(user.email), _key(user.name))


def _key(text: str | None) -> str:
    return (clean_text(text) or "").casefold()
