"""Hostile text is shown as text, at its true width."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from screens.safe import LONGEST, WIDEST, cut, fit, line, lines, safe, spelled

HOSTILE = "a\x1b[31mb\x07c\x9bd\u202ee\u2066f\ud800g\x7fh\r\ni"


def test_no_control_or_direction_character_is_left() -> None:
    shown = line(HOSTILE)
    assert not any(unicodedata.category(ch) in ("Cc", "Cs", "Bidi") for ch in shown)
    assert not any(unicodedata.bidirectional(ch) in ("RLO", "LRO", "RLI", "PDF") for ch in shown)
    assert "␛[31m" in shown
    assert "⏎" in shown


def test_a_line_is_as_long_as_its_text() -> None:
    """The cursor of a line editor depends on it."""
    assert len(spelled(HOSTILE)) == len(HOSTILE)
    assert len(spelled("\x1b" * 9_000)) == 9_000


def test_what_no_screen_can_show_is_cut_and_says_so() -> None:
    assert len(line("x\x1b" * 5_000_000)) == WIDEST
    shown = lines("x\x1b" * 5_000_000)
    assert len(shown) < LONGEST + 100
    assert shown.endswith("… 9,960,000 characters more; an export has them")
    longest = "ü" * 32_000
    assert lines(longest) == longest, "the longest field of ours is shown whole"


def test_line_breaks_are_kept_where_lines_are_shown() -> None:
    assert lines("one\r\ntwo\n\x1bthree") == "one\ntwo\n␛three"


def test_markup_is_shown_and_not_interpreted() -> None:
    assert (
        safe("[/x] [bold]b[/bold] [@click=app.quit]q").plain
        == "[/x] [bold]b[/bold] [@click=app.quit]q"
    )


def test_emoji_and_arabic_are_content() -> None:
    text = "👩‍👩‍👧‍👦 ❤️‍🩹 مشروع 漢字 é"
    assert line(text) == text


@given(st.text(max_size=60), st.integers(0, 40), st.booleans())
def test_any_text_fits_its_cells_exactly(text: str, width: int, right: bool) -> None:
    shown = fit(line(text), width, right=right)
    assert cell_len(shown) == width


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_cut_text_ends_with_an_ellipsis(text: str, width: int) -> None:
    shown = cut(line(text), width)
    assert cell_len(shown) <= width
    assert shown == line(text) or shown.endswith("…")


def test_a_family_of_emoji_is_cut_between_and_never_within() -> None:
    family = "👩‍👩‍👧‍👦"
    assert fit(family * 3, 5) == f"{family * 2}…"
    assert fit(family * 3, 4) == f"{family}… "
