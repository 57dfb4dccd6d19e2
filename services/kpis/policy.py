"""The KPI policy: what the figures count, as data.

``policies/kpi_policy.json`` is the one that ships; another one may be named. It is validated
against ``policies/kpi_policy.schema.json`` before anything is made of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

DEFAULT = "kpi_policy.json"
SCHEMA = "kpi_policy.schema.json"
TICKET_COLUMNS = (
    "status",
    "priority",
    "type",
    "owner",
    "assignee",
    "department",
    "hours",
    "size",
    "title",
    "record_type",
)
"""What a ticket is asked for; the policy says under which names."""


class PolicyError(ValueError):
    """A policy that can't be used; one sentence with the place in it and the reason."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which tickets count, by present priority and type; None counts them all."""

    priorities: tuple[str, ...] | None
    types: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was found valid. Texts are compared as they are, letter case included."""

    version: int
    columns: Mapping[str, tuple[str, ...]]
    """Each of ``TICKET_COLUMNS`` to the names it may have; the first present one is taken."""
    history_fields: Mapping[str, tuple[str, ...]]
    """status, owner, department: the history's Field values."""
    fresh: tuple[str, ...] | None
    started: tuple[str, ...]
    resolved: tuple[str, ...]
    closed: tuple[str, ...]
    mttr: Kind
    incident: Kind
    hours_by_size: Mapping[str, float]
    weight_by_priority: Mapping[str, float]
    weight_by_type: Mapping[str, float]
    sla_minutes: float | None
    sla_minutes_by_priority: Mapping[str, float]
    release_types: tuple[str, ...]
    release_window_hours: float
    user_prefixes: tuple[str, ...]
    queue_prefixes: tuple[str, ...]
    no_person: tuple[str, ...]
    other_record_types: tuple[str, ...]
    backlog_as_of: bool
    """Whether a backlog's department is the one the ticket had at that time."""
    digest: str
    """Of the whole content: two policies with one digest count the same."""

    @property
    def done(self) -> tuple[str, ...]:
        """The statuses in which nobody has to do anything any more."""
        return tuple(dict.fromkeys((*self.resolved, *self.closed)))


def load_policy(path: Path | None = None) -> Policy:
    """The policy in a file; None is the one that ships. Raises PolicyError."""
    name = "the policy" if path is None else f"the policy {path}"
    try:
        text = _shipped(DEFAULT) if path is None else path.read_text("utf-8-sig")
    except OSError as error:
        raise PolicyError(f"{name} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name} is not UTF-8 text") from error
    try:
        content = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{name} is not JSON: {error}") from error
    for place, reason in problems(content):
        raise PolicyError(f"{name} was refused at {place}: {reason}")
    return _policy(content)


def problems(content: object) -> list[tuple[str, str]]:
    """Every place of a policy that the schema refuses (a JSON path), and why, in order."""
    found = _validator().iter_errors(content)
    return sorted((str(each.json_path), str(each.message)) for each in found)


@cache
def _validator() -> Any:
    from jsonschema import Draft7Validator

    return Draft7Validator(json.loads(_shipped(SCHEMA)))


def _shipped(name: str) -> str:
    return (resources.files("policies") / name).read_text("utf-8")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _policy(content: Mapping[str, Any]) -> Policy:
    columns, fields = content["columns"], content["history_fields"]
    statuses = content["statuses"]
    sla = content.get("sla", {}).get("first_response_minutes", {})
    release = content.get("release", {"types": [], "window_hours": 24})
    people = content.get("people", {})
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return Policy(
        version=content["version"],
        columns={each: _names(columns.get(each)) for each in TICKET_COLUMNS},
        history_fields={
            each: _names(fields.get(each)) for each in ("status", "owner", "department")
        },
        fresh=_texts(statuses.get("fresh")),
        started=tuple(statuses["started"]),
        resolved=tuple(statuses["resolved"]),
        closed=tuple(statuses["closed"]),
        mttr=_kind(content["mttr"]),
        incident=_kind(content["incident"]),
        hours_by_size=content.get("hours_by_size", {}),
        weight_by_priority=content.get("weight_by_priority", {}),
        weight_by_type=content.get("weight_by_type", {}),
        sla_minutes=sla.get("default"),
        sla_minutes_by_priority=sla.get("by_priority", {}),
        release_types=tuple(release["types"]),
        release_window_hours=float(release["window_hours"]),
        user_prefixes=tuple(people.get("user_prefixes", ("005",))),
        queue_prefixes=tuple(people.get("queue_prefixes", ("00G",))),
        no_person=tuple(people.get("no_person", ())),
        other_record_types=tuple(content.get("not_tickets", {}).get("record_types", ())),
        backlog_as_of=content.get("backlog", {}).get("department") == "as_of",
        digest=hashlib.sha256(canonical.encode()).hexdigest()[:16],
    )


def _kind(content: Mapping[str, Any]) -> Kind:
    return Kind(_texts(content["priorities"]), _texts(content["types"]))


def _texts(found: list[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _names(found: str | list[str] | None) -> tuple[str, ...]:
    if found is None:
        return ()
    return (found,) if isinstance(found, str) else tuple(found)
