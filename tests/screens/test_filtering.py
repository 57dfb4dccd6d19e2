"""The filter line: chips, quotes, negation, and one sentence for what is not understood."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filtering import chip, parse
from store import projects
from store.database import open_database
from store.projects import Query, Term
from tests.screens.factory import TODAY, context, fill


def test_the_whole_example_of_the_help_is_understood() -> None:
    found = parse('status:paused dept:"Demand Gen" group:ai owner:me free text', "ana")
    assert found.problem is None
    assert found.terms == (
        Term("paused", "status"),
        Term("Demand Gen", "department"),
        Term("ai", "strategic_group"),
        Term("ana", "product_owner"),
        Term("free"),
        Term("text"),
    )


@pytest.mark.parametrize("text", ["-status:paused", "!status:paused"])
def test_a_minus_or_an_exclamation_mark_turns_a_chip_round(text: str) -> None:
    assert parse(text).terms == (Term("paused", "status", negate=True),)


@pytest.mark.parametrize("text", ["status:", 'dept:""', "", "   ", '"', "-"])
def test_what_is_still_being_typed_asks_for_nothing(text: str) -> None:
    found = parse(text)
    assert not found.narrows
    assert found.problem is None


def test_an_open_quote_is_taken_as_closed() -> None:
    assert parse('dept:"Demand Ge').terms == (Term("Demand Ge", "department"),)


def test_an_unknown_chip_is_named_and_the_rest_still_narrows() -> None:
    found = parse("colour:red paused")
    assert found.problem is not None
    assert "“colour:”" in found.problem
    assert "status:" in found.problem
    assert found.terms == (Term("paused"),)


def test_text_in_quotes_is_never_a_chip() -> None:
    assert parse('"colour:red"').terms == (Term("colour:red"),)


def test_me_is_a_word_like_any_other_where_no_person_is_meant() -> None:
    assert parse("status:me", "ana").terms == (Term("me", "status"),)


def test_a_field_may_be_called_by_its_own_name() -> None:
    assert parse("brief.punchline:x product_owner:bo").terms == (
        Term("x", "brief.punchline"),
        Term("bo", "product_owner"),
    )


@pytest.mark.parametrize(
    "term",
    [Term("Paused", "status"), Term("Demand Gen", "department"), Term("x", "it_lead", True)],
)
def test_a_chip_that_is_written_is_read_back(term: Term) -> None:
    assert parse(chip(term)).terms == (term,)


def test_a_chip_for_a_value_with_quotes_still_finds_it() -> None:
    written = chip(Term('The "big" project', "department"))
    (term,) = parse(written).terms
    assert term.text in 'The "big" project'


@given(st.text(max_size=40))
def test_no_text_breaks_the_filter(text: str) -> None:
    for term in parse(text, "ana").terms:
        assert term.text.strip()


def test_the_chips_find_the_projects_they_name(tmp_path: Path) -> None:
    conn = open_database(tmp_path / "steerco.db")
    fill(conn, context(), 50)
    found = projects.find(conn, Query(TODAY, terms=parse("dept:grants -status:paused").terms))
    conn.close()
    assert found
    for each in found:
        assert "Grants" in str(each.values["department"])
        assert each.values["status"] != "Paused"
