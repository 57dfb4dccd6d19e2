"""Holds a metadata file to the Metadata API's schema, which simple-salesforce ships as a WSDL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree

XSD = "{http://www.w3.org/2001/XMLSchema}"
TNS = "{http://soap.sforce.com/2006/04/metadata}"

_PRIMITIVES = {
    "boolean": r"true|false",
    "int": r"-?\d+",
    "long": r"-?\d+",
    "double": r"-?\d+(\.\d+)?",
    "date": r"\d{4}-\d\d-\d\d",
    "dateTime": r"\d{4}-\d\d-\d\dT.*",
}


@dataclass(frozen=True)
class Part:
    """An element of a type: the type it has, and how often it may stand."""

    type: str
    least: int
    most: int | None


@dataclass(frozen=True)
class Schema:
    """``complex`` types by name with their parts, ``enums`` with their values."""

    version: str
    complex: dict[str, dict[str, Part]]
    enums: dict[str, frozenset[str]]


@cache
def schema() -> Schema:
    """The schema of the WSDL."""
    text = (files("simple_salesforce") / "metadata.wsdl").read_text(encoding="utf-8")
    version = re.search(r"Metadata API version ([\d.]+)", text)
    root = ElementTree.fromstring(text)
    parts: dict[str, dict[str, Part]] = {}
    bases: dict[str, str] = {}
    for type_ in root.iter(f"{XSD}complexType"):
        name = type_.get("name")
        if name is None:
            continue
        extension = type_.find(f"{XSD}complexContent/{XSD}extension")
        if extension is not None:
            bases[name] = extension.get("base", "").removeprefix("tns:")
        parts[name] = {
            element.get("name", ""): Part(
                element.get("type", ""),
                int(element.get("minOccurs", "1")),
                None if element.get("maxOccurs") == "unbounded" else 1,
            )
            for element in type_.iter(f"{XSD}element")
        }
    for name, base in bases.items():
        inherited: str | None = base
        while inherited:
            parts[name] = parts[inherited] | parts[name]
            inherited = bases.get(inherited)
    enums = {
        type_.get("name", ""): frozenset(
            value.get("value", "") for value in type_.iter(f"{XSD}enumeration")
        )
        for type_ in root.iter(f"{XSD}simpleType")
    }
    return Schema(version[1] if version else "", parts, enums)


def problems(text: str) -> list[str]:
    """What is wrong with a metadata file, each with the element's path; empty where nothing is."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"no XML: {error}"]
    if not root.tag.startswith(TNS):
        return [f"{root.tag} is not in the metadata namespace"]
    name = root.tag.removeprefix(TNS)
    if "fullName" not in schema().complex.get(name, {}) and name != "Package":
        return [f"{name} is no metadata type"]
    return _judge(root, name, name)


def _judge(node: ElementTree.Element, type_: str, path: str) -> list[str]:
    known = schema().complex[type_]
    found: list[str] = []
    counts: dict[str, int] = {}
    order = list(known)
    before = ""
    for child in node:
        name = child.tag.removeprefix(TNS)
        here = f"{path}/{name}"
        if name not in known:
            found.append(f"{here}: {type_} has no such element")
            continue
        if before and order.index(name) < order.index(before):
            found.append(f"{here}: stands after {before}, and its place is before it")
        before = name
        counts[name] = counts.get(name, 0) + 1
        found += _value(child, known[name].type, here)
    for name, part in known.items():
        count = counts.get(name, 0)
        if count < part.least:
            found.append(f"{path}/{name}: required and missing")
        if part.most is not None and count > part.most:
            found.append(f"{path}/{name}: stands {count} times, and may stand once")
    return found


def _value(node: ElementTree.Element, type_: str, path: str) -> list[str]:
    prefix, _, name = type_.partition(":")
    if prefix == "tns" and name in schema().complex:
        if (node.text or "").strip():
            return [f"{path}: text where elements belong"]
        return _judge(node, name, path)
    if len(node):
        return [f"{path}: elements where a value belongs"]
    text = node.text or ""
    if prefix == "tns" and schema().enums.get(name) and text not in schema().enums[name]:
        return [f"{path}: {text!r} is no {name}"]
    if prefix == "xsd" and not re.fullmatch(_PRIMITIVES.get(name, r"(?s:.*)"), text):
        return [f"{path}: {text!r} is no {name}"]
    return []
