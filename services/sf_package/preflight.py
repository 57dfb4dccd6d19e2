"""What an organisation lacks, by what it says of itself: an object's describe and this package.

A describe shows what the user who asks may see, so that a missing permission set shows as missing
fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.sf_package.lead import LEAD
from services.sf_package.metadata import MetadataField
from services.sf_package.organisation import Organisation
from services.sf_package.ticket import ticket_fields
from store import fields
from store.fields import FIELDS, Kind

PARTS = frozenset({"fields", "recordTypeInfos"})
"""What of a describe is looked at."""

_DESCRIBED = {
    "Text": "string",
    "LongTextArea": "textarea",
    "Picklist": "picklist",
    "Checkbox": "boolean",
    "Number": "double",
    "Percent": "percent",
    "Url": "url",
    "Lookup": "reference",
    "Date": "date",
    "DateTime": "datetime",
}


def lacking(describe: Mapping[str, Any], organisation: Organisation) -> tuple[str, ...]:
    """What keeps initiatives from being written to Ticket__c; a sentence each, most basic first.

    ``describe`` is the body of ``sobjects/Ticket__c/describe`` as the integration user gets it.
    """
    shown = {field["name"]: field for field in describe["fields"]}
    packaged = ticket_fields()
    existing = {organisation.api(f.path): f for f in FIELDS if f.configurable}
    found = []
    types = {info["developerName"]: info for info in describe["recordTypeInfos"]}
    if not types.get(fields.RECORD_TYPE, {}).get("available"):
        found.append(f"the record type {fields.RECORD_TYPE} is missing or not granted")
    found += _missing(fields.SOBJECT, (field.api for field in packaged), shown)
    for field in packaged:
        if field.api in shown:
            found += _differences(fields.SOBJECT, field, shown[field.api])
    absent = [api for api in existing if api not in shown]
    if absent:
        found.append(
            f"{fields.SOBJECT} has no {', '.join(absent)}: say in the configuration what the"
            " organisation calls its title, status, priority, department and description"
        )
    for api, own in existing.items():
        if api in shown:
            found += _existing(api, own, shown[api])
    return tuple(found)


def lacking_leads(
    describe: Mapping[str, Any], packaged: Iterable[MetadataField]
) -> tuple[str, ...]:
    """The same for the Lead fields (``lead.LEAD_FIELDS``) and the describe of Lead."""
    shown = {field["name"]: field for field in describe["fields"]}
    listed = tuple(packaged)
    found = _missing(LEAD, (field.api for field in listed), shown)
    for field in listed:
        if field.api in shown:
            found += _differences(LEAD, field, shown[field.api])
    return tuple(found)


def _missing(entity: str, wanted: Iterable[str], shown: Mapping[str, Any]) -> list[str]:
    absent = [api for api in wanted if api not in shown]
    if not absent:
        return []
    what = f"field of {entity} is" if len(absent) == 1 else f"fields of {entity} are"
    return [f"{len(absent)} {what} missing or hidden from this user: {', '.join(absent)}"]


def _differences(entity: str, field: MetadataField, shown: Mapping[str, Any]) -> list[str]:
    name = f"{entity}.{field.api}"
    found = []
    if shown["type"] != _DESCRIBED[field.type]:
        return [f"{name} is a {shown['type']}, and the package has a {_DESCRIBED[field.type]}"]
    if field.length and shown["length"] < field.length:
        found.append(f"{name} holds {shown['length']} characters, and should hold {field.length}")
    if field.formula is None and not shown["updateable"]:
        found.append(f"{name} can't be written by this user")
    if field.external and not (shown["externalId"] and shown["unique"]):
        found.append(f"{name} is no unique external id")
    return found + _values(name, field.values, shown)


def _existing(api: str, field: fields.Field, shown: Mapping[str, Any]) -> list[str]:
    name = f"{fields.SOBJECT}.{api}"
    found = [] if shown["updateable"] else [f"{name} can't be written by this user"]
    if field.length and shown["type"] != "picklist" and shown["length"] < field.length:
        found.append(
            f"{name} holds {shown['length']} characters, and {field.label} may have {field.length}"
        )
    if field.kind is Kind.PICKLIST and shown["type"] == "picklist":
        found += _values(name, field.choices, shown)
    return found


def _values(name: str, wanted: tuple[str, ...], shown: Mapping[str, Any]) -> list[str]:
    active = {value["value"] for value in shown["picklistValues"] if value["active"]}
    absent = [value for value in wanted if value not in active]
    return [f"{name} has no value {', '.join(absent)}"] if absent else []
