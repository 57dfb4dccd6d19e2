"""The definitions once more, in plain Python, written from the text: what the product's SQL has to
give. Slow and simple on purpose."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]
STARTED = {"In Design", "In Development", "In QA"}
CLOSED = {"Closed"}
DONE = {"Resolved", "Closed"}
SIZES = {"XS": 2.0, "S": 4.0, "M": 8.0, "L": 20.0, "XL": 40.0}
NOBODY = {"IT Intake", "Steerco Integration"}


def percentile(values: Iterable[float], share: float) -> float | None:
    """Type 7: linear between the two neighbours."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def when(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00").replace("+0000", "+00:00"))


def person(value: str) -> bool:
    return bool(value) and value not in NOBODY and not (len(value) == 18 and value[:3] == "00G")


def _place(row: Row, text: str) -> tuple[Any, ...]:
    """Where a row stands in its ticket's history; where two tie, by what they say."""
    return when(row["CreatedDate"]), row["Id"], row[text]


class Facts:
    """One ticket. Of history rows with one Id that differ each counts."""

    def __init__(self, ticket: Row, history: Iterable[Row]) -> None:
        self.row = ticket
        self.created = when(ticket["CreatedDate"])
        rows = sorted(history, key=lambda row: _place(row, "NewValue"))
        self.steps = [row for row in rows if row["Field"] == "Status__c"]
        first = min(self.steps, key=lambda row: _place(row, "OldValue"), default=None)
        self.initial = first["OldValue"] if first else ticket["Status__c"]
        starts = [when(r["CreatedDate"]) for r in self.steps if r["NewValue"] in STARTED]
        self.start = self.created if self.initial in STARTED else min(starts, default=None)
        self.closed = self.resolved = None
        if ticket["Status__c"] in CLOSED:
            ends = [when(r["CreatedDate"]) for r in self.steps if r["NewValue"] in CLOSED]
            born = self.created if self.initial in CLOSED else None
            self.closed = max(ends) if ends else born
        if ticket["Status__c"] in DONE:
            ends = [
                when(r["CreatedDate"])
                for r in self.steps
                if r["OldValue"] not in DONE and r["NewValue"] in DONE
            ]
            self.resolved = max(ends) if ends else self.created
        self.reopened = any(r["OldValue"] in DONE and r["NewValue"] not in DONE for r in self.steps)
        hours = ticket["Estimated_Hours__c"]
        self.hours = float(hours) if hours else SIZES.get(ticket["Size__c"], 0.0)
        self.assignee = ticket["Assignee__c"] if person(ticket["Assignee__c"]) else None
        answers = [
            when(r["CreatedDate"])
            for r in rows
            if person(r["CreatedById"]) and r["CreatedById"] != ticket["CreatedById"]
        ]
        self.answered = min(answers, default=None)

    def status_at(self, moment: dt.datetime) -> str:
        before = [r for r in self.steps if when(r["CreatedDate"]) < moment]
        return str(before[-1]["NewValue"] if before else self.initial)


def facts(tickets: Iterable[Row], history: Iterable[Row]) -> list[Facts]:
    by_ticket = defaultdict(list)
    different = {tuple(sorted(row.items())): row for row in history}.values()
    gone = {(r["ParentId"], r["Id"]) for r in different if r.get("IsDeleted") == "true"}
    for row in different:
        if (row["ParentId"], row["Id"]) not in gone:
            by_ticket[row["ParentId"]].append(row)
    return [
        Facts(ticket, by_ticket[ticket["Id"]])
        for ticket in tickets
        if ticket.get("IsDeleted") != "true"
    ]


def report(known: list[Facts]) -> dict[str, list[dict[str, Any]]]:
    """The lists that are told by months of closing, resolving, starting, creating, answering."""

    def months(moment: str) -> dict[str, list[Facts]]:
        found = defaultdict(list)
        for each in known:
            at = getattr(each, moment)
            if at is not None:
                found[f"{at:%Y-%m}"].append(each)
        return dict(sorted(found.items()))

    def waits(group: list[Facts], end: str, seconds: float) -> list[float]:
        return [(getattr(each, end) - each.created).total_seconds() / seconds for each in group]

    return {
        "monthly": [{"month": m, **_closed(group)} for m, group in months("closed").items()],
        "departments": _departments(known),
        "mttr": [
            {"month": m, "n": len(v), "median_h": percentile(v, 0.5), "mean_h": fmean(v)}
            for m, group in months("resolved").items()
            if (v := waits([f for f in group if _counts(f)], "resolved", 3600))
        ],
        "intake": [
            {"month": m, "n": len(g), "median_h": percentile(waits(g, "start", 3600), 0.5)}
            for m, g in months("start").items()
        ],
        "inflow": [
            {"month": m, "created": len(g), "incidents": sum(map(_is_incident, g))}
            for m, g in months("created").items()
        ],
        "first_response": [
            {"month": m, "n": len(g), "median_min": percentile(waits(g, "answered", 60), 0.5)}
            for m, g in months("answered").items()
        ],
    }


def backlog(known: list[Facts], moment: dt.datetime) -> list[dict[str, Any]]:
    ages = defaultdict(list)
    for each in known:
        if each.created < moment and each.status_at(moment) not in DONE:
            age = (moment - each.created).total_seconds() / 86_400
            ages[each.row["Department__c"]].append(age)
    return [
        {
            "department": name,
            "open": len(values),
            "age_median_d": percentile(values, 0.5),
            "age_p85_d": percentile(values, 0.85),
            "age_max_d": max(values),
        }
        for name, values in sorted(ages.items())
    ]


def _counts(each: Facts) -> bool:
    row = each.row
    return row["Priority__c"] in ("P1", "P2") and row["Type__c"] in ("Defect", "Incident")


def _is_incident(each: Facts) -> bool:
    return each.row["Priority__c"] in ("P1", "P2") and each.row["Type__c"] == "Incident"


def _closed(group: list[Facts]) -> dict[str, Any]:
    cycles = [
        (each.closed - each.start).total_seconds() / 86_400
        for each in group
        if each.closed and each.start and each.start <= each.closed
    ]
    hours = sum(each.hours for each in group)
    people = {each.assignee for each in group} - {None}
    reopened = sum(each.reopened for each in group)
    return {
        "closed": len(group),
        "weighted_hours": hours,
        "assignees": len(people),
        "throughput_per_dev": hours / len(people) if people else None,
        "cycle_n": len(cycles),
        "cycle_median_d": percentile(cycles, 0.5),
        "cycle_p85_d": percentile(cycles, 0.85),
        "cycle_mean_d": fmean(cycles) if cycles else None,
        "no_start": sum(each.start is None for each in group),
        "reopened": reopened,
        "rework_pct": 100 * reopened / len(group),
    }


def _departments(known: list[Facts]) -> list[dict[str, Any]]:
    groups = defaultdict(list)
    for each in known:
        if each.closed is not None:
            groups[each.row["Department__c"]].append(each)
    found = []
    for name, group in sorted(groups.items()):
        row = _closed(group)
        found.append(
            {
                "department": name,
                "tickets": row["closed"],
                "hours_per_person": row["throughput_per_dev"],
                **{
                    key: row[key]
                    for key in ("cycle_n", "cycle_median_d", "weighted_hours", "assignees",
                                "reopened", "rework_pct")
                },
            }
        )  # fmt: skip
    return found
