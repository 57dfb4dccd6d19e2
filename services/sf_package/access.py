"""Two permission sets: for the people who keep the roadmap, and for the user Steerco logs in as."""

from __future__ import annotations

from collections.abc import Iterable

from services.sf_package.lead import LEAD, LEAD_FIELDS
from services.sf_package.objects import RECORD_TYPE_FILTER
from services.sf_package.organisation import Organisation
from services.sf_package.ticket import ticket_fields
from services.sf_package.xml import Tree, render
from store import fields

OPERATOR = "Steerco_Operator"
INTEGRATION = "Steerco_Integration"

_ROADMAP_ONLY = (
    fields.EXTERNAL_ID_FIELD,
    "Total_Score__c",
    "Imported_Created_By__c",
    "Imported_Updated_By__c",
)
"""What only Steerco writes: a person's edit would be overwritten, or would break the join."""


def operator(organisation: Organisation) -> str:
    """Read and write initiatives; no delete, since the roadmap deletes with its children in mind.

    Lead fields are readable, for the dashboard; whether leads are is the profile's.
    """
    return _permission_set(
        "Steerco Operator",
        "Keeps strategic initiatives. For Engineering Leadership, IT and Strategy at first.",
        _ticket_security(organisation, _ROADMAP_ONLY)
        + [_security(LEAD, field.api, edit=False) for field in LEAD_FIELDS],
        [_object(fields.SOBJECT, "Create", "Edit", "Read")],
        [],
    )


def integration(organisation: Organisation) -> str:
    """What Steerco needs and no more.

    Modify All on Ticket__c alone: an initiative belongs to its product owner, and Salesforce lets
    only an owner, or who may modify all, hand a record on or delete it.
    """
    return _permission_set(
        "Steerco Integration",
        "The user that Steerco logs in as: initiatives and tickets, the first-response and"
        " routing fields of leads, the API, and nothing else.",
        _ticket_security(organisation, ())
        + [_security(LEAD, field.api, edit=True) for field in LEAD_FIELDS],
        [
            _object(LEAD, "Edit", "Read", view_all=True),
            _object(
                fields.SOBJECT, "Create", "Delete", "Edit", "Read", view_all=True, modify_all=True
            ),
        ],
        ["ApiEnabled", "TransferAnyLead"],
    )


def _permission_set(
    label: str,
    description: str,
    security: Iterable[tuple[str, Tree]],
    objects: Iterable[tuple[str, Tree]],
    powers: Iterable[str],
) -> str:
    visible: Tree = [("recordType", RECORD_TYPE_FILTER), ("visible", True)]
    granted: list[tuple[str, Tree]] = [
        ("userPermissions", [("enabled", True), ("name", power)]) for power in powers
    ]
    return render(
        "PermissionSet",
        [
            ("description", description),
            *sorted(security, key=lambda each: str(each[1][1][1])),
            ("hasActivationRequired", False),
            ("label", label),
            *objects,
            ("recordTypeVisibilities", visible),
            *granted,
        ],
    )


def _ticket_security(organisation: Organisation, closed: tuple[str, ...]) -> list[tuple[str, Tree]]:
    existing = [organisation.api(f.path) for f in fields.FIELDS if f.configurable]
    formulas = [field.api for field in ticket_fields() if field.formula]
    return [
        _security(fields.SOBJECT, api, edit=api not in closed and api not in formulas)
        for api in (*existing, *(field.api for field in ticket_fields()))
        if organisation.secured(api)
    ]


def _security(entity: str, api: str, *, edit: bool) -> tuple[str, Tree]:
    return (
        "fieldPermissions",
        [("editable", edit), ("field", f"{entity}.{api}"), ("readable", True)],
    )


def _object(
    entity: str, *may: str, view_all: bool = False, modify_all: bool = False
) -> tuple[str, Tree]:
    return (
        "objectPermissions",
        [
            *((f"allow{verb}", verb in may) for verb in ("Create", "Delete", "Edit", "Read")),
            ("modifyAllRecords", modify_all),
            ("object", entity),
            ("viewAllRecords", view_all),
        ],
    )
