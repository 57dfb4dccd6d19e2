"""Every packaged file keeps the Metadata API's schema; and the checker finds what breaks it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.package.files import MAIN, SF, metadata_files
from tests.package.wsdl import problems, schema

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
XMLNS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
GOOD = f"""{HEAD}<CustomField {XMLNS}>
    <fullName>A__c</fullName>
    <label>A</label>
    <length>10</length>
    <required>false</required>
    <type>Text</type>
</CustomField>
"""


def test_every_packaged_file_keeps_the_schema() -> None:
    found = {str(path.relative_to(SF)): problems(path.read_text()) for path in metadata_files()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert len(found) == 64


@pytest.mark.parametrize("path", sorted((SF / "rollback").iterdir()), ids=lambda path: path.name)
def test_the_manifests_of_the_rollback_keep_the_schema(path: Path) -> None:
    assert problems(path.read_text()) == []


def test_the_package_is_written_for_the_version_it_is_checked_against() -> None:
    project = json.loads((SF / "sfdx-project.json").read_text())
    assert project["sourceApiVersion"] == schema().version


def test_the_checker_takes_a_good_file() -> None:
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</label>", "", "no XML"),
        ("<label>A</label>", "<lable>A</lable>", "CustomField/lable: CustomField has no such"),
        ("<type>Text", "<type>Txt", "CustomField/type: 'Txt' is no FieldType"),
        ("<required>false", "<required>no", "CustomField/required: 'no' is no boolean"),
        ("<length>10", "<length>ten", "CustomField/length: 'ten' is no int"),
        ("<label>A</label>", "<label>A</label><label>B</label>", "CustomField/label: stands 2"),
        ("<label>A</label>", "<label><b>A</b></label>", "elements where a value belongs"),
        (
            "    <label>A</label>\n    <length>10</length>",
            "    <length>10</length>\n    <label>A</label>",
            "CustomField/label: stands after length",
        ),
        (XMLNS, "", "not in the metadata namespace"),
        ("CustomField", "CustomFeld", "CustomFeld is no metadata type"),
        (
            "<length>10</length>",
            "<valueSet>x</valueSet>",
            "CustomField/valueSet: text where elements belong",
        ),
        (
            "<length>10</length>",
            "<lookupFilter><active>true</active></lookupFilter>",
            "CustomField/lookupFilter/isOptional: required and missing",
        ),
    ],
)
def test_the_checker_finds_what_is_broken(old: str, new: str, said: str) -> None:
    broken = GOOD.replace(old, new)
    assert broken != GOOD
    assert any(said in problem for problem in problems(broken)), problems(broken)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        (
            "objects/Ticket__c/validationRules/Dev_Readiness_Range.validationRule-meta.xml",
            "errorMessage",
        ),
        ("objects/Ticket__c/listViews/SI_P1_Active.listView-meta.xml", "filterScope"),
        ("permissionsets/Steerco_Operator.permissionset-meta.xml", "editable"),
        ("reports/Steerco/Lead_TTFR.report-meta.xml", "format"),
        ("dashboards/Steerco/TTFR_and_Routing.dashboard-meta.xml", "titleSize"),
    ],
)
def test_a_packaged_file_without_a_required_element_is_found(name: str, missing: str) -> None:
    lines = (MAIN / name).read_text().splitlines()
    kept = [line for line in lines if f"<{missing}>" not in line]
    assert len(kept) < len(lines)
    assert any("required and missing" in problem for problem in problems("\n".join(kept)))
