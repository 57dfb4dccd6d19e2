"""The Lead fields that first response, routing and outreach write."""

from __future__ import annotations

from services.sf_package.metadata import MetadataField

LEAD = "Lead"
RESPONSE_SOURCES = ("EmailMessage", "Task")
SLA_MINUTES = 60
"""What the SLA report takes for a breach: more minutes than these to the first response."""

LEAD_FIELDS: tuple[MetadataField, ...] = (
    MetadataField(
        "First_Response_At__c",
        "First Response At",
        "DateTime",
        "When a person first answered this lead. Only ever moves earlier.",
    ),
    MetadataField(
        "First_Response_User__c",
        "First Response User",
        "Lookup",
        "Who answered first.",
        refers="User",
        relation="First_Response_Leads",
    ),
    MetadataField(
        "First_Response_Source__c",
        "First Response Source",
        "Picklist",
        "What the first response was: an outbound email or a completed task.",
        values=RESPONSE_SOURCES,
    ),
    MetadataField(
        "Time_to_First_Response__c",
        "Time to First Response",
        "Number",
        "Minutes from the lead's creation to its first response.",
        precision=10,
        scale=2,
    ),
    MetadataField(
        "Owner_Assigned_At__c",
        "Owner Assigned At",
        "DateTime",
        "When the lead first belonged to a person.",
    ),
    MetadataField(
        "Assignment_Latency_Minutes__c",
        "Assignment Latency Minutes",
        "Number",
        "Minutes from the lead's creation to its assignment to a person.",
        precision=10,
        scale=2,
    ),
    MetadataField(
        "Template_Recommended__c",
        "Template Recommended",
        "Text",
        "The id of the outreach template that was recommended for this lead.",
        length=80,
    ),
    MetadataField(
        "Template_Applied__c",
        "Template Applied",
        "Text",
        "The id of the outreach template that was filled in for this lead.",
        length=80,
    ),
)
