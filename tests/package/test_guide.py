"""The deployment guide says what the package is, and names files and commands that are there."""

from __future__ import annotations

import re

from services.sf_package.ticket import TRACKED
from store.fields import FIELDS, PRIORITIES, STATUSES
from tests.package.files import LEAD, MAIN, SF, TICKET, field_files

GUIDE = (SF.parent / "docs" / "salesforce-deployment.md").read_text()
WORDS = " ".join(GUIDE.split())


def test_the_values_to_add_are_listed_in_their_order() -> None:
    assert f"**Status:** {', '.join(STATUSES)}" in WORDS
    assert f"**Priority:** {', '.join(PRIORITIES)}" in WORDS


def test_the_numbers_are_those_of_the_package() -> None:
    assert f"{len(field_files(TICKET))} fields" in GUIDE
    assert f"{len(field_files(LEAD))} fields on `Lead`" in GUIDE
    assert f"at most 20 of an object and the package tracks {len(TRACKED)}" in WORDS
    assert f"If more than {20 - len(TRACKED)} are ticked" in WORDS


def test_the_existing_fields_are_named_as_the_table_names_them() -> None:
    for field in FIELDS:
        if field.configurable:
            assert f"| {field.path} | `{field.sf}` |" in GUIDE


def test_the_files_it_names_are_there() -> None:
    for path in set(re.findall(r"(?:--source-dir|--manifest|changes) ([\w./-]+)", GUIDE)):
        assert path == "retrieved" or (SF / path).exists(), path
    for script in set(re.findall(r"scripts/\w+\.py", GUIDE)):
        assert (SF.parent / script).is_file()
    for name in ("Steerco_Operator", "Steerco_Integration"):
        assert (MAIN / "permissionsets" / f"{name}.permissionset-meta.xml").is_file()
        assert name.replace("_", " ") in GUIDE
