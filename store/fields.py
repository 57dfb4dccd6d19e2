"""The one table of project fields.

Names, kinds, lengths, picklist values, sections and Salesforce names stand here and nowhere else:
the pydantic model, the form, imports, the Salesforce field map, the sandbox's schema and the
deployable package are generated from it or compared with it in tests.

A *path* is a field's name in the model: ``status``, ``brief.punchline``, ``scores.Ana``. A voter's
score is a field of its own (``scores.<voter>``; the voter may hold dots), so that two operators
who score the same project merge voter by voter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a field holds; decides validation, the editor and the Salesforce type."""

    ID = "id"
    TEXT = "text"
    LONG_TEXT = "long_text"
    PICKLIST = "picklist"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    PERCENT = "percent"
    URL = "url"
    PERSON = "person"
    LAUNCH_TARGET = "launch_target"
    PARENT = "parent"


class Section(StrEnum):
    """The detail screen's and the Salesforce layout's sections, in page order."""

    DETAILS = "Initiative Details"
    CONTEXT = "Strategic Context"
    GOALS = "Goal Alignment"
    BRIEF = "Brief"
    INTAKE = "Intake"
    HIERARCHY = "Hierarchy"
    SYSTEM = "System"


STATUSES = (
    "Yet to Start",
    "In Design",
    "In Development",
    "In QA",
    "In Progress",
    "Completed",
    "Paused",
    "Unknown",
    "N/A",
)
PRIORITIES = ("P1", "P2", "TBD", "Not yet Prioritized")
STRATEGIC_GROUPS = (
    "Retention & Intelligence",
    "Demand Gen & Efficiency",
    "Cross-Functional",
    "Operational AI Layer",
    "Operational Excellence",
    "Operational Reliability",
    "AI & Engagement",
    "AI & Personalization",
    "AI & Decision Intelligence",
)
EFFORTS = ("High", "Medium", "Low")
SYSTEMS = ("Salesforce", "CMS", "Navigator", "GTZenda", "Hubspot", "Other")
T_SHIRTS = ("XS", "S", "M", "L", "XL")
LAUNCH_SENTINELS = ("?", "TBD", "N/A")

CLOSED_STATUSES = ("Completed", "N/A")
ATTENTION_STATUSES = ("Paused", "Unknown")
UNRANKED_PRIORITIES = ("TBD", "Not yet Prioritized")

SCORE_MIN, SCORE_MAX, VOTERS_MAX = 1, 5, 6
PROJECT_ID_MAX = 32


@dataclass(frozen=True, slots=True)
class Field:
    """One project field.

    ``length`` counts UTF-16 code units, as Salesforce does. ``sf`` is the Salesforce API name
    (``configurable`` where the organisation's own field is used), None for what stays internal.
    ``editable`` is False for what only the program writes.
    """

    path: str
    label: str
    kind: Kind
    section: Section
    sf: str | None = None
    length: int | None = None
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    required: bool = False
    configurable: bool = False
    editable: bool = True

    @property
    def column(self) -> str:
        """The SQLite column: the path with its dot as an underscore."""
        return self.path.replace(".", "_")


def _flag(name: str, label: str, sf: str) -> Field:
    return Field(f"flags.{name}", label, Kind.BOOLEAN, Section.GOALS, sf)


FIELDS: tuple[Field, ...] = (
    Field(
        "feature_name",
        "Feature",
        Kind.TEXT,
        Section.DETAILS,
        "Title__c",
        length=255,
        required=True,
        configurable=True,
    ),
    Field(
        "status",
        "Status",
        Kind.PICKLIST,
        Section.DETAILS,
        "Status__c",
        choices=STATUSES,
        required=True,
        configurable=True,
    ),
    Field(
        "priority",
        "Priority",
        Kind.PICKLIST,
        Section.DETAILS,
        "Priority__c",
        choices=PRIORITIES,
        required=True,
        configurable=True,
    ),
    Field(
        "sort_order",
        "Sort Order",
        Kind.INTEGER,
        Section.DETAILS,
        "Sort_Order__c",
        low=0,
        high=999,
    ),
    Field("product_owner", "Product Owner", Kind.PERSON, Section.DETAILS, "OwnerId", length=255),
    Field("it_lead", "IT Lead", Kind.PERSON, Section.DETAILS, "IT_Lead__c", length=255),
    Field(
        "launch_target",
        "Launch Target",
        Kind.LAUNCH_TARGET,
        Section.DETAILS,
        "Launch_Target_Raw__c",
        length=16,
    ),
    Field(
        "department",
        "Department",
        Kind.TEXT,
        Section.DETAILS,
        "Department__c",
        length=255,
        configurable=True,
    ),
    Field(
        "strategic_group",
        "Strategic Group",
        Kind.PICKLIST,
        Section.DETAILS,
        "Strategic_Group__c",
        choices=STRATEGIC_GROUPS,
    ),
    Field(
        "strategic_value",
        "Strategic Value",
        Kind.TEXT,
        Section.CONTEXT,
        "Strategic_Value__c",
        length=255,
    ),
    Field(
        "level_of_effort",
        "Level of Effort",
        Kind.PICKLIST,
        Section.CONTEXT,
        "Level_of_Effort__c",
        choices=EFFORTS,
    ),
    Field(
        "intake.dev_t_shirt",
        "Dev T-Shirt",
        Kind.PICKLIST,
        Section.CONTEXT,
        "Dev_T_Shirt__c",
        choices=T_SHIRTS,
    ),
    Field(
        "intake.dev_readiness",
        "Dev Readiness",
        Kind.PERCENT,
        Section.CONTEXT,
        "Dev_Readiness__c",
        low=0,
        high=100,
    ),
    Field(
        "total_score",
        "Total Score",
        Kind.INTEGER,
        Section.CONTEXT,
        "Total_Score__c",
        low=0,
        high=999,
        editable=False,
    ),
    Field(
        "intake.primary_system",
        "Primary System",
        Kind.PICKLIST,
        Section.CONTEXT,
        "Primary_System__c",
        choices=SYSTEMS,
    ),
    _flag("alignment", "Alignment", "Alignment__c"),
    _flag("high_impact_work", "High Impact Work", "High_Impact_Work__c"),
    _flag("retention_focus", "Retention Focus", "Retention_Focus__c"),
    _flag("thought_leadership", "Thought Leadership", "Thought_Leadership__c"),
    _flag("ai_ways_of_working", "AI Ways of Working", "AI_Ways_of_Working__c"),
    Field(
        "brief.what_it_does",
        "What It Does",
        Kind.LONG_TEXT,
        Section.BRIEF,
        "Description__c",
        length=32000,
        configurable=True,
    ),
    Field(
        "brief.why_it_matters",
        "Why It Matters",
        Kind.LONG_TEXT,
        Section.BRIEF,
        "Why_It_Matters__c",
        length=8000,
    ),
    Field(
        "brief.business_impact",
        "Business Impact",
        Kind.LONG_TEXT,
        Section.BRIEF,
        "Business_Impact__c",
        length=8000,
    ),
    Field(
        "brief.punchline",
        "Punchline",
        Kind.LONG_TEXT,
        Section.BRIEF,
        "Punchline__c",
        length=500,
    ),
    Field(
        "intake.submitted_by",
        "Submitted By",
        Kind.PERSON,
        Section.INTAKE,
        "Submitted_By__c",
        length=255,
    ),
    Field(
        "intake.executive_sponsor",
        "Executive Sponsor",
        Kind.PERSON,
        Section.INTAKE,
        "Executive_Sponsor__c",
        length=255,
    ),
    Field(
        "intake.intake_document_url",
        "Intake Document URL",
        Kind.URL,
        Section.INTAKE,
        "Intake_Document_URL__c",
        length=255,
    ),
    Field(
        "intake.reviewer_comments",
        "Reviewer Comments",
        Kind.LONG_TEXT,
        Section.INTAKE,
        "Reviewer_Comments__c",
        length=8000,
    ),
    Field("parent_id", "Parent Initiative", Kind.PARENT, Section.HIERARCHY, "Parent_Initiative__c"),
    Field(
        "imported_created_by",
        "Imported Created By",
        Kind.TEXT,
        Section.SYSTEM,
        "Imported_Created_By__c",
        length=200,
        editable=False,
    ),
    Field(
        "imported_updated_by",
        "Imported Updated By",
        Kind.TEXT,
        Section.SYSTEM,
        "Imported_Updated_By__c",
        length=200,
        editable=False,
    ),
)

BY_PATH: dict[str, Field] = {field.path: field for field in FIELDS}
GROUPS = ("flags", "brief", "intake")
PERSON_PATHS = tuple(f.path for f in FIELDS if f.kind is Kind.PERSON)
SCORES_PREFIX = "scores."

EXTERNAL_ID_FIELD = "DataOS_Project_Id__c"
LAUNCH_DATE_FIELD = "Launch_Target__c"
SOBJECT = "Ticket__c"
RECORD_TYPE = "Strategic_Initiative"

DEFAULTS: dict[str, str | int | bool | None] = {
    **{field.path: False if field.kind is Kind.BOOLEAN else None for field in FIELDS},
    "status": "Yet to Start",
    "priority": "Not yet Prioritized",
}
"""What a new project holds where nothing else is said."""


def is_score(path: str) -> bool:
    """Whether a path names one voter's score."""
    return path.startswith(SCORES_PREFIX) and len(path) > len(SCORES_PREFIX)


def voter_of(path: str) -> str:
    """The voter of a score's path."""
    return path[len(SCORES_PREFIX) :]


def label_of(path: str) -> str:
    """What a person calls the field; a score is called by its voter."""
    if is_score(path):
        return f"Score of {voter_of(path)}"
    field = BY_PATH.get(path)
    return field.label if field else path
