"""Canonical form and validation: one clear sentence for what is refused, nothing lost otherwise."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import canon, fields
from store.canon import Refusal, check, settle


@given(text=st.text(max_size=80))
def test_settling_is_idempotent_and_touches_only_the_outside(text: str) -> None:
    once = settle("department", text)
    assert settle("department", once) == once
    if once is not None:
        assert str(once) in text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize(
    ("path", "given_", "kept"),
    [
        ("feature_name", "  [P1] Bracketed [/red] Name ", "[P1] Bracketed [/red] Name"),
        ("feature_name", "=Formula", "=Formula"),
        ("feature_name", "🧩 Feedback Platform", "🧩 Feedback Platform"),
        ("department", "\u00a0NBSP\u00a0inside", "\u00a0NBSP\u00a0inside"),
        ("department", "مشروع", "مشروع"),
        ("brief.what_it_does", "a\r\nb\rc", "a\nb\nc"),
        ("department", "   ", None),
        ("launch_target", "2026-02-28", "2026-02-28"),
        ("launch_target", dt.date(2026, 2, 28), "2026-02-28"),
        ("launch_target", "?", "?"),
        ("intake.dev_readiness", "80%", 80),
        ("intake.dev_readiness", 80.0, 80),
        ("flags.alignment", "✓", True),
        ("flags.alignment", "", False),
        ("scores.J. Doe", "4", 4),
        ("sort_order", "", None),
        ("intake.intake_document_url", "https://a.example/x?y=1", "https://a.example/x?y=1"),
    ],
)
def test_allowed_values_take_canonical_form(path: str, given_: object, kept: object) -> None:
    assert check(path, given_) == kept
    assert type(check(path, given_)) is type(kept)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("feature_name", "", "can't be empty"),
        ("feature_name", "two\nlines", "one line"),
        ("feature_name", "a\x1b[31mb", r"control character U\+001B"),
        ("feature_name", "half \ud83e", "lone surrogate"),
        ("feature_name", "x" * 256, "takes 255"),
        ("feature_name", "🧩" * 128, "holds 256 characters"),
        ("status", "Done", "choose one of Yet to Start"),
        ("status", None, "choose one of"),
        ("priority", "p1", "choose one of P1"),
        ("launch_target", "2026-02-30", "YYYY-MM-DD"),
        ("launch_target", "1899-12-31", "1900 to 2099"),
        ("launch_target", "2026-2-3", "YYYY-MM-DD"),
        ("launch_target", "tbd", "one of"),
        ("intake.dev_readiness", "101", "0 to 100"),
        ("intake.dev_readiness", True, "0 to 100"),
        ("sort_order", "1.5", "0 to 999"),
        ("sort_order", "-1", "0 to 999"),
        ("scores.Ana", "6", "from 1 to 5"),
        ("scores.Ana", "0", "from 1 to 5"),
        ("scores. Ana", "3", "no outer space"),
        ("flags.alignment", "maybe", "true or false"),
        ("intake.intake_document_url", "ftp://a/b", "http:// or https://"),
        ("intake.intake_document_url", "https://a b", "http:// or https://"),
        ("brief.punchline", "x" * 501, "takes 500"),
        ("nonsense", "x", "no such field"),
        ("flags", "x", "no such field"),
        ("feature_name", ["a"], "must be text"),
        ("parent_id", "no spaces here", "use 1 to 32"),
        ("parent_id", "__x__", "Firestore keeps"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_that_names_it(
    path: str, value: object, words: str
) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        check(path, value)
    sentence = str(refused.value)
    assert sentence.startswith((f"{path}:", "scores:"))
    assert "\n" not in sentence
    assert sentence.isprintable()


@given(text=st.text(st.characters(codec="utf-16"), max_size=300))
def test_length_is_what_salesforce_counts(text: str) -> None:
    assert canon.sf_length(text) == len(text.encode("utf-16-le")) // 2


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)))
def test_every_real_date_of_the_range_is_a_launch_date(date: dt.date) -> None:
    assert canon.launch_date(date.isoformat()) == date


@given(st.text("0123456789-", min_size=8, max_size=11))
def test_nothing_else_is(text: str) -> None:
    try:
        real = dt.date.fromisoformat(text).isoformat() == text and "1900" <= text[:4] <= "2099"
    except ValueError:
        real = False
    assert canon.is_launch_date(text) == real


def test_the_total_is_the_sum_of_the_votes_and_without_votes_it_stays() -> None:
    assert canon.total_of({"scores.Ana": 4, "scores.Ben": 2, "total_score": 99}) == 6
    assert canon.total_of({"total_score": 17}) == 17
    assert canon.total_of({}) is None


def test_a_seventh_voter_is_refused() -> None:
    votes = {f"scores.V{n}": 3 for n in range(7)}
    with pytest.raises(Refusal, match="at most 6 voters"):
        canon.check_voters(votes)


def test_tbd_and_not_yet_prioritized_are_different_answers() -> None:
    assert {"TBD", "Not yet Prioritized"} <= set(fields.PRIORITIES)
