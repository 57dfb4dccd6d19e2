"""The seven umbrella projects and their children (V2 text, section 6).

A child is found by the words of its name alone: emoji, dashes, brackets and kinds of space do not
count. An umbrella that does not exist is made when one of its children does; a child that has
another parent is left where it is, and reported.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services import itsc_roadmap
from services.context import Context
from services.importing.ids import id_for_name, slug
from store import projects
from store.canon import Refusal
from store.database import transaction
from store.fields import PRIORITIES


@dataclass(frozen=True, slots=True)
class Umbrella:
    """One umbrella: its name, and what its children are called behind that name."""

    name: str
    variants: tuple[str, ...]


UMBRELLAS = (
    Umbrella("Feedback Platform", ("v1", "v2")),
    Umbrella("Event Segmentation", ("v1", "v2")),
    Umbrella("Event App : PWA – In-House", ("v1", "v2")),
    Umbrella("BidSpeed", ("cloverleaf", "euna")),
    Umbrella("Sponsor Portal Automation", ("Pre-Event", "Post-Event")),
    Umbrella(
        "Agent Phase 2",
        ("Tell Me When Alerts", "Proposal Generator", "Personal Document Library"),
    ),
    Umbrella("GTZenda", ("Process Optimization", "Full Autonomy", "Grants Data API Integration")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a plan needs to know of a project."""

    project_id: str
    name: str
    priority: str
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """A child that was not linked, and why."""

    project_id: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One umbrella as it will be: ``create`` where there is none, ``link`` the ids of the children
    to link, ``linked`` those that are."""

    umbrella: Umbrella
    project_id: str
    priority: str
    create: bool
    link: tuple[str, ...]
    linked: tuple[str, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: ids of the umbrellas made and found, of the children linked now and before."""

    created: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


def words_of(name: str) -> str:
    """The letters and digits of a name, in any case, one space between words.

    ``📱 Event App : PWA – In-House (v1)`` → ``event app pwa in house v1``.
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


def plan(entries: Iterable[Entry], buried: Iterable[str] = ()) -> list[Plan]:
    """The umbrellas that have a child here, as they will be. Pure.

    ``buried``: ids of deleted projects, which are never used again.
    """
    entries = list(entries)
    gone = set(buried)
    found = [_plan_one(umbrella, entries, gone) for umbrella in UMBRELLAS]
    return [each for each in found if each is not None]


def entries_of(conn: sqlite3.Connection) -> list[Entry]:
    """Every project, as far as a plan needs it."""
    rows = conn.execute(
        "SELECT project_id, feature_name, priority, parent_id FROM projects ORDER BY project_id"
    )
    return [Entry(*row) for row in rows]


def buried_of(conn: sqlite3.Connection) -> list[str]:
    """The ids of deleted projects."""
    return [row[0] for row in conn.execute("SELECT project_id FROM tombstones")]


def apply(conn: sqlite3.Connection, ctx: Context) -> Applied:
    """Make what is missing, one transaction for each umbrella with its links, each an ordinary
    local operation. Done again it changes nothing. Raises StoreError."""
    done = Applied()
    for umbrella in UMBRELLAS:
        with transaction(conn):
            here = _plan_one(umbrella, entries_of(conn), set(buried_of(conn)))
            if here is not None:
                done = _sum(done, _apply_one(conn, ctx, here))
    return done


def _plan_one(umbrella: Umbrella, entries: Sequence[Entry], gone: set[str]) -> Plan | None:
    stem = words_of(umbrella.name)
    wanted = {words_of(f"{umbrella.name} {variant}") for variant in umbrella.variants}
    children = [e for e in entries if words_of(e.name) in wanted]
    if not children:
        return None
    project_id, exists = _umbrella_id(umbrella, stem, entries, children)
    link = [c for c in children if c.parent_id is None]
    linked = [c for c in children if c.parent_id == project_id]
    left = [
        Left(c.project_id, c.name, f"it has another parent already ({c.parent_id})")
        for c in children
        if c.parent_id not in (None, project_id)
    ]
    if not exists and project_id in gone:
        why = f"the umbrella {umbrella.name} ({project_id}) was deleted here; restore it first"
        left += [Left(c.project_id, c.name, why) for c in link]
        link = []
    if not exists and not link:
        return Plan(umbrella, project_id, "", False, (), (), tuple(left)) if left else None
    priority = min((c.priority for c in [*link, *linked] or children), key=PRIORITIES.index)
    return Plan(
        umbrella,
        project_id,
        priority,
        not exists,
        tuple(c.project_id for c in link),
        tuple(c.project_id for c in linked),
        tuple(left),
    )


def _umbrella_id(
    umbrella: Umbrella, stem: str, entries: Sequence[Entry], children: Sequence[Entry]
) -> tuple[str, bool]:
    """The umbrella's id and whether it exists: by its id, whatever it is called today; else the
    project of its name, most of all one that is a parent of its children already. Where a child
    itself has the id, a stable one is made from the name."""
    below = {c.project_id for c in children}
    known = {e.project_id for e in entries}
    own = slug(umbrella.name)
    if own in known and own not in below:
        return own, True
    named = sorted(e.project_id for e in entries if words_of(e.name) == stem)
    parents = {c.parent_id for c in children}
    if named:
        return next((each for each in named if each in parents), named[0]), True
    if own not in below:
        return own, False
    made = id_for_name(umbrella.name)
    return made, made in known


def _apply_one(conn: sqlite3.Connection, ctx: Context, here: Plan) -> Applied:
    trace = ctx.new_id()
    created: tuple[str, ...] = ()
    if here.create:
        values = {"feature_name": here.umbrella.name, "priority": here.priority}
        itsc_roadmap.create_project(conn, ctx, values, project_id=here.project_id, trace_id=trace)
        created = (here.project_id,)
    linked, left = [], list(here.left)
    for child in here.link:
        try:
            itsc_roadmap.update_project(
                conn, ctx, child, {"parent_id": here.project_id}, trace_id=trace
            )
            linked.append(child)
        except Refusal as refusal:
            project = projects.get(conn, child)
            left.append(Left(child, project.name if project else child, str(refusal)))
    exists = not here.create and projects.exists(conn, here.project_id)
    return Applied(
        created, (here.project_id,) if exists else (), tuple(linked), here.linked, tuple(left)
    )


def _sum(one: Applied, other: Applied) -> Applied:
    return Applied(
        one.created + other.created,
        one.existing + other.existing,
        one.linked + other.linked,
        one.already + other.already,
        one.left + other.left,
    )
