"""The page layout: the seven sections of the roadmap's own page, in the same order."""

from __future__ import annotations

from services.sf_package.organisation import Organisation
from services.sf_package.xml import Tree, render
from store import fields
from store.fields import FIELDS, Kind, Section

NAME = "Ticket__c-Strategic Initiative Layout"
_READ_ONLY = ("total_score", "imported_created_by", "imported_updated_by")
_ONE_COLUMN = (Section.BRIEF, Section.HIERARCHY)
_CHILD_COLUMNS = ("feature_name", "status", "priority", "launch_date", "it_lead")


def layout(organisation: Organisation) -> str:
    """The layout's file. That System starts folded is no metadata: people fold it, and Salesforce
    remembers it for each of them."""
    sections: list[tuple[str, Tree]] = []
    for section in Section:
        items = _items(section, organisation)
        columns = 1 if section in _ONE_COLUMN else 2
        # Salesforce fills a two-column section column by column.
        half = -(-len(items) // columns)
        sections.append(
            (
                "layoutSections",
                [
                    ("customLabel", True),
                    ("detailHeading", True),
                    ("editHeading", True),
                    ("label", str(section)),
                    *(
                        ("layoutColumns", items[start : start + half])
                        for start in range(0, half * columns, half)
                    ),
                    ("style", "OneColumn" if columns == 1 else "TwoColumnsTopToBottom"),
                ],
            )
        )
    children: Tree = [
        *(("fields", organisation.api(path)) for path in _CHILD_COLUMNS),
        ("relatedList", f"{fields.SOBJECT}.{organisation.api('parent_id')}"),
        ("sortField", organisation.api("sort_order")),
        ("sortOrder", "Asc"),
    ]
    switches = (
        "showEmailCheckbox",
        "showHighlightsPanel",
        "showInteractionLogPanel",
        "showRunAssignmentRulesCheckbox",
        "showSubmitAndAttachButton",
    )
    return render(
        "Layout",
        [
            *sections,
            ("relatedLists", children),
            ("relatedLists", [("relatedList", "RelatedEntityHistoryList")]),
            *((name, False) for name in switches),
        ],
    )


def _items(section: Section, organisation: Organisation) -> list[tuple[str, Tree]]:
    listed = [_item(organisation.api(f.path), _behavior(f.path)) for f in _of(section)]
    if section is Section.DETAILS:
        listed.insert(1, _item("RecordTypeId", "Readonly"))
        raw = next(i for i, f in enumerate(_of(section)) if f.kind is Kind.LAUNCH_TARGET)
        listed.insert(raw + 2, _item(fields.LAUNCH_DATE_FIELD, "Readonly"))
    if section is Section.SYSTEM:
        listed.insert(0, _item(fields.EXTERNAL_ID_FIELD, "Readonly"))
        if organisation.api("feature_name") != "Name":
            listed.append(_item("Name", "Required" if organisation.text_name else "Readonly"))
        listed += [_item(api, "Readonly") for api in ("CreatedById", "LastModifiedById")]
    return listed


def _of(section: Section) -> list[fields.Field]:
    return [f for f in FIELDS if f.section is section and f.sf]


def _behavior(path: str) -> str:
    if path in _READ_ONLY:
        return "Readonly"
    return "Required" if path == "feature_name" else "Edit"


def _item(api: str, behavior: str) -> tuple[str, Tree]:
    return ("layoutItems", [("behavior", behavior), ("field", api)])
