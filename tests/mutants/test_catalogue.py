"""A seeded bug whose place in the code is gone would seed nothing: it must be found and mended."""

from __future__ import annotations

import pytest

from tests.mutants.catalogue import ALL
from tests.mutants.mutant import ROOT, Mutant


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(ALL) >= 15
    assert len({mutant.name for mutant in ALL}) == len(ALL)


@pytest.mark.parametrize("mutant", ALL, ids=lambda mutant: mutant.name)
def test_the_bug_can_be_put_in_and_is_python(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    compile(mutant.applied_to(text), mutant.file, "exec")
    for test in mutant.tests:
        assert (ROOT / test.partition("::")[0]).exists(), test
