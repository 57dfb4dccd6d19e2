"""Ticket__c: what such an org has already, and what the package brings to it."""

from __future__ import annotations

from services.sandbox.packaged import initiative_fields
from services.sandbox.schema import (
    FieldSpec,
    SfType,
    SObject,
    deleted_flag,
    identity,
    stamps,
)
from services.sf_package.reading import RecordTypeSpec, packaged_record_type
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
    packaged_record_type(),
)
DEFAULT_RECORD_TYPE = RECORD_TYPES[0].developer_name

TRACKED = frozenset(
    {
        "Title__c",
        "Status__c",
        "Priority__c",
        "OwnerId",
        "Department__c",
        "Description__c",
        "Assignee__c",
        "Type__c",
    }
)
"""The org's own fields with history. With the packaged ones they are 20, as many as Salesforce
tracks of an object."""

_TYPES = {
    Kind.TEXT: SfType.STRING,
    Kind.LONG_TEXT: SfType.TEXTAREA,
    Kind.PICKLIST: SfType.PICKLIST,
}
_LABELS = {"feature_name": "Title", "brief.what_it_does": "Description"}
"""What the org calls fields of its own that are called otherwise on our screens."""


def ticket_object() -> SObject:
    """Ticket__c with every field."""
    reused = [f for f in project.FIELDS if f.configurable]
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
            *map(_reused, reused),
            *initiative_fields(),
            _plain_picklist("Type__c", "Type", TICKET_TYPES),
            _assignee(),
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


def _assignee() -> FieldSpec:
    return FieldSpec(
        "Assignee__c",
        "Assignee",
        SfType.REFERENCE,
        18,
        refers=("User",),
        relation="Assignee__r",
        tracked="Assignee__c" in TRACKED,
        only_active=True,
    )


def _reused(f: Field) -> FieldSpec:
    """A field of the org's own that initiatives share with tickets. Its picklist holds the values
    of every record type; which of them a record may take is its record type's."""
    name = f.sf or ""
    values = [v for spec in RECORD_TYPES for v in spec.picklists.get(name, ())]
    return FieldSpec(
        name,
        _LABELS.get(f.path, f.label),
        _TYPES[f.kind],
        length=255 if f.kind is Kind.PICKLIST else f.length or 0,
        values=tuple(dict.fromkeys(values)),
        # A blank status or priority is legal in such an org: only the title is required.
        required=f.required and f.kind is Kind.TEXT,
        tracked=name in TRACKED,
    )
