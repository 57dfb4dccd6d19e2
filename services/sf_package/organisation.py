"""What the package must know of the organisation that it goes into: names of existing fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.itsc_sf_sync import FIELD_MAP
from store import fields

STANDARD = ("Name", "OwnerId", "RecordTypeId")
"""Fields without field-level security."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """``names`` maps model paths to the organisation's fields (``itsc_sf_sync.field_map``).

    ``text_name``: the name field of Ticket__c is text and not a number that counts up; a layout
    must say which. ``required``: existing fields that are required for everyone, which permission
    sets must not mention. By default that is the title.
    """

    names: Mapping[str, str] = field(default_factory=lambda: FIELD_MAP)
    text_name: bool = False
    title_required: bool = True

    def api(self, path: str) -> str:
        """The Salesforce field of a path; ``launch_date`` is the formula."""
        return fields.LAUNCH_DATE_FIELD if path == "launch_date" else self.names[path]

    def secured(self, api: str) -> bool:
        """Whether field-level security decides who sees the field."""
        required = self.title_required and api == self.names["feature_name"]
        return api not in STANDARD and not required
