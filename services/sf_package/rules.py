"""The validation rules of the packaged files: which records they refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.sf_package.evaluate import Formula, compile_formula
from services.sf_package.reading import packaged_fields, parts


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
    percents = [field.api for field in packaged_fields() if field.type == "Percent"]
    return tuple(
        Rule(
            part.text("fullName"),
            part.text("errorDisplayField"),
            part.text("errorMessage"),
            compile_formula(part.text("errorConditionFormula")),
            frozenset(name for name in percents if name in part.text("errorConditionFormula")),
        )
        for part in parts("validationRules")
        if part.truth("active")
    )
