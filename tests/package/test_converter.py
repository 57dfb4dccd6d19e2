"""Salesforce's own converter knows every file of the package, and makes a deployment of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.sf_package.build import API_VERSION
from tests.node import programs
from tests.package.files import MAIN, SF, field_files, one


@pytest.fixture(scope="module", autouse=True)
def converter() -> None:
    programs.needs("@salesforce/source-deploy-retrieve")


def convert(output: Path, *sources: Path) -> dict[str, Any]:
    return dict(programs.run("convert.mjs", API_VERSION, str(output), *map(str, sources)))


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    output = tmp_path_factory.mktemp("converted")
    return output, convert(output, SF / "force-app")


def test_every_file_is_a_component_of_its_type(converted: tuple[Path, dict[str, Any]]) -> None:
    _, found = converted
    files = {
        (programs.PLACE / name).resolve()
        for component in found["components"]
        for name in component["files"]
    }
    assert files == {path.resolve() for path in MAIN.rglob("*") if path.is_file()}
    counts: dict[str, int] = {}
    for component in found["components"]:
        counts[component["type"]] = counts.get(component["type"], 0) + 1
    assert counts == {
        "CustomField": 35,
        "RecordType": 1,
        "ListView": 6,
        "ValidationRule": 4,
        "Layout": 1,
        "PermissionSet": 2,
        "ReportType": 2,
        "ReportFolder": 1,
        "Report": 7,
        "DashboardFolder": 1,
        "Dashboard": 2,
    }


def test_a_deployment_brings_parts_of_the_objects_and_never_the_objects(
    converted: tuple[Path, dict[str, Any]],
) -> None:
    output, found = converted
    types = {each["name"]: each["members"] for each in found["manifest"]["Package"]["types"]}
    assert "CustomObject" not in types
    assert "Ticket__c.DataOS_Project_Id__c" in types["CustomField"]
    made = (output / "objects" / "Ticket__c.object").read_text()
    for field in field_files(MAIN / "objects/Ticket__c").values():
        assert f"<fullName>{one(field, 'fullName')}</fullName>" in made
    for element in ("nameField", "sharingModel", "pluralLabel", "enableHistory"):
        assert f"<{element}>" not in made


def test_the_optional_picklists_convert_on_their_own(tmp_path: Path) -> None:
    found = convert(tmp_path, SF / "optional")
    names = {component["name"] for component in found["components"]}
    assert names == {"Ticket__c.Status__c", "Ticket__c.Priority__c"}
