"""Two report types, seven reports, and their folder.

Held to what organisations are known to refuse: a description over 255 characters, a field that is
grouped by and shown at once, a chart without its sort or its axis range, a record type column by
any other name than ``RecordType``. Folders are for internal users only, never for portals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.sf_package.lead import LEAD, LEAD_FIELDS, SLA_MINUTES
from services.sf_package.objects import RECORD_TYPE_FILTER
from services.sf_package.organisation import Organisation
from services.sf_package.ticket import ticket_fields
from services.sf_package.xml import Tree, render
from store import fields

FOLDER = "Steerco"
INITIATIVES_TYPE = "Strategic_Initiatives"
LEADS_TYPE = "Lead_Response_and_Routing"
SLA_BUCKET = "BucketField_SLA"
TTFR = f"{LEAD}$Time_to_First_Response__c"
LATENCY = f"{LEAD}$Assignment_Latency_Minutes__c"
OWNER = f"{LEAD}$Owner"
CREATED = f"{LEAD}$CreatedDate"


@dataclass(frozen=True, slots=True)
class Report:
    """A report. ``averages`` are shown with their average, ``known`` are columns that rows must
    have a value in; ``down`` and ``across`` are groupings, with a date granularity or none."""

    name: str
    label: str
    description: str
    type: str
    down: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    across: tuple[tuple[str, str], ...] = ()
    averages: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    sort: str | None = None
    sla: bool = False


def report_types(organisation: Organisation) -> dict[str, str]:
    """The report types by API name: initiatives over Ticket__c, response and routing over Lead."""
    existing = [organisation.api(f.path) for f in fields.FIELDS if f.configurable]
    ticket = ["Name", *existing, *(field.api for field in ticket_fields())]
    ticket = [*dict.fromkeys(ticket), "RecordType", "Owner", "CreatedDate", "LastModifiedDate"]
    lead = ["Name", "Company", "LeadSource", "Status", "Owner", "CreatedDate"]
    lead += [field.api for field in LEAD_FIELDS]
    return {
        INITIATIVES_TYPE: _report_type(
            fields.SOBJECT,
            "other",
            "Strategic Initiatives",
            "Tickets with the roadmap's fields; filter on the record type Strategic Initiative.",
            ticket,
        ),
        LEADS_TYPE: _report_type(
            LEAD,
            "leads",
            "Lead Response and Routing",
            "Leads with first response, assignment and outreach templates.",
            lead,
        ),
    }


def reports(organisation: Organisation) -> tuple[Report, ...]:
    """The seven reports."""

    def ticket(path: str) -> str:
        return f"{fields.SOBJECT}${organisation.api(path)}"

    name = ticket("feature_name")
    return (
        Report(
            "All_Strategic_Initiatives",
            "All Strategic Initiatives",
            "The roadmap in its order: priority bands, and within them the manual order.",
            INITIATIVES_TYPE,
            ((ticket("priority"), "Day"),),
            (name, *map(ticket, ("status", "sort_order", "launch_date", "it_lead"))),
            sort=ticket("sort_order"),
        ),
        Report(
            "Initiatives_by_Status_and_Priority",
            "Initiatives by Status and Priority",
            "How many initiatives there are in each status, by priority.",
            INITIATIVES_TYPE,
            ((ticket("status"), "Day"),),
            (name,),
            across=((ticket("priority"), "Day"),),
        ),
        Report(
            "Launches_by_Quarter",
            "Launches by Quarter",
            "Initiatives with a launch date, by calendar quarter.",
            INITIATIVES_TYPE,
            ((ticket("launch_date"), "Quarter"),),
            (name, *map(ticket, ("status", "priority", "it_lead"))),
            known=(ticket("launch_date"),),
        ),
        Report(
            "Lead_TTFR",
            "Time to First Response by Owner",
            "Average minutes from a lead's creation to its first response, by owner.",
            LEADS_TYPE,
            ((OWNER, "Day"),),
            (f"{LEAD}$Name", f"{LEAD}$First_Response_Source__c"),
            averages=(TTFR,),
            known=(TTFR,),
        ),
        Report(
            "Assignment_Latency",
            "Assignment Latency",
            "Average minutes until a lead belonged to a person, by the month of its creation.",
            LEADS_TYPE,
            ((CREATED, "Month"),),
            (f"{LEAD}$Name", OWNER, f"{LEAD}$LeadSource"),
            averages=(LATENCY,),
            known=(LATENCY,),
        ),
        Report(
            "SLA_Breach",
            "SLA Breach %",
            f"Leads answered within {SLA_MINUTES} minutes and later; their shares are the breach"
            " rate.",
            LEADS_TYPE,
            ((SLA_BUCKET, "Day"),),
            (f"{LEAD}$Name", OWNER),
            averages=(TTFR,),
            known=(TTFR,),
            sla=True,
        ),
        Report(
            "Template_Usage",
            "Template Use",
            "Outreach templates that were recommended, and which were filled in.",
            LEADS_TYPE,
            (
                (f"{LEAD}$Template_Recommended__c", "Day"),
                (f"{LEAD}$Template_Applied__c", "Day"),
            ),
            (f"{LEAD}$Name", OWNER),
            known=(f"{LEAD}$Template_Recommended__c",),
        ),
    )


def report(each: Report) -> str:
    """A report's file."""
    criteria: list[tuple[str, Tree]] = []
    if each.type == INITIATIVES_TYPE:
        column = f"{fields.SOBJECT}$RecordType"
        criteria.append(_criterion(column, "equals", RECORD_TYPE_FILTER))
    criteria += [_criterion(column, "notEqual", "") for column in each.known]
    date = f"{fields.SOBJECT}$CreatedDate" if each.type == INITIATIVES_TYPE else CREATED
    parts: list[tuple[str, str | bool | Tree]] = [
        *([("aggregates", _SHARE), ("buckets", _BUCKET)] if each.sla else ()),
        *(("columns", [("field", column)]) for column in each.columns),
        *(
            ("columns", [("aggregateTypes", "Average"), ("field", column)])
            for column in each.averages
        ),
        *((("columns", [("field", "FORMULA1")]),) if each.sla else ()),
        ("description", each.description),
        ("filter", criteria),
        ("format", "Matrix" if each.across else "Summary"),
        *(("groupingsAcross", _grouping(*group)) for group in each.across),
        *(("groupingsDown", _grouping(*group)) for group in each.down),
        ("name", each.label),
        ("reportType", f"{each.type}__c"),
        ("scope", "organization"),
        ("showDetails", not each.across),
        ("showGrandTotal", True),
        ("showSubTotals", True),
        *((("sortColumn", each.sort), ("sortOrder", "Asc")) if each.sort else ()),
        ("timeFrameFilter", [("dateColumn", date), ("interval", "INTERVAL_CUSTOM")]),
    ]
    return render("Report", parts)


def folder(kind: str) -> str:
    """The folder's file: ``kind`` is ReportFolder or DashboardFolder."""
    return render(
        kind,
        [("accessType", "PublicInternal"), ("name", FOLDER), ("publicFolderAccess", "ReadOnly")],
    )


_BUCKET: Tree = [
    ("bucketType", "number"),
    ("developerName", SLA_BUCKET),
    ("masterLabel", "SLA"),
    ("nullTreatment", "n"),
    ("sourceColumnName", TTFR),
    ("useOther", False),
    ("values", [("sourceValues", [("to", str(SLA_MINUTES))]), ("value", "Within SLA")]),
    ("values", [("sourceValues", [("from", str(SLA_MINUTES))]), ("value", "Breached")]),
]
_SHARE: Tree = [
    ("calculatedFormula", "RowCount / PARENTGROUPVAL(RowCount, GRAND_SUMMARY)"),
    ("datatype", "percent"),
    ("developerName", "FORMULA1"),
    ("downGroupingContext", SLA_BUCKET),
    ("isActive", True),
    ("isCrossBlock", False),
    ("masterLabel", "Share of leads"),
    ("scale", 1),
]


def _report_type(
    base: str, category: str, label: str, description: str, columns: Sequence[str]
) -> str:
    shown: list[tuple[str, Tree]] = [
        (
            "columns",
            [("checkedByDefault", number < 6), ("field", column), ("table", base)],
        )
        for number, column in enumerate(columns)
    ]
    return render(
        "ReportType",
        [
            ("baseObject", base),
            ("category", category),
            ("deployed", True),
            ("description", description),
            ("label", label),
            ("sections", [*shown, ("masterLabel", label)]),
        ],
    )


def _criterion(column: str, operator: str, value: str) -> tuple[str, Tree]:
    return (
        "criteriaItems",
        [
            ("column", column),
            ("columnToColumn", False),
            ("isUnlocked", True),
            ("operator", operator),
            ("value", value),
        ],
    )


def _grouping(column: str, granularity: str) -> Tree:
    return [("dateGranularity", granularity), ("field", column), ("sortOrder", "Asc")]
