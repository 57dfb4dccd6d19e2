"""Ids made from names are valid, stable and different for different names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importing.ids import id_for_name, slug
from store.canon import check_project_id

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("🧩 Feedback Platform (v1)", "feedback-platform-v1"),
        ("Event App : PWA – In-House", "event-app-pwa-in-house"),
        ("Café Müller", "cafe-muller"),
        ("بوابة", "project"),
        ("🧩", "project"),
        ("ﬁle № 2", "file-no-2"),
        ("a" * 40, "a" * 32),
        ("a" * 31 + " b", "a" * 31),
    ],
)
def test_a_slug_is_what_is_left_in_ascii(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_an_id_never_changes_between_versions() -> None:
    # These are in operators' databases and in Salesforce: changing them doubles every project.
    assert id_for_name("🧩 Feedback Platform (v1)") == "feedback-platform-v1-1d8738db"
    assert id_for_name("بوابة") == "project-" + id_for_name("بوابة")[-8:]


@given(TEXT)
def test_every_name_gives_a_valid_id(name: str) -> None:
    assert check_project_id(id_for_name(name)) == id_for_name(name)
    assert check_project_id(slug(name)) == slug(name)


@given(TEXT, TEXT)
def test_different_names_have_different_ids(one: str, other: str) -> None:
    assert (id_for_name(one) == id_for_name(other)) == (one == other)


def test_names_that_differ_in_space_or_case_alone_have_different_ids() -> None:
    names = ["Search", "search", "Search\u00a0", "Search (v1)", "Search  (v1)"]
    assert len({id_for_name(name) for name in names}) == len(names)
