"""The four validation rules of the package, with the values they look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.sandbox.errors import Fault
from services.sandbox.schema import SObject
from services.sandbox.storage import Row
from store.canon import is_launch_date
from store.fields import LAUNCH_SENTINELS, SOBJECT


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule: ``broken`` says whether a record breaks it."""

    name: str
    field: str
    message: str
    broken: Callable[[Row], bool]


def _bad_launch_target(row: Row) -> bool:
    raw = row.get("Launch_Target_Raw__c")
    return raw is not None and raw not in LAUNCH_SENTINELS and not is_launch_date(raw)


def _bad_readiness(row: Row) -> bool:
    value = row.get("Dev_Readiness__c")
    return value is not None and not 0 <= value <= 100


def _bad_score(row: Row) -> bool:
    value = row.get("Total_Score__c")
    return value is not None and value < 0


def _own_parent(row: Row) -> bool:
    parent = row.get("Parent_Initiative__c")
    return parent is not None and parent == row["Id"]


RULES = (
    Rule(
        "Launch_Target_Raw_Valid",
        "Launch_Target_Raw__c",
        "Launch Target Raw must be blank, a date written YYYY-MM-DD, or one of ?, TBD, N/A.",
        _bad_launch_target,
    ),
    Rule(
        "Dev_Readiness_Range",
        "Dev_Readiness__c",
        "Dev Readiness must be between 0 and 100.",
        _bad_readiness,
    ),
    Rule(
        "Total_Score_NonNeg",
        "Total_Score__c",
        "Total Score can't be negative.",
        _bad_score,
    ),
    Rule(
        "Parent_Cannot_Be_Self",
        "Parent_Initiative__c",
        "An initiative can't be its own parent.",
        _own_parent,
    ),
)


def rule_faults(obj: SObject, row: Row) -> Iterator[Fault]:
    """One fault for each rule that the record breaks."""
    if obj.name != SOBJECT:
        return
    for rule in RULES:
        if rule.broken(row):
            yield Fault("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, (rule.field,))
