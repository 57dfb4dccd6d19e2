"""The packaged files, parsed: the tests look at what is committed, not at what made it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

SF = Path(__file__).resolve().parents[2] / "sf"
MAIN = SF / "force-app" / "main" / "default"
TICKET = MAIN / "objects" / "Ticket__c"
LEAD = MAIN / "objects" / "Lead"
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"


def metadata_files() -> list[Path]:
    """Every metadata file, the optional package's too."""
    return sorted(SF.rglob("*-meta.xml"))


def one(node: ElementTree.Element, *path: str) -> str:
    """The text of the one element at a path; empty where there is none."""
    found = node.findall("/".join(NAMESPACE + name for name in path))
    assert len(found) <= 1, path
    return (found[0].text or "") if found else ""


def each(node: ElementTree.Element, *path: str) -> list[ElementTree.Element]:
    """The elements at a path."""
    return node.findall("/".join(NAMESPACE + name for name in path))


def texts(node: ElementTree.Element, *path: str) -> list[str]:
    """Their texts."""
    return [element.text or "" for element in each(node, *path)]


@cache
def parsed(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()


def field_files(home: Path) -> dict[str, ElementTree.Element]:
    """An object's packaged fields by API name."""
    roots = [parsed(path) for path in sorted((home / "fields").glob("*-meta.xml"))]
    return {one(root, "fullName"): root for root in roots}


def values_of(field: ElementTree.Element) -> tuple[str, ...]:
    """A picklist's values in their order."""
    return tuple(texts(field, "valueSet", "valueSetDefinition", "value", "fullName"))


def facts(field: ElementTree.Element) -> dict[str, Any]:
    """What must agree everywhere of a field: its type, size, values and reference."""
    kept = ("type", "length", "precision", "scale", "referenceTo", "externalId", "unique")
    return {name: one(field, name) for name in kept if one(field, name)} | (
        {"values": values_of(field)} if one(field, "type") == "Picklist" else {}
    )
