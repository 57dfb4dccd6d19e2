"""Every file of the package as text, and writing them to a directory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from services.sf_package import access, dashboards, layout, objects, picklists, reports
from services.sf_package.formulas import validation_rules
from services.sf_package.lead import LEAD, LEAD_FIELDS
from services.sf_package.metadata import custom_field
from services.sf_package.organisation import Organisation
from services.sf_package.ticket import ticket_fields
from services.sf_package.xml import Tree, render
from store import fields
from store.views import VIEWS

API_VERSION = "63.0"
MAIN = "force-app/main/default"
OPTIONAL = "optional/main/default"

ROLLBACK = "rollback"

_REMOVED = {
    "dashboard": "Dashboard",
    "report": "Report",
    "reportType": "ReportType",
    "permissionset": "PermissionSet",
    "layout": "Layout",
    "listView": "ListView",
    "validationRule": "ValidationRule",
    "field": "CustomField",
}
_PROJECT = {
    "packageDirectories": [{"path": "force-app", "default": True}],
    "name": "steerco",
    "namespace": "",
    "sfdcLoginUrl": "https://test.salesforce.com",
    "sourceApiVersion": API_VERSION,
}
_IGNORE = """# Only what the package itself brings is deployed or retrieved.
package.xml
**/profiles/**
**/jsconfig.json
**/.eslintrc.json
**/*.object-meta.xml
"""


def files(organisation: Organisation | None = None) -> dict[str, str]:
    """The package's files, path below ``sf/`` to text, for an organisation (default: the names of
    the table of fields). The same table gives the same bytes."""
    org = organisation or Organisation()
    found = {
        "sfdx-project.json": json.dumps(_PROJECT, indent=2) + "\n",
        ".forceignore": _IGNORE,
    }
    ticket = f"{MAIN}/objects/{fields.SOBJECT}"
    for field in ticket_fields():
        found[f"{ticket}/fields/{field.api}.field-meta.xml"] = custom_field(field)
    for field in LEAD_FIELDS:
        path = f"{MAIN}/objects/{LEAD}/fields/{field.api}.field-meta.xml"
        found[path] = custom_field(field)
    found[f"{ticket}/recordTypes/{fields.RECORD_TYPE}.recordType-meta.xml"] = objects.record_type(
        org
    )
    for view in VIEWS:
        path = f"{ticket}/listViews/{objects.list_view_name(view)}.listView-meta.xml"
        found[path] = objects.list_view(view, org)
    for rule in validation_rules():
        path = f"{ticket}/validationRules/{rule.name}.validationRule-meta.xml"
        found[path] = objects.validation_rule(rule)
    found[f"{MAIN}/layouts/{layout.NAME}.layout-meta.xml"] = layout.layout(org)
    for name, text in (
        (access.OPERATOR, access.operator(org)),
        (access.INTEGRATION, access.integration(org)),
    ):
        found[f"{MAIN}/permissionsets/{name}.permissionset-meta.xml"] = text
    found |= _reporting(org)
    for path in picklists.SHARED:
        api = org.api(path)
        where = f"{OPTIONAL}/objects/{fields.SOBJECT}/fields/{api}.field-meta.xml"
        found[where] = picklists.new_field(path, org)
    found[f"{ROLLBACK}/package.xml"] = _package([])
    found[f"{ROLLBACK}/destructiveChanges.xml"] = removal(found)
    return found


def write(directory: Path, organisation: Organisation | None = None) -> list[str]:
    """Write the package; gives the paths that changed. Other files there are left alone.

    Raises OSError where the directory can't be written.
    """
    changed = []
    for name, text in files(organisation).items():
        path = directory / name
        content = text.encode()
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        changed.append(name)
    return changed


def removal(names: Iterable[str]) -> str:
    """The destructive manifest that takes these files' components out of an organisation again.

    The record type is not in it: Salesforce deletes record types by hand only.
    """
    members: dict[str, list[str]] = {kind: [] for kind in _REMOVED}
    for name in names:
        path = Path(name)
        stem, _, suffix = path.name.removesuffix("-meta.xml").rpartition(".")
        if not name.startswith(MAIN) or suffix not in _REMOVED:
            continue
        if suffix in ("report", "dashboard"):
            stem = f"{path.parent.name}/{stem}"
        elif "objects" in path.parts:
            stem = f"{path.parts[4]}.{stem}"
        members[suffix].append(stem)
    return _package(
        [
            ("types", [*(("members", each) for each in sorted(members[suffix])), ("name", kind)])
            for suffix, kind in _REMOVED.items()
        ]
    )


def _package(types: list[tuple[str, Tree]]) -> str:
    return render("Package", [*types, ("version", API_VERSION)])


def _reporting(org: Organisation) -> dict[str, str]:
    found = {}
    for name, text in reports.report_types(org).items():
        found[f"{MAIN}/reportTypes/{name}.reportType-meta.xml"] = text
    for each in reports.reports(org):
        found[f"{MAIN}/reports/{reports.FOLDER}/{each.name}.report-meta.xml"] = reports.report(each)
    for name, text in dashboards.dashboards().items():
        found[f"{MAIN}/dashboards/{reports.FOLDER}/{name}.dashboard-meta.xml"] = text
    for kind, place in (("ReportFolder", "reports"), ("DashboardFolder", "dashboards")):
        suffix = kind[0].lower() + kind[1:]
        path = f"{MAIN}/{place}/{reports.FOLDER}.{suffix}-meta.xml"
        found[path] = reports.folder(kind)
    return found
