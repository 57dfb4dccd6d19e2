"""A committee's workbook of fifty projects, and what has to be on every side after it came in.

What is expected is written down beside each cell by the rules of the workbook, not computed by the
program that is tested.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from tests.importing.books import MATRIX_TITLES, PLAN_TITLES, book

Expected = dict[str, Any]

PRIORITIES = (
    ("⭐ P1", "P1"),
    ("🔶 P2", "P2"),
    ("⚪ TBD", "TBD"),
    ("Not yet Prioritized", "Not yet Prioritized"),
    ("P1", "P1"),
)
STATUSES = (
    *(("Yet to Start",) * 2, ("In Design",) * 2, ("In Development",) * 2, ("In Proof", "In QA")),
    *(("In Progress",) * 2, ("Completed",) * 2, ("Paused",) * 2, ("N/A",) * 2, ("Unknown",) * 2),
)
EFFORTS = (("🔴 High", "High"), ("🟡 Medium", "Medium"), ("Low", "Low"), (None, None))
LAUNCHES = (
    (dt.date(2027, 3, 31), "2027-03-31"),
    ("2026-12-01", "2026-12-01"),
    ("TBD", "TBD"),
    ("?", "?"),
    ("N/A", "N/A"),
    (None, None),
    (dt.datetime(2028, 2, 29), "2028-02-29"),
)
GROUPS = (
    *("Retention & Intelligence", "Demand Gen & Efficiency", "Cross-Functional"),
    *("Operational AI Layer", "Operational Excellence", "Operational Reliability"),
    *("AI & Engagement", "AI & Personalization", "AI & Decision Intelligence", None),
)
FLAGS = (("TRUE", True), ("Yes", True), ("x", True), ("✓", True), (None, False), ("No", False))
FLAG_TITLES = {
    "Alignment": "flags.alignment",
    "High Impact Work": "flags.high_impact_work",
    "Retention Focus": "flags.retention_focus",
    "Thought Leadership": "flags.thought_leadership",
    "AI Ways of Working": "flags.ai_ways_of_working",
}
READINESS = ((0.8, 80), (55, 55), ("35%", 35), (None, None), (1, 100), (0, 0))
SYSTEMS = ("Salesforce", "CMS", "Navigator", "GTZenda", "Hubspot", "Other", None)
SHIRTS = ("XS", "S", "M", "L", "XL", None)
OWNERS = ("Ana Ruiz", "ben@example.com", "Nobody We Know", None)
LEADS = ("Dev Patel", "eva lund", None, "A Contractor")
NAMES = (
    "🧩 Feedback",
    "Données & Größe",
    "تقويم",
    "Plain",
    "[P1] [/red]",
    "=SUM(A1)",
    "👩🏽‍💻 Kit",
)
VOTERS = ("Ana", "Ben", "Chloe", "Dev", "Eva", "Farid")
SF_NAMES = {
    "feature_name": "Title__c",
    "status": "Status__c",
    "priority": "Priority__c",
    "department": "Department__c",
    "strategic_group": "Strategic_Group__c",
    "strategic_value": "Strategic_Value__c",
    "launch_target": "Launch_Target_Raw__c",
    "level_of_effort": "Level_of_Effort__c",
    "sort_order": "Sort_Order__c",
    "flags.alignment": "Alignment__c",
    "flags.high_impact_work": "High_Impact_Work__c",
    "flags.retention_focus": "Retention_Focus__c",
    "flags.thought_leadership": "Thought_Leadership__c",
    "flags.ai_ways_of_working": "AI_Ways_of_Working__c",
    "brief.what_it_does": "Description__c",
    "brief.why_it_matters": "Why_It_Matters__c",
    "brief.business_impact": "Business_Impact__c",
    "brief.punchline": "Punchline__c",
    "intake.executive_sponsor": "Executive_Sponsor__c",
    "intake.submitted_by": "Submitted_By__c",
    "it_lead": "IT_Lead__c",
    "product_owner": "OwnerId",
    "intake.primary_system": "Primary_System__c",
    "intake.dev_t_shirt": "Dev_T_Shirt__c",
    "intake.dev_readiness": "Dev_Readiness__c",
    "intake.intake_document_url": "Intake_Document_URL__c",
    "intake.reviewer_comments": "Reviewer_Comments__c",
    "total_score": "Total_Score__c",
    "parent_id": "Parent_Initiative__c",
    "imported_created_by": "Imported_Created_By__c",
    "imported_updated_by": "Imported_Updated_By__c",
}
PERSONS = ("product_owner", "it_lead", "intake.submitted_by", "intake.executive_sponsor")


def write_plan(folder: Path, count: int = 50, suffix: str = "") -> tuple[Path, dict[str, Expected]]:
    """The workbook, and what is expected of each project by its feature name; ``suffix`` ends
    every department."""
    rows, matrix, expected = [], [], {}
    orders: dict[str, int] = {}
    for n in range(count):
        row, wanted = _row(n)
        row["Department"] = wanted["department"] = f"{row['Department']}{suffix}"
        if n % 10 == 9:
            row["Parent"] = rows[n - 1]["Feature"]
            wanted["parent"] = rows[n - 1]["Feature"]
        band = str(wanted["priority"])
        orders[band] = orders.get(band, 0) + 1
        wanted["order_in_band"] = orders[band]
        if n % 2 == 0:
            nomination, more = _nomination(n, row["Feature"])
            matrix.append(nomination)
            wanted |= more
        rows.append(row)
        expected[wanted["feature_name"]] = wanted
    path = book(
        folder / "plan.xlsx",
        rows,
        matrix,
        titles=[*PLAN_TITLES, "Parent"],
        matrix_titles=MATRIX_TITLES,
    )
    return path, expected


def _row(n: int) -> tuple[dict[str, Any], Expected]:
    def pick(pairs: Any, step: int = 1) -> Any:
        return pairs[(n * step) % len(pairs)]

    priority, status, effort = pick(PRIORITIES), pick(STATUSES), pick(EFFORTS)
    launch = pick(LAUNCHES)
    name = f"{pick(NAMES)} {n:02}"
    row: dict[str, Any] = {
        "Priority": priority[0],
        "Feature": f"  {name} \t",
        "Department": f"Dept {n % 32} & Söhne",
        "Status": status[0],
        "LOE": effort[0],
        "Product Owner": pick(OWNERS),
        "IT Lead": pick(LEADS),
        "Launch Target": launch[0],
        "Strategic Group": pick(GROUPS),
        "Strategic Value": None if n % 5 == 0 else f'"Value" {n} \\ back',
        "What It Does": None if n % 7 == 0 else f"First line {n}\r\nsecond\tline  ",
        "Why It Matters": f"because {n}" * (n % 4) or None,
        "Business Impact": f"{n} % more",
        "Punchline": "p" * 500 if n == 3 else f"Punch {n} 🎯",
        "Created By": "The Committee",
        "Updated By": None if n % 2 else f"Editor {n}",
    }
    wanted: Expected = {
        "feature_name": name,
        "priority": priority[1],
        "status": status[1],
        "department": row["Department"],
        "level_of_effort": effort[1],
        "product_owner": row["Product Owner"],
        "it_lead": row["IT Lead"],
        "launch_target": launch[1],
        "strategic_group": row["Strategic Group"],
        "strategic_value": row["Strategic Value"],
        "brief.what_it_does": None if n % 7 == 0 else f"First line {n}\nsecond\tline",
        "brief.why_it_matters": row["Why It Matters"],
        "brief.business_impact": row["Business Impact"],
        "brief.punchline": row["Punchline"],
        "imported_created_by": "The Committee",
        "imported_updated_by": row["Updated By"],
        "parent": None,
        "scores": {},
        "total_score": None,
        **dict.fromkeys(path for path in SF_NAMES if path.startswith("intake.")),
    }
    for place, (title, path) in enumerate(FLAG_TITLES.items()):
        row[title], wanted[path] = FLAGS[(n + place) % len(FLAGS)]
    return row, wanted


def _nomination(n: int, feature: str) -> tuple[dict[str, Any], Expected]:
    at = n // 2
    shown, readiness = READINESS[at % len(READINESS)]
    votes = {voter: (at + place) % 5 + 1 for place, voter in enumerate(VOTERS[: at % 7])}
    row: dict[str, Any] = {
        "Feature": feature,
        "Submitted By": "Farid Noor" if at % 3 else None,
        "Executive Sponsor": "CHLOE TAN" if at % 2 else "Somebody Else",
        "Primary System": SYSTEMS[at % len(SYSTEMS)],
        "Dev T-Shirt": SHIRTS[at % len(SHIRTS)],
        "Dev Readiness": shown,
        "Intake Document": None if at % 4 == 0 else f"https://docs.example/a?b={n}&c=%20#d",
        **votes,
        "Total": sum(votes.values()) if votes else None,
        "Reviewer Comments": None if at % 2 else f"Looks good\n{n}",
    }
    return row, {
        "intake.submitted_by": row["Submitted By"],
        "intake.executive_sponsor": row["Executive Sponsor"],
        "intake.primary_system": row["Primary System"],
        "intake.dev_t_shirt": row["Dev T-Shirt"],
        "intake.dev_readiness": readiness,
        "intake.intake_document_url": row["Intake Document"],
        "intake.reviewer_comments": row["Reviewer Comments"],
        "scores": votes,
        "total_score": row["Total"],
    }
