"""Every seeded bug."""

from __future__ import annotations

from tests.mutants import carrying, reading, writing
from tests.mutants.mutant import Mutant

ALL: tuple[Mutant, ...] = (*writing.MUTANTS, *reading.MUTANTS, *carrying.MUTANTS)
