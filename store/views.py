"""The six saved views, by one definition.

The terminal's SQL and the Salesforce list views are both made from these filters: a list view is
a numbered list of filters and a logic over their numbers, so that is the form kept here. Salesforce
has no BETWEEN in list views; a window is two filters.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from store import fields


class Op(StrEnum):
    """How a filter compares."""

    IN = "in"
    NOT_IN = "not in"
    BEFORE_TODAY = "before today"
    FROM_TODAY = "from today"
    WITHIN_DAYS = "within days"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a field; ``launch_date`` is the derived date."""

    path: str
    op: Op
    values: tuple[str, ...] = ()
    days: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """A saved view. ``logic`` joins the filters by number, as Salesforce's booleanFilter does."""

    key: str
    label: str
    filters: tuple[Filter, ...] = ()
    logic: str = ""


_OPEN = Filter("status", Op.NOT_IN, fields.CLOSED_STATUSES)

VIEWS: tuple[View, ...] = (
    View("all", "All Strategic Initiatives"),
    View("p1-active", "P1 Active", (Filter("priority", Op.IN, ("P1",)), _OPEN), "1 AND 2"),
    View("p2-pipeline", "P2 Pipeline", (Filter("priority", Op.IN, ("P2",)), _OPEN), "1 AND 2"),
    View(
        "not-yet-prioritized",
        "Not Yet Prioritized",
        (Filter("priority", Op.IN, fields.UNRANKED_PRIORITIES),),
        "1",
    ),
    View(
        "needs-attention",
        "Needs Attention",
        (
            Filter("status", Op.IN, fields.ATTENTION_STATUSES),
            Filter("launch_date", Op.BEFORE_TODAY),
            _OPEN,
        ),
        "1 OR (2 AND 3)",
    ),
    View(
        "upcoming-90d",
        "Upcoming 90d",
        (
            Filter("launch_date", Op.FROM_TODAY),
            Filter("launch_date", Op.WITHIN_DAYS, days=90),
            _OPEN,
        ),
        "1 AND 2 AND 3",
    ),
)
BY_KEY = {view.key: view for view in VIEWS}


def find_view(name: str) -> View | None:
    """A view by its key or its label, whatever the case; None where there is none."""
    wanted = re.sub(r"[\s_-]+", "-", name.strip().casefold())
    for view in VIEWS:
        if wanted in (view.key, re.sub(r"[\s_-]+", "-", view.label.casefold())):
            return view
    return None


def where(view: View, today: dt.date) -> tuple[str, list[str]]:
    """The view as an SQL condition over ``projects``, with its parameters in order."""
    if not view.filters:
        return "1", []
    conditions = [_condition(each, today) for each in view.filters]
    sql, parameters = "", []
    for piece in re.findall(r"\d+|[^\d]+", view.logic):
        if piece.isdigit():
            text, values = conditions[int(piece) - 1]
            sql += text
            parameters += values
        else:
            sql += piece
    return sql, parameters


def _condition(each: Filter, today: dt.date) -> tuple[str, list[str]]:
    match each.op:
        case Op.IN | Op.NOT_IN:
            marks = ", ".join("?" * len(each.values))
            word = "IN" if each.op is Op.IN else "NOT IN"
            return f"{each.path} {word} ({marks})", list(each.values)
        case Op.BEFORE_TODAY:
            return f"{each.path} < ?", [today.isoformat()]
        case Op.FROM_TODAY:
            return f"{each.path} >= ?", [today.isoformat()]
        case Op.WITHIN_DAYS:
            return f"{each.path} <= ?", [(today + dt.timedelta(days=each.days)).isoformat()]
