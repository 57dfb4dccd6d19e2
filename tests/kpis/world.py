"""Small tickets and histories for tests, written as the exports that a person would load."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

TICKET = (
    "Id",
    "Name",
    "CreatedDate",
    "CreatedById",
    "Status__c",
    "Priority__c",
    "Type__c",
    "Department__c",
    "OwnerId",
    "Assignee__c",
    "Estimated_Hours__c",
    "Size__c",
    "Title__c",
)
HISTORY = ("Id", "ParentId", "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById")

Row = Mapping[str, Any]


def ticket(number: int, created: str, status: str = "Closed", **more: Any) -> dict[str, Any]:
    """A ticket T-<number>; keywords are columns without ``__c``."""
    row: dict[str, Any] = {
        "Id": ticket_id(number),
        "Name": f"T-{number}",
        "CreatedDate": created,
        "CreatedById": "005000000000001AAA",
        "Status__c": status,
        "Priority__c": "P3",
        "Type__c": "Task",
        "Department__c": "Events",
        "OwnerId": "005000000000002AAA",
        "Assignee__c": "Ana",
        "Estimated_Hours__c": "1",
        "Title__c": f"Ticket {number}",
    }
    for name, value in more.items():
        row[name if name in row or name in HISTORY else f"{name}__c"] = value
    return row


def ticket_id(number: int) -> str:
    """An id of Salesforce's shape."""
    return f"a0B{number:012d}AAA"


class Histories:
    """Makes history rows with ids in the order of making."""

    def __init__(self) -> None:
        self._last = 0

    def status(self, number: int, old: str, new: str, when: str, **more: Any) -> dict[str, Any]:
        """A change of status."""
        return self.row(number, "Status__c", old, new, when, **more)

    def row(
        self, number: int, field: str, old: str, new: str, when: str, **more: Any
    ) -> dict[str, Any]:
        """A change of any field."""
        self._last += 1
        return {
            "Id": f"017{self._last:012d}AAA",
            "ParentId": ticket_id(number),
            "Field": field,
            "OldValue": old,
            "NewValue": new,
            "CreatedDate": when,
            "CreatedById": "005000000000001AAA",
            **more,
        }


def write(path: Path, names: Sequence[str], rows: Iterable[Row]) -> Path:
    """A CSV as Salesforce's Data Loader writes it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path
