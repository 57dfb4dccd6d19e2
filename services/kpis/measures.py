"""What each figure is: which tickets, by which moment they belong to a month, and what is made of
them. Pure.

A figure, its series and the list of tickets behind it are all asked with the one condition that is
written here, so they can't disagree. The columns are those of the facts (``facts``).
"""

from __future__ import annotations

from dataclasses import dataclass

_DAY, _HOUR, _MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure.

    ``moment`` is the column whose month (or period) a ticket falls in; a ticket without it does not
    count. ``micros`` is the duration that is summed up, in microseconds of ``per`` a unit.
    ``figure`` is the SQL aggregate that the figure is. ``part`` narrows the tickets to those in a
    rate's numerator.
    """

    key: str
    label: str
    unit: str
    moment: str
    where: str = "true"
    micros: str | None = None
    per: int = 1
    figure: str = "count(*)"
    part: str | None = None
    lower_is_better: bool | None = None
    """None: neither way is better."""
    help: str = ""
    brief: str = ""
    """``help`` in less than fifty characters, for a narrow line."""

    @property
    def relation(self) -> str:
        """What it is asked of: the facts; for releases with the incidents beside them."""
        return _RELEASES if self.key == "releases" else "facts"

    @property
    def value(self) -> str:
        """A ticket's own value in ``unit``, as SQL; NULL where the measure has none."""
        return "NULL::DOUBLE" if self.micros is None else f"({self.micros}) / {self.per}.0"


_RELEASES = """(
    SELECT r.*, i.created_at IS NULL OR i.created_at > r.closed_at + r.release_window AS reliable
    FROM (SELECT * FROM facts WHERE counts_release AND closed_at IS NOT NULL) r
    ASOF LEFT JOIN (SELECT created_at FROM facts WHERE counts_incident) i
        ON r.closed_at < i.created_at)"""


def _between(start: str, end: str) -> str:
    return f"epoch_us({end}) - epoch_us({start})"


def median(micros: str, per: int, quantile: str = "0.5") -> str:
    """A percentile that interpolates linearly (type 7); ``[0.5, 0.85]`` gives a list of both."""
    return f"quantile_cont(({micros}) / {per}.0, {quantile})"


def mean(micros: str, per: int) -> str:
    """A mean that does not depend on the order of its terms: whole microseconds are added up."""
    return f"sum({micros})::DOUBLE / count({micros}) / {per}.0"


def share(part: str) -> str:
    """A percentage of the tickets; NULL where there are none."""
    return f"100.0 * count(*) FILTER ({part}) / nullif(count(*), 0)"


_CYCLE = _between("start_at", "closed_at")
_RESTORE = _between("created_at", "resolved_at")
_WAIT = _between("created_at", "start_at")
_RESPONSE = _between("created_at", "responded_at")
_ASSIGNMENT = _between("created_at", "assigned_at")
HOURS = "sum(weighted_hours)::DOUBLE"
PER_PERSON = f"{HOURS} / nullif(count(DISTINCT assignee), 0)"
BREACHED = f"sla_minutes IS NOT NULL AND {_RESPONSE} > sla_minutes * {_MINUTE}"

TICKETS = Measure("tickets", "Tickets", "tickets", "created_at")
INFLOW = Measure("inflow", "Created", "tickets", "created_at", help="Tickets created in the month.")
INCIDENTS = Measure(
    "incidents",
    "Incidents",
    "tickets",
    "created_at",
    "counts_incident",
    lower_is_better=True,
    help="Created tickets of the policy's incident priorities and types.",
)
CLOSED = Measure("closed", "Closed", "tickets", "closed_at", lower_is_better=False)
CYCLE = Measure(
    "cycle_time",
    "Cycle time",
    "d",
    "closed_at",
    "start_at <= closed_at",
    _CYCLE,
    _DAY,
    median(_CYCLE, _DAY),
    lower_is_better=True,
    help="Median days from start to close, by month of closing; never started: left out.",
    brief="Median days, start to close; no start: left out.",
)
NO_START = Measure(
    "no_start",
    "Closed without a start",
    "tickets",
    "closed_at",
    "start_at IS NULL",
    help="Closed tickets that were never started: no part of the cycle time.",
)
MTTR = Measure(
    "mttr",
    "MTTR",
    "h",
    "resolved_at",
    "counts_mttr",
    _RESTORE,
    _HOUR,
    median(_RESTORE, _HOUR),
    lower_is_better=True,
    help="Median hours from creation to resolution, of the policy's priorities and types.",
    brief="Median hours from creation to resolution.",
)
THROUGHPUT = Measure(
    "throughput",
    "Throughput / dev",
    "h",
    "closed_at",
    figure=PER_PERSON,
    lower_is_better=False,
    help="Weighted hours of what was closed ÷ people who closed something. Over a period that is "
    "no calendar month: ÷ (days ÷ 30).",
    brief="Weighted hours closed ÷ people who closed.",
)
REWORK = Measure(
    "rework",
    "Rework rate",
    "%",
    "closed_at",
    figure=share("reopened"),
    part="reopened",
    lower_is_better=True,
    help="Reopen rate: tickets that went from done back to not done ÷ tickets closed.",
    brief="Reopen rate: tickets reopened ÷ tickets closed.",
)
INTAKE = Measure(
    "intake",
    "Intake wait",
    "h",
    "start_at",
    micros=_WAIT,
    per=_HOUR,
    figure=median(_WAIT, _HOUR),
    lower_is_better=True,
    help="Median hours from creation to start, by month of the start.",
    brief="Median hours from creation to start.",
)
RESPONSE = Measure(
    "first_response",
    "First response",
    "min",
    "responded_at",
    micros=_RESPONSE,
    per=_MINUTE,
    figure=median(_RESPONSE, _MINUTE),
    lower_is_better=True,
    help="Median minutes from creation to the first response, by month of the response.",
    brief="Median minutes from creation to first response.",
)
BREACH = Measure(
    "sla_breach",
    "SLA breach",
    "%",
    "responded_at",
    "sla_minutes IS NOT NULL",
    _RESPONSE,
    _MINUTE,
    share(BREACHED),
    BREACHED,
    lower_is_better=True,
    help="First responses later than the policy promises ÷ first responses with a promise.",
    brief="First responses later than the policy promises.",
)
ASSIGNMENT = Measure(
    "assignment",
    "Assignment latency",
    "min",
    "assigned_at",
    micros=_ASSIGNMENT,
    per=_MINUTE,
    figure=median(_ASSIGNMENT, _MINUTE),
    lower_is_better=True,
    help="Median minutes from creation to the first owner that is a person.",
    brief="Median minutes from creation to a first person.",
)
RELEASES = Measure(
    "releases",
    "Release reliability",
    "%",
    "closed_at",
    "counts_release",
    figure=share("reliable"),
    part="reliable",
    lower_is_better=False,
    help="Closed releases with no incident created within the window after them ÷ closed releases.",
    brief="Releases without an incident in the window after.",
)

MEASURES = {
    each.key: each
    for each in (
        CYCLE,
        MTTR,
        THROUGHPUT,
        REWORK,
        INTAKE,
        RESPONSE,
        BREACH,
        ASSIGNMENT,
        RELEASES,
        INFLOW,
        INCIDENTS,
        CLOSED,
        NO_START,
        TICKETS,
    )
}
TILES = (CYCLE, MTTR, THROUGHPUT, REWORK)
FURTHER_TILES = (INTAKE, RESPONSE, ASSIGNMENT, RELEASES, BREACH)
"""Those behind ``m``."""
