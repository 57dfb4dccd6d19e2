"""Several measures from one look at the facts.

A page asks for a dozen figures with each filter, and what they cost is the looking: measures of one
moment are told together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kpis import measures
from services.kpis.measures import Measure
from services.kpis.selection import Filters, Period, Selection

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class Told(NamedTuple):
    """What a look tells of a measure. ``people`` is set for the throughput, ``p85`` and ``mean``
    where the measure is a duration."""

    value: Any
    n: int
    people: int | None
    p85: float | None
    mean: float | None


NOTHING = Told(None, 0, None, None, None)


def alike(asked: Iterable[Measure]) -> list[list[Measure]]:
    """The measures in groups that one look can tell. One that narrows its tickets goes with others
    where its figure can be narrowed by itself: a median or a number."""
    groups: dict[tuple[str, str], list[Measure]] = {}
    for each in asked:
        joins = each.where == "true" or _is_median(each) or each.figure == "count(*)"
        name = "" if joins else each.key
        groups.setdefault((each.relation, f"{each.moment} {name}"), []).append(each)
    return list(groups.values())


def look(
    conn: DuckDBPyConnection,
    group: Sequence[Measure],
    period: Period,
    filters: Filters,
    bucket: str,
    given: Sequence[Any],
) -> dict[str, dict[Any, Told]]:
    """Each measure (by key) of a group by the values of ``bucket`` (SQL that takes the ``given``
    parameters). What has no ticket is not there."""
    alone = len(group) == 1
    where, values = Selection(group[0].key, period, filters).sql(narrowed=alone)
    columns = [sql for each in group for sql in _columns(each, "true" if alone else each.where)]
    rows = conn.execute(
        f"SELECT {bucket} AS bucket, {', '.join(columns)} FROM {group[0].relation} "
        f"WHERE {where} GROUP BY bucket",
        [*given, *values],
    ).fetchall()
    found: dict[str, dict[Any, Told]] = {each.key: {} for each in group}
    for at, *told in rows:
        for place, each in enumerate(group):
            value, n, people, p85, mean = told[5 * place : 5 * place + 5]
            if _is_median(each) and value is not None:
                value, p85 = value
            if n:
                found[each.key][at] = Told(value, n, people, p85, mean)
    return found


def _is_median(measure: Measure) -> bool:
    micros = measure.micros
    return micros is not None and measure.figure == measures.median(micros, measure.per)


def _columns(measure: Measure, where: str) -> list[str]:
    """Value, n, people, p85, mean, of the tickets that a condition narrows to."""
    micros, per = measure.micros, measure.per
    narrowed = where != "true"
    n = f"count(*) FILTER ({where})" if narrowed else "count(*)"
    if micros is None:
        figure = n if measure.figure == "count(*)" else measure.figure
        people = "count(DISTINCT assignee)" if measure is measures.THROUGHPUT else "NULL"
        return [figure, n, people, "NULL", "NULL"]
    lasting = f"CASE WHEN {where} THEN {micros} END" if narrowed else micros
    mean = measures.mean(lasting, per)
    if _is_median(measure):
        # Both from one sort.
        return [measures.median(lasting, per, "[0.5, 0.85]"), n, "NULL", "NULL", mean]
    return [measure.figure, n, "NULL", measures.median(lasting, per, "0.85"), mean]
