"""Ticket__c: the project fields of ``store.fields``, beside what such an org has already."""

from __future__ import annotations

from services.sandbox.schema import (
    FieldSpec,
    RecordTypeSpec,
    SfType,
    SObject,
    deleted_flag,
    identity,
    stamps,
)
from store import fields as project
from store.fields import Field, Kind

TICKET_STATUSES = (
    "New",
    "In Design",
    "In Development",
    "In QA",
    "Blocked",
    "Resolved",
    "Closed",
)
TICKET_PRIORITIES = ("P1", "P2", "P3", "P4", "TBD")
TICKET_TYPES = ("Defect", "Incident", "Feature", "Task", "Release")

RECORD_TYPES = (
    RecordTypeSpec(
        "Development",
        "Development Ticket",
        "Defects, features and tasks of the development teams",
        {"Status__c": TICKET_STATUSES, "Priority__c": TICKET_PRIORITIES},
        {"Status__c": "New", "Priority__c": "TBD"},
    ),
    RecordTypeSpec(
        "Salesforce_Operations",
        "Salesforce Operations Ticket",
        "Requests and incidents of the Salesforce team",
        {"Status__c": TICKET_STATUSES, "Priority__c": TICKET_PRIORITIES},
        {"Status__c": "New", "Priority__c": "TBD"},
    ),
    RecordTypeSpec(
        project.RECORD_TYPE,
        "Strategic Initiative",
        "Strategic roadmap initiatives of the IT steering committee",
        {"Status__c": project.STATUSES, "Priority__c": project.PRIORITIES},
        {"Status__c": "Yet to Start", "Priority__c": "Not yet Prioritized"},
    ),
)
DEFAULT_RECORD_TYPE = RECORD_TYPES[0].developer_name

TRACKED = frozenset(
    {
        "Title__c",
        "Status__c",
        "Priority__c",
        "OwnerId",
        "IT_Lead__c",
        "Launch_Target_Raw__c",
        "Department__c",
        "Strategic_Group__c",
        "Strategic_Value__c",
        "Level_of_Effort__c",
        "Dev_T_Shirt__c",
        "Dev_Readiness__c",
        "Total_Score__c",
        "Primary_System__c",
        "Description__c",
        "Executive_Sponsor__c",
        "Submitted_By__c",
        "Parent_Initiative__c",
        "Assignee__c",
        "Type__c",
    }
)
"""Salesforce tracks at most 20 fields of an object, and no formula."""

_LABELS = {
    "Title__c": "Title",
    "Launch_Target_Raw__c": "Launch Target Raw",
    "Description__c": "Description",
}
"""Labels in Salesforce that differ from the ones on our screens."""

_TYPES = {
    Kind.ID: SfType.STRING,
    Kind.TEXT: SfType.STRING,
    Kind.LAUNCH_TARGET: SfType.STRING,
    Kind.LONG_TEXT: SfType.TEXTAREA,
    Kind.PICKLIST: SfType.PICKLIST,
    Kind.BOOLEAN: SfType.BOOLEAN,
    Kind.INTEGER: SfType.DOUBLE,
    Kind.PERCENT: SfType.PERCENT,
    Kind.URL: SfType.URL,
    Kind.PERSON: SfType.REFERENCE,
    Kind.PARENT: SfType.REFERENCE,
}


def user_lookup(name: str, label: str) -> FieldSpec:
    """A lookup to an active user."""
    return FieldSpec(
        name,
        label,
        SfType.REFERENCE,
        18,
        refers=("User",),
        relation=name.replace("__c", "__r"),
        tracked=name in TRACKED,
        only_active=True,
    )


def ticket_object() -> SObject:
    """Ticket__c with every field."""
    pushed = [f for f in project.FIELDS if f.sf and f.sf != "OwnerId"]
    return SObject(
        project.SOBJECT,
        "Ticket",
        "Tickets",
        "a0B",
        (
            identity(),
            _owner(),
            deleted_flag(),
            FieldSpec(
                "Name",
                "Ticket Number",
                SfType.STRING,
                80,
                writable=False,
                name_field=True,
                auto_number=True,
                id_lookup=True,
            ),
            FieldSpec(
                "RecordTypeId",
                "Record Type ID",
                SfType.REFERENCE,
                18,
                refers=("RecordType",),
                relation="RecordType",
            ),
            *stamps(),
            FieldSpec(
                project.EXTERNAL_ID_FIELD,
                "DataOS Project Id",
                SfType.STRING,
                project.PROJECT_ID_MAX,
                unique=True,
                external=True,
                case_sensitive=True,
                id_lookup=True,
            ),
            *map(_from_project, pushed),
            FieldSpec(
                project.LAUNCH_DATE_FIELD,
                "Launch Target Date",
                SfType.DATE,
                writable=False,
                expression='launch_date({t}."Launch_Target_Raw__c")',
            ),
            _plain_picklist("Type__c", "Type", TICKET_TYPES),
            user_lookup("Assignee__c", "Assignee"),
            FieldSpec("Estimated_Hours__c", "Estimated Hours", SfType.DOUBLE, precision=8, scale=2),
            _plain_picklist("Size__c", "Size", project.T_SHIRTS),
            FieldSpec("Project_Notes__c", "Project Notes", SfType.TEXTAREA, 32000),
        ),
        writable=True,
        deletable=True,
    )


def history_object() -> SObject:
    """Ticket__History: one row a change of a tracked field, read only."""
    return SObject(
        "Ticket__History",
        "History: Ticket",
        "History: Ticket",
        "017",
        (
            identity(),
            deleted_flag(),
            FieldSpec(
                "ParentId",
                "Parent ID",
                SfType.REFERENCE,
                18,
                writable=False,
                refers=(project.SOBJECT,),
                relation="Parent",
                children="Histories",
            ),
            FieldSpec(
                "CreatedById",
                "Created By ID",
                SfType.REFERENCE,
                18,
                writable=False,
                refers=("User",),
                relation="CreatedBy",
            ),
            FieldSpec("CreatedDate", "Created Date", SfType.DATETIME, writable=False),
            FieldSpec("Field", "Changed Field", SfType.PICKLIST, 255, writable=False),
            FieldSpec("DataType", "Datatype", SfType.PICKLIST, 40, writable=False),
            FieldSpec("OldValue", "Old Value", SfType.ANY, writable=False),
            FieldSpec("NewValue", "New Value", SfType.ANY, writable=False),
        ),
    )


def _owner() -> FieldSpec:
    return FieldSpec(
        "OwnerId",
        "Owner ID",
        SfType.REFERENCE,
        18,
        refers=("User", "Group"),
        relation="Owner",
        tracked="OwnerId" in TRACKED,
        only_active=True,
    )


def _plain_picklist(name: str, label: str, values: tuple[str, ...]) -> FieldSpec:
    return FieldSpec(
        name, label, SfType.PICKLIST, 255, values=values, tracked=name in TRACKED, required=False
    )


def _from_project(f: Field) -> FieldSpec:
    """A project field as the org has it. The status and priority picklists hold the values of
    every record type; which of them a record may take is its record type's."""
    name = f.sf or ""
    label = _LABELS.get(name, f.label)
    tracked = name in TRACKED
    if f.kind is Kind.PERSON:
        return user_lookup(name, label)
    if f.kind is Kind.PARENT:
        return FieldSpec(
            name,
            label,
            SfType.REFERENCE,
            18,
            refers=(project.SOBJECT,),
            relation=name.replace("__c", "__r"),
            children="Child_Initiatives__r",
            tracked=tracked,
            only_record_type=project.RECORD_TYPE,
        )
    values = [v for spec in RECORD_TYPES for v in spec.picklists.get(name, f.choices)]
    numeric = f.kind in (Kind.INTEGER, Kind.PERCENT)
    return FieldSpec(
        name,
        label,
        _TYPES[f.kind],
        length=255 if f.kind is Kind.PICKLIST else f.length or 0,
        precision=3 if numeric else 0,
        values=tuple(dict.fromkeys(values)) if f.kind is Kind.PICKLIST else (),
        # A blank status or priority is legal in such an org: only the title is required.
        required=f.required and f.kind is Kind.TEXT,
        default=False if f.kind is Kind.BOOLEAN else None,
        tracked=tracked,
    )
