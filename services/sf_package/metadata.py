"""One custom field as metadata, whatever object it is on."""

from __future__ import annotations

from dataclasses import dataclass

from services.sf_package.xml import Tree, render


@dataclass(frozen=True, slots=True)
class MetadataField:
    """A custom field. ``type`` is the Metadata API's name; ``length`` counts UTF-16 units.

    ``help`` is what a person sees beside the field (at most 510 characters), ``origin`` the model
    path it is written from. ``tracked`` is None where field history is not ours to decide.
    """

    api: str
    label: str
    type: str
    help: str
    length: int | None = None
    precision: int | None = None
    scale: int = 0
    lines: int | None = None
    values: tuple[str, ...] = ()
    refers: str | None = None
    relation: str | None = None
    relation_label: str | None = None
    only_record_type: str | None = None
    external: bool = False
    formula: str | None = None
    tracked: bool | None = None
    origin: str = ""


def custom_field(field: MetadataField) -> str:
    """The field's file. Elements stand in the order of their names, as Salesforce gives them."""
    parts: list[tuple[str, str | int | bool | Tree]] = [
        ("label", field.label),
        ("type", field.type),
        ("inlineHelpText", field.help),
    ]
    if field.origin:
        parts.append(("description", f"Steerco: {field.origin}"))
    if field.tracked is not None:
        parts.append(("trackHistory", field.tracked))
    if field.type == "Checkbox":
        parts.append(("defaultValue", False))
    elif field.type != "LongTextArea":
        parts.append(("required", False))
    if field.formula:
        parts += [("formula", field.formula), ("formulaTreatBlanksAs", "BlankAsZero")]
    if field.external:
        parts += [("externalId", True), ("unique", True), ("caseSensitive", True)]
    for name, number in (("length", field.length), ("visibleLines", field.lines)):
        if number is not None:
            parts.append((name, number))
    if field.precision is not None:
        parts += [("precision", field.precision), ("scale", field.scale)]
    if field.values:
        parts.append(("valueSet", value_set(field.values)))
    if field.refers:
        parts += _lookup(field)
    return render("CustomField", [("fullName", field.api), *sorted(parts, key=lambda p: p[0])])


def value_set(values: tuple[str, ...]) -> Tree:
    """A restricted picklist's values, in their order and without a default."""
    listed: list[tuple[str, Tree]] = [
        ("value", [("fullName", value), ("default", False), ("label", value)]) for value in values
    ]
    return [("restricted", True), ("valueSetDefinition", [("sorted", False), *listed])]


def _lookup(field: MetadataField) -> list[tuple[str, str | int | bool | Tree]]:
    parts: list[tuple[str, str | int | bool | Tree]] = [
        ("deleteConstraint", "SetNull"),
        ("referenceTo", field.refers or ""),
        ("relationshipName", field.relation or ""),
    ]
    if field.relation_label:
        parts.append(("relationshipLabel", field.relation_label))
    if field.only_record_type:
        criterion: Tree = [
            ("field", f"{field.refers}.RecordType.DeveloperName"),
            ("operation", "equals"),
            ("value", field.only_record_type),
        ]
        parts.append(
            (
                "lookupFilter",
                [
                    ("active", True),
                    ("errorMessage", "The parent must be another Strategic Initiative."),
                    ("filterItems", criterion),
                    ("isOptional", False),
                ],
            )
        )
    return parts
