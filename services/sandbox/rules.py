"""The validation rules of the package, read from its own files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from services.sandbox.errors import Fault
from services.sandbox.schema import SObject
from services.sandbox.storage import Row
from services.sf_package.rules import Rule, load_rules
from store.fields import SOBJECT


def rule_faults(obj: SObject, row: Row) -> Iterator[Fault]:
    """One fault for each rule that the record breaks."""
    if obj.name != SOBJECT:
        return
    for rule in _rules():
        if rule.broken(row):
            yield Fault("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, (rule.field,))


@cache
def _rules() -> tuple[Rule, ...]:
    return load_rules()
