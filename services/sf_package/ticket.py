"""The 27 fields that the package adds to Ticket__c, from the table of project fields."""

from __future__ import annotations

from services.sf_package.formulas import launch_date_formula
from services.sf_package.metadata import MetadataField
from store import fields
from store.fields import FIELDS, Field, Kind

OWNER = "OwnerId"

LABELS = {
    "Launch_Target_Raw__c": "Launch Target Raw",
    "Launch_Target__c": "Launch Target Date",
    "DataOS_Project_Id__c": "DataOS Project Id",
}
"""What a field is called in Salesforce where our screens call it otherwise, or don't show it."""

TRACKED = frozenset(
    {
        "IT_Lead__c",
        "Launch_Target_Raw__c",
        "Strategic_Group__c",
        "Strategic_Value__c",
        "Level_of_Effort__c",
        "Dev_T_Shirt__c",
        "Dev_Readiness__c",
        "Total_Score__c",
        "Primary_System__c",
        "Executive_Sponsor__c",
        "Submitted_By__c",
        "Parent_Initiative__c",
    }
)
"""Fields with history. Salesforce tracks at most 20 of an object and no formula; eight are left for
what the organisation tracks of its own, and the raw launch target stands for its date."""

HELP = {
    "DataOS_Project_Id__c": "The id that joins this record to the roadmap. It never changes;"
    " leave it blank on a record made here.",
    "Sort_Order__c": "The place within its priority band, 0 to 999, smallest first.",
    "IT_Lead__c": "Who leads the work in IT.",
    "Launch_Target_Raw__c": "A date as YYYY-MM-DD, or ?, TBD or N/A where it is left open on"
    " purpose, or blank.",
    "Launch_Target__c": "The date in Launch Target Raw; blank while that is no date.",
    "Strategic_Group__c": "The strategic lens. It says nothing about the department that runs it.",
    "Strategic_Value__c": "The business value expected, in one line.",
    "Level_of_Effort__c": "The committee's estimate of the effort.",
    "Dev_T_Shirt__c": "Engineering's estimate of the effort.",
    "Dev_Readiness__c": "How sure engineering is that the work is scoped enough to start, 0 to"
    " 100 %.",
    "Total_Score__c": "The sum of the committee's scores. It is computed in the roadmap and"
    " overwritten from there.",
    "Primary_System__c": "The main platform that the work touches.",
    "Alignment__c": "The initiative serves alignment.",
    "High_Impact_Work__c": "The initiative is high impact work.",
    "Retention_Focus__c": "The initiative serves retention.",
    "Thought_Leadership__c": "The initiative serves thought leadership.",
    "AI_Ways_of_Working__c": "The initiative changes how work is done with AI.",
    "Why_It_Matters__c": "What is broken today, and what it costs.",
    "Business_Impact__c": "What will be different once it has shipped.",
    "Punchline__c": "The one line that the committee uses word for word.",
    "Submitted_By__c": "Who nominated the initiative.",
    "Executive_Sponsor__c": "The executive who answers for it.",
    "Intake_Document_URL__c": "The full nomination: an http or https address.",
    "Reviewer_Comments__c": "The committee's notes: merges, dependencies, duplicates.",
    "Parent_Initiative__c": "The umbrella that this initiative is a part of.",
    "Imported_Created_By__c": "Who made the row in the original workbook.",
    "Imported_Updated_By__c": "Who last changed the row in the original workbook.",
}

_RELATIONS = {
    "IT_Lead__c": "Led_Initiatives",
    "Submitted_By__c": "Submitted_Initiatives",
    "Executive_Sponsor__c": "Sponsored_Initiatives",
    "Parent_Initiative__c": "Child_Initiatives",
}
_TYPES = {
    Kind.TEXT: "Text",
    Kind.LAUNCH_TARGET: "Text",
    Kind.LONG_TEXT: "LongTextArea",
    Kind.PICKLIST: "Picklist",
    Kind.BOOLEAN: "Checkbox",
    Kind.INTEGER: "Number",
    Kind.PERCENT: "Percent",
    Kind.URL: "Url",
    Kind.PERSON: "Lookup",
    Kind.PARENT: "Lookup",
}


def is_packaged(field: Field) -> bool:
    """Whether the package brings the field; the organisation has the others already."""
    return field.sf is not None and not field.configurable and field.sf != OWNER


def ticket_fields() -> tuple[MetadataField, ...]:
    """The external id, each packaged project field in the table's order, and the launch date."""
    key = MetadataField(
        fields.EXTERNAL_ID_FIELD,
        LABELS[fields.EXTERNAL_ID_FIELD],
        "Text",
        HELP[fields.EXTERNAL_ID_FIELD],
        length=fields.PROJECT_ID_MAX,
        external=True,
        tracked=False,
        origin="project_id",
    )
    launch = MetadataField(
        fields.LAUNCH_DATE_FIELD,
        LABELS[fields.LAUNCH_DATE_FIELD],
        "Date",
        HELP[fields.LAUNCH_DATE_FIELD],
        formula=launch_date_formula(),
        tracked=False,
        origin="launch_date, derived from launch_target",
    )
    return (key, *(_from_project(f) for f in FIELDS if is_packaged(f)), launch)


def _from_project(field: Field) -> MetadataField:
    api = field.sf or ""
    kind = field.kind
    number = kind in (Kind.INTEGER, Kind.PERCENT)
    return MetadataField(
        api,
        LABELS.get(api, field.label),
        _TYPES[kind],
        HELP[api],
        # A person's name and an address have a length of their own in Salesforce.
        length=field.length if kind not in (Kind.PERSON, Kind.URL) else None,
        precision=len(str(field.high)) if number else None,
        lines=_lines(field) if kind is Kind.LONG_TEXT else None,
        values=field.choices,
        refers={Kind.PERSON: "User", Kind.PARENT: fields.SOBJECT}.get(kind),
        relation=_RELATIONS.get(api),
        relation_label="Child Initiatives" if kind is Kind.PARENT else None,
        only_record_type=fields.RECORD_TYPE if kind is Kind.PARENT else None,
        tracked=api in TRACKED,
        origin=field.path,
    )


def _lines(field: Field) -> int:
    return 3 if (field.length or 0) <= 500 else 6
