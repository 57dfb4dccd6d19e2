"""The package read back from its own files: fields, the record type, the layout.

What the organisation of the sandbox is, and what the validation rules refuse, is taken from the
files that are deployed, not from the tables that they were made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from services.sf_package.build import MAIN
from services.sf_package.layout import NAME as LAYOUT
from services.sf_package.metadata import MetadataField
from services.sf_package.xml import NAMESPACE
from store.fields import RECORD_TYPE, SOBJECT

HOME = Path(__file__).resolve().parents[2] / "sf"
"""The package: beside the program's own packages, in the checkout as in the wheel."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a metadata file, with names free of their namespace."""

    node: ElementTree.Element

    def text(self, *path: str) -> str:
        """The text of the first element at a path; empty where there is none."""
        return self.node.findtext("/".join(map(_tagged, path)), "")

    def number(self, name: str) -> int | None:
        """The number in an element; None where there is none."""
        text = self.text(name)
        return int(text) if text else None

    def truth(self, name: str) -> bool:
        """Whether an element says ``true``."""
        return self.text(name) == "true"

    def all(self, *path: str) -> list[Element]:
        """The elements at a path."""
        return [Element(node) for node in self.node.findall("/".join(map(_tagged, path)))]


@dataclass(frozen=True, slots=True)
class RecordTypeSpec:
    """A record type: its picklist values by field, and the values a new record starts with."""

    developer_name: str
    label: str
    description: str
    picklists: Mapping[str, tuple[str, ...]]
    defaults: Mapping[str, str]


def parts(folder: str) -> Iterator[Element]:
    """The files of a folder of Ticket__c (``fields``, ``validationRules``), by name.

    Raises FileNotFoundError where the package is not beside the program.
    """
    place = HOME / MAIN / "objects" / SOBJECT / folder
    if not place.is_dir():
        raise FileNotFoundError(f"the Salesforce package is missing: there is no {place}")
    for path in sorted(place.glob("*-meta.xml")):
        yield Element(ElementTree.parse(path).getroot())


def packaged_fields() -> tuple[MetadataField, ...]:
    """The fields of Ticket__c that the package brings, by name."""
    return tuple(_field(part) for part in parts("fields"))


def packaged_record_type() -> RecordTypeSpec:
    """The record type of initiatives. Its values are percent-encoded in the file."""
    (root,) = (part for part in parts("recordTypes") if part.text("fullName") == RECORD_TYPE)
    picklists: dict[str, tuple[str, ...]] = {}
    defaults: dict[str, str] = {}
    for each in root.all("picklistValues"):
        values = [(unquote(v.text("fullName")), v.truth("default")) for v in each.all("values")]
        picklists[each.text("picklist")] = tuple(value for value, _ in values)
        defaults |= {each.text("picklist"): value for value, default in values if default}
    return RecordTypeSpec(
        root.text("fullName"), root.text("label"), root.text("description"), picklists, defaults
    )


def packaged_layout() -> Element:
    """The page layout."""
    path = HOME / MAIN / "layouts" / f"{LAYOUT}.layout-meta.xml"
    return Element(ElementTree.parse(path).getroot())


def _field(root: Element) -> MetadataField:
    criteria = root.all("lookupFilter", "filterItems")
    values = root.all("valueSet", "valueSetDefinition", "value")
    tracked = root.text("trackHistory")
    return MetadataField(
        api=root.text("fullName"),
        label=root.text("label"),
        type=root.text("type"),
        help=root.text("inlineHelpText"),
        length=root.number("length"),
        precision=root.number("precision"),
        scale=root.number("scale") or 0,
        lines=root.number("visibleLines"),
        values=tuple(value.text("fullName") for value in values),
        refers=root.text("referenceTo") or None,
        relation=root.text("relationshipName") or None,
        relation_label=root.text("relationshipLabel") or None,
        only_record_type=criteria[0].text("value") if criteria else None,
        external=root.truth("externalId"),
        formula=root.text("formula") or None,
        tracked=tracked == "true" if tracked else None,
        origin=root.text("description").removeprefix("Steerco: "),
    )


def _tagged(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
