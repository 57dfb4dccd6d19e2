"""What the figures need to know of a ticket, as one SQL query over its raw rows. Pure: text only.

The same query derives the facts of every ticket and of the few that a late row touches. Each fact
is a minimum, a maximum or an any, so that no order of arrival and no duplicate can change it: where
two rows have one moment and one Id, the lesser text is the first and the greater one the last.
Times are UTC; a status that is empty is the empty text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from services.kpis.policy import Kind, Policy
from store.tickets import SLOT

REVISION = 4
"""Raise it when the query or what is kept of it changes: all of it is then derived anew."""


_MOST_HOURS = "1e12"
"""From here on hours are a slip of the pen, and count as none."""


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''").replace("\0", "") + "'"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def within(expression: str, values: Iterable[str]) -> str:
    """The condition that an expression is one of these values; never NULL for a value."""
    listed = ", ".join(map(literal, values))
    return f"({expression} IN ({listed}))" if listed else "(false)"


def facts(policy: Policy, present: Collection[str], tickets: str, history: str, extra: str) -> str:
    """The query: one row a ticket.

    ``present`` are the raw columns that the tickets have; ``tickets``, ``history`` and ``extra``
    (first responses of other sources) are relations of the store's shape.
    """
    p = _Parts(policy, present)
    new, old = "coalesce(new, '')", "coalesce(old, '')"
    done_new, done_old = within(new, policy.done), within(old, policy.done)
    names = policy.history_fields
    owner_id = p.by_id("new"), p.by_id("old")
    return f"""
WITH steps AS NOT MATERIALIZED (
    SELECT ticket,
        arg_min({old}, (happened, id, {old})) AS initial_status,
        arg_max({new}, (happened, id, {new})) AS last_status,
        max(happened) AS last_status_at,
        min(happened) FILTER ({within(new, policy.started)}) AS started_at,
        max(happened) FILTER ({within(new, policy.closed)}) AS last_closed_at,
        max(happened) FILTER ({done_new} AND NOT {done_old}) AS last_resolved_at,
        bool_or({done_old} AND NOT {done_new}) AS reopened
    FROM {history} WHERE NOT deleted AND {within("field", names["status"])} GROUP BY ticket),
owners AS NOT MATERIALIZED (
    SELECT ticket,
        arg_min({old}, (happened, id, {old})) FILTER ({owner_id[0]} OR {owner_id[1]}) AS first_id,
        arg_min({old}, (happened, id, {old})) AS first_name,
        min(happened) FILTER ({p.person("new")} AND {owner_id[0]}) AS id_at,
        min(happened) FILTER ({p.person("new")}) AS name_at
    FROM {history} WHERE NOT deleted AND {within("field", names["owner"])} GROUP BY ticket),
known AS NOT MATERIALIZED (
    SELECT _id AS id, _created_at AS created_at, {p.columns()}
    FROM {tickets} WHERE NOT _deleted AND NOT {p.other_record()}),
answers AS NOT MATERIALIZED (
    SELECT r.ticket, r.happened, r.id, r.actor, 'history' AS source
    FROM {history} r JOIN {tickets} k ON k._id = r.ticket
    WHERE NOT r.deleted AND {p.person("r.actor")} AND r.actor <> {p.raw("CreatedById")}
    UNION ALL SELECT ticket, happened, id, actor, source FROM {extra}),
first AS NOT MATERIALIZED (
    SELECT ticket, min(happened) AS responded_at,
        arg_min(actor, (happened, id, actor)) AS responded_by,
        arg_min(source, (happened, id, source)) AS response_source
    FROM answers GROUP BY ticket)
SELECT {SLOT.format(id="id")} AS slot, id, name, title, department, type, priority, status,
    owner, assignee, created_at,
    CASE WHEN {within("s0", policy.started)} THEN created_at ELSE started_at END AS start_at,
    CASE WHEN {within("status", policy.closed)} THEN coalesce(last_closed_at,
        CASE WHEN {within("s0", policy.closed)} THEN created_at END) END AS closed_at,
    CASE WHEN {within("status", policy.done)}
        THEN coalesce(last_resolved_at, created_at) END AS resolved_at,
    coalesce(reopened, false) AS reopened,
    s0 AS initial_status, coalesce(last_status, status) AS last_status, last_status_at,
    responded_at, responded_by, response_source,
    CASE WHEN {p.person("born")} THEN created_at
        WHEN first_id IS NOT NULL THEN id_at ELSE name_at END AS assigned_at,
    weighted_hours,
    {p.kind(policy.mttr)} AS counts_mttr,
    {p.kind(policy.incident)} AS counts_incident,
    {within("type", policy.release_types)} AS counts_release,
    to_microseconds({round(policy.release_window_hours * 3_600_000_000)}) AS release_window,
    {p.sla()} AS sla_minutes,
    initial_status IS NOT NULL AND {p.stale()} AS truncated
FROM (SELECT k.*, s.* EXCLUDE (ticket), o.* EXCLUDE (ticket), f.* EXCLUDE (ticket),
        coalesce(s.initial_status, k.status) AS s0,
        coalesce(o.first_id, o.first_name, k.owner) AS born
    FROM known k LEFT JOIN steps s ON s.ticket = k.id LEFT JOIN owners o ON o.ticket = k.id
        LEFT JOIN first f ON f.ticket = k.id)"""


class _Parts:
    """The pieces of the query that the policy decides."""

    def __init__(self, policy: Policy, present: Collection[str]) -> None:
        self._policy = policy
        self._present = {name.casefold(): name for name in present}

    def column(self, what: str) -> str:
        """The first of the policy's names that the tickets have, as text; '' where none is."""
        found = [
            self._present[n.casefold()]
            for n in self._policy.columns[what]
            if n.casefold() in self._present
        ]
        listed = ", ".join(f"nullif({quoted(name)}, '')" for name in found)
        return f"coalesce({listed}, '')" if listed else "''"

    def raw(self, name: str) -> str:
        """A column by its Salesforce name; '' where the tickets have none."""
        known = self._present.get(name.casefold())
        return f"coalesce({quoted(known)}, '')" if known else "''"

    def columns(self) -> str:
        # Multiplied as they are, kept as decimals: a sum then depends on no order of its terms.
        hours = f"TRY_CAST({self.column('hours')} AS DOUBLE)"
        weights = " * ".join(
            _lookup(self.column(what), table, "1")
            for what, table in (
                ("priority", self._policy.weight_by_priority),
                ("type", self._policy.weight_by_type),
            )
            if table
        )
        size = _lookup(self.column("size"), self._policy.hours_by_size, "0")
        plain = f"CASE WHEN abs({hours}) < {_MOST_HOURS} THEN {hours} ELSE {size} END"
        product = f"({plain}) * {weights}" if weights else plain
        weighted = (
            f"CAST(CASE WHEN abs({product}) < {_MOST_HOURS} THEN {product} ELSE 0 END "
            "AS DECIMAL(38, 12))"
        )
        assignee = self.column("assignee")
        parts = {
            "name": self.raw("Name"),
            **{
                w: self.column(w)
                for w in ("title", "department", "type", "priority", "status", "owner")
            },
            "assignee": f"CASE WHEN {self.person(assignee)} THEN {assignee} END",
            "weighted_hours": weighted,
        }
        return ", ".join(f"{sql} AS {name}" for name, sql in parts.items())

    def by_id(self, value: str) -> str:
        """Whether an owner is written as an id, of a user or a queue."""
        prefixes = (*self._policy.user_prefixes, *self._policy.queue_prefixes)
        starts = " OR ".join(f"starts_with({value}, {literal(each)})" for each in prefixes)
        return f"(coalesce(length({value}), 0) IN (15, 18) AND ({starts or 'false'}))"

    def person(self, value: str) -> str:
        """Whether a value is a person: not empty, no queue's id, not listed as nobody."""
        queue = " OR ".join(
            f"starts_with({value}, {literal(each)})" for each in self._policy.queue_prefixes
        )
        no_queue = f" AND NOT (length({value}) IN (15, 18) AND ({queue}))" if queue else ""
        nobody = within(value, self._policy.no_person)
        return f"coalesce({value} <> ''{no_queue} AND NOT {nobody}, false)"

    def other_record(self) -> str:
        return within(self.column("record_type"), self._policy.other_record_types)

    def kind(self, kind: Kind) -> str:
        sets = (("priority", kind.priorities), ("type", kind.types))
        chosen = [within(name, values) for name, values in sets if values is not None]
        return " AND ".join(chosen) or "true"

    def sla(self) -> str:
        default = "NULL" if self._policy.sla_minutes is None else repr(self._policy.sla_minutes)
        return _lookup("priority", self._policy.sla_minutes_by_priority, default)

    def stale(self) -> str:
        """Whether a history's first old status is none that a new ticket has."""
        if self._policy.fresh is None:
            return within("initial_status", self._policy.done)
        return "NOT " + within("initial_status", self._policy.fresh)


def _lookup(value: str, table: Mapping[str, float], default: str) -> str:
    cases = " ".join(f"WHEN {literal(k)} THEN {number!r}::DOUBLE" for k, number in table.items())
    found = f"CASE {value} {cases} ELSE {default} END" if cases else default
    return f"CAST({found} AS DOUBLE)"
