"""The one field map between a project and its Salesforce row, and both directions through it.

Pure: no network, no database. ``store.fields`` says which field is which; an organisation that
calls its existing Title, Status, Priority, Department or Description otherwise says so in its
configuration (``names``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from services.people import Directory
from store import fields
from store.canon import Refusal, Value, Values, check_project_id, is_legible, settle
from store.fields import BY_PATH, EXTERNAL_ID_FIELD, FIELDS, SOBJECT, Kind

FIELD_MAP: dict[str, str] = {field.path: field.sf for field in FIELDS if field.sf is not None}
"""Model path to Salesforce API name. ``Launch_Target__c`` is a formula and so not in it."""

PARENT_LOOKUP = FIELD_MAP["parent_id"]
PARENT_RELATION = PARENT_LOOKUP.removesuffix("__c") + "__r"
OWNER = FIELD_MAP["product_owner"]

_API_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)

Resolve = Callable[[str], str | None]
"""A written name to a Salesforce user id, or None (``Directory.resolve``)."""
Drained = TypeVar("Drained")


def field_map(names: Mapping[str, str] | None = None) -> dict[str, str]:
    """FIELD_MAP with the organisation's own names for its existing Ticket fields.

    Raises ValueError for a path that is not configurable, for what is no API name, and for two
    paths on one field.
    """
    mapped = dict(FIELD_MAP)
    for path, api in (names or {}).items():
        if path not in BY_PATH or not BY_PATH[path].configurable:
            allowed = ", ".join(f.path for f in FIELDS if f.configurable)
            raise ValueError(f"{path} has a fixed Salesforce field; configurable are {allowed}")
        if not _API_NAME.fullmatch(api):
            raise ValueError(f"{api!r} is no Salesforce field name (for {path})")
        mapped[path] = api
    taken: dict[str, str] = {}
    for path, api in mapped.items():
        if api.casefold() in taken:
            raise ValueError(f"{taken[api.casefold()]} and {path} both name {api}")
        taken[api.casefold()] = path
    return mapped


def to_salesforce(
    values: Mapping[str, Value],
    total: int | None,
    resolve: Resolve,
    mapped: Mapping[str, str] = FIELD_MAP,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The row's fields for exactly these paths, and the paths that can't be sent.

    The external id, the record type and ``attributes`` are the request's, not the project's, and
    not in the body. Scores stay here; their total travels wherever one of them changes. A person
    with no user, and an empty owner (Salesforce has no row without one), are skipped.

    Raises Refusal for a number field that holds no number: sent, it would make Salesforce refuse
    the whole request it travels in.
    """
    body: dict[str, Any] = {}
    skipped: list[str] = []
    for path, value in values.items():
        if path == "total_score" or fields.is_score(path):
            known = values.get("total_score") if total is None else total
            body[mapped["total_score"]] = _plain("total_score", Kind.INTEGER, known)
        elif path in mapped:
            kind = BY_PATH[path].kind
            if kind is Kind.PARENT:
                body[PARENT_RELATION if value else PARENT_LOOKUP] = _parent_of(value)
            elif kind is Kind.PERSON:
                user = resolve(value) if isinstance(value, str) else None
                if user is None and (value is not None or mapped[path] == OWNER):
                    skipped.append(path)
                else:
                    body[mapped[path]] = user
            else:
                body[mapped[path]] = _plain(path, kind, value)
    return body, tuple(skipped)


def from_salesforce(
    row: Mapping[str, Any],
    local: Mapping[str, Value],
    directory: Directory,
    integration_user: str | None,
    mapped: Mapping[str, str] = FIELD_MAP,
) -> Values:
    """The project's values as the row tells them, canonical; a path that can't be judged is absent.

    ``local`` are the present values here: a lookup that means the person written here comes back
    as it is written here, and an empty one says nothing about a name that has no user. An owner
    that is a queue or the integration user is nobody's edit; while the integration user is not
    known, no owner is.
    """
    values: Values = {}
    for path, api in mapped.items():
        kind = BY_PATH[path].kind
        if api not in row:
            continue
        if kind is Kind.PARENT:
            _judge_parent(values, path, row)
        elif kind is Kind.PERSON:
            person = _Person(row[api], local.get(path), api == OWNER, integration_user)
            _judge_person(values, path, person, directory)
        elif is_legible(path, row[api]):
            values[path] = settle(path, row[api])
    return values


def push_to_sf(project_id: str, drain: Callable[[Sequence[str]], Drained]) -> Drained:
    """Push this one project to Salesforce now: what waits for it is drained and nothing else.

    ``drain`` is the engine's, bound to the Salesforce target. Raises Refusal for what is no
    project id.
    """
    return drain([check_project_id(project_id)])


def _plain(path: str, kind: Kind, value: Value) -> Value:
    settled = settle(path, value)
    if kind in (Kind.INTEGER, Kind.PERCENT) and isinstance(settled, str):
        raise Refusal(path, value, "Salesforce takes a number here")
    return settled


def _parent_of(value: Value) -> dict[str, Any] | None:
    if not value:
        return None
    return {"attributes": {"type": SOBJECT}, EXTERNAL_ID_FIELD: value}


def _judge_parent(values: Values, path: str, row: Mapping[str, Any]) -> None:
    if row[PARENT_LOOKUP] is None:
        values[path] = None
        return
    parent = row.get(PARENT_RELATION)
    # A parent that is hidden, or that was made in Salesforce and so has no id of ours, can't be
    # named here.
    if isinstance(parent, Mapping) and parent.get(EXTERNAL_ID_FIELD):
        values[path] = settle(path, parent[EXTERNAL_ID_FIELD])


@dataclass(frozen=True, slots=True)
class _Person:
    """A user lookup as it came, and what decides how it is read."""

    user: str | None
    mine: Value
    owner: bool
    integration_user: str | None


def _judge_person(values: Values, path: str, person: _Person, directory: Directory) -> None:
    written = person.mine if isinstance(person.mine, str) else None
    user = person.user
    if not user:
        if not person.owner and (written is None or directory.resolve(written) is not None):
            values[path] = None
        return
    if directory.is_called(user, written):
        values[path] = written
        return
    if person.owner and person.integration_user in (None, user):
        return
    # A queue is not in the directory, and so has no name.
    name = directory.name_of(user)
    if name is not None:
        values[path] = name
