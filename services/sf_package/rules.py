"""What the packaged files say: where they are, and which records their validation rules refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from services.sf_package.build import MAIN
from services.sf_package.evaluate import Formula, compile_formula
from services.sf_package.xml import NAMESPACE
from store.fields import SOBJECT

HOME = Path(__file__).resolve().parents[2] / "sf"
"""The package: beside the program's own packages, in the checkout as in the wheel."""

_OBJECT = HOME / MAIN / "objects" / SOBJECT


@dataclass(frozen=True, slots=True)
class Rule:
    """A packaged validation rule. ``percents`` are the fields in it that count as fractions."""

    name: str
    field: str
    message: str
    formula: Formula
    percents: frozenset[str]

    def broken(self, row: Mapping[str, Any]) -> bool:
        """Whether the rule refuses a record, given by API names with the values of the API."""
        given = {name: row[name] / 100 for name in self.percents if row.get(name) is not None}
        return bool(self.formula({**row, **given} if given else row))


def load_rules() -> tuple[Rule, ...]:
    """The active rules of the packaged files, by name.

    Raises FileNotFoundError where the package is not beside the program, BadFormula for what the
    evaluator doesn't know.
    """
    if not _OBJECT.is_dir():
        raise FileNotFoundError(f"the Salesforce package is missing: there is no {_OBJECT}")
    percents = [part["fullName"] for part in _parsed("fields") if part["type"] == "Percent"]
    return tuple(
        Rule(
            part["fullName"],
            part["errorDisplayField"],
            part["errorMessage"],
            compile_formula(part["errorConditionFormula"]),
            frozenset(name for name in percents if name in part["errorConditionFormula"]),
        )
        for part in _parsed("validationRules")
        if part["active"] == "true"
    )


def _parsed(folder: str) -> Iterator[dict[str, str]]:
    for path in sorted((_OBJECT / folder).glob("*-meta.xml")):
        root = ElementTree.parse(path).getroot()
        yield {child.tag.removeprefix(f"{{{NAMESPACE}}}"): child.text or "" for child in root}
