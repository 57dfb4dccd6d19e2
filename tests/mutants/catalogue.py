"""Every seeded bug."""

from __future__ import annotations

from tests.mutants import carrying, deeper, late, reading, writing
from tests.mutants.mutant import Mutant

ALL: tuple[Mutant, ...] = (
    *writing.MUTANTS,
    *reading.MUTANTS,
    *late.MUTANTS,
    *carrying.MUTANTS,
    *deeper.MUTANTS,
)
