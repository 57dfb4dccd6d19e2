from __future__ import annotations

import pytest

from services.people import Directory, User

ANA = User("005A", "Ana López", "ana@example.com")
BEN = User("005B", "Ben Ito", "ben@example.com")
BEN_GONE = User("005C", "Ben Ito", "ben.old@example.com", active=False)
SAM_1 = User("005D", "Sam Oh", "sam@example.com")
SAM_2 = User("005E", "Sam Oh", "sam.oh@example.com")
GONE = User("005F", "Old Hand", None, active=False)
STRASSE = User("005G", "Eva Strauß", "eva@example.com")
DIRECTORY = Directory([ANA, BEN, BEN_GONE, SAM_1, SAM_2, GONE, STRASSE])


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("ana@example.com", "005A"),
        ("ANA@EXAMPLE.COM", "005A"),
        ("Ana López", "005A"),
        ("ana LÓPEZ", "005A"),
        ("  Ana López\n", "005A"),
        ("EVA STRAUSS", "005G"),
        ("Ana Lopez", None),
        ("Ana", None),
        ("Ana\u00a0López", None),
        ("Ben Ito", "005B"),
        ("ben.old@example.com", None),
        ("Sam Oh", None),
        ("sam.oh@example.com", "005E"),
        ("Old Hand", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_resolves_only_to_the_one_active_user_it_means(
    text: str | None, user: str | None
) -> None:
    assert DIRECTORY.resolve(text) == user


def test_an_email_is_looked_at_before_a_name() -> None:
    crossed = Directory(
        [User("005A", "x@example.com", "y@example.com"), User("005B", "B", "x@example.com")]
    )
    assert crossed.resolve("x@example.com") == "005B"


def test_users_without_an_email_are_not_each_others_match() -> None:
    assert Directory([User("005A", "A", None), User("005B", "B", "")]).resolve("") is None


def test_a_user_who_left_keeps_the_name_and_is_still_the_person_written_down() -> None:
    assert DIRECTORY.name_of("005F") == "Old Hand"
    assert DIRECTORY.is_called("005F", "old hand")
    assert not DIRECTORY.is_called("005F", "")
    assert not DIRECTORY.is_called("005F", None)
    assert not DIRECTORY.is_called("005X", "Old Hand")
    assert DIRECTORY.name_of("005X") is None
