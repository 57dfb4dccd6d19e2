"""What the strict organisation's Ticket__c looks like, and how strictly a value is judged.

Written from the documented behaviour of Salesforce alone; nothing of the program's own tables is
used, so that the two can disagree.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Errors = list[dict[str, Any]]

STATUSES = (
    *("New", "Active", "Resolved", "Closed"),  # the organisation's own, for its tickets
    *("Yet to Start", "In Design", "In Development", "In QA", "In Progress", "Completed"),
    *("Paused", "Unknown", "N/A"),
)
GROUPS = (
    *("Retention & Intelligence", "Demand Gen & Efficiency", "Cross-Functional"),
    *("Operational AI Layer", "Operational Excellence", "Operational Reliability"),
    *("AI & Engagement", "AI & Personalization", "AI & Decision Intelligence"),
)


@dataclass(frozen=True)
class Field:
    """One field: its type, and what it takes. ``refers`` is the object of a lookup."""

    type: str
    length: int = 0
    values: tuple[str, ...] = ()
    refers: str = ""
    low: int = 0
    high: int = 999
    required: bool = False
    writable: bool = True
    folded: bool = True
    """Whether text compares without regard to case; not so for a case-sensitive external id."""


def _text(length: int, **more: Any) -> Field:
    return Field("text", length, **more)


def _system(kind: str) -> Field:
    return Field(kind, writable=False)


KEY = "DataOS_Project_Id__c"
PARENT, PARENT_RELATION = "Parent_Initiative__c", "Parent_Initiative__r"

TICKET: dict[str, Field] = {
    "Id": _system("id"),
    "Name": _system("text"),
    "IsDeleted": _system("boolean"),
    "CreatedDate": _system("datetime"),
    "CreatedById": _system("id"),
    "LastModifiedDate": _system("datetime"),
    "LastModifiedById": _system("id"),
    "SystemModstamp": _system("datetime"),
    "OwnerId": Field("reference", refers="User", required=True),
    "RecordTypeId": Field("reference", refers="RecordType", required=True),
    KEY: _text(32, folded=False),
    "Title__c": _text(255, required=True),
    "Status__c": Field("picklist", values=STATUSES),
    "Priority__c": Field("picklist", values=("P1", "P2", "P3", "P4", "TBD", "Not yet Prioritized")),
    "Department__c": _text(255),
    "Strategic_Group__c": Field("picklist", values=GROUPS),
    "Strategic_Value__c": _text(255),
    "Launch_Target_Raw__c": _text(16),
    "Launch_Target__c": _system("date"),
    "Level_of_Effort__c": Field("picklist", values=("High", "Medium", "Low")),
    "Sort_Order__c": Field("number"),
    "Alignment__c": Field("boolean"),
    "High_Impact_Work__c": Field("boolean"),
    "Retention_Focus__c": Field("boolean"),
    "Thought_Leadership__c": Field("boolean"),
    "AI_Ways_of_Working__c": Field("boolean"),
    "Description__c": Field("long", 32000),
    "Why_It_Matters__c": Field("long", 8000),
    "Business_Impact__c": Field("long", 8000),
    "Punchline__c": Field("long", 500),
    "Executive_Sponsor__c": Field("reference", refers="User"),
    "Submitted_By__c": Field("reference", refers="User"),
    "IT_Lead__c": Field("reference", refers="User"),
    "Primary_System__c": Field(
        "picklist", values=("Salesforce", "CMS", "Navigator", "GTZenda", "Hubspot", "Other")
    ),
    "Dev_T_Shirt__c": Field("picklist", values=("XS", "S", "M", "L", "XL")),
    "Dev_Readiness__c": Field("percent", high=100),
    "Intake_Document_URL__c": _text(255),
    "Reviewer_Comments__c": Field("long", 8000),
    "Total_Score__c": Field("number"),
    PARENT: Field("reference", refers="Ticket__c"),
    "Imported_Created_By__c": _text(200),
    "Imported_Updated_By__c": _text(200),
    "Project_Notes__c": Field("long", 32000),
}
OBJECTS: dict[str, dict[str, Field]] = {
    "Ticket__c": TICKET,
    "User": {
        "Id": _system("id"),
        "Name": _text(121),
        "Username": _text(80),
        "Email": _text(128),
        "IsActive": Field("boolean"),
        "UserType": Field("picklist"),
        "SystemModstamp": _system("datetime"),
    },
    "RecordType": {
        "Id": _system("id"),
        "Name": _text(80),
        "DeveloperName": _text(80),
        "SobjectType": Field("picklist"),
        "IsActive": Field("boolean"),
    },
    "Organization": {"Id": _system("id"), "Name": _text(80), "IsSandbox": Field("boolean")},
    "Ticket__History": {
        "Id": _system("id"),
        "IsDeleted": _system("boolean"),
        "ParentId": _system("id"),
        "CreatedById": _system("id"),
        "CreatedDate": _system("datetime"),
        "Field": _system("picklist"),
        "DataType": _system("picklist"),
        "OldValue": _system("any"),
        "NewValue": _system("any"),
    },
}
RELATIONS = {
    ("Ticket__c", PARENT_RELATION): (PARENT, "Ticket__c"),
    ("Ticket__c", "RecordType"): ("RecordTypeId", "RecordType"),
    ("Ticket__c", "Owner"): ("OwnerId", "User"),
    ("Ticket__c", "LastModifiedBy"): ("LastModifiedById", "User"),
    ("Ticket__c", "CreatedBy"): ("CreatedById", "User"),
    ("Ticket__c", "IT_Lead__r"): ("IT_Lead__c", "User"),
    ("Ticket__c", "Submitted_By__r"): ("Submitted_By__c", "User"),
    ("Ticket__c", "Executive_Sponsor__r"): ("Executive_Sponsor__c", "User"),
    ("Ticket__History", "CreatedBy"): ("CreatedById", "User"),
    ("Ticket__History", "Parent"): ("ParentId", "Ticket__c"),
}
TRACKED = (
    *("Title__c", "Status__c", "Priority__c", "Department__c", "OwnerId", "IT_Lead__c", PARENT),
    *("Launch_Target_Raw__c", "Strategic_Group__c", "Strategic_Value__c", "Level_of_Effort__c"),
    *("Dev_Readiness__c", "Dev_T_Shirt__c", "Total_Score__c", "Description__c", "Sort_Order__c"),
)
_BLANK = "".join(map(chr, range(0x21)))
_SF_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


def error(code: str, message: str, *names: str) -> dict[str, Any]:
    """One error of a row, as collections give it (rows give ``errorCode``)."""
    return {"statusCode": code, "message": message, "fields": list(names)}


def units(text: str) -> int:
    """The length of a text as Java counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def full_id(short: str) -> str:
    """The 18-character form of an Id of 15: three characters say which letters are capital."""
    if len(short) != 15:
        return short
    tail = ""
    for block in (short[:5], short[5:10], short[10:]):
        bits = sum(1 << place for place, ch in enumerate(block) if "A" <= ch <= "Z")
        tail += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return short + tail


def shape_problem(name: str, field: Field, value: Any) -> str | None:
    """What the JSON parser itself would refuse the whole request for."""
    kind = {"number": (int, float), "percent": (int, float), "boolean": (bool,)}.get(
        field.type, (str,)
    )
    if value is None or (isinstance(value, kind) and (bool in kind or not isinstance(value, bool))):
        return None
    return f"Cannot deserialize instance of {field.type} from {type(value).__name__} for {name}"


def settled(field: Field, value: Any) -> Any:
    """The value as it is kept: outer blanks cut, empty as null, line ends as LF, numbers real."""
    if isinstance(value, str) and field.type in ("text", "long", "picklist"):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip(_BLANK) or None
    if field.type in ("number", "percent") and value is not None:
        return float(value)
    if field.type == "reference" and isinstance(value, str):
        return full_id(value) if value else None
    return value


def value_problems(name: str, value: Any, exists: Callable[[str, str], bool]) -> Errors:
    """What is wrong with one settled value; ``exists(object, id)`` answers for lookups."""
    field = TICKET[name]
    if not field.writable:
        words = f"Unable to create/update fields: {name}. Please check the security settings"
        return [error("INVALID_FIELD_FOR_INSERT_UPDATE", words, name)]
    if value is None:
        if field.type == "boolean":
            return [error("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: no boolean", name)]
        if field.required:
            return [error("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{name}]", name)]
        return []
    match field.type:
        case "text" | "long" if units(value) > field.length:
            words = f"{name}: data value too large: {value[:20]} (max length={field.length})"
            return [error("STRING_TOO_LONG", words, name)]
        case "text" if "\n" in value:
            return [error("INVALID_FIELD", f"{name}: line break in a one-line text", name)]
        case "picklist" if value not in field.values:
            words = f"{name}: bad value for restricted picklist field: {value}"
            return [error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, name)]
        case "number" | "percent" if value != int(value) or abs(value) > 999:
            return [error("NUMBER_OUTSIDE_VALID_RANGE", f"{name}: value outside of range", name)]
        case "reference" if not _SF_ID.fullmatch(value) or full_id(value[:15]) != value:
            return [error("MALFORMED_ID", f"{name}: id value of incorrect type: {value}", name)]
        case "reference" if not exists(field.refers, value):
            return [error("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", name)]
    return []


def rule_problems(row: Mapping[str, Any]) -> Errors:
    """The package's validation rules, on the row as it would be."""
    broken = []
    if not _launch_is_valid(row.get("Launch_Target_Raw__c")):
        broken.append(("Launch target is a date, ?, TBD, N/A or blank", "Launch_Target_Raw__c"))
    if not 0 <= (row.get("Dev_Readiness__c") or 0) <= 100:
        broken.append(("Dev readiness is 0 to 100", "Dev_Readiness__c"))
    if (row.get("Total_Score__c") or 0) < 0:
        broken.append(("The total score is not negative", "Total_Score__c"))
    if row.get(PARENT) is not None and row.get(PARENT) == row.get("Id"):
        broken.append(("An initiative is not its own parent", PARENT))
    return [error("FIELD_CUSTOM_VALIDATION_EXCEPTION", words, name) for words, name in broken]


def launch_date(raw: str | None) -> str | None:
    """The formula Launch_Target__c."""
    return raw if raw and re.match(r"\d", raw) else None


def _launch_is_valid(raw: str | None) -> bool:
    if raw in (None, "?", "TBD", "N/A"):
        return True
    if not re.fullmatch(r"(19|20)\d\d-\d\d-\d\d", str(raw), re.ASCII):
        return False
    try:
        dt.date.fromisoformat(str(raw))
    except ValueError:
        return False
    return True
