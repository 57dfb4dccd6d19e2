"""What the package brings to Ticket__c, as this org has it: read from the package's own files."""

from __future__ import annotations

from services.sandbox.schema import FieldSpec, SfType
from services.sf_package.metadata import MetadataField
from services.sf_package.reading import packaged_fields
from store.fields import LAUNCH_DATE_FIELD

_TYPES = {
    "Text": SfType.STRING,
    "LongTextArea": SfType.TEXTAREA,
    "Picklist": SfType.PICKLIST,
    "Checkbox": SfType.BOOLEAN,
    "Number": SfType.DOUBLE,
    "Percent": SfType.PERCENT,
    "Url": SfType.URL,
    "Lookup": SfType.REFERENCE,
    "Date": SfType.DATE,
}
_UNSAID_LENGTHS = {"Picklist": 255, "Url": 255, "Lookup": 18}
"""Lengths that Salesforce gives to types whose files name none."""
_FORMULAS = {LAUNCH_DATE_FIELD: 'launch_date({t}."Launch_Target_Raw__c")'}
"""The packaged formulas in SQL."""


def initiative_fields() -> tuple[FieldSpec, ...]:
    """The packaged fields. Raises KeyError for a type or a formula that this org can't do."""
    return tuple(map(_spec, packaged_fields()))


def _spec(field: MetadataField) -> FieldSpec:
    lookup = field.refers is not None
    return FieldSpec(
        field.api,
        field.label,
        _TYPES[field.type],
        length=field.length or _UNSAID_LENGTHS.get(field.type, 0),
        precision=field.precision or 0,
        scale=field.scale,
        values=field.values,
        writable=field.formula is None,
        unique=field.external,
        external=field.external,
        case_sensitive=field.external,
        id_lookup=field.external,
        refers=(field.refers,) if field.refers else (),
        relation=field.api.replace("__c", "__r") if lookup else None,
        children=f"{field.relation}__r" if field.relation else None,
        formula=field.formula,
        expression=_FORMULAS[field.api] if field.formula else None,
        default=False if field.type == "Checkbox" else None,
        tracked=field.tracked is True,
        only_active=field.refers == "User",
        only_record_type=field.only_record_type,
        help=field.help,
    )
