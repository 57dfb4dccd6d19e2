"""What hangs on Ticket__c beside its fields: record type, list views, validation rules."""

from __future__ import annotations

import re
from urllib.parse import quote

from services.sf_package.formulas import ValidationRule
from services.sf_package.organisation import Organisation
from services.sf_package.ticket import OWNER
from services.sf_package.xml import Tree, render
from store import fields
from store.fields import FIELDS, Kind
from store.views import Filter, Op, View

RECORD_TYPE_LABEL = "Strategic Initiative"
RECORD_TYPE_FILTER = f"{fields.SOBJECT}.{fields.RECORD_TYPE}"
_COLUMNS = ("feature_name", "priority", "status", "sort_order", "launch_date", "it_lead")
_TAIL = ("product_owner", "department", "strategic_group")
_OPERATIONS = {
    Op.IN: "equals",
    Op.NOT_IN: "notEqual",
    Op.BEFORE_TODAY: "lessThan",
    Op.FROM_TODAY: "greaterOrEqual",
    Op.WITHIN_DAYS: "lessOrEqual",
}


def record_type(organisation: Organisation) -> str:
    """The record type with every value of every picklist of the project.

    Salesforce writes the values of a record type percent-encoded, as it does component names, and
    decodes them on the way in.
    """
    picklists = [field for field in FIELDS if field.kind is Kind.PICKLIST]
    chosen: list[tuple[str, Tree]] = []
    for field in sorted(picklists, key=lambda f: organisation.api(f.path)):
        values: list[tuple[str, Tree]] = [
            (
                "values",
                [
                    ("fullName", quote(value, safe=" ")),
                    ("default", value == fields.DEFAULTS[field.path]),
                ],
            )
            for value in field.choices
        ]
        picklist = ("picklist", organisation.api(field.path))
        chosen.append(("picklistValues", [picklist, *values]))
    return render(
        "RecordType",
        [
            ("fullName", fields.RECORD_TYPE),
            ("active", True),
            (
                "description",
                "Strategic roadmap initiatives of the IT steering committee, kept in step with"
                " the roadmap by Steerco.",
            ),
            ("label", RECORD_TYPE_LABEL),
            *chosen,
        ],
    )


def validation_rule(rule: ValidationRule) -> str:
    """A validation rule's file."""
    return render(
        "ValidationRule",
        [
            ("fullName", rule.name),
            ("active", True),
            ("description", rule.description),
            ("errorConditionFormula", rule.formula),
            ("errorDisplayField", rule.field),
            ("errorMessage", rule.message),
        ],
    )


def list_view_name(view: View) -> str:
    """A view's API name: ``SI_P1_Active``."""
    return "SI_" + re.sub(r"[^A-Za-z0-9]+", "_", view.label)


def list_view(view: View, organisation: Organisation) -> str:
    """A view's file: its filters behind the one on the record type. Metadata hold no sort order."""
    filters: list[tuple[str, Tree]] = [
        (
            "filters",
            [("field", "RECORDTYPE"), ("operation", "equals"), ("value", RECORD_TYPE_FILTER)],
        )
    ]
    filters += [("filters", _filter(each, organisation)) for each in view.filters]
    logic: list[tuple[str, str]] = []
    if view.filters:
        shifted = re.sub(r"\d+", lambda number: str(int(number[0]) + 1), view.logic)
        logic = [("booleanFilter", f"1 AND ({shifted})" if "OR" in shifted else f"1 AND {shifted}")]
    return render(
        "ListView",
        [
            ("fullName", list_view_name(view)),
            *logic,
            *(("columns", _column(organisation.api(path))) for path in _COLUMNS + _TAIL),
            ("filterScope", "Everything"),
            *filters,
            ("label", view.label),
        ],
    )


def _column(api: str) -> str:
    return {"Name": "NAME", OWNER: "OWNER.ALIAS"}.get(api, api)


def _filter(each: Filter, organisation: Organisation) -> Tree:
    match each.op:
        case Op.IN | Op.NOT_IN:
            value = ",".join(each.values)
        case Op.WITHIN_DAYS:
            value = f"NEXT_N_DAYS:{each.days}"
        case _:
            value = "TODAY"
    return [
        ("field", _column(organisation.api(each.path))),
        ("operation", _OPERATIONS[each.op]),
        ("value", value),
    ]
