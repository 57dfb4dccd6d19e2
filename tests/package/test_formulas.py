"""The packaged formulas say what the program says: the launch date and the four rules."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.rules import rule_faults
from services.sandbox.ticket import ticket_object
from services.sf_package.evaluate import BadFormula, Formula, compile_formula
from services.sf_package.rules import Rule, load_rules
from store import canon
from tests.package.files import TICKET, field_files, one, parsed

RAW = "Launch_Target_Raw__c"
ODD = (
    *("?", "TBD", "N/A", "", "tbd", "n/a", "??", "T B D", "TBD.", "Q3 2026", "2026", "soon"),
    *("2026-2-3", "2026-02-3", "2026-2-03", "20260203", "2026/02/03", "03-02-2026", "2026-02-030"),
    *("2026-02-03T00", "+026-02-03", "2026--2-03", "2026-02--3", "-2026-02-3", "2026-0 -03"),
    *("2 26-02-03", "202６-02-03", "٢٠٢٦-٠٢-٠٣", "2026-02-0٣", "2026-02-0³", "2026‐02‐03"),
    *("20e6-02-03", "2026-1e-03", "2026-02-1e", "2026-.2-03", "2026-02-.3", "2026-02-3.", "N/A\n"),
    *("2026-00-10", "2026-13-10", "2026-04-31", "2026-06-31", "1900-02-29", "2000-02-29", "?TBD"),
    *("2100-02-28", "1899-12-31", "1999-02-29", "2096-02-29", "2100-01-01", "9999-99-99", "２"),
)
"""Beside every date: what people write, and what looks like a date."""


@pytest.fixture(scope="module")
def rules() -> dict[str, Rule]:
    return {rule.name: rule for rule in load_rules()}


@pytest.fixture(scope="module")
def launch_date() -> Formula:
    return compile_formula(one(field_files(TICKET)["Launch_Target__c"], "formula"))


def dates() -> list[str]:
    """Every day from 1899 to 2100, and the days that months don't have."""
    return [
        f"{year}-{month:02}-{day:02}"
        for year in range(1899, 2101)
        for month in range(14)
        for day in (0, 1, 9, 10, 19, 27, 28, 29, 30, 31, 32)
    ]


def test_the_launch_date_is_the_same_date_in_salesforce_and_here(launch_date: Formula) -> None:
    for text in (*dates(), *ODD):
        settled = canon.clean_text(text)
        assert launch_date({RAW: settled}) == canon.launch_date(settled), text


@given(st.text(alphabet="0123456789-/?TBDNA ٣e.", max_size=16))
def test_no_text_makes_the_launch_date_fail(text: str) -> None:
    formula = compile_formula(one(field_files(TICKET)["Launch_Target__c"], "formula"))
    settled = canon.clean_text(text)
    assert formula({RAW: settled}) == canon.launch_date(settled)


def accepted(text: str) -> bool:
    try:
        canon.check("launch_target", text)
    except canon.Refusal:
        return False
    return True


def test_the_rule_takes_the_launch_targets_that_the_form_takes(rules: dict[str, Rule]) -> None:
    rule = rules["Launch_Target_Raw_Valid"]
    wrong = [
        text
        for text in (*dates(), *ODD)
        if rule.broken({RAW: canon.clean_text(text)}) == accepted(text)
    ]
    assert wrong == []
    assert rule.broken({RAW: "2026-02-30"})
    assert not rule.broken({RAW: None})


@given(st.text(max_size=16))
def test_the_rule_and_the_form_agree_on_any_text(text: str) -> None:
    (rule,) = (each for each in load_rules() if each.name == "Launch_Target_Raw_Valid")
    assert rule.broken({RAW: canon.clean_text(text)}) != accepted(text)


@pytest.mark.parametrize("readiness", [None, 0, 1, 50, 99.0, 100, 100.0, -1, -0.5, 101, 100.5])
def test_the_readiness_rule_counts_a_percent_as_a_fraction(
    rules: dict[str, Rule], readiness: float | None
) -> None:
    fine = readiness is None or 0 <= readiness <= 100
    assert rules["Dev_Readiness_Range"].broken({"Dev_Readiness__c": readiness}) != fine


@pytest.mark.parametrize("score", [None, 0, 3, 999, -1, -0.5])
def test_the_score_rule_refuses_what_is_negative(
    rules: dict[str, Rule], score: float | None
) -> None:
    fine = score is None or score >= 0
    assert rules["Total_Score_NonNeg"].broken({"Total_Score__c": score}) != fine


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        ({"Id": "a", "Parent_Initiative__c": "a"}, True),
        ({"Id": "a", "Parent_Initiative__c": "b"}, False),
        ({"Id": "a", "Parent_Initiative__c": None}, False),
        ({"Id": None, "Parent_Initiative__c": "b"}, False),
        ({"Id": None, "Parent_Initiative__c": None}, False),
    ],
)
def test_the_parent_rule_refuses_oneself(
    rules: dict[str, Rule], row: dict[str, Any], broken: bool
) -> None:
    assert rules["Parent_Cannot_Be_Self"].broken(row) == broken


@pytest.mark.parametrize(
    ("values", "message", "field"),
    [
        (
            {RAW: "2026-02-30"},
            "Launch Target Raw must be blank, a date written YYYY-MM-DD, or one of ?, TBD, N/A.",
            RAW,
        ),
        (
            {"Dev_Readiness__c": 101.0},
            "Dev Readiness must be between 0 and 100.",
            "Dev_Readiness__c",
        ),
        ({"Total_Score__c": -1.0}, "Total Score can't be negative.", "Total_Score__c"),
        (
            {"Parent_Initiative__c": "a"},
            "An initiative can't be its own parent.",
            "Parent_Initiative__c",
        ),
    ],
)
def test_the_sandbox_refuses_by_the_packaged_files(
    values: dict[str, Any], message: str, field: str
) -> None:
    row = dict.fromkeys((RAW, "Dev_Readiness__c", "Total_Score__c", "Parent_Initiative__c"))
    row |= {"Id": "a", "Dev_Readiness__c": 100.0}
    assert list(rule_faults(ticket_object(), row)) == []
    (fault,) = rule_faults(ticket_object(), row | values)
    assert (fault.code, fault.message, fault.fields) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message,
        (field,),
    )


def test_formulas_keep_what_salesforce_allows() -> None:
    launch = one(field_files(TICKET)["Launch_Target__c"], "formula")
    texts = [launch] + [
        one(parsed(path), "errorConditionFormula")
        for path in (TICKET / "validationRules").iterdir()
    ]
    assert all(len(text) <= 3900 for text in texts)
    assert "REGEX" not in launch, "refused in formula fields"
    assert "DATEVALUE" not in launch, "fails on what is no date, also inside filters"
    assert [text for text in texts[1:] if "Launch_Target__c" in text] == [], "compiles too large"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('IF(1 < 2, "yes", VALUE("no"))', "yes"),
        ('AND(1 > 2, VALUE("no") = 1)', False),
        ('OR(1 < 2, VALUE("no") = 1)', True),
        ('CASE("b", "a", 1, "b", 2, 3)', 2.0),
        ('CASE("c", "a", 1, 3)', 3.0),
        ('MID("abcdef", 2, 3)', "bcd"),
        ("DATE(2024, 2, 29)", dt.date(2024, 2, 29)),
        ("NULL < 1", False),
        ("A.B__c = 3", True),
        (r'REGEX("a\\b", "a\\\\b")', True),
        ('"say \\"x\\"" = "say \\"x\\""', True),
        ("(1 = 1)", True),
    ],
)
def test_the_evaluator_reads_formulas_as_salesforce_does(text: str, value: Any) -> None:
    assert compile_formula(text)({"A.B__c": 3.0}) == value


@pytest.mark.parametrize(
    "text", ["", "IF(", "IF(1, 2", "1 +", "FOO(1)", "A B", ")", '"open', "LEN(1,,2)"]
)
def test_what_is_no_formula_is_refused_and_never_guessed(text: str) -> None:
    with pytest.raises(BadFormula):
        compile_formula(text)
