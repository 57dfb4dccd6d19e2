"""What single cells mean: the committee's notation, exactly, and nothing beside it."""

from __future__ import annotations

import datetime as dt

import pytest

from services.importing import values
from services.importing.grid import Fault, Raw
from store.canon import Refusal, Value


@pytest.mark.parametrize(
    ("path", "raw", "value"),
    [
        ("priority", "⭐ P1", "P1"),
        ("priority", "⭐\ufe0f P1", "P1"),
        ("priority", "⭐P1", "P1"),
        ("priority", "🔶 P2", "P2"),
        ("priority", "🔶\u00a0P2", "P2"),
        ("priority", "⚪ TBD", "TBD"),
        ("priority", "⚪\ufe0f TBD ", "TBD"),
        ("priority", "P1", "P1"),
        ("priority", "Not yet Prioritized", "Not yet Prioritized"),
        ("status", "In Proof", "In QA"),
        ("status", " In Development ", "In Development"),
        ("level_of_effort", "🔴 High", "High"),
        ("level_of_effort", "🟡 Medium", "Medium"),
        ("level_of_effort", "Low 🟢", "Low"),
        ("level_of_effort", "Low", "Low"),
        ("level_of_effort", None, None),
        ("strategic_group", "AI & Engagement", "AI & Engagement"),
        ("strategic_group", " ", None),
        ("launch_target", "2026-12-15", "2026-12-15"),
        ("launch_target", dt.datetime(2026, 12, 15), "2026-12-15"),
        ("launch_target", dt.datetime(2026, 12, 15, 18, 30), "2026-12-15"),
        ("launch_target", dt.date(2026, 12, 15), "2026-12-15"),
        ("launch_target", "?", "?"),
        ("launch_target", "TBD", "TBD"),
        ("launch_target", "N/A", "N/A"),
        ("launch_target", "", None),
        ("intake.dev_readiness", 0.8, 80),
        ("intake.dev_readiness", 0.07, 7),
        ("intake.dev_readiness", 0.29, 29),
        ("intake.dev_readiness", 1, 100),
        ("intake.dev_readiness", 1.0, 100),
        ("intake.dev_readiness", 0, 0),
        ("intake.dev_readiness", 80, 80),
        ("intake.dev_readiness", 80.0, 80),
        ("intake.dev_readiness", 100, 100),
        ("intake.dev_readiness", "80%", 80),
        ("intake.dev_readiness", "1%", 1),
        ("intake.dev_readiness", " 80 % ", 80),
        ("intake.dev_readiness", "0.8", 80),
        ("intake.dev_readiness", None, None),
        ("sort_order", 7.0, 7),
        ("sort_order", "7", 7),
        ("department", 2026.0, "2026"),
        ("department", 2026, "2026"),
        ("department", 2.5, "2.5"),
        ("department", 0.1 + 0.2, "0.3"),
        ("department", True, "TRUE"),
        ("department", dt.datetime(2026, 5, 1), "2026-05-01"),
        ("department", "  Product /  Sales ", "Product /  Sales"),
        ("department", "\u00a0Events\u00a0", "\u00a0Events\u00a0"),
        ("brief.what_it_does", "one\r\ntwo", "one\ntwo"),
        ("strategic_value", "=SUM(A1)", "=SUM(A1)"),
        ("scores.Ana", 4.0, 4),
        ("scores.Ana", None, None),
        ("project_id", 12.0, "12"),
        ("created_at", "2026-11-21T05:22:45Z", "2026-11-21T05:22:45.000Z"),
    ],
)
def test_a_cell_becomes_the_canonical_value(path: str, raw: Raw, value: Value) -> None:
    assert values.read(path, raw) == (value, "")


@pytest.mark.parametrize(
    "raw", ["TRUE", True, "Yes", "yes", "Y", 1, 1.0, "1", "x", "X", "✓", "✔", "✔\ufe0f"]
)
def test_a_flag_is_true_for_these(raw: Raw) -> None:
    assert values.read("flags.alignment", raw) == (True, "")


@pytest.mark.parametrize("raw", [None, "", " ", "\u00a0", "No", "n", "FALSE", False, 0, "0"])
def test_a_flag_is_false_for_these(raw: Raw) -> None:
    assert values.read("flags.alignment", raw) == (False, "")


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("flags.alignment", "maybe"),
        ("flags.alignment", "✗"),
        ("flags.alignment", 2),
        ("priority", "⭐ P2"),
        ("priority", "⚪ Not yet Prioritized"),
        ("priority", "P3"),
        ("priority", "p1"),
        ("status", "in progress"),
        ("status", "Done"),
        ("level_of_effort", "🔴 Huge"),
        ("intake.primary_system", "SAP"),
        ("intake.dev_t_shirt", "XXL"),
        ("intake.dev_readiness", 0.835),
        ("intake.dev_readiness", 120),
        ("intake.dev_readiness", -0.5),
        ("intake.dev_readiness", "most"),
        ("intake.dev_readiness", True),
        ("launch_target", "tbd"),
        ("launch_target", "Q3 2026"),
        ("launch_target", "2026-02-30"),
        ("launch_target", 46371),
        ("scores.Ana", 6),
        ("scores.Ana", 0),
        ("scores.Ana", 3.5),
        ("scores.Ana", True),
        ("scores.Ana", "three"),
        ("sort_order", 1000),
        ("sort_order", -1),
        ("feature_name", ""),
        ("feature_name", "two\nlines"),
        ("feature_name", "x" * 256),
        ("feature_name", "be\x07ll"),
        ("feature_name", "half \ud83d"),
        ("intake.intake_document_url", "ftp://example.com"),
        ("project_id", "no spaces"),
        ("project_id", "x" * 33),
        ("created_at", "yesterday"),
        ("department", Fault("#REF!", "the spreadsheet has an error here")),
    ],
)
def test_anything_else_is_refused(path: str, raw: Raw) -> None:
    with pytest.raises(Refusal):
        values.read(path, raw)


@pytest.mark.parametrize("raw", [None, "", " ", "\u00a0", "?"])
def test_a_status_that_says_nothing_is_unknown_with_a_warning(raw: Raw) -> None:
    value, warning = values.read("status", raw)
    assert value == "Unknown"
    assert "Unknown" in warning


@pytest.mark.parametrize("raw", [None, "", "\u00a0"])
def test_a_blank_priority_is_not_yet_prioritized_with_a_warning(raw: Raw) -> None:
    value, warning = values.read("priority", raw)
    assert value == "Not yet Prioritized"
    assert "Not yet Prioritized" in warning


def test_a_moment_is_the_day_it_is_in_the_organisations_zone() -> None:
    moment = dt.datetime(2026, 12, 14, 23, 30, tzinfo=dt.UTC)
    east = dt.timezone(dt.timedelta(hours=2))
    assert values.read("launch_target", moment, zone=east) == ("2026-12-15", "")
    assert values.read("launch_target", moment, zone=dt.UTC) == ("2026-12-14", "")


@pytest.mark.parametrize(
    ("path", "raw", "value"),
    [
        ("intake.dev_readiness", "1", 1),
        ("department", "#N/A", "#N/A"),
        ("status", "In QA", "In QA"),
    ],
)
def test_our_own_export_is_taken_exactly(path: str, raw: Raw, value: Value) -> None:
    assert values.read(path, raw, exact=True) == (value, "")


def test_our_own_export_knows_no_notation() -> None:
    with pytest.raises(Refusal):
        values.read("status", "?", exact=True)
