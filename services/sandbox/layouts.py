"""Page layouts: what ``describe/layouts`` tells, from the package's own layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.sandbox.describe import describe_field
from services.sandbox.errors import not_found
from services.sandbox.ids import canonical
from services.sandbox.org import Org
from services.sandbox.schema import SObject
from services.sandbox.wire import Answer
from services.sf_package.reading import Element, packaged_layout
from store.fields import RECORD_TYPE, SOBJECT

_PREFIX = "00h"


def layout(org: Org, obj: SObject, record_type: str) -> Answer:
    """The layout of a record type. Raises ApiError 404 where it has none here: the org's other
    record types have layouts of their own, which this program has no part in."""
    found = org.store.connection().execute(
        "SELECT DeveloperName FROM RecordType WHERE Id = ?", (canonical(record_type),)
    )
    name = next((row[0] for row in found), None)
    if obj.name != SOBJECT or name != RECORD_TYPE:
        raise not_found()
    root = packaged_layout()
    sections = [_section(obj, each) for each in root.all("layoutSections")]
    return Answer(
        200,
        {
            "buttonLayoutSection": None,
            "detailLayoutSections": sections,
            "editLayoutSections": sections,
            "feedView": None,
            "highlightsPanelLayoutSection": None,
            "id": canonical(_PREFIX + record_type[3:15]),
            "multirowEditLayoutSections": [],
            "offlineLinks": [],
            "quickActionList": {"quickActionListItems": []},
            "relatedContent": None,
            "relatedLists": [_related(obj, each) for each in root.all("relatedLists")],
            "saveOptions": [],
        },
    )


def _section(obj: SObject, section: Element) -> dict[str, Any]:
    columns = [column.all("layoutItems") for column in section.all("layoutColumns")]
    rows = [
        [column[number] if number < len(column) else None for column in columns]
        for number in range(max(map(len, columns), default=0))
    ]
    shown = [
        {"layoutItems": [_item(obj, item) for item in row], "numItems": len(row)} for row in rows
    ]
    return {
        "collapsed": False,
        "columns": len(columns),
        "heading": section.text("label"),
        "layoutRows": shown,
        "rows": len(shown),
        "tabOrder": "TopToBottom",
        "useCollapsibleSection": section.truth("detailHeading"),
        "useHeading": section.truth("detailHeading"),
    }


def _item(obj: SObject, item: Element | None) -> dict[str, Any]:
    spec = obj.find(item.text("field")) if item else None
    behavior = item.text("behavior") if item and spec else "Readonly"
    components: Sequence[dict[str, Any]] = ()
    if spec is not None:
        details = describe_field(spec)
        components = [{"details": details, "displayLines": 1, "type": "Field", "value": spec.name}]
    return {
        "editableForNew": behavior != "Readonly",
        "editableForUpdate": behavior != "Readonly",
        "label": spec.label if spec else "",
        "layoutComponents": list(components),
        "placeholder": spec is None,
        "required": behavior == "Required",
    }


def _related(obj: SObject, related: Element) -> dict[str, Any]:
    named = related.text("relatedList")
    spec = obj.find(named.partition(".")[2])
    return {
        "columns": [{"name": field.node.text} for field in related.all("fields")],
        "field": spec.name if spec else None,
        "name": spec.children if spec else named,
        "sobject": obj.name if spec else None,
        "sort": [
            {"ascending": related.text("sortOrder") == "Asc", "column": each.node.text}
            for each in related.all("sortField")
        ],
    }
