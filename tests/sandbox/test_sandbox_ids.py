"""Record ids: the checksum against ids seen in public documents, and both forms."""

from __future__ import annotations

import pytest

from services.sandbox.ids import base62, canonical, lengthen, make_id


@pytest.mark.parametrize(
    "known",
    [
        "001D000000IqhSLIAZ",
        "0013h00000Fz0GzAAJ",
        "005B0000008A3YtIAK",
        "001B000001OnByPIAV",
        "006gK000002aKKUQA2",
        "0128M0000004HVOQA2",
    ],
)
def test_suffix_is_the_one_salesforce_gives(known: str) -> None:
    assert lengthen(known[:15]) == known
    assert canonical(known[:15]) == known
    assert canonical(known) == known


def test_long_id_survives_a_system_that_ignores_case() -> None:
    assert canonical("001d000000iqhsliaz".upper()) == "001D000000IqhSLIAZ"
    assert canonical("001D000000IqhSLIAZ".lower()) == "001D000000IqhSLIAZ"


@pytest.mark.parametrize(
    "text",
    ["", "x", "001D000000IqhS", "001D000000IqhSLIA", "001D000000IqhSL!", "001D000000IqhSL999"],
)
def test_what_is_no_id_has_no_canonical_form(text: str) -> None:
    assert canonical(text) is None


def test_serials_count_in_base_62() -> None:
    assert base62(0, 2) == "00"
    assert base62(61, 2) == "0z"
    assert base62(62, 2) == "10"
    assert make_id("a0B", "xyz", 62) == lengthen("a0Bxyz000000010")
